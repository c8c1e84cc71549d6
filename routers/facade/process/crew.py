"""The crew: the façade's workers, each replaced when it dies, and told of every new ruleset."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, final

import structlog

from routers.facade.process.link import Kind
from routers.facade.process.member import Member
from routers.facade.process.messages import Start
from routers.facade.process.report import WorkerReport

__all__ = ["Crew"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

YOUNG_SECONDS: Final = 5.0
"""A worker that dies before this is young; the first of them is replaced at once, further ones after a pause."""
LONGEST_PAUSE_SECONDS: Final = 10.0
_SHORTEST_PAUSE_SECONDS = 0.1
_WATCH_SECONDS = 0.5
_PATIENCE_SECONDS = 5.0
"""How much longer than its calls may take a worker may take to leave."""


@final
class Crew:
    """Keeps a number of workers running until drained.

    Args:
        size: How many.
        start: Returns what a worker of this name is told at start.
        command: What starts a worker.
        environ: The workers' environment; this process's own without it.
        hears: Is given every frame of every worker.
        ended: Is called with each worker that is no more.
    """

    def __init__(
        self,
        size: int,
        *,
        start: Callable[[str], Start],
        command: Sequence[str],
        environ: Mapping[str, str] | None,
        hears: Callable[[Member, Kind, bytes], None],
        ended: Callable[[Member], None],
    ) -> None:
        self._size, self._start, self._command, self._environ = size, start, command, environ
        self._hears, self._ended = hears, ended
        self._members: dict[int, Member] = {}
        self._starts = [0] * size
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._rollouts: dict[int, float] = {}
        self._stopping = asyncio.Event()
        self.slowest_ms = 0.0
        """The longest that a ruleset took from its acceptance to the last worker."""
        self.all_serve = asyncio.Event()
        """Set when all workers serve for the first time."""

    @property
    def stopping(self) -> bool:
        """Tell whether no worker is replaced any more."""
        return self._stopping.is_set()

    async def run(self) -> None:
        """Keep the workers running; ends when all have left after `drain`."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            async with asyncio.TaskGroup() as keeping:
                for number in range(self._size):
                    keeping.create_task(self._keep(number))
            watching.cancel()

    def drain(self, *, within: float) -> None:
        """Let all workers finish and leave; those that have not after `within` seconds and a little are killed."""
        self._stopping.set()
        for member in self._members.values():
            member.drain()
        asyncio.get_running_loop().call_later(within + _PATIENCE_SECONDS, self.kill)

    def kill(self) -> None:
        """End all workers at once, for good."""
        self._stopping.set()
        for member in self._members.values():
            member.kill()

    def tell(self, packed: bytes, version: int) -> None:
        """Send a change of the ruleset to all workers."""
        if self._members:
            self._rollouts[version] = time.perf_counter()
        for member in self._members.values():
            member.told = version
            member.send(Kind.CHANGE, packed)
        self._settle()

    async def everywhere(self, version: int) -> None:
        """Wait until every worker that lives runs this ruleset or a newer one; one that starts is waited for."""
        if not self._run_by_all(version):
            told = asyncio.get_running_loop().create_future()
            self._waiting.append((version, told))
            await told

    def reports(self) -> tuple[WorkerReport, ...]:
        """Return how each worker is."""
        return tuple(self._report(number) for number in range(self._size))

    def _report(self, number: int) -> WorkerReport:
        member, restarts = self._members.get(number), max(0, self._starts[number] - 1)
        if member is None:
            return WorkerReport(number=number, pid=0, state="gone", version=-1, in_flight=0, restarts=restarts)
        return WorkerReport(
            number=number,
            pid=member.pid,
            state="draining" if member.draining else "serving" if member.serving else "starting",
            version=member.version,
            in_flight=member.in_flight,
            restarts=restarts,
            backends=member.backends,
        )

    async def _keep(self, number: int) -> None:
        young = 0
        while not self.stopping:
            lived = await self._run_one(number)
            young = young + 1 if lived < YOUNG_SECONDS else 0
            if young > 1:
                pause = min(_SHORTEST_PAUSE_SECONDS * 2.0**young, LONGEST_PAUSE_SECONDS)
                _log.error("worker dies again and again", worker=number, times=young, next_after_seconds=pause)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)

    async def _run_one(self, number: int) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._starts[number] += 1
        try:
            start = self._start(f"{number}-{time.time_ns()}")
        except OSError as error:  # a full disk must not end the workers that serve
            _log.error("worker can't be prepared", worker=number, reason=error.strerror)
            return 0.0
        member = Member(start, number=number, hears=self._heard)

        def linked() -> None:
            self._members[number] = member
            if self.stopping:
                member.drain()

        try:
            code = await member.run(self._command, self._environ, linked)
        except OSError as error:
            _log.error("worker can't be started", worker=number, reason=error.strerror)
            return loop.time() - began
        finally:
            self._members.pop(number, None)
            self._settle()
        if not (self.stopping and code == 0):
            reason = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            _log.error("worker died", worker=number, pid=member.pid, reason=reason, in_flight=member.in_flight)
        self._ended(member)
        return loop.time() - began

    def _heard(self, member: Member, kind: Kind, payload: bytes) -> None:
        if kind in {Kind.RUNS, Kind.READY}:
            self._settle()
        if kind is Kind.READY:
            took = asyncio.get_running_loop().time() - member.started
            _log.info("worker serves", worker=member.number, pid=member.pid, after_ms=round(took * 1000))
            if len(self._members) == self._size and all(other.serving for other in self._members.values()):
                self.all_serve.set()
        self._hears(member, kind, payload)

    def _run_by_all(self, version: int) -> bool:
        return all(member.version >= version for member in self._members.values())

    def _settle(self) -> None:
        """See which rulesets have arrived everywhere by now."""
        for version in [version for version in self._rollouts if self._run_by_all(version)]:
            took_ms = (time.perf_counter() - self._rollouts.pop(version)) * 1000
            self.slowest_ms = max(self.slowest_ms, took_ms)
            _log.info("ruleset decides everywhere", version=version, after_ms=round(took_ms, 1))
        for version, told in self._waiting:
            if self._run_by_all(version) and not told.done():
                told.set_result(None)
        self._waiting = [(version, told) for version, told in self._waiting if not told.done()]

    async def _watch(self) -> None:
        """Kill workers that hang; where this process itself was held up, it hears them out first."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(_WATCH_SECONDS)
            if loop.time() - before > 2 * _WATCH_SECONDS:
                continue
            for member in self._members.values():
                if member.is_stuck():
                    _log.error("worker hangs; it is replaced", worker=member.number, pid=member.pid)
                    member.kill()
