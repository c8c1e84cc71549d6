"""Runs an adapter for a test: without a network and without Kafka, with the state that Kafka would keep.

from hub.testing import load, poll

adapter = load(Path("adapters/residents.py"), soap.Adapter)
first = poll(adapter, reply)
assert first.events == [("R1", {"name": "Ada"})]
assert poll(adapter, reply, after=first).events == []
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from adapters import batch, soap
from contracts.errors import ConfigError
from contracts.event import Event
from contracts.ports import DeadLetter, EventBatch, Progress, Source
from hub.discovery import loaded

__all__ = ["Collected", "collect", "load", "poll", "read_back", "read_file"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What an adapter published."""

    events: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    """Key and data of each event, the data as JSON has it; None is a tombstone."""
    dead: list[DeadLetter] = field(default_factory=list[DeadLetter])
    progress: Progress = field(default_factory=Progress)
    """From where it goes on."""

    @property
    def reasons(self) -> list[str]:
        """Return why each dead letter is one."""
        return [letter.reason for letter in self.dead]


def load(path: Path, kind: type[_T]) -> _T:
    """Return the adapter of a file, wherever that stands: no folder has to be on Python's path.

    Args:
        path: The file.
        kind: What the adapter is: `soap.Adapter`, `batch.Adapter`.

    Raises:
        ConfigError: There is no such file, something is wrong with it, or it has no such adapter.
    """
    problems: list[str] = []
    adapter = getattr(loaded(path, problems, kind="tested"), "adapter", None)
    if not isinstance(adapter, kind):
        raise ConfigError(problems or [f"{path}: expected a variable `adapter`, a {kind.__module__}.{kind.__name__}"])
    return adapter


def read_back(model: type[Event], found: Collected) -> list[tuple[str, Any]]:
    """Return events as those have them who read them from Kafka: written again by their model from its own JSON.

    Raises:
        ValidationError: An event can't be read.
    """
    data = [(key, None if each is None else json.dumps(each)) for key, each in found.events]
    return [
        (key, None if each is None else model.model_validate_json(each).model_dump(mode="json")) for key, each in data
    ]


def collect(source: Source, *, after: Collected | None = None) -> Collected:
    """Let a source publish all that there is: one that is configured to end (`once`).

    Args:
        source: The adapter.
        after: What it published before; without it, it begins.
    """
    return asyncio.run(_collected(source, Progress() if after is None else after.progress))


def poll(adapter: soap.Adapter, reply: str, *, after: Collected | None = None) -> Collected:
    """Let an adapter poll once a service that answers with this reply, whatever it is asked.

    Args:
        adapter: The adapter, as its file has it.
        reply: The whole envelope.
        after: What it published before; without it, it begins.
    """
    return collect(_ready(adapter).asking(_Replies(reply.encode())), after=after)


def read_file(adapter: batch.Adapter, file: Path, *, after: Collected | None = None) -> Collected:
    """Let an adapter read a file that is complete, wherever its own come from and whatever proves that they are.

    Args:
        adapter: The adapter, as its file has it.
        file: The file.
        after: What it published before; without it, it begins.
    """
    as_it_is = {"done_file": None, "partial": None, "trailer": None, "expected": None, "dead_letter_share": 1}
    once = adapter.configured({"path": file, "once": True, "stable_for": timedelta(0), **as_it_is})
    return collect(once, after=after)


@lru_cache(maxsize=16)
def _ready(adapter: soap.Adapter) -> soap.Adapter:
    """Return the same adapter as polls want it, with its contract read: large ones take seconds."""
    alone = {"once": True, "patience": soap.Patience(attempts=1), "snapshot": None}
    once = adapter.configured(alone).asking(_Replies(b""))
    asyncio.run(once.check())
    return once


async def _collected(source: Source, progress: Progress) -> Collected:
    found = Collected(progress=progress)
    async for each in source.read(progress):
        found.dead.extend(each.dead)
        found.events.extend(_events(each))
        found = replace(found, progress=_moved(found.progress, each))
    return found


def _events(batch: EventBatch) -> Iterator[tuple[str, Any]]:
    for columns in batch.events:
        for key, value in zip(columns.keys, columns.values, strict=True):
            yield key.decode(), None if value is None else json.loads(value)


def _moved(progress: Progress, batch: EventBatch) -> Progress:
    state = {**progress.state, **{key: value for key, value in batch.state.items() if value is not None}}
    gone = {key for key, value in batch.state.items() if value is None}
    return replace(
        progress,
        checkpoints={**progress.checkpoints, batch.stream: batch.checkpoint},
        state={key: value for key, value in state.items() if key not in gone},
    )


class _Replies:
    """An opener whose service always says the same."""

    def __init__(self, reply: bytes) -> None:
        self._reply = reply

    def __call__(self, request: soap.Request, timeout: timedelta) -> "_Exchange":
        del request, timeout
        return _Exchange(self._reply)


class _Exchange:
    def __init__(self, reply: bytes) -> None:
        self._reply = reply

    def send(self) -> soap.Answer:
        return soap.Answer(status=200, content_type="text/xml")

    def chunks(self) -> Iterator[bytes]:
        yield self._reply

    def close(self) -> None:
        """There is nothing to close."""
