"""The bytes of some records to one batch of events. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Literal

from adapters.batch.delivery import Checkpoint, Delivery
from adapters.batch.snapshot.comparison import Comparison
from contracts.errors import RecordError
from contracts.event import Event
from contracts.identifiers import ordinal
from contracts.legacy.copybook import Codec
from contracts.mapping import Encoded, Mapper
from contracts.ports import Columns, DeadLetter, EventBatch

__all__ = ["Shape", "event_time", "order", "to_batch", "to_dead_letters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the bytes of a record become an event."""

    model: type[Event]
    codec: Codec
    mapper: Mapper
    event_time: Literal["modified", "business_date"]
    comparison: Comparison | None = None
    """How full extracts are compared, where they are."""

    @property
    def record_length(self) -> int:
        """Return the bytes of a record."""
        return self.codec.layout.length


def to_batch(shape: Shape, delivery: Delivery, data: bytes, *, first: int, traceparent: str | None) -> EventBatch:
    """Decode, map and encode records, of which the first has this ordinal."""
    encoded, errors = _encode(shape, data)
    records = delivery.size_bytes // shape.record_length
    following = first + len(data) // shape.record_length
    checkpoint = Checkpoint(
        sha256=delivery.sha256,
        file=delivery.file,
        modified=delivery.modified,
        next=following,
        records=records,
        done=following == records,
    )
    return EventBatch(
        stream=delivery.stream,
        checkpoint=checkpoint.model_dump_json().encode(),
        events=[_columns(shape, delivery, encoded, first=first)] if encoded.rows else (),
        dead=list(_dead_letters(shape, delivery, data, errors=errors, first=first)),
        more=following < records,
        traceparent=traceparent,
    )


def to_dead_letters(shape: Shape, delivery: Delivery, data: bytes, *, first: int) -> list[DeadLetter]:
    """Return only what would be dead-lettered."""
    _, errors = _encode(shape, data)
    return list(_dead_letters(shape, delivery, data, errors=errors, first=first))


def _encode(shape: Shape, data: bytes) -> tuple[Encoded, Mapping[int, RecordError]]:
    decoded = shape.codec.decode(data)
    encoded = shape.mapper.encode(decoded.columns, skip=decoded.errors)
    return encoded, {**decoded.errors, **encoded.bad}


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


def _dead_letters(
    shape: Shape, delivery: Delivery, data: bytes, *, errors: Mapping[int, RecordError], first: int
) -> Iterator[DeadLetter]:
    length = shape.record_length
    for row, error in sorted(errors.items()):
        public = error.field in shape.mapper.public or error.start is None
        shown = error if public else RecordError(error.field, expected=error.expected, start=error.start)
        yield DeadLetter(
            position=ordinal(first + row),
            value=data[row * length : (row + 1) * length],
            reason=str(shown),
            error=type(error).__name__,
            attributes={
                "file": delivery.file,
                "sha256": delivery.sha256,
                "record": str(first + row),
                "offset": str((first + row) * length),
            },
        )
