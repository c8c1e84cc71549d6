"""What only a real broker does for the log: it looks up times, and refuses topics."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from contracts.errors import BrokerUnavailableError, ConfigError
from contracts.ports import LogRecord
from events.connection import Connection
from events.log import KafkaLog, latest
from events.topics import Topic, ensure

NOW = datetime.now(UTC).replace(microsecond=0)


async def test_reading_begins_at_a_point_in_time(kafka: Connection, namespace: str) -> None:
    async with KafkaLog(kafka, topics=[Topic(name=namespace)]) as log:
        for hours in (3, 2, 1):
            stamp = int((NOW - timedelta(hours=hours)).timestamp() * 1000)
            await log.append(namespace, [LogRecord(key=b"k", value=b"%d" % hours, timestamp_ms=stamp)])

        since = [record.value async for record in log.read(namespace, since=NOW - timedelta(hours=2))]
        later = [record.value async for record in log.read(namespace, since=NOW + timedelta(hours=1))]

    assert since == [b"2", b"1"]
    assert later == []


async def test_a_topic_that_the_broker_cant_make_is_named(kafka: Connection, namespace: str) -> None:
    many = kafka.model_copy(update={"replication_factor": 99})

    with pytest.raises(BrokerUnavailableError, match=f"topic {namespace}: InvalidReplicationFactor"):
        await ensure(many, [Topic(name=namespace, partitions=1)])


async def test_a_topic_that_comes_a_moment_later_is_read(kafka: Connection, namespace: str) -> None:
    reading = asyncio.create_task(latest(kafka, namespace))
    await asyncio.sleep(0.3)
    await ensure(kafka, [Topic(name=namespace, partitions=1)])

    assert await reading == {}


async def test_a_topic_that_does_not_come_is_named(kafka: Connection, namespace: str) -> None:
    with pytest.raises(ConfigError, match=f"there is no topic {namespace}"):
        await latest(kafka, namespace)
