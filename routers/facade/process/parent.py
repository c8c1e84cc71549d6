"""The parent of the façade: listens, starts workers and replaces them, and speaks with Kafka for them.

No call passes through it. When it dies, its workers finish what they have and leave; the next parent accounts for
what they left behind.
"""

import asyncio
import fcntl
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final

import structlog

from contracts.errors import ConfigError
from routers.facade.accounting import inflight
from routers.facade.accounting.account import left_in_doubt
from routers.facade.process import report
from routers.facade.process.crew import Crew
from routers.facade.process.link import Kind
from routers.facade.process.listening import address, bind_all
from routers.facade.process.live import LiveCalls
from routers.facade.process.member import Member
from routers.facade.process.messages import Files, Start
from routers.facade.process.parts import Parts
from routers.facade.process.probes import Probes
from routers.facade.process.report import Report, RulesetReport
from routers.facade.process.spool import unpack
from routers.facade.settings import FacadeSettings

__all__ = ["COMMAND", "Parent"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

COMMAND: Final = (sys.executable, "-P", "-m", "routers.facade.process.worker")
"""Starts a worker; `-P`, since a module of ours must not be found in the folder where somebody happens to be."""

_LOOK_SECONDS: Final = 0.1
REPORT_SECONDS: Final = 2.0
_FIRST_RULESET_SECONDS = 3.0
_LAST_WORDS_SECONDS = 5.0
_ORPHAN_SECONDS = 0.5


@final
class Parent:
    """One façade: starts when run, ends when drained.

    Args:
        settings: The façade.
        data: Its folder; a second façade with the same one is refused.
        parts: What it works with.
        report_file: Where it tells how it is.
        make_start: Returns what a worker is told, from its name and the descriptors of its sockets.
        command: What starts a worker.
        environ: The workers' environment; this process's own without it.
    """

    def __init__(
        self,
        settings: FacadeSettings,
        *,
        data: Path,
        parts: Parts,
        report_file: Path,
        make_start: Callable[[str, Mapping[str, int]], Start],
        command: Sequence[str] = COMMAND,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._settings, self._files, self._parts, self._report_file = settings, Files(data), parts, report_file
        self._make_start = make_start
        self._sockets: Mapping[str, socket.socket] = {}
        self._since = datetime.now(UTC)
        self._lost: Counter[str] = Counter()
        self.addresses: dict[str, str] = {}
        """Listener -> the address that it really has."""
        self.crew = Crew(
            settings.workers,
            start=self._start,
            command=command,
            environ=environ,
            hears=self._heard,
            ended=self._ended,
        )

    async def run(self) -> None:
        """Serve until drained.

        Raises:
            ConfigError: An address can't be had, or another façade runs with the same folder.
        """
        self._files.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            left = self._files.left_over()
            self._sockets = await bind_all(self._settings, patience=_LAST_WORDS_SECONDS if left else 0)
            try:
                self.addresses = {name: _told(bound) for name, bound in self._sockets.items()}
                async with self._probes():
                    await self._serve(left)
            finally:
                for bound in self._sockets.values():
                    bound.close()
                self._tell()

    @contextmanager
    def _alone(self) -> Generator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(_locked(self._files.lock))
            except BlockingIOError as error:
                problem = f"façade: another one runs with {self._files.folder}; choose another folder with `data`"
                raise ConfigError([problem]) from error
            yield

    def drain(self) -> None:
        """Stop: workers stop accepting, finish, flush, leave; a second call ends them at once."""
        if self.crew.stopping:
            self.crew.kill()
            return
        _log.info("the façade drains")
        for bound in self._sockets.values():
            bound.close()  # else callers would wait in the system's queue, and be cut off at the end
        self.crew.drain(within=self._settings.times.drain.total_seconds())
        self._tell()

    async def everywhere(self, version: int) -> None:
        """Wait until every live worker decides by this ruleset or a newer one."""
        await self.crew.everywhere(version)

    def report(self) -> Report:
        """Return how it is now."""
        rulesets, feed, intercepts = self._parts.rulesets, self._parts.feed, self._parts.intercepts
        return Report(
            at=datetime.now(UTC),
            pid=os.getpid(),
            draining=self.crew.stopping,
            addresses=self.addresses,
            workers=self.crew.reports(),
            ruleset=RulesetReport(
                version=rulesets.ruleset.version,
                hash=rulesets.ruleset.hash,
                rules=len(rulesets.ruleset.rules),
                since=self._since,
                source=rulesets.source,
                problems=tuple(rulesets.problems),
                slowest_ms=round(self.crew.slowest_ms, 1),
            ),
            kafka=feed.kafka,
            dropped=feed.dropped,
            in_doubt_kept=len(self._parts.spool),
            in_doubt_sent=feed.sent_in_doubt,
            captured_kept=0 if intercepts is None else intercepts.kept,
            captured_sent=0 if intercepts is None else intercepts.sent,
            captured_dropped=0 if intercepts is None else intercepts.dropped,
            lost=self._lost,
            observed=tuple(self._parts.tally.observed()),
            unusable_keys=tuple(self._parts.tally.unusable_keys()),
        )

    async def _serve(self, left: Sequence[Path]) -> None:
        rulesets, feed = self._parts.rulesets, self._parts.feed
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(feed.run())
            behind = [
                group.create_task(rulesets.run(self._ruleset_changed)),
                group.create_task(self._renew_report()),
                group.create_task(self._recover(left)),
                group.create_task(LiveCalls(self._settings.backends).count(self.crew.reports, self._parts.budgets)),
            ]
            with suppress(TimeoutError):  # not a stale answer for want of a moment's patience; but no Kafka, no wait
                await asyncio.wait_for(rulesets.caught_up(), _FIRST_RULESET_SECONDS)
            await self.crew.run()
            feed.close()
            await asyncio.wait([feeding], timeout=_LAST_WORDS_SECONDS)
            for task in (feeding, *behind):
                task.cancel()

    def _start(self, name: str) -> Start:
        inflight.create(self._files.inflight(name), self._settings)
        return self._make_start(name, {listener: bound.fileno() for listener, bound in self._sockets.items()})

    def _ruleset_changed(self, packed: bytes, version: int) -> None:
        self._since = datetime.now(UTC)
        self.crew.tell(packed, version)

    def _heard(self, member: Member, kind: Kind, payload: bytes) -> None:
        rulesets = self._parts.rulesets
        if kind is Kind.READY and member.version < rulesets.ruleset.version:
            member.send(Kind.SNAPSHOT, rulesets.snapshot())  # the disk did not take it
        elif kind is Kind.TALLY:
            self._parts.tally.merge(payload)
        elif kind is Kind.DECISIONS:
            self._parts.feed.decided(payload)
        elif kind is Kind.IN_DOUBT:
            self._parts.feed.doubted(unpack(payload), kept=lambda: member.send(Kind.KEPT))
        elif kind in {Kind.CAPTURED, Kind.UNTIL}:
            self._captured(member, kind, payload)

    def _captured(self, member: Member, kind: Kind, payload: bytes) -> None:
        intercepts = self._parts.intercepts
        if intercepts is None:
            return
        if kind is Kind.CAPTURED:
            intercepts.captured(member.start.name, payload)
        else:
            intercepts.told(member.start.name, int(payload), lambda: member.send(Kind.TAKEN))
            self._parts.feed.wake()

    def _ended(self, member: Member) -> None:
        notes, intercepts = self._files.inflight(member.start.name), self._parts.intercepts
        if not notes.exists():
            return
        if intercepts is not None:
            intercepts.left(member.start.name, captured=inflight.captured(notes))
            self._parts.feed.wake()
        self._account_for(notes)

    def _account_for(self, notes: Path) -> None:
        """Count what a worker that is no more had in flight; its notes go when their records are on the disk."""
        calls = inflight.read(notes)
        lost = Counter(str(call.operation) for call in calls)
        in_doubt = [left_in_doubt(call, datetime.now(UTC)) for call in calls if call.in_doubt]
        self._lost.update(lost)
        if lost:
            _log.error("calls were in flight to a worker that died", in_doubt=len(in_doubt), **lost)
        if in_doubt:
            self._parts.feed.doubted(in_doubt, kept=notes.unlink)
        else:
            notes.unlink()

    async def _recover(self, left: Sequence[Path]) -> None:
        """Account for the workers of an earlier run, each when it is no more: one may still finish its calls."""
        waiting = list(left)
        while waiting:
            for notes in waiting[:]:
                with suppress(BlockingIOError), _locked(notes):
                    self._account_for(notes)
                    waiting.remove(notes)
            await asyncio.sleep(_ORPHAN_SECONDS)

    async def _renew_report(self) -> None:
        """Tell how it is every other second, and at once when a worker, its ruleset or a breaker changes."""
        told, due, loop = None, 0.0, asyncio.get_running_loop()
        while True:
            workers = [
                (worker.pid, worker.state, worker.version, *(each.breaker for each in worker.backends))
                for worker in self.crew.reports()
            ]
            if workers != told or loop.time() >= due:
                self._tell()
                told, due = workers, loop.time() + REPORT_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)

    def _tell(self) -> None:
        report.write(self._report_file, self.report())

    @asynccontextmanager
    async def _probes(self) -> AsyncGenerator[None]:
        if self._settings.probes is None:
            yield
            return
        probes = Probes(live=lambda: (), ready=lambda: self.report().unready())
        async with AsyncExitStack() as stack:
            try:
                host, port = await stack.enter_async_context(probes.serve(*address(self._settings.probes)))
            except OSError as error:
                raise ConfigError([f"probes: {self._settings.probes}: {error.strerror}"]) from error
            self.addresses["probes"] = f"{host}:{port}"
            yield


def _told(bound: socket.socket) -> str:
    host, port, *_ = bound.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def _locked(file: Path) -> Generator[None]:
    """Hold a file locked, or raise BlockingIOError where another process does."""
    with file.open("ab") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
