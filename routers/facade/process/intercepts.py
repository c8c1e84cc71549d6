"""Captured calls in the parent: all workers' in one order, and to Kafka; while that is away, on the disk.

A worker tells its calls in the order in which they ended, and until which moment it has told all. What ended before
that moment of every worker is put into one order: so who calls again when it has its answer, by whatever worker, is
behind itself. A worker that is silent for a second is not waited for.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time_ns
from typing import Final, NamedTuple, final

import structlog

from contracts.errors import BrokerUnavailableError
from contracts.intercepted import sizes
from contracts.ports import Log, LogRecord
from routers.facade.process.runs import Run, cut, read_run, records_of
from routers.facade.process.spool import Spool, pack_bytes, unpack_bytes

__all__ = ["MEMORY_BYTES", "Intercepts", "captured_spool"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

MEMORY_BYTES: Final = 32 * 1024**2
SILENT_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 1.0
_REFUSALS: Final = frozenset({"InvalidTopicError", "MessageSizeTooLargeError", "TopicAuthorizationFailedError"})
"""What another try makes nothing better of; the other topics go on."""


class _Told(NamedTuple):
    """A worker's word that all that ended until then was told."""

    until_ns: int
    taken: Callable[[], None]


class _Member:
    """What is known of one worker."""

    __slots__ = ("calls", "heard", "told", "until_ns")

    def __init__(self) -> None:
        self.calls = 0
        """How many calls came of it, in all."""
        self.until_ns = 0
        self.heard = monotonic()
        self.told: deque[_Told] = deque()

    def safe_until(self, until_ns: int | None) -> Iterable[Callable[[], None]]:
        """Take out what is to be called when all that ended until then is safe; None is all."""
        while self.told and (until_ns is None or self.told[0].until_ns <= until_ns):
            yield self.told.popleft().taken


@dataclass(slots=True, kw_only=True)
class _Ready:
    """Calls in their order, on their way to Kafka."""

    at_ns: int
    """When they were put into it; the disk keeps them by it."""
    records: Sequence[LogRecord]
    calls: int
    size: int
    safe: list[Callable[[], None]]
    """Called when Kafka has them, or the disk."""


@final
class Intercepts:
    """What the workers captured.

    While Kafka takes it, it goes there at once, and the workers hold it until Kafka has acknowledged it; else it is put
    on the disk, up to a bound. Promise: what was answered with `taken` is in Kafka or on the disk, or was counted as
    dropped; and what is on the disk is sent until Kafka has it. At least once.

    Args:
        spool: Keeps it while Kafka is away.
        topic: Returns the topic of a route.
        spool_bytes: How much is kept on the disk at most.
        memory_bytes: How much waits for Kafka at most before it is put on the disk.
        count: Counts calls of a route by what became of them.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        topic: Callable[[str], str],
        spool_bytes: int,
        memory_bytes: int = MEMORY_BYTES,
        count: Callable[[str | None, str, int], None] = lambda _route, _outcome, _calls: None,
    ) -> None:
        self._spool, self._topic, self._count = spool, topic, count
        self._spool_bytes, self._memory_bytes = spool_bytes, memory_bytes
        self._members: dict[str, _Member] = {}
        self._runs: dict[str, list[Run]] = {}
        self._ready: deque[_Ready] = deque()
        self._is_away = True
        self._is_sending = False
        self._looked = 0.0
        """When the disk was empty last; looked at again after a while, for what the workers of an earlier run leave."""
        self._size = spool.size_bytes
        batches = (spool.read(batch) for batch in spool.batches())
        self.left_over = frozenset((record.key or b"").decode() for records in batches for record in records)
        """The routes of what an earlier run left on the disk."""
        self.sent = 0
        """Calls that Kafka acknowledged."""
        self.dropped = 0
        """Calls that there was no room for on the disk, or that Kafka refuses."""

    @property
    def kept(self) -> int:
        """Return how many calls are on the disk."""
        return len(self._spool)

    def captured(self, name: str, payload: bytes) -> None:
        """Take calls of a worker; see `accounting.captures.Captured`."""
        route, run = read_run(payload)
        self._member(name).calls += run.calls
        self._runs.setdefault(route, []).append(run)

    def told(self, name: str, until_ns: int, taken: Callable[[], None]) -> None:
        """Take that a worker has told all that ended until then; `taken` is called when that can't be lost any more."""
        member = self._member(name)
        member.until_ns, member.heard = until_ns, monotonic()
        member.told.append(_Told(until_ns, taken))
        self._release()

    def left(self, name: str, *, captured: int) -> None:
        """Take that a worker is no more, and that it had captured so many calls in all."""
        member = self._members.pop(name, None)
        lost = captured - (0 if member is None else member.calls)
        if lost > 0:
            self._count(None, "lost", lost)
            _log.error("captured calls were lost with a worker that died", calls=lost)
        self._release()

    async def send(self, log: Log, in_time: Callable[[Awaitable[None]], Awaitable[None]]) -> None:
        """Send what there is, what is on the disk first.

        Raises:
            BrokerUnavailableError: Kafka does not take it now.
        """
        self._is_away = False
        while self._may_be_on_disk or self._ready:
            if self._may_be_on_disk:
                await self._send_disk(log, in_time)
            await self._send_ready(log, in_time)

    def away(self) -> None:
        """Put on the disk what Kafka does not take, and from now on all that comes."""
        self._is_away, self._is_sending = True, False
        self._spill()

    @property
    def _may_be_on_disk(self) -> bool:
        return monotonic() - self._looked > _LOOK_SECONDS

    async def _send_disk(self, log: Log, in_time: Callable[[Awaitable[None]], Awaitable[None]]) -> None:
        for batch in self._spool.batches():
            calls = self._spool.count(batch)
            self.sent += calls - self._set_aside(await self._appended(log, self._spool.read(batch), in_time))
            self._spool.remove(batch)
        if not self._spool.batches():
            self._looked = monotonic()
        self._size = self._spool.size_bytes

    async def _send_ready(self, log: Log, in_time: Callable[[Awaitable[None]], Awaitable[None]]) -> None:
        while self._ready and not self._may_be_on_disk:
            first = self._ready[0]
            self._is_sending = True
            refused = await self._appended(log, first.records, in_time)
            self._is_sending = False
            self._ready.popleft()
            self.sent += first.calls - self._set_aside(refused)
            _call_all(first.safe)

    async def _appended(
        self, log: Log, records: Iterable[LogRecord], in_time: Callable[[Awaitable[None]], Awaitable[None]]
    ) -> list[LogRecord]:
        """Send records; return those that Kafka does not take, however often it is asked."""
        refused: list[LogRecord] = []
        for topic, of_topic in _by_topic(records, self._topic):
            try:
                await in_time(log.append(topic, of_topic))
            except BrokerUnavailableError as error:
                if error.reason not in _REFUSALS:
                    raise
                _log.error("captured calls are refused by their topic", topic=topic, reason=error.reason)
                refused += of_topic
        return refused

    def _set_aside(self, refused: Sequence[LogRecord]) -> int:
        """Keep what Kafka does not take for people to look at; return how many calls that are."""
        calls = sum(_calls_in(record.value or b"") for record in refused)
        if not calls:
            return 0
        try:
            self._spool.set_aside(self._spool.keep(refused, count=calls))
        except OSError as error:
            _log.error("refused calls can't be kept either", reason=error.strerror, calls=calls)
        self.dropped += calls
        self._count(None, "dropped", calls)
        return calls

    def _member(self, name: str) -> _Member:
        return self._members.setdefault(name, _Member())

    def _release(self) -> None:
        """Hand on what no worker can have anything before."""
        now = monotonic()
        waited_for = [each.until_ns for each in self._members.values() if now - each.heard < SILENT_SECONDS]
        until_ns = min(waited_for, default=None)
        runs = {route: found for route in list(self._runs) if (found := self._take(route, until_ns))}
        safe = [taken for member in self._members.values() for taken in member.safe_until(until_ns)]
        if runs:
            records = records_of(runs)
            size = sum(len(record.value or b"") for record in records)
            count = sum(run.calls for each in runs.values() for run in each)
            self._ready.append(_Ready(at_ns=time_ns(), records=records, calls=count, size=size, safe=safe))
        elif self._ready:
            self._ready[-1].safe += safe
        else:
            _call_all(safe)
        if self._is_away or sum(each.size for each in self._ready) > self._memory_bytes:
            self._spill()

    def _take(self, route: str, until_ns: int | None) -> Sequence[Run]:
        """Take out the calls of a route that ended until then."""
        runs = self._runs.pop(route)
        if until_ns is None:
            return runs
        ready = [run for run in runs if run.last_ns <= until_ns]
        for run in runs:
            if run.last_ns > until_ns:
                early, late = cut(run, until_ns)
                ready += early
                self._runs.setdefault(route, []).extend(late)
        return ready

    def _spill(self) -> None:
        """Put on the disk what waits for Kafka; what is being sent just now waits for its answer."""
        sending = self._ready.popleft() if self._is_sending and self._ready else None
        while self._ready:
            first = self._ready.popleft()
            self._keep(first)
            _call_all(first.safe)
        if sending is not None:
            self._ready.append(sending)

    def _keep(self, ready: _Ready) -> None:
        if self._size + ready.size > self._spool_bytes:
            self._drop(ready, "there is no room for captured calls on the disk: see facade.intercept.spool_bytes")
            return
        try:
            batch = self._spool.keep(ready.records, count=ready.calls, at_ns=ready.at_ns)
            self._looked = 0.0
        except OSError as error:
            self._drop(ready, f"captured calls can't be written: {error.strerror}")
        else:
            self._size += batch.stat().st_size

    def _drop(self, ready: _Ready, reason: str) -> None:
        self.dropped += ready.calls
        self._count(None, "dropped", ready.calls)
        _log.error("captured calls were dropped", calls=ready.calls, reason=reason)


def _call_all(functions: Iterable[Callable[[], None]]) -> None:
    for function in functions:
        function()


def captured_spool(folder: Path) -> Spool:
    """Return the spool of captured calls in a folder: a record's key is the route, its value a pack.

    A folder that is made is nobody else's to look into: whole requests and replies are in it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Spool(folder, write=pack_bytes, read=unpack_bytes)


def _by_topic(records: Iterable[LogRecord], topic: Callable[[str], str]) -> Iterable[tuple[str, Sequence[LogRecord]]]:
    by: dict[str, list[LogRecord]] = {}
    for record in records:
        by.setdefault(topic((record.key or b"").decode()), []).append(record)
    return by.items()


def _calls_in(pack: bytes) -> int:
    calls = at = 0
    while at < len(pack):
        _, at = sizes(pack, at)
        calls += 1
    return calls
