"""Stages of a migration, and who answers in each: one table, read per key.

The six stages are LaunchDarkly's; reads and writes move separately. Authority to write moves once, between
`shadow` and `live`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["Duty", "OperationClass", "Side", "Stage", "Word", "duty"]


class Word(StrEnum):
    """A word of ours that is a key of tables on hot paths: its hash is the text's own, which needs no call."""

    __hash__ = str.__hash__


class Side(Word):
    """Who answers."""

    LEGACY = "legacy"
    MODERN = "modern"

    @property
    def other(self) -> "Side":
        """Return the opposite side."""
        return Side.MODERN if self is Side.LEGACY else Side.LEGACY


class Stage(Word):
    """How far a capability's migration is for one key."""

    OFF = "off"
    DUALWRITE = "dualwrite"
    SHADOW = "shadow"
    LIVE = "live"
    RAMPDOWN = "rampdown"
    COMPLETE = "complete"


class OperationClass(Word):
    """What happens when an operation is called twice."""

    SAFE = "safe"
    """It only reads."""
    IDEMPOTENT = "idempotent"
    """It writes, and twice is the same as once."""
    UNSAFE = "unsafe"
    """It writes, and twice is wrong; what nobody declared is this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a stage asks of both sides for one call."""

    answers: Side
    """The authoritative side: its answer is the caller's."""
    also: Side | None = None
    """The side that gets the call, too: a compared read, or the second write."""


_LEGACY, _MODERN = Duty(answers=Side.LEGACY), Duty(answers=Side.MODERN)
_LEGACY_TOO = Duty(answers=Side.MODERN, also=Side.LEGACY)
_MODERN_TOO = Duty(answers=Side.LEGACY, also=Side.MODERN)

_READS: Final = {
    Stage.OFF: _LEGACY,
    Stage.DUALWRITE: _LEGACY,
    Stage.SHADOW: _MODERN_TOO,
    Stage.LIVE: _LEGACY_TOO,
    Stage.RAMPDOWN: _MODERN,
    Stage.COMPLETE: _MODERN,
}
_WRITES: Final = {
    Stage.OFF: _LEGACY,
    Stage.DUALWRITE: _MODERN_TOO,
    Stage.SHADOW: _MODERN_TOO,
    Stage.LIVE: _LEGACY_TOO,
    Stage.RAMPDOWN: _LEGACY_TOO,
    Stage.COMPLETE: _MODERN,
}


def duty(stage: Stage, operation: OperationClass) -> Duty:
    """Return who answers a call of this class in this stage, and who gets it, too.

    >>> duty(Stage.RAMPDOWN, OperationClass.SAFE)
    Duty(answers=<Side.MODERN: 'modern'>, also=None)
    >>> duty(Stage.RAMPDOWN, OperationClass.UNSAFE).also
    <Side.LEGACY: 'legacy'>
    """
    return (_READS if operation is OperationClass.SAFE else _WRITES)[stage]
