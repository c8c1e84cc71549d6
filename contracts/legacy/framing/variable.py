"""V: a record descriptor word before each record."""

from collections.abc import Iterator

import numpy as np

from contracts.legacy.framing.batch import Position, RecordBatch
from contracts.legacy.framing.descriptor import WORD_BYTES, Word, chain, fault, incomplete, sizes
from contracts.legacy.framing.source import Source
from contracts.legacy.framing.spec import Framing

__all__ = ["read_variable"]


def read_variable(source: Source, framing: Framing, at: Position) -> Iterator[RecordBatch]:
    """Yield the records of a stream of them.

    Raises:
        FramingError: A word can't be right (`reserved`, `length`), or the file ends in a record (`truncated`).
    """
    word, ordinal = Word.of(framing), at.ordinal
    while True:
        starts: list[int] = []
        stop = chain(source.data, (0, len(source.data)), word, into=starts)
        if starts:
            yield _batch(source, word, starts, stop=stop, first=ordinal)
        ordinal += len(starts)
        bounds = (stop, len(source.data))
        error = fault(source, bounds, word, ordinal=ordinal)
        if error is not None and not incomplete(source, bounds, word):
            raise error
        if source.ended:
            return
        source.advance(stop)


def _batch(source: Source, word: Word, starts: list[int], *, stop: int, first: int) -> RecordBatch:
    data = np.frombuffer(source.data, np.uint8)
    begins = np.array([*starts, stop], np.int64)
    return RecordBatch(
        data=data,
        offsets=begins[:-1] + WORD_BYTES,
        lengths=sizes(data, begins[:-1], word) - WORD_BYTES,
        starts=begins + source.base,
        first=first,
    )
