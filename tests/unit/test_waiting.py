"""Partitions that wait, offsets that can't be committed, and dead letters without a broker."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

from contracts.errors import BrokerUnavailableError
from events.connection import Connection
from events.dead_letter_writer import DeadLetterWriter
from events.offsets import Offsets, begin_at
from events.retry import Retry
from events.subscription import Subscription
from events.waiting import Waiting
from tests.subscriber_world import until

HERE, THERE = TopicPartition("prod.benefits", 0), TopicPartition("prod.benefits", 1)
NOWHERE = Connection(bootstrap_servers="127.0.0.1:1", embedded=True)


class Consumer:
    """As much of a consumer as is asked of it."""

    def __init__(self, *assigned: TopicPartition) -> None:
        self.assigned = set(assigned)
        self.paused: set[TopicPartition] = set()
        self.positions: dict[TopicPartition, int] = {}
        self.committed: list[dict[TopicPartition, int]] = []
        self.refuses = False

    def real(self) -> AIOKafkaConsumer:
        return cast("AIOKafkaConsumer", self)

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    def pause(self, place: TopicPartition) -> None:
        self.paused.add(place)

    def resume(self, place: TopicPartition) -> None:
        self.paused.discard(place)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.positions[place] = offset

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self.refuses:
            raise CommitFailedError
        self.committed.append(dict(offsets))


def waiting(**wait: timedelta) -> Waiting:
    return Waiting(Retry(first=wait.get("first", timedelta(milliseconds=10))))


async def test_a_partition_waits_and_comes_again_with_the_same_record() -> None:
    consumer, troubles = Consumer(HERE, THERE), waiting()

    troubles.wait(consumer.real(), HERE, 7, error=ValueError())

    assert (consumer.paused, consumer.positions) == ({HERE}, {HERE: 7})
    await until(lambda: not consumer.paused)


async def test_a_partition_of_somebody_else_is_left_alone() -> None:
    consumer, troubles = Consumer(THERE), waiting()

    troubles.wait(consumer.real(), HERE, 7, error=ValueError())

    assert (consumer.paused, consumer.positions) == (set(), {})


async def test_a_partition_that_comes_back_goes_on_waiting_and_one_that_is_gone_is_forgotten() -> None:
    consumer, troubles = Consumer(HERE, THERE), waiting(first=timedelta(milliseconds=200))
    for place in (HERE, THERE):
        troubles.attempted(place, 7)
        troubles.wait(consumer.real(), place, 7, error=ValueError())
    consumer.paused, consumer.assigned = set(), {HERE}

    troubles.assigned(consumer.real(), {HERE})

    assert consumer.paused == {HERE}
    assert (troubles.suspect(HERE), troubles.suspect(THERE)) == (7, None)
    await until(lambda: not consumer.paused)


async def test_a_partition_that_went_while_it_waited_is_not_resumed() -> None:
    consumer, troubles = Consumer(HERE), waiting()

    troubles.wait(consumer.real(), HERE, 7, error=ValueError())
    consumer.assigned = set()
    await asyncio.sleep(0.05)

    assert consumer.paused == {HERE}


def test_failures_count_for_one_record_only() -> None:
    troubles = waiting()

    assert [troubles.attempted(HERE, 7), troubles.attempted(HERE, 7), troubles.attempted(HERE, 8)] == [1, 2, 1]
    assert (troubles.attempts(HERE, 7), troubles.attempts(HERE, 8)) == (0, 1)


async def test_offsets_are_explicit_and_a_failed_commit_is_tried_again() -> None:
    consumer, offsets = Consumer(HERE), Offsets()
    offsets.handled(HERE, 5, records=5)
    offsets.handled(THERE, 9, records=9)

    consumer.refuses = True
    await offsets.commit(consumer.real())
    consumer.refuses = False
    await offsets.commit(consumer.real())
    await offsets.commit(consumer.real())

    assert consumer.committed == [{HERE: 5}]


async def test_what_is_handled_during_a_commit_is_committed_with_the_next() -> None:
    consumer, offsets = Consumer(HERE), Offsets()
    offsets.handled(HERE, 5, records=1000)
    assert offsets.due

    committing = asyncio.create_task(offsets.commit(consumer.real()))
    offsets.handled(HERE, 6, records=1)
    await committing
    await offsets.commit(consumer.real())

    assert consumer.committed[-1] == {HERE: 6}


async def test_without_a_broker_nobody_waits_without_end() -> None:
    writer = DeadLetterWriter(NOWHERE, namespace="prod", group="view")

    with pytest.raises(RuntimeError, match="not started"):
        await writer.write([])
    with pytest.raises(BrokerUnavailableError):
        await writer.start()
    with pytest.raises(BrokerUnavailableError):
        await begin_at(NOWHERE, "prod.view", ["prod.benefits"], since=datetime.now(UTC))


def test_a_beginning_has_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        Subscription(namespace="prod", group="view", since=datetime(2026, 11, 2))  # noqa: DTZ001
