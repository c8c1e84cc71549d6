"""Tries rejected records again, after a copybook or mapping was mended: each exactly once, with its event id."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from adapters.batch.chunk import Shape, to_chunk
from adapters.batch.delivery import Checkpoint, Delivery, checkpoints_of
from adapters.batch.ledger import Ledger
from adapters.batch.rejected_tree import PART, records_of
from contracts.errors import ConfigError
from contracts.ports import EventBatch, Progress, Rejected

__all__ = ["Redrive", "redriven_key"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)
_PREFIX = b"redriven:"
_TOO_LARGE = "its tree was too large; set tree_records or tree_bytes higher, and deliver the file as another delivery"


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
        """Yield a batch for each record that becomes an event now, or is left out on purpose.

        A batch has the checkpoint that its file has already, and the state that keeps the record from being
        published twice: both are in its transaction.

        Raises:
            ConfigError: Nothing of a record's file was published, so nothing is known of it.
        """
        ledger, checkpoints = Ledger(since), checkpoints_of(since.checkpoints)
        unknown = sorted({letter.stream for letter in self.letters} - set(checkpoints))
        if unknown:
            raise ConfigError(f"redrive: nothing of {stream} was published by {source}" for stream in unknown)
        done = set(since.state)
        for letter in self.letters:
            key = redriven_key(letter.stream, letter.position)
            if key in done:
                _log.info("record redriven before", source=source, stream=letter.stream, position=letter.position)
                continue
            delivery = _delivery(letter.stream, checkpoints[letter.stream], ledger)
            # A root without all that stands below it would be an event that looks whole.
            is_part = letter.attributes.get("tree") == PART
            chunk = None if is_part else to_chunk(shape, delivery, records_of(letter))
            if chunk is None or chunk.dead:
                self.refused += 1
                why = chunk.dead[0].reason if chunk else _TOO_LARGE
                where = {"stream": letter.stream, "position": letter.position, "reason": why}
                _log.error("record still rejected", source=source, **where)
                continue
            done.add(key)
            kept = {"reason": self.reason, "at": now.isoformat(), "events": sum(map(len, chunk.events))}
            yield EventBatch(
                stream=letter.stream,
                checkpoint=since.checkpoints[letter.stream],
                events=chunk.events,
                state={key: json.dumps(kept).encode()},
            )


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
