"""Records of one kind, whose items are all at one place: their bytes to lines of JSON. See `line`."""

from collections.abc import Iterator
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from contracts.legacy.copybook.outline import Outline
from contracts.legacy.copybook.plan import Plan
from contracts.legacy.copybook.plane import NOTHING, Mask, Planes
from contracts.legacy.copybook.row import RowCodec
from contracts.legacy.framing import RecordBatch

__all__ = ["Kin"]

_BATCH_BYTES: Final = 2**23
"""Of lines that are made at once, all their room counted."""
_OFTEN: Final = 8
"""When one record in so many is not plain, characters of several bytes get their room."""


@final
class Kin:
    """All records that have one outline."""

    def __init__(self, rows: RowCodec, outline: Outline) -> None:
        self._rows, self._outline = rows, outline
        self._plan: Plan | None = None
        self._places = np.fromiter(outline.telling.keys(), np.int64)
        self._told = np.fromiter(outline.telling.values(), np.uint8)

    @property
    def held_bytes(self) -> int:
        """Return the memory that is kept for lines."""
        return self._plan.held_bytes if self._plan else 0

    def has(self, batch: RecordBatch, indexes: NDArray[np.intp]) -> Mask:
        """Tell which records, by their indexes in a batch, have this outline: the bytes that tell are the same."""
        places = batch.offsets[indexes, None] + self._places
        found = np.take(batch.data, places, mode="clip")
        is_behind = self._places >= batch.lengths[indexes, None]
        if self._rows.options.is_trimmed:
            found[is_behind] = self._rows.blank
            return np.asarray((found == self._told).all(axis=1))
        return np.asarray(((found == self._told) & ~is_behind).all(axis=1))

    def lines(self, batch: RecordBatch) -> Iterator[bytes | int]:
        """Yield lines, each with its end, and in its place the index of each record that rows must look at."""
        plan = self._plan = self._plan or Plan(self._outline, self._rows.options, is_wide=False)
        size = max(1, _BATCH_BYTES // plan.width)
        for begin in range(0, len(batch), size):
            for found in self._part(batch.cut(begin, begin + size)):
                yield found + begin if isinstance(found, int) else found

    def _part(self, batch: RecordBatch) -> list[bytes | int]:
        plan = self._plan = self._plan or Plan(self._outline, self._rows.options, is_wide=False)
        bad, records = self._records(batch)
        planes, odd = plan.fill(records, bad)
        found: list[bytes | int] = []
        begin = 0
        for index in [*np.flatnonzero(bad).tolist(), len(batch)]:
            if index > begin:
                found.append(planes[:, begin:index].tobytes(order="F").translate(None, NOTHING))
            if index < len(batch):
                found.append(index)
            begin = index + 1
        if not plan.is_wide and odd * _OFTEN > len(batch):
            self._plan = Plan(self._outline, self._rows.options, is_wide=True)
        return found

    def _records(self, batch: RecordBatch) -> tuple[Mask, Planes]:
        """Return records as rows of one length, and which of them rows must look at since they have another."""
        length, blank = self._outline.end, self._rows.blank
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
        if self._rows.options.is_trimmed:
            records[np.arange(length) >= batch.lengths[:, None]] = self._rows.blank
            return batch.lengths > length, records
        bad: Mask = batch.lengths < length
        if not self._rows.options.drop_rest:
            filling = bytes([self._rows.blank, 0])
            for index in np.flatnonzero(batch.lengths > length).tolist():
                bad[index] = bool(batch.record(index)[length:].strip(filling))
        return bad, records
