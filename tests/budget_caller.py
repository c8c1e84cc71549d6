"""Calls a target as often as a budget allows: `python -m tests.budget_caller SETTINGS SYSTEM PORT`.

Each call is a connection with the number of the process; three of them are made side by side.
"""

import asyncio
import os
import sys
from pathlib import Path

from contracts.ports import Budget
from hub.budget.budgets import Budgets
from hub.settings import load

CALLERS = 3


async def call(budget: Budget, port: int) -> None:
    """Call again and again."""
    while True:
        await budget.draw("poll")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"%d\n" % os.getpid())
        writer.close()


async def main(settings: str, system: str, port: str) -> None:
    """Call until killed."""
    budgets = Budgets(load(Path(settings), environ={}), process="caller")
    budget = budgets.of(system, named_by="the test")
    async with budgets.running(), asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(call(budget, int(port)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
