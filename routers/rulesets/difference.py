"""What a change of the rules changes: fields before and after, and how much of the cohort space moves where."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, cast

from contracts.keys import BUCKETS
from routers.rulesets.capability import Capability
from routers.stage import OperationClass, Side, duty

__all__ = ["CapabilityChange", "FieldChange", "difference", "percent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs; None where it is not set."""

    field: str
    before: object
    after: object

    def __str__(self) -> str:
        """Return it for people: shares in percent."""
        return f"{self.field}: {_shown(self.field, self.before)} -> {_shown(self.field, self.after)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityChange:
    """What changes of one capability."""

    name: str
    kind: Literal["added", "removed", "changed"]
    fields: tuple[FieldChange, ...]
    """Those that differ; of an added or removed capability, all that are set."""
    to_modern_bp: int
    """How much of the cohort space is answered by legacy before, and by modern after."""
    to_legacy_bp: int
    """The other way round."""
    redrawn: bool
    """Salt or form of the key differ: every key falls anew, and the two figures above are what is to be expected."""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        fields = [{"field": each.field, "before": each.before, "after": each.after} for each in self.fields]
        moves = {"to_modern_bp": self.to_modern_bp, "to_legacy_bp": self.to_legacy_bp, "redrawn": self.redrawn}
        return {"capability": self.name, "change": self.kind, "fields": fields, **moves}

    def lines(self) -> list[str]:
        """Return it for people: what moves, then each field."""
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.kind]
        moves = [
            f"{percent(moved)} of the cohort space ({moved:,} of {BUCKETS:,} buckets) moves to {side}"
            for moved, side in ((self.to_modern_bp, Side.MODERN), (self.to_legacy_bp, Side.LEGACY))
            if moved
        ]
        told = "every key falls anew: about " if self.redrawn and moves else ""
        head = f"{sign} {self.name}: {self.kind}; {told}{', '.join(moves) or 'no key moves'}"
        return [head, *(f"    {field}" for field in self.fields if self.kind == "changed")]


def difference(before: Mapping[str, Capability], after: Mapping[str, Capability]) -> Sequence[CapabilityChange]:
    """Return what changes between two sets of capabilities, by name; nothing where they say the same."""
    return [
        _change(name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def percent(share_bp: int) -> str:
    """Return basis points for people.

    >>> percent(2500), percent(1)
    ('25 %', '0.01 %')
    """
    return f"{share_bp / 100:g} %"


def _change(name: str, before: Capability | None, after: Capability | None) -> CapabilityChange:
    to_modern, to_legacy = _moves(before, after)
    return CapabilityChange(
        name=name,
        kind="added" if before is None else "removed" if after is None else "changed",
        fields=tuple(_fields(_dumped(before), _dumped(after))),
        to_modern_bp=to_modern,
        to_legacy_bp=to_legacy,
        redrawn=before is not None and after is not None and _is_redrawn(before, after),
    )


def _dumped(capability: Capability | None) -> dict[str, Any]:
    return {} if capability is None else capability.model_dump(mode="json", by_alias=True, exclude_none=True)


def _fields(before: dict[str, Any], after: dict[str, Any], above: str = "") -> Iterator[FieldChange]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _fields(cast("dict[str, Any]", old), cast("dict[str, Any]", new), f"{above}{name}.")
        elif old != new:
            yield FieldChange(field=f"{above}{name}", before=cast("object", old), after=cast("object", new))


def _shown(field: str, value: object) -> str:
    if value is None:
        return "not set"
    return percent(value) if field == "share" and isinstance(value, int) else str(value)


def _is_redrawn(before: Capability, after: Capability) -> bool:
    return _drawing(before) != _drawing(after)


def _drawing(capability: Capability) -> tuple[object, ...]:
    """Return what decides on which bucket a key falls."""
    return (capability.salt, capability.key.strip_zeros, capability.key.case)


def _moves(before: Capability | None, after: Capability | None) -> tuple[int, int]:
    """Return how much moves to modern, and how much to legacy."""
    if before is not None and after is not None and _is_redrawn(before, after):
        old, new = _modern_bp(before), _modern_bp(after)
        return round((BUCKETS - old) * new / BUCKETS), round(old * (BUCKETS - new) / BUCKETS)
    edges = {0, BUCKETS, *(capability.share for capability in (before, after) if capability is not None)}
    moved = {Side.MODERN: 0, Side.LEGACY: 0}
    for low, high in pairwise(sorted(edges)):
        if (side := _side(after, low)) is not _side(before, low):
            moved[side] += high - low
    return moved[Side.MODERN], moved[Side.LEGACY]


def _modern_bp(capability: Capability) -> int:
    return _moves(None, capability)[0]


def _side(capability: Capability | None, bucket: int) -> Side:
    """Return who answers a bucket; reads and writes are answered by the same side in every stage."""
    if capability is None:
        return Side.LEGACY
    stage = capability.next if bucket < capability.share else capability.current
    return duty(stage, OperationClass.SAFE).answers
