"""`banyan run` in a process of its own, and what it has published."""

import asyncio
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import ConfigError
from events.connection import Connection
from events.envelope import Envelope, decode
from events.log import committed
from tests.command_line import BANYAN

__all__ = ["hub", "published", "until"]


@contextmanager
def hub(settings: Path, *, end: signal.Signals) -> Generator[None, None, None]:
    """Run `banyan run` for the block, and end it by a signal."""
    process = subprocess.Popen(
        [str(BANYAN), "-c", str(settings), "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield
    finally:
        process.send_signal(end)
        _, complaints = process.communicate(timeout=30)
    assert process.returncode == (0 if end is signal.SIGTERM else -end), complaints.decode()


async def published(kafka: Connection, topic: str) -> list[Envelope]:
    """Return all events of a topic."""
    try:
        return [decode(record.headers, record.value) async for record in committed(kafka, topic)]
    except ConfigError:  # the hub has not made the topic yet
        return []


async def until(kafka: Connection, topic: str, events: int, *, seconds: float = 60) -> list[Envelope]:
    """Wait for so many events."""
    async with asyncio.timeout(seconds):
        while len(found := await published(kafka, topic)) < events:
            await asyncio.sleep(0.1)
    return found
