"""What an adapter would publish first, as `banyan events tail` would show it; nothing is published."""

from collections.abc import Iterator
from contextlib import aclosing, nullcontext
from itertools import islice
from typing import Any

from contracts.errors import ConfigError
from contracts.event import models
from contracts.ports import EventBatch, Progress
from hub.cli.events import data_shown
from hub.discovery import Adapter

__all__ = ["first_events"]


async def first_events(adapter: Adapter, count: int) -> list[dict[str, Any]]:
    """Let an adapter begin anew, and return what comes of its first records: events, and dead letters.

    Raises:
        BanyanError: The legacy system can't be read.
        ConfigError: To ask it would be to do something.
    """
    if getattr(getattr(adapter, "config", None), "operation_class", "safe") == "unsafe":
        raise ConfigError([f"{adapter.name}: --show: the operation is unsafe, and to ask would be to do it"])
    found: list[dict[str, Any]] = []
    reading: Any = _once(adapter).read(Progress())
    # The port promises an iterator; all adapters of ours are generators, which hold a connection.
    async with aclosing(reading) if hasattr(reading, "aclose") else nullcontext(reading) as batches:
        async for batch in batches:
            found += islice(_lines(batch), count - len(found))
            if len(found) == count:
                break
    return found


def _once(adapter: Adapter) -> Adapter:
    try:
        return adapter.configured({"once": True})
    except ValueError:
        return adapter


def _lines(batch: EventBatch) -> Iterator[dict[str, Any]]:
    known = models()
    for columns in batch.events:
        for value in columns.values:
            data = data_shown(value, known.get(columns.type), unmask=False)
            yield {"type": columns.type, "topic": columns.topic, "key": "***", "data": data}
    for letter in batch.dead:
        yield {"type": "dead letter", "reason": letter.reason}
