"""Brokers that are killed, away, or stalled: nothing is lost, nothing is doubled, memory is bounded."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from contracts.ports import EventBatch, Progress
from events.connection import Connection
from events.envelope import identity
from events.health import State
from events.pipeline import Limits, Pipeline
from tests.brokers import ThreeBrokers
from tests.settled import committed_records
from tests.sources import Numbers, batch, eventually, next_number

LIMITS = Limits(transaction_events=500, patience=timedelta(seconds=10), longest_wait=timedelta(seconds=2))


class Paced:
    """Counts to a number that can be raised while it runs."""

    name = "numbers"

    def __init__(self) -> None:
        self.goal = 0
        self.done = False
        self.asked = 0

    async def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        """Yield numbers up to the goal, and wait there until it is raised."""
        at = next_number(since)
        while not (self.done and at >= self.goal):
            if at >= self.goal:
                await asyncio.sleep(0.01)
                continue
            numbers = range(at, min(self.goal, at + 100))
            at = numbers.stop
            self.asked += 1
            yield batch(numbers)


@contextmanager
def stopped(kafka3: ThreeBrokers) -> Generator[None]:
    """Stop all brokers' processes for the block: connections stay, and nothing answers."""
    pids = [status.broker.process.pid for status in kafka3.local.status() if status.broker.process]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def assert_exactly(kafka3: ThreeBrokers, namespace: str, total: int) -> None:
    ids = [identity(record.headers)[1] for record in await committed_records(kafka3.connection, f"{namespace}.numbers")]
    assert len(ids) == total
    assert set(ids) == {f"numbers:{number:012d}" for number in range(total)}


@pytest.mark.timeout(240)
async def test_one_broker_of_three_is_killed_and_comes_back(kafka3: ThreeBrokers, namespace: str) -> None:
    source = Paced()
    pipeline = Pipeline(source, kafka3.connection, namespace=namespace, limits=LIMITS)
    running = asyncio.create_task(pipeline.run())
    source.goal = 1_000
    await eventually(lambda: pipeline.published.events >= 1_000, seconds=60)

    leader = kafka3.leader(f"{namespace}.numbers")
    source.goal = 6_000
    kafka3.kill(leader)
    await eventually(lambda: pipeline.published.events >= 6_000, seconds=90)
    await asyncio.to_thread(kafka3.start, leader)
    source.goal, source.done = 7_000, True
    await running

    await assert_exactly(kafka3, namespace, 7_000)


@pytest.mark.timeout(300)
async def test_all_brokers_are_away_for_thirty_seconds(kafka3: ThreeBrokers, namespace: str) -> None:
    source = Paced()
    pipeline = Pipeline(source, kafka3.connection, namespace=namespace, limits=LIMITS)
    running = asyncio.create_task(pipeline.run())
    source.goal = 2_000
    await eventually(lambda: pipeline.published.events >= 1_000, seconds=60)

    source.goal = 8_000
    for broker in (1, 2, 3):
        kafka3.kill(broker)
    await asyncio.sleep(30)
    assert not running.done(), "it waits for Kafka to come back"
    assert not pipeline.health.ok(timedelta(seconds=20)), "without progress it is not healthy"
    await asyncio.to_thread(kafka3.local.up)
    await eventually(lambda: pipeline.published.events >= 7_000, seconds=120)
    source.done = True
    await running

    assert pipeline.health.state is State.STOPPED
    await assert_exactly(kafka3, namespace, 8_000)


@pytest.mark.timeout(180)
async def test_a_stalled_broker_does_not_fill_the_memory(kafka3: ThreeBrokers, namespace: str) -> None:
    """While Kafka answers nothing, the source is asked for one batch more than is on its way, and no further."""
    source = Numbers(50_000, chunk=1_000)
    pipeline = Pipeline(source, kafka3.connection, namespace=namespace, limits=LIMITS)
    running = asyncio.create_task(pipeline.run())
    await eventually(lambda: pipeline.published.transactions >= 1, seconds=60)

    with stopped(kafka3):
        await asyncio.sleep(1)
        asked = source.asked
        await asyncio.sleep(4)
        assert source.asked == asked
        assert source.asked * 1_000 <= pipeline.published.events + 2_000
    await running

    await assert_exactly(kafka3, namespace, 50_000)


@pytest.mark.timeout(180)
async def test_a_stalled_broker_is_given_up_on_within_the_patience(kafka3: ThreeBrokers, namespace: str) -> None:
    limits = Limits(transaction_events=500, patience=timedelta(seconds=2), longest_wait=timedelta(seconds=1))
    pipeline = Pipeline(Numbers(20_000), kafka3.connection, namespace=namespace, limits=limits)
    running = asyncio.create_task(pipeline.run())
    await eventually(lambda: pipeline.published.transactions >= 1, seconds=60)

    with stopped(kafka3):
        await eventually(lambda: pipeline.health.failures >= 1, seconds=20)
        assert pipeline.health.state is State.BACKING_OFF
    await running

    await assert_exactly(kafka3, namespace, 20_000)


async def test_a_broker_that_is_not_there_is_waited_for_and_a_stop_ends_that(namespace: str) -> None:
    limits = Limits(longest_wait=timedelta(milliseconds=200))
    pipeline = Pipeline(Numbers(1), Connection(bootstrap_servers="127.0.0.1:9"), namespace=namespace, limits=limits)
    running = asyncio.create_task(pipeline.run())
    await eventually(lambda: pipeline.health.failures >= 2)

    assert pipeline.health.state is State.BACKING_OFF
    assert "KafkaConnectionError" in (pipeline.health.error or "")
    pipeline.stop()
    async with asyncio.timeout(10):
        assert (await running).events == 0
