"""Records that stand below each other to one object, and back. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from contracts.errors import RecordError
from contracts.legacy.copybook import Record
from contracts.legacy.tree.kinship import ORDER, Kin, Kinship

__all__ = ["Placed", "flat", "nested", "without"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A record of a tree."""

    kin: Kin | None
    values: Record
    ids: Mapping[str, str | int] = field(default_factory=dict[str, str | int])


@dataclass(slots=True)
class _Open:
    """A record that others may still come below."""

    kin: Kin | None
    below: Record
    """Where they are put."""
    order: list[str] = field(default_factory=list[str])


def nested(kinship: Kinship, records: Sequence[Placed]) -> Record:
    """Return the object of one tree, given its records in the order of the file; each is below one before it.

    What stands below a group is in it, as lists by the names of their groups; one of those holds what is outside the
    groups of its record, what is in its group, and what stands below it. Where the order in the file is not by group,
    `Seg_Order` tells it.
    """
    first, *others = records
    tree = {**first.ids, **first.values}
    root = _Open(first.kin, tree if first.kin is None else _at(tree, first.kin.place))
    opened, all_ = [root], [root]
    _prepare(kinship, root)
    for record in others:
        kin = record.kin
        while kin is None or opened[-1].kin is None or opened[-1].kin.path != kin.parent:
            opened.pop()
        entry = {**record.ids, **_entry(record.values, kin.place)}
        opened[-1].below[kin.name].append(entry)
        opened[-1].order.append(kin.name)
        opened.append(_Open(kin, entry))
        all_.append(opened[-1])
        _prepare(kinship, opened[-1])
    for each in all_:
        ranks = {child.name: rank for rank, child in enumerate(kinship.children(each.kin))}
        if each.order != sorted(each.order, key=ranks.__getitem__):
            each.below[ORDER] = each.order
    return tree


def flat(kinship: Kinship, tree: Mapping[str, Any], ids: frozenset[str]) -> list[Record]:
    """Return the records of a tree in the order of the file; the inverse of `nested`.

    Args:
        kinship: Which groups stand below which.
        tree: As `nested` returns it; lists that are missing are empty.
        ids: Names of ids, which are left out.

    Raises:
        RecordError: What stands below a group is no list of objects, or its order does not fit it.
    """
    return _Flat(kinship, ids).tree(tree)


def without(record: Mapping[str, Any], ids: frozenset[str]) -> Record:
    """Return a record without its ids."""
    return {name: value for name, value in record.items() if name not in ids}


def _prepare(kinship: Kinship, opened: _Open) -> None:
    for child in kinship.children(opened.kin):
        opened.below[child.name] = []


def _at(record: Record, place: Sequence[str]) -> Record:
    for name in place:
        record = record[name]
    return record


def _entry(values: Record, place: Sequence[str]) -> Record:
    """Return a record with what is in its group beside what is outside it; groups that held nothing else go."""
    above = [values]
    for name in place[:-1]:
        above.append(above[-1][name])
    group = above[-1].pop(place[-1])
    for parent, name in zip(reversed(above[:-1]), reversed(place[:-1]), strict=True):
        if not parent[name]:
            del parent[name]
    return {**values, **group}


def _copied(record: Record, place: Sequence[str]) -> Record | None:
    """Return the group at a place, for changes that the original must not see; None where there is none."""
    for name in place:
        if not isinstance(record.get(name), dict):
            return None
        record[name] = dict(cast("Record", record[name]))
        record = record[name]
    return record


class _Flat:
    def __init__(self, kinship: Kinship, ids: frozenset[str]) -> None:
        self._kinship, self._ids = kinship, ids

    def tree(self, tree: Mapping[str, Any]) -> list[Record]:
        root = without(tree, self._ids)
        records = [root]
        for kin in self._kinship.kin.values():
            if kin.parent is None and (group := _copied(root, kin.place)) is not None:
                records += self._below(kin, group)
        return records

    def _below(self, kin: Kin, holder: Record) -> Iterator[Record]:
        """Take what stands below a record out of it, and yield it as records."""
        children = {child.name: child for child in self._kinship.children(kin)}
        lists = {name: _objects(holder, name) for name in children}
        told: object = holder.pop(ORDER, None) or [name for name, each in lists.items() for _ in each]
        order = [str(name) for name in cast("list[object]", told)] if isinstance(told, list) else []
        if Counter(order) != Counter({name: len(each) for name, each in lists.items() if each}):
            found = ", ".join(f"{len(each)} {name}" for name, each in lists.items())
            raise RecordError(ORDER, expected=f"the name of each that stands below {kin.name}: {found}", code="order")
        entries = {name: iter(each) for name, each in lists.items()}
        for name in order:
            yield from self._entry(children[name], next(entries[name]))

    def _entry(self, kin: Kin, entry: Record) -> Iterator[Record]:
        """Yield a record that stands below another, and what stands below it."""
        record = without(entry, self._ids)
        below = list(self._below(kin, record))
        group = {name: record.pop(name) for name in [*record] if name in kin.fields}
        at = record
        for name in kin.place[:-1]:
            at[name] = dict(cast("Record", at[name])) if isinstance(at.get(name), dict) else {}
            at = at[name]
        at[kin.place[-1]] = group
        yield record
        yield from below


def _objects(holder: Record, name: str) -> list[Record]:
    found: object = holder.pop(name, None)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in cast("list[object]", found)):
        raise RecordError(name, expected="an array of objects", code="value")
    return cast("list[Record]", found)
