"""A new service's subscriber: one event at a time, on FastStream.

    inbox = SqliteInbox("view.db", "benefits-view")
    subscriber = Subscriber(connection, group="benefits-view", namespace="prod", inbox=inbox)

    @subscriber.on(BenefitGranted)
    async def show(event: Delivered[BenefitGranted], tx: SqliteTransaction) -> None:
        if event.data is not None:
            tx.connection.execute("INSERT INTO benefit VALUES (?, ?)", (event.data.resident_id, event.data.kind))

    await subscriber.run(stop)

FastStream wires: its broker is `subscriber.broker`, so a handler's further parameters may be its `Depends`
and `Context`, middlewares may be added, `AsyncAPI(subscriber.broker)` knows the payloads, and
`TestKafkaBroker(subscriber.broker)` delivers in memory: there an error of a handler reaches whoever publishes.
`FastStream(subscriber.broker)` runs it as well as `run` does. What becomes of a record is not FastStream's
business but `events.receiver`'s: FastStream's acknowledgement commits whatever was fetched, its parser drops
records whose headers are not text, its nack comes again at once and without end, and an inbound `reply_to`
would make it publish.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from contextvars import ContextVar
from datetime import datetime
from functools import cached_property, partial
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream import AckPolicy, BaseMiddleware, StreamMessage
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from typing_extensions import override

from contracts.event import Event
from contracts.ports import Inbox, InboxTransaction
from events.connection import Connection
from events.delivery import Delivered, Read, Reader, Record, Wanted
from events.receiver import Receiver
from events.retry import Retry
from events.subscription import Subscription
from observability.masking import KeyHash

__all__ = ["Subscriber"]

_E = TypeVar("_E", bound=Event)
_P = ParamSpec("_P")
_EVENT_AND_TX = 2

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)
_handled: ContextVar[tuple[Delivered[Any], InboxTransaction]] = ContextVar("handled")


class Subscriber:
    """Delivers the events of one consumer group to its handlers, one at a time.

    Promises: see `events.receiver`. Throughput: some hundred events a second, since each is a commit of the
    inbox; `BatchSubscriber` has the same promises and is many times faster.

    Args:
        connection: Where Kafka is.
        group: The consumer group, without the namespace: instances with the same group share the partitions.
        namespace: The namespace of topics, as for the publishers.
        inbox: Remembers what was handled; see `events.inbox`.
        retry: How often a handler gets an event that it fails on.
        since: Where a group that has no offsets yet begins; the beginning of the topics without it.
        key_hash: Shows keys as keyed hashes in spans; they are not shown without it.
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
    ) -> None:
        terms = Subscription(namespace=namespace, group=group, retry=retry or Retry(), since=since, key_hash=key_hash)
        self._connection, self._terms, self._inbox = connection, terms, inbox
        self._wanted: list[Wanted] = []
        self._stack = AsyncExitStack()

    def on(
        self, model: type[_E]
    ) -> Callable[
        [Callable[Concatenate[Delivered[_E], Any, _P], Awaitable[None]]],
        Callable[Concatenate[Delivered[_E], Any, _P], Awaitable[None]],
    ]:
        """Handle events of this model's type and topic: `async def handle(event, tx)`.

        `tx` is the inbox's transaction. Further parameters are FastStream's to inject.
        """

        def register(
            handler: Callable[Concatenate[Delivered[_E], Any, _P], Awaitable[None]],
        ) -> Callable[Concatenate[Delivered[_E], Any, _P], Awaitable[None]]:
            if "broker" in vars(self):
                raise RuntimeError("declare all handlers before `broker` or `run` is used")
            self._wanted.append(Wanted(model=model, call=handler))
            return handler

        return register

    @cached_property
    def broker(self) -> KafkaBroker:
        """Return FastStream's broker with all handlers; none can be declared afterwards.

        Raises:
            ValueError: There is no handler, or there are two for one type.
        """
        reader = Reader(self._terms.namespace, self._wanted)
        receiver = Receiver(self._connection, self._terms, inbox=self._inbox)
        return _Broker(self._connection, reader, receiver)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; then finish the current event, commit and leave.

        Raises:
            BrokerUnavailableError: The broker does not answer at the start. Later, it is waited for.
        """
        async with self:
            await stop.wait()

    async def __aenter__(self) -> Self:
        """Begin to deliver."""
        async with AsyncExitStack() as stack:
            stack.push_async_exit(self.broker)
            await self.broker.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the current event, commit and leave; when cancelled, the current event is rolled back."""
        await self._stack.__aexit__(kind, error, trace)


class _Errors:
    """Takes FastStream's log: without it, every message is a line or two on standard output."""

    def log(
        self, level: int, message: object, /, *, exc_info: BaseException | None = None, extra: object = None
    ) -> None:
        del extra
        if level >= logging.ERROR:
            _log.error(str(message), exc_info=exc_info)


class _Message(KafkaMessage):
    """FastStream's message with what we read; it is never acknowledged through FastStream."""

    def __init__(self, read: Read) -> None:
        record = read.record
        super().__init__(
            raw_message=record,
            body=record.value,
            headers={name: (value or b"").decode(errors="replace") for name, value in record.headers},
            correlation_id=f"{record.topic}-{record.partition}-{record.offset}",
            consumer=FAKE_CONSUMER,
        )
        self.read = read


class _Broker(KafkaBroker):
    """FastStream's broker, whose start and stop are also those of the receiver."""

    def __init__(self, connection: Connection, reader: Reader, receiver: Receiver) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - FastStream's own signature
            **connection.broker_options(),
            consumer_only=True,
            graceful_timeout=None,
            middlewares=[partial(_Delivery, self)],
            logger=_Errors(),
        )
        self.receiver = receiver
        self.reader = reader
        self.undelivered: Record | None = None
        subscription = self.subscriber(
            *(topic.name for topic in reader.topics),
            group_id=receiver.terms.group_id,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            listener=receiver,
            parser=self._parse,
            decoder=_decode,
        )
        for wanted in reader.wanted.values():
            subscription(_adapted(wanted), filter=_for(wanted))
        self.subscription = subscription

    async def _parse(self, record: Record) -> _Message:
        return _Message(self.reader.read(record))

    @override
    async def start(self) -> None:
        await self.receiver.start(self.reader.topics)
        await self.connect()
        self.config.broker_config.builder = partial(self.receiver.connect, partial(_Consumer, self))
        await super().start()
        self.subscription.add_task(self.receiver.commit_regularly)

    @override
    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.receiver.stop)
            stack.push_async_callback(super().stop, exc_type, exc_val, exc_tb)
            await self.receiver.drain(wait=exc_type is None)

    async def lost(self) -> None:
        """Deliver what FastStream took and did not: it failed before it came to us, and it tells nobody."""
        if self.undelivered is not None:
            read, self.undelivered = self.reader.read(self.undelivered), None
            await self.receiver.receive([read], _not_delivered)


class _Consumer(AIOKafkaConsumer):
    """A consumer that notices when the record before this one was not delivered."""

    def __init__(self, broker: _Broker, **options: Any) -> None:  # noqa: ANN401 - aiokafka's own options
        super().__init__(**options)
        self._broker = broker

    @override
    async def getone(self, *partitions: TopicPartition) -> Record:
        await self._broker.lost()
        self._broker.undelivered = record = await super().getone(*partitions)
        return record


class _Delivery(BaseMiddleware):
    """Hands a message to the receiver instead of straight to its handler."""

    def __init__(self, broker: _Broker, msg: Any, /, **context: Any) -> None:  # noqa: ANN401 - FastStream's signature
        super().__init__(msg, **context)
        self._broker = broker

    @override
    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]) -> Any:
        if not isinstance(msg, _Message):
            return await call_next(msg)

        async def call(events: Sequence[Delivered[Any]], tx: InboxTransaction) -> None:
            token = _handled.set((events[0], tx))
            try:
                await call_next(msg)
            finally:
                _handled.reset(token)

        self._broker.undelivered = None
        await self._broker.receiver.receive([msg.read], call)
        return None


async def _decode(message: StreamMessage[Any]) -> Event | None:
    read = message.read if isinstance(message, _Message) else None
    return read.data if isinstance(read, Delivered) else None


def _for(wanted: Wanted) -> Callable[[StreamMessage[Any]], Awaitable[bool]]:
    async def suits(message: StreamMessage[Any]) -> bool:
        # What is not for any handler suits the first: the receiver deals with it before it would be called.
        read = message.read if isinstance(message, _Message) else None
        return not isinstance(read, Delivered) or read.model is wanted.model

    return suits


def _adapted(wanted: Wanted) -> Callable[..., Awaitable[None]]:
    """Return the handler as FastStream wants it: the payload's model first, then what is injected."""

    async def handler(body: Any, **injected: Any) -> None:  # noqa: ANN401 - FastStream decides
        del body
        await wanted.call(*_handled.get(), **injected)

    injected = list(inspect.signature(wanted.call, eval_str=True).parameters.values())[_EVENT_AND_TX:]
    body = inspect.Parameter("body", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=wanted.model | None)
    handler.__signature__ = inspect.Signature([body, *injected])  # type: ignore[attr-defined]
    handler.__name__ = getattr(wanted.call, "__name__", wanted.model.__name__)
    handler.__doc__ = wanted.call.__doc__
    return handler


async def _not_delivered(_: Sequence[Delivered[Any]], __: InboxTransaction) -> None:
    raise RuntimeError("FastStream failed before the handler was called: a middleware, or an injected parameter")
