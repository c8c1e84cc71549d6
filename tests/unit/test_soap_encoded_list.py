"""Lists in SOAP encoding: each item with all that it refers to, and the same bytes however it is written."""

import time
from collections.abc import Sequence

import pytest

from contracts.errors import ConfigError, LegacyFaultError, LegacyUnavailableError
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.message.deviation import Deviation
from contracts.legacy.soap.message.reader import Item, Reader, Rest
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.xml import Limits
from tests import encoded_registry
from tests.encoded_registry import STYLE, bundle, envelope, reply, resident

LIST = ("listResponse", "listReturn")
PAGE = ("pageResponse", "pageReturn", "residents")


def reader(operation: str = "list") -> Reader:
    contract = read_contract(found := bundle())
    [(_, port)] = contract.ports
    return Reader(port.operations[operation], Readers(build(found)), system="axis")


def read(data: bytes, path: Sequence[str] = LIST, *, limits: Limits | None = None) -> tuple[list[Item], Rest]:
    *items, rest = reader(path[0].removesuffix("Response")).items([data[:50], data[50:]], tuple(path), limits)
    assert isinstance(rest, Rest)
    return [item for item in items if isinstance(item, Item)], rest


def household(city: str, *, at: str, head: str = "") -> str:
    inner = f'<city xsi:type="e:string">{city}</city>' + (f'<head href="#{head}"/>' if head else "")
    return f'<multiRef id="{at}" {STYLE} xsi:type="m:Household" xmlns:m="urn:legacy">{inner}</multiRef>'


def test_an_item_has_what_it_refers_to() -> None:
    marks = '<marks e:arrayType="xsd:int[2]"><x>1</x><x>2</x></marks>'
    found, rest = read(reply(["a"], resident("7", f'<household href="#h"/>{marks}', at="a") + household("X", at="h")))

    assert [(each.error, each.deviations) for each in found] == [(None, [])]
    assert found[0].record == {"id": "7", "name": "N7", "household": {"city": "X"}, "marks": [1, 2]}
    assert (rest.record, rest.deviations) == ({}, [])


def test_other_ids_another_order_and_what_stands_in_place_are_the_same_bytes() -> None:
    apart = [resident("7", '<household href="#h"/>', at="a"), household("X", at="h")]
    before = read(reply(["a"], "".join(apart)))[0]

    renamed = "".join(apart).replace('"a"', '"id0"').replace('"h"', '"id9"').replace('"#h"', '"#id9"')
    prefixed = renamed.replace('"n:', '"ns4:').replace("xmlns:n=", "xmlns:ns4=")
    inline = resident("7", household("X", at="h").replace("multiRef", "household").replace(STYLE, ""), at="a")
    for other in (reply(["id0"], renamed), reply(["id0"], prefixed), reply(["a"], "".join(apart[::-1]))):
        assert [each.xml for each in read(other)[0]] == [before[0].xml]
    assert [each.digest for each in read(reply(["a"], inline))[0]] == [before[0].digest]


@pytest.mark.parametrize("change", [("X", "Y"), ("m:Household", "m:Resident"), ("e:string", "xsd:string")])
def test_a_change_of_what_is_referred_to_is_a_change_of_the_item(change: tuple[str, str]) -> None:
    apart = resident("7", '<household href="#h"/>', at="a") + "{}"
    there = household("X", at="h")
    [before], [after] = (read(reply(["a"], apart.format(each)))[0] for each in (there, there.replace(*change)))

    assert before.digest != after.digest


def test_a_circle_ends_and_is_the_same_from_each_call_to_the_next() -> None:
    def listed(first: str, second: str, home: str) -> list[Item]:
        people = resident("1", f'<household href="#{home}"/>', at=first)
        people += resident("2", f'<household href="#{home}"/>', at=second)
        return read(reply([first, second], people + household("X", at=home, head=first)))[0]

    [one, two] = listed("a", "b", "h")

    assert one.record["household"] == {"city": "X", "head": {"#ref": "1"}}
    assert two.record["household"] == {"city": "X", "head": {"id": "1", "name": "N1", "household": {"#ref": "1"}}}
    assert [each.xml for each in listed("x3", "x1", "x2")] == [one.xml, two.xml]


def test_what_is_shared_within_an_item_is_written_once_and_there_twice() -> None:
    twice = '<household href="#h"/><marks e:arrayType="m:Household[2]" xmlns:m="urn:legacy">{}</marks>'
    items = '<i href="#h"/><i href="#h"/>'
    [item], _ = read(reply(["a"], resident("7", twice.format(items), at="a") + household("Xyz", at="h")))

    assert item.record["marks"] == [{"city": "Xyz"}, {"city": "Xyz"}]
    assert item.xml.count(b"Xyz") == 1
    assert item.xml.count(b'href="#1"') == 2


def test_the_bytes_of_an_item_stand_alone() -> None:
    inside = '<household href="#h"/><marks e:arrayType="xsd:int[1]"><x>1</x></marks>'
    [item], _ = read(reply(["a"], resident("7", inside, at="a") + household("X", at="h", head="a")))
    alone = item.xml.decode().replace("listReturn", "listReturn", 1)

    [again], _ = read(
        envelope(f"<listResponse><listReturn e:arrayType='xsd:anyType[1]'>{alone}</listReturn></listResponse>")
    )

    assert (again.record, again.xml) == (item.record, item.xml)


def test_a_list_below_a_part_leaves_the_rest_of_the_part() -> None:
    inside = '<pageReturn href="#p"/>'
    page = '<multiRef id="p"><residents href="#l"/><next xsi:type="xsd:string">t2</next></multiRef>'
    array = '<multiRef id="l" e:arrayType="m:Resident[1]" xmlns:m="urn:legacy"><item href="#a"/></multiRef>'
    apart = page + array + resident("7", at="a")

    items, rest = read(envelope(f"<pageResponse>{inside}</pageResponse>{apart}"), PAGE)

    assert [each.record["id"] for each in items] == ["7"]
    assert (rest.record, rest.deviations) == ({"pageReturn": {"next": "t2"}}, [])
    assert reader("page").field_at(PAGE).name == "residents"


def test_of_two_parts_none_is_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = '<wsdl:part name="list" type="t:ArrayOfResident"/><wsdl:part name="next" type="xsd:string"/>'
    one = '<wsdl:part name="pageReturn" type="t:Page"/>'
    assert one in encoded_registry.WSDL
    monkeypatch.setattr(encoded_registry, "WSDL", encoded_registry.WSDL.replace(one, parts))
    array = '<list e:arrayType="m:Resident[1]" xmlns:m="urn:legacy"><item href="#a"/></list>'
    warning = '<warning xsi:type="xsd:string">slow today</warning>'

    items, rest = read(
        envelope(f"<pageResponse>{array}{warning}</pageResponse>{resident('7', at='a')}"), ("pageResponse", "list")
    )

    assert [each.record["id"] for each in items] == ["7"]
    assert "next" not in rest.record
    assert [(each.kind, each.path) for each in rest.deviations] == [
        ("unknown", "Body/pageResponse/warning"),
        ("missing", "Body/pageResponse/next"),
    ]


@pytest.mark.parametrize(
    "array",
    [
        '<listReturn xsi:nil="true"/>', '<listReturn e:arrayType="xsd:anyType[0]"/>', "<listReturn/>", "",
        '<listReturn href="#n"/>|<multiRef id="n" xsi:nil="1"/>',
    ],
)  # fmt: skip
def test_a_list_of_nobody_is_empty(array: str) -> None:
    inside, _, beside = array.partition("|")

    items, rest = read(envelope(f"<listResponse>{inside}</listResponse>{beside}"))

    assert (items, rest.deviations) == ([], [])


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        ('e:arrayType="xsd:anyType[3]"><i href="#a"/>', "expected 3 items, as the array says, found 1"),
        ('e:arrayType="xsd:anyType[1,1]"><i href="#a"/>', "several dimensions"),
        ('href="#nobody">', "a reference that leads to none"),
        ('id="l" href="#l">', "a reference that leads to none"),
    ],
)
def test_a_list_that_can_not_be_true_is_no_listing(array: str, reason: str) -> None:
    with pytest.raises(LegacyUnavailableError, match=reason):
        read(envelope(f"<listResponse><listReturn {array}</listReturn></listResponse>{resident('1', at='a')}"))


def test_an_array_that_says_where_its_items_stand_may_have_gaps() -> None:
    array = '<listReturn e:arrayType="xsd:anyType[9]"><i e:position="[4]" href="#a"/></listReturn>'
    items, _ = read(envelope(f"<listResponse>{array}</listResponse>{resident('1', at='a')}"))

    assert [each.record["id"] for each in items] == ["1"]


def test_an_item_is_of_the_type_that_its_array_says() -> None:
    said = reply(["a"], resident("7", at="a"))
    unsaid = said.replace(b' xsi:type="n:Resident"', b"")

    assert unsaid != said
    assert [each.xml for each in read(unsaid)[0]] == [each.xml for each in read(said)[0]]


def test_an_item_that_refers_to_nothing_is_refused_and_the_others_stay() -> None:
    lost = resident("7", '<household href="#gone"/>', at="a")
    bad, good = read(reply(["a", "b"], lost + resident("8", at="b")))[0]

    assert str(bad.error) == "listReturn/household: expected an element with the id nothing"
    assert (bad.record["id"], good.error) == ("7", None)
    assert bad.digest == read(reply(["a"], lost.replace("#gone", "#id77")))[0][0].digest


def test_a_bad_value_is_refused_with_its_place_in_the_item() -> None:
    home = household("X", at="h", head="b")
    marked = resident("8", "<marks e:arrayType='xsd:int[1]'><x>one</x></marks>", at="b")
    [item], _ = read(reply(["a"], resident("7", '<household href="#h"/>', at="a") + home + marked))

    assert str(item.error) == "listReturn/household/head/marks/x: expected an integer"


def test_deviations_are_told_with_their_place_in_the_item() -> None:
    [item], _ = read(reply(["a"], resident("7", "<new>1</new>", at="a")))

    assert item.deviations == [Deviation("unknown", "listReturn/new", "no such accessor")]


def test_an_item_deeper_than_a_hundred_levels_is_refused() -> None:
    def chain(length: int) -> list[Item]:
        apart = "".join(
            resident(f"{n}", f'<household><head href="#a{n + 1}"/></household>', at=f"a{n}") for n in range(length)
        )
        return read(reply(["a0", f"a{length - 1}"], apart + resident("last", at=f"a{length}")))[0]

    assert [each.error for each in chain(49)] == [None, None]
    deep, shallow = chain(5_000)
    assert str(deep.error) == "listReturn: expected at most 100 levels"
    assert (len(deep.xml) < 10_000, shallow.error) == (True, None)


def test_a_large_value_that_all_share_is_bounded_in_time_and_bytes() -> None:
    large = "<city>" + "x" * 100_000 + "</city>"
    apart = "".join(resident(f"{n}", '<household href="#h"/>', at=f"a{n}") for n in range(300))
    data = reply([f"a{n}" for n in range(300)], apart + f'<multiRef id="h">{large}</multiRef>')
    began = time.process_time()

    with pytest.raises(LegacyUnavailableError, match="items of at most 10000000 bytes together, with all that they"):
        read(data, limits=Limits(document_bytes=10_000_000))

    assert time.process_time() - began < 5
    assert len(read(data, limits=Limits(document_bytes=40_000_000))[0]) == 300


def test_everybody_who_knows_everybody_is_bounded() -> None:
    knows = "".join(f'<i href="#m{n}"/>' for n in range(40))
    array = 'e:arrayType="xsd:anyType[40]"'
    crowd = "".join(f'<multiRef id="m{n}" {array}>{knows}</multiRef>' for n in range(40))
    [item], _ = read(reply(["a"], resident("7", f"<marks {array}>{knows}</marks>", at="a") + crowd))

    assert str(item.error) == "i: expected at most 300000 values, and 10 for each element"
    assert len(item.xml) < 100_000


def test_a_reply_longer_than_allowed_is_no_listing() -> None:
    with pytest.raises(LegacyUnavailableError, match="at most 500 bytes in a document"):
        read(reply(["a"], resident("7", at="a")), limits=Limits(document_bytes=500))


@pytest.mark.parametrize(
    ("detail", "apart"),
    [
        ('<n:Unknown xmlns:n="urn:legacy" xsi:type="n:Unknown"><id xsi:type="e:int">7</id></n:Unknown>', ""),
        ("<Unknown><id>7</id></Unknown>", ""),
        ('<Unknown href="#f"/>', '<multiRef id="f"><id href="#i"/></multiRef><multiRef id="i">7</multiRef>'),
    ],
)
def test_a_fault_is_typed_by_its_contract(detail: str, apart: str) -> None:
    said = "<faultcode>s:Server.user</faultcode><faultstring>not so</faultstring>"

    with pytest.raises(LegacyFaultError, match=r"fault Server.user \(Unknown\): not so") as found:
        read(envelope(f"<s:Fault>{said}<detail>{detail}</detail></s:Fault>{apart}"))

    assert (found.value.fault, found.value.detail) == ("Unknown", {"id": 7})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("listResponse",), "is the reply itself"),
        (("listResponse", "x"), "the reply has no x; there are: listReturn"),
        (("x", "listReturn"), "the reply has no x; there are: listResponse"),
    ],
)  # fmt: skip
def test_a_path_that_the_contract_does_not_have_is_told(path: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        list(reader().items([b""], path))


def test_values_between_elements_are_no_items() -> None:
    with pytest.raises(LegacyUnavailableError, match="expected listResponse in the SOAP Body, found otherResponse"):
        read(envelope("<otherResponse/>"))
