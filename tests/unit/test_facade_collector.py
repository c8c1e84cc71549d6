"""The collector of a worker: what would otherwise pile up for hours goes, and rules are left alone."""

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from routers.facade.process.collector import collect_for_ever, settle
from tests.sources import eventually


class Circle:
    """What only the collector finds."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Let it act when it is told only, and leave it as it was."""
    thresholds = gc.get_threshold()
    gc.disable()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()


@asynccontextmanager
async def collecting(version: Callable[[], int]) -> AsyncGenerator[None]:
    task = asyncio.create_task(collect_for_ever(version, every=0.001))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_circle_goes_by_the_clock_however_few_there_are() -> None:
    settle()
    frozen = gc.get_freeze_count()
    async with collecting(lambda: 1):
        left = weakref.ref(Circle())

        await eventually(lambda: left() is None)
    assert gc.get_freeze_count() <= frozen


async def test_what_a_new_ruleset_brought_is_walked_through_once() -> None:
    versions = [1]
    settle()
    async with collecting(lambda: versions[-1]):
        rules = [[each] for each in range(10_000)]
        await asyncio.sleep(0.01)
        before = gc.get_freeze_count()

        versions.append(2)

        await eventually(lambda: gc.get_freeze_count() >= before + len(rules))
