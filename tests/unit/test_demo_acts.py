"""The demo ends when it is asked to, even where a library has swallowed that."""

import asyncio
import io
from contextlib import suppress
from typing import Any

import pytest
from rich.console import Console

from hub.demo.acts import Acts, bars, until


async def interrupted() -> None:
    """Be cancelled, as by Ctrl-C, and lose it, as Kafka's client does when it closes."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)


async def begun() -> None:
    stage: Any = None
    Acts(stage, bars(Console(file=io.StringIO()))).begin("1  poll the registry")


async def waited() -> None:
    await until(lambda: True)


@pytest.mark.parametrize("step", [begun, waited])
async def test_a_ctrl_c_that_a_library_swallowed_ends_the_demo_at_the_next_step(step: Any) -> None:
    await step()

    async def swallowed() -> None:
        await interrupted()
        await step()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(swallowed())
