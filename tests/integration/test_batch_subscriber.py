"""What only the subscriber of batches does."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from contracts.errors import BrokerUnavailableError
from events.batch_subscriber import BatchSubscriber
from events.connection import Connection
from events.dead_letter import context_of
from events.dead_letter_writer import DeadLetterWriter, Hopeless
from events.delivery import Delivered
from events.embedded import EmbeddedKafka
from events.inbox import SqliteInbox, SqliteTransaction
from tests.subscriber_world import QUICK, Granted, World, event, until


@pytest.fixture
def world(embedded: Connection, namespace: str, tmp_path: Path) -> Iterator[World]:
    inbox = SqliteInbox(tmp_path / "inbox.db", World.group)
    yield World(embedded, namespace, "in batches", inbox)
    inbox.close()


@pytest.fixture
def subscriber(world: World) -> BatchSubscriber:
    return BatchSubscriber(
        world.connection, group=world.group, namespace=world.namespace, inbox=world.inbox, retry=QUICK
    )


async def test_of_a_failing_batch_only_the_event_that_fails_is_dead_lettered(
    world: World, subscriber: BatchSubscriber
) -> None:
    await world.publish(*(event(index) for index in range(64)), together=True)
    calls: list[list[int]] = []
    async with world.inbox.transaction() as tx:
        tx.connection.execute("CREATE TABLE benefit (number INTEGER)")

    @subscriber.on(Granted)
    async def write(events: Sequence[Delivered[Granted]], tx: SqliteTransaction) -> None:
        numbers = [delivered.data.number for delivered in events if delivered.data]
        calls.append(numbers)
        tx.connection.executemany("INSERT INTO benefit VALUES (?)", [(number,) for number in numbers])
        if 37 in numbers:
            raise ValueError

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(subscriber.run(stop))
        await until(lambda: calls and 63 in calls[-1] and 37 not in calls[-1])
        stop.set()
    async with world.inbox.transaction() as tx:
        rows = tx.connection.execute("SELECT number FROM benefit").fetchall()

    [letter] = await world.dead()
    assert (context_of(letter)["offset"], context_of(letter)["attempts"]) == ("37", "3")
    assert rows == [(index,) for index in range(64) if index != 37]
    assert calls[:2] == [list(range(64)), list(range(32))]
    assert len(calls) < 30


async def test_raw_events_are_bytes_and_a_broken_envelope_is_dead_lettered_when_it_is_read(
    world: World, subscriber: BatchSubscriber
) -> None:
    await world.publish(event(1, value=b"no JSON"), event(2, more=[("ce_time", b"yesterday")]), event(3), together=True)
    seen: list[tuple[bytes | None, str]] = []

    @subscriber.on(Granted, raw=True)
    async def note(events: Sequence[Delivered[bytes]], _: SqliteTransaction) -> None:
        seen.extend([(delivered.data, delivered.envelope.id) for delivered in events])

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(subscriber.run(stop))
        await until(lambda: len(seen) == 2)
        stop.set()

    [letter] = await world.dead()
    assert (context_of(letter)["error"], context_of(letter)["attempts"]) == ("EnvelopeError", "1")
    assert seen == [(b"no JSON", "nightly:1"), (b'{"number": 3}', "nightly:3")]


async def test_an_error_of_fetching_is_waited_out(
    world: World, subscriber: BatchSubscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.publish(event(1))
    subscriber.on(Granted)(_each(world))
    monkeypatch.setattr("events.batch_subscriber.PAUSE_AFTER_ERROR", 0.01)
    works = AIOKafkaConsumer.getmany
    failures: list[int] = []

    async def fails_once(consumer: AIOKafkaConsumer, **options: Any) -> Any:
        if not failures:
            failures.append(1)
            raise KafkaError
        return await works(consumer, **options)

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", fails_once)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(subscriber.run(stop))
        await until(lambda: world.seen)
        stop.set()

    assert world.seen == [1]


async def test_when_the_broker_goes_a_dead_letter_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("events.dead_letter_writer.PATIENCE", timedelta(milliseconds=100))
    record = ConsumerRecord("t", 0, 0, 0, 0, b"k", b"v", None, -1, -1, ())
    with EmbeddedKafka() as connection:
        writer = DeadLetterWriter(connection, namespace="prod", group="view")
        await writer.start()
        monkeypatch.setattr(AIOKafkaProducer, "send", _never)

        with pytest.raises(BrokerUnavailableError, match="TimeoutError"):
            await writer.write([Hopeless(record=record, error="E", reason="r")])
        await writer.stop()


async def _never(*_: Any, **__: Any) -> None:
    await asyncio.Event().wait()


def _each(world: World) -> Callable[[Sequence[Delivered[Granted]], SqliteTransaction], Awaitable[None]]:
    async def handle(events: Sequence[Delivered[Granted]], tx: SqliteTransaction) -> None:
        for delivered in events:
            await world.see(delivered, tx)

    return handle
