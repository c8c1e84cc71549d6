"""The ledger of one kind of file: which records wait, which file each is in, and how far that file has come.

It is a SQLite database, the one of the consumer group's inbox. A record is written in the transaction that claims its
event, so it is there once. A *cut* gives all that wait, or the first so many, to a file of the next number, in one
transaction: a file is a range of rows, so it is rendered again with the same bytes as often as that takes. What
happened to a file on the disk follows from its state and from which temporary names are still there; see
`adapters.outbound.folder`.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, final

from adapters.outbound.database import reading, writing

__all__ = ["CutFile", "Entry", "Ledger", "State"]

_MARK: Final = "mark"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS outbound_record (
    row INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, id TEXT NOT NULL, record BLOB NOT NULL,
    UNIQUE (source, id)
) STRICT;
CREATE TABLE IF NOT EXISTS outbound_file (
    number INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, name TEXT NOT NULL, business_date TEXT NOT NULL,
    created TEXT NOT NULL, first_row INTEGER NOT NULL, last_row INTEGER NOT NULL, records INTEGER NOT NULL,
    state TEXT NOT NULL, sha256 TEXT, size INTEGER, delivered TEXT, problem TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS outbound_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
_ADD: Final = "INSERT OR IGNORE INTO outbound_record (source, id, record) VALUES (?, ?, ?)"
_FILES: Final = """
SELECT number, sequence, name, business_date, created, first_row, last_row, records, state, sha256, size, delivered,
    problem
FROM outbound_file
"""
_UNDELIVERED: Final = f"{_FILES} WHERE state IN (?, ?) ORDER BY number"
_OLD: Final = f"{_FILES} WHERE state = ? AND delivered < ? ORDER BY number LIMIT 1"
_LAST: Final = "SELECT COALESCE(MAX(number), 0), COALESCE(MAX(last_row), 0) FROM outbound_file"
_WAITING: Final = (
    "SELECT COUNT(*) FROM outbound_record WHERE row > (SELECT COALESCE(MAX(last_row), 0) FROM outbound_file)"
)
_ROWS: Final = "SELECT record FROM outbound_record WHERE row BETWEEN ? AND ? ORDER BY row"
_FORGET: Final = "DELETE FROM outbound_record WHERE row BETWEEN ? AND ?"
_SET_STATE: Final = "UPDATE outbound_file SET state = ? WHERE number = ?"
_LAST_OF: Final = """
SELECT MAX(row), COUNT(*) FROM (SELECT row FROM outbound_record WHERE row > ? ORDER BY row LIMIT ?)
"""
_INSERT: Final = """
INSERT INTO outbound_file (number, sequence, name, business_date, created, first_row, last_row, records, state)
VALUES (:number, :sequence, :name, :business_date, :created, :first_row, :last_row, :records, :state)
"""
_CHANGE: Final = """
UPDATE outbound_file SET state = :state, problem = NULL, sha256 = COALESCE(:sha256, sha256),
    size = COALESCE(:size, size), delivered = COALESCE(:delivered, delivered)
WHERE number = :number
"""


class State(StrEnum):
    """How far a file has come."""

    CUT = "cut"
    """Its records are settled; nothing of it can be seen yet."""
    PLACING = "placing"
    """It is whole under a temporary name, and gets its own; what has none any more has it."""
    DELIVERED = "delivered"
    """It was there under its name; what the receiver made of it, it alone knows."""
    PURGED = "purged"
    """Handed over so long ago that its records are not kept any more; the file and its number are still known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record that waits for a file."""

    source: str
    id: str
    """CloudEvents source and id of its event."""
    record: bytes
    """As it is in the file, without what frames it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutFile:
    """A numbered file."""

    number: int
    """From 1, without gaps, for ever."""
    sequence: int
    """The number that the receiver sees."""
    name: str
    business_date: date
    created: datetime
    """When it was cut, in UTC."""
    first_row: int
    last_row: int
    """Its records; of a file without any, less than the first."""
    records: int
    """Data records."""
    state: State = State.CUT
    sha256: str | None = None
    """Of its bytes; from when it is placed on."""
    size: int | None = None
    """Its bytes, counted."""
    delivered: datetime | None = None
    problem: str | None = None
    """Why it was not handed over when that was last tried."""


@final
class Ledger:
    """The ledger in a SQLite file; threads and processes may share it.

    Args:
        path: The database; created where there is none.
        now: When it is created; cuts count from there.
    """

    def __init__(self, path: Path, *, now: datetime) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        with reading(self.path) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            connection.execute("INSERT OR IGNORE INTO outbound_meta VALUES (?, ?)", (_MARK, now.isoformat()))

    @staticmethod
    def add(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
        """Let records wait for the next file, in a transaction that somebody else commits.

        The record of an event that has one already is left out, even long after the inbox forgot the event.
        """
        connection.executemany(_ADD, ((each.source, each.id, each.record) for each in entries))

    @property
    def mark(self) -> datetime:
        """Return the time from which on the next cut counts."""
        with reading(self.path) as connection:
            [(text,)] = connection.execute("SELECT value FROM outbound_meta WHERE name = ?", (_MARK,))
        return datetime.fromisoformat(text)

    @property
    def waiting(self) -> int:
        """Return how many records wait for a file."""
        with reading(self.path) as connection:
            [(count,)] = connection.execute(_WAITING)
        return int(count)

    def next(self, most: int | None) -> tuple[int, int, int, int]:
        """Return number, first row, last row and count of the file that could be cut now.

        Args:
            most: Its most records; None is all that wait.
        """
        with reading(self.path) as connection:
            [(number, last)] = connection.execute(_LAST)
            [(row, count)] = connection.execute(_LAST_OF, (last, -1 if most is None else most))
        return number + 1, last + 1, last if row is None else row, count

    def cut(self, file: CutFile, *, mark: datetime | None) -> bool:
        """Give its records to a file, and tell whether that was still possible: nobody else has cut meanwhile.

        Args:
            file: The file, as `next` told it.
            mark: The time from which on the next cut counts; None leaves it.
        """
        with writing(self.path) as connection:
            [(number, last)] = connection.execute(_LAST)
            if (number + 1, last + 1) != (file.number, file.first_row):
                return False
            connection.execute(_INSERT, _stored(file))
            if mark is not None:
                self._set_mark(connection, mark)
        return True

    def pass_over(self, mark: datetime) -> None:
        """Remember that a cut was due and there was nothing to cut."""
        with writing(self.path) as connection:
            self._set_mark(connection, mark)

    def files(self, *, newest: int | None = None) -> list[CutFile]:
        """Return the files by number, the oldest first; only so many, the newest, where that is said."""
        with reading(self.path) as connection:
            query = f"{_FILES} ORDER BY number DESC LIMIT ?"
            rows = connection.execute(query, (-1 if newest is None else newest,)).fetchall()
        return [_restored(row) for row in reversed(rows)]

    def undelivered(self) -> list[CutFile]:
        """Return the files that are not handed over yet, the oldest first."""
        with reading(self.path) as connection:
            rows = connection.execute(_UNDELIVERED, (State.CUT.value, State.PLACING.value)).fetchall()
        return [_restored(row) for row in rows]

    def file(self, number: int) -> CutFile | None:
        """Return a file by its number."""
        with reading(self.path) as connection:
            row = connection.execute(f"{_FILES} WHERE number = ?", (number,)).fetchone()
        return None if row is None else _restored(row)

    def records(self, first_row: int, last_row: int) -> Iterator[bytes]:
        """Yield the records of a range of rows, in their order."""
        with reading(self.path) as connection:
            for (record,) in connection.execute(_ROWS, (first_row, last_row)):
                yield record

    def placed(self, number: int, *, sha256: str, size: int) -> None:
        """Write down that a file is whole and gets its name from now on; on the disk when this returns."""
        self._change(number, State.PLACING, {"sha256": sha256, "size": size})

    def delivered(self, number: int, at: datetime) -> None:
        """Write down that a file has its name."""
        self._change(number, State.DELIVERED, {"delivered": at.astimezone(UTC).isoformat()})

    def purge(self, before: datetime) -> CutFile | None:
        """Forget the records of the oldest file that was handed over before a moment, in one transaction.

        The file itself stays known, with its number, name and hash. Of its events, only the inbox still knows that they
        were handled.

        Returns:
            The file; None where there is none.
        """
        with writing(self.path) as connection:
            connection.execute("PRAGMA secure_delete = ON")  # or what is personal would stay in free pages
            old = (State.DELIVERED.value, before.astimezone(UTC).isoformat())
            row = connection.execute(_OLD, old).fetchone()
            if row is None:
                return None
            file = replace(_restored(row), state=State.PURGED)
            connection.execute(_FORGET, (file.first_row, file.last_row))
            connection.execute(_SET_STATE, (file.state.value, file.number))
        return file

    def failed(self, number: int, problem: str | None) -> None:
        """Write down why a file was not handed over; it stays as far as it had come."""
        with writing(self.path) as connection:
            connection.execute("UPDATE outbound_file SET problem = ? WHERE number = ?", (problem, number))

    def _change(self, number: int, state: State, more: Mapping[str, str | int]) -> None:
        values = {"sha256": None, "size": None, "delivered": None, **more, "state": state.value, "number": number}
        with writing(self.path) as connection:
            connection.execute(_CHANGE, values)

    def _set_mark(self, connection: sqlite3.Connection, mark: datetime) -> None:
        connection.execute("UPDATE outbound_meta SET value = ? WHERE name = ?", (mark.isoformat(), _MARK))


def _stored(file: CutFile) -> Mapping[str, Any]:
    return {
        "number": file.number,
        "sequence": file.sequence,
        "name": file.name,
        "business_date": file.business_date.isoformat(),
        "created": file.created.isoformat(),
        "first_row": file.first_row,
        "last_row": file.last_row,
        "records": file.records,
        "state": file.state.value,
    }


def _restored(row: tuple[Any, ...]) -> CutFile:
    number, sequence, name, business_date, created, first, last, records, state, sha256, size, delivered, problem = row
    return CutFile(
        number=number,
        sequence=sequence,
        name=name,
        business_date=date.fromisoformat(business_date),
        created=datetime.fromisoformat(created).astimezone(UTC),
        first_row=first,
        last_row=last,
        records=records,
        state=State(state),
        sha256=sha256,
        size=size,
        delivered=None if delivered is None else datetime.fromisoformat(delivered),
        problem=problem,
    )
