"""Processes that share a budget, and a target that counts: leaders are killed and stopped, and none calls too often."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import yaml

from tests.budget_bound import excess
from tests.budget_world import told, until

RATE, BURST = 30, 10
CALM = 8.0
"""Seconds within which calls go on, whatever happened."""
ROOT = Path(__file__).parents[2]


class Target:
    """Counts calls by process."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, int]] = []
        self.port = 0

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[None]:
        """Serve until the block ends."""
        server = await asyncio.start_server(self._count, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    def since(self, moment: float, pid: int | None = None) -> int:
        """Return how many calls there were since then, of one process or all."""
        return sum(at >= moment and pid in {None, of} for at, of in self.calls)

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at = time.monotonic()
        if line := await reader.readline():
            self.calls.append((at, int(line)))
        writer.close()


@asynccontextmanager
async def caller(settings: Path, port: int) -> AsyncGenerator[int]:
    """Run a process that calls as often as it may; gives its number."""
    command = (sys.executable, "-m", "tests.budget_caller", str(settings), "crm", str(port))
    with (settings.parent / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings of three processes, and what is declared of the system that they call."""
    system = {"rate": RATE, "burst": BURST, "processes": 3}
    file = tmp_path / "banyan.yaml"
    file.write_text(yaml.safe_dump({"data": str(tmp_path / "data"), "systems": {"crm": system}}))
    return file


async def test_killed_and_stopped_leaders_neither_let_more_through_nor_end_it(settings: Path) -> None:
    folder, target = settings.parent / "data" / "budget" / "crm", Target()
    async with target.serve(), AsyncExitStack() as stack:
        pids = {await stack.enter_async_context(caller(settings, target.port)) for _ in range(3)}
        await until(lambda: all(target.since(0, pid) >= 10 for pid in pids), seconds=20)

        killed = (await told(folder)).leader
        os.kill(killed, signal.SIGKILL)
        await asyncio.sleep(0.1)
        at, left = time.monotonic(), pids - {killed}
        await until(lambda: all(target.since(at, pid) >= 10 for pid in left), seconds=CALM)

        stopped = (await told(folder)).leader
        assert stopped in left
        [other] = left - {stopped}
        os.kill(stopped, signal.SIGSTOP)
        await asyncio.sleep(3.5)
        at = time.monotonic()
        await asyncio.sleep(2)
        alone = target.since(at)
        assert target.since(at, other) == alone
        assert RATE / 3 * 2 * 0.5 <= alone <= RATE / 3 * 2 + 1

        os.kill(stopped, signal.SIGCONT)
        at = time.monotonic()
        await until(lambda: all(target.since(at, pid) >= 20 for pid in left), seconds=CALM)
        assert (await told(folder)).leader == stopped

    assert excess([at for at, _ in target.calls], rate=RATE, burst=BURST) <= 0


async def test_who_comes_later_shares_at_once(settings: Path) -> None:
    target = Target()
    async with target.serve(), caller(settings, target.port) as first:
        await until(lambda: target.since(0, first) >= 10, seconds=20)
        async with caller(settings, target.port) as second:
            await until(lambda: target.since(0, second) >= 5, seconds=20)
            at = time.monotonic()
            await asyncio.sleep(2)
            shares = [target.since(at, pid) for pid in (first, second)]

    assert min(shares) >= sum(shares) * 0.4
    assert sum(shares) <= RATE * 2 + BURST
