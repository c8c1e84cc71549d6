"""What the line of a record is made of: the JSON that all records of its kind share, and where the values are.

Counters and segments decide where items are. A record's outline is found as rows read it, item by item; all records
with the same bytes in the fields that told have the same one.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic_core import to_json

from contracts.errors import RecordError
from contracts.legacy.copybook.leaf import Leaf
from contracts.legacy.copybook.node import GroupNode, LeafNode, Member, Node, Path, Reading, TableNode
from contracts.legacy.copybook.place import Renamed
from contracts.legacy.copybook.row import RowCodec
from contracts.legacy.copybook.shape import Showing

__all__ = ["Outline", "Place", "is_hidden", "outline_of", "values_of"]


class Place(NamedTuple):
    """A field, and where it is in the record."""

    leaf: Leaf
    start: int
    length: int
    """Bytes."""
    showing: Showing | None = None
    """How its values are shown, where it is not as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What records of one kind look like."""

    tokens: list[bytes | Place]
    """What their lines are made of, in order."""
    end: int
    """Where their last item ends."""
    telling: dict[int, int]
    """Each byte of the fields that told: where it is -> what it is."""


def outline_of(rows: RowCodec, record: bytes) -> Outline:
    """Return the outline of a record, and of all that have the same bytes in the fields that tell.

    Args:
        rows: How it is read.
        record: Its bytes, filled where they are trimmed; nothing where the layout does not vary.

    Raises:
        RecordError: A counter, or a field that tells a segment, can't be read; rows say what is wrong, if anything.
    """
    walk = _Walk(state=Reading(record))
    end = walk.group(rows.root, 0)
    comma = b"," if len(walk.tokens) > 2 else b""  # noqa: PLR2004 - two brackets
    walk.tokens.pop()
    for renamed, node in rows.renames:
        walk.tokens.append(comma + to_json(renamed.name) + b":")
        walk.tokens.append(walk.between(renamed, node.leaf))
        comma = b","
    return Outline(tokens=[*walk.tokens, b"}\n"], end=end, telling=walk.telling)


def is_hidden(node: Node) -> bool:
    """Tell whether an item has counters where nobody sees its values, so that rows must look into all of it."""
    if isinstance(node, TableNode):
        return is_hidden(node.one)
    if not isinstance(node, GroupNode):
        return False
    return any(
        is_hidden(each.node) if each.is_wanted else each.node.size is None or each.node.is_read for each in node.members
    )


def values_of(node: Node) -> int:
    """Return how many values the value of an item holds, at most."""
    if isinstance(node, TableNode):
        return node.table.most * values_of(node.one)
    if isinstance(node, GroupNode):
        return sum(values_of(member.node) for member in node.members if member.is_wanted)
    return 1


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Goes through a record as `node` reads it, and looks at nothing but what tells where things are."""

    state: Reading
    tokens: list[bytes | Place] = field(default_factory=list["bytes | Place"])
    marks: dict[Path, tuple[int, int]] = field(default_factory=dict[Path, tuple[int, int]])
    telling: dict[int, int] = field(default_factory=dict[int, int])

    def between(self, renamed: Renamed, leaf: Leaf) -> bytes | Place:
        """Return where renamed bytes are, or what stands there where the record has none."""
        first, last = self.marks.get(renamed.first), self.marks.get(renamed.last)
        if first is None or last is None:
            return b"null"
        start, length = first[0], last[1] - first[0]
        if length < 1:
            raise RecordError(renamed.name, expected="an item that ends after it begins", start=start, code="renames")
        return Place(leaf, start, length)

    def group(self, group: GroupNode, at: int) -> int:
        """Go through a group that begins at a place, and return where it ends."""
        self.tokens.append(b"{")
        starts: list[int] = []
        end, comma = at, b""
        for member in group.members:
            original = member.original
            starts.append(end + member.node.item.slack if original is None else starts[original])
            if not self._is_chosen(group, member):
                end = max(end, starts[-1] + (member.shared or 0))
            elif member.is_wanted:
                self.tokens.append(comma + to_json(member.node.item.name) + b":")
                end, comma = max(end, self._node(member.node, starts[-1])), b","
            else:
                end = max(end, starts[-1] + (member.node.size or 0))
        self.tokens.append(b"}")
        if group.is_marked and end > at:
            self.marks.setdefault(group.item.path, (at, end))
        return end

    def _is_chosen(self, group: GroupNode, member: Member) -> bool:
        if member.selector is not None:
            item = member.selector.node.item
            self._tell(item.offset, self.state.take(item, item.offset))
        return group.is_chosen(member, self.state)

    def _node(self, node: Node, at: int) -> int:
        if isinstance(node, LeafNode):
            return self._leaf(node, at)
        if isinstance(node, GroupNode):
            return self.group(node, at)
        if isinstance(node, TableNode):
            return self._table(node, at)
        raise TypeError(node)

    def _leaf(self, node: LeafNode, at: int) -> int:
        item, end = node.item, at + node.item.length
        if node.counter is not None:
            raw = self.state.take(item, at)
            self._tell(at, raw)
            self.state.counts[node.counter.path] = node.counted(node.leaf.decode(raw, at), raw, at)
        if node.is_marked:
            self.marks.setdefault(item.path, (at, end))
        self.tokens.append(Place(node.leaf, at, item.length))
        return end

    def _table(self, node: TableNode, at: int) -> int:
        count, end = node.count(self.state.counts, at), at
        self.tokens.append(b"[")
        for index in range(count):
            self.tokens += [b","] * bool(index)
            end = self._node(node.one, node.place(at, end, index))
        self.tokens.append(b"]")
        return node.end(at, end, count)

    def _tell(self, at: int, raw: bytes) -> None:
        self.telling |= dict(enumerate(raw, at))
