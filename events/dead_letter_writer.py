"""Writes what a consumer group could not handle to its dead-letter topic, as it arrived.

Value, key and headers keep their bytes, and the headers their order, doubles and nulls; the context follows
them (`events.dead_letter`). At least once: a crash between the dead letter and the offset writes it again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from contracts.errors import BrokerUnavailableError
from contracts.ports import DeadLetter
from events.connection import Connection
from events.dead_letter import dead_headers
from events.delivery import Record
from events.envelope import Header
from events.topics import dead_letter_topic, ensure

__all__ = ["DeadLetterWriter", "Hopeless"]

PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hopeless:
    """A record that is dead-lettered, and why."""

    record: Record
    error: str
    """Name of the error class."""
    reason: str
    """What was expected and where; no personal data."""
    attempts: int = 0
    """How often a handler had it."""


class DeadLetterWriter:
    """The dead-letter topic of one consumer group."""

    def __init__(self, connection: Connection, *, namespace: str, group: str) -> None:
        self._connection, self._group = connection, group
        self._topic = dead_letter_topic(namespace, group)
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Create the topic and connect.

        Raises:
            BrokerUnavailableError: The broker does not answer.
        """
        await ensure(self._connection, [self._topic])
        self._producer = AIOKafkaProducer(**self._connection.producer_options(), enable_idempotence=True)
        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            await self.stop()
            raise BrokerUnavailableError(self._connection.name, reason=type(error).__name__) from error

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def write(self, letters: Sequence[Hopeless]) -> None:
        """Write them; returns when the broker has acknowledged them all.

        Raises:
            BrokerUnavailableError: Not all were acknowledged; some may be written.
        """
        if self._producer is None:
            raise RuntimeError("not started")
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                sent = [await self._send(self._producer, letter) for letter in letters]
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError) as error:
            raise BrokerUnavailableError(self._connection.name, reason=type(error).__name__) from error

    async def _send(self, producer: AIOKafkaProducer, letter: Hopeless) -> asyncio.Future[RecordMetadata]:
        record, headers = letter.record, self._headers(letter)
        if record.key is not None or record.value is not None:
            return await producer.send(self._topic.name, record.value, key=record.key, headers=headers)
        # aiokafka refuses a record of two nulls, though Kafka does not; in a batch of its own it may pass.
        batch = producer.create_batch()
        batch.append(key=None, value=None, timestamp=None, headers=headers)
        partition = min(await producer.partitions_for(self._topic.name))
        return await producer.send_batch(batch, self._topic.name, partition=partition)

    def _headers(self, letter: Hopeless) -> list[Header]:
        record = letter.record
        context = DeadLetter(
            position=f"{record.partition}:{record.offset}",
            key=record.key,
            value=record.value,
            headers=record.headers,
            error=letter.error,
            reason=letter.reason,
            attributes={
                "topic": record.topic,
                "partition": str(record.partition),
                "offset": str(record.offset),
                "timestamp": str(record.timestamp),
                "group": self._group,
                "attempts": str(letter.attempts),
            },
        )
        return dead_headers(context, owner=self._group, stream=record.topic, at=datetime.now(UTC))
