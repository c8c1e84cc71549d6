"""F, and FB without descriptor words: records of one length, one after the other."""

from collections.abc import Iterator

import numpy as np

from contracts.errors import FramingError
from contracts.legacy.framing.batch import Position, RecordBatch
from contracts.legacy.framing.source import Source
from contracts.legacy.framing.spec import Framing

__all__ = ["read_fixed"]


def read_fixed(source: Source, framing: Framing, at: Position) -> Iterator[RecordBatch]:
    """Yield the records of a file that is a multiple of their length; each batch is a view of its chunk.

    Raises:
        FramingError: The file is no such multiple (`remainder`); what precedes the rest was yielded.
    """
    length, ordinal = framing.longest, at.ordinal
    while True:
        count = len(source.data) // length
        used = count * length
        if count:
            begins = np.arange(0, used + 1, length, dtype=np.int64)
            yield RecordBatch(
                data=np.frombuffer(source.data, np.uint8, used),
                offsets=begins[:-1],
                lengths=np.full(count, length, np.int64),
                starts=begins + source.base,
                first=ordinal,
            )
        ordinal += count
        if source.ended:
            break
        source.advance(used)
    rest = len(source.data) - used
    if rest:
        offset = source.base + used
        expected, found = f"records of {length} bytes up to the end", f"{rest} bytes left over"
        raise FramingError("remainder", offset=offset, ordinal=ordinal, expected=expected, found=found)
