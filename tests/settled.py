"""Reading what was committed: Kafka writes the markers of a transaction a moment after it confirms the commit."""

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.ports import LogRecord
from events.connection import Connection
from events.log import committed, latest

__all__ = ["committed_records", "committed_state"]

_SECONDS = 10.0
"""The longest wait: a transaction that a test left open on purpose stays open."""


async def committed_records(connection: Connection, topic: str) -> list[LogRecord]:
    """Return the committed records of a topic when no transaction is open there any more."""
    await _settle(connection, topic)
    return [record async for record in committed(connection, topic)]


async def committed_state(connection: Connection, topic: str) -> dict[bytes, LogRecord]:
    """Return the newest committed record of each key when no transaction is open there any more."""
    await _settle(connection, topic)
    return await latest(connection, topic)


async def _settle(connection: Connection, topic: str) -> None:
    if not connection.creates_topics_itself:  # the embedded broker has no transactions that are open afterwards
        deadline = asyncio.get_running_loop().time() + _SECONDS
        while await _ends(connection, topic, "read_committed") != await _ends(connection, topic, "read_uncommitted"):
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(0.05)


async def _ends(connection: Connection, topic: str, isolation: str) -> Mapping[TopicPartition, int]:
    consumer = AIOKafkaConsumer(**connection.consumer_options(), isolation_level=isolation)
    await consumer.start()
    try:
        known = await consumer._client._wait_on_metadata(topic)
        return await consumer.end_offsets([TopicPartition(topic, partition) for partition in known])
    finally:
        await consumer.stop()
