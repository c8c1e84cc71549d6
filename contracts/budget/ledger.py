"""The one account of a legacy system's calls, kept by the process that leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from contracts.budget.bucket import Bucket
from contracts.budget.calendar import rate_at
from contracts.budget.pace import Answers, Cut, Pace
from contracts.budget.settings import LegacySystem
from contracts.budget.turns import Turns
from contracts.ports import Purpose

__all__ = ["Grant", "Ledger", "others"]

LIVE_SECONDS: Final = 2.0
"""Live calls are told about once a second; over so long they are levelled."""
_LEVELLED_SECONDS: Final = 10.0
"""Over how long the live rate that people see is averaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Calls that a member may make."""

    member: int
    purpose: Purpose
    lease: int
    calls: int


@final
class Ledger:
    """Grants calls to members in turn, so that all of them together stay within the budget.

    Args:
        system: How often it may be called.
        now: When the first call may be granted, or later.
        share: The share of the rate to begin with, as an earlier leader left it.
    """

    def __init__(self, system: LegacySystem, *, now: float, share: float = 1.0) -> None:
        self._system = system
        self._bucket, self._turns = _empty(system, now)
        self._lent: dict[int, int] = {}
        self._pace = Pace(system.adaptation, now=now, share=share)
        self._free = self._most_free = max(1.0, LIVE_SECONDS * system.reserve) if system.reserve else 0.0
        self._since = now
        self._calendar = system.rate
        self._live = 0.0
        self.granted = 0
        """Calls that were granted, ever."""

    @property
    def calendar_rate(self) -> float:
        """Return the calls per second of this time of the week."""
        return self._calendar

    @property
    def rate(self) -> float:
        """Return the calls per second that all but live traffic have now, when there is none of that."""
        return others(self._system, self._calendar, self._pace.share)

    @property
    def share(self) -> float:
        """Return the share of the rate that was not cut."""
        return self._pace.share

    @property
    def last_cut(self) -> Cut | None:
        """Return the last cut of the rate."""
        return self._pace.last_cut

    @property
    def there(self) -> float:
        """Return how many calls could be granted at once; fewer than none where live traffic took them."""
        return self._bucket.there

    @property
    def live_rate(self) -> float:
        """Return the live calls per second of late."""
        return self._live / _LEVELLED_SECONDS

    def ask(self, purpose: Purpose, member: int, calls: int) -> None:
        """Let a member wait for calls."""
        self._turns.add(purpose, member, calls)

    def drop(self, purpose: Purpose, member: int, calls: int) -> None:
        """Let a member wait for fewer calls."""
        self._turns.remove(purpose, member, calls)

    def left(self, member: int) -> None:
        """Forget a member; what it was granted counts until that is over, since it may still make those calls."""
        self._turns.forget(member)

    def used(self, member: int, lease: int, calls: int) -> None:
        """Take that a member has made calls that it was granted."""
        if self._lent.get(lease) == member:
            self._bucket.used(lease, calls)
            self._tidy(lease)

    def returned(self, member: int, lease: int, calls: int) -> None:
        """Take that a member will not make calls that it was granted."""
        if self._lent.get(lease) == member:
            self._bucket.returned(lease, calls)
            self._tidy(lease)

    def restart(self, now: float) -> None:
        """Begin anew, with nobody and nothing there: for a while this was not in force."""
        self._bucket, self._turns = _empty(self._system, now)
        self._lent.clear()

    def counted(self, calls: int) -> None:
        """Take that live calls were made: they use what is kept free for them, and then what others would get."""
        free = min(self._free, calls)
        self._free -= free
        self._bucket.drained(calls - free)
        self._live += calls

    def answered(self, answers: Answers, now: float) -> Cut | None:
        """Take how calls ended; returns the cut of the rate that this led to."""
        return self._pace.answered(answers, now)

    def waiting(self) -> Mapping[Purpose, int]:
        """Return how many calls are waited for, by purpose."""
        return self._turns.waiting()

    def waits_for(self, member: int) -> int:
        """Return how many calls a member waits for."""
        return self._turns.of(member)

    def leased(self, member: int) -> int:
        """Return how many calls a member was granted and may still make."""
        return sum(self._bucket.lent(lease) for lease, holder in self._lent.items() if holder == member)

    def advance(self, now: float, at: datetime) -> set[int]:
        """Take that time has passed; returns the members that did not answer for what they were granted.

        Args:
            now: The monotonic clock.
            at: What the wall clock shows, with a zone.
        """
        overdue = self._bucket.advance(now, rate=self.rate, most=self._most())
        self._pace.advance(now)
        self._calendar = rate_at(self._system, at)
        passed = max(0.0, now - self._since)
        self._since = max(now, self._since)
        self._free = min(self._most_free, self._free + self._system.reserve * passed)
        self._live *= max(0.0, 1 - passed / _LEVELLED_SECONDS)
        return {self._lent.pop(lease) for lease in overdue}

    def grant(self, *, until: float) -> list[Grant]:
        """Grant what is there to those whose turn it is; they may use it until then."""
        granted: dict[tuple[Purpose, int], int] = {}
        lendable = int(self._bucket.there) if self.rate > 0 else 0
        for _ in range(lendable):
            turn = self._turns.take()
            if turn is None:
                break
            granted[turn] = granted.get(turn, 0) + 1
        self.granted += sum(granted.values())
        return [self._lend(purpose, member, calls, until=until) for (purpose, member), calls in granted.items()]

    def wait(self) -> float | None:
        """Return in how many seconds something may be granted; None while nobody waits, or nobody may call."""
        return self._bucket.wait(rate=self.rate) if self._turns and self.rate > 0 else None

    def _lend(self, purpose: Purpose, member: int, calls: int, *, until: float) -> Grant:
        lease = self._bucket.lend(calls, until=until)
        self._lent[lease] = member
        return Grant(member=member, purpose=purpose, lease=lease, calls=calls)

    def _tidy(self, lease: int) -> None:
        if not self._bucket.lent(lease):
            del self._lent[lease]

    def _most(self) -> float:
        """Return how many calls may be made at once: fewer where the rate is lower, so that a cut is one at once."""
        return max(1.0, self._system.most_at_once * min(1.0, self.rate / self._system.rate))


def _empty(system: LegacySystem, now: float) -> tuple[Bucket, Turns]:
    burst = system.most_at_once
    most = max([system.rate, *(window.rate for window in system.windows)])
    bucket = Bucket(burst, debt=max(burst, LIVE_SECONDS * most), now=now)
    return bucket, Turns(system.priorities.weights)


def others(system: LegacySystem, calendar_rate: float, share: float) -> float:
    """Return the calls per second of all but live traffic, of which there is none: what is kept free, and cut."""
    return max(0.0, calendar_rate - system.reserve) * share
