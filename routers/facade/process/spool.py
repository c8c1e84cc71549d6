"""In-doubt records on the local disk until Kafka has them.

A folder with one file for each batch: written whole, synced, then named. So several processes may add at the same
time, a crash leaves no half of one, and what was handed on is removed by removing its file.
"""

import json
import os
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import final

import structlog

from contracts.ports import LogRecord

__all__ = ["Spool", "pack", "unpack"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_SUFFIX = ".jsonl"
_numbers = count()


@final
class Spool:
    """What is known to be in doubt and not yet known to be in Kafka.

    Promise: what `keep` was given is there after a crash of the process or the machine, until `remove`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, records: Sequence[LogRecord]) -> None:
        """Add records; they are on the disk when this returns. Waits for the disk.

        Raises:
            OSError: They could not be written.
        """
        name = f"{time.time_ns():020}-{os.getpid()}-{next(_numbers)}"
        part = self._folder / f"{name}.part"
        try:
            with part.open("xb") as file:
                file.write(pack(records))
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._folder / f"{name}-{len(records)}{_SUFFIX}")
        except OSError:
            part.unlink(missing_ok=True)
            raise
        _sync(self._folder)

    def batches(self) -> list[Path]:
        """Return the batches that are kept, the oldest first."""
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    def __len__(self) -> int:
        """Return how many records are kept."""
        counts = (batch.stem.rpartition("-")[2] for batch in self.batches())
        return sum(int(count) for count in counts if count.isdigit())

    def read(self, batch: Path) -> list[LogRecord]:
        """Return the records of a batch; one that is damaged is told, set aside, and returned as empty."""
        try:
            return unpack(batch.read_bytes())
        except ValueError:
            batch.rename(batch.with_suffix(".damaged"))
            _log.exception("in-doubt records can't be read", file=batch.stem)
            return []

    def remove(self, batch: Path) -> None:
        """Forget a batch: its records are in Kafka."""
        batch.unlink(missing_ok=True)


def pack(records: Sequence[LogRecord]) -> bytes:
    """Return records, key and value of which are text, as JSON lines."""
    return b"".join(
        json.dumps([(record.key or b"").decode(), (record.value or b"").decode()]).encode() + b"\n"
        for record in records
    )


def unpack(lines: bytes) -> list[LogRecord]:
    """Return the records of `pack`.

    Raises:
        ValueError: These are no such lines.
    """
    pairs = [json.loads(line) for line in lines.splitlines()]
    return [LogRecord(key=str(key).encode(), value=str(value).encode()) for key, value in pairs]


def _sync(folder: Path) -> None:
    """Make a new name durable; syncing the file alone does not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
