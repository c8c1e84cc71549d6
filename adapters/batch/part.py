"""Parts of a batch of records: taken out of it, put together again, and one value of a record. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from contracts.errors import RecordError
from contracts.legacy.framing import RecordBatch
from contracts.mapping import Encoded

__all__ = ["Errors", "merged", "picked", "placed", "value_at"]

Errors: TypeAlias = Mapping[int, RecordError]
"""What is wrong, by the index of the record in its batch."""


def picked(batch: RecordBatch, at: NDArray[np.int64]) -> RecordBatch:
    """Return some records of a batch, to be decoded; their places in the file are those of the whole batch."""
    return replace(batch, offsets=batch.offsets[at], lengths=batch.lengths[at], block_ends=None, segments=None)


def placed(part: tuple[Encoded, Errors], at: NDArray[np.int64]) -> tuple[Encoded, Errors]:
    """Return what became of some records by their index in the whole batch."""
    encoded, errors = part
    rows = at.tolist()
    its = replace(encoded, rows=[rows[each] for each in encoded.rows], bad={rows[i]: e for i, e in encoded.bad.items()})
    return its, {rows[index]: error for index, error in errors.items()}


def merged(parts: Sequence[Encoded]) -> Encoded:
    """Return the events of several parts in the order of their records."""
    events = sorted(
        (event for part in parts for event in zip(part.rows, part.keys, part.values, strict=True)),
        key=lambda event: event[0],
    )
    return Encoded(
        rows=[row for row, _, _ in events],
        keys=[key for _, key, _ in events],
        values=[value for _, _, value in events],
        bad=dict(sorted(item for part in parts for item in part.bad.items())),
        skipped=sum(part.skipped for part in parts),
    )


def value_at(record: object, path: tuple[str, ...]) -> object:
    """Return what stands at a place; of a table, what stands there in each occurrence. None is nothing."""
    for at, name in enumerate(path):
        if isinstance(record, list):
            return [value_at(each, path[at:]) for each in cast("list[object]", record)]
        if not isinstance(record, dict):
            return None
        record = cast("dict[str, object]", record).get(name)
    return record
