"""Records to lines of JSON, many at once, byte for byte as one at a time gives them.

All lines of a batch are one array of bytes: names and brackets stand in it once and for all, each field has room for
its longest value, and what is not needed is taken out at the end. Whatever is not plain is left to rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

import numpy as np
from pydantic_core import to_json

from contracts.errors import ConfigError, RecordError
from contracts.legacy.copybook.leaf import Leaf
from contracts.legacy.copybook.node import GroupNode, LeafNode, Node, TableNode
from contracts.legacy.copybook.options import OddBytes
from contracts.legacy.copybook.plane import NOTHING, Mask, Planes
from contracts.legacy.copybook.row import RowCodec
from contracts.legacy.copybook.shape import Shape, shape_of
from contracts.legacy.framing import RecordBatch

__all__ = ["LineCodec"]

_Place: TypeAlias = tuple[Leaf, int, int]
"""A field, where it is in the record, and its bytes."""

_MOST_VALUES: Final = 5000
"""Of a record; with more, one batch would hold few records."""
_BATCH_BYTES: Final = 2**23
"""Of lines that are made at once, all their room counted."""
_REMEMBERED_BYTES: Final = 2**18
"""Of the values of a field that had to be looked at one by one."""
_OFTEN: Final = 8
"""When one record in so many is not plain, characters of several bytes get their room."""


@final
class LineCodec:
    r"""Decodes records whose items are all at one place, straight to lines of JSON.

    >>> from contracts.legacy.copybook import parse
    >>> from contracts.legacy.framing import Framing, read
    >>> layout = parse("       01  A.\n           05  B PIC 9(3).\n           05  C PIC X(2).")
    >>> codec = LineCodec(RowCodec(layout))
    >>> [batch] = read(bytes.fromhex("f0f0f1c140 f0f0c1c1c1 f0f0f0c1c2"), Framing(lrecl=5))
    >>> list(codec.lines(batch))
    [b'{"B":1,"C":"A"}\n', 1, b'{"B":0,"C":"AB"}\n']
    """

    def __init__(self, rows: RowCodec) -> None:
        """Prepare.

        Raises:
            ConfigError: The layout is not one that this can do, see `fits`.
        """
        if not self.fits(rows):
            raise ConfigError(["records whose items are not all at one place are decoded row by row"])
        self._rows = rows
        self._plan = _Plan(rows, is_wide=False)

    @classmethod
    def fits(cls, rows: RowCodec) -> bool:
        """Tell whether all items of a layout are at one place in every record, and not too many."""
        varies = any(item.occurs and item.occurs.depending_on for item in rows.layout.walk())
        return not varies and not rows.options.segments and _values_of(rows.root) <= _MOST_VALUES

    def lines(self, batch: RecordBatch) -> Iterator[bytes | int]:
        """Yield lines, each with its end, and in its place the index of each record that rows must look at."""
        size = max(1, _BATCH_BYTES // self._plan.width)
        for begin in range(0, len(batch), size):
            for found in self._part(batch.cut(begin, begin + size)):
                yield found + begin if isinstance(found, int) else found

    def _part(self, batch: RecordBatch) -> list[bytes | int]:
        bad, records = self._records(batch)
        planes, odd = self._plan.fill(records, bad)
        found: list[bytes | int] = []
        begin = 0
        for index in [*np.flatnonzero(bad).tolist(), len(batch)]:
            if index > begin:
                found.append(planes[:, begin:index].tobytes(order="F").translate(None, NOTHING))
            if index < len(batch):
                found.append(index)
            begin = index + 1
        if not self._plan.is_wide and odd * _OFTEN > len(batch):
            self._plan = _Plan(self._rows, is_wide=True)
        return found

    def _records(self, batch: RecordBatch) -> tuple[Mask, Planes]:
        """Return records as rows of the layout's length, and which of them have another."""
        length, blank = self._rows.layout.length, self._rows.blank
        records = batch.rows()
        if records is None or records.shape[1] < length:
            return self._gathered(batch, length)
        rest = records[:, length:]
        if self._rows.options.drop_rest or not rest.shape[1]:
            return np.zeros(len(batch), np.bool_), records[:, :length]
        return np.asarray(((rest != blank) & (rest != 0)).any(axis=1)), records[:, :length]

    def _gathered(self, batch: RecordBatch, length: int) -> tuple[Mask, Planes]:
        places = batch.offsets[:, None] + np.arange(length)
        records = np.take(batch.data, places, mode="clip")
        if not self._rows.options.is_trimmed:
            return batch.lengths != length, records
        records[np.arange(length) >= batch.lengths[:, None]] = self._rows.blank
        return batch.lengths > length, records


@dataclass(slots=True, kw_only=True)
class _Column:
    """A field at one place: its bytes in a record, and its room in a line."""

    leaf: Leaf
    offset: int
    length: int
    shape: Shape
    odd: Sequence[Planes]
    """What only a policy says is no value."""
    is_dirty: bool = False
    """Whether there may be bytes in its room that its way of writing does not overwrite."""
    known: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])

    def fill(self, record: Planes, room: Planes, bad: Mask) -> int:
        """Write all values, add those that could not be to the bad, and return how many were no plain ones."""
        raw = record[self.offset : self.offset + self.length]
        cell = room[:, : raw.shape[1]]
        if self.shape.write is None:
            cell[:] = self._found(raw)
            bad |= cell[0] == 0
            return 0
        if self.is_dirty:
            room[:] = 0
            self.is_dirty = False
        doubtful = self.shape.write(raw, cell)
        for odd in self.odd:
            doubtful = doubtful | np.asarray((raw == odd).all(axis=0))
        if not doubtful.any():
            return 0
        indexes = np.flatnonzero(doubtful)
        found = self._found(raw[:, indexes])
        cell[:, indexes] = found
        bad[indexes] |= found[0] == 0
        self.is_dirty = True
        return len(indexes)

    def _found(self, raw: Planes) -> Planes:
        """Return the planes of values that are looked up one by one; of what is none, nothing."""
        packed, length = raw.tobytes(order="F"), self.length
        values = [self._json(packed[at : at + length]) for at in range(0, len(packed), length)]
        texts = np.array(values, dtype=f"S{self.shape.width}")
        return texts.view(np.uint8).reshape(len(values), self.shape.width).T

    def _json(self, raw: bytes) -> bytes:
        shown = self.known.get(raw)
        if shown is not None:
            return shown
        try:
            shown = to_json(self.leaf.decode(raw, self.offset))
        except RecordError:
            shown = b""
        if len(shown) > self.shape.width:
            shown = b""
        if len(self.known) * self.length >= _REMEMBERED_BYTES:
            self.known.clear()
        self.known[raw] = shown
        return shown


class _Plan:
    """The room of a line, and what is written into it."""

    def __init__(self, rows: RowCodec, *, is_wide: bool) -> None:
        self.is_wide = is_wide
        self._columns: list[tuple[_Column, slice]] = []
        line = bytearray()
        for token in _tokens(rows):
            if isinstance(token, bytes):
                line += token
            else:
                column = _column(rows, token, is_wide=is_wide)
                self._columns.append((column, slice(len(line), len(line) + column.shape.width)))
                line += bytes(column.shape.width)
        self.width = len(line)
        self._line = np.frombuffer(bytes(line), np.uint8)
        self._planes: Planes = np.empty((self.width, 0), np.uint8)

    def fill(self, records: Planes, bad: Mask) -> tuple[Planes, int]:
        """Return lines as planes, and the most values of a field that were no plain ones; add to the bad ones."""
        count = len(records)
        if self._planes.shape[1] < count:
            self._planes = np.repeat(self._line, count).reshape(self.width, count)
        turned = np.ascontiguousarray(records.T)
        odd = max((column.fill(turned, self._planes[room], bad) for column, room in self._columns), default=0)
        return self._planes[:, :count], odd


def _column(rows: RowCodec, place: _Place, *, is_wide: bool) -> _Column:
    leaf, offset, length = place
    shape = shape_of(leaf, rows.options, length, is_wide=is_wide)
    odd = [
        np.frombuffer(raw, np.uint8)[:, None]
        for raw, (_, meaning) in leaf.odd.items()
        if meaning is not OddBytes.KEEP and len(raw) == length and leaf.read(raw) is not None
    ]
    return _Column(leaf=leaf, offset=offset, length=length, shape=shape, odd=odd)


def _tokens(rows: RowCodec) -> Iterator[bytes | _Place]:
    """Yield what a line is made of: what is the same in all, and where the bytes of its values are."""
    group, _ = _group(rows.root, 0)
    yield from group[:-1]
    comma = b"," if len(group) > 2 else b""  # noqa: PLR2004 - two brackets
    by_path = {item.path: item for item in rows.layout.walk() if item.name}
    for renamed, node in rows.renames:
        first, last = by_path[renamed.first], by_path[renamed.last]
        yield comma + to_json(renamed.name) + b":"
        yield node.leaf, first.offset, last.offset + last.size - first.offset
        comma = b","
    yield b"}\n"


def _node(node: Node, at: int) -> tuple[list[bytes | _Place], int]:
    """Return what the value of an item that begins at a place is made of, and where it ends."""
    if isinstance(node, LeafNode):
        return [(node.leaf, at, node.item.length)], at + node.item.length
    if isinstance(node, GroupNode):
        return _group(node, at)
    if not isinstance(node, TableNode):
        raise TypeError(node)
    found: list[bytes | _Place] = [b"["]
    for index in range(node.table.most):
        one, _ = _node(node.one, at + index * node.item.length)
        found += [b","] * bool(index) + one
    return [*found, b"]"], at + node.item.size


def _group(group: GroupNode, at: int) -> tuple[list[bytes | _Place], int]:
    found: list[bytes | _Place] = [b"{"]
    starts: list[int] = []
    end = at
    for member in group.members:
        item = member.node.item
        starts.append(end + item.slack if member.original is None else starts[member.original])
        if member.is_wanted:
            value, _ = _node(member.node, starts[-1])
            found += [b"," * (len(found) > 1) + to_json(item.name) + b":", *value]
        end = max(end, starts[-1] + item.size)
    return [*found, b"}"], end


def _values_of(node: Node) -> int:
    """Return how many values the value of an item holds."""
    if isinstance(node, TableNode):
        return node.table.most * _values_of(node.one)
    if isinstance(node, GroupNode):
        return sum(_values_of(member.node) for member in node.members if member.is_wanted)
    return 1
