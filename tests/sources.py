"""Sources of ours for tests: they know what they should have published."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from contracts.identifiers import ordinal
from contracts.ports import Columns, DeadLetter, EventBatch, Progress

AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
STREAM = "numbers"
TYPE = "org.example.number.counted.v1"


def batch(numbers: range, *, more: bool = False, topic: str = "numbers", dead: tuple[int, ...] = ()) -> EventBatch:
    """Return the events of these numbers; those in `dead` are dead letters instead."""
    alive = [number for number in numbers if number not in dead]
    return EventBatch(
        stream=STREAM,
        checkpoint=json.dumps({"next": numbers.stop}).encode(),
        more=more,
        events=[
            Columns(
                topic=topic,
                type=TYPE,
                dataschema=f"urn:banyan:schema:{TYPE}",
                time=AT,
                keys=[b"%d" % (number % 97) for number in alive],
                positions=[ordinal(number) for number in alive],
                sequences=[ordinal(number) for number in alive],
                values=[b'{"number":%d}' % number for number in alive],
            )
        ],
        state={b"last": str(numbers.stop - 1).encode()},
        dead=[
            DeadLetter(position=ordinal(number), value=b"raw %d" % number, reason="expected an even number", error="E")
            for number in numbers
            if number in dead
        ],
    )


def next_number(since: Progress) -> int:
    """Return where a checkpoint says to go on."""
    checkpoint = since.checkpoints.get(STREAM)
    return int(json.loads(checkpoint)["next"]) if checkpoint else 0


class Numbers:
    """Counts from 0; each batch continues where the checkpoint says."""

    name = "numbers"

    def __init__(self, total: int, *, chunk: int = 100, joined: bool = False, dead: tuple[int, ...] = ()) -> None:
        self._total, self._chunk, self._joined, self._dead = total, chunk, joined, dead
        self.asked = 0
        self.progress: list[Progress] = []

    async def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        """Yield the numbers that are left."""
        self.progress.append(since)
        at = next_number(since)
        while at < self._total:
            numbers = range(at, min(self._total, at + self._chunk))
            at = numbers.stop
            self.asked += 1
            yield batch(numbers, more=self._joined and at < self._total, dead=self._dead)
            await asyncio.sleep(0)


class Fed:
    """Yields what the test feeds it, and never ends by itself."""

    name = "numbers"

    def __init__(self) -> None:
        self._queue: asyncio.Queue[EventBatch | Exception] = asyncio.Queue()
        self.progress: list[Progress] = []

    def feed(self, item: EventBatch | Exception) -> None:
        """Yield this batch next, or raise this error."""
        self._queue.put_nowait(item)

    async def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        """Yield what was fed."""
        self.progress.append(since)
        while True:
            item = await self._queue.get()
            if isinstance(item, Exception):
                raise item
            yield item


async def eventually(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait until something holds, and fail when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
