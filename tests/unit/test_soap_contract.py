import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters._bundle_folder import planned
from adapters.soap import Config, Watermark
from adapters.soap.bundle import load_bundle
from adapters.soap.contract import Contract, load
from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.message.reader import Item as TypedItem
from contracts.legacy.soap.message.reader import Rest
from contracts.legacy.soap.reply import Item
from hub.demo.registry import WSDL
from tests.wsdls import OWN

SOURCE = WSDL.read_text("utf-8")
CONFIG: dict[str, Any] = {
    "name": "residents",
    "wsdl": WSDL,
    "operation": "ListResidents",
    "items": "ListResidentsResponse/resident",
    "key": "id",
}


def _no_network(url: str) -> bytes:
    raise AssertionError(url)


def _load(fetch: Callable[[str], bytes] = _no_network, **changes: object) -> Contract:
    return load(Config.model_validate({**CONFIG, **changes}), fetch)


def _written(folder: Path, *changes: tuple[str, str]) -> Path:
    text = SOURCE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "contract.wsdl").write_text(text, "utf-8")
    return folder / "contract.wsdl"


def test_a_request_is_what_the_contract_says() -> None:
    request = _load().request({"modifiedSince": "2026-01-02T03:04:05Z"})

    assert request.url == "http://127.0.0.1/registry"
    assert request.headers["SOAPAction"] == '"urn:banyan:demo:registry#ListResidents"'
    assert b":modifiedSince>2026-01-02T03:04:05Z</" in (request.body or b"")


def test_a_request_that_the_contract_does_not_allow_is_refused_unless_told_otherwise() -> None:
    with pytest.raises(ConfigError, match=r"ListResidents: the request is not valid: .*modifiedSince: .*'never'"):
        _load().request({"modifiedSince": "never"})
    assert b">never</" in (_load(check_request=False).request({"modifiedSince": "never"}).body or b"")


def _template(folder: Path, text: str) -> Path:
    (folder / "list.xml").write_text(text, "utf-8")
    return folder / "list.xml"


def test_a_request_by_a_template_is_as_it_is_written(tmp_path: Path) -> None:
    since = "<x:modifiedSince>{since}</x:modifiedSince>"
    text = f"<x:ListResidents xmlns:x='urn:banyan:demo:registry'>{since}</x:ListResidents>"
    watermark = Watermark(parameter="since", field=("lastModified",))
    contract = _load(request=_template(tmp_path, text), watermark=watermark)

    whole = contract.request({})
    changes = contract.request({"since": "2026-01-02T03:04:05Z"})

    assert whole.headers["SOAPAction"] == '"urn:banyan:demo:registry#ListResidents"'
    assert b'<soap:Body><x:ListResidents xmlns:x="urn:banyan:demo:registry"/></soap:Body>' in (whole.body or b"")
    assert b"<x:modifiedSince>2026-01-02T03:04:05Z</x:modifiedSince>" in (changes.body or b"")
    with pytest.raises(ConfigError, match=r"the request is not valid: .*modifiedSince"):
        contract.request({"since": "never"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<a/>", r"no place for the parameter limit: write \{limit\} where it goes"),
        ("<a>{limit}{other}</a>", r"\{other\} is no parameter; there are: limit"),
        (None, "request: .*list.xml: No such file"),
    ],
)
def test_a_template_and_its_parameters_agree(tmp_path: Path, text: str | None, told: str) -> None:
    template = tmp_path / "list.xml" if text is None else _template(tmp_path, text)

    with pytest.raises(ConfigError, match=told):
        _load(request=template, parameters={"limit": 10})


def test_what_zeep_can_not_read_can_be_asked_by_a_template(tmp_path: Path) -> None:
    broken = (
        '<xsd:element name="GetResident">',
        '<xsd:element name="Odd" type="tns:Missing"/><xsd:element name="GetResident">',
    )
    wsdl, request = _written(tmp_path, broken), _template(tmp_path, "<ListResidents xmlns='urn:banyan:demo:registry'/>")

    with pytest.raises(ContractError, match="Missing"):
        _load(wsdl=wsdl)
    assert b"<ListResidents " in (_load(wsdl=wsdl, request=request).request({}).body or b"")


def test_a_soap_12_port_has_its_own_content_type(tmp_path: Path) -> None:
    wsdl = _written(tmp_path, ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/"))

    headers = _load(wsdl=wsdl).request({}).headers

    assert headers["Content-Type"].startswith("application/soap+xml; ")
    assert "SOAPAction" not in headers


def test_the_paths_in_an_item_are_known() -> None:
    assert (_load().fields or frozenset()) >= {"id", "address", "address/city", "born"}


def test_wildcards_and_types_that_hold_themselves_are_read(tmp_path: Path) -> None:
    wild = _written(tmp_path, ('<xsd:element name="status" type="tns:Status"/>', '<xsd:any processContents="lax"/>'))
    assert _load(wsdl=wild).fields is None

    own = _written(
        tmp_path,
        (
            '<xsd:element name="status" type="tns:Status"/>',
            '<xsd:element name="of" type="tns:Resident" minOccurs="0"/>',
        ),
    )
    assert "of/of/id" in (_load(wsdl=own).fields or ())


def test_an_endpoint_and_credentials_are_used() -> None:
    contract = _load(endpoint="https://legacy.example/soap", credentials={"user": "hub", "password": "secret"})
    request = contract.request({})

    assert request.url == "https://legacy.example/soap"
    assert request.headers["Authorization"] == "Basic aHViOnNlY3JldA=="
    assert "secret" not in repr(request)
    assert "aHVi" not in repr(request)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"operation": "ListAll"}, "no operation ListAll; there are: GetResident, ListResidents,"),
        ({"port": "Other"}, "no SOAP port None/Other; there are: ResidentRegistry/ResidentRegistrySoap"),
        ({"service": "Other"}, "no SOAP port Other/None"),
        ({"items": "ListResidentsResponse/person"}, r"items: the reply has no person; there are: resident"),
        ({"items": "Response/resident"}, r"the reply has no Response; there are: ListResidentsResponse"),
        ({"wsdl": "nowhere/registry.wsdl"}, "No such file"),
    ],
)
def test_what_the_contract_does_not_have_is_told_with_what_it_has(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        _load(**changes)


def test_a_parameter_that_the_operation_does_not_take_is_told() -> None:
    with pytest.raises(ConfigError, match=r"ListResidents: parameters \['since'\] do not fit"):
        _load().request({"since": "2026-01-01"})


def test_a_port_without_an_address_needs_an_endpoint(tmp_path: Path) -> None:
    wsdl = _written(tmp_path, (' location="http://127.0.0.1/registry"', ' location=""'))

    with pytest.raises(ConfigError, match="has no address: set endpoint"):
        _load(wsdl=wsdl)


def test_of_several_services_one_is_to_be_named(tmp_path: Path) -> None:
    service = SOURCE[SOURCE.index("<service") : SOURCE.index("</definitions>")]
    second = service.replace('service name="ResidentRegistry"', 'service name="Second"')
    wsdl = _written(tmp_path, ("</definitions>", second + "</definitions>"))

    with pytest.raises(ConfigError, match="several services have ListResidents: name one"):
        _load(wsdl=wsdl)
    assert _load(wsdl=wsdl, service="Second").service == "Second"


@pytest.mark.parametrize("content", ["no xml", '<!DOCTYPE a [<!ENTITY x SYSTEM "y">]><a>&x;</a>', "<a/>"])
def test_what_is_no_wsdl_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.wsdl").write_text(content)

    with pytest.raises(ContractError, match="expected a WSDL"):
        _load(wsdl=tmp_path / "x.wsdl")


def test_what_has_no_ports_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.wsdl").write_text('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>')

    with pytest.raises(ConfigError, match="no SOAP port None/None; there are: none"):
        _load(wsdl=tmp_path / "x.wsdl")


def _importing(location: str) -> tuple[str, str]:
    include = f'<xsd:import namespace="urn:other" schemaLocation="{location}"/>'
    return '<xsd:element name="ListResidents">', include + '<xsd:element name="ListResidents">'


def test_imports_from_the_folder_are_read_and_from_its_bundle_where_it_is_named(tmp_path: Path) -> None:
    schema = '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:other"/>'
    (tmp_path / "own.xsd").write_text(schema)
    assert _load(wsdl=_written(tmp_path, _importing("own.xsd"))).port == "ResidentRegistrySoap"

    (tmp_path / "deep").mkdir()
    deep = _written(tmp_path / "deep", _importing("../own.xsd"))
    assert _load(wsdl=deep, bundle=tmp_path).port == "ResidentRegistrySoap"
    with pytest.raises(ContractError, match=r"expected an import of \.\./own\.xsd, found it lies outside"):
        _load(wsdl=deep)


@pytest.mark.parametrize("location", ["http://schemas.example/x.xsd", "file:///etc/hostname", "/etc/hostname"])
def test_a_local_wsdl_imports_nothing_from_elsewhere(tmp_path: Path, location: str) -> None:
    with pytest.raises(ContractError):
        _load(wsdl=_written(tmp_path, _importing(location)))


@pytest.mark.parametrize("location", ["http://other.example/x.xsd", "file:///etc/hostname", "https://legacy.example/x"])
def test_a_remote_wsdl_imports_from_its_own_server_alone(location: str) -> None:
    old, new = _importing(location)
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return SOURCE.replace(old, new).encode()

    with pytest.raises(
        ContractError, match=rf"expected an import of {re.escape(location)}, found it lies outside of the bundle's root"
    ):
        _load(fetch, wsdl="http://legacy.example/registry?wsdl")
    assert fetched == ["http://legacy.example/registry?wsdl"]


def test_a_time_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected a time zone such as Europe/Vienna"):
        Watermark(parameter="since", field=("changed",), zone="Mars/Olympus")


def test_a_path_may_have_qualified_names() -> None:
    items = ["{urn:banyan:demo:registry}ListResidentsResponse", "{urn:banyan:demo:registry}resident"]

    assert _load(items=items).port == "ResidentRegistrySoap"


def test_a_standard_schema_comes_from_the_catalog(tmp_path: Path) -> None:
    old, new = _importing("http://www.w3.org/2005/05/xmlmime")
    wsdl = _written(tmp_path, (old, new.replace("urn:other", "http://www.w3.org/2005/05/xmlmime")))

    assert _load(wsdl=wsdl).request({}).url == "http://127.0.0.1/registry"


def test_a_folder_that_a_contract_was_imported_into_is_read(tmp_path: Path) -> None:
    planned(load_bundle(WSDL), tmp_path / "pinned", taken=datetime(2026, 1, 1, tzinfo=UTC)).carry_out()

    assert _load(wsdl=tmp_path / "pinned").request({}).url == "http://127.0.0.1/registry"


def test_typed_items_are_checked_by_the_contract() -> None:
    reply = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        b'<ListResidentsResponse xmlns="urn:banyan:demo:registry"><resident><id>1</id></resident>'
        b"</ListResidentsResponse></s:Body></s:Envelope>"
    )

    [text] = _load().items([reply])
    typed, rest = _load(values="typed").items([reply])

    assert isinstance(text, Item)
    assert text.record == {"id": "1"}
    assert isinstance(typed, TypedItem)
    assert typed.error is not None
    assert typed.error.code == "missing"
    assert isinstance(rest, Rest)


def _with_a_broken_header(folder: Path, operation: str) -> Config:
    """Write a contract whose operation Move names a header that there is not; return how another one is polled."""
    text = (OWN / "namesakes.wsdl").read_text(encoding="utf-8")
    messages = '<wsdl:input message="tns:ListIn"/><wsdl:output message="tns:ListOut"/>'
    move = f'<wsdl:operation name="Move">{messages}</wsdl:operation>'
    bound = """<wsdl:operation name="Move"><soap:operation soapAction="move"/>
      <wsdl:input><soap:header message="tns:Nobody" part="who" use="literal"/><soap:body use="literal"/></wsdl:input>
      <wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation>"""
    text = text.replace("</wsdl:portType>", move + "</wsdl:portType>")
    text = text.replace("</wsdl:binding>", bound + "</wsdl:binding>")
    path = folder / "things.wsdl"
    path.write_text(text, encoding="utf-8")
    items = ("ListResponse", "returnval")
    return Config(name="things", wsdl=str(path), operation=operation, items=items, key=("handle",))


def test_what_is_broken_in_another_operation_is_no_matter(tmp_path: Path) -> None:
    request = load(_with_a_broken_header(tmp_path, "List"), _no_network).request({})

    assert request.headers["SOAPAction"] == '"list"'
    assert b"urn:banyan:namesakes" in (request.body or b"")


def test_what_requests_can_not_be_built_by_is_said_with_what_else_there_is(tmp_path: Path) -> None:
    config = _with_a_broken_header(tmp_path, "Move")

    with pytest.raises(ContractError) as caught:
        load(config, _no_network)

    assert caught.value.expected == "a WSDL that requests can be built by; `request` names one as XML"
    assert "IndexError" not in str(caught.value)
    assert "Nobody" in str(caught.value)
    template = tmp_path / "request.xml"
    template.write_text('<t:List xmlns:t="urn:banyan:namesakes"/>')
    request = load(config.model_copy(update={"request": template}), _no_network).request({})
    assert request.headers["SOAPAction"] == '"move"'


def test_of_many_operations_those_are_told_that_are_most_like_it(tmp_path: Path) -> None:
    config = _with_a_broken_header(tmp_path, "MoveOver")
    text = Path(config.wsdl).read_text(encoding="utf-8")
    bound = [f'<wsdl:operation name="Other{number}"/>' for number in range(50)]
    port = text.partition('<wsdl:portType name="Things">')[2].partition("</wsdl:operation>")[0] + "</wsdl:operation>"
    ports = [port.replace('name="List"', f'name="Other{number}"') for number in range(50)]
    text = text.replace("</wsdl:portType>", "".join(ports) + "</wsdl:portType>")
    Path(config.wsdl).write_text(text.replace("</wsdl:binding>", "".join(bound) + "</wsdl:binding>"), encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load(config, _no_network)

    assert "; did you mean Move?" in str(caught.value)
    assert str(caught.value).count("Other") < 20
