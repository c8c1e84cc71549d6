"""A token bucket whose tokens are lent: what is out and may still be used counts as if it were there."""

from dataclasses import dataclass
from typing import final

__all__ = ["Bucket"]


@dataclass(slots=True)
class _Lease:
    until: float
    calls: int


@final
class Bucket:
    """Lends calls until a moment each, so that those that are made in any time are at most rate x time + burst.

    That holds since what is there and what is out are together never more than the burst: a lease that nobody
    answers for was perhaps used at its last moment. It begins empty, as if the burst had just been spent.

    Args:
        burst: Most calls at once.
        debt: How far live calls, which are not lent, may bring it below nothing.
        now: When it begins, which may be later than the first question.
    """

    __slots__ = ("_burst", "_debt", "_drained", "_leases", "_next", "_since", "_used", "out", "there")

    def __init__(self, burst: float, *, debt: float, now: float) -> None:
        self._burst, self._debt, self._since = burst, debt, now
        self._leases: dict[int, _Lease] = {}
        self._next = self._used = 0
        self._drained = 0.0
        self.there = 0.0
        """Calls that may be lent; fewer than none where live calls took them."""
        self.out = 0
        """Calls that are lent, and may still be made."""

    def advance(self, now: float, *, rate: float, most: float) -> list[int]:
        """Fill it up at this rate since the last time, up to `most`; returns the leases that ended unanswered."""
        if now <= self._since:
            return []
        room = max(0.0, min(most, self._burst) - self.out - self.there)
        self.there += min(rate * (now - self._since), room)
        self._since = now
        # Only now: what was used or drained a moment ago made no room for the time before.
        self.out -= self._used
        self.there = max(self.there - self._drained, min(self.there, -self._debt))
        self._used, self._drained = 0, 0.0
        overdue = [lease for lease, lent in self._leases.items() if lent.until <= now]
        self.out -= sum(self._leases.pop(lease).calls for lease in overdue)
        return overdue

    def lend(self, calls: int, *, until: float) -> int:
        """Lend calls that are there; returns the number of the lease."""
        self._next += 1
        self._leases[self._next] = _Lease(until, calls)
        self.there -= calls
        self.out += calls
        return self._next

    def used(self, lease: int, calls: int) -> None:
        """Take that calls were made; a lease that is over was counted so already."""
        self._used += self._end(lease, calls)

    def returned(self, lease: int, calls: int) -> None:
        """Take back calls that will not be made; of a lease that is over, nobody knows any more."""
        ended = self._end(lease, calls)
        self.there += ended
        self.out -= ended

    def drained(self, calls: float) -> None:
        """Take live calls away; they were made whether anything was there or not."""
        self._drained += calls

    def lent(self, lease: int) -> int:
        """Return how many calls of a lease may still be made."""
        lent = self._leases.get(lease)
        return 0 if lent is None else lent.calls

    def wait(self, *, rate: float) -> float | None:
        """Return in how many seconds a call is there; None where that is not known before a lease ends."""
        if self.there >= 1:
            return 0.0
        return (1 - self.there) / rate if rate > 0 else None

    def _end(self, lease: int, calls: int) -> int:
        lent = self._leases.get(lease)
        if lent is None:
            return 0
        ended = min(max(calls, 0), lent.calls)
        lent.calls -= ended
        if not lent.calls:
            del self._leases[lease]
        return ended
