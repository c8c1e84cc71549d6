"""The one decision: the same person on the same side, wherever, whenever, and however the share grows."""

import math
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.keys import BUCKETS, bucket
from routers.decision import Decision, Reason, decide, decide_each, decide_rule, decide_together
from routers.rulesets.capability import Route
from routers.rulesets.ruleset import EMPTY, Rule, Ruleset
from routers.stage import OperationClass, Side, Stage, duty
from tests.rulesets import capability

KEYS = [str(number) for number in range(100_000)]
PROGRAM = """
import sys
from tests.rulesets import capability
from routers.decision import decide_each
from routers.rulesets.ruleset import EMPTY
rules = EMPTY.changed({"benefits": capability(share=4000)}, version=1, hash_="x")
print(*[decision.side for decision in decide_each(rules, "benefits/pay", map(str, range(500)))])
"""


def ruleset(**fields: Any) -> Ruleset:
    return EMPTY.changed({"benefits": capability(**fields)}, version=7, hash_="x")


def modern(share: int, salt: str = "benefits-2026") -> set[str]:
    decisions = decide_each(ruleset(share=share, salt=salt), "benefits/pay", KEYS)
    return {key for key, decision in zip(KEYS, decisions, strict=True) if decision.side is Side.MODERN}


def test_the_published_vector_decides() -> None:
    assert decide(ruleset(share=4000), "benefits/pay", "0000012345") == Decision(
        "benefits/pay", Side.MODERN, None, Stage.COMPLETE, 3598, Reason.SHARE, 7
    )
    assert decide(ruleset(share=3598), "benefits/pay", "12345").side is Side.LEGACY
    assert decide(ruleset(share=3599), "benefits/pay", "12345").side is Side.MODERN


def test_a_decision_is_the_same_in_every_process() -> None:
    """Processes differ in how they hash strings; decisions do not."""
    ran = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
        for seed in ("0", "1", "4711")
    }
    here = [str(each.side) for each in decide_each(ruleset(share=4000), "benefits/pay", KEYS[:500])]

    assert ran == {" ".join(here)}


@given(st.integers(0, BUCKETS), st.integers(0, BUCKETS), st.text(max_size=12))
def test_a_key_that_is_modern_stays_so_as_the_share_grows(first: int, second: int, key: str) -> None:
    low, high = sorted((first, second))
    sides = [decide(ruleset(share=share, key={}), "benefits/pay", key).side for share in (low, high)]

    assert sides != [Side.MODERN, Side.LEGACY]


def test_lowering_the_share_and_raising_it_again_restores_the_same_set() -> None:
    before = modern(4000)

    assert modern(1000) < before
    assert modern(4000) == before


@pytest.mark.parametrize("share", [1, 100, 2500, 5000, 9900, 9999])
def test_the_observed_share_is_the_configured_one(share: int) -> None:
    """Within 4 sigma of a binomial draw; the keys are fixed, so it can't be another figure tomorrow."""
    part = share / BUCKETS
    sigma = math.sqrt(len(KEYS) * part * (1 - part))

    assert abs(len(modern(share)) - len(KEYS) * part) <= 4 * sigma


@pytest.mark.parametrize(("share", "expected"), [(0, 0), (BUCKETS, len(KEYS))])
def test_no_share_is_nobody_and_all_of_it_is_everybody(share: int, expected: int) -> None:
    assert len(modern(share)) == expected


@pytest.mark.parametrize("other", ["permits-2026", "benefits-2027", "b"])
def test_two_capabilities_draw_independently(other: str) -> None:
    """Chi-squared of the 2x2 table, one degree of freedom: below 10.83 at p > 0.001."""
    one, two, n = modern(4000), modern(3000, salt=other), len(KEYS)
    observed = [len(one & two), len(one - two), len(two - one), n - len(one | two)]
    a, b = len(one), len(two)
    expected = [a * b / n, a * (n - b) / n, (n - a) * b / n, (n - a) * (n - b) / n]

    assert sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True)) < 10.83


@given(
    st.sampled_from(Stage),
    st.sampled_from(Stage),
    st.sampled_from(OperationClass),
    st.integers(0, BUCKETS),
    st.integers(0, 10**9),
)
def test_a_decision_is_the_stage_table_read_per_key(
    current: Stage, then: Stage, operation: OperationClass, share: int, number: int
) -> None:
    rules = ruleset(
        current=current,
        next=then,
        share=share,
        routes={"pay": Route.model_validate({"record": "pay", "class": operation})},
    )
    falls = bucket(str(number), "benefits-2026")
    stage = then if falls < share else current
    what = duty(stage, operation)

    assert decide(rules, "benefits/pay", f" 00{number}"[-10:] if number < 10**8 else str(number)) == Decision(
        "benefits/pay", what.answers, what.also, stage, falls, Reason.SHARE, 7
    )


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, Reason.MISSING_KEY), ("  ", Reason.MISSING_KEY), ("12a", Reason.UNFIT_KEY), ("1" * 11, Reason.UNFIT_KEY)],
)
def test_a_call_without_a_fit_key_follows_the_policy_and_is_never_drawn(key: str | None, reason: Reason) -> None:
    legacy = decide(ruleset(share=BUCKETS), "benefits/pay", key)
    rejected = decide(ruleset(share=BUCKETS, unfit_key="reject"), "benefits/pay", key)

    assert (legacy.side, legacy.bucket, legacy.reason) == (Side.LEGACY, None, reason)
    assert (rejected.side, rejected.bucket, rejected.reason) == (None, None, reason)


def test_a_route_that_is_held_stays_with_legacy() -> None:
    held = ruleset(share=BUCKETS, routes={"pay": Route(record="pay", held="waits for month-end")})

    assert decide(held, "benefits/pay", "1")[1:] == (Side.LEGACY, None, Stage.OFF, None, Reason.HELD, 7)


def test_a_batch_is_decided_as_one_by_one() -> None:
    rules, keys = ruleset(share=4000), ["12345", None, "x", "67890"]

    assert list(decide_each(rules, "benefits/pay", keys)) == [decide(rules, "benefits/pay", key) for key in keys]


def test_a_route_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        decide(ruleset(), "benefits/none", "1")
    with pytest.raises(KeyError):
        decide_each(EMPTY, "benefits/pay", [])


def rule(**fields: Any) -> Rule:
    return ruleset(**fields).rules["benefits/pay"]


def test_several_keys_are_modern_only_if_each_alone_would_be() -> None:
    both, one = (
        decide_together(rule(share=4000), ["12345", "67890"], 7),
        decide_together(rule(share=1000), ["12345", "67890"], 7),
    )

    assert (both.side, both.reason) == (Side.MODERN, Reason.SHARE)
    assert (one.side, one.bucket, one.reason) == (Side.LEGACY, None, Reason.SEVERAL_KEYS)


def test_several_keys_are_rejected_where_the_capability_says_so() -> None:
    decision = decide_together(rule(share=BUCKETS, several_keys="reject"), ["1", "2"], 7)

    assert (decision.side, decision.reason) == (None, Reason.SEVERAL_KEYS)


def test_the_version_in_force_is_in_the_decision() -> None:
    assert decide_rule(rule(), "1", 12).version == 12
