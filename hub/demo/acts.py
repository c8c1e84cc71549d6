"""The steps of the demo that are shown with a bar."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from events.pipeline import Pipeline
from events.publisher import Published
from hub.demo.stage import Stage
from hub.discovery import discover

__all__ = ["Acts", "bars", "until"]

_CHUNK_RECORDS = 250


def bars(console: Console) -> Progress:
    """Return what shows the bars, at most 80 columns wide."""
    columns = (TextColumn("  {task.description:<48}"), BarColumn(10), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _end_if_asked() -> None:
    """End what was asked to end: Kafka's client may swallow a cancellation, hence a Ctrl-C, that comes as it closes.

    Raises:
        CancelledError: It was.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def until(condition: Callable[[], object], *, seconds: float = 30) -> bool:
    """Wait until something is so, or the time is up; what is counted afterwards tells what is missing."""
    _end_if_asked()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - what other processes do gives no event
                await asyncio.sleep(0.05)
            return True
    return False


@dataclass(frozen=True, slots=True)
class Acts:
    """Runs steps of the story, each with a bar."""

    stage: Stage
    bars: Progress

    def begin(self, label: str, *, total: int | None = None) -> TaskID:
        """Begin a step, unless the demo was asked to end."""
        _end_if_asked()
        return self.bars.add_task(label, total=total)

    def end(self, step: TaskID, done: int) -> None:
        """End a step that did so much."""
        self.bars.update(step, total=done, completed=done)
        self.bars.stop_task(step)

    async def publish(self, adapter: str, label: str, *, expected: int | None) -> Published:
        """Publish what an adapter finds now."""
        step = self.begin(label, total=expected)
        found = discover(self.stage.settings.adapters)[adapter].configured(self._changes(adapter))
        pipeline = Pipeline(
            found,
            self.stage.settings.kafka,
            namespace=self.stage.settings.namespace,
            on_commit=lambda committed: self.bars.advance(step, committed.events),
        )
        published = await pipeline.run()
        self.bars.update(step, total=published.events if expected is None else expected)
        self.bars.stop_task(step)
        return published

    async def received(self, label: str, count: Callable[[], int], expected: int, *, seconds: float) -> None:
        """Wait until there is as much as expected, or the time is up."""
        step = self.begin(label, total=expected)

        def reached() -> bool:
            found = count()
            self.bars.update(step, completed=found)
            return found >= expected

        await until(reached, seconds=seconds)
        self.bars.stop_task(step)

    def _changes(self, adapter: str) -> dict[str, object]:
        if adapter == "residents":
            return {"endpoint": self.stage.registry, "once": True}
        inbox = self.stage.inbox / "*BENEFITS*"
        return {"path": inbox, "once": True, "stable_for": 0, "chunk_records": _CHUNK_RECORDS}
