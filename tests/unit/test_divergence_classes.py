"""Differences show nothing personal, and fall into classes whose counts add up whoever counted them."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.legacy.soap.divergence.clusters import Clusters
from contracts.legacy.soap.divergence.difference import Comparison
from contracts.legacy.soap.divergence.mask import masked, shape
from tests.replies import comparer, fault, listed, resident, told

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")


def grams(text: str) -> set[str]:
    return {text[at : at + 3] for at in range(len(text) - 2)}


@settings(max_examples=500)
@given(st.one_of(st.text(), st.text("Xx9(): -1234567890…"), st.from_regex(r"[0-9()Xx]{3,12}")))
def test_no_three_characters_of_a_value_are_shown(text: str) -> None:
    assert not grams(text) & grams(masked(text))
    assert not grams(text) & grams(shape(text))


@settings(max_examples=150, deadline=None)
@given(left=st.decimals(-10000, 10000, places=2), right=st.decimals(-10000, 10000, places=2))
def test_a_difference_of_numbers_shows_no_three_characters_of_either(left: Decimal, right: Decimal) -> None:
    assume(left != right)
    [difference] = comparer().compare(listed(resident(fee=str(left))), listed(resident(fee=str(right)))).differences

    assert not grams(difference.left or "") & grams(str(left))
    assert not grams(difference.right or "") & grams(str(right))
    assert not grams(difference.hint) & {*grams(str(left)), *grams(str(right))}


@settings(max_examples=150, deadline=None)
@given(left=st.text(LETTERS, max_size=12), right=st.text(LETTERS, max_size=12))
def test_a_difference_shows_no_three_characters_of_either_value(left: str, right: str) -> None:
    assume(left != right)
    found = comparer().compare(listed(resident(name=escape(left))), listed(resident(name=escape(right))))

    [difference] = found.differences
    assert not grams(left) & grams(difference.left or "")
    assert not grams(right) & grams(difference.right or "")


def test_a_value_is_shown_as_it_is_only_where_a_rule_calls_it_public() -> None:
    left, right = listed(resident(status="ACTIVE", name="Ada")), listed(resident(status="MOVED", name="Eve Igelkott"))

    name, status = comparer(public=["//status"]).compare(left, right).differences

    assert (status.left, status.right, status.type) == ("ACTIVE", "MOVED", "Status")
    assert (name.left, name.right, name.shape) == ("Xxx", "Xxx Xx(7)", "Xx -> Xx Xx")


def test_codes_of_a_fault_that_soap_does_not_have_are_masked() -> None:
    [found] = comparer().compare(fault("s:Server"), fault("Elfrun")).differences

    assert (found.left, found.right) == ("Server", "Xx(5)")


def test_a_thousand_equal_differences_are_one_class() -> None:
    names = ["Ada", "Grace", "Barbara Liskov", "Edsger"]
    left = listed(*(resident(number, name=names[number % 4]) for number in range(1000)))
    right = listed(*(resident(number, name=names[number % 4].upper()) for number in range(1000)))
    clusters = Clusters()

    clusters.add(comparer().compare(left, right), at=START, name="call-1")
    clusters.add(comparer().compare(left, right), at=START + timedelta(hours=1), name="call-2")
    clusters.add(comparer().compare(left, left), at=START)

    assert (clusters.compared, clusters.equal) == (3, 1)
    assert [(each.sample.kind, each.sample.generic, each.sample.shape) for each in clusters.classes()] == [
        ("value", "/ListResponse/resident/name", "Xx -> X"),
        ("value", "/ListResponse/resident/name", "Xx Xx -> X X"),
    ]
    first = clusters.classes()[0]
    assert (first.count, first.comparisons, first.first_in) == (1500, 2, "call-1")
    assert (first.first_seen, first.last_seen) == (START, START + timedelta(hours=1))


def some(number: int) -> Comparison:
    left, right = resident(number), resident(number, fee="7", name="x" * (number % 3))
    return comparer().compare(listed(left), listed(right))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=10))
def test_classes_counted_apart_and_merged_are_those_counted_together(calls: list[tuple[int, bool]]) -> None:
    whole, one, other = Clusters(), Clusters(), Clusters()
    for at, (number, is_mine) in enumerate(calls):
        for clusters in (whole, one if is_mine else other):
            clusters.add(some(number), at=START + timedelta(seconds=at), name=str(at))

    one.merge(Clusters.from_json(json.loads(json.dumps(other.as_json()))))

    assert one.as_json() == whole.as_json()


def test_the_number_of_classes_is_bounded() -> None:
    clusters = Clusters(most=3)
    for number in range(20):
        right = listed(resident(more=f"<n{number}/>"))
        clusters.add(comparer().compare(listed(resident()), right), at=START)

    assert (len(clusters.classes()), clusters.others, clusters.compared) == (3, 17, 20)


def test_a_comparison_is_told_as_json() -> None:
    found = comparer().compare(listed(resident()), listed(resident(fee="2")))

    assert told(found) == [("value", "/ListResponse/resident[1]/fee")]
    assert json.loads(json.dumps(found.as_json()))["differences"][0] == {
        "kind": "value",
        "path": "/ListResponse/resident[1]/fee",
        "generic": "/ListResponse/resident/fee",
        "type": "Amount",
        "left": "9.99",
        "right": "9",
        "shape": "9.9 -> 9",
        "hint": "by about 10^-1",
        "class_id": found.differences[0].class_id,
    }
