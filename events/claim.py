"""Who publishes for a source, and how far it came: the records of its state topic.

| key | value |
|---|---|
| `claim` | the newest instance (host, process id, random digits) and when it began, as JSON |
| `checkpoint:{stream}` | the newest checkpoint of a stream, as the source wrote it |
| `state:{key}` | the source's keyed state |
| `count:{stream}` | what was published of a file that has not ended, by topic and partition (`events.file_end`) |

A claim is written before its instance fences the older one, and outside of any transaction, so the older
one always finds it when Kafka refuses it.
"""

import json
import os
import platform
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from contracts.errors import FencedError
from contracts.ports import EventBatch, LogRecord, Progress
from events.file_end import FileCount

__all__ = [
    "CLAIM",
    "claim",
    "count_record",
    "counts",
    "new_instance",
    "progress",
    "refuse_if_not_newest",
    "state_records",
]

CLAIM = b"claim"
_CHECKPOINT = b"checkpoint:"
_STATE = b"state:"
_COUNT = b"count:"


def new_instance() -> str:
    """Return a name for this instance that no other has: host, process id and eight random digits."""
    return f"{platform.node()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


def claim(instance: str) -> LogRecord:
    """Return the record by which an instance claims its source."""
    value = {"instance": instance, "at": datetime.now(UTC).isoformat()}
    return LogRecord(key=CLAIM, value=json.dumps(value).encode())


def refuse_if_not_newest(source: str, instance: str, records: Mapping[bytes, LogRecord]) -> None:
    """Compare an instance with the last claim.

    Raises:
        FencedError: The last claim is another's.
    """
    record = records.get(CLAIM)
    newest = json.loads(record.value or b"{}").get("instance") if record else instance
    if newest != instance:
        raise FencedError(source, instance=instance, newer=newest)


def progress(records: Mapping[bytes, LogRecord]) -> Progress:
    """Return the checkpoints and the keyed state in the newest records of a state topic."""
    found = {key: record.value for key, record in records.items() if record.value is not None}
    return Progress(
        checkpoints={
            key.removeprefix(_CHECKPOINT).decode(): value for key, value in found.items() if key.startswith(_CHECKPOINT)
        },
        state={key.removeprefix(_STATE): value for key, value in found.items() if key.startswith(_STATE)},
    )


def state_records(batch: EventBatch) -> list[tuple[bytes, bytes | None]]:
    """Return (key, value) of what a batch changes in the state topic: its state, then its checkpoint."""
    changes = [(_STATE + key, value) for key, value in batch.state.items()]
    return [*changes, (_CHECKPOINT + batch.stream.encode(), batch.checkpoint)]


def counts(records: Mapping[bytes, LogRecord]) -> dict[str, FileCount]:
    """Return what was published of each file that has not ended, by stream."""
    return {
        key.removeprefix(_COUNT).decode(): FileCount.from_bytes(record.value)
        for key, record in records.items()
        if key.startswith(_COUNT) and record.value is not None
    }


def count_record(stream: str, count: FileCount | None) -> tuple[bytes, bytes | None]:
    """Return (key, value) of what was published of a file; None of one that has ended."""
    return _COUNT + stream.encode(), None if count is None else count.to_bytes()
