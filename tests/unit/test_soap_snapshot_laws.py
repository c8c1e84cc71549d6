"""Snapshots of a register that changes between any two calls, with a crash anywhere: what the events say is true."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.ports import EventBatch
from tests.polls import Hub, poll
from tests.register import LISTED, Register, Ticking, register_adapter

KEYS = [f"{number:02d}" for number in range(1, 13)]

Change = Callable[[Register], None]


def _put(key: str, name: str, place: int | None) -> Change:
    return lambda register: register.put(key, name, place=place)


def _delete(key: str) -> Change:
    return lambda register: register.delete(key)


puts = st.builds(_put, st.sampled_from(KEYS), st.sampled_from(["Ada", "Grace", "Mary"]), st.none() | st.integers(0, 12))
deletes = st.builds(_delete, st.sampled_from(KEYS))
weather = st.lists(st.lists(puts | deletes, max_size=3), max_size=25)
"""What changes before each call."""
crashes = st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=4)
"""After how many batches, and whether the last of them was published."""


@dataclass
class Witness:
    """Sees each batch as it is published, and knows what the register held when."""

    register: Register
    hub: Hub
    calls: int = 0
    appeared: dict[str, int] = field(default_factory=dict[str, int])
    """At which call an entry came."""
    begun: tuple[str, int] = ("", 0)
    newest: dict[str, datetime] = field(default_factory=dict[str, datetime])

    def called(self, register: Register) -> None:
        self.calls += 1
        self.appeared = {key: self.appeared.get(key, self.calls) for key in register.entries}

    def publish(self, batch: EventBatch) -> None:
        self.hub.publish(batch)
        running = json.loads(batch.checkpoint).get("snapshot")
        if running is not None and running["begun"] != self.begun[0]:
            self.begun = (running["begun"], self.calls)
        for columns in batch.events:
            times = [columns.time] * len(columns) if isinstance(columns.time, datetime) else columns.time
            for key, value, time in zip(columns.keys, columns.values, times, strict=True):
                self._saw(key.decode(), value, time)

    def _saw(self, key: str, value: bytes | None, time: datetime) -> None:
        if value is None:
            still = self.appeared.get(key)
            assert still is None or still > self.begun[1], f"{key} was there all the time, and has a tombstone"
            return
        assert time >= self.newest.get(key, time), f"{key}: an older version came after a newer one"
        self.newest[key] = time


@pytest.mark.parametrize("how", LISTED)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    size=st.integers(4, 12),
    changes=weather,
    ends=crashes,
    chunk_items=st.sampled_from([1, 2, 1000]),
    disturbed=st.sampled_from(["first", "second"]),
    interval=st.sampled_from([0.01, 2]),
)
async def test_what_the_events_say_is_what_the_register_holds(
    how: str,
    *,
    size: int,
    changes: list[list[Change]],
    ends: list[tuple[int, bool]],
    chunk_items: int,
    disturbed: str,
    interval: float,
) -> None:
    clock, hub, storm = Ticking(), Hub(), list[list[Change]]()
    register = Register(clock, by_key=how == "after")
    for key in KEYS[:size]:
        register.put(key, "Ada")
    witness = Witness(register, hub)

    def meanwhile(register: Register) -> None:
        for change in storm.pop(0) if storm else []:
            change(register)
        witness.called(register)

    register.meanwhile = meanwhile
    adapter = register_adapter(register, clock, how, chunk_items=chunk_items, interval=interval)
    if disturbed == "second":
        await _whole(adapter.read(hub.progress), witness)
        clock.now += timedelta(hours=2)
    storm += changes
    for after, is_published in ends:
        await _crash(adapter.read(hub.progress), witness, after=after, is_published=is_published)
    await _whole(adapter.read(hub.progress), witness)

    storm.clear()
    clock.now += timedelta(hours=2)
    await _whole(adapter.read(hub.progress), witness)

    _assert_true(hub, register, finds_deletes=how != "page")


async def _crash(batches: Any, witness: Witness, *, after: int, is_published: bool) -> None:
    for _ in range(after):
        if (batch := await anext(batches, None)) is None:
            break
        witness.publish(batch)
    if not is_published:
        await anext(batches, None)
    await batches.aclose()


async def _whole(batches: Any, witness: Witness) -> None:
    async for batch in batches:
        witness.publish(batch)


def _assert_true(hub: Hub, register: Register, *, finds_deletes: bool) -> None:
    last = {key: value for key, _, value in hub.events}
    told = {key: json.loads(value)["name"] for key, value in last.items() if value is not None}
    if not finds_deletes:
        told = {key: name for key, name in told.items() if key in register.entries}
    assert told == register.names
    positions = [position for _, position, _ in hub.events]
    assert len(set(positions)) == len(positions), "an event was doubled"
    for key in last:
        versions = [value for each, _, value in hub.events if each == key]
        assert None not in versions[:1], f"{key}: a tombstone of what was never told"
    assert not hub.dead
    assert not [key for key in hub.progress.state if key.startswith(b"\0")], "marks outlive their snapshot"
    assert json.loads(hub.progress.checkpoints["poll:Changes"]).get("snapshot") is None


async def test_the_weather_of_the_law_reaches_every_way_of_asking() -> None:
    asked = set[str]()
    for how in LISTED:
        clock = Ticking()
        register = Register(clock, by_key=how == "after")
        for key in KEYS:
            register.put(key, "Ada")
        await poll(register_adapter(register, clock, how), Hub())
        asked |= {name.partition("=")[0] for call in register.asked for name in call.split()[1:]}

    assert asked == {"since", "offset", "page", "token", "after", "least", "most", "limit"}
