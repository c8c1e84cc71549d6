"""A real Apache Kafka of our own: it lasts, it may be killed, and its transactions are what the pipeline needs."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerFenced
from typer.testing import CliRunner

from contracts.errors import BrokerUnavailableError, ConfigError
from events.connection import Connection
from events.topics import Topic, ensure
from hub.cli.kafka import app
from hub.local_kafka import LocalKafka
from tests.brokers import NONE, ThreeBrokers, local_kafka


@asynccontextmanager
async def producing(connection: Connection, **options: Any) -> AsyncGenerator[AIOKafkaProducer, None]:
    async with AIOKafkaProducer(**connection.producer_options(), **options) as producer:
        yield producer


async def committed(connection: Connection, topic: str) -> list[bytes | None]:
    """Read what a read_committed consumer sees of partition 0.

    Kafka confirms a commit before it is visible; a producer that takes over the transactional id waits for that.
    """
    async with producing(connection, transactional_id=topic):
        pass
    place = TopicPartition(topic, 0)
    options = connection.consumer_options()
    async with AIOKafkaConsumer(**options, isolation_level="read_committed", auto_offset_reset="earliest") as consumer:
        consumer.assign([place])
        end_offset = (await consumer.end_offsets([place]))[place]
        found: list[bytes | None] = []
        while await consumer.position(place) < end_offset:
            batches = await consumer.getmany(timeout_ms=200)
            found += [record.value for records in batches.values() for record in records]
    return found


async def publish(connection: Connection, topic: str, *values: bytes) -> None:
    """Publish values in one transaction, on a topic that is made first."""
    await ensure(connection, [Topic(name=topic, partitions=1)])
    async with producing(connection, transactional_id=topic) as producer, producer.transaction():
        for value in values:
            await producer.send_and_wait(topic, value)


async def test_aborted_data_are_hidden_from_committed_readers(kafka: Connection, namespace: str) -> None:
    await publish(kafka, namespace, b"one")
    async with producing(kafka, transactional_id=namespace) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(namespace, b"aborted")
        await producer.abort_transaction()

    assert await committed(kafka, namespace) == [b"one"]


async def test_a_newer_producer_ends_the_older_ones_transaction_before_it_starts(
    kafka: Connection, namespace: str
) -> None:
    """Whoever reads right after a producer has started sees all that its predecessor will ever have published."""
    await publish(kafka, namespace, b"one")
    place = TopicPartition(namespace, 0)
    async with producing(kafka, transactional_id=namespace) as older:
        await older.begin_transaction()
        await older.send_and_wait(namespace, b"open")

        async with (
            producing(kafka, transactional_id=namespace),
            AIOKafkaConsumer(**kafka.consumer_options(), isolation_level="read_committed") as committed_only,
            AIOKafkaConsumer(**kafka.consumer_options()) as consumer,
        ):
            stable = await committed_only.end_offsets([place])
            assert stable == await consumer.end_offsets([place]), "nothing is open any more"

        with pytest.raises(ProducerFenced):
            await older.send_and_wait(namespace, b"zombie")

    assert await committed(kafka, namespace) == [b"one"]


@pytest.mark.timeout(240)  # three brokers start on a small machine
async def test_what_is_acknowledged_outlives_a_killed_broker(kafka3: ThreeBrokers, namespace: str) -> None:
    connection = kafka3.connection
    await publish(connection, namespace, b"before")
    async with producing(connection, transactional_id=namespace) as producer:
        async with producer.transaction():
            await producer.send_and_wait(namespace, b"kept")
            leader = await asyncio.to_thread(kafka3.leader, namespace)
            await asyncio.to_thread(kafka3.kill, leader)
            await producer.send_and_wait(namespace, b"by another leader")
        await asyncio.to_thread(kafka3.start, leader)

    states = {status.broker.id: status.running for status in kafka3.local.status()}
    assert states == {1: True, 2: True, 3: True}
    assert await committed(connection, namespace) == [b"before", b"kept", b"by another leader"]


@pytest.mark.timeout(240)  # it starts four times
def test_a_life_of_a_local_kafka_from_the_command_line(tmp_path: Path, namespace: str) -> None:
    """up, status, kill, up again with the data still there, down, wipe."""
    home = ["--home", str(tmp_path / "home")]
    local = LocalKafka(tmp_path / "home")
    run = CliRunner().invoke
    try:
        try:
            local.up()
        except ConfigError:
            pytest.skip(NONE)
        connection = Connection(bootstrap_servers=local.bootstrap)
        asyncio.run(publish(connection, namespace, b"one"))
        running = run(app, ["status", "--json", *home])
        assert (running.exit_code, json.loads(running.stdout)[0]["state"]) == (0, "running")

        local.kill(1)
        stopped = run(app, ["status", *home])
        assert (stopped.exit_code, "stopped" in stopped.stdout) == (1, True)
        again = run(app, ["up", *home])
        assert f"bootstrap_servers: {connection.bootstrap_servers}" in again.stdout
        assert asyncio.run(committed(connection, namespace)) == [b"one"]
        assert json.loads(run(app, ["up", "--json", *home]).stdout)["bootstrap_servers"] == local.bootstrap

        assert "stay" in run(app, ["down", *home]).stdout
        assert [status.running for status in local.status()] == [False]
        local.start(1)
        assert asyncio.run(committed(connection, namespace)) == [b"one"]

        assert "removed" in run(app, ["down", "--wipe", *home]).stdout
        assert list((tmp_path / "home").iterdir()) == []
    finally:
        local.down(wipe=True)


def test_a_broker_that_can_not_start_names_its_log(tmp_path: Path) -> None:
    with local_kafka(tmp_path, brokers=1) as local:
        if local is None:
            pytest.skip(NONE)
        local.down()
        marker = tmp_path / "broker-1" / "data" / "meta.properties"
        marker.write_text(marker.read_text().replace("node.id=1", "node.id=7"))

        with pytest.raises(BrokerUnavailableError, match=r"broker 1 ended; see .*logs"):
            local.up()


def test_a_broker_that_does_not_answer_in_time_is_told(tmp_path: Path) -> None:
    with local_kafka(tmp_path, brokers=1) as local:
        if local is None:
            pytest.skip(NONE)
        process = local.status()[0].broker.process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)  # it lives, but stands still

        with pytest.raises(BrokerUnavailableError, match="no answer after 1 s"):
            local.up(timedelta(seconds=1))
