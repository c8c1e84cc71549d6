"""The idempotent receiver's memory: which events a service has handled.

Any object with the shape of `contracts.ports.Inbox` will do. Where its transaction is the service's own
database transaction, handling is exactly once, since what the handler writes and what the inbox remembers
become true together. On PostgreSQL, for example: `transaction()` takes a connection from the pool and opens
a transaction; `claim()` runs `INSERT INTO inbox (grp, source, id) SELECT … FROM unnest($1, $2) ON CONFLICT
DO NOTHING RETURNING source, id` and tells which came back; the handler writes through the same connection.
A concurrent claim of the same event waits for the first to commit or to roll back: that is what the unique
key is for. An error of `transaction()` or `claim()` is taken as "the inbox does not answer", and the events
wait; an error of the handler or of the commit counts against the event.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar, final

__all__ = ["SqliteInbox", "SqliteTransaction"]

_T = TypeVar("_T")

BUSY_SECONDS = 10
FORGET_PER_CLAIM = 2
FORGET_AT_LEAST = 50

_SCHEMA = """
CREATE TABLE IF NOT EXISTS banyan_inbox_generation (
    generation INTEGER PRIMARY KEY, consumer_group TEXT NOT NULL, opened INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS banyan_inbox (
    generation INTEGER NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (generation, source, id)
) STRICT, WITHOUT ROWID;
"""
_GENERATIONS = """
SELECT generation, opened FROM banyan_inbox_generation WHERE consumer_group = ? ORDER BY generation DESC
"""
_OPEN = "INSERT INTO banyan_inbox_generation (consumer_group, opened) VALUES (?, ?)"
_CLAIM = "INSERT OR IGNORE INTO banyan_inbox VALUES (?, ?, ?)"
_CLAIMED = "SELECT 1 FROM banyan_inbox WHERE generation = ? AND source = ? AND id = ?"
_FORGET = """
DELETE FROM banyan_inbox WHERE generation = :generation AND (source, id) IN (
    SELECT source, id FROM banyan_inbox WHERE generation = :generation LIMIT :most)
"""
_CLOSE = "DELETE FROM banyan_inbox_generation WHERE generation = ?"


def _now() -> float:
    return datetime.now().astimezone().timestamp()


@final
class SqliteInbox:
    """An inbox in a SQLite file, best the one that the handlers write to as well.

    A handler writes through `tx.connection`, within the transaction of the claim. An event is remembered for
    at least `keep` and for at most twice as long; what is older is removed bit by bit along with later
    claims. Keep longer than the topic does (7 days by default), or a replay from its beginning is handled
    again. A commit is on disk before the offset moves (`synchronous=FULL`): one commit per event costs about
    0.4 ms, in batches about 4 µs an event. All of it happens in a thread of its own.

    Threads and processes may share the file: one transaction at a time, the others wait up to 10 seconds.
    `":memory:"` is for tests.

    Args:
        path: The database; created where there is none.
        group: The consumer group; each group remembers for itself.
        keep: How long an event is remembered at least.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        path: Path | str,
        group: str,
        *,
        keep: timedelta = timedelta(days=30),
        clock: Callable[[], float] = _now,
    ) -> None:
        self._group, self._keep, self._clock = group, keep, clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="banyan-inbox")
        self._one_at_a_time = asyncio.Lock()
        self._connection = self._thread.submit(_opened, str(path)).result()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator["SqliteTransaction", None]:
        """Open a transaction: committed when the block ends, rolled back when it raises; see the port."""
        async with self._one_at_a_time:
            is_open = True
            try:
                generations = await self._run(self._begin)
                yield SqliteTransaction(self._connection, self._run, generations)
                await self._run(self._connection.commit)
                is_open = False
            finally:
                if is_open:
                    # The one thread works in order: this comes after a begin that we were cancelled in, and before
                    # the next one, even if we are cancelled again.
                    await asyncio.shield(self._run(self._connection.rollback))

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()

    def _begin(self) -> tuple[int, ...]:
        self._connection.execute("BEGIN IMMEDIATE")
        found = self._connection.execute(_GENERATIONS, (self._group,)).fetchall()
        known = [generation for generation, _ in found]
        now = self._clock()
        if found and now - found[0][1] < self._keep.total_seconds():
            return tuple(known)
        opened = self._connection.execute(_OPEN, (self._group, int(now))).lastrowid or 0
        return (opened, *known)

    def _run(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)


@final
class SqliteTransaction:
    """One transaction of a `SqliteInbox`."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        run: Callable[[Callable[[], Sequence[bool]]], asyncio.Future[Sequence[bool]]],
        generations: tuple[int, ...],
    ) -> None:
        self.connection = connection
        """For the handler's own statements, which are committed with the claim; keep them short: they run
        in the event loop's thread. Neither commit nor roll back through it."""
        self._run = run
        self._generations = generations

    async def claim(self, events: Sequence[tuple[str, str]]) -> Sequence[bool]:
        """Tell for each (source, id) whether it is new, and remember it with this transaction."""
        return await self._run(lambda: self._claim(events))

    def _claim(self, events: Sequence[tuple[str, str]]) -> Sequence[bool]:
        now, *earlier = self._generations
        execute = self.connection.execute
        known = [
            bool(earlier) and execute(_CLAIMED, (earlier[0], source, id_)).fetchone() is not None
            for source, id_ in events
        ]
        fresh = [
            not is_known and execute(_CLAIM, (now, *event)).rowcount == 1
            for event, is_known in zip(events, known, strict=True)
        ]
        if len(earlier) > 1:
            self._forget(earlier[-1], most=max(FORGET_AT_LEAST, FORGET_PER_CLAIM * len(events)))
        return fresh

    def _forget(self, generation: int, *, most: int) -> None:
        removed = self.connection.execute(_FORGET, {"generation": generation, "most": most}).rowcount
        if removed < most:
            self.connection.execute(_CLOSE, (generation,))


def _opened(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(_SCHEMA)
    return connection
