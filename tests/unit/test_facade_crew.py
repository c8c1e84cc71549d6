import asyncio
import errno
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from routers.facade.process.crew import Crew
from routers.facade.process.messages import Start
from routers.facade.settings import FacadeSettings
from tests.sources import eventually

SETTINGS = FacadeSettings.model_validate(
    {
        "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "old"}},
        "backends": {"old": {"url": "http://127.0.0.1:9"}},
    }
)
SILENT = (sys.executable, "-c", "import time; time.sleep(60)")
"""A worker that says and does nothing."""


@asynccontextmanager
async def crew(size: int, start: Callable[[str], Start], command: Sequence[str]) -> AsyncGenerator[Crew]:
    """Run a crew until the block ends; an error that ends it earlier is raised."""
    made = Crew(size, start=start, command=command, environ=None, hears=lambda _, __, ___: None, ended=lambda _: None)
    running = asyncio.create_task(made.run())
    try:
        yield made
        assert not running.done()
    finally:
        made.kill()
        async with asyncio.timeout(10):
            await running


def told(folder: Path, name: str) -> Start:
    return Start(name=name, settings=SETTINGS, sockets={}, data=folder, ruleset=folder / "ruleset")


async def test_a_worker_that_can_not_be_prepared_takes_no_other_with_it(tmp_path: Path) -> None:
    """A full disk ends no worker that serves; the one that is missing is tried again."""
    tried: list[str] = []

    def start(name: str) -> Start:
        tried.append(name)
        if name.startswith("1-"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return told(tmp_path, name)

    async with crew(2, start, SILENT) as made:
        await eventually(lambda: made.reports()[0].pid > 0 and made.reports()[1].restarts >= 2, seconds=10)
        first, second = made.reports()

    assert (first.state, first.restarts, second.state) == ("starting", 0, "gone")
    assert [name[:2] for name in tried].count("0-") == 1


async def test_a_worker_that_can_not_be_started_is_tried_again(tmp_path: Path) -> None:
    async with crew(1, lambda name: told(tmp_path, name), [str(tmp_path / "absent")]) as made:
        await eventually(lambda: made.reports()[0].restarts >= 2, seconds=10)

        assert made.reports()[0].state == "gone"
