"""The fixed part of a budget that a process has while nobody leads."""

from math import floor
from typing import final

__all__ = ["FixedSlice"]


@final
class FixedSlice:
    """Gives one process of several its turns: time is cut into as many as calls may be made, and each is somebody's.

    So all of them together make at most rate x time + burst calls in any time, without a word to each other; turns
    that a process does not use are lost. Where no two calls may be made at once, turns are twice as long, and only
    their first halves are used.

    Args:
        place: Which of the processes this is, from 0.
        processes: How many there are at most.
        burst: Most calls at once.
    """

    def __init__(self, place: int, *, processes: int, burst: int) -> None:
        self.place, self._processes = place, processes
        self._width = 1.0 if burst > 1 else 2.0
        self._used = -1
        self._used_at = self._used_rate = 0.0

    def begins(self, now: float, *, rate: float) -> float:
        """Return when the next turn begins, which may be under way; `rate` is that of all, and not 0."""
        turn, length = self._turn(now, rate), self._width / rate
        return max(now, turn * length)

    def ends(self, now: float, *, rate: float) -> float:
        """Return when that turn may no longer be used."""
        return (self._turn(now, rate) + 1 / self._width) * self._width / rate

    def take(self, now: float, *, rate: float) -> bool:
        """Use the turn that is under way; returns False where there is none."""
        turn, length = self._turn(now, rate), self._width / rate
        if turn * length > now:
            return False
        self._used, self._used_at, self._used_rate = turn, now, rate
        return True

    def _turn(self, now: float, rate: float) -> int:
        """Return the number of the first turn of this process that was not used, and may still be."""
        length = self._width / rate
        if rate != self._used_rate and self._used >= 0:  # turns have other numbers now
            now = max(now, self._used_at + self._processes * length)
        turn = floor(now / length)
        if self._width > 1 and now - turn * length >= length / 2:
            turn += 1
        turn += (self.place - turn) % self._processes
        is_used = rate == self._used_rate and turn <= self._used
        return self._used + self._processes if is_used else turn
