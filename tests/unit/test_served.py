"""A contract that is served says the same but for its addresses, as many documents and as one."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import Bundle, Catalog
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.served import Served, serve
from contracts.legacy.xml import parse
from tests.served import ORIGIN, gathered, said
from tests.wsdls import OWN, bundle_of, shared, shared_names

REGISTRY = OWN / "registry.wsdl"
XSD = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
Edit = Callable[[str], str]


def copied(folder: Path, edit: Edit = lambda text: text, **files: str) -> Path:
    """Copy our own contract, with another WSDL, and with more files."""
    shutil.copytree(OWN, folder, dirs_exist_ok=True)
    (folder / "registry.wsdl").write_text(edit(REGISTRY.read_text()))
    for name, text in files.items():
        (folder / f"{name}.{'wsdl' if '<definitions' in text else 'xsd'}").write_text(text)
    return folder / "registry.wsdl"


def served(path: Path, **ports: str) -> Served:
    return serve(bundle_of(path), "/registry", ports=ports)


def text(served: Served, query: str) -> str:
    return served.pages[query].at(ORIGIN).decode()


def test_only_addresses_and_locations_differ_and_all_else_is_octet_by_octet() -> None:
    made = served(REGISTRY)

    assert sorted(made.pages) == [
        "singlewsdl",
        "wsdl",
        "wsdl=registry.wsdl",
        "xsd=types/codes.xsd",
        "xsd=types/resident.xsd",
    ]
    expected = (
        REGISTRY.read_text()
        .replace("http://127.0.0.1:8080/", f"{ORIGIN}/")
        .replace('"types/resident.xsd"', f'"{ORIGIN}/registry?xsd=types/resident.xsd"')
    )
    assert text(made, "wsdl") == text(made, "wsdl=registry.wsdl") == expected
    resident = (OWN / "types" / "resident.xsd").read_text()
    assert text(made, "xsd=types/resident.xsd") == resident.replace(
        '"codes.xsd"', f'"{ORIGIN}/registry?xsd=types/codes.xsd"'
    )
    assert text(made, "xsd=types/codes.xsd") == (OWN / "types" / "codes.xsd").read_text()


@pytest.mark.parametrize("query", ["wsdl", "singlewsdl"])
def test_what_is_served_says_the_same(query: str) -> None:
    original = bundle_of(REGISTRY)

    again = gathered(served(REGISTRY), "/registry", query=query)

    assert said(read_contract(again)) == said(read_contract(original))
    assert [again.missing, len(again.documents)] == [(), {"wsdl": 3, "singlewsdl": 1}[query]]
    ours, theirs = build(again).xsd.maps, build(original).xsd.maps
    assert (set(ours.elements), set(ours.types)) == (set(theirs.elements), set(theirs.types))
    assert build(again).errors == ()


def addresses(made: Served) -> list[str | None]:
    contract = read_contract(gathered(made, "/registry"))
    return [port.address for service, port in contract.ports if service is not None]


PATHS: list[tuple[Edit, dict[str, str], list[str]]] = [
    (lambda text: text, {}, ["/registry", "/registry12"]),
    (lambda text: text.replace("8080/registry12", "8080/registry"), {}, ["/registry", "/registry"]),
    (lambda text: text.replace("8080/registry12", "8080/a").replace("8080/registry", "9/a"), {}, ["/registry"] * 2),
    (lambda text: text.replace("8080/registry12", "8080/Svc.svc?v=2&amp;w"), {}, ["/registry", "/Svc.svc?v=2&w"]),
    (lambda text: text.replace("http://127.0.0.1:8080/registry12", "REPLACE"), {}, ["/registry", "/registry"]),
    (lambda text: text, {"Registry12": "/new12"}, ["/registry", "/new12"]),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "ports", "expected"), PATHS)
def test_ports_get_the_path_that_was_called_or_keep_their_own_where_they_differ(
    tmp_path: Path, edit: Edit, ports: dict[str, str], expected: list[str]
) -> None:
    assert addresses(served(copied(tmp_path, edit), **ports)) == [ORIGIN + path for path in expected]


def test_an_address_that_is_not_of_http_stays(tmp_path: Path) -> None:
    there = copied(tmp_path, lambda text: text.replace("http://127.0.0.1:8080/registry12", "jms:queue:registry"))

    assert addresses(served(there)) == [f"{ORIGIN}/registry", "jms:queue:registry"]


def test_policies_comments_quotes_and_endpoint_references_stay(tmp_path: Path) -> None:
    policy = (
        "<wsp:Policy xmlns:wsp='http://www.w3.org/ns/ws-policy' a  =\t'>'><!-- <soap:address location='x'/> -->"
        "<![CDATA[<xs:import schemaLocation='y'/>]]><?pi <soap:address?></wsp:Policy>\r\n"
    )
    reference = (
        "<e:EndpointReference xmlns:e='http://www.w3.org/2005/08/addressing'><e:Address>http://old/registry</e:Address>"
        "</e:EndpointReference></wsdl:port>"
    )

    def edit(text: str) -> str:
        return text.replace("  <wsdl:types>", policy + "  <wsdl:types>").replace("</wsdl:port>", reference, 1)

    made = text(served(copied(tmp_path, edit)), "wsdl")

    assert policy in made
    assert f"<e:Address>{ORIGIN}/registry</e:Address>" in made
    assert made.count(ORIGIN) == 4


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "iso-8859-1", "windows-1252"])
def test_a_document_keeps_its_encoding(tmp_path: Path, codec: str) -> None:
    declared = codec.removesuffix("-sig").removesuffix("-le")
    told = REGISTRY.read_text().replace('encoding="UTF-8"', f'encoding="{declared}"').replace("Lists", "Zählt")
    path = copied(tmp_path)
    path.write_bytes(told.encode(codec))
    made = served(path)

    expected = told.replace("http://127.0.0.1:8080/", f"{ORIGIN}/")
    assert made.pages["wsdl"].at(ORIGIN).decode(codec) == expected.replace(
        '"types/resident.xsd"', f'"{ORIGIN}/registry?xsd=types/resident.xsd"'
    )
    assert said(read_contract(gathered(made, "/registry", query="singlewsdl"))) == said(read_contract(bundle_of(path)))


def test_what_the_bundle_lacks_is_not_served_and_keeps_its_location(tmp_path: Path) -> None:
    path = copied(tmp_path)
    (tmp_path / "types" / "codes.xsd").unlink()
    made = served(path)

    assert "xsd=types/codes.xsd" not in made.pages
    assert 'schemaLocation="codes.xsd"' in text(made, "xsd=types/resident.xsd")
    assert "singlewsdl" not in made.pages
    assert (made.single_problem or "").endswith("found a reference to codes.xsd, which the contract lacks")


def test_a_name_with_blanks_and_marks_is_found_again(tmp_path: Path) -> None:
    path = copied(tmp_path, lambda text: text.replace("types/resident.xsd", "a%20b%26c.xsd"))
    shutil.copy(OWN / "types" / "codes.xsd", tmp_path)
    shutil.copy(OWN / "types" / "resident.xsd", tmp_path / "a b&c.xsd")
    made = served(path)

    assert "xsd=a b&c.xsd" in made.pages
    assert f"{ORIGIN}/registry?xsd=a%20b%26c.xsd" in text(made, "wsdl")
    assert gathered(made, "/registry").missing == ()


def split(namespace: str = "urn:banyan:registry") -> tuple[Edit, str]:
    """Put the bindings' document before another one with all the rest, with a default namespace of its own."""
    told = REGISTRY.read_text()
    start, end = told.index("  <wsdl:types>"), told.index('  <wsdl:binding name="Registry11"')
    moved = told[start:end].replace("wsdl:", "").replace("types/", "types/")
    abstract = (
        f'<definitions name="Abstract" targetNamespace="{namespace}" xmlns:tns="{namespace}" {XSD}\n'
        f'  xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:banyan:registry:types"><!-- abstract -->\n{moved}'
        "</definitions>"
    )
    imported = f'  <wsdl:import namespace="{namespace}" location="abstract.wsdl"/>\n'
    return (lambda text: text[: text.index("  <wsdl:types>")] + imported + told[end:]), abstract


def of_our_namespace(path: Path) -> str:
    return path.read_text().replace("urn:other", "urn:banyan:registry")


def test_definitions_of_one_namespace_are_put_together_with_what_their_names_mean(tmp_path: Path) -> None:
    edit, abstract = split()
    path = copied(tmp_path, edit, abstract=abstract)
    made = served(path)

    assert sorted(made.pages)[1:3] == ["wsdl", "wsdl=abstract.wsdl"]
    assert f'location="{ORIGIN}/registry?wsdl=abstract.wsdl"' in text(made, "wsdl")
    one = gathered(made, "/registry", query="singlewsdl")
    assert len(one.documents) == 1
    assert said(read_contract(one)) == said(read_contract(bundle_of(path))) == said(read_contract(bundle_of(REGISTRY)))
    assert build(one).errors == ()
    assert "<!-- abstract -->" in text(made, "singlewsdl")


def typed(path: Path, declared: str) -> str:
    return f"<!DOCTYPE a [{declared}]>{of_our_namespace(path)}"


TYPED = "a document type declaration that says what the document means"
IMPOSSIBLE: list[tuple[Callable[[Path], object], str]] = [
    (lambda path: path, "definitions of another namespace, urn:other"),
    (
        lambda path: path.write_text(of_our_namespace(path).replace('name="A', 'x="A')),
        "definitions with the attribute x",
    ),
    (
        lambda path: path.write_text("<xs:other xmlns:xs='urn:x'/>"),
        "a reference to abstract.wsdl, which the contract lacks",
    ),
    (lambda path: path.write_text(typed(path, "<!ENTITY e 'List'>").replace('"List"', '"&e;"')), TYPED),
    (lambda path: path.write_text(typed(path, "<!ATTLIST a xmlns:a CDATA #FIXED 'b' more CDATA 'y'>")), TYPED),
    (lambda path: path.write_text(typed(path, "<!ATTLIST message name CDATA 'x' more CDATA 'y'>")), TYPED),
    (lambda path: path.write_text(typed(path, "<!ATTLIST definitions xmlns:p CDATA #FIXED 'urn:p'>")), TYPED),
]


@pytest.mark.parametrize(("change", "problem"), IMPOSSIBLE)
def test_what_can_not_be_one_document_is_told(tmp_path: Path, change: Callable[[Path], object], problem: str) -> None:
    edit, abstract = split("urn:other")
    path = copied(tmp_path, edit, abstract=abstract)
    change(tmp_path / "abstract.wsdl")
    made = served(path)

    assert "singlewsdl" not in made.pages
    assert (made.single_problem or "").endswith(f"found {problem}")
    assert (made.single_problem or "").startswith("file://")


def test_what_stands_in_two_folders_stands_once_in_the_whole(tmp_path: Path) -> None:
    another = '<xs:import namespace="urn:banyan:registry:types" schemaLocation="again/resident.xsd"/>'
    path = copied(tmp_path, lambda text: text.replace('<xs:element name="List">', f'{another}<xs:element name="List">'))
    shutil.copytree(OWN / "types", tmp_path / "again")
    made = served(path)

    assert "xsd=again/codes.xsd" in made.pages
    assert text(made, "singlewsdl").count('name="ResidentId"') == text(made, "singlewsdl").count('name="Status"') == 1
    assert build(gathered(made, "/registry", query="singlewsdl")).errors == ()


def test_contracts_that_import_each_other_are_put_together_once(tmp_path: Path) -> None:
    edit, abstract = split()
    back = '<import namespace="urn:banyan:registry" location="registry.wsdl"/><types>'
    path = copied(tmp_path, edit, abstract=abstract.replace("<types>", back, 1))
    made = served(path)

    assert f'location="{ORIGIN}/registry?wsdl"' in text(made, "wsdl=abstract.wsdl")
    assert said(read_contract(gathered(made, "/registry"))) == said(read_contract(bundle_of(REGISTRY)))
    assert said(read_contract(gathered(made, "/registry", query="singlewsdl"))) == said(read_contract(bundle_of(path)))


def test_a_document_type_that_says_nothing_is_left_out_of_the_whole(tmp_path: Path) -> None:
    path = copied(tmp_path)
    schema = tmp_path / "types" / "codes.xsd"
    doctype = "<!DOCTYPE xs:schema PUBLIC '-//W3C//DTD XMLSCHEMA 200102//EN' 'XMLSchema.dtd' [<!ENTITY e ''>]>"
    schema.write_text(schema.read_text().replace("<xs:schema", f"{doctype}\n<xs:schema"))
    made = served(path)

    assert doctype in text(made, "xsd=types/codes.xsd")
    assert "DOCTYPE" not in text(made, "singlewsdl")
    assert build(gathered(made, "/registry", query="singlewsdl")).errors == ()


def test_a_redefinition_can_not_be_one_document(tmp_path: Path) -> None:
    path = copied(tmp_path)
    schema = (tmp_path / "types" / "resident.xsd").read_text()
    (tmp_path / "types" / "resident.xsd").write_text(
        schema.replace('<xs:include schemaLocation="codes.xsd"/>', '<xs:redefine schemaLocation="codes.xsd"/>')
    )
    made = served(path)

    assert "xsd:redefine" in (made.single_problem or "")
    assert f'<xs:redefine schemaLocation="{ORIGIN}/registry?xsd=types/codes.xsd"/>' in text(
        made, "xsd=types/resident.xsd"
    )


def test_characters_that_the_whole_can_not_hold_are_told(tmp_path: Path) -> None:
    path = copied(tmp_path, lambda text: text.replace('encoding="UTF-8"', 'encoding="US-ASCII"'))
    schema = tmp_path / "types" / "codes.xsd"
    schema.write_text(schema.read_text().replace("Without", "Öhne"))
    made = served(path)

    assert (made.single_problem or "").endswith(
        "expected characters that us-ascii has, found 'Ö' of a document that it imports"
    )


def test_elements_out_of_entities_can_not_be_changed(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        told = text.replace(
            "<wsdl:definitions",
            "<!DOCTYPE x [<!ENTITY e \"<a xmlns='urn:a'/>\">]>\n<wsdl:definitions",
        )
        return told.replace('<soap:address location="http://127.0.0.1:8080/registry"/>', "&e;")

    with pytest.raises(ContractError, match="none in an entity"):
        served(copied(tmp_path, edit))


def test_ports_of_one_name_are_told_apart_by_their_services(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        start, end = text.index("<wsdl:service "), text.index("</wsdl:service>") + len("</wsdl:service>")
        service = text[start:end]
        second = re.sub(r'name="[^"]*"', 'name="Second"', service, count=1).replace("/registry", "/second")
        return text[:end] + second + text[end:]

    name = re.search(r'<wsdl:service name="([^"]*)"', REGISTRY.read_text())
    assert name is not None
    paths = {f"{name[1]}/Registry11": "/first", "Second/Registry11": "/other", "Registry12": "/both"}
    made = serve(bundle_of(copied(tmp_path, edit)), "/registry", ports=paths)

    addresses = re.findall(r'address location="([^"]*)"', text(made, "wsdl"))
    assert addresses == [f"{ORIGIN}{path}" for path in ("/first", "/both", "/other", "/both")]


def test_a_path_of_a_port_that_is_not_there_is_refused() -> None:
    with pytest.raises(ContractError, match="expected ports of Registry11, Registry12, found Registry13"):
        served(REGISTRY, Registry13="/registry")


def test_what_is_no_wsdl_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "a.wsdl").write_text("<html/>")

    with pytest.raises(ContractError, match=r"expected a WSDL 1\.1 document"):
        served(tmp_path / "a.wsdl")


def test_a_document_type_and_an_entity_in_a_location_do_no_harm(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        told = text.replace(
            "<wsdl:definitions", "<!DOCTYPE x [<!-- ]> ' --><!ENTITY t 'types'>]>\n<wsdl:definitions", 1
        )
        return told.replace('"types/resident.xsd"', "'&t;/resident.xsd'")

    made = served(copied(tmp_path, edit))

    assert f"schemaLocation='{ORIGIN}/registry?xsd=types/resident.xsd'" in text(made, "wsdl")
    assert gathered(made, "/registry").missing == ()
    assert parse(made.pages["xsd=types/codes.xsd"].at(ORIGIN)).tag.endswith("schema")


def without_location(bundle: Bundle) -> Catalog:
    """Return what has the schemas that are known to all: those that a contract imports without a location."""
    known = {uri: document.data for uri, document in bundle.documents.items() if uri.startswith("catalog:")}
    return lambda uri, namespace: known.get(f"catalog:{namespace}") if uri is None else None


def test_every_shared_contract_is_served_as_many_documents_and_says_the_same() -> None:
    for name in shared_names():
        contract = shared(name)
        made = serve(contract.bundle, "/service")

        again = gathered(made, "/service", catalog=without_location(contract.bundle))

        assert said(read_contract(again)) == said(contract), name
        assert len(again.documents) == len(contract.bundle.documents), name


def test_every_shared_contract_is_one_document_that_says_the_same_or_is_told_not_to_be() -> None:
    problems = dict[str, str]()
    for name in shared_names():
        contract = shared(name)
        made = serve(contract.bundle, "/service")
        if made.single_problem is not None:
            problems[name.rpartition("/")[2]] = made.single_problem.rpartition("found ")[2].partition(",")[0]
            continue
        again = gathered(made, "/service", query="singlewsdl", catalog=without_location(contract.bundle))
        assert said(read_contract(again)) == said(contract), name
        assert {uri for uri in again.documents if "?" in uri} == {again.start}, name
        ours, theirs = build(again), build(contract.bundle)
        assert len(ours.errors) <= len(theirs.errors), name
        assert set(ours.xsd.maps.elements) == set(theirs.xsd.maps.elements), name
        assert set(ours.xsd.maps.types) == set(theirs.xsd.maps.types), name

    another = "definitions of another namespace"
    assert problems == {
        "hello_world_services.wsdl": "a reference to doesnotexist/hello_world_bindings.wsdl",
        "DoubleItX509.wsdl": "a reference to src/test/resources/DoubleItLogical.wsdl",
        "wsdl_xxe_import_main.wsdl": "a reference to wsdl_xxe_import_malicious.xsd",
        "hello_world_recursive.wsdl": another,
        "Binding.wsdl": another,
    }
