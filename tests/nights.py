"""Nights on which files of payments are expected, with a clock of their own; shared by tests of expected files."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters import batch
from contracts.errors import LegacyUnavailableError
from contracts.ports import EventBatch
from tests import adapter_suite
from tests.payments import make, put, records

EXPECTED: Mapping[str, object] = {"window": {"opens": "05:00", "closes": "07:00"}, "grace": 1800}


class _MorningError(Exception):
    """The night is over."""


def at(text: str) -> datetime:
    """Return a moment of January 2026 in UTC: `13 07:31` is on Tuesday the 13th."""
    return datetime.strptime(f"2026-01-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


class Night:
    """An adapter that looks at a folder at given times, and what it published."""

    def __init__(self, folder: Path, expected: Mapping[str, object] = EXPECTED, **config: object) -> None:
        self.folder, self.batches = folder, list[EventBatch]()
        self.config = {"business_date": r"\.D(\d{8})$", "once": False, "expected": expected, **config}
        self._now = at("12 00:00")
        self._steps: list[tuple[str, Callable[[], object]]] = []
        self.adapter = self._make()

    def _make(self) -> batch.Adapter:
        return make(self.folder, self.config, now=self._time, clock=self._seconds, sleep=self._sleep)

    def _time(self) -> datetime:
        return self._now

    def _seconds(self) -> float:
        return self._now.timestamp()

    async def _sleep(self, seconds: float) -> None:
        del seconds
        if not self._steps:
            raise _MorningError
        moment, happens = self._steps.pop(0)
        self._now = at(moment)
        happens()

    async def looks(self, *moments: str | tuple[str, Callable[[], object]]) -> list[dict[str, Any]]:
        """Start the adapter, look at these moments, each after what happens then, and return the events told."""
        before = len(self.batches)
        self._steps = [(each, lambda: None) if isinstance(each, str) else each for each in moments]
        await self._sleep(0)
        try:
            async for each in self.adapter.read(adapter_suite.progress(self.batches)):
                self.batches.append(each)
        except (_MorningError, LegacyUnavailableError):
            pass
        return told(self.batches[before:])

    def restart(self, **config: object) -> None:
        """Make the adapter anew, with other settings."""
        self.config |= config
        self.adapter = self._make()

    def moves(self, to: Path) -> Callable[[], object]:
        """Take the folder away, and return what brings it back."""
        self.folder.rename(to)
        return lambda: to.rename(self.folder)

    def file(self, day: str, arrives: str, count: int = 1) -> tuple[str, Callable[[], object]]:
        """Return that a file of this day of January arrives at a moment."""
        name = self.folder / f"BENEFITS.D202601{day}"
        return arrives, lambda: put(name, records(count + int(day))[-count * 11 :], at(arrives))


def told(batches: list[EventBatch]) -> list[dict[str, Any]]:
    """Return the events about expected files, each with the last word of its type and its id's position."""
    return [
        {"what": c.type.split(".")[-2], "id": f"{each.stream}:{position}", **json.loads(value or b"{}")}
        for each in batches
        for c in each.events
        if c.topic == "deliveries"
        for position, value in zip(c.positions, c.values, strict=True)
    ]


def brief(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return of each event what is told of which day."""
    return [(each["what"], each["day"].removeprefix("2026-01-")) for each in events]
