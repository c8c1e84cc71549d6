"""Reading a WSDL: services, ports, operations, and what is broken in them."""

import shutil
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import Bundle, Document
from contracts.legacy.soap.contract.model import Header, Part
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.xml import XmlError
from tests.wsdls import OWN, contract_of, shared, shared_names

REGISTRY = OWN / "registry.wsdl"
TNS = "{urn:banyan:registry}"


def test_what_the_contract_offers_is_read() -> None:
    contract = contract_of(REGISTRY)

    service = contract.services[TNS + "RegistryService"]
    assert {name: (port.soap, port.address, list(port.operations)) for name, port in service.ports.items()} == {
        "Registry11": ("1.1", "http://127.0.0.1:8080/registry", ["List", "Move", "Touch"]),
        "Registry12": ("1.2", "http://127.0.0.1:8080/registry12", ["List"]),
    }
    assert list(contract.unbound) == [TNS + "Statistics11"]
    assert contract.findings == ()
    assert str(service.ports["Registry11"].place) == "registry.wsdl:123"


def test_a_header_is_no_part_of_the_body() -> None:
    move = contract_of(REGISTRY).services[TNS + "RegistryService"].ports["Registry11"].operations["Move"]

    assert move.input.parts == (Part(name="parameters", element=TNS + "Move"),)
    caller = Part(name="caller", element=TNS + "Caller")
    assert move.input.headers == (Header(message=TNS + "MoveRequest", part=caller, use="literal"),)
    assert [(fault.name, fault.part) for fault in move.faults] == [
        ("unknown", Part(name="fault", element=TNS + "UnknownResident"))
    ]
    assert (move.style, move.action, move.input.root) == ("document", "urn:banyan:registry/Move", TNS + "Move")


def test_a_header_of_another_message_takes_nothing_out_of_the_body(tmp_path: Path) -> None:
    told = REGISTRY.read_text().replace(
        '<soap:header message="tns:MoveRequest" part="caller" use="literal"/>',
        '<soap:header message="tns:ListRequest" part="parameters" use="literal"/>',
    )
    (tmp_path / "registry.wsdl").write_text(told)

    move = contract_of(tmp_path / "registry.wsdl").services[TNS + "RegistryService"].ports["Registry11"]

    assert [part.name for part in move.operations["Move"].input.parts] == ["parameters", "caller"]


def test_one_schema_under_two_addresses_is_one(tmp_path: Path) -> None:
    shutil.copytree(OWN / "types", tmp_path / "types")
    shutil.copy(tmp_path / "types" / "resident.xsd", tmp_path / "types" / "again.xsd")
    one = '<xs:import namespace="urn:banyan:registry:types" schemaLocation="types/resident.xsd"/>'
    told = REGISTRY.read_text()
    assert one in told
    (tmp_path / "registry.wsdl").write_text(told.replace(one, one + one.replace("resident", "again")))

    bundle = contract_of(tmp_path / "registry.wsdl").bundle

    assert len(bundle.documents) == 4
    assert build(bundle).errors == ()


def test_a_call_without_an_answer_and_one_of_rpc() -> None:
    contract = contract_of(REGISTRY)
    touch = contract.services[TNS + "RegistryService"].ports["Registry11"].operations["Touch"]
    count = contract.unbound[TNS + "Statistics11"].operations["Count"]

    assert touch.output is None
    assert count.output is not None
    assert (count.input.root, count.output.root) == (
        "{urn:banyan:statistics}Count",
        "{urn:banyan:statistics}CountResponse",
    )
    assert [(part.tag, part.type) for part in count.input.parts] == [
        ("city", "{http://www.w3.org/2001/XMLSchema}string"),
        ("born", "{http://www.w3.org/2001/XMLSchema}date"),
    ]


def test_the_schemas_are_one_set_of_components() -> None:
    schemas = build(contract_of(REGISTRY).bundle)

    resident = schemas.type("{urn:banyan:registry:types}Resident")
    status = schemas.type("{urn:banyan:registry:types}Status")
    assert schemas.errors == ()
    assert resident is not None
    assert resident.is_complex()
    assert status is not None
    assert status.text_is_valid("MOVED")
    assert not status.text_is_valid("BOGUS")
    assert schemas.element(TNS + "Nobody") is None


def test_an_import_above_the_root_is_missing_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "secret.xsd").write_text("<schema xmlns='http://www.w3.org/2001/XMLSchema'/>")
    told = REGISTRY.read_text().replace("types/resident.xsd", "../secret.xsd")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "registry.wsdl").write_text(told)

    contract = contract_of(tmp_path / "a" / "registry.wsdl")

    assert [(finding.code, str(finding.place)) for finding in contract.findings] == [
        ("missing-import", "registry.wsdl:9")
    ]
    assert "missing import ../secret.xsd: it lies outside of the bundle's root" in contract.findings[0].text


@pytest.mark.parametrize("way", ["..%2fsecret.xsd", "a/%2e%2e/%2e%2e/secret.xsd", "file:///etc/passwd", "a\\..\\b"])
def test_no_spelling_leads_out_of_the_root(tmp_path: Path, way: str) -> None:
    (tmp_path / "secret.xsd").write_text("<schema xmlns='http://www.w3.org/2001/XMLSchema'/>")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "registry.wsdl").write_text(REGISTRY.read_text().replace("types/resident.xsd", way))

    bundle = contract_of(tmp_path / "a" / "registry.wsdl").bundle

    assert len(bundle.documents) == 1
    assert [missing.location for missing in bundle.missing] == [way]


def test_what_is_no_wsdl_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wsdl").write_text("<html/>")
    (tmp_path / "b.wsdl").write_text("<definitions>")

    with pytest.raises(ContractError, match=r"expected a WSDL 1\.1 document"):
        contract_of(tmp_path / "a.wsdl")
    with pytest.raises(XmlError, match="expected well-formed XML"):
        contract_of(tmp_path / "b.wsdl")


def test_names_that_lead_nowhere_are_told_with_their_lines(tmp_path: Path) -> None:
    told = REGISTRY.read_text()
    for before, after in {
        'message="tns:ListAnswer"': 'message="tns:Nothing"',
        'binding="tns:Registry12"': 'binding="tns:Nothing"',
        '<soap:header message="tns:MoveRequest"': '<soap:header message="nowhere:MoveRequest"',
        '<wsdl:operation name="Touch">\n': '<wsdl:operation name="Tuch">\n',
    }.items():
        assert before in told
        told = told.replace(before, after)
    (tmp_path / "registry.wsdl").write_text(told.replace("types/resident.xsd", str(OWN / "types/resident.xsd")))

    found = contract_of(tmp_path / "registry.wsdl").findings

    assert {finding.code for finding in found} == {
        "missing-import",
        "missing-message",
        "missing-binding",
        "unknown-prefix",
        "missing-header",
        "missing-operation",
    }
    assert all(finding.place.line > 0 for finding in found)


def test_every_shared_contract_is_read_and_all_its_parts_are_found() -> None:
    known, broken = 0, set[str]()
    for name in shared_names():
        contract = shared(name)
        schemas = build(contract.bundle)
        broken |= {f"{name.rpartition('/')[2]}: {finding.code}" for finding in contract.findings}
        for _, port in contract.ports:
            for operation in port.operations.values():
                bodies = [body for body in (operation.input, operation.output) if body is not None]
                for part in (part for body in bodies for part in body.parts):
                    assert (
                        schemas.element(part.element) if part.element else schemas.type(part.type or "")
                    ) is not None
                    known += 1
    print(f"{known} parts")

    assert broken == {
        "header_doc_lit.wsdl: missing-part",
        "hello_world_services.wsdl: missing-import",
        "hello_world_services.wsdl: missing-binding",
        "hello_world_services.wsdl: no-operations",
        "DoubleItX509.wsdl: missing-import",
        "DoubleItX509.wsdl: missing-port-type",
        "DoubleItX509.wsdl: no-operations",
        "wsdl_xxe_import_main.wsdl: missing-import",
        "example-adapter.wsdl: missing-header",
    }
    assert known > 2500


def test_a_namespace_that_is_no_address_is_built_like_any_other() -> None:
    schema = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:é">'
    text = f'{schema}<xs:element name="a"/></xs:schema>'
    document = Document(uri="file:///a.xsd", data=text.encode())

    schemas = build(Bundle(start=document.uri, root="file:///", documents={document.uri: document}))

    assert schemas.element("{urn:é}a") is not None
