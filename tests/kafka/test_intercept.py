"""Interception on real Kafka: from a SOAP call through the façade to an event, with each process killed on the way."""

import asyncio
import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import pytest

from contracts.intercepted import InterceptedCall
from contracts.ports import LogRecord
from events.connection import Connection
from events.envelope import Envelope, decode
from events.topics import dead_letter_topic
from hub.facade import is_alive
from tests.address_world import Callers, Changed, call, captured, facade, hub, registry, settings
from tests.brokers import NONE, local_kafka
from tests.settled import committed_records
from tests.sources import eventually

SECONDS = 60


async def events(kafka: Connection, namespace: str, *, wanted: int) -> list[Envelope]:
    """Return the events, when there are as many as wanted."""
    async with asyncio.timeout(SECONDS):
        while len(records := await _there(kafka, namespace)) < wanted:
            await asyncio.sleep(0.2)
    return [decode(record.headers, record.value) for record in records]


async def _there(kafka: Connection, namespace: str) -> Sequence[LogRecord]:
    try:
        return await committed_records(kafka, f"{namespace}.addresses")
    except Exception:  # noqa: BLE001 - the topic is not there yet
        return []


def said(found: Iterable[Envelope]) -> Counter[tuple[str, int]]:
    values = [json.loads(each.data or b"{}") for each in found]
    return Counter((value["resident_id"], value["version"]) for value in values)


def in_order(pairs: Iterable[tuple[str, int]]) -> bool:
    """Tell whether each resident's changes come in the order in which the registry made them."""
    last: dict[str, int] = {}
    for resident, version in pairs:
        if version <= last.get(resident, 0):
            return False
        last[resident] = version
    return True


def changes(calls: Iterable[InterceptedCall]) -> list[tuple[str, int]]:
    found = list[tuple[str, int]]()
    for each in calls:
        resident = re.search(rb"<residentId>([^<]*)<", each.request or b"")
        version = re.search(rb"<version>([0-9]+)<", each.reply or b"")
        assert resident is not None
        assert version is not None
        found.append((resident[1].decode(), int(version[1])))
    return found


def of(answered: Iterable[Changed]) -> set[tuple[str, int]]:
    return {(each.resident, each.version) for each in answered}


@pytest.mark.timeout(240)
async def test_each_call_that_passes_is_one_event_though_the_adapter_is_killed_again_and_again(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("BANYAN_TEST_SEED") or random.randrange(10**6))
    print(f"\nseed {seed}")
    draw = random.Random(seed)
    async with registry() as (legacy, port), facade(tmp_path, settings(port, kafka, namespace)) as running:
        callers = Callers(running.addresses["main"])
        callers.start()
        try:
            for _ in range(4):
                with hub(tmp_path / "hub", kafka, namespace) as process:
                    await callers.more(40)
                    await asyncio.sleep(draw.uniform(0, 3))
                    process.kill()
        finally:
            await asyncio.to_thread(callers.stop)
        with pytest.raises(ValueError, match="fault"):
            await asyncio.to_thread(call, running.addresses["main"], "0", "call-unknown-1")
        with hub(tmp_path / "hub", kafka, namespace):
            found = await events(kafka, namespace, wanted=len(callers.answered))
    letters = await committed_records(kafka, dead_letter_topic(namespace, "address-changes").name)

    assert callers.failed == 0
    assert said(found) == Counter(of(callers.answered))
    assert sum(legacy.versions.values()) == len(callers.answered) == len({each.id for each in found})
    values = [json.loads(each.data or b"{}") for each in found]
    assert in_order((value["resident_id"], value["version"]) for value in values)
    assert {each.type for each in found} == {"org.banyan.example.address.changed.v1"}
    assert letters == []
    print(f"{len(found)} events")


@pytest.mark.timeout(240)
async def test_a_killed_worker_takes_along_what_it_had_not_told_and_that_is_counted(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    async with registry() as (_, port), facade(tmp_path, settings(port, kafka, namespace)) as running:
        callers = Callers(running.addresses["main"])
        callers.start()
        try:
            for _ in range(3):
                await callers.more(50)
                await running.recovered(running.kill_worker())
        finally:
            await asyncio.to_thread(callers.stop)
        log = running.log
    lines = [json.loads(line) for line in log.splitlines() if "captured calls were lost" in line]
    lost = sum(line["calls"] for line in lines)
    found = changes(await captured(kafka, namespace))
    missing = of(callers.answered) - set(found)
    print(f"\n{len(found)} captured, {len(missing)} answered and not captured, {lost} told as lost")

    assert max(Counter(found).values()) == 1
    assert len(missing) <= lost <= len(missing) + callers.failed
    assert len(found) >= len(callers.answered) - lost
    assert in_order(found)


@pytest.mark.timeout(240)
async def test_a_killed_parent_loses_no_captured_call(kafka: Connection, namespace: str, tmp_path: Path) -> None:
    async with registry() as (_, port):
        told = settings(port, kafka, namespace)
        answered = list[Changed]()
        for _ in range(2):
            async with facade(tmp_path, told) as running:
                workers = running.serving()
                callers = Callers(running.addresses["main"])
                callers.start()
                try:
                    await callers.more(60)
                    running.process.kill()
                    await eventually(partial(are_gone, workers))
                finally:
                    await asyncio.to_thread(callers.stop)
                answered += callers.answered
        async with facade(tmp_path, told) as running:
            await eventually(lambda: running.status().kafka == "connected" and not running.status().captured_kept)
    found = changes(await captured(kafka, namespace))
    doubled = sum(Counter(found).values()) - len(set(found))
    print(f"\n{len(answered)} answered, {len(found)} captured, {doubled} of them twice")

    # Their order is that of each worker alone then, and what the parent had handed on already may come again.
    assert of(answered) - set(found) == set()
    assert doubled < len(found) / 2


def are_gone(pids: Iterable[int]) -> bool:
    return not any(is_alive(pid) for pid in pids)


@pytest.mark.timeout(240)
async def test_while_kafka_is_away_calls_wait_on_the_disk_and_become_events_afterwards(
    namespace: str, tmp_path: Path
) -> None:
    with local_kafka(tmp_path / "kafka", brokers=1) as local:
        if local is None:
            pytest.skip(NONE)
        connection = Connection(bootstrap_servers=local.bootstrap)
        async with registry() as (_, port), facade(tmp_path, settings(port, connection, namespace)) as running:
            await eventually(lambda: running.status().kafka == "connected")
            callers = Callers(running.addresses["main"])
            callers.start()
            try:
                await callers.more(50)
                local.kill(1)
                await eventually(lambda: running.status().kafka == "away" and running.status().captured_kept > 0)
                before = len(callers.answered)
                await callers.more(100)
            finally:
                await asyncio.to_thread(callers.stop)
            await eventually(lambda: running.status().captured_kept >= len(callers.answered) - before)
            problems = running.status().problems(running.status().at)
            await asyncio.to_thread(local.start, 1)
            await eventually(lambda: not running.status().captured_kept, seconds=60)
        with hub(tmp_path / "hub", connection, namespace):
            found = await events(connection, namespace, wanted=len(callers.answered))

    assert callers.failed == 0
    assert any("captured calls wait on the disk" in problem for problem in problems)
    # An append of which Kafka did not say in time that it has it may be there twice: with one and the same id.
    assert set(said(found)) == of(callers.answered)
    assert len({each.id for each in found}) == len(callers.answered)
