"""The SQLite file of a ledger: connections that write through to the disk."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

__all__ = ["reading", "writing"]

_BUSY_SECONDS: Final = 30


@contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection]:
    """Connect for the block; each statement is a transaction of its own."""
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        yield connection


@contextmanager
def writing(path: Path) -> Generator[sqlite3.Connection]:
    """Connect for the block, which is one transaction; an error in it leaves all as it was."""
    with reading(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
