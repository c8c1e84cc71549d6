"""A new service's subscriber for throughput: many events at a time, on aiokafka alone.

    subscriber = BatchSubscriber(connection, group="benefits-view", namespace="prod", inbox=inbox)

    @subscriber.on(BenefitGranted)
    async def show(events: Sequence[Delivered[BenefitGranted]], tx: SqliteTransaction) -> None:
        tx.connection.executemany("INSERT INTO benefit VALUES (?, ?)", ...)

    await subscriber.run(stop)

The promises are those of `Subscriber` (see `events.receiver`). A batch is events of one partition, in order,
in one transaction of the inbox; where types alternate, their handlers are called in turns, each with what
comes next. A batch that fails is handled again in halves, down to the event that fails, which alone is tried
again and dead-lettered.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal, TypeVar, overload

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from contracts.errors import BrokerUnavailableError
from contracts.event import Event
from contracts.ports import Inbox, InboxTransaction
from events.connection import Connection
from events.delivery import BatchHandler, Delivered, Reader, Record, Wanted
from events.receiver import Receiver
from events.retry import Retry
from events.subscription import Subscription
from events.whole_receiver import WholeReceiver
from observability.masking import KeyHash

__all__ = ["BatchSubscriber"]

MOST_EVENTS = 5000
FETCH_MS = 200
FETCH_BYTES = 4 * 1024 * 1024
PAUSE_AFTER_ERROR = 1.0

_E = TypeVar("_E", bound=Event)

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class BatchSubscriber:
    """Delivers the events of one consumer group to its handlers, many at a time.

    Arguments as for `Subscriber`, and:

    Args:
        whole_files: Hand on a file's events on a partition only when all of them are there (see
            `events.whole_receiver`): in one transaction of the inbox, in as many calls as it takes, each event with
            `file`. A handler of `FileDelivered` is called after them, in the same transaction.

    A handler is called with at most 5000 events.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        group: str,
        namespace: str,
        inbox: Inbox,
        retry: Retry | None = None,
        since: datetime | None = None,
        key_hash: KeyHash | None = None,
        whole_files: bool = False,
    ) -> None:
        terms = Subscription(
            namespace=namespace, group=group, retry=retry or Retry(), since=since, key_hash=key_hash, batches=True
        )
        self._connection, self._terms, self._inbox = connection, terms, inbox
        self._whole_files = whole_files
        self._wanted: list[Wanted] = []

    @overload
    def on(self, model: type[_E], *, raw: Literal[False] = False) -> Callable[[BatchHandler[_E]], BatchHandler[_E]]: ...
    @overload
    def on(self, model: type[_E], *, raw: Literal[True]) -> Callable[[BatchHandler[bytes]], BatchHandler[bytes]]: ...
    def on(self, model: type[Event], *, raw: bool = False) -> Callable[[BatchHandler[Any]], BatchHandler[Any]]:
        """Handle events of this model's type and topic: `async def handle(events, tx)`.

        With `raw`, an event's data stays bytes and is not checked against the contract, and its envelope is
        decoded when it is asked for. That is about twice as fast.
        """

        def register(handler: BatchHandler[Any]) -> BatchHandler[Any]:
            self._wanted.append(Wanted(model=model, call=handler, raw=raw))
            return handler

        return register

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; then finish the current batch, commit and leave.

        Raises:
            BrokerUnavailableError: The broker does not answer at the start. Later, it is waited for.
            ValueError: There is no handler, or there are two for one type.
        """
        reader = Reader(self._terms.namespace, self._wanted)
        if self._whole_files:
            receiver: Receiver = WholeReceiver(self._connection, self._terms, inbox=self._inbox, reader=reader)
        else:
            receiver = Receiver(self._connection, self._terms, inbox=self._inbox)
        read = reader.read_parts if self._whole_files else reader.read
        call = partial(_call, reader)

        async def receive(records: Sequence[Record]) -> None:
            if not stop.is_set():
                await receiver.receive([read(record) for record in records], call)

        async with self._connected(reader, receiver) as consumer:
            while not stop.is_set():
                await self._deliver(consumer, receive)
                await receiver.commit_when_due()

    @asynccontextmanager
    async def _connected(self, reader: Reader, receiver: Receiver) -> AsyncGenerator[AIOKafkaConsumer, None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(receiver.stop)
            await receiver.start(reader.topics)
            consumer = receiver.connect(AIOKafkaConsumer, max_partition_fetch_bytes=FETCH_BYTES)
            consumer.subscribe([topic.name for topic in reader.topics], listener=receiver)
            stack.push_async_callback(consumer.stop)
            try:
                await consumer.start()
            except (KafkaError, OSError) as error:
                raise BrokerUnavailableError(self._connection.name, reason=type(error).__name__) from error
            stack.push_async_callback(receiver.drain)
            yield consumer

    async def _deliver(
        self, consumer: AIOKafkaConsumer, receive: Callable[[Sequence[Record]], Awaitable[None]]
    ) -> None:
        try:
            fetched = await consumer.getmany(timeout_ms=FETCH_MS, max_records=MOST_EVENTS)
        except KafkaError as error:
            _log.warning("can't fetch", error=type(error).__name__)
            await asyncio.sleep(PAUSE_AFTER_ERROR)
            return
        for records in fetched.values():
            await receive(records)


async def _call(reader: Reader, events: Sequence[Delivered[Any]], tx: InboxTransaction) -> None:
    """Call the handlers in turns, so that events of different types keep their order, too."""
    for _, run in groupby(events, key=attrgetter("model")):
        together = list(run)
        await reader.wanted[together[0].model].call(together, tx)
