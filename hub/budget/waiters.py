"""The draws of one process that wait for calls."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from contracts.budget.turns import Turns
from contracts.ports import Purpose

__all__ = ["Leave", "Waiters"]

_ME = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """One call may be made."""

    until: float
    """Before this moment of the monotonic clock."""
    lease: int = 0
    """Its lease; 0 where nobody has to hear what becomes of it."""
    term: int = 0
    """The connection by which it came: another leader knows nothing of the lease."""


@final
class Waiters:
    """Those that wait, the first of a purpose first."""

    def __init__(self, weights: Mapping[Purpose, float]) -> None:
        self._waiting: dict[Purpose, deque[asyncio.Future[Leave]]] = {purpose: deque() for purpose in weights}
        self._turns = Turns(weights)
        self.wanted = asyncio.Event()
        """Set when one more waits."""

    def add(self, purpose: Purpose) -> asyncio.Future[Leave]:
        """Wait for a call."""
        waiter: asyncio.Future[Leave] = asyncio.get_running_loop().create_future()
        self._waiting[purpose].append(waiter)
        self.wanted.set()
        return waiter

    def __bool__(self) -> bool:
        """Tell whether any waits."""
        return any(self.count(purpose) for purpose in self._waiting)

    def count(self, purpose: Purpose) -> int:
        """Return how many wait."""
        self._forget(purpose)
        return len(self._waiting[purpose])

    def give(self, purpose: Purpose, leave: Leave) -> bool:
        """Let the first go; returns False where none waits."""
        self._forget(purpose)
        if not self._waiting[purpose]:
            return False
        self._waiting[purpose].popleft().set_result(leave)
        return True

    def next(self) -> Purpose | None:
        """Return whose turn it is, where this process alone decides; None while none waits."""
        self._turns.forget(_ME)
        for purpose in self._waiting:
            if count := self.count(purpose):
                self._turns.add(purpose, _ME, count)
        turn = self._turns.take()
        return None if turn is None else turn[0]

    def _forget(self, purpose: Purpose) -> None:
        """Drop those that were cancelled."""
        waiting = self._waiting[purpose]
        if any(waiter.done() for waiter in waiting):
            self._waiting[purpose] = deque(waiter for waiter in waiting if not waiter.done())
