"""A budget that keeps what was drawn from it and what it was told."""

import asyncio
from datetime import timedelta

from contracts.ports import Purpose

__all__ = ["Draws"]


class Draws:
    """Lets all through, after a wait of its own."""

    def __init__(self, *, wait: float = 0) -> None:
        self._wait = wait
        self.drawn: list[Purpose] = []
        self.live = 0
        self.answers: list[tuple[timedelta, bool]] = []

    async def draw(self, purpose: Purpose) -> None:
        self.drawn.append(purpose)
        await asyncio.sleep(self._wait)

    def counted(self, calls: int = 1) -> None:
        self.live += calls

    def answered(self, took: timedelta, *, failed: bool = False) -> None:
        self.answers.append((took, failed))

    @property
    def failed(self) -> list[bool]:
        """Tell of each answer whether it was none."""
        return [failed for _, failed in self.answers]
