"""Whose turn it is: purposes by their weights, and members in turn."""

from collections.abc import Mapping
from typing import final

from contracts.ports import Purpose

__all__ = ["Turns"]


@final
class Turns:
    """Those that wait for calls, each a member with a purpose.

    While several purposes wait, each gets calls in proportion to its weight; one with 0 gets some only while no other
    waits. Within a purpose, members take turns, however many calls each waits for.
    """

    def __init__(self, weights: Mapping[Purpose, float]) -> None:
        self._weights = weights
        self._waiting: dict[Purpose, dict[int, int]] = {purpose: {} for purpose in weights}
        self._due = dict.fromkeys(weights, 0.0)
        self._served = 0.0

    def add(self, purpose: Purpose, member: int, calls: int = 1) -> None:
        """Let a member wait for more calls."""
        waiting = self._waiting[purpose]
        if not waiting:  # who comes back has no claim on what was given meanwhile
            self._due[purpose] = max(self._due[purpose], self._served)
        waiting[member] = waiting.get(member, 0) + calls

    def remove(self, purpose: Purpose, member: int, calls: int = 1) -> None:
        """Let a member wait for fewer."""
        waiting = self._waiting[purpose]
        left = waiting.get(member, 0) - calls
        if left > 0:
            waiting[member] = left
        else:
            waiting.pop(member, None)

    def forget(self, member: int) -> None:
        """Let a member wait no more."""
        for waiting in self._waiting.values():
            waiting.pop(member, None)

    def take(self) -> tuple[Purpose, int] | None:
        """Return whose turn it is, with one call less to wait for; None while nobody waits."""
        purpose = self._first()
        if purpose is None:
            return None
        waiting = self._waiting[purpose]
        member = next(iter(waiting))
        left = waiting.pop(member) - 1
        if left > 0:
            waiting[member] = left
        if weight := self._weights[purpose]:
            self._served = self._due[purpose]
            self._due[purpose] += 1 / weight
        return purpose, member

    def waiting(self) -> dict[Purpose, int]:
        """Return how many calls are waited for, by purpose."""
        return {purpose: sum(waiting.values()) for purpose, waiting in self._waiting.items()}

    def of(self, member: int) -> int:
        """Return how many calls a member waits for."""
        return sum(waiting.get(member, 0) for waiting in self._waiting.values())

    def __bool__(self) -> bool:
        """Tell whether anybody waits."""
        return any(self._waiting.values())

    def _first(self) -> Purpose | None:
        there: list[Purpose] = [purpose for purpose, waiting in self._waiting.items() if waiting]
        weighted: list[Purpose] = [purpose for purpose in there if self._weights[purpose]]
        if weighted:
            return min(weighted, key=lambda purpose: self._due[purpose])
        return there[0] if there else None
