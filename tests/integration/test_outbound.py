"""From events on a broker to files, with the subscriber that feeds them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from contracts.event import Event
from events.connection import Connection
from events.envelope import Header
from events.log import committed
from events.topics import dead_letter_topic
from hub import sending
from hub.sending import Sender, run
from hub.settings import Settings
from tests.outbound_world import PaymentOrdered, Receiver, built, described, payment
from tests.subscriber_world import Sent, send, until


def sent(event: Event | None, number: int) -> Sent:
    headers: list[Header] = [
        ("ce_specversion", b"1.0"),
        ("ce_source", b"/banyan/test/payments"),
        ("ce_type", PaymentOrdered.type.encode()),
        ("ce_id", f"p:{number}".encode()),
    ]
    return Sent(value=None if event is None else event.model_dump_json().encode(), headers=headers)


async def publish(connection: Connection, namespace: str, records: Sequence[Sent]) -> None:
    async with AIOKafkaProducer(**connection.producer_options()) as producer:
        await send(producer, f"{namespace}.payments", *records)


@pytest.fixture
def given(embedded: Connection, namespace: str, tmp_path: Path) -> Settings:
    return Settings(namespace=namespace, kafka=embedded, data=tmp_path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TEND_SECONDS", 0.05)


@asynccontextmanager
async def running(settings: Settings, folder: Path, receiver: Receiver) -> AsyncGenerator[None]:
    sender = Sender(settings, built(folder, receiver.spec))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run([sender]))
        try:
            yield
        finally:
            sender.stop()


async def test_events_are_records_of_files(given: Settings, tmp_path: Path) -> None:
    receiver = Receiver(described(tmp_path, {"cut": {"records": 4}}))
    await publish(given.kafka, given.namespace, [sent(payment(number), number) for number in range(10)])

    async with running(given, tmp_path, receiver):
        await until(lambda: len(receiver.take()) == 8)
    async with running(given, tmp_path, receiver):
        await publish(given.kafka, given.namespace, [sent(payment(number), number) for number in range(10, 14)])
        await until(lambda: len(receiver.take()) == 12)

    assert receiver.numbers == list(range(12))
    assert [name[-5:] for name in sorted(receiver.taken)] == ["S0001", "S0002", "S0003"]


async def test_what_does_not_fit_and_what_is_removed_is_dead_lettered(given: Settings, tmp_path: Path) -> None:
    receiver = Receiver(described(tmp_path, {"cut": {"records": 2}}))
    long = payment(2).model_copy(update={"resident_id": "12345678901"})
    events = [sent(payment(1), 1), sent(long, 2), sent(None, 3), sent(payment(4), 4)]
    await publish(given.kafka, given.namespace, events)

    async with running(given, tmp_path, receiver):
        await until(lambda: len(receiver.take()) == 2)

    assert receiver.numbers == [1, 4]
    topic = dead_letter_topic(given.namespace, "outbound-payments-to-bank").name
    letters = [dict(record.headers)["banyan.dead.reason"] async for record in committed(given.kafka, topic)]
    assert letters == [
        b"RESIDENT: expected text of at most 10 characters of code page cp037 at byte 9",
        b"PaymentOrdered: expected an event with data, not a tombstone",
    ]
