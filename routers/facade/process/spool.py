"""Records on the local disk until Kafka has them: in-doubt records, and captured calls.

A folder with one file for each batch: written whole, synced, then named. So several processes may add at the same
time, a crash leaves no half of one, and what was handed on is removed by removing its file.
"""

import json
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import final

import structlog

from contracts.ports import LogRecord

__all__ = ["Spool", "pack", "pack_bytes", "unpack", "unpack_bytes"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_SUFFIX = ".jsonl"
_numbers = count()
_LENGTHS = struct.Struct(">II")


@final
class Spool:
    """What is known and not yet known to be in Kafka.

    Promise: what `keep` was given is there after a crash of the process or the machine, until `remove`.

    Args:
        folder: Holds it, and nothing else.
        write: Makes records bytes; by default those of which key and value are text.
        read: Makes bytes records again; raises `ValueError` where they are damaged.
    """

    def __init__(
        self,
        folder: Path,
        *,
        write: "Callable[[Sequence[LogRecord]], bytes] | None" = None,
        read: "Callable[[bytes], list[LogRecord]] | None" = None,
    ) -> None:
        self._folder, self._pack, self._unpack = folder, write or pack, read or unpack
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, records: Sequence[LogRecord], *, count: int | None = None, at_ns: int | None = None) -> Path:
        """Add records, and return the batch that they are; they are on the disk then. Waits for the disk.

        Args:
            records: What is kept.
            count: How many they count as, where that is not their number.
            at_ns: Their place among the batches, in nanoseconds since 1970; now without it.

        Raises:
            OSError: They could not be written.
        """
        name = f"{time.time_ns() if at_ns is None else at_ns:020}-{os.getpid()}-{next(_numbers)}"
        part = self._folder / f"{name}.part"
        batch = self._folder / f"{name}-{len(records) if count is None else count}{_SUFFIX}"
        try:
            with part.open("xb") as file:
                file.write(self._pack(records))
                file.flush()
                os.fsync(file.fileno())
            part.rename(batch)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        _sync(self._folder)
        return batch

    def batches(self) -> list[Path]:
        """Return the batches that are kept, the oldest first."""
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    def __len__(self) -> int:
        """Return how many records are kept."""
        return sum(map(self.count, self.batches()))

    @staticmethod
    def count(batch: Path) -> int:
        """Return how many records a batch counts as."""
        told = batch.stem.rpartition("-")[2]
        return int(told) if told.isdigit() else 0

    @property
    def size_bytes(self) -> int:
        """Return how much of the disk they take, what is damaged included."""
        total = 0
        for each in self._folder.iterdir():
            with suppress(FileNotFoundError):  # handed on, or named, meanwhile
                total += each.stat().st_size
        return total

    def read(self, batch: Path) -> list[LogRecord]:
        """Return the records of a batch; one that is damaged is told, set aside, and returned as empty."""
        try:
            return self._unpack(batch.read_bytes())
        except ValueError:
            self.set_aside(batch)
            _log.exception("records on the disk can't be read", folder=self._folder.name, file=batch.stem)
            return []

    def set_aside(self, batch: Path) -> None:
        """Keep a batch for people to look at; it is no batch any more."""
        batch.rename(batch.with_suffix(".damaged"))

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


def pack_bytes(records: Sequence[LogRecord]) -> bytes:
    """Return records of any bytes: the lengths of key and value, then both, one record after the other."""
    return b"".join(
        part
        for record in records
        for part in (
            _LENGTHS.pack(len(record.key or b""), len(record.value or b"")),
            record.key or b"",
            record.value or b"",
        )
    )


def unpack_bytes(data: bytes) -> list[LogRecord]:
    """Return the records of `pack_bytes`.

    Raises:
        ValueError: These are none.
    """
    return list(_unpacked(data))


def _unpacked(data: bytes) -> Iterator[LogRecord]:
    at = 0
    while at < len(data):
        if len(data) < at + _LENGTHS.size:
            raise ValueError("expected the lengths of a record")
        key, value = _LENGTHS.unpack_from(data, at)
        value_at = at + _LENGTHS.size + key
        at = value_at + value
        if at > len(data):
            raise ValueError("expected a record to its end")
        yield LogRecord(key=data[value_at - key : value_at], value=data[value_at:at])


def _sync(folder: Path) -> None:
    """Make a new name durable; syncing the file alone does not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
