"""The room of a line, all lines of many records at once, and how each field fills its own. See `plane`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
from pydantic_core import to_json

from contracts.errors import RecordError
from contracts.legacy.copybook.leaf import Leaf, Value
from contracts.legacy.copybook.options import OddBytes, Options
from contracts.legacy.copybook.outline import Outline, Place
from contracts.legacy.copybook.plane import Mask, Planes
from contracts.legacy.copybook.shape import Shape, shape_of, shown_as

__all__ = ["Plan"]

_REMEMBERED_BYTES: Final = 2**18
"""Of the values of a field that had to be looked at one by one."""
_VALUE_BYTES: Final = 200
"""What a remembered value takes besides its bytes, roughly."""


@dataclass(slots=True, kw_only=True)
class _Column:
    """A field at one place: its bytes in a record, and its room in a line."""

    leaf: Leaf
    offset: int
    length: int
    shape: Shape
    odd: Sequence[Planes]
    """What only a policy says is no value."""
    show: Callable[[Value], bytes]
    """JSON of a value; nothing where rows must look at it."""
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
        fields = [packed[at : at + length] for at in range(0, len(packed), length)]
        known = self.known
        try:
            values = [known[each] for each in fields]
        except KeyError:
            values = [*map(self._json, fields)]
        texts = np.array(values, dtype=f"S{self.shape.width}")
        return texts.view(np.uint8).reshape(len(values), self.shape.width).T

    def _json(self, raw: bytes) -> bytes:
        shown = self.known.get(raw)
        if shown is not None:
            return shown
        try:
            shown = self.show(self.leaf.decode(raw, self.offset))
        except RecordError:
            shown = b""
        if len(shown) > self.shape.width:
            shown = b""
        if len(self.known) * (self.length + _VALUE_BYTES) >= _REMEMBERED_BYTES:
            self.known.clear()
        self.known[raw] = shown
        return shown


@final
class Plan:
    """The room of a line, and what is written into it."""

    def __init__(self, outline: Outline, options: Options, *, is_wide: bool) -> None:
        self.is_wide = is_wide
        """Whether text has room for characters of several bytes."""
        self._columns: list[tuple[_Column, slice]] = []
        line = bytearray()
        for token in outline.tokens:
            if isinstance(token, bytes):
                line += token
            else:
                column = _column(options, token, is_wide=is_wide)
                self._columns.append((column, slice(len(line), len(line) + column.shape.width)))
                line += bytes(column.shape.width)
        self.width = len(line)
        """Bytes of a line with all its room."""
        self._line = np.frombuffer(bytes(line), np.uint8)
        self._planes: Planes = np.empty((self.width, 0), np.uint8)

    @property
    def held_bytes(self) -> int:
        """Return the memory that it keeps for its lines."""
        return self._planes.nbytes

    def fill(self, records: Planes, bad: Mask) -> tuple[Planes, int]:
        """Return lines as planes, and the most values of a field that were no plain ones; add to the bad ones.

        The lines are there until the next call.
        """
        count = len(records)
        if self._planes.shape[1] < count:
            self._planes = np.repeat(self._line, count).reshape(self.width, count)
        turned = np.ascontiguousarray(records.T)
        odd = max((column.fill(turned, self._planes[room], bad) for column, room in self._columns), default=0)
        return self._planes[:, :count], odd


def _column(options: Options, place: Place, *, is_wide: bool) -> _Column:
    leaf, offset, length, showing = place
    shape = shape_of(leaf, options, length, is_wide=is_wide)
    if showing is not None:
        shape = shown_as(shape, showing)
    odd = [
        np.frombuffer(raw, np.uint8)[:, None]
        for raw, (_, meaning) in leaf.odd.items()
        if meaning is not OddBytes.KEEP and len(raw) == length and leaf.read(raw) is not None
    ]
    show = to_json if showing is None else showing.show
    return _Column(leaf=leaf, offset=offset, length=length, shape=shape, odd=odd, show=show)
