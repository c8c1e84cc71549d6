"""LS: lines of text, padded to one length where that is declared."""

from collections.abc import Iterator
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import FramingError
from contracts.legacy.framing.batch import MOST_ERRORS, Position, RecordBatch
from contracts.legacy.framing.source import Source
from contracts.legacy.framing.spec import Framing, LineEnd

__all__ = ["read_lines"]

_CR: Final = 0x0D
_PADDED_BYTES: Final = 2**21
"""How much is padded at a time: short lines may grow a lot."""


def read_lines(source: Source, framing: Framing, at: Position) -> Iterator[RecordBatch]:
    """Yield the lines without their ends; with `lrecl`, as the rows of one array.

    Raises:
        FramingError: A line is too long (`line`), or the last one has no end (`truncated`). With `resync`, lines
            that are too long come as errors with the batch, and take no ordinal.
    """
    lines = _Lines(source, framing, at.ordinal)
    while True:
        used, error = 0, None
        for ends, following in lines.ends():
            batch, error = lines.batch(np.append(used, following), ends)
            if len(batch) or batch.errors:
                yield batch
            if error is not None:
                raise error
            used = int(following[-1])
        error = lines.unfinished(used)
        if error is not None:
            raise error
        if source.ended:
            return
        source.advance(used)


@final
class _Lines:
    def __init__(self, source: Source, framing: Framing, ordinal: int) -> None:
        self._source, self._framing, self._ordinal = source, framing, ordinal
        self.mark = framing.line_end.mark
        self._maybe_cr = framing.line_end in {LineEnd.CRLF, LineEnd.LF_OR_CRLF}

    def ends(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield where the lines of the window end and where the next ones begin, as many as may be padded at a time."""
        data = np.frombuffer(self._source.data, np.uint8)
        following = np.flatnonzero(data == self.mark[-1]) + 1
        returns = (following > 1) & (data[following - 2] == _CR) if self._maybe_cr else np.zeros(len(following), bool)
        if self._framing.line_end is LineEnd.CRLF:
            following, returns = following[returns], returns[returns]
        ends = following - 1 - returns
        covered = int(following[-1]) if len(following) else 0
        if self._source.ended and self._framing.final_line_end == "optional" and covered < len(data):
            cut = self._maybe_cr and data[-1] == _CR
            ends, following = np.append(ends, len(data) - cut), np.append(following, len(data))
        most = max(1, _PADDED_BYTES // (self._framing.lrecl or 1))
        for begin in range(0, len(ends), most):
            yield ends[begin : begin + most], following[begin : begin + most]

    def batch(self, edges: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[RecordBatch, FramingError | None]:
        """Return the lines between the edges, of which each ends where `ends` says, and the error to raise.

        Lines that are too long are left out: with `resync` all of them, else the first and what follows.
        """
        begins = edges[:-1]
        lengths, ordinal = ends - begins, self._ordinal
        keep = lengths <= self._framing.longest
        long = np.flatnonzero(~keep)
        passed = min(len(long), MOST_ERRORS if self._framing.resync else 0)
        problems = [
            self._too_long(int(begins[index]), int(lengths[index]), ordinal=ordinal + int(index) - before)
            for before, index in enumerate(long[: passed + 1])
        ]
        errors = tuple(problems[:passed])
        if len(problems) > passed:
            cut = int(long[passed])
            begins, lengths, keep, end = begins[:cut], lengths[:cut], keep[:cut], int(begins[cut])
            return self._records(begins[keep], lengths[keep], end=end, errors=errors), problems[-1]
        return self._records(begins[keep], lengths[keep], end=int(edges[-1]), errors=errors), None

    def _records(
        self, begins: NDArray[np.int64], lengths: NDArray[np.int64], *, end: int, errors: tuple[FramingError, ...]
    ) -> RecordBatch:
        data, offsets = np.frombuffer(self._source.data, np.uint8), begins
        lrecl = self._framing.lrecl
        if lrecl is not None and len(begins) and (lengths != lrecl).any():
            data = _padded(data, begins, lengths, lrecl=lrecl, blank=self._framing.line_end.blank)
            offsets = np.arange(0, len(data), lrecl, dtype=np.int64)
            lengths = np.full(len(begins), lrecl, np.int64)
        first = self._ordinal
        self._ordinal += len(begins)
        starts = np.append(begins, end) + self._source.base
        return RecordBatch(data=data, offsets=offsets, lengths=lengths, starts=starts, first=first, errors=errors)

    def _too_long(self, begin: int, length: int, *, ordinal: int) -> FramingError:
        expected = f"a line of at most {self._framing.longest} bytes"
        offset = self._source.base + begin
        return FramingError("line", offset=offset, ordinal=ordinal, expected=expected, found=f"{length} bytes")

    def unfinished(self, used: int) -> FramingError | None:
        """Return what is wrong with the line that the window's end cuts."""
        rest = len(self._source.data) - used
        most = self._framing.max_record_bytes if self._framing.resync else self._framing.longest
        if rest > most + (2 if self._maybe_cr else 1):
            return self._too_long(used, rest, ordinal=self._ordinal)
        if rest and self._source.ended:
            offset, found = self._source.base + used, self._source.data[-len(self.mark) :].hex()
            expected = f"a line end {self.mark.hex()} after the last line (or final_line_end: optional)"
            return FramingError("truncated", offset=offset, ordinal=self._ordinal, expected=expected, found=found)
        return None


def _padded(
    data: NDArray[np.uint8], begins: NDArray[np.int64], lengths: NDArray[np.int64], *, lrecl: int, blank: int
) -> NDArray[np.uint8]:
    """Return the lines with blanks up to one length, one after the other."""
    beyond = np.append(data, np.zeros(lrecl, np.uint8))  # so that a row can be taken from the last line, too
    rows = np.lib.stride_tricks.sliding_window_view(beyond, lrecl)[begins]
    np.copyto(rows, np.uint8(blank), where=np.arange(lrecl) >= lengths[:, None])
    return rows.reshape(-1)
