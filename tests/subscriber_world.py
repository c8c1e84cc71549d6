"""A consumer group on a topic of its own, for the tests of both subscribers."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.event import Event, Personal, Public
from contracts.ports import LogRecord
from events.batch_subscriber import BatchSubscriber
from events.connection import Connection
from events.delivery import Delivered
from events.envelope import Header
from events.inbox import SqliteInbox, SqliteTransaction
from events.log import committed
from events.retry import Retry
from events.subscriber import Subscriber
from events.topics import dead_letter_topic, ensure, event_topic
from observability.masking import KeyHash

Way: TypeAlias = Literal["one by one", "in batches"]
OneHandler: TypeAlias = Callable[[Delivered[Any], SqliteTransaction], Awaitable[None]]

QUICK = Retry(attempts=3, first=timedelta(milliseconds=20), longest=timedelta(milliseconds=40))
SECONDS = 30
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Granted(Event):
    """A benefit was granted."""

    type = "org.example.benefit.granted.v1"
    topic = "benefits"
    number: Public[int]
    resident: Personal[str] = "12345"


class Ended(Event):
    """A benefit ended; on the same topic."""

    type = "org.example.benefit.ended.v1"
    topic = "benefits"
    number: Public[int]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A record as it is published."""

    key: bytes | None = b"a"
    value: bytes | None
    headers: Sequence[Header]
    partition: int = 0
    timestamp_ms: int | None = None


def event(number: int, *, model: type[Event] = Granted, more: Sequence[Header] = (), **sent: Any) -> Sent:
    headers: list[Header] = [
        ("ce_specversion", b"1.0"),
        ("ce_source", b"/banyan/test/benefits"),
        ("ce_type", model.type.encode()),
        ("ce_id", f"nightly:{number}".encode()),
        ("ce_traceparent", TRACEPARENT.encode()),
        *more,
    ]
    sent.setdefault("value", b'{"number": %d}' % number)
    return Sent(headers=headers, **sent)


def number(delivered: Delivered[Any]) -> int:
    assert isinstance(delivered.data, Granted | Ended)
    return delivered.data.number


@dataclass
class World:
    """A group on a topic, and what its handler saw."""

    connection: Connection
    namespace: str
    way: Way
    inbox: SqliteInbox
    seen: list[int | None] = field(default_factory=list[int | None])
    handled: list[Delivered[Any]] = field(default_factory=list[Delivered[Any]])
    group = "benefits-view"

    @property
    def group_id(self) -> str:
        return f"{self.namespace}.{self.group}"

    @property
    def topic(self) -> str:
        return f"{self.namespace}.benefits"

    async def see(self, delivered: Delivered[Any], _: SqliteTransaction) -> None:
        self.seen.append(None if delivered.data is None else number(delivered))
        self.handled.append(delivered)

    def subscriber(
        self,
        handlers: Mapping[type[Event], OneHandler] | None = None,
        *,
        retry: Retry = QUICK,
        since: datetime | None = None,
        key_hash: KeyHash | None = None,
    ) -> Subscriber | BatchSubscriber:
        kind = Subscriber if self.way == "one by one" else BatchSubscriber
        subscriber = kind(
            self.connection,
            group=self.group,
            namespace=self.namespace,
            inbox=self.inbox,
            retry=retry,
            since=since,
            key_hash=key_hash,
        )
        for model, handler in (handlers or {Granted: self.see}).items():
            if isinstance(subscriber, Subscriber):
                subscriber.on(model)(handler)
            else:
                subscriber.on(model)(_each(handler))
        return subscriber

    @asynccontextmanager
    async def running(
        self, handlers: Mapping[type[Event], OneHandler] | None = None, **options: Any
    ) -> AsyncGenerator[asyncio.Event, None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.subscriber(handlers, **options).run(stop))
            try:
                yield stop
            finally:
                stop.set()

    async def publish(self, *records: Sent, together: bool = False) -> None:
        await ensure(self.connection, [event_topic(self.namespace, "benefits")])
        producer = AIOKafkaProducer(**self.connection.producer_options(), enable_idempotence=True)
        await producer.start()
        try:
            for batch in [records] if together else [[record] for record in records]:
                await send(producer, self.topic, *batch)
        finally:
            await producer.stop()

    async def dead(self) -> list[LogRecord]:
        topic = dead_letter_topic(self.namespace, self.group)
        await ensure(self.connection, [topic])
        return [record async for record in committed(self.connection, topic.name)]

    async def committed(self, partition: int = 0) -> int | None:
        consumer = AIOKafkaConsumer(
            **self.connection.consumer_options(), group_id=self.group_id, enable_auto_commit=False
        )
        await consumer.start()
        try:
            return await consumer.committed(TopicPartition(self.topic, partition))
        finally:
            await consumer.stop()


def _each(handler: OneHandler) -> Callable[[Sequence[Delivered[Any]], SqliteTransaction], Awaitable[None]]:
    async def handle(events: Sequence[Delivered[Any]], tx: SqliteTransaction) -> None:
        for delivered in events:
            await handler(delivered, tx)

    return handle


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def send(producer: AIOKafkaProducer, topic: str, *records: Sent) -> None:
    # As a batch: aiokafka's `send` refuses a record without key and value, which Kafka does not.
    batch = producer.create_batch()
    for record in records:
        batch.append(key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=list(record.headers))
    await (await producer.send_batch(batch, topic, partition=records[0].partition))
