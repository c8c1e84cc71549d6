"""Values to records: the inverse of the nodes' reading, with an original record as the base where there is one.

What a record does not say differently from its base stays byte for byte as it is there: signs, filling, FILLER and
slack bytes included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from contracts.errors import RecordError
from contracts.legacy.copybook.node import GroupNode, LeafNode, Member, Node, Path, Reading, Selector, TableNode

__all__ = ["MISSING", "Writing", "write"]

MISSING: Final = object()
"""What a record says of a field that it does not have."""
Ends: TypeAlias = tuple[int, int | None]
"""Where something ends in the record, and in its base."""


@dataclass(slots=True)
class Writing:
    """What is known of a record while it is written."""

    blank: int
    base: Reading | None = None
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The record."""
    depth: int = 0
    """How many names of a path stand before those of the record."""
    counts: dict[Path, int] = field(default_factory=dict[Path, int])
    out: bytearray = field(default_factory=bytearray)
    kept: int = 0
    """In how many groups we are whose bytes are already those of the base."""

    def put(self, at: int, raw: bytes) -> None:
        """Write bytes."""
        self.fill(at, 0)
        self.out[at : at + len(raw)] = raw

    def fill(self, at: int, size: int) -> None:
        """Make sure that something is there: blanks where nothing was written."""
        self.out += bytes([self.blank]) * (at + size - len(self.out))

    def chosen(self, selector: Selector) -> Path | None:
        """Return the path of the item that a record has: as it tells, or else as its base does.

        Raises:
            RecordError: Nothing tells, or what tells chooses none.
        """
        item = selector.node.item
        value: Any = self.told
        for name in item.path[self.depth :]:
            value = cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None
        if value is not None:
            return selector.choose(value, None)
        if self.base is None:
            raise RecordError(item.label, expected="a value", start=item.offset, code="missing")
        return selector.read(self.base)

    def of_base(self, at: int | None, size: int) -> bytes | None:
        """Return bytes of the base, or None where it has no such place."""
        if self.base is None or at is None or len(self.base.record) < at + size:
            return None
        return self.base.record[at : at + size]

    def copy(self, at: int, size: int, base_at: int | None) -> None:
        """Write what the base has there, or blanks."""
        raw = self.of_base(base_at, size)
        if raw is None:
            self.fill(at, size)
        elif not self.kept:
            self.put(at, raw)


def write(node: Node, value: object, state: Writing, *, at: int, base_at: int | None) -> Ends:
    """Write an item, and return where it ends.

    Raises:
        RecordError: A value is missing, does not fit, or contradicts a counter.
    """
    match node:
        case LeafNode():
            return _leaf(node, value, state, at=at, base_at=base_at)
        case GroupNode():
            return _group(node, value, state, at=at, base_at=base_at)
        case TableNode():
            return _table(node, value, state, at=at, base_at=base_at)
        case _:
            raise TypeError(node)


def _leaf(node: LeafNode, value: object, state: Writing, *, at: int, base_at: int | None) -> Ends:
    size = node.item.length
    old = state.of_base(base_at, size)
    raw = old if old is not None and _is_same(node, old, value) else None
    if raw is None and value is MISSING:
        raise RecordError(node.item.label, expected="a value", start=at, code="missing")
    is_new = raw is None
    raw = node.leaf.encode(value, at) if raw is None else raw
    if is_new or not state.kept:
        state.put(at, raw)
    if node.counter is not None:
        state.counts[node.counter.path] = node.counted(node.leaf.decode(raw, at), raw, at)
        if state.base is not None and base_at is not None:
            node.read(state.base, base_at)
    return at + size, None if base_at is None else base_at + size


def _is_same(node: LeafNode, old: bytes, value: object) -> bool:
    if value is MISSING:
        return True
    try:
        found = node.leaf.decode(old, 0)
    except RecordError:
        return False
    return found == value and isinstance(found, str) == isinstance(value, str)


def _group(node: GroupNode, value: object, state: Writing, *, at: int, base_at: int | None) -> Ends:
    if value is MISSING and base_at is None:
        raise RecordError(node.item.label, expected="a value", start=at, code="missing")
    values: object = dict[str, Any]() if value is MISSING else value
    if not isinstance(values, Mapping):
        raise RecordError(node.item.label, expected="an object with a value for each item", start=at, code="value")
    told = cast("Mapping[str, Any]", values)
    _check_keys(node, told, at)
    places: list[Ends] = []
    kept: set[int] = set()
    end: Ends = at, base_at
    for index, member in enumerate(node.members):
        root = index if member.original is None else member.original
        start = _start(member, end, state) if member.original is None else places[member.original]
        places.append(start)
        if member.shared and index == root and state.of_base(start[1], 1) is not None:
            _keep(member, state, start)
            kept.add(root)
        state.kept += root in kept
        stop = _member(member, told, state, start=start)
        state.kept -= root in kept
        end = _latest(end, stop)
    return end


def _check_keys(node: GroupNode, values: Mapping[str, Any], at: int) -> None:
    unknown = values.keys() - {member.node.item.name for member in node.members}
    if unknown and node.item.level > 1:
        raise RecordError(node.item.label, expected=f"no value {min(unknown)}", start=at, code="value")


def _latest(end: Ends, stop: Ends) -> Ends:
    if end[1] is None or stop[1] is None:
        return max(end[0], stop[0]), end[1]
    return max(end[0], stop[0]), max(end[1], stop[1])


def _start(member: Member, end: Ends, state: Writing) -> Ends:
    slack = member.node.item.slack
    if not slack:
        return end
    raw = state.of_base(end[1], slack) or bytes([state.blank]) * slack
    if not state.kept:
        state.put(end[0], raw)
    return end[0] + slack, None if end[1] is None else end[1] + slack


def _keep(member: Member, state: Writing, start: Ends) -> None:
    """Begin with the base's bytes where several items describe the same."""
    if state.base is not None and start[1] is not None and member.shared and not state.kept:
        state.put(start[0], state.base.record[start[1] : start[1] + member.shared])


def _member(member: Member, values: Mapping[str, Any], state: Writing, *, start: Ends) -> Ends:
    node, (at, base_at) = member.node, start
    if member.selector is not None and state.chosen(member.selector) != node.item.path:
        room = member.shared or 0
        return at + room, None if base_at is None else base_at + room
    if not member.is_wanted:
        return _filler(node, state, at=at, base_at=base_at)
    value = values.get(node.item.name or "", MISSING)
    is_elsewhere = any(name in values for name in member.cluster)
    if value is MISSING and is_elsewhere and base_at is None:
        state.fill(at, member.shared or 0)
        return at + (member.shared or 0), None
    return write(node, value, state, at=at, base_at=base_at)


def _filler(node: Node, state: Writing, *, at: int, base_at: int | None) -> Ends:
    size, base_end = node.size, base_at
    if state.base is not None and base_at is not None and (size is None or node.is_read):
        _, base_end = node.read(state.base, base_at)
        state.counts |= state.base.counts
        size = base_end - base_at
    if size is None:
        raise RecordError(node.item.label, expected="a base record for FILLER that varies", start=at, code="missing")
    state.copy(at, size, base_at)
    return at + size, None if base_at is None else base_at + size


def _table(node: TableNode, value: object, state: Writing, *, at: int, base_at: int | None) -> Ends:
    before = None if state.base is None or base_at is None else node.count(state.base.counts, at)
    count = node.count(state.counts, at)
    told = [MISSING] * count if value is MISSING and before == count else value
    if not isinstance(told, Sequence) or isinstance(told, str | bytes):
        raise RecordError(node.item.label, expected="an array", start=at, code="missing")
    values = cast("Sequence[object]", told)
    if len(values) != count:
        raise RecordError(node.item.label, expected=f"an array of {count}, as is told", start=at, code="count")
    end: Ends = at, base_at
    for index in range(count):
        old = None if before is None or index >= before or base_at is None or end[1] is None else end[1]
        old = old if old is None else node.place(base_at or 0, old, index)
        stop = write(node.one, values[index], state, at=node.place(at, end[0], index), base_at=old)
        end = stop[0], stop[1] if stop[1] is not None else end[1]
    return _after(node, state, (at, base_at), end=end, counts=(count, before))


def _after(node: TableNode, state: Writing, start: Ends, *, end: Ends, counts: tuple[int, int | None]) -> Ends:
    """Return where a table ends; what its base has more is skipped."""
    at, base_at = start
    stop = node.end(at, end[0], counts[0])
    base_end = end[1]
    if base_at is not None and base_end is not None and counts[1] is not None and state.base is not None:
        for _ in range(counts[0], counts[1] if node.one.size is None else 0):
            _, base_end = node.one.read(state.base, base_end)
        base_end = node.end(base_at, base_end, counts[1])
    if stop > end[0]:
        offset = end[0] - at
        state.copy(end[0], stop - end[0], None if base_at is None else base_at + offset)
    return stop, base_end
