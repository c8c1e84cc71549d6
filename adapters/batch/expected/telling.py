"""What is told of expected days: an event, a span, a metric, a line in the log, and a note in the source's state."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import structlog

from adapters._place import pattern_of
from adapters.batch.config import Config
from adapters.batch.expected.account import Account
from adapters.batch.expected.book import Book, Told, Watched
from adapters.batch.expected.calendar import Occurrence
from adapters.batch.ledger import Entry
from contracts.arrival import FileLate, FileMissing
from contracts.event import Event
from contracts.identifiers import ordinal
from contracts.ports import Columns, EventBatch
from observability import fields, metrics, tracing

__all__ = ["Reason", "Teller"]

Reason = Literal["none", "too few", "put aside", "unreachable"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Teller:
    """Makes the batches that tell of late and missing files; the ids of their events are the same on re-reading."""

    def __init__(self, config: Config, account: Account, book: Book) -> None:
        self._config, self._account, self._book, self._metrics = config, account, book, metrics.Metrics()
        self._stream = f"expected:{config.name}"

    def note(self, *changed: Watched | Told) -> EventBatch:
        """Return a batch that changes the state alone."""
        return EventBatch(stream=self._stream, checkpoint=b"{}", state=self._book.put(*changed))

    def settle(self, occurrence: Occurrence) -> EventBatch:
        """Return a batch that remembers that nothing is missing up to this day."""
        return self.note(self._watched.model_copy(update={"through": occurrence.day}))

    def count(self, occurrence: Occurrence) -> None:
        """Count the files of a day that came in time."""
        for entry in self._account.published(occurrence.day):
            if entry.standing in {"on time", "early"}:
                self._metrics.expected(self._config.name, entry.standing.replace(" ", "_"))

    def missing(self, occurrence: Occurrence, *, at: datetime, reason: Reason | None) -> EventBatch:
        """Return a batch that tells that files of a day are missing."""
        config, day = self._config, occurrence.day
        came, published = self._account.of(day), self._account.published(day)
        why: Reason = reason or ("too few" if published else "put aside" if came else "none")
        lacking = self._account.lacking(day)
        event = FileMissing(
            adapter=config.name,
            day=day,
            file=pattern_of(config.path),
            opens=occurrence.opens,
            closes=occurrence.closes,
            overdue=occurrence.overdue,
            expected=lacking + len(published),
            published=len(published),
            put_aside=len(came) - len(published),
            reason=why,
        )
        told = self._book[day].model_copy(update={"missing": at, "reason": why})
        watched = self._watched.model_copy(update={"through": day, "events": self._watched.events + 1})
        self.count(occurrence)
        self._metrics.expected(config.name, "missing", files=lacking)
        _log.warning("delivery missing", source=config.name, day=str(day), file=event.file, reason=why)
        place = {"position": f"{day}:missing", "outcome": "missing"}
        return self._batch(event, place, time=occurrence.overdue, changed=(watched, told))

    def late(self, entry: Entry) -> EventBatch:
        """Return a batch that tells that a file was late."""
        if entry.counts_for is None or entry.due is None:
            raise ValueError("a late file counts for a day")
        config, day, late_by = self._config, entry.counts_for, entry.late_by or timedelta(0)
        told = self._book[day]
        event = FileLate(
            adapter=config.name,
            day=day,
            file=entry.file,
            sha256=entry.sha256 or "",
            closes=entry.due,
            arrived=entry.due + late_by,
            late_by=late_by,
            was_missing=told.missing is not None,
            lacking=self._account.lacking(day),
        )
        told = told.model_copy(update={"late": (*told.late, entry.id)})
        watched = self._watched.model_copy(update={"events": self._watched.events + 1})
        self._metrics.expected(config.name, "late")
        _log.warning("delivery late", source=config.name, day=str(day), file=entry.file, reason=f"{late_by} late")
        place = {"position": f"{day}:late:{entry.id}", "outcome": "late"}
        return self._batch(event, place, time=event.arrived, changed=(watched, told))

    @property
    def _watched(self) -> Watched:
        if self._book.watched is None:
            raise ValueError("what was not begun to be watched is not told of")
        return self._book.watched

    def _batch(
        self, event: Event, place: Mapping[str, str], *, time: datetime, changed: tuple[Watched, Told]
    ) -> EventBatch:
        name = self._config.name
        attributes: dict[str, fields.Value] = {
            fields.BANYAN_SOURCE: name,
            fields.BANYAN_STREAM: self._stream,
            fields.BANYAN_POSITION: place["position"],
            fields.BANYAN_OUTCOME: place["outcome"],
        }
        with tracing.span(fields.span_name(fields.EXPECT, name), attributes=attributes) as span:
            traceparent = tracing.traceparent(span)
        columns = Columns(
            topic=type(event).topic,
            type=type(event).type,
            dataschema=type(event).dataschema(),
            time=time,
            keys=[name.encode()],
            positions=[place["position"]],
            sequences=[ordinal(changed[0].events)],
            values=[event.model_dump_json().encode()],
        )
        state = self._book.put(*changed)
        return EventBatch(stream=self._stream, checkpoint=b"{}", events=[columns], state=state, traceparent=traceparent)
