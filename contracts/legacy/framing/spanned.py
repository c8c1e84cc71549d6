"""VBS: records in segments, which may lie in several blocks."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import FramingCode, FramingError
from contracts.legacy.framing.batch import MOST_ERRORS, Position, RecordBatch
from contracts.legacy.framing.blocked import next_block
from contracts.legacy.framing.descriptor import WORD_BYTES, Block, Word, chain, fault, sizes
from contracts.legacy.framing.source import Source
from contracts.legacy.framing.spec import Framing

__all__ = ["Span", "read_spanned"]


class Span(IntEnum):
    """Which part of a record a segment is, as the third byte of its descriptor word says."""

    WHOLE = 0
    FIRST = 1
    LAST = 2
    MIDDLE = 3


def read_spanned(source: Source, framing: Framing, at: Position) -> Iterator[RecordBatch]:
    """Yield whole records, put together of their segments.

    The `starts` of a spanned record is its first segment. A batch that ends inside a record resumes at that one.

    Raises:
        FramingError: A block or a segment can't be right, or a segment stands at the wrong place (`segment`). With
            `resync`, a segment at the wrong place, the rest of a block that can't be right, and the record that is
            cut so are left out.
    """
    assembly = _Assembly(source, framing, at)
    while True:
        error = assembly.unblock()
        if assembly.found.starts or assembly.errors:
            yield assembly.batch()
        if error is None and source.ended:
            error = assembly.unfinished()
        if error is not None:
            raise error
        if source.ended:
            return
        assembly.move()


@dataclass(slots=True)
class _Found:
    """Columns of the records of a window, and the spanned ones' bytes."""

    offsets: list[int] = field(default_factory=list[int])
    lengths: list[int] = field(default_factory=list[int])
    starts: list[int] = field(default_factory=list[int])
    block_ends: list[int] = field(default_factory=list[int])
    joined: list[bytes] = field(default_factory=list[bytes])
    joined_bytes: int = 0


@dataclass(slots=True)
class _Open:
    """A record of which the last segment is still to come."""

    start: int
    block_end: int
    pieces: list[bytes]
    size: int


@final
class _Assembly:
    def __init__(self, source: Source, framing: Framing, place: Position) -> None:
        self._source, self._framing, self._place = source, framing, place
        self._words, self._word = Block.of(framing), Word.of(framing, spanned=True)
        self._first, self._open = place.ordinal, list[_Open]()
        self.found, self.errors = _Found(), list[FramingError]()

    def move(self) -> None:
        """Look at what comes after the blocks that were passed."""
        self._source.advance(self._place.offset - self._source.base)
        self._first += len(self.found.starts)
        self.found, self.errors = _Found(), []

    def unblock(self) -> FramingError | None:
        """Pass all whole blocks; returns the error that ends the reading."""
        while True:
            place = replace(self._place, ordinal=self._ordinal)
            try:
                bounds = next_block(self._source, self._words, place)
            except FramingError as problem:
                return problem
            if bounds is None:
                return None
            error = self._segments(bounds)
            self._place = Position(offset=self._source.base + bounds[1])
            if error is not None and not self._reported(error):
                return error

    def _reported(self, error: FramingError) -> bool:
        """Report an error where reading may go on after it, without the record that it cuts; tells whether it may."""
        if not self._framing.resync or len(self.errors) >= MOST_ERRORS:
            return False
        self.errors.append(error)
        self._open = []
        return True

    @property
    def _ordinal(self) -> int:
        return self._first + len(self.found.starts)

    def unfinished(self) -> FramingError | None:
        """Return the error that the file ends inside a record, if it does."""
        if not self._open:
            return None
        return self._error("truncated", self._place.offset, expected="the last segment of a spanned record", found=b"")

    def _error(self, code: FramingCode, offset: int, *, expected: str, found: bytes) -> FramingError:
        shown = found.hex() or "the end of the file"
        return FramingError(code, offset=offset, ordinal=self._ordinal, expected=expected, found=shown)

    def _segments(self, bounds: tuple[int, int]) -> FramingError | None:
        """Take the segments of one block; returns what is wrong with it."""
        begins: list[int] = []
        stop = chain(self._source.data, bounds, self._word, into=begins)
        if begins:
            error = self._take(begins, block_end=bounds[1])
            if error is not None:
                return error
        return fault(self._source, (stop, bounds[1]), self._word, ordinal=self._ordinal)

    def _take(self, begins: list[int], *, block_end: int) -> FramingError | None:
        """Take the whole records between the segments of others at once, and those one by one."""
        data = np.frombuffer(self._source.data, np.uint8)
        places = np.array(begins, np.int64)
        lengths = sizes(data, places, self._word) - WORD_BYTES
        codes = data[places + (2 if self._word.order == "big" else 1)]
        fits = (lengths >= self._framing.min_record_bytes) & (lengths <= self._framing.longest)
        passed, end = 0, block_end + self._source.base
        for index in np.flatnonzero((codes != Span.WHOLE) | ~fits).tolist():
            error = self._run(places[passed:index], lengths[passed:index], block_end=end)
            error = error or self._segment(Span(codes[index]), begins[index], int(lengths[index]), block_end=end)
            if error is not None:
                return error
            passed = index + 1
        return self._run(places[passed:], lengths[passed:], block_end=end)

    def _run(self, places: NDArray[np.int64], lengths: NDArray[np.int64], *, block_end: int) -> FramingError | None:
        """Take records that are whole."""
        if not len(places):
            return None
        if self._open:
            error = self._misplaced(Span.WHOLE, int(places[0]))
            if error is not None and not self._reported(error):
                return error
        self.found.offsets += (places + WORD_BYTES).tolist()
        self.found.lengths += lengths.tolist()
        self.found.starts += (places + self._source.base).tolist()
        self.found.block_ends += [block_end] * len(places)
        return None

    def _misplaced(self, span: Span, begin: int) -> FramingError | None:
        """Return the error of a segment that stands at the wrong place."""
        if (span in {Span.WHOLE, Span.FIRST}) is not bool(self._open):
            return None
        expected = "a middle (3) or last (2) segment" if self._open else "a whole record (0) or a first segment (1)"
        word = self._source.data[begin : begin + WORD_BYTES]
        return self._error("segment", self._source.base + begin, expected=expected, found=word)

    def _segment(self, span: Span, begin: int, length: int, *, block_end: int) -> FramingError | None:
        error = self._misplaced(span, begin)
        if error is not None and not self._reported(error):
            return error
        if span in {Span.WHOLE, Span.FIRST}:
            self._open = [_Open(self._source.base + begin, block_end, [], 0)]
        return self._grow(span, begin, length) if self._open else None

    def _grow(self, span: Span, begin: int, length: int) -> FramingError | None:
        """Take a segment of the record that is open."""
        record = self._open[0]
        record.size += length
        least = self._framing.min_record_bytes if span in {Span.WHOLE, Span.LAST} else 0
        if not least <= record.size <= self._framing.longest:
            expected = f"a record of {self._framing.min_record_bytes} to {self._framing.longest} bytes"
            word = self._source.data[begin : begin + WORD_BYTES]
            error = self._error("length", self._source.base + begin, expected=expected, found=word)
            return None if self._reported(error) else error
        if span is not Span.WHOLE:
            record.pieces.append(self._source.data[begin + WORD_BYTES : begin + WORD_BYTES + length])
        if span in {Span.WHOLE, Span.LAST}:
            self._finish(record, begin)
        return None

    def _finish(self, record: _Open, begin: int) -> None:
        found = self.found
        if record.pieces:
            found.offsets.append(len(self._source.data) + found.joined_bytes)
            found.joined += record.pieces
            found.joined_bytes += record.size
        else:
            found.offsets.append(begin + WORD_BYTES)
        found.lengths.append(record.size)
        found.starts.append(record.start)
        found.block_ends.append(record.block_end)
        self._open = []

    def batch(self) -> RecordBatch:
        """Return the records that were put together."""
        found = self.found
        data = b"".join([self._source.data, *found.joined]) if found.joined else self._source.data
        resume = self._open[0] if self._open else None
        return RecordBatch(
            data=np.frombuffer(data, np.uint8),
            offsets=np.array(found.offsets, np.int64),
            lengths=np.array(found.lengths, np.int64),
            starts=np.array([*found.starts, resume.start if resume else self._place.offset], np.int64),
            first=self._first,
            block_ends=np.array([*found.block_ends, resume.block_end if resume else 0], np.int64),
            errors=tuple(self.errors),
        )
