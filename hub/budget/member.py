"""A process that draws on the budget of a legacy system: it asks who leads, and leads where nobody does."""

import asyncio
import os
from contextlib import suppress
from datetime import timedelta
from typing import Final, final

import structlog

from contracts.budget.calendar import rate_at
from contracts.budget.fixed_slice import FixedSlice
from contracts.budget.ledger import others
from contracts.budget.pace import Answers
from contracts.budget.reign import Reign
from contracts.budget.settings import LegacySystem
from contracts.ports import Purpose
from hub.budget.clock import Clock
from hub.budget.folder import Folder, Lock
from hub.budget.lead import Lead
from hub.budget.messages import TOLD_BYTES, Asked, Ended, Hello, Lease, decode_told
from hub.budget.waiters import Leave, Waiters
from observability.metrics import Metrics

__all__ = ["Member"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_TICK_SECONDS: Final = 0.1
_TELL_SECONDS: Final = 0.5
_STAND_SECONDS: Final = 0.25
_PATIENCE_SECONDS: Final = 0.5
"""How long a process without a leader waits for the next one before it draws on its slice."""
_MOST: Final = 1_000_000


@final
class Member:
    """The budget of one system, as one process has it; draws are answered while it runs.

    Args:
        name: Of the system.
        system: How often it may be called.
        folder: What the processes share.
        process: What this process is, for people.
        clock: What time it is.
    """

    def __init__(
        self, name: str, system: LegacySystem, folder: Folder, *, process: str, clock: Clock | None = None
    ) -> None:
        self._name, self._system, self._folder, self._process = name, system, folder, process
        self._clock = clock or Clock()
        self._waiters = Waiters(system.priorities.weights)
        self._asked: dict[Purpose, int] = dict.fromkeys(system.priorities.weights, 0)
        self._writer: asyncio.StreamWriter | None = None
        self._term = 0
        self._vacant = asyncio.Event()
        self._alone_since: float | None = None
        self._is_alone = False
        self._place: tuple[FixedSlice, Lock] | None = None
        self._live = 0
        self._answers = Answers()
        self._told_at = self._clock.seconds()
        adaptation = system.adaptation
        self._slow = None if adaptation is None else adaptation.latency
        self._metrics = Metrics()

    async def draw(self, purpose: Purpose) -> None:
        """Wait until one call may be made; it has to be made at once."""
        began = self._clock.seconds()
        if rate_at(self._system, self._clock.at()) == 0:
            self._metrics.budget_closed(self._name, purpose)
        while True:
            leave = await self._leave(purpose)
            now = self._clock.seconds()
            if now < leave.until:  # else it was held up, and asks again
                self._tell_of(leave, Asked(used=Lease(number=leave.lease, calls=1)))
                self._metrics.budget_granted(self._name, purpose, waited=timedelta(seconds=now - began))
                return

    def counted(self, calls: int = 1) -> None:
        """Take that live calls were made."""
        self._live += calls

    def answered(self, took: timedelta, *, failed: bool = False) -> None:
        """Take how long the system took for a call, or until it failed."""
        slow = self._slow is not None and took > self._slow
        self._answers += Answers(calls=1, slow=int(slow), failed=int(failed))

    async def run(self) -> None:
        """Ask who leads, and lead where nobody does, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stand())
                group.create_task(self._attend())
        finally:
            if self._place is not None:
                self._place[1].release()
                self._place = None

    async def _leave(self, purpose: Purpose) -> Leave:
        waiter = self._waiters.add(purpose)
        self._reconcile(purpose)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                leave = waiter.result()
                self._tell_of(leave, Asked(returned=Lease(number=leave.lease, calls=1)))
            else:
                waiter.cancel()
                self._reconcile(purpose)
            raise

    async def _stand(self) -> None:
        """Lead whenever nobody does."""
        while True:
            lock = self._folder.lead()
            if lock is not None:
                await self._lead(lock)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._vacant.wait(), _STAND_SECONDS)
            self._vacant.clear()

    async def _lead(self, lock: Lock) -> None:
        self._metrics.budget_leading(self._name, leads=True)
        try:
            await Lead(self._name, self._system, self._folder, lock=lock, clock=self._clock).run()
        except OSError as error:
            _log.warning("the budget can't be led here", system=self._name, reason=error.strerror)
            await asyncio.sleep(_STAND_SECONDS)  # another process may do better
        finally:
            lock.release()
            self._metrics.budget_leading(self._name, leads=False)

    async def _attend(self) -> None:
        """Ask the leader; without one, draw on the fixed slice."""
        while True:
            reign = self._folder.reign()
            if reign.is_on(self._clock.seconds()):
                try:
                    await self._ask()
                except OSError:
                    pass  # it is only beginning, or gone
                except ValueError as error:
                    _log.warning(
                        "the leader of the budget said what is no message", system=self._name, reason=str(error)
                    )
                self._vacant.set()
                await asyncio.sleep(_TICK_SECONDS / 2)
            else:
                await self._do_without(reign)

    async def _ask(self) -> None:
        """Ask the leader as long as it leads, and is there."""
        path = self._folder.socket
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path, limit=TOLD_BYTES)
        try:
            self._writer = writer
            self._term += 1
            self._is_found()
            hello = Hello(name=self._process, pid=os.getpid(), settings=self._system.fingerprint)
            self._tell(Asked(hello=hello))
            for purpose in self._asked:
                self._reconcile(purpose)
            await self._listen(reader)
        finally:
            self._writer = None
            self._asked = dict.fromkeys(self._asked, 0)
            writer.transport.abort()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        looked = self._clock.seconds()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    line = await reader.readline()
                    if not line:
                        return
                    self._heard(line)
            now = self._clock.seconds()
            if now - looked >= _TICK_SECONDS:
                looked = now
                if not self._folder.reign().is_on(now):
                    return  # it hangs
            if now - self._told_at >= _TELL_SECONDS:
                self._report(now)

    def _heard(self, line: bytes) -> None:
        granted = decode_told(line).granted
        if granted is None:
            return
        self._asked[granted.purpose] = max(0, self._asked[granted.purpose] - granted.calls)
        leave = Leave(until=granted.until, lease=granted.lease, term=self._term)
        given = 0
        while given < granted.calls and self._waiters.give(granted.purpose, leave):
            given += 1
        if given < granted.calls:
            self._tell(Asked(returned=Lease(number=granted.lease, calls=granted.calls - given)))
        self._reconcile(granted.purpose)

    def _report(self, now: float) -> None:
        """Tell what was counted."""
        self._told_at = now
        live, answers = min(self._live, _MOST), self._answers
        if not live and not answers.calls:
            return
        self._live -= live
        self._answers = Answers()
        self._metrics.budget_live(self._name, live)
        ended = Ended(calls=answers.calls, slow=answers.slow, failed=answers.failed)
        self._tell(Asked(live=live, ended=ended if answers.calls else None))

    def _reconcile(self, purpose: Purpose) -> None:
        """Let the leader know of as many as wait."""
        if self._writer is None:
            return
        more = self._waiters.count(purpose) - self._asked[purpose]
        self._asked[purpose] += more
        if more > 0:
            self._tell(Asked(ask={purpose: more}))
        elif more < 0:
            self._tell(Asked(drop={purpose: -more}))

    def _tell_of(self, leave: Leave, asked: Asked) -> None:
        if leave.lease and leave.term == self._term:
            self._tell(asked)

    def _tell(self, asked: Asked) -> None:
        if self._writer is not None:
            self._writer.write(asked.line())

    async def _do_without(self, reign: Reign) -> None:
        """Let go who may by the fixed slice of this process, and come back soon."""
        now = self._clock.seconds()
        if self._alone_since is None:
            self._alone_since = now
        if not self._waiters:
            self._waiters.wanted.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._waiters.wanted.wait(), _TICK_SECONDS)
            return
        rate = others(self._system, rate_at(self._system, self._clock.at()), reign.share)
        fixed = self._fixed_slice() if now - self._alone_since >= _PATIENCE_SECONDS else None
        if fixed is None or rate <= 0:
            await asyncio.sleep(_TICK_SECONDS)
            return
        begins = max(fixed.begins(now, rate=rate), reign.slices_from(now, rate=rate))
        if begins > now:
            await asyncio.sleep(min(begins - now, _TICK_SECONDS))
            return
        ends, purpose = fixed.ends(now, rate=rate), self._waiters.next()
        if purpose is not None and fixed.take(now, rate=rate):
            self._waiters.give(purpose, Leave(until=ends))

    def _fixed_slice(self) -> FixedSlice | None:
        """Return the slice of this process; None where more of them run than are declared."""
        processes = self._system.processes
        if self._place is None and (found := self._folder.place(processes)) is not None:
            number, lock = found
            slice_ = FixedSlice(number, processes=processes, burst=self._system.most_at_once)
            self._place = slice_, lock
        if not self._is_alone:
            self._is_alone = True
            self._metrics.budget_alone(self._name)
            does = "waits, since all fixed slices are taken" if self._place is None else "draws on its fixed slice"
            _log.warning(f"nobody leads the budget; this process {does}", system=self._name)
        return None if self._place is None else self._place[0]

    def _is_found(self) -> None:
        self._alone_since = None
        if self._is_alone:
            self._is_alone = False
            _log.info("the budget is led again", system=self._name)
