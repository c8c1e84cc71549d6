"""IMS HD unload: the prefix before the data of each segment.

Byte 0 is the segment's level (1 root, 0 a statistics record), byte 1 flags, bytes 2-3 the length of the prefix, bytes
4-5 that of the data, bytes 6-13 the segment's name; at most one byte of zero follows the data.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import FramingError
from contracts.legacy.framing.batch import RecordBatch, Segments

__all__ = ["SHORTEST_PREFIX", "segments", "without_prefix"]

SHORTEST_PREFIX: Final = 14
_MOST_LEVELS: Final = 15


def without_prefix(batches: Iterator[RecordBatch]) -> Iterator[RecordBatch]:
    """Yield the data of the segments; statistics records take no ordinal.

    Raises:
        FramingError: A prefix can't be right (`prefix`); the segments before it were yielded.
    """
    skipped = 0
    for batch in batches:
        found, bad = segments(batch)
        left_out = len(batch) - len(found) if bad is None else 0
        if len(found) or found.errors:
            yield replace(found, first=batch.first - skipped)
        if bad is not None:
            raise _error(batch, bad, ordinal=batch.first - skipped + len(found))
        skipped += left_out


def segments(batch: RecordBatch) -> tuple[RecordBatch, int | None]:
    """Return the data of the segments up to the first prefix that can't be right, and its index if there is one."""
    long_enough = batch.lengths >= SHORTEST_PREFIX
    at = np.where(long_enough, batch.offsets, 0)
    levels = _byte(batch, at)
    prefixes, lengths = _half(batch, at + 2), _half(batch, at + 4)
    slack = batch.lengths - prefixes - lengths
    pads = np.where(slack == 1, _byte(batch, batch.offsets + np.maximum(batch.lengths, 1) - 1), 0)
    fits = (prefixes >= SHORTEST_PREFIX) & ((slack == 0) | (slack == 1)) & (pads == 0) & (levels <= _MOST_LEVELS)
    bad = np.flatnonzero(~(long_enough & (fits | (levels == 0))))
    first_bad = int(bad[0]) if len(bad) else None
    keep = np.flatnonzero(levels[:first_bad] > 0)
    names = _names(batch, at[keep])
    end = batch.starts[-1] if first_bad is None else batch.starts[first_bad]
    kept = replace(
        batch,
        offsets=batch.offsets[keep] + prefixes[keep],
        lengths=lengths[keep],
        starts=np.append(batch.starts[keep], end),
        block_ends=None if batch.block_ends is None else batch.block_ends[[*keep.tolist(), -1]],
        segments=Segments(levels=levels[keep], names=names),
    )
    return kept, first_bad


def _byte(batch: RecordBatch, places: NDArray[np.int64]) -> NDArray[np.uint8]:
    return batch.data[np.minimum(places, len(batch.data) - 1)]


def _half(batch: RecordBatch, places: NDArray[np.int64]) -> NDArray[np.int64]:
    return _byte(batch, places).astype(np.int64) << 8 | _byte(batch, places + 1)


def _names(batch: RecordBatch, places: NDArray[np.int64]) -> NDArray[np.bytes_]:
    return np.ascontiguousarray(batch.data[places[:, None] + np.arange(6, 14)]).view("S8").reshape(-1)


def _error(batch: RecordBatch, index: int, *, ordinal: int) -> FramingError:
    offset = int(batch.starts[index])
    expected = "the prefix of an IMS segment (level, flags, lengths that add up, name)"
    found = batch.record(index)[:6].hex() or "an empty record"
    return FramingError("prefix", offset=offset, ordinal=ordinal, expected=expected, found=found)
