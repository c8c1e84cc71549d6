"""Both subscribers on a real Kafka: the whole suite, and what takes transactions, groups and processes."""

import asyncio
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from events.connection import Connection
from events.delivery import Delivered
from events.inbox import SqliteTransaction
from events.offsets import begin_at
from events.retry import Retry
from tests.subscriber_suite import SubscriberSuite
from tests.subscriber_world import Granted, World, event, number, send, until

VICTIM = Path(__file__).with_name("subscriber_victim.py")
EVENTS = 2000


class TestKafka(SubscriberSuite):
    @pytest.fixture
    def connection(self, kafka: Connection) -> Connection:
        return kafka

    async def test_aborted_transactions_are_not_seen(self, world: World) -> None:
        await world.publish(event(1))
        producer = AIOKafkaProducer(**world.connection.producer_options(), transactional_id=world.namespace)
        async with producer:
            await producer.begin_transaction()
            await send(producer, world.topic, event(2))
            await producer.abort_transaction()
            async with producer.transaction():
                await send(producer, world.topic, event(3))

        async with world.running():
            await until(lambda: 3 in world.seen)

        assert world.seen == [1, 3]

    async def test_events_are_handled_once_and_in_order_while_members_come_and_go(self, world: World) -> None:
        order: dict[int, list[int]] = {partition: [] for partition in range(4)}

        async def note(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            await asyncio.sleep(0.001)
            order[delivered.record.partition].append(number(delivered))
            await world.see(delivered, tx)

        async def publish(first: int) -> None:
            await world.publish(*(event(index, partition=index % 4) for index in range(first, first + 200)))

        async with world.running({Granted: note}):
            await publish(0)
            async with world.running({Granted: note}):
                await publish(200)
                await until(lambda: len(world.seen) > 300)
            await publish(400)
            await until(lambda: len(world.seen) == 600)

        assert order == {partition: list(range(partition, 600, 4)) for partition in range(4)}

    async def test_a_waiting_partition_goes_on_waiting_when_members_come(self, world: World) -> None:
        await world.publish(*(event(index, partition=index) for index in range(4)))
        patience = Retry(attempts=2, first=timedelta(seconds=20))
        tries: list[int] = []

        async def refuse(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            if number(delivered) == 0 and not tries:
                tries.append(0)
                raise ValueError
            await world.see(delivered, tx)

        async with world.running({Granted: refuse}, retry=patience):
            await until(lambda: len(world.seen) == 3)
            async with world.running({Granted: refuse}):
                await world.publish(*(event(10 + index, partition=index) for index in range(1, 4)))
                await until(lambda: {11, 12, 13} <= set(world.seen))

        assert sorted(item for item in world.seen if item) == [1, 2, 3, 11, 12, 13]

    async def test_a_group_that_is_active_has_begun_already(self, world: World) -> None:
        await world.publish(event(1), event(2))

        async with world.running():
            await until(lambda: world.seen)
            await begin_at(world.connection, world.group_id, [world.topic], since=datetime.now(UTC))
            await until(lambda: len(world.seen) == 2)

        assert world.seen == [1, 2]

    async def test_killed_in_the_middle_it_handles_every_event_exactly_once(self, world: World, tmp_path: Path) -> None:
        await world.publish(*(event(index, partition=index % 4) for index in range(EVENTS)))
        database = tmp_path / "view.db"
        arguments = [world.connection.bootstrap_servers, world.namespace, world.way, str(database)]

        for goal in (EVENTS // 3, EVENTS):
            process = await asyncio.create_subprocess_exec(sys.executable, str(VICTIM), *arguments)
            await until(partial(_has_handled, database, goal))
            process.send_signal(signal.SIGKILL)
            await process.wait()

        assert sorted(_handled(database)) == list(range(EVENTS))
        assert not await world.dead()


def _has_handled(database: Path, goal: int) -> bool:
    return len(_handled(database)) >= goal


def _handled(database: Path) -> list[int]:
    with closing(sqlite3.connect(database)) as connection:
        try:
            return [row[0] for row in connection.execute("SELECT number FROM benefit")]
        except sqlite3.OperationalError:
            return []
