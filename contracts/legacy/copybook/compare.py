"""What changed between two versions of a copybook, and whether records of the old one can be read with the new."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from contracts.legacy.copybook.entry import written
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.layout import Layout

__all__ = ["Change", "Comparison", "Difference", "compare", "described"]


class Change(StrEnum):
    """What happened to an item."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    RESIZED = "resized"
    RETYPED = "retyped"
    CONDITIONS = "conditions"
    """Its condition names (level 88) are others, or stand for other values: where `conditions` tells them instead of
    values, records that are there mean something else. Their bytes are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One change of one item."""

    change: Change
    path: str
    """The names of its groups and its own, joined with dots."""
    old: str | None
    """Offset, length, type or condition names; None where it was not there."""
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All changes, and what they mean for records that are there."""

    differences: tuple[Difference, ...]
    reasons: tuple[str, ...]
    """Why records of the old copybook can't be read with the new one; none where they can."""

    @property
    def is_compatible(self) -> bool:
        """Tell whether every field of the old copybook has its bytes and its meaning in the new one."""
        return not self.reasons


def compare(old: Layout, new: Layout) -> Comparison:
    """Compare two versions of a record's layout, item by item.

    Items are the same where their paths are. They stay compatible while the record keeps its length and every
    named item its place, its length and its type: what is added takes the room of FILLER, or redefines.
    """
    before, after = _by_path(old), _by_path(new)
    found = [
        *(_one(path, item, after.get(path)) for path, item in before.items()),
        *(_one(path, None, item) for path, item in after.items() if path not in before),
    ]
    differences = tuple(each for changes in found for each in changes)
    return Comparison(differences=differences, reasons=tuple(_reasons(old, new, differences)))


def described(item: Item) -> str:
    """Return the type of an item in a few words.

    >>> from contracts.legacy.copybook import parse
    >>> described(parse("       01 A PIC S9(5)V99 COMP-3.").items[0])
    'packed S9(5)V99 signed'
    """
    words = [item.kind.value]
    if item.kind is Kind.BINARY:
        words.append(f"{item.length} bytes {item.order}-endian")
    if item.kind is Kind.FLOAT:
        words.append(f"{item.floats} {item.order}-endian")
    words += [item.picture] if item.picture else []
    if item.signed and item.kind is not Kind.FLOAT:
        words.append("signed" if item.sign == "trailing" else f"signed {item.sign}")
    words += ["with a decimal comma"] if item.decimal_comma and item.symbols else []
    words += ["justified"] if item.justified else []
    words += ["blank when zero"] if item.blank_when_zero else []
    words += [_occurs(item)] if item.occurs else []
    words += [f"redefines {item.redefines}"] if item.redefines else []
    return " ".join(words)


def _occurs(item: Item) -> str:
    table = item.occurs
    if table is None:
        return ""
    if table.depending_on is None:
        return f"occurs {table.most}"
    return f"occurs {table.least} to {table.most} depending on {table.depending_on}"


def _by_path(layout: Layout) -> Mapping[tuple[str, int], Item]:
    often: Counter[str] = Counter()
    found: dict[tuple[str, int], Item] = {}
    for item in layout.walk():
        if item.name:
            path = ".".join(item.path)
            found[path, often[path]] = item
            often[path] += 1
    return found


def _one(path: tuple[str, int], old: Item | None, new: Item | None) -> Iterator[Difference]:
    name = path[0] if not path[1] else f"{path[0]} ({path[1] + 1})"
    if old is None or new is None:
        change = Change.ADDED if old is None else Change.REMOVED
        yield Difference(change=change, path=name, old=_placed(old), new=_placed(new))
        return
    if old.offset != new.offset:
        yield Difference(change=Change.MOVED, path=name, old=str(old.offset), new=str(new.offset))
    if old.size != new.size:
        yield Difference(change=Change.RESIZED, path=name, old=str(old.size), new=str(new.size))
    if _type(old) != _type(new):
        yield Difference(change=Change.RETYPED, path=name, old=described(old), new=described(new))
    if _names(old) != _names(new):
        yield Difference(change=Change.CONDITIONS, path=name, old=_names(old), new=_names(new))


def _names(item: Item) -> str:
    """Return condition names with their values, in the order of the copybook, since the first that holds counts."""
    told = [
        (each.name, [written(low) + (f" THRU {written(high)}" if high else "") for low, high in each.ranges])
        for each in item.conditions
    ]
    return ", ".join(f"{name} {' '.join(values)}" for name, values in told)


def _placed(item: Item | None) -> str | None:
    return None if item is None else f"{described(item)} at {item.offset}, {item.size} bytes"


def _type(item: Item) -> tuple[Any, ...]:
    return (
        item.kind,
        item.usage,
        *(item.digits, item.scale, item.signed, item.sign, item.order, item.floats, item.symbols),
        item.decimal_comma and bool(item.symbols),
        *(item.justified, item.blank_when_zero, item.occurs),
    )


def _reasons(old: Layout, new: Layout, differences: tuple[Difference, ...]) -> Iterator[str]:
    if old.length != new.length:
        yield f"the record has {new.length} bytes instead of {old.length}"
    if old.is_variable != new.is_variable:
        yield "records vary in length" if new.is_variable else "records no longer vary in length"
    kept = {Change.ADDED, Change.CONDITIONS}
    yield from (_reason(each) for each in differences if each.change not in kept)


def _reason(difference: Difference) -> str:
    path, old, new = difference.path, difference.old, difference.new
    match difference.change:
        case Change.ADDED | Change.REMOVED | Change.CONDITIONS:
            return f"{path} is gone"
        case Change.MOVED:
            return f"{path} begins at {new} instead of {old}"
        case Change.RESIZED:
            return f"{path} has {new} bytes instead of {old}"
        case Change.RETYPED:
            return f"{path} is {new} instead of {old}"
