"""The process that leads the budget of a legacy system: it grants calls to those that ask, itself included."""

import asyncio
import os
import socket
from contextlib import closing, suppress
from datetime import timedelta
from typing import Final, final

import structlog

from contracts.budget.calendar import next_change, window_at
from contracts.budget.ledger import Grant, Ledger
from contracts.budget.pace import Answers
from contracts.budget.reign import REIGN_SECONDS, Reign
from contracts.budget.settings import LegacySystem
from hub.budget.clock import Clock
from hub.budget.connection import Connection
from hub.budget.folder import Folder, Lock
from hub.budget.messages import Asked, Granted, Told
from hub.budget.report import BudgetReport, MemberReport
from observability.metrics import Metrics

__all__ = ["MOST_CONNECTIONS", "Lead"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

MOST_CONNECTIONS: Final = 512
"""Connections beyond these are closed at once."""
_PROLONG_SECONDS: Final = REIGN_SECONDS / 4
_SHORTEST_SECONDS: Final = 0.001


@final
class Lead:
    """Leads while it runs, and while the lock is its own.

    Args:
        name: Of the system.
        system: How often it may be called.
        folder: Where the others ask.
        lock: That of the one who leads.
        clock: What time it is.
    """

    def __init__(self, name: str, system: LegacySystem, folder: Folder, *, lock: Lock, clock: Clock) -> None:
        self._name, self._system, self._folder, self._lock, self._clock = name, system, folder, lock, clock
        before, now = folder.reign(), clock.seconds()
        # What another leader granted may be used until its reign ends.
        begins = before.until if before.is_on(now) else now
        self._ledger = Ledger(system, now=begins, share=before.share)
        self._reign = Reign(until=now, share=before.share)
        self._connections: dict[int, Connection] = {}
        self._count = 0
        self._over = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._window = window_at(system, clock.at())
        self._is_cut = self._ledger.share < 1
        self._metrics = Metrics()

    async def run(self) -> None:
        """Lead until the lock or the socket is no longer its own, or until cancelled."""
        loop = asyncio.get_running_loop()
        with closing(_bound(self._folder)) as bound:
            ours = self._folder.socket.stat()
            self._prolong()
            server = await loop.create_unix_server(lambda: Connection(self), sock=bound)
            _log.info("leads the budget", system=self._name, rate=self._ledger.rate)
            try:
                while self._is_there(ours) and not self._over.is_set():
                    self._advance()
                    self._prolong()
                    self._serve()
                    self._look()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._over.wait(), _PROLONG_SECONDS)
            finally:
                server.close()
                self._drop_all()
                self._resign()

    def admitted(self, connection: Connection) -> int | None:
        """Take a connection; returns its number, or None where there are too many."""
        if len(self._connections) >= MOST_CONNECTIONS:
            return None
        self._count += 1
        self._connections[self._count] = connection
        return self._count

    def heard(self, connection: Connection, asked: Asked) -> None:
        """Do what a process asks."""
        self._advance()
        if self._connections.get(connection.number) is not connection:
            return  # held up, this has begun anew
        if asked.hello is not None and connection.came(asked.hello, self._system.fingerprint):
            _log.warning(
                "other settings of the system there; those of the leader count, until it is started again",
                system=self._name,
                process=asked.hello.name,
                pid=asked.hello.pid,
            )
        self._account(connection.number, asked)
        connection.live += asked.live
        if asked.show:
            connection.tell(Told(report=self._report()))
        self._serve()

    def ended(self, connection: Connection) -> None:
        """Forget a connection."""
        if self._connections.get(connection.number) is connection:
            del self._connections[connection.number]
            self._ledger.left(connection.number)

    def _account(self, member: int, asked: Asked) -> None:
        ledger = self._ledger
        for purpose, calls in asked.ask.items():
            ledger.ask(purpose, member, calls)
        for purpose, calls in asked.drop.items():
            ledger.drop(purpose, member, calls)
        if asked.used is not None:
            ledger.used(member, asked.used.number, asked.used.calls)
        if asked.returned is not None:
            ledger.returned(member, asked.returned.number, asked.returned.calls)
        if asked.live:
            ledger.counted(asked.live)
        if asked.ended is not None:
            self._judge(Answers(calls=asked.ended.calls, slow=asked.ended.slow, failed=asked.ended.failed))

    def _judge(self, answers: Answers) -> None:
        cut = self._ledger.answered(answers, self._clock.seconds())
        if cut is not None:
            self._is_cut = True
            self._metrics.budget_cut(self._name)
            _log.warning("budget cut", system=self._name, reason=cut.why, rate=round(self._ledger.rate, 3))

    def _advance(self) -> None:
        """Let time pass; was this process held up so long that others took its end for granted, it begins anew."""
        now = self._clock.seconds()
        if not self._reign.is_on(now):
            _log.warning("the leader of the budget was held up, and begins anew", system=self._name)
            self._drop_all()
            self._ledger.restart(now)
            self._prolong()
        for member in self._ledger.advance(now, self._clock.at()):
            if (silent := self._connections.get(member)) is not None:
                silent.close()  # it may be stopped: what it is granted would be lost for the others
                self.ended(silent)

    def _prolong(self) -> None:
        """Say that this leads for some more seconds; what can't be said is not so."""
        if not self._lock.is_ours():
            _log.warning("the lock of the budget was removed; who has the new one leads", system=self._name)
            self._over.set()
            return
        reign = Reign(until=self._clock.seconds() + REIGN_SECONDS, share=self._ledger.share)
        try:
            self._folder.proclaim(reign)
        except OSError as error:
            _log.error("the budget can't be led", system=self._name, reason=error.strerror)
            self._over.set()
            return
        self._reign = reign

    def _resign(self) -> None:
        """Let the next one begin when what was granted is over."""
        now = self._clock.seconds()
        if self._reign.is_on(now) and self._lock.is_ours():
            with suppress(OSError):
                self._folder.proclaim(Reign(until=self._reign.lease_until(now), share=self._ledger.share))

    def _serve(self) -> None:
        """Grant what is there, and come back when there is more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock.seconds()
        if not self._reign.is_on(now):
            return
        until = self._reign.lease_until(now)
        for grant in self._ledger.grant(until=until):
            self._tell(grant, until)
        wait = self._ledger.wait()
        if wait is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(wait, _SHORTEST_SECONDS), self._serve_later)

    def _serve_later(self) -> None:
        self._timer = None
        if not self._over.is_set():
            self._advance()
            self._serve()

    def _tell(self, grant: Grant, until: float) -> None:
        connection = self._connections[grant.member]
        connection.granted += grant.calls
        connection.tell(Told(granted=Granted(purpose=grant.purpose, lease=grant.lease, calls=grant.calls, until=until)))

    def _look(self) -> None:
        """Tell what has changed by itself."""
        ledger, window = self._ledger, window_at(self._system, self._clock.at())
        self._metrics.budget_rate(self._name, ledger.rate)
        if window is not self._window:
            self._window = window
            name = "none" if window is None else window.name
            _log.info("budget window", system=self._name, window=name, rate=round(ledger.rate, 3))
        if self._is_cut and ledger.share >= 1:
            self._is_cut = False
            _log.info("budget recovered", system=self._name, rate=round(ledger.rate, 3))

    def _drop_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self._connections.values()):
            connection.close()
        self._connections.clear()

    def _is_there(self, ours: os.stat_result) -> bool:
        try:
            return os.path.samestat(ours, self._folder.socket.stat())
        except OSError:
            return False

    def _report(self) -> BudgetReport:
        ledger, at = self._ledger, self._clock.at()
        cut, window = ledger.last_cut, window_at(self._system, at)
        return BudgetReport(
            system=self._name,
            leader=os.getpid(),
            rate=ledger.rate,
            calendar_rate=ledger.calendar_rate,
            share=ledger.share,
            window=None if window is None else window.name,
            changes=next_change(self._system, at),
            burst=self._system.most_at_once,
            there=ledger.there,
            live_rate=ledger.live_rate,
            granted=ledger.granted,
            waiting=ledger.waiting(),
            last_cut=None if cut is None else at - timedelta(seconds=self._clock.seconds() - cut.at),
            why=None if cut is None else cut.why,
            members=tuple(self._members()),
        )

    def _members(self) -> list[MemberReport]:
        return [
            MemberReport(
                name=each.name,
                pid=each.pid,
                leased=self._ledger.leased(number),
                waiting=self._ledger.waits_for(number),
                granted=each.granted,
                live=each.live,
                other_settings=each.differs,
            )
            for number, each in self._connections.items()
            if each.name
        ]


def _bound(folder: Folder) -> socket.socket:
    """Return a socket at the folder's path, in place of what a leader before has left there."""
    folder.socket.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(os.fspath(folder.socket))
        folder.socket.chmod(0o600)
        bound.setblocking(False)  # noqa: FBT003 - its only argument
    except OSError:
        bound.close()
        raise
    return bound
