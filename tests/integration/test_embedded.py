"""The embedded broker speaks Kafka's protocol, and differs where its connection says so."""

import socket

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka import KafkaException

from contracts.errors import BrokerUnavailableError
from events import embedded as module
from events.connection import Connection
from events.embedded import NOTICE, EmbeddedKafka


async def values(connection: Connection, topic: str) -> list[bytes | None]:
    """Read all of partition 0 as a read_committed consumer sees it."""
    place = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(
        **connection.consumer_options(), isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        found: list[bytes | None] = []
        while await consumer.position(place) < end:
            batches = await consumer.getmany(timeout_ms=200)
            found += [record.value for records in batches.values() for record in records]
    finally:
        await consumer.stop()
    return found


async def test_a_transaction_is_accepted_and_read(embedded: Connection, namespace: str) -> None:
    producer = AIOKafkaProducer(**embedded.producer_options(), transactional_id=namespace)
    async with producer, producer.transaction():
        await producer.send(namespace, b"one", partition=0, headers=[("ce_id", b"1"), ("none", None)])
        await producer.send(namespace, None, key=b"gone", partition=0)

    assert await values(embedded, namespace) == [b"one", None]


async def test_topics_are_there_when_asked_for_with_the_partitions_it_says(
    embedded: Connection, namespace: str
) -> None:
    async with AIOKafkaProducer(**embedded.producer_options()) as producer:
        partitions = await producer.partitions_for(namespace)

    assert embedded.creates_topics_itself
    assert len(partitions) == embedded.default_partitions


async def test_aborted_data_stay_visible_as_the_connection_says(embedded: Connection, namespace: str) -> None:
    async with AIOKafkaProducer(**embedded.producer_options(), transactional_id=namespace) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(namespace, b"aborted", partition=0)
        await producer.abort_transaction()

    assert not embedded.hides_aborted
    assert await values(embedded, namespace) == [b"aborted"]


async def test_an_older_producer_is_not_fenced_as_the_connection_says(embedded: Connection, namespace: str) -> None:
    older, newer = (
        AIOKafkaProducer(**embedded.producer_options(), transactional_id=namespace) for _ in ("older", "newer")
    )
    async with older, newer, older.transaction():
        await older.send_and_wait(namespace, b"zombie", partition=0)

    assert not embedded.fences
    assert await values(embedded, namespace) == [b"zombie"]


def test_it_says_what_it_can_not_do_and_is_gone_afterwards() -> None:
    told: list[str] = []

    with EmbeddedKafka(tell=told.append) as connection:
        host, port = connection.bootstrap_servers.split(":")
        socket.create_connection((host, int(port)), timeout=5).close()

    assert told == [NOTICE]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_a_broker_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, _: object) -> None: ...

        def list_topics(self, *, timeout: float) -> None:
            raise KafkaException(f"no broker after {timeout} s")

    monkeypatch.setattr(module, "Producer", Broken)

    with pytest.raises(BrokerUnavailableError, match="embedded Kafka: not available: no broker"):
        EmbeddedKafka().__enter__()
