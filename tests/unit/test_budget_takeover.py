"""Leaders that are killed, stopped and woken, members that are lost: all calls together stay within the budget.

A machine is played: processes run in any order, each for a moment; the real rules of who leads, of what is granted and
of fixed slices are applied to a clock that all of them share.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from contracts.budget.fixed_slice import FixedSlice
from contracts.budget.ledger import Ledger
from contracts.budget.reign import NOBODY, REIGN_SECONDS, Reign
from contracts.budget.settings import LegacySystem
from tests.budget_bound import excess

AT = datetime(2026, 12, 1, tzinfo=UTC)
MOST_WAITING = 3


@dataclass
class Process:
    """One process: a member, and a leader where it has the lock."""

    place: int
    fixed: FixedSlice
    stopped_until: float = 0.0
    ledger: Ledger | None = None
    reign: Reign | None = None
    term: int = 0
    follows: int = 0
    waiting: int = 0
    held: list[tuple[int, int, float, int]] = field(default_factory=list[tuple[int, int, float, int]])


class Machine:
    """Processes that share a lock, what the leader proclaims, and a clock."""

    def __init__(self, seed: int, *, rate: float, burst: int, processes: int) -> None:
        self._chance = random.Random(seed)
        self._rate = rate
        self._system = LegacySystem(rate=rate, burst=burst, processes=processes)
        self._all = [Process(place, FixedSlice(place, processes=processes, burst=burst)) for place in range(processes)]
        self._now = self._chance.uniform(0, 10_000)
        self._reign = NOBODY
        self._leader: Process | None = None
        self._terms = 0
        self.calls: list[float] = []
        self.seen = Counter[str]()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self._now + seconds
        while self._now < end:
            self._now += self._chance.choice([0.001, 0.003, 0.01, 0.05] if self._rate > 1 else [0.01, 0.1, 0.5])
            process = self._chance.choice(self._all)
            if self._chance.random() < 0.004:
                self.seen["stopped"] += 1
                process.stopped_until = self._now + self._chance.uniform(0.1, 3 * REIGN_SECONDS)
            if self._chance.random() < 0.002:
                self._kill(process)
            if self._now >= process.stopped_until:
                self._lead(process)
                self._follow(process)
                self._call(process)

    def _kill(self, process: Process) -> None:
        self.seen["killed leaders" if process is self._leader else "killed"] += 1
        if self._leader is process:
            self._leader = None
        process.ledger, process.reign, process.waiting, process.follows = None, None, 0, 0
        process.held.clear()

    def _lead(self, process: Process) -> None:
        now = self._now
        if self._leader is None:
            self._leader = process
            begins = self._reign.until if self._reign.is_on(now) else now
            process.ledger, process.reign = Ledger(self._system, now=begins), None
            self._begin(process)
        if self._leader is not process or process.ledger is None:
            return
        if process.reign is not None and not process.reign.is_on(now):
            self.seen["woken leaders"] += 1
            process.ledger.restart(now)
            self._begin(process)
        if process.reign is None or process.reign.until - now < REIGN_SECONDS * 3 / 4:
            self._reign = process.reign = Reign(until=now + REIGN_SECONDS)
        process.ledger.advance(now, AT)
        until = process.reign.lease_until(now)
        for grant in process.ledger.grant(until=until):
            held = (grant.lease, grant.calls, until, process.term)
            self._all[grant.member].held.append(held)

    def _begin(self, process: Process) -> None:
        self._terms += 1
        process.term = self._terms

    def _follow(self, process: Process) -> None:
        leader = self._leader
        if leader is None or leader.ledger is None or not self._reign.is_on(self._now):
            process.follows = 0
            return
        if process.follows != leader.term:
            process.follows, process.waiting = leader.term, 0
        if process.waiting < MOST_WAITING and leader.stopped_until <= self._now:
            leader.ledger.ask("poll", process.place, 1)
            process.waiting += 1

    def _call(self, process: Process) -> None:
        now, rate = self._now, self._system.rate
        late = [held for held in process.held if self._chance.random() < 0.3]
        for lease, calls, until, term in (held for held in process.held if held not in late):
            process.waiting = max(0, process.waiting - calls)
            if now >= until:
                self.seen["leases that were over"] += 1
                continue
            self.calls += [now] * calls
            self.seen["leased"] += calls
            leader = self._leader
            is_told = leader is not None and leader.term == term and self._chance.random() < 0.8
            if leader is not None and leader.ledger is not None and is_told:
                leader.ledger.used(process.place, lease, calls)
        process.held = late
        alone = not self._reign.is_on(now) and now >= self._reign.slices_from(now, rate=rate)
        if alone and process.fixed.begins(now, rate=rate) <= now and process.fixed.take(now, rate=rate):
            self.calls.append(now)
            self.seen["by slices"] += 1


@pytest.mark.parametrize("rate", [0.5, 2, 10, 50, 200])
@pytest.mark.parametrize("burst", [1, 2, 3, 25])
def test_calls_stay_within_the_budget_whoever_leads_and_dies(rate: float, burst: int) -> None:
    seen = Counter[str]()
    for seed in range(12):
        machine = Machine(seed, rate=rate, burst=burst, processes=1 + seed % 5)
        machine.run(30 if rate > 1 else 900)
        seen += machine.seen

        assert excess(machine.calls, rate=rate, burst=burst) <= 1e-6, seed

    # Else nothing would be shown.
    assert all(seen[what] for what in ("leased", "killed leaders", "woken leaders", "stopped", "by slices"))
