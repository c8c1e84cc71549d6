"""Tries rejected records again, after a copybook or mapping was mended: each exactly once, with its event id."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from adapters.batch.chunk import Shape, to_chunk
from adapters.batch.delivery import Checkpoint, Delivery, checkpoints_of
from adapters.batch.ledger import Ledger
from adapters.batch.rejected_tree import PART, records_of
from adapters.batch.snapshot.redrive import Retrial
from adapters.batch.snapshot.step import Made
from contracts.errors import ConfigError
from contracts.ports import EventBatch, Progress, Rejected
from observability import fields, tracing

__all__ = ["Redrive", "redriven_key"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)
_PREFIX = b"redriven:"
_TOO_LARGE = "its tree was too large; set tree_records or tree_bytes higher, and deliver the file as another delivery"
_SUPERSEDED = "its key has another record now, or none, or this one was published since"


def redriven_key(stream: str, position: str) -> bytes:
    """Return the key in a source's state under which it is kept that a record was tried again with success.

    >>> redriven_key("file:ab", "000000000007")
    b'redriven:file:ab:000000000007'
    """
    return _PREFIX + f"{stream}:{position}".encode()


@dataclass(slots=True, kw_only=True)
class Redrive:
    """Rejected records that somebody wants to have tried again, and why."""

    letters: Sequence[Rejected]
    reason: str
    refused: int = field(default=0, init=False)
    """Those that are still bad."""

    def batches(self, shape: Shape, since: Progress, *, source: str, now: datetime) -> Iterator[EventBatch]:
        """Yield a batch for each record that becomes an event now, or is left out on purpose, or came too late.

        A batch has the checkpoint that its file has already, and the state that keeps the record from being
        published twice: both are in its transaction.

        Raises:
            ConfigError: Nothing of a record's file was published, so nothing is known of it.
        """
        unknown = sorted({letter.stream for letter in self.letters} - set(checkpoints_of(since.checkpoints)))
        if unknown:
            raise ConfigError(f"redrive: nothing of {stream} was published by {source}" for stream in unknown)
        attributes: dict[str, fields.Value] = {fields.BANYAN_SOURCE: source, fields.BANYAN_RECORDS: len(self.letters)}
        with tracing.span(fields.span_name(fields.READ, source), attributes=attributes, current=False) as span:
            for letter, made in self._made(shape, since, source=source):
                kept = {"reason": self.reason, "at": now.isoformat(), "events": sum(map(len, made.events))}
                key = redriven_key(letter.stream, letter.position)
                yield EventBatch(
                    stream=letter.stream,
                    checkpoint=since.checkpoints[letter.stream],
                    events=made.events,
                    state={key: json.dumps(kept).encode(), **made.state},
                    traceparent=tracing.traceparent(span),
                )

    def _made(self, shape: Shape, since: Progress, *, source: str) -> Iterator[tuple[Rejected, Made]]:
        """Yield what each record becomes that was not tried with success before, and is not rejected again."""
        done, trying = set(since.state), _trying(shape, since)
        for letter in self.letters:
            key = redriven_key(letter.stream, letter.position)
            where = {"source": source, "stream": letter.stream, "position": letter.position}
            if key in done:
                _log.info("record redriven before", **where)
                continue
            tried = trying(letter)
            if tried.is_superseded:
                _log.warning("record superseded", reason=_SUPERSEDED, **where)
            elif tried.rejected is not None:
                self.refused += 1
                _log.error("record still rejected", reason=tried.rejected, **where)
                continue
            done.add(key)
            yield letter, tried.made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """What became of a record that was tried again."""

    made: Made = field(default_factory=Made)
    rejected: str | None = None
    """Why it still is."""
    is_superseded: bool = False


def _trying(shape: Shape, since: Progress) -> Callable[[Rejected], _Tried]:
    """Return what tries a record."""
    if shape.comparison is not None:
        retrial = Retrial(shape=shape, comparison=shape.comparison, since=since)
        return lambda letter: _compared(retrial, letter)
    ledger, checkpoints = Ledger(since), checkpoints_of(since.checkpoints)

    def tried(letter: Rejected) -> _Tried:
        if letter.attributes.get("tree") == PART:
            # A root without all that stands below it would be an event that looks whole.
            return _Tried(rejected=_TOO_LARGE)
        chunk = to_chunk(shape, _delivery(letter.stream, checkpoints[letter.stream], ledger), records_of(letter))
        made = Made(events=list(chunk.events), dead=chunk.dead)
        return _Tried(made=made, rejected=chunk.dead[0].reason if chunk.dead else None)

    return tried


def _compared(retrial: Retrial, letter: Rejected) -> _Tried:
    made = retrial.made(letter, at=records_of(letter).first)
    if made is None:
        return _Tried(is_superseded=True)
    return _Tried(made=made, rejected=made.dead[0].reason if made.dead else None)


def _delivery(stream: str, checkpoint: Checkpoint, ledger: Ledger) -> Delivery:
    """Return the delivery as it was when its records were published: their times and sequences go by it."""
    entry = ledger.get(stream.partition(":")[2])
    return Delivery(
        file=checkpoint.file,
        sha256=checkpoint.sha256,
        business_date=entry.business_date if entry else None,
        sequence=entry.sequence if entry else None,
        modified=checkpoint.modified,
        size_bytes=entry.size_bytes if entry else 0,
    )
