"""Members of a budget in this process; they meet at a real lock and a real socket, as processes do."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.budget.settings import LegacySystem
from contracts.ports import Purpose
from hub.budget.asking import ask
from hub.budget.clock import Clock
from hub.budget.folder import Folder
from hub.budget.member import Member
from hub.budget.report import BudgetReport

__all__ = ["drawing", "joined", "told", "until"]


@asynccontextmanager
async def joined(
    path: Path, system: LegacySystem, *, process: str = "test", clock: Clock | None = None
) -> AsyncGenerator[Member]:
    """Run a member until the block ends."""
    member = Member("crm", system, Folder(path).made(), process=process, clock=clock)
    running = asyncio.get_running_loop().create_task(member.run())
    try:
        yield member
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def drawing(member: Member, purpose: Purpose, *, callers: int = 3) -> AsyncGenerator[list[float]]:
    """Draw again and again until the block ends; gives the moments of the draws."""
    moments = list[float]()

    async def draw() -> None:
        while True:
            await member.draw(purpose)
            moments.append(time.monotonic())

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(draw()) for _ in range(callers)]
    try:
        yield moments
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def told(path: Path) -> BudgetReport:
    """Return what the leader tells, as soon as there is one."""
    async with asyncio.timeout(10):
        while (report := await ask(Folder(path))) is None:
            await asyncio.sleep(0.02)
        return report


async def until(condition: Callable[[], bool], *, seconds: float = 10) -> float:
    """Wait until something is so, and return how many seconds that took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
    return time.monotonic() - began
