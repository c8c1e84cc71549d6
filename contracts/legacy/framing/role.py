"""Tells header and trailer records from the data."""

from collections.abc import Iterator
from dataclasses import replace

from contracts.errors import FramingError
from contracts.legacy.framing.batch import Position, RecordBatch, Role
from contracts.legacy.framing.spec import Framing

__all__ = ["with_roles"]


def with_roles(batches: Iterator[RecordBatch], framing: Framing, at: Position) -> Iterator[RecordBatch]:
    """Yield batches of one role each; the last records are held back until it is known that they are trailers.

    Raises:
        FramingError: There are fewer records than headers and trailers (`records`).
    """
    heads, tails = framing.header_records, framing.trailer_records
    held: list[RecordBatch] = []
    following = at
    for batch in batches:
        following = batch.next
        split = min(max(heads - batch.first, 0), len(batch))
        if split:
            yield replace(batch.cut(0, split), role=Role.HEADER)
        held.append(batch.cut(split, len(batch)) if split else batch)
        yield from _released(held, tails)
    if following.ordinal < heads + tails:
        expected, found = f"{heads} header and {tails} trailer records", f"{following.ordinal} records"
        offset, ordinal = following.offset, following.ordinal
        raise FramingError("records", offset=offset, ordinal=ordinal, expected=expected, found=found)
    yield from (replace(batch, role=Role.TRAILER) for batch in held if len(batch) or batch.errors)


def _released(held: list[RecordBatch], tails: int) -> Iterator[RecordBatch]:
    """Yield what can't be among the last records any more."""
    free = sum(map(len, held)) - tails
    while held and free >= 0:
        batch = held.pop(0)
        count = min(free, len(batch))
        free -= len(batch)
        if count < len(batch):
            held.insert(0, batch.cut(count, len(batch)) if count else batch)
            if not count:
                return
            batch = batch.cut(0, count)
        if len(batch) or batch.errors:
            yield batch
