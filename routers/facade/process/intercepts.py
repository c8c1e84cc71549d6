"""Captured calls in the parent: all workers' in one order, on the disk, and from there to Kafka.

A worker tells its calls in the order in which they ended, and until which moment it has told all. What ended before
that moment of every worker is put into one order: so who calls again when it has its answer, by whatever worker, is
behind itself. A worker that is silent for a second is not waited for.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple, final

import structlog

from contracts.errors import BrokerUnavailableError
from contracts.intercepted import HEAD_BYTES, sizes
from contracts.ports import Log, LogRecord
from routers.facade.process.spool import Spool, pack_bytes, unpack_bytes

__all__ = ["PACK_BYTES", "Intercepts", "captured_spool", "records_of"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

PACK_BYTES: Final = 512 * 1024
"""How long a pack becomes before the next one begins: a record of Kafka, which takes a megabyte by default."""
SILENT_SECONDS: Final = 1.0
_TOO_LARGE: Final = "MessageSizeTooLargeError"
_Call = tuple[int, str, bytes]
"""When it ended, its route, and its bytes."""


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


@final
class Intercepts:
    """What the workers captured.

    Promise: what was answered with `taken` is on the disk, or was counted as dropped; and what is there is sent until
    Kafka has it, at least once.

    Args:
        spool: Keeps it until Kafka has it.
        topic: Returns the topic of a route.
        spool_bytes: How much is kept at most.
        count: Counts calls of a route by what became of them.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        topic: Callable[[str], str],
        spool_bytes: int,
        count: Callable[[str | None, str, int], None] = lambda _route, _outcome, _calls: None,
    ) -> None:
        self._spool, self._topic, self._limit, self._count = spool, topic, spool_bytes, count
        self._members: dict[str, _Member] = {}
        self._calls: list[_Call] = []
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
        """Take calls of a worker: the route, a line feed and a pack."""
        calls = list(_split(payload))
        self._member(name).calls += len(calls)
        self._calls += calls

    def told(self, name: str, until_ns: int, taken: Callable[[], None]) -> None:
        """Take that a worker has told all that ended until then; `taken` is called when that is on the disk."""
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
        """Send what is on the disk.

        Raises:
            BrokerUnavailableError: Kafka does not take it now.
        """
        for batch in self._spool.batches():
            calls = self._spool.count(batch)
            try:
                for topic, records in _by_topic(self._spool.read(batch), self._topic):
                    await in_time(log.append(topic, records))
            except BrokerUnavailableError as error:
                if error.reason != _TOO_LARGE:
                    raise
                self._refused(batch, calls)
                continue
            self._spool.remove(batch)
            self.sent += calls
        self._size = self._spool.size_bytes

    def _refused(self, batch: Path, calls: int) -> None:
        _log.error(
            "captured calls are too large for their topic; raise max.message.bytes", file=batch.stem, calls=calls
        )
        self._spool.set_aside(batch)
        self.dropped += calls
        self._count(None, "dropped", calls)

    def _member(self, name: str) -> _Member:
        return self._members.setdefault(name, _Member())

    def _release(self) -> None:
        """Put on the disk what no worker can have anything before, and say so."""
        now = monotonic()
        waited_for = [each.until_ns for each in self._members.values() if now - each.heard < SILENT_SECONDS]
        until_ns = min(waited_for, default=None)
        ready = [call for call in self._calls if until_ns is None or call[0] <= until_ns]
        if ready:
            self._calls = [call for call in self._calls if until_ns is not None and call[0] > until_ns]
            self._keep(sorted(ready, key=itemgetter(0)))
        for member in self._members.values():
            while member.told and (until_ns is None or member.told[0].until_ns <= until_ns):
                member.told.popleft().taken()

    def _keep(self, calls: Sequence[_Call]) -> None:
        records = [LogRecord(key=route.encode(), value=pack) for route, pack in _packs(calls)]
        size = sum(len(record.value or b"") for record in records)
        if not records:
            return
        if self._size + size > self._limit:
            self._drop(calls, "there is no room for captured calls on the disk: see facade.intercept.spool_bytes")
            return
        try:
            self._size += self._spool.keep(records, count=len(calls)).stat().st_size
        except OSError as error:
            self._drop(calls, f"captured calls can't be written: {error.strerror}")

    def _drop(self, calls: Sequence[_Call], reason: str) -> None:
        self.dropped += len(calls)
        for route, each in groupby(sorted(calls, key=itemgetter(1)), key=itemgetter(1)):
            self._count(route, "dropped", len(list(each)))
        _log.error("captured calls were dropped", calls=len(calls), reason=reason)


def captured_spool(folder: Path) -> Spool:
    """Return the spool of captured calls in a folder: a record's key is the route, its value a pack."""
    return Spool(folder, write=pack_bytes, read=unpack_bytes)


def records_of(packs: Iterable[tuple[str, bytes]]) -> tuple[list[LogRecord], int]:
    """Return what a worker has not told its parent as records of the spool, and how many calls they are."""
    calls = [call for _, payload in packs for call in _split(payload)]
    return [LogRecord(key=route.encode(), value=pack) for route, pack in _packs(calls)], len(calls)


def _split(payload: bytes) -> Iterable[_Call]:
    at = payload.index(b"\n") + 1
    route = payload[: at - 1].decode()
    while at + HEAD_BYTES <= len(payload):
        ended_ns, end = sizes(payload, at)
        yield ended_ns, route, payload[at:end]
        at = end


def _packs(calls: Sequence[_Call]) -> Iterable[tuple[str, bytes]]:
    """Yield each route's calls in their order, in packs that are not longer than they should be."""
    open_packs: dict[str, list[bytes]] = {}
    lengths: dict[str, int] = {}
    for _, route, call in calls:
        if lengths.get(route, 0) + len(call) > PACK_BYTES and route in open_packs:
            yield route, b"".join(open_packs.pop(route))
            lengths[route] = 0
        open_packs.setdefault(route, []).append(call)
        lengths[route] = lengths.get(route, 0) + len(call)
    for route, parts in open_packs.items():
        yield route, b"".join(parts)


def _by_topic(records: Iterable[LogRecord], topic: Callable[[str], str]) -> Iterable[tuple[str, Sequence[LogRecord]]]:
    by: dict[str, list[LogRecord]] = {}
    for record in records:
        by.setdefault(topic((record.key or b"").decode()), []).append(record)
    return by.items()
