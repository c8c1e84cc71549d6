"""Lists: what was inserted, left out, moved or changed is told once, and not all that follows it."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.legacy.soap.divergence.rules import Rules
from tests.replies import answer, comparer, comparer_of, listed, resident, told

SCHEMA = """<xs:element name="Answer"><xs:complexType><xs:sequence>
  <xs:element name="n" type="xs:int" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  </xs:element>"""
ALL = """<xs:element name="Answer"><xs:complexType><xs:all><xs:element name="a" type="xs:int"/>
  <xs:element name="b" type="xs:int"/></xs:all></xs:complexType></xs:element>"""
HEADS = """<xs:element name="Answer"><xs:complexType><xs:sequence>
  <xs:element ref="m:head" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
  <xs:element name="head" type="xs:decimal"/><xs:element name="member" type="xs:decimal" substitutionGroup="m:head"/>"""
MIRRORED = {"missing": "added", "added": "missing"}


def numbers(values: list[int]) -> bytes:
    return answer("".join(f"<n>{value}</n>" for value in values))


@pytest.mark.parametrize("count", [5, 300])
def test_an_item_that_was_inserted_is_one_difference(count: int) -> None:
    items = [resident(number) for number in range(count)]
    right = [*items[:2], resident(999), *items[2:]]

    assert told(comparer().compare(listed(*items), listed(*right))) == [("added", "/ListResponse/resident[3]")]
    assert told(comparer().compare(listed(*right), listed(*items))) == [("missing", "/ListResponse/resident[3]")]


def test_items_that_came_went_and_changed_are_told_apart() -> None:
    items = [resident(number) for number in range(300)]
    right = [*items[:20], *items[21:200], resident(200, fee="7"), *items[201:], resident(999)]

    assert told(comparer().compare(listed(*items), listed(*right))) == [
        ("missing", "/ListResponse/resident[21]"),
        ("value", "/ListResponse/resident[201]/fee"),
        ("added", "/ListResponse/resident[300]"),
    ]


def test_an_item_that_went_beside_one_that_changed_is_told_apart() -> None:
    left = listed(resident(1), resident(2), resident(3))
    right = listed(resident(2, name="Grace Hopper"), resident(3))

    assert told(comparer().compare(left, right)) == [
        ("missing", "/ListResponse/resident[1]"),
        ("value", "/ListResponse/resident[2]/name"),
    ]


def test_an_item_that_moved_is_one_difference() -> None:
    items = [resident(number) for number in range(100)]

    found = comparer().compare(listed(*items), listed(*items[1:], items[0]))

    assert told(found) == [("order", "/ListResponse/resident[1]")]
    assert (found.differences[0].left, found.differences[0].right) == ("#1", "#100")


def test_fields_in_another_order_than_the_contract_has_differ_in_order() -> None:
    born, name = "<t:born>1980-02-03</t:born>", "<t:name>Ada Igelkott 1</t:name>"
    right = resident().replace(born, "").replace(name, born + name)

    [(kind, path)] = told(comparer().compare(listed(resident()), listed(right)))

    assert kind == "order"
    assert path in {"/ListResponse/resident[1]/name", "/ListResponse/resident[1]/born"}


def test_order_says_nothing_in_an_all_group() -> None:
    compared = comparer_of(ALL)

    assert told(compared.compare(answer("<a>1</a><b>2</b>"), answer("<b>2</b><a>01</a>"))) == []
    assert told(compared.compare(answer("<a>1</a><b>2</b>"), answer("<b>1</b><a>2</a>"))) == [
        ("value", "/Answer/a"),
        ("value", "/Answer/b"),
    ]


def test_a_member_of_a_substitution_group_is_known_by_its_name() -> None:
    compared = comparer_of(HEADS)

    assert told(compared.compare(answer("<member>1.0</member>"), answer("<member>1</member>"))) == []
    assert sorted(told(compared.compare(answer("<member>1</member>"), answer("<head>1</head>")))) == [
        ("added", "/Answer/head[1]"),
        ("missing", "/Answer/member[1]"),
    ]


def test_an_element_that_may_stand_once_and_stands_twice_breaks_the_contract() -> None:
    twice = resident().replace("<t:born>", "<t:name>x</t:name><t:born>")

    assert told(comparer().compare(listed(resident()), listed(twice))) == [
        ("cardinality", "/ListResponse/resident[1]/name[2]")
    ]


def test_a_list_without_order_is_matched_by_what_it_holds_or_by_its_key() -> None:
    items = [resident(number) for number in range(40)]
    shuffled = [*items[::-1]]
    changed = [resident(number, fee="7") if number == 7 else resident(number) for number in range(39)][::-1]
    by_content, by_key = (comparer(unordered=[{"path": "/ListResponse/resident", "key": key}]) for key in ((), "id"))

    for compared in (by_content, by_key):
        assert told(compared.compare(listed(*items), listed(*shuffled))) == []
        assert told(compared.compare(listed(*items), listed(*changed))) == [
            ("value", "/ListResponse/resident[8]/fee"),
            ("missing", "/ListResponse/resident[40]"),
        ]
    assert not comparer().compare(listed(*items), listed(*shuffled)).is_equal


def test_items_that_lie_apart_are_not_out_of_order_in_a_list_without_order() -> None:
    rules: Any = {
        "unordered": [{"path": "/ListResponse/resident"}],
        "tolerances": [{"path": "//fee", "absolute": "0.01"}],
    }
    left, right = (
        listed(*(resident(n, fee=f"{n}.{cents}") for n in way))
        for cents, way in ((50, range(9)), (51, range(8, -1, -1)))
    )

    assert told(comparer(**rules).compare(left, right)) == []


def test_a_key_that_several_have_pairs_them_by_what_they_hold() -> None:
    compared = comparer(unordered=[{"path": "/ListResponse/resident", "key": ["address/city", "status"]}])

    found = compared.compare(listed(resident(1), resident(2)), listed(resident(2, fee="9"), resident(1)))

    assert told(found) == [("value", "/ListResponse/resident[2]/fee")]


@settings(max_examples=300, deadline=None)
@given(left=st.lists(st.integers(0, 6), max_size=12), right=st.lists(st.integers(0, 6), max_size=12))
def test_swapped_replies_have_the_same_differences_mirrored(left: list[int], right: list[int]) -> None:
    compared = comparer_of(SCHEMA)

    there = compared.compare(numbers(left), numbers(right)).differences
    back = compared.compare(numbers(right), numbers(left)).differences

    assert sorted((MIRRORED.get(each.kind, each.kind), each.left, each.right) for each in there) == sorted(
        (each.kind, each.right, each.left) for each in back
    )


RECORDS = """<xs:element name="Answer"><xs:complexType><xs:sequence><xs:element name="r" maxOccurs="unbounded">
  <xs:complexType><xs:sequence><xs:element name="k" type="xs:int"/><xs:element name="v" type="xs:int"/>
  <xs:element name="w" type="xs:int"/></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType>
  </xs:element>"""
SOME = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 1)), max_size=8)


def records(values: list[tuple[int, int, int]]) -> bytes:
    return answer("".join(f"<r><k>{k}</k><v>{v}</v><w>{w}</w></r>" for k, v, w in values))


@settings(max_examples=400, deadline=None)
@given(left=SOME, right=SOME)
def test_records_are_equal_only_if_they_hold_the_same(
    left: list[tuple[int, int, int]], right: list[tuple[int, int, int]]
) -> None:
    ordered = comparer_of(RECORDS)
    loose, keyed = (
        comparer_of(RECORDS, rules=Rules.model_validate({"unordered": [{"path": "/Answer/r", "key": key}]}))
        for key in ((), ("k", "w"))
    )

    assert ordered.compare(records(left), records(right)).is_equal is (left == right)
    assert loose.compare(records(left), records(right)).is_equal is (sorted(left) == sorted(right))
    assert keyed.compare(records(left), records(right)).is_equal is (sorted(left) == sorted(right))


@settings(max_examples=200, deadline=None)
@given(left=SOME, place=st.integers(0, 8), record=st.tuples(st.integers(4, 9), st.integers(0, 1), st.integers(0, 1)))
def test_one_record_more_is_one_difference_wherever_it_stands(
    left: list[tuple[int, int, int]], place: int, record: tuple[int, int, int]
) -> None:
    right = [*left[:place], record, *left[place:]]

    [(kind, path)] = told(comparer_of(RECORDS).compare(records(left), records(right)))

    assert (kind, path) == ("added", f"/Answer/r[{min(place, len(left)) + 1}]")


def test_a_list_that_moved_on_by_one_is_told_as_one_that_went_and_one_that_came() -> None:
    items = [resident(number) for number in range(20)]

    assert sorted(told(comparer().compare(listed(*items[:-1]), listed(*items[1:])))) == [
        ("added", "/ListResponse/resident[19]"),
        ("missing", "/ListResponse/resident[1]"),
    ]


@settings(max_examples=200, deadline=None)
@given(left=st.lists(st.integers(0, 6), max_size=12), right=st.lists(st.integers(0, 6), max_size=12))
def test_lists_are_equal_only_if_they_hold_the_same(left: list[int], right: list[int]) -> None:
    loose = comparer_of(SCHEMA, rules=Rules.model_validate({"unordered": [{"path": "/Answer/n"}]}))

    assert comparer_of(SCHEMA).compare(numbers(left), numbers(right)).is_equal is (left == right)
    assert loose.compare(numbers(left), numbers(right)).is_equal is (sorted(left) == sorted(right))


FIELDS = {
    "name": ["a", "b"],
    "fee": ["1", "2"],
    "died": ["", '<t:died xsi:nil="true"/>', "<t:died>2020-01-01</t:died>"],
    "country": ["", " country='DE'", " country='AT'"],
    "more": ["", "<t:nickname>x</t:nickname>", "<t:nickname>x</t:nickname><t:nickname>y</t:nickname>"],
}


def drawn(draw: Random) -> str:
    chosen = {name: draw.choice(ways) for name, ways in FIELDS.items() if draw.random() < 0.3}
    return resident(draw.randrange(4), **chosen)


@pytest.mark.parametrize("seed", range(150))
def test_lists_of_residents_are_equal_only_if_they_are_and_mirror_each_other(seed: int) -> None:
    draw = Random(seed)
    left = [drawn(draw) for _ in range(draw.randrange(1, 7))]
    right = [*left]
    for _ in range(draw.randrange(4)):
        place, other = draw.randrange(len(right)), draw.randrange(len(right))
        changed = {0: [drawn(draw), right[place]], 1: [drawn(draw)], 2: [right[other]]}[draw.randrange(3)]
        right[place : place + 1] = changed

    there, back = comparer().compare(listed(*left), listed(*right)), comparer().compare(listed(*right), listed(*left))

    plain, others = ([each.replace(" country='AT'", "") for each in side] for side in (left, right))
    assert there.is_equal is (plain == others)
    assert sorted(
        (MIRRORED.get(each.kind, each.kind), each.generic, each.hint) for each in there.differences
    ) == sorted((each.kind, each.generic, each.hint) for each in back.differences)
