"""Nobody who is on a side by a draw is drawn anew without somebody having said so."""

from typing import Any

import pytest

from contracts.keys import CanonicalKey
from routers.rulesets.capability import Capability
from routers.rulesets.redraw import Redraw, mark, undeclared
from tests.rulesets import DIGITS, capability

LONGER = DIGITS.model_copy(update={"max_length": 12})


def refused(before: Capability | None, after: Capability | None, **given: Any) -> list[str]:
    old, new = ({} if each is None else {"a": each} for each in (before, after))
    return [each.effect for each in undeclared(old, new, declared=given.pop("declared", {}), **given)]


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (
            capability(share=2500),
            capability("other", share=2500),
            (
                "capabilities.a: the salt changes from 'benefits-2026' to 'other', so every key would fall anew, and "
                "about 3,750 of 10,000 buckets would change side"
            ),
        ),
        (
            capability(share=2500),
            capability(share=2500, key=CanonicalKey(type="digits", max_length=10)),
            (
                "capabilities.a: the form of the key changes, so keys would fall anew, and about "
                "3,750 of 10,000 buckets would change side where all do"
            ),
        ),
        (
            capability(share=10_000),
            capability(share=10_000, key=LONGER),
            (
                "capabilities.a: the form of the key changes, so keys that are of no fit form by then would go by "
                "`unfit_key`"
            ),
        ),
    ],
)
def test_another_salt_or_form_under_people_is_refused(before: Capability, after: Capability, effect: str) -> None:
    assert refused(before, after) == [effect]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (capability(share=2500), capability(share=9000)),
        (capability(share=0), capability("other", share=2500)),  # nobody was drawn before
        (capability(share=2500), capability("other", share=0)),  # all go back
        (capability(share=2500), capability("other", share=10_000)),  # all go on
        (capability(share=10_000), capability("other", share=10_000)),
        (capability(share=10_000), capability("other", share=2500)),  # nobody had a side by the draw
        (capability(share=2500, current="complete"), capability("other", share=2500, current="complete")),
        (None, capability(share=2500)),
        (capability(share=2500), None),
    ],
)
def test_what_draws_nobody_again_is_no_matter(before: Capability | None, after: Capability | None) -> None:
    assert refused(before, after) == []


def test_a_declaration_holds_for_what_it_replaces_and_so_once() -> None:
    first, second, third = (capability(salt, share=2500) for salt in ("first", "second", "third"))
    declared = {"a": Redraw(replaces=mark(first), reason="the salt was guessed")}

    assert refused(first, second, declared=declared) == []
    assert len(refused(second, third, declared=declared)) == 1
    assert len(refused(first, second, declared={"b": declared["a"]})) == 1


def test_who_applies_may_name_the_capability() -> None:
    first, second = (capability(salt, share=2500) for salt in ("first", "second"))

    assert refused(first, second, allowed=("a",)) == []
    assert len(refused(first, second, allowed=("b",))) == 1


def test_the_refusal_says_what_to_declare() -> None:
    [found] = undeclared({"a": capability(share=1)}, {"a": capability("b", share=1)}, declared={})

    assert found.declaration == f'redraws: {{a: {{replaces: "{mark(capability())}", reason: "..."}}}}'
