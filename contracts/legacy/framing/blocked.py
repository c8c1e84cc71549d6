"""VB, and FB with block descriptor words: records in blocks, none of which spans two."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

import numpy as np

from contracts.errors import FramingError
from contracts.legacy.framing.batch import MOST_ERRORS, Position, RecordBatch
from contracts.legacy.framing.descriptor import WORD_BYTES, Block, Word, chain, fault, sizes
from contracts.legacy.framing.source import Source
from contracts.legacy.framing.spec import Framing, Recfm

__all__ = ["next_block", "read_blocked"]


def next_block(source: Source, words: Block, place: Position) -> tuple[int, int] | None:
    """Return where what a block holds begins and ends in the window, given where it begins in the stream.

    Returns None where the window ends before the block does.

    Raises:
        FramingError: The word of the block can't be right, or the file ends in it.
    """
    data, at = source.data, place.offset - source.base
    if at == len(data):
        return None
    begin = end = at
    found = data[at : at + WORD_BYTES].hex()
    if place.block_end:
        end = place.block_end - source.base
    elif len(data) - at >= WORD_BYTES:
        size = words.size(data, at)
        if size is None:
            expected = f"the descriptor word of a block of 5 to {words.most} bytes, itself included"
            raise FramingError("block", offset=place.offset, ordinal=place.ordinal, expected=expected, found=found)
        begin, end = at + WORD_BYTES, at + size
    if begin < end <= len(data):
        return begin, end
    if source.ended:
        expected = f"a block of {end - at} bytes, of which {len(data) - at} are there" if end > at else "a whole block"
        raise FramingError("truncated", offset=place.offset, ordinal=place.ordinal, expected=expected, found=found)
    return None


def read_blocked(source: Source, framing: Framing, at: Position) -> Iterator[RecordBatch]:
    """Yield the records of a file of blocks.

    Raises:
        FramingError: A block can't be right (`block`), or a record in it. With `resync`, errors inside a block come
            with the batch, and reading goes on at the next block.
    """
    window = _Window(source, framing, at)
    while True:
        error = window.unblock()
        if window.starts or window.errors:
            yield window.batch()
        if error is not None:
            raise error
        if source.ended:
            return
        window.move()


@dataclass(slots=True)
class _Bounds:
    """For each block of a window, how many records of it there are and where it ends in the stream."""

    counts: list[int] = field(default_factory=list[int])
    ends: list[int] = field(default_factory=list[int])


@final
class _Window:
    def __init__(self, source: Source, framing: Framing, place: Position) -> None:
        self._source, self._framing, self._place = source, framing, place
        self._words = Block.of(framing)
        self._word = None if framing.recfm is Recfm.FB else Word.of(framing)
        self._first = place.ordinal
        self._clear()

    def _clear(self) -> None:
        self.starts: list[int] = []
        self.errors: list[FramingError] = []
        self._bounds = _Bounds()

    def move(self) -> None:
        """Look at what comes after the blocks that were passed."""
        self._source.advance(self._place.offset - self._source.base)
        self._first = self._place.ordinal
        self._clear()

    def unblock(self) -> FramingError | None:
        """Pass all whole blocks; returns the error that ends the reading."""
        while True:
            try:
                bounds = next_block(self._source, self._words, self._place)
            except FramingError as problem:
                return problem
            if bounds is None:
                return None
            error = self._records(bounds)
            if error is not None and not (self._framing.resync and len(self.errors) < MOST_ERRORS):
                return error
            self.errors += [] if error is None else [error]

    def _records(self, bounds: tuple[int, int]) -> FramingError | None:
        """Take the records of one block; returns what is wrong with it."""
        before, end = len(self.starts), self._source.base + bounds[1]
        if self._word is None:
            error = self._fixed(bounds)
        else:
            stop = chain(self._source.data, bounds, self._word, into=self.starts)
            ordinal = self._first + len(self.starts)
            error = fault(self._source, (stop, bounds[1]), self._word, ordinal=ordinal)
        self._bounds.counts.append(len(self.starts) - before)
        self._bounds.ends.append(end)
        self._place = Position(offset=end, ordinal=self._first + len(self.starts))
        return error

    def _fixed(self, bounds: tuple[int, int]) -> FramingError | None:
        begin, end = bounds
        length = self._framing.longest
        whole = begin + (end - begin) // length * length
        self.starts += range(begin, whole, length)
        if whole == end:
            return None
        offset, ordinal = self._source.base + whole, self._first + len(self.starts)
        expected, found = f"records of {length} bytes up to the block's end", f"{end - whole} bytes left over"
        return FramingError("block", offset=offset, ordinal=ordinal, expected=expected, found=found)

    def batch(self) -> RecordBatch:
        """Return the records that were passed."""
        data = np.frombuffer(self._source.data, np.uint8)
        begins = np.array(self.starts, np.int64)
        if self._word is None:
            offsets, lengths = begins, np.full(len(begins), self._framing.longest, np.int64)
        else:
            offsets, lengths = begins + WORD_BYTES, sizes(data, begins, self._word) - WORD_BYTES
        ends = np.repeat(np.array(self._bounds.ends, np.int64), self._bounds.counts)
        return RecordBatch(
            data=data,
            offsets=offsets,
            lengths=lengths,
            starts=np.append(begins + self._source.base, self._place.offset),
            first=self._first,
            block_ends=np.append(ends, self._place.block_end),
            errors=tuple(self.errors),
        )
