"""Records that wait until their file is whole, and events of the same keys behind them.

They are in a temporary SQLite database of this process: what exceeds its cache is on disk, and nothing of it is left
when the process ends. It need not last: what waits is not committed, and Kafka has it.
"""

import marshal
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from aiokafka import TopicPartition

from events.delivery import Record
from events.envelope import Header

__all__ = ["File", "WaitingFiles"]

CACHE_KIB = 32 * 1024

File: TypeAlias = tuple[bytes, bytes]
"""CloudEvents `source` and `file`: one delivery."""

_BEHIND: File = (b"", b"")
"""Stands for what is no part of a file and waits since a file's event of the same key does."""
_Row: TypeAlias = tuple[int, int, bytes | None, bytes | None]

_SETUP = f"""
PRAGMA temp_store = FILE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};
CREATE TABLE record (
    part INTEGER NOT NULL, offset INTEGER NOT NULL, key BLOB, content BLOB, PRIMARY KEY (part, offset)
) STRICT;
"""
_INDEX = "CREATE INDEX by_key ON record (key, part)"
_KEEP = "INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?)"
_READ = "SELECT offset, key, content FROM record WHERE part = ? AND offset > ? ORDER BY offset LIMIT ?"
_HOLDS = "SELECT DISTINCT part FROM record WHERE key = ?"


@dataclass(slots=True)
class _Part:
    number: int
    first: int


class WaitingFiles:
    """What waits, by partition and by file. Whatever is kept twice is there once."""

    def __init__(self) -> None:
        self._parts: dict[TopicPartition, dict[File, _Part]] = {}
        self._next, self._is_indexed = 0, False
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_SETUP)

    def close(self) -> None:
        """Forget all of it, for good."""
        self._database.close()

    def keep(self, place: TopicPartition, file: File, records: Sequence[tuple[Record, bool]]) -> None:
        """Keep consecutive records of a file on a partition; those marked False are counted, and not read again."""
        part = self._part(place, file, records[0][0].offset)
        rows = [
            (part.number, record.offset, record.key, _content(record) if is_read else None)
            for record, is_read in records
        ]
        self._insert(rows)

    def follow(self, place: TopicPartition, record: Record) -> None:
        """Keep a record of no file, since one of the same key waits."""
        self.keep(place, _BEHIND, [(record, True)])

    def first(self, place: TopicPartition) -> int | None:
        """Return the offset of the first record of a partition that waits."""
        return min((part.first for part in self._parts.get(place, {}).values()), default=None)

    def is_held(self, place: TopicPartition, key: bytes | None, *, by_files: bool = False) -> bool:
        """Tell whether a record of this key waits on a partition; with `by_files`, as a part of a file."""
        parts = self._parts.get(place)
        if not parts or key is None:
            return False
        if not self._is_indexed:
            self._database.execute(_INDEX)
            self._is_indexed = True
        numbers = {part.number for file, part in parts.items() if not by_files or file != _BEHIND}
        return any(number in numbers for (number,) in self._database.execute(_HOLDS, (key,)))

    def count(self, place: TopicPartition, file: File) -> int:
        """Return how many records of a file are on a partition."""
        part = self._parts.get(place, {}).get(file)
        if part is None:
            return 0
        [found] = self._database.execute("SELECT count(*) FROM record WHERE part = ?", (part.number,)).fetchone()
        return int(found)

    def records(self, place: TopicPartition, file: File, *, most: int) -> Iterator[list[Record]]:
        """Yield a file's records on a partition that are to be read, in their order, at most so many at a time."""
        part = self._parts.get(place, {}).get(file)
        after = -1
        while part is not None:
            rows = self._database.execute(_READ, (part.number, after, most)).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            if found := [_record(place, row) for row in rows if row[2] is not None]:
                yield found

    def behind(self, place: TopicPartition, *, most: int) -> Iterator[list[Record]]:
        """Yield what is no part of a file, as `records`."""
        return self.records(place, _BEHIND, most=most)

    def drop(self, place: TopicPartition, file: File) -> None:
        """Forget a file on a partition."""
        parts = self._parts.get(place, {})
        if (part := parts.pop(file, None)) is not None:
            self._database.execute("DELETE FROM record WHERE part = ?", (part.number,))

    def pass_on(self, place: TopicPartition, records: Collection[Record]) -> None:
        """Forget these of what is no part of a file."""
        part = self._parts.get(place, {}).get(_BEHIND)
        if part is None:
            return
        gone = [(part.number, record.offset) for record in records]
        self._database.executemany("DELETE FROM record WHERE part = ? AND offset = ?", gone)
        [first] = self._database.execute("SELECT min(offset) FROM record WHERE part = ?", (part.number,)).fetchone()
        if first is None:
            self.drop(place, _BEHIND)
        else:
            part.first = first

    def clear(self) -> None:
        """Forget all of it: the partitions are somebody else's now."""
        self._parts.clear()
        self._database.execute("DELETE FROM record")

    def _part(self, place: TopicPartition, file: File, offset: int) -> _Part:
        parts = self._parts.setdefault(place, {})
        if file not in parts:
            self._next += 1
            parts[file] = _Part(self._next, offset)
        part = parts[file]
        part.first = min(part.first, offset)
        return part

    def _insert(self, rows: Sequence[_Row]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(_KEEP, rows)
        self._database.execute("COMMIT")


def _content(record: Record) -> bytes:
    return marshal.dumps((record.timestamp, record.timestamp_type, record.value, tuple(record.headers)))


def _record(place: TopicPartition, row: tuple[int, bytes | None, bytes]) -> Record:
    offset, key, content = row
    found: tuple[int, int, bytes | None, tuple[Header, ...]]
    found = marshal.loads(content)  # noqa: S302 - what this process wrote into a database that no other can open
    timestamp, timestamp_type, value, headers = found
    return Record(
        topic=place.topic,
        partition=place.partition,
        offset=offset,
        timestamp=timestamp,
        timestamp_type=timestamp_type,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=-1 if key is None else len(key),
        serialized_value_size=-1 if value is None else len(value),
        headers=headers,
    )
