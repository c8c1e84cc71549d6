"""Some records to one batch of events. Pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Literal, Self

from adapters.batch.delivery import Checkpoint, Delivery
from adapters.batch.record_format import RecordFormat
from adapters.batch.rejected_tree import PART, places_of
from adapters.batch.snapshot.comparison import Comparison
from contracts.errors import RecordError
from contracts.event import Event
from contracts.identifiers import ordinal
from contracts.legacy.framing import Position, RecordBatch
from contracts.legacy.tree import is_too_large
from contracts.mapping import Encoded, Mapper
from contracts.ports import Columns, DeadLetter, EventBatch

__all__ = ["Chunk", "Shape", "event_time", "order", "to_batch", "to_chunk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the bytes of a file become events."""

    model: type[Event]
    format: RecordFormat
    mapper: Mapper
    event_time: Literal["modified", "business_date"]
    comparison: Comparison | None = None
    """How full extracts are compared, where they are."""

    @property
    def record_length(self) -> int:
        """Return the bytes of a record; of the longest, where they vary."""
        return self.format.record_length


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What became of some records that follow each other."""

    events: tuple[Columns, ...]
    dead: list[DeadLetter]
    records: int
    next: Position
    """From where to read on."""
    refused: int = 0
    """Records in the dead letters: that of a tree holds several."""

    def without_events(self) -> Self:
        """Return all but the events."""
        return replace(self, events=())


def to_chunk(shape: Shape, delivery: Delivery, batch: RecordBatch) -> Chunk:
    """Decode, map and encode records."""
    encoded, errors = shape.format.encode(batch, shape.mapper, stream=delivery.stream)
    spans = shape.format.spans(batch, errors)
    return Chunk(
        events=(_columns(shape, delivery, encoded, first=batch.first),) if encoded.rows else (),
        dead=[_dead_letter(shape, delivery, batch, span=spans[row], error=errors[row]) for row in sorted(errors)],
        records=len(batch),
        next=batch.next,
        refused=sum(map(len, spans.values())),
    )


def to_batch(chunk: Chunk, delivery: Delivery, *, total: int, first: int, traceparent: str | None) -> EventBatch:
    """Return a chunk as what is published at once.

    Args:
        chunk: The chunk.
        delivery: The file.
        total: Data records of the file.
        first: Ordinal of its first data record.
        traceparent: Of the chunk's span.
    """
    done = chunk.next.ordinal - first == total
    checkpoint = Checkpoint(
        sha256=delivery.sha256,
        file=delivery.file,
        modified=delivery.modified,
        next=chunk.next.ordinal,
        records=total,
        first=first,
        offset=chunk.next.offset,
        block_end=chunk.next.block_end,
        done=done,
    )
    return EventBatch(
        stream=delivery.stream,
        checkpoint=checkpoint.model_dump_json().encode(),
        events=chunk.events,
        dead=chunk.dead,
        more=not done,
        traceparent=traceparent,
    )


def _columns(shape: Shape, delivery: Delivery, encoded: Encoded, *, first: int) -> Columns:
    positions = [ordinal(first + row) for row in encoded.rows]
    prefix = order(delivery)
    return Columns(
        topic=shape.model.topic,
        type=shape.model.type,
        dataschema=shape.model.dataschema(),
        time=event_time(shape, delivery),
        keys=encoded.keys,
        positions=positions,
        sequences=[prefix + position for position in positions],
        values=encoded.values,
    )


def event_time(shape: Shape, delivery: Delivery) -> datetime:
    """Return the time of a delivery's events."""
    if shape.event_time == "business_date" and delivery.business_date is not None:
        return datetime.combine(delivery.business_date, time.min, UTC)
    return delivery.modified


def order(delivery: Delivery) -> str:
    """Return what makes sequences grow from file to file as they do from record to record."""
    date = "" if delivery.business_date is None else f"{delivery.business_date:%Y%m%d}-"
    number = "" if delivery.sequence is None else f"{ordinal(delivery.sequence)}-"
    return f"{date}{number}{delivery.modified:%Y%m%dT%H%M%S%f}-"


def _dead_letter(
    shape: Shape, delivery: Delivery, batch: RecordBatch, *, span: range, error: RecordError
) -> DeadLetter:
    public = error.field in shape.mapper.public or error.start is None
    shown = error if public else RecordError(error.field, expected=error.expected, start=error.start)
    records = [batch.record(row) for row in span]
    where = {
        "file": delivery.file,
        "sha256": delivery.sha256,
        "record": str(batch.first + span.start),
        "offset": str(batch.starts[span.start]),
    }
    if is_too_large(error):
        where["tree"] = PART
    elif len(span) > 1:
        where["tree"] = places_of(zip((int(batch.starts[row]) for row in span), map(len, records), strict=True))
    return DeadLetter(
        position=ordinal(batch.first + span.start),
        value=b"".join(records),
        reason=str(shown),
        error=type(error).__name__,
        attributes=where,
    )
