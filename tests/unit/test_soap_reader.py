"""Replies read by their contract: whole or as a stream of items, with faults, headers and what else a reply says."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from contracts.errors import ConfigError, ContractError, LegacyFaultError, LegacyUnavailableError, RecordError
from contracts.legacy.soap.contract.model import Part
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.message.deviation import Deviation
from contracts.legacy.soap.message.reader import Item, Reader, Rest
from contracts.legacy.soap.message.readers import Readers
from tests.wsdls import OWN, contract_of

SOAP11, SOAP12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
CONTRACT = contract_of(OWN / "registry.wsdl")
READERS = Readers(build(CONTRACT.bundle))
PORT = CONTRACT.services["{urn:banyan:registry}RegistryService"].ports["Registry11"]
COUNT = CONTRACT.unbound["{urn:banyan:registry}Statistics11"].operations["Count"]
PATH = ("ListResponse", "resident")


def reader(operation: str) -> Reader:
    return Reader(PORT.operations[operation], READERS, system="registry")


def envelope(body: str, *, header: str = "", version: str = SOAP11) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{version}" xmlns:r="urn:banyan:registry" xmlns:t="urn:banyan:registry:types"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{header}<s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def resident(number: int, *, more: str = "", fee: str = "1.50") -> str:
    return (
        f"<r:resident><t:id>R{number:08}</t:id><t:name>Ada</t:name><t:born>1990-02-03</t:born>"
        f"<t:status>ACTIVE</t:status><t:fee>{fee}</t:fee><t:lastModified>2026-01-02T03:04:05Z</t:lastModified>{more}</r:resident>"
    )


def listed(*residents: str, after: str = "<r:complete>true</r:complete>") -> bytes:
    return envelope(f"<r:ListResponse>{''.join(residents)}{after}</r:ListResponse>")


def items(data: bytes, *, size: int = 64) -> Iterable[Item | Rest]:
    return reader("List").items((data[at : at + size] for at in range(0, len(data), size)), PATH)


def test_a_reply_is_a_stream_of_typed_items_and_the_rest() -> None:
    first, second, rest = items(listed(resident(1), resident(2, more="<t:nickname>A</t:nickname>")))

    assert isinstance(first, Item)
    assert first.record == {
        "id": "R00000001",
        "name": "Ada",
        "born": date(1990, 2, 3),
        "status": "ACTIVE",
        "fee": Decimal("1.50"),
        "lastModified": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    assert isinstance(second, Item)
    assert second.record["nickname"] == ["A"]
    assert first.digest != second.digest
    assert rest == Rest(record={"complete": True}, deviations=[])


def test_a_refused_item_names_its_place_and_the_others_are_read() -> None:
    found = [*items(listed(resident(1), resident(2, fee="much"), resident(3)))]

    errors = [each.error for each in found if isinstance(each, Item)]
    assert [error and (error.field, error.code, error.expected) for error in errors] == [
        None,
        ("resident/fee", "value", "a decimal such as -12.50"),
        None,
    ]
    assert isinstance(found[1], Item)
    assert (found[1].record["id"], found[1].record["fee"]) == ("R00000002", "much")
    assert b"much" in found[1].xml


def test_an_added_element_is_kept_and_told() -> None:
    first, _ = items(listed(resident(1, more="<t:vip>yes</t:vip>")))

    assert isinstance(first, Item)
    assert first.deviations == [Deviation("unknown", "resident/vip", "no such element")]
    assert first.record["#unknown"] == [{"{urn:banyan:registry:types}vip": "yes"}]


def test_what_the_rest_lacks_is_told_and_refuses_nothing() -> None:
    *_, rest = items(listed(resident(1), after=""))

    assert rest == Rest(record={}, deviations=[Deviation("missing", "Body/ListResponse/complete", "at least 1")])
    assert [*items(listed())] == [Rest(record={"complete": True}, deviations=[])]


def test_what_stands_before_and_between_the_items_is_kept() -> None:
    *_, rest = items(listed("<r:total>2</r:total>", resident(1), "<r:page>1</r:page>", resident(2)))

    assert isinstance(rest, Rest)
    assert rest.record["#unknown"] == [{"{urn:banyan:registry}total": "2"}, {"{urn:banyan:registry}page": "1"}]
    assert [each.path for each in rest.deviations] == ["Body/ListResponse/total", "Body/ListResponse/page"]


def test_text_between_items_is_told() -> None:
    *_, rest = items(listed(resident(1), "STRAY", resident(2), "MORE"))

    assert isinstance(rest, Rest)
    assert rest.record["#text"] == "STRAYMORE"
    assert [each.kind for each in rest.deviations] == ["text"]


def test_an_item_in_another_namespace_is_told() -> None:
    first, *_ = items(listed(resident(1).replace("<r:resident>", "<x:resident xmlns:x='urn:x'>").replace("/r:", "/x:")))

    assert isinstance(first, Item)
    assert first.deviations[0] == Deviation("namespace", "resident", "the namespace urn:banyan:registry")


def test_an_item_that_is_nested_too_deep_refuses_itself_alone() -> None:
    deep = "<t:vip>" * 120 + "</t:vip>" * 120

    first, second, _ = items(listed(resident(1, more=deep), resident(2)))

    assert isinstance(first, Item)
    assert first.error is not None
    assert "at most 100 levels" in str(first.error)
    assert b"vip" in first.xml
    assert isinstance(second, Item)
    assert second.error is None


def test_what_stands_after_the_reply_in_the_body_is_told() -> None:
    found = reader("Move").read(envelope(f"<r:MoveResponse>{resident(1)}</r:MoveResponse><r:Extra>1</r:Extra>"))
    *_, rest = items(envelope("<r:ListResponse><r:complete>1</r:complete></r:ListResponse><r:Extra>1</r:Extra>"))

    assert isinstance(rest, Rest)
    for each in (found, rest):
        assert each.deviations == [Deviation("unknown", "Body/Extra", "nothing after the reply")]
        assert each.record["#unknown"] == [{"{urn:banyan:registry}Extra": "1"}]


def test_a_whole_reply_has_its_headers() -> None:
    data = envelope(
        f"<r:MoveResponse>{resident(1)}</r:MoveResponse>",
        header="<s:Header><r:Caller>office</r:Caller><x xmlns=''>1</x></s:Header>",
    )

    found = reader("Move").read(data)

    assert isinstance(found.record["resident"], dict)
    assert found.record["resident"]["id"] == "R00000001"
    assert found.headers == {"{urn:banyan:registry}Caller": "office", "x": "1"}
    assert found.deviations == []


def test_parts_of_rpc_are_typed() -> None:
    data = envelope('<p:CountResponse xmlns:p="urn:banyan:statistics"><count>7</count></p:CountResponse>')
    read = Reader(COUNT, READERS, system="registry")

    assert read.read(data).record == {"count": 7}
    with pytest.raises(RecordError, match="CountResponse/count: expected an integer"):
        read.read(data.replace(b"7", b"x"))
    with pytest.raises(LegacyUnavailableError, match=r"expected \{urn:banyan:statistics\}CountResponse in"):
        read.read(data.replace(b"urn:banyan:statistics", b"urn:other"))


def test_a_reply_in_soap_encoding_is_read_by_its_references() -> None:
    assert COUNT.output is not None
    encoded = replace(COUNT, output=replace(COUNT.output, use="encoded"))
    data = envelope('<p:CountResponse xmlns:p="urn:banyan:statistics"><n href="#a"/></p:CountResponse><m id="a">7</m>')

    assert Reader(encoded, READERS, system="registry").read(data).record == {"count": 7}


def test_what_is_right_beside_items_is_not_remembered_as_right_without_them() -> None:
    read = reader("Move")
    *_, rest = read.items([envelope(f"<r:MoveResponse>{resident(1)}</r:MoveResponse>")], ("MoveResponse", "resident"))
    assert rest == Rest(record={}, deviations=[])

    with pytest.raises(RecordError, match="MoveResponse/resident: expected at least 1"):
        read.read(envelope("<r:MoveResponse/>"))


def test_what_stands_beside_the_items_is_bounded() -> None:
    beside = "<r:page/>" * 10_001

    with pytest.raises(LegacyUnavailableError, match="at most 10000 elements beside the items"):
        list(items(listed(beside, resident(1)), size=4096))


DECLARED = "<r:UnknownResident><r:id>R00000009</r:id></r:UnknownResident>"
UNQUALIFIED = '<UnknownResident xmlns=""><r:id>R00000009</r:id></UnknownResident>'
FAULTS = {
    "1.1": (
        f"<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring><detail>{DECLARED}</detail></s:Fault>"
    ),
    "1.1, qualified": (
        "<s:Fault><s:faultcode>s:Client</s:faultcode><s:faultstring>no</s:faultstring>"
        f"<s:detail>{DECLARED}</s:detail></s:Fault>"
    ),
    "1.2": (
        "<s:Fault><s:Code><s:Value>s:Client</s:Value></s:Code><s:Reason><s:Text xml:lang='en'>no</s:Text></s:Reason>"
        f"<s:Detail>{DECLARED}</s:Detail></s:Fault>"
    ),
    "detail without a namespace": (
        f"<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring><detail>{UNQUALIFIED}</detail></s:Fault>"
    ),
}


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
@pytest.mark.parametrize("shape", FAULTS)
def test_a_declared_fault_is_typed_whatever_its_shape(shape: str, version: str) -> None:
    data = envelope(FAULTS[shape], version=version)

    with pytest.raises(LegacyFaultError) as raised:
        reader("Move").read(data)

    error = raised.value
    assert (error.code, error.text, error.fault, error.detail) == ("Client", "no", "unknown", {"id": "R00000009"})
    assert str(error) == "registry: fault Client (unknown): no"
    with pytest.raises(LegacyFaultError, match=r"fault Client \(unknown\): no"):
        list(reader("Move").items([data], ("MoveResponse", "resident")))


def test_a_fault_that_nobody_declared_keeps_its_detail_as_text() -> None:
    data = envelope(FAULTS["1.1"].replace("UnknownResident", "Surprise"))

    with pytest.raises(LegacyFaultError) as raised:
        reader("Move").read(data)

    assert (raised.value.fault, raised.value.detail) == (None, {"id": "R00000009"})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty body"),
        (b"<html><body>503</body></html>", "found HTML"),
        (b"Service Unavailable", "found no XML"),
        (envelope("<r:MoveResponse/>"), "expected {urn:banyan:registry}ListResponse in the SOAP Body"),
        (listed(resident(1))[:-30], "expected well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + listed(), "expected no DTD"),
    ],
)
def test_what_is_no_reply_is_unavailable(data: bytes, reason: str) -> None:
    with pytest.raises(LegacyUnavailableError, match=reason):
        reader("List").read(data)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("ListResponse", "person"), "the reply has no person; there are: complete, resident"),
        (("Answer", "resident"), "the reply has no Answer; there are: ListResponse"),
    ],
)
def test_a_path_that_the_contract_does_not_have_is_refused(path: tuple[str, ...], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        list(reader("List").items([listed()], path))


def test_a_one_way_operation_has_no_reader() -> None:
    with pytest.raises(ConfigError, match="Touch: it is one-way"):
        reader("Touch")


def test_a_part_that_no_schema_has_is_a_broken_contract() -> None:
    operation = PORT.operations["Move"]
    assert operation.output is not None
    nobody = Part(name="parameters", element="{urn:banyan:registry}Nobody")
    broken = replace(operation, output=replace(operation.output, parts=(nobody,)))

    with pytest.raises(ContractError, match=r"registry.wsdl:\d+: Move: expected what part parameters is, found"):
        Reader(broken, READERS, system="registry")
