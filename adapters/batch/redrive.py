"""Tries rejected records again, after a copybook or mapping was mended: each exactly once, with its event id."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import structlog

from adapters.batch.chunk import Shape, to_chunk
from adapters.batch.delivery import Checkpoint, Delivery, checkpoints_of
from adapters.batch.ledger import Ledger
from adapters.batch.snapshot.redrive import Retrial
from adapters.batch.snapshot.step import Made
from contracts.errors import ConfigError
from contracts.identifiers import ordinal
from contracts.legacy.framing import RecordBatch
from contracts.ports import EventBatch, Progress, Rejected

__all__ = ["Redrive", "redriven_key"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)
_PREFIX = b"redriven:"
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
        done, trying = set(since.state), _trying(shape, since)
        for letter in self.letters:
            key = redriven_key(letter.stream, letter.position)
            where = {"source": source, "stream": letter.stream, "position": letter.position}
            if key in done:
                _log.info("record redriven before", **where)
                continue
            made = trying(letter)
            if made is None:
                _log.warning("record superseded", reason=_SUPERSEDED, **where)
                made = Made()
            elif made.dead:
                self.refused += 1
                _log.error("record still rejected", reason=made.dead[0].reason, **where)
                continue
            done.add(key)
            kept = {"reason": self.reason, "at": now.isoformat(), "events": sum(map(len, made.events))}
            yield EventBatch(
                stream=letter.stream,
                checkpoint=since.checkpoints[letter.stream],
                events=made.events,
                state={key: json.dumps(kept).encode(), **made.state},
            )


def _trying(shape: Shape, since: Progress) -> Callable[[Rejected], Made | None]:
    """Return what tries a record; None where it came too late."""
    if shape.comparison is not None:
        retrial = Retrial(shape=shape, comparison=shape.comparison, since=since)
        return lambda letter: retrial.made(letter, at=_position(letter))
    ledger, checkpoints = Ledger(since), checkpoints_of(since.checkpoints)

    def tried(letter: Rejected) -> Made:
        chunk = to_chunk(shape, _delivery(letter.stream, checkpoints[letter.stream], ledger), _only(letter))
        return Made(events=list(chunk.events), dead=chunk.dead)

    return tried


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


def _position(letter: Rejected) -> int:
    if not (letter.position.isascii() and letter.position.isdecimal()) or letter.position != ordinal(
        int(letter.position)
    ):
        raise ConfigError([f"redrive: {letter.position!r} is no record's position"])
    return int(letter.position)


def _only(letter: Rejected) -> RecordBatch:
    """Return one record where it was in its file."""
    first, length = _position(letter), len(letter.value)
    start = letter.offset or 0
    return RecordBatch(
        data=np.frombuffer(letter.value, np.uint8),
        offsets=np.zeros(1, np.int64),
        lengths=np.array([length], np.int64),
        starts=np.array([start, start + length], np.int64),
        first=first,
    )
