"""Counts the calls to backends that are legacy systems, for their budgets; no call waits for it, or knows of it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, final

from contracts.ports import Budget
from routers.facade.process.report import WorkerReport
from routers.facade.settings import Backend

__all__ = ["COUNT_SECONDS", "LiveCalls"]

COUNT_SECONDS: Final = 1.0


@final
class LiveCalls:
    """What workers tell of their backends, as calls by system since it was last asked for."""

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        self._systems = {name: backend.system for name, backend in backends.items() if backend.system is not None}
        self._before = Counter[tuple[int, str]]()

    def take(self, workers: Iterable[WorkerReport]) -> Mapping[str, int]:
        """Return the calls by system; those that a worker makes in its last moment before it is killed are lost."""
        told = Counter(
            {
                (worker.pid, backend.name): backend.calls
                for worker in workers
                for backend in worker.backends
                if backend.name in self._systems
            }
        )
        calls = Counter[str]()
        for (pid, name), count in told.items():
            calls[self._systems[name]] += max(0, count - self._before[pid, name])
        self._before = told
        return +calls

    async def count(self, workers: Callable[[], Iterable[WorkerReport]], budgets: Mapping[str, Budget]) -> None:
        """Tell the budgets again and again, until cancelled."""
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            for system, calls in self.take(workers()).items():
                if (budget := budgets.get(system)) is not None:
                    budget.counted(calls)
