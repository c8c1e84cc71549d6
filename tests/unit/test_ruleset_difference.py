"""A difference says what changes, and how much of the cohort space moves where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.keys import BUCKETS
from routers.rulesets.capability import Capability, Route
from routers.rulesets.difference import difference, percent
from routers.stage import Side, Stage, duty
from tests.rulesets import capability


def lines(before: Capability | None, after: Capability | None) -> list[str]:
    old, new = ({} if each is None else {"a": each} for each in (before, after))
    return [line for change in difference(old, new) for line in change.lines()]


def test_what_says_the_same_is_no_difference() -> None:
    routes = {"x": Route(record="x"), "y": Route(record="y")}

    assert lines(capability(routes=routes), capability(routes=dict(reversed(routes.items())))) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            capability(share=2500),
            capability(share=4000),
            [
                "~ a: changed; 15 % of the cohort space (1,500 of 10,000 buckets) moves to modern",
                "    share: 25 % -> 40 %",
            ],
        ),
        (
            capability(share=1),
            capability(share=0),
            [
                "~ a: changed; 0.01 % of the cohort space (1 of 10,000 buckets) moves to legacy",
                "    share: 0.01 % -> 0 %",
            ],
        ),
        (None, capability(share=100), ["+ a: added; 1 % of the cohort space (100 of 10,000 buckets) moves to modern"]),
        (capability(), None, ["- a: removed; no key moves"]),
        (
            capability(share=5000),
            capability(share=5000, salt="b"),
            [
                (
                    "~ a: changed; every key falls anew: about "
                    "25 % of the cohort space (2,500 of 10,000 buckets) moves to modern, "
                    "25 % of the cohort space (2,500 of 10,000 buckets) moves to legacy"
                ),
                "    salt: benefits-2026 -> b",
            ],
        ),
        (
            capability(next=Stage.SHADOW, share=3000),
            capability(next=Stage.LIVE, share=3000),
            [
                "~ a: changed; 30 % of the cohort space (3,000 of 10,000 buckets) moves to modern",
                "    next: shadow -> live",
            ],
        ),
        (
            capability(description="x"),
            capability(routes={"pay": Route(record="pay", held="later"), "new": Route(record="n")}),
            [
                "~ a: changed; no key moves",
                "    description: x -> ",
                "    routes.pay.held: not set -> later",
                "    routes.new: not set -> {'record': 'n', 'class': 'unsafe', 'record_hashes': False}",
            ],
        ),
    ],
)
def test_a_difference_is_told_for_people(before: Capability | None, after: Capability | None, said: list[str]) -> None:
    assert lines(before, after) == said


def test_a_difference_is_told_for_programs() -> None:
    [change] = difference({"a": capability(share=1)}, {"a": capability(share=3)})

    assert change.as_json() == {
        "capability": "a",
        "change": "changed",
        "fields": [{"field": "share", "before": 1, "after": 3}],
        "to_modern_bp": 2,
        "to_legacy_bp": 0,
        "redrawn": False,
    }


def staged(share: int, current: Stage, then: Stage) -> Capability:
    return capability(share=share, current=current, next=then)


DRAWN = st.builds(staged, st.integers(0, BUCKETS), st.sampled_from(Stage), st.sampled_from(Stage))


@given(DRAWN, DRAWN)
def test_what_moves_is_what_each_bucket_says(before: Capability, after: Capability) -> None:
    def sides(each: Capability) -> list[Side]:
        reads = [duty(stage, Route(record="x").operation).answers for stage in (each.next, each.current)]
        return [reads[0]] * each.share + [reads[1]] * (BUCKETS - each.share)

    moved = [new for old, new in zip(sides(before), sides(after), strict=True) if old is not new]
    found = difference({"a": before}, {"a": after})

    assert sum(each.to_modern_bp for each in found) == moved.count(Side.MODERN)
    assert sum(each.to_legacy_bp for each in found) == moved.count(Side.LEGACY)


def test_percent_has_no_more_figures_than_it_needs() -> None:
    assert [percent(share) for share in (0, 1, 250, 10_000)] == ["0 %", "0.01 %", "2.5 %", "100 %"]
