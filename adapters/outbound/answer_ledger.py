"""What was answered, in the ledger of the files: each file of answers once, by its content."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, final

from adapters.outbound.acknowledgement import Answer, Outcome, Reject
from adapters.outbound.database import reading, writing

__all__ = ["AnswerLedger", "Answered"]


_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS outbound_answer (
    sha256 TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, at TEXT NOT NULL, sequence INTEGER,
    number INTEGER, outcome TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (sha256, place)
) STRICT;
CREATE INDEX IF NOT EXISTS outbound_answer_number ON outbound_answer (number);
CREATE TABLE IF NOT EXISTS outbound_reject (
    sha256 TEXT NOT NULL, place INTEGER NOT NULL, record INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS outbound_reject_answer ON outbound_reject (sha256, place);
"""
_INSERT: Final = "INSERT INTO outbound_answer VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_ANSWERS: Final = """
SELECT sha256, place, name, at, sequence, number, outcome, detail FROM outbound_answer ORDER BY rowid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer that was read."""

    answer: Answer
    file: str
    """Name of the file that it stood in."""
    at: datetime
    """When it was read."""


@final
class AnswerLedger:
    """The answers in the SQLite file of the ledger."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with reading(self._path) as connection:
            connection.executescript(_SCHEMA)

    def is_known(self, sha256: str) -> bool:
        """Tell whether a file of answers was read, by its content."""
        with reading(self._path) as connection:
            found = connection.execute("SELECT 1 FROM outbound_answer WHERE sha256 = ?", (sha256,)).fetchone()
        return found is not None

    def write(self, sha256: str, answers: Sequence[Answer], *, file: str, at: datetime) -> None:
        """Remember what a file of answers says, instead of what was remembered of it, in one transaction."""
        with writing(self._path) as connection:
            for table in ("outbound_answer", "outbound_reject"):
                connection.execute(f"DELETE FROM {table} WHERE sha256 = ?", (sha256,))  # noqa: S608 - of the two above
            for place, each in enumerate(answers):
                row = (sha256, place, file, at.isoformat(), each.sequence, each.number, each.outcome.value, each.detail)
                connection.execute(_INSERT, row)
                rejects = [(sha256, place, reject.record, reject.reason) for reject in each.rejects]
                connection.executemany("INSERT INTO outbound_reject VALUES (?, ?, ?, ?)", rejects)

    def answered(self) -> list[Answered]:
        """Return all answers, the oldest first."""
        with reading(self._path) as connection:
            rows = connection.execute(_ANSWERS).fetchall()
            return [_restored(connection, row) for row in rows]

    def newest(self) -> dict[int, Answered]:
        """Return the newest answer to each file, by the file's number."""
        return {each.answer.number: each for each in self.answered() if each.answer.number is not None}


def _restored(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Answered:
    sha256, place, name, at, sequence, number, outcome, detail = row
    rejects = connection.execute(
        "SELECT record, reason FROM outbound_reject WHERE sha256 = ? AND place = ? ORDER BY rowid", (sha256, place)
    ).fetchall()
    answer = Answer(
        sequence=sequence,
        number=number,
        outcome=Outcome(outcome),
        detail=detail,
        rejects=tuple(Reject(record=record, reason=reason) for record, reason in rejects),
    )
    return Answered(answer=answer, file=name, at=datetime.fromisoformat(at))
