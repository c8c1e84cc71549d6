"""Entries to items: where each begins, how long it is, and which counter and which items it means."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.legacy.copybook.dialect import Dialect
from contracts.legacy.copybook.entry import Entry, Renames, Usage
from contracts.legacy.copybook.item import Item, Kind, Table
from contracts.legacy.copybook.source import Word
from contracts.legacy.copybook.storage import Inherited, alignment, storage

__all__ = ["Placed", "Renamed", "place_record"]

MAX_RECORD = 1 << 27
"""Bytes of a record: the most that Enterprise COBOL takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """A level 66 entry: a name for the bytes from one item to the end of another."""

    name: str
    first: tuple[str, ...]
    last: tuple[str, ...]
    """Paths of items; equal where one item has two names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The items of one record."""

    length: int
    items: tuple[Item, ...]
    renames: tuple[Renamed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    path: tuple[str, ...] = ()
    given: Inherited = field(default_factory=Inherited)


def place_record(entries: Sequence[Entry], dialect: Dialect) -> Placed:
    """Place the topmost entries of one record after each other.

    Raises:
        ContractError: An entry contradicts its picture, its group, or what it names.
    """
    placer = _Placer(dialect)
    items, length = placer.children(entries, 0, _Group())
    renames = tuple(placer.renamed(each) for entry in entries for each in entry.renames)
    return Placed(length=length, items=items, renames=renames)


class _Placer:
    """Places the entries of one record; knows the items that are already placed."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._seen: list[tuple[tuple[str, ...], Kind]] = []

    def children(self, entries: Sequence[Entry], start: int, group: _Group) -> tuple[tuple[Item, ...], int]:
        """Place the entries of a group, and return the items and where the group ends."""
        items: list[Item] = []
        end = start
        for entry in entries:
            if entry.redefines and entry.level not in (1, 77):
                original = _redefined(items, entry.redefines)
                item = self._item(entry, original.offset, group)
            else:
                at = end + -end % self._lead(entry, group.given)
                item = replace(self._item(entry, at, group), slack=at - end)
            items.append(item)
            end = max(end, item.offset + item.size)
            if end > MAX_RECORD:
                raise entry.word.error(f"a record of at most {MAX_RECORD} bytes")
        return tuple(items), end

    def renamed(self, renames: Renames) -> Renamed:
        """Return what a level 66 entry means."""
        first = self._find(renames.first, near=())
        last = self._find(renames.last, near=()) if renames.last else first
        for words, found in ((renames.first, first), (renames.last or renames.first, last)):
            if found is None:
                raise words[0].error("the name of an item above")
        return Renamed(name=renames.name, first=first or (), last=last or ())

    def _item(self, entry: Entry, offset: int, group: _Group) -> Item:
        given = self._given(entry, group.given)
        path = (*group.path, entry.name) if entry.name else group.path
        common: dict[str, Any] = {
            "level": entry.level,
            "name": entry.name,
            "path": path,
            "offset": offset,
            "occurs": self._table(entry, group),
            "redefines": entry.redefines.upper if entry.redefines else None,
            "value": entry.value,
            "conditions": entry.conditions,
            "justified": entry.justified,
            "blank_when_zero": entry.blank_when_zero,
            "line": entry.word.line,
        }
        if entry.children:
            self._seen.append((path if entry.name else (), Kind.GROUP))
            return self._group(entry, offset, replace(group, path=path, given=given), common=common)
        stored = storage(entry, given, self._dialect)
        self._seen.append((path if entry.name else (), stored["kind"]))
        _check_clauses(entry, stored)
        return _in_table(Item(**common, **stored, sync=given.sync))

    def _group(self, entry: Entry, offset: int, inner: _Group, *, common: dict[str, Any]) -> Item:
        if entry.picture or entry.justified or entry.blank_when_zero:
            raise entry.word.error("no picture, JUSTIFIED or BLANK WHEN ZERO of a group")
        children, end = self.children(entry.children, offset, inner)
        length = end - offset
        if entry.occurs and entry.occurs.most > 1:
            length += -length % _widest(children, self._dialect)
        item = Item(
            **common,
            kind=Kind.GROUP,
            length=length,
            usage=inner.given.usage or Usage.DISPLAY,
            sync=inner.given.sync,
            children=children,
        )
        return _in_table(item)

    def _given(self, entry: Entry, outer: Inherited) -> Inherited:
        inner = outer.within(entry)
        # GnuCOBOL ignores SYNC of groups.
        return inner if self._dialect.ibm_slack or not entry.children else replace(inner, sync=False)

    def _lead(self, entry: Entry, given: Inherited) -> int:
        """Return what the offset of an entry is a multiple of."""
        inner = self._given(entry, given)
        if entry.children:
            before = self._dialect.ibm_slack and not entry.children[0].redefines
            return self._lead(entry.children[0], inner) if before else 1
        if not inner.sync:
            return 1
        stored = storage(entry, inner, self._dialect)
        return alignment(stored["kind"], stored["usage"], length=stored["length"], dialect=self._dialect)

    def _table(self, entry: Entry, group: _Group) -> Table | None:
        if entry.occurs is None:
            return None
        counter = entry.occurs.depending_on
        if entry.level in (1, 77):
            raise entry.word.error("no OCCURS at level 01 or 77")
        return Table(
            least=entry.occurs.least,
            most=entry.occurs.most,
            depending_on=counter[0].upper if counter else None,
            counter=self._find(counter, near=group.path) if counter else None,
        )

    def _find(self, words: tuple[Word, ...], *, near: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return the path of a named item above; of several that fit, the one that shares most groups."""
        names = [word.upper for word in words]
        fits = list(dict.fromkeys(path for path, _ in self._seen if path and _is_named(path, names)))
        if not fits:
            return None
        return max(fits, key=lambda path: _shared(path, near))


def _redefined(items: Sequence[Item], name: Word) -> Item:
    for item in reversed(items):
        if item.name == name.upper:
            return item
    raise name.error("the name of an item of the same group above")


def _is_named(path: tuple[str, ...], names: Sequence[str]) -> bool:
    if path[-1] != names[0]:
        return False
    groups = iter(reversed(path[:-1]))
    return all(name in groups for name in names[1:])


def _shared(path: tuple[str, ...], near: tuple[str, ...]) -> int:
    return next((at for at, (a, b) in enumerate(zip(path, near, strict=False)) if a != b), min(len(path), len(near)))


def _in_table(item: Item) -> Item:
    """Add the table that an item is, if it is one, to its dimensions and to those of what is in it."""
    return _deeper(item, (item.occurs.most, item.length)) if item.occurs else item


def _deeper(item: Item, table: tuple[int, int]) -> Item:
    children = tuple(_deeper(child, table) for child in item.children)
    return replace(item, dimensions=(table, *item.dimensions), children=children)


def _widest(children: Sequence[Item], dialect: Dialect) -> int:
    """Return what the length of an occurrence is a multiple of.

    GnuCOBOL forgets what it met before the last group in the table, so an item may not be aligned in all occurrences.
    """
    widest = 1
    for item in (item for child in children for item in child.walk()):
        if item.kind is Kind.GROUP:
            widest = widest if dialect.ibm_slack else 1
        elif item.sync:
            found = alignment(item.kind, item.usage, length=item.length, dialect=dialect)
            widest = max(widest, found)
    return widest


def _check_clauses(entry: Entry, stored: dict[str, object]) -> None:
    kind = stored["kind"]
    if entry.justified and kind not in (Kind.TEXT, Kind.NATIONAL, Kind.DBCS):
        raise entry.word.error("JUSTIFIED of text only")
    if entry.blank_when_zero and kind not in (Kind.ZONED, Kind.EDITED, Kind.NATIONAL_NUMBER):
        raise entry.word.error("BLANK WHEN ZERO of a number in DISPLAY")
    if entry.sign and not (kind in (Kind.ZONED, Kind.NATIONAL_NUMBER) and stored.get("signed")):
        raise entry.word.error("S in the picture of an item with SIGN")
