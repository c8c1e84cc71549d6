"""A layout compiled to nodes that read records into values, and write values into records.

A node knows what does not change from record to record; a `Reading` or `Writing` knows one record. Nodes walk a
record from its start to its end, since where an item is depends on the counters before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from contracts.errors import RecordError
from contracts.legacy.copybook.condition import Holding
from contracts.legacy.copybook.item import Item, Table
from contracts.legacy.copybook.leaf import Leaf

__all__ = ["Counter", "GroupNode", "LeafNode", "Member", "Node", "Path", "Reading", "Selector", "TableNode"]

Path: TypeAlias = tuple[str, ...]
_SEGMENT_RULE: Final = "REDEFINES: a segment rule can say which"


@dataclass(slots=True)
class Reading:
    """What is known of a record while it is read."""

    record: bytes
    counts: dict[Path, int] = field(default_factory=dict[Path, int])
    chosen: dict[Path, Path | None] = field(default_factory=dict[Path, "Path | None"])
    """What the fields that tell segments choose, as far as they were asked."""
    marks: dict[Path, tuple[int, int]] | None = None
    """Where renamed items were found; None where nobody asks."""
    names: list[str] | None = None
    """The condition names that hold; None where nobody asks."""
    subscripts: list[int] = field(default_factory=list[int])
    skipped: int = 0
    """Where the last FILLER ends that was passed over."""

    def take(self, item: Item, start: int) -> bytes:
        """Return the bytes of an item.

        Raises:
            RecordError: The record ends before them.
        """
        raw = self.record[start : start + item.length]
        if len(raw) != item.length:
            expected = f"{item.length} bytes, not the end of the record at {len(self.record)}"
            raise RecordError(item.label, expected=expected, raw=raw, start=start, code="short-record")
        return raw


class Node(Protocol):
    """One item of a layout, with all that is in it."""

    @property
    def item(self) -> Item:
        """Return what it is compiled from."""
        ...

    @property
    def size(self) -> int | None:
        """Return the bytes of all occurrences, or None where they depend on a counter."""
        ...

    @property
    def is_read(self) -> bool:
        """Tell whether something in it must be read even where nobody wants its value."""
        ...

    def read(self, state: Reading, at: int) -> tuple[Any, int]:
        """Return the value that begins at a place of the record, and where it ends."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A field that tells how often a table stands in the record."""

    path: Path
    meanings: Mapping[str, int] | None
    """What its values mean, as text; None: they are numbers."""

    def count(self, value: object) -> int | None:
        """Return the count that a value means, or None where it means none."""
        if self.meanings is not None:
            value = self.meanings.get(str(value))
        return value if isinstance(value, int) and value >= 0 else None


@dataclass(slots=True, kw_only=True)
class LeafNode:
    """An elementary item that stands once."""

    item: Item
    leaf: Leaf
    counter: Counter | None = None
    holding: Holding | None = None
    is_marked: bool = False

    @property
    def size(self) -> int | None:
        """Return its bytes."""
        return self.item.length

    @property
    def is_read(self) -> bool:
        """Tell whether it is a counter."""
        return self.counter is not None

    def read(self, state: Reading, at: int) -> tuple[Any, int]:
        """Return its value and where it ends."""
        raw = state.take(self.item, at)
        value = self.leaf.decode(raw, at)
        end = at + self.item.length
        if self.counter is not None:
            state.counts[self.counter.path] = self.counted(value, raw, at)
        if self.is_marked and state.marks is not None:
            state.marks.setdefault(self.item.path, (at, end))
        if self.holding is not None and state.names is not None:
            state.names += self.holding.names(raw, self.leaf.read(raw), state.subscripts)
        return value, end

    def counted(self, value: object, raw: bytes, at: int) -> int:
        """Return the count that a value means.

        Raises:
            RecordError: It means none.
        """
        count = self.counter.count(value) if self.counter else None
        if count is None:
            raise RecordError(self.item.label, expected="a count of occurrences", raw=raw, start=at, code="count")
        return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A field at one place of all records that tells which of several items they have."""

    node: LeafNode
    groups: Mapping[str, Path | None]
    """What its values, as text, choose; `*` is every other value."""

    def read(self, state: Reading) -> Path | None:
        """Return the path of the item that a record has.

        Raises:
            RecordError: The field's value chooses none, or it has none.
        """
        item = self.node.item
        if item.path not in state.chosen:
            raw = state.take(item, item.offset)
            state.chosen[item.path] = self.choose(self.node.leaf.decode(raw, item.offset), raw)
        return state.chosen[item.path]

    def choose(self, value: object, raw: bytes | None) -> Path | None:
        """Return the path of the item that a value chooses.

        Raises:
            RecordError: It chooses none.
        """
        key = str(value) if str(value) in self.groups else "*"
        if key not in self.groups:
            item, expected = self.node.item, "one of " + ", ".join(self.groups)
            raise RecordError(item.label, expected=expected, raw=raw, start=item.offset, code="segment")
        return self.groups[key]


@dataclass(slots=True, kw_only=True)
class Member:
    """An item of a group: what is before it, and which other members describe the same bytes."""

    node: Node
    original: int | None = None
    """The member whose bytes this one describes again."""
    is_wanted: bool = True
    """Whether its value is; FILLER's is not."""
    selector: Selector | None = None
    """What tells whether a record has it; None: it has."""
    shared: int | None = None
    """Most bytes of all members that describe these; None where no other does."""
    cluster: tuple[str, ...] = ()
    """The names of all members that describe these bytes."""

    def hinted(self, error: RecordError) -> RecordError:
        """Return an error of a member, with what helps where records may have another one instead."""
        if not self.cluster or self.selector is not None or _SEGMENT_RULE in error.expected:
            return error
        expected = f"{error.expected} ({_SEGMENT_RULE} of {', '.join(filter(None, self.cluster))} a record has)"
        return RecordError(error.field, expected=expected, raw=error.raw, start=error.start, code=error.code)


@dataclass(slots=True, kw_only=True)
class GroupNode:
    """A group that stands once."""

    item: Item
    members: Sequence[Member]
    size: int | None
    holding: Holding | None = None
    is_marked: bool = False

    @property
    def is_read(self) -> bool:
        """Tell whether a counter is in it, or what else must be looked at."""
        return any(member.node.is_read for member in self.members)

    def read(self, state: Reading, at: int) -> tuple[Any, int]:
        """Return its values by name, and where it ends."""
        values: dict[str, Any] = {}
        starts: list[int] = []
        end = at
        for member in self.members:
            node = member.node
            start = end + node.item.slack if member.original is None else starts[member.original]
            starts.append(start)
            value, stop = self._member(member, state, start)
            end = max(end, stop)
            if value is not None or (member.is_wanted and self.is_chosen(member, state)):
                values[node.item.name or ""] = value
        if end > at:
            self._look(state, at, end)
        return values, end

    def is_chosen(self, member: Member, state: Reading) -> bool:
        """Tell whether a record has a member."""
        return member.selector is None or member.selector.read(state) == member.node.item.path

    def _member(self, member: Member, state: Reading, start: int) -> tuple[Any, int]:
        node = member.node
        if not self.is_chosen(member, state):
            return None, start + (member.shared or 0)
        if member.is_wanted:
            try:
                return node.read(state, start)
            except RecordError as error:
                raise member.hinted(error) from None
        if node.size is None or node.is_read:
            _, stop = node.read(state, start)
            return None, stop
        if member.original is None:
            state.skipped = max(state.skipped, start + node.size)
        return None, start + node.size

    def _look(self, state: Reading, at: int, end: int) -> None:
        if self.is_marked and state.marks is not None:
            state.marks.setdefault(self.item.path, (at, end))
        if self.holding is not None and state.names is not None:
            state.names += self.holding.names(state.record[at:end], None, state.subscripts)


@dataclass(slots=True, kw_only=True)
class TableNode:
    """An item that stands several times."""

    item: Item
    table: Table
    one: LeafNode | GroupNode
    size: int | None
    is_padded: bool
    """Whether it takes the room of its most occurrences, however many it has."""

    @property
    def is_read(self) -> bool:
        """Tell whether its length must be found."""
        return self.size is None or self.one.is_read

    def read(self, state: Reading, at: int) -> tuple[Any, int]:
        """Return its values, and where it ends."""
        count = self.count(state.counts, at)
        values: list[Any] = []
        end = at
        state.subscripts.append(0)
        for index in range(count):
            state.subscripts[-1] = index + 1
            value, end = self.one.read(state, self.place(at, end, index))
            values.append(value)
        state.subscripts.pop()
        if self.is_padded and at + self.item.size > len(state.record):
            expected = f"room for {self.table.most} occurrences, not the end of the record at {len(state.record)}"
            raise RecordError(self.item.label, expected=expected, start=at, code="short-record")
        return values, self.end(at, end, count)

    def place(self, at: int, end: int, index: int) -> int:
        """Return where an occurrence begins, given where the last one ended."""
        return end if self.one.size is None else at + index * self.item.length

    def end(self, at: int, end: int, count: int) -> int:
        """Return where the table ends."""
        if self.is_padded:
            return at + self.item.size
        return end if self.one.size is None else at + count * self.item.length

    def count(self, counts: Mapping[Path, int], at: int) -> int:
        """Return how many occurrences there are.

        Raises:
            RecordError: The counter says more than there may be.
        """
        if self.table.counter is None:
            return self.table.most
        count = counts.get(self.table.counter)
        if count is None or count > self.table.most:
            expected = f"at most {self.table.most} occurrences in {self.table.depending_on}, not {count}"
            raise RecordError(self.item.label, expected=expected, start=at, code="count")
        return count
