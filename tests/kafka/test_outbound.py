"""Outbound files on a real Kafka: killed again and again, every event is in one file, in the order of its key."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from adapters.outbound import Outbound
from events.connection import Connection
from events.topics import ensure, event_topic
from tests.kafka.outbound_victim import CUT
from tests.outbound_world import PaymentOrdered, Receiver, built, described, payment
from tests.subscriber_world import Sent, send

VICTIM = Path(__file__).with_name("outbound_victim.py")
EVENTS, KEYS, SECONDS = 800, 40, 140
KILLS = (0.2, 0.6)
"""Share of the events that are collected when the process is killed; Kafka then waits for the dead member."""


async def publish(connection: Connection, namespace: str) -> None:
    topic = event_topic(namespace, "payments")
    await ensure(connection, [topic])
    async with AIOKafkaProducer(**connection.producer_options(), enable_idempotence=True) as producer:
        for partition in range(4):
            records = [_sent(number) for number in range(EVENTS) if number % KEYS % 4 == partition]
            await send(producer, topic.name, *(_on(record, partition) for record in records))


def _sent(number: int) -> Sent:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_source", b"/banyan/test/payments"),
        ("ce_type", PaymentOrdered.type.encode()),
        ("ce_id", f"p:{number}".encode()),
    ]
    return Sent(key=str(number % KEYS).encode(), value=payment(number).model_dump_json().encode(), headers=headers)


def _on(record: Sent, partition: int) -> Sent:
    return Sent(key=record.key, value=record.value, headers=record.headers, partition=partition)


@asynccontextmanager
async def victim(connection: Connection, namespace: str, folder: Path) -> AsyncGenerator[None]:
    """Run it for the block, and kill it then."""
    arguments = [connection.bootstrap_servers, namespace, str(folder)]
    process = await asyncio.create_subprocess_exec(sys.executable, str(VICTIM), *arguments)
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.05)


def has_collected(outbound: Outbound, goal: int) -> bool:
    return outbound.ledger.waiting + sum(file.records for file in outbound.ledger.files()) >= goal


@pytest.mark.timeout(450)
async def test_killed_again_and_again_every_event_is_in_one_file(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    receiver = Receiver(described(tmp_path, CUT))
    await publish(kafka, namespace)
    # As the process that is killed: the receiver takes files by their names, which begin with the day.
    outbound = built(tmp_path, receiver.spec, now=datetime.now(UTC))
    draw = random.Random(20261128)

    for share in KILLS:
        async with victim(kafka, namespace, tmp_path):
            await until(partial(has_collected, outbound, int(EVENTS * share)))
            await asyncio.sleep(draw.random() / 10)
        if draw.random() < 0.5:
            receiver.take()
    async with victim(kafka, namespace, tmp_path):
        await until(lambda: len(receiver.take()) + outbound.ledger.waiting == EVENTS)
    outbound.cut()
    outbound.deliver()
    numbers = receiver.take()

    assert sorted(numbers) == list(range(EVENTS))
    assert receiver.twice == []
    assert [[n for n in numbers if n % KEYS == key] for key in range(KEYS)] == [
        list(range(key, EVENTS, KEYS)) for key in range(KEYS)
    ]
    runs = [next(iter(receiver.parts(name)))[1]["RUN"] for name in sorted(receiver.taken, key=lambda name: name[-4:])]
    assert runs == list(range(1, len(runs) + 1))
