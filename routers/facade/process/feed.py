"""What the façade tells Kafka: decision records, which may be lost; in-doubt records, which may not; captured calls."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, Literal, final

import structlog

from contracts.errors import BanyanError, BrokerUnavailableError
from contracts.ports import Log, LogRecord
from routers.facade.process.intercepts import Intercepts
from routers.facade.process.spool import Spool

__all__ = ["Feed", "OpenLog"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

OpenLog = Callable[[], AbstractAsyncContextManager[Log]]
"""Connects; raises a `BanyanError` where Kafka is away."""

BACKLOG_BYTES: Final = 16 * 1024**2
_RECORDS_AT_ONCE = 200
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.5, 15.0
_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 10.0


@final
class Feed:
    """Sends to Kafka while it can; nothing waits for it.

    Args:
        open_log: Connects to Kafka.
        spool: Keeps what is in doubt until Kafka has it.
        decisions: Topic of decision records.
        in_doubt: Topic of in-doubt records.
        intercepts: Keeps captured calls until Kafka has them; None where none are captured.
        backlog_bytes: Decision records beyond this are dropped and counted.
    """

    def __init__(
        self,
        open_log: OpenLog,
        *,
        spool: Spool,
        decisions: str,
        in_doubt: str,
        intercepts: Intercepts | None = None,
        backlog_bytes: int = BACKLOG_BYTES,
    ) -> None:
        self._open_log, self._spool, self._backlog_bytes = open_log, spool, backlog_bytes
        self._intercepts = intercepts
        self._topics = decisions, in_doubt
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._unwritten: deque[tuple[Sequence[LogRecord], Callable[[], None]]] = deque()
        self._work = asyncio.Event()
        self._closed = asyncio.Event()
        self.kafka: Literal["connecting", "connected", "away"] = "connecting"
        self.dropped = 0
        """Decision records that were dropped."""
        self.sent_in_doubt = 0
        """In-doubt records that Kafka acknowledged."""

    def decided(self, pack: bytes) -> None:
        """Send decision records, one on each line, some time as one record of Kafka, or drop and count them."""
        if self._queued_bytes + len(pack) > self._backlog_bytes:
            self.dropped += _count(pack)
            return
        self._queue.append(pack)
        self._queued_bytes += len(pack)
        self._work.set()

    def doubted(self, records: Sequence[LogRecord], kept: Callable[[], None] = lambda: None) -> None:
        """Put in-doubt records on the disk, call `kept`, and send them until Kafka has them."""
        self._unwritten.append((records, kept))
        self._write()
        self._work.set()

    def wake(self) -> None:
        """Look soon at what is on the disk."""
        self._work.set()

    async def run(self) -> None:
        """Send until closed, however often Kafka goes away; decision records that are left then are dropped."""
        try:
            await self._run()
        finally:
            self.dropped += sum(map(_count, self._queue))
            self._queue.clear()
            if self._intercepts is not None:
                self._intercepts.away()

    async def _run(self) -> None:
        pause = _SHORTEST_SECONDS
        while not self._closed.is_set():
            try:
                async with self._open_log() as log:
                    self.kafka, pause = "connected", _SHORTEST_SECONDS
                    await self._send(log)
            except BanyanError as error:
                if self.kafka != "away":
                    _log.warning("kafka is away", reason=str(error))
                self.kafka = "away"
                self._write()
                if self._intercepts is not None:
                    self._intercepts.away()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closed.wait(), random.uniform(pause / 2, pause))  # noqa: S311 - no secret
                pause = min(2 * pause, _LONGEST_SECONDS)

    def close(self) -> None:
        """Let `run` end when what is left was sent, or could not be."""
        self._closed.set()
        self._work.set()

    def _write(self) -> None:
        while self._unwritten:
            records, kept = self._unwritten[0]
            try:
                self._spool.keep(records)
            except OSError as error:
                _log.error("in-doubt records can't be written; they are kept in memory", reason=error.strerror)
                return
            self._unwritten.popleft()
            kept()

    async def _send(self, log: Log) -> None:
        while True:
            self._work.clear()
            self._write()
            await self._send_in_doubt(log)
            await self._send_decisions(log)
            if self._intercepts is not None:
                await self._intercepts.send(log, _in_time)
            if self._closed.is_set() and not self._queue:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._work.wait(), _LOOK_SECONDS)

    async def _send_in_doubt(self, log: Log) -> None:
        for batch in self._spool.batches():
            records = self._spool.read(batch)
            await _in_time(log.append(self._topics[1], records))
            self._spool.remove(batch)
            self.sent_in_doubt += len(records)

    async def _send_decisions(self, log: Log) -> None:
        while self._queue:
            taken = [self._queue.popleft() for _ in range(min(_RECORDS_AT_ONCE, len(self._queue)))]
            self._queued_bytes -= sum(map(len, taken))
            try:
                await _in_time(log.append(self._topics[0], [LogRecord(key=None, value=pack) for pack in taken]))
            except (BanyanError, asyncio.CancelledError):
                self.dropped += sum(map(_count, taken))
                raise


async def _in_time(appending: Awaitable[None]) -> None:
    """Wait for an acknowledgement; a client that goes on trying by itself would hide for minutes that Kafka is away."""
    try:
        await asyncio.wait_for(appending, _PATIENCE_SECONDS)
    except TimeoutError as error:
        raise BrokerUnavailableError("kafka", reason="no acknowledgement in time") from error


def _count(pack: bytes) -> int:
    return pack.count(b"\n") + 1
