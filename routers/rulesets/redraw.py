"""The guard against another salt, or another form of the key, under people who are on a side already. Pure.

Both decide on which bucket a key falls. Changed midway, as many people change side as if all were drawn anew, though
the share stays as it is; so such a change has to be declared. The declaration names what it replaces by its `mark`, so
it holds once: what is in force then has another mark.
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from contracts.keys import BUCKETS
from routers.rulesets.capability import Capability
from routers.rulesets.difference import difference

__all__ = ["Redraw", "Undeclared", "mark", "undeclared"]

_MARK_DIGITS: Final = 12


class Redraw(BaseModel):
    """Says that a capability's keys may be drawn anew, once."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    replaces: str = Field(pattern=r"^[0-9a-f]{12}$")
    """Mark of the salt and key that are in force; the refusal of the change says it."""
    reason: str = Field(min_length=1, max_length=1000)
    """Why people may change side; kept with the change."""


def mark(capability: Capability) -> str:
    """Return what names salt and form of the key: 12 hex digits."""
    drawn_by = f"{capability.salt}\n{capability.key.model_dump_json()}"
    return hashlib.sha256(drawn_by.encode()).hexdigest()[:_MARK_DIGITS]


class Undeclared(NamedTuple):
    """A change that would draw people anew, and that nobody has declared."""

    capability: str
    effect: str
    """What would happen, in a sentence without its full stop."""
    replaces: str
    """The mark of what is in force."""

    @property
    def declaration(self) -> str:
        """Return what to write into the document where the change is meant."""
        return f'redraws: {{{self.capability}: {{replaces: "{self.replaces}", reason: "..."}}}}'


def undeclared(
    before: Mapping[str, Capability],
    after: Mapping[str, Capability],
    *,
    declared: Mapping[str, Redraw],
    allowed: Collection[str] = (),
) -> list[Undeclared]:
    """Return why a change is refused: each capability that would draw its people anew.

    Args:
        before: The capabilities in force.
        after: Those that are wanted.
        declared: What the document declares, by capability.
        allowed: Capabilities that whoever applies has named.
    """
    return [
        Undeclared(name, _effect(name, old, new), mark(old))
        for name, new in after.items()
        if (old := before.get(name)) is not None
        and _redraws(old, new)
        and name not in allowed
        and not (name in declared and declared[name].replaces == mark(old))
    ]


def _redraws(before: Capability, after: Capability) -> bool:
    """Tell whether somebody who is on a side by a draw would be drawn again."""
    if not (_draws(before) and _draws(after)):
        return False
    by_salt = before.salt != after.salt and before.share < BUCKETS and after.share < BUCKETS
    # With everybody in `next`, too: a key that is of no fit form is not drawn at all.
    return by_salt or before.key != after.key


def _draws(capability: Capability) -> bool:
    return capability.share > 0 and capability.current != capability.next


def _effect(name: str, before: Capability, after: Capability) -> str:
    [change] = difference({name: before}, {name: after})
    moved = f"about {change.to_modern_bp + change.to_legacy_bp:,} of {BUCKETS:,} buckets would change side"
    if before.salt != after.salt:
        said = f"the salt changes from {before.salt!r} to {after.salt!r}, so every key would fall anew, and {moved}"
    elif change.redrawn:
        said = f"the form of the key changes, so keys would fall anew, and {moved} where all do"
    else:
        said = "the form of the key changes, so keys that are of no fit form by then would go by `unfit_key`"
    return f"capabilities.{name}: {said}"
