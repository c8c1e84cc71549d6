"""The `Log` port on Kafka: append, read from, latest per key."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError

from contracts.errors import BrokerUnavailableError, ConfigError
from contracts.ports import LogRecord
from events.connection import Connection
from events.topics import Topic, ensure

__all__ = ["KafkaLog", "committed", "latest", "topics"]

_FETCH_MS = 200
_LEAVE_SECONDS = 5.0
_TOPIC_SECONDS, _TOPIC_TRIES = 1.0, 10
"""How long a topic may stay unknown until it counts as missing."""
_SILENCE_SECONDS = 60.0
"""How long a read to the end waits for anything new; then the broker does not answer."""


class KafkaLog:
    """Append to topics and read what was committed.

    Promise: an append is acknowledged by all replicas in sync and keeps the order of each key; it is at
    least once, since an append that failed half-way is the caller's to repeat.
    """

    def __init__(self, connection: Connection, *, topics: Sequence[Topic] = ()) -> None:
        self._connection = connection
        self._topics = topics
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        """Create the declared topics and connect."""
        await ensure(self._connection, self._topics)
        producer = AIOKafkaProducer(**self._connection.producer_options(), enable_idempotence=True)
        try:
            await producer.start()
        except BaseException as error:
            await producer.stop()
            if isinstance(error, (KafkaError, OSError)):
                raise BrokerUnavailableError(self._connection.name, reason=type(error).__name__) from error
            raise
        self._producer = producer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            # Without a broker it would wait for one without end; what was appended was acknowledged.
            with suppress(TimeoutError):
                await asyncio.wait_for(producer.stop(), _LEAVE_SECONDS)

    async def append(self, topic: str, records: Sequence[LogRecord]) -> None:
        """Append durably, in order for each key; see the port."""
        if self._producer is None:
            raise RuntimeError("the log is open only within `async with`")
        try:
            sent = [
                await self._producer.send(
                    topic,
                    record.value,
                    key=record.key,
                    headers=list(record.headers),
                    timestamp_ms=None if record.timestamp_ms < 0 else record.timestamp_ms,
                )
                for record in records
            ]
            await asyncio.gather(*sent)
        except KafkaError as error:
            raise BrokerUnavailableError(self._connection.name, reason=type(error).__name__) from error

    async def read(
        self,
        topic: str,
        *,
        since: datetime | None = None,
        after: Mapping[int, int] | None = None,
        follow: bool = False,
    ) -> AsyncGenerator[LogRecord]:
        """Yield committed records of all partitions; see the port.

        With `after`, which has an offset for some partitions, these begin with what follows it.
        """
        async with aclosing(committed(self._connection, topic, since=since, after=after, follow=follow)) as records:
            async for record in records:
                yield record

    async def latest(self, topic: str) -> Mapping[bytes, LogRecord]:
        """Return the newest committed record of each key; see the port."""
        return await latest(self._connection, topic)


async def latest(connection: Connection, topic: str, *, uncommitted: bool = False) -> dict[bytes, LogRecord]:
    """Return the newest committed record of each key of a topic; tombstones remove their key.

    With `uncommitted`, records of open and aborted transactions count, too.

    Raises:
        BrokerUnavailableError: The broker does not answer.
    """
    newest: dict[bytes, LogRecord] = {}
    async for record in committed(connection, topic, uncommitted=uncommitted):
        if record.key is None:
            continue
        if record.value is None:
            newest.pop(record.key, None)
        else:
            newest[record.key] = record
    return newest


async def committed(
    connection: Connection,
    topic: str,
    *,
    since: datetime | None = None,
    after: Mapping[int, int] | None = None,
    follow: bool = False,
    uncommitted: bool = False,
) -> AsyncGenerator[LogRecord]:
    """Yield the committed records of a topic, those of each partition in order.

    Begins with what follows the offsets of `after`, else with the moment `since`, else at the beginning. Ends at what
    was committed when the call began (the last stable offset), or follows. With `uncommitted`, records of open and
    aborted transactions are there, too.

    Raises:
        ConfigError: There is no such topic.
        BrokerUnavailableError: The broker does not answer.
    """
    consumer = AIOKafkaConsumer(
        **connection.consumer_options(),
        isolation_level="read_uncommitted" if uncommitted else "read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        await consumer.start()
        if not connection.creates_topics_itself:
            await _require(topic, consumer)
        places = await _assign(consumer, topic)
        ends = await consumer.end_offsets(places)
        moment_ms = -1 if since is None else int(since.timestamp() * 1000)
        # The embedded broker does not look up times: there, all is read, and what is older left out.
        await _seek(consumer, ends, moment_ms if connection.looks_up_times else -1)
        for place in places:
            if after is not None and place.partition in after:
                consumer.seek(place, after[place.partition] + 1)
        async for record in _until(consumer, {} if follow else ends, follow=follow):
            if record.timestamp_ms >= moment_ms or connection.looks_up_times:
                yield record
    except (KafkaError, OSError) as error:
        raise BrokerUnavailableError(connection.name, reason=type(error).__name__) from error
    finally:
        with suppress(TimeoutError):  # without a broker it would wait for one without end
            await asyncio.wait_for(consumer.stop(), _LEAVE_SECONDS)


async def topics(connection: Connection) -> set[str]:
    """Return the names of the topics that there are.

    Raises:
        BrokerUnavailableError: The broker does not answer.
    """
    consumer = AIOKafkaConsumer(**connection.consumer_options())
    try:
        await consumer.start()
        return set(await consumer.topics())
    except (KafkaError, OSError) as error:
        raise BrokerUnavailableError(connection.name, reason=type(error).__name__) from error
    finally:
        await consumer.stop()


async def _require(topic: str, consumer: AIOKafkaConsumer) -> None:
    """Refuse a topic that does not exist; aiokafka would ask for it until it times out.

    A broker may hear of a topic a moment after another one has created it.
    """
    there = await consumer.topics()
    for _ in range(_TOPIC_TRIES):
        if topic in there:
            return
        await asyncio.sleep(_TOPIC_SECONDS / _TOPIC_TRIES)
        there = await consumer.topics()
    if topic not in there:
        namespace = topic.partition(".")[0]
        named = ", ".join(sorted(name for name in there if name.startswith(f"{namespace}."))) or "none"
        raise ConfigError([f"there is no topic {topic}; of the namespace {namespace} there are: {named}"])


async def _assign(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    known = await consumer._client._wait_on_metadata(topic)  # noqa: SLF001 - no public way to ask for one topic
    places = [TopicPartition(topic, partition) for partition in sorted(known)]
    consumer.assign(places)
    return places


async def _seek(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], moment_ms: int) -> None:
    if moment_ms < 0:
        await consumer.seek_to_beginning(*ends)
        return
    found = await consumer.offsets_for_times(dict.fromkeys(ends, moment_ms))
    for place, end in ends.items():
        # Not `seek_to_end`: the reset to the earliest, asked for at the assignment, may answer it.
        consumer.seek(place, end if (at := found[place]) is None else at.offset)


async def _until(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], *, follow: bool
) -> AsyncGenerator[LogRecord]:
    """Yield until every partition's position reached its end; markers of transactions move it, too."""
    left = {place for place, end in ends.items() if await consumer.position(place) < end}
    places, deadline = None, time.monotonic() + _SILENCE_SECONDS
    while follow or left:
        fetched = await consumer.getmany(timeout_ms=_FETCH_MS)
        if not follow:
            moved = [await consumer.position(place) for place in ends]
            if moved != places:
                places, deadline = moved, time.monotonic() + _SILENCE_SECONDS
            elif time.monotonic() > deadline:
                raise KafkaTimeoutError
        for place, records in fetched.items():
            for record in records:
                if follow or record.offset < ends[place]:
                    yield _log_record(record)
        left = {place for place in left if await consumer.position(place) < ends[place]}


def _log_record(record: ConsumerRecord[bytes, bytes]) -> LogRecord:
    return LogRecord(
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
    )
