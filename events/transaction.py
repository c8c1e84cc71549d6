"""Kafka transactions by aiokafka's batch API: the fast, exact way to write.

The transactional id fences: entering ends the open transaction of whoever used it before, and refuses all
that it sends from then on. Memory is bounded: per partition one batch is filled, one waits and one is on
its way; when the broker stalls, `send` waits.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    IllegalOperation,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from contracts.errors import BrokerRefusedError, BrokerUnavailableError
from events.connection import Connection
from events.envelope import Header
from events.partitioner import partitions

__all__ = ["Row", "TransactionalWriter"]

Row = tuple[bytes | None, bytes | None, list[Header]]
"""Key, value and headers."""

_LEAVE_SECONDS = 5.0
_SPENT = (AssertionError, IllegalOperation)
"""aiokafka's words for a step that a transaction, refused or failed meanwhile, no longer takes."""
_FOR_GOOD = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
"""What Kafka would refuse again."""


class TransactionalWriter:
    """Writes rows to topics in transactions, under one transactional id.

    Use as a context manager. Every call raises `BrokerUnavailableError` when Kafka does not acknowledge
    within `patience`, or refuses this writer since another has its transactional id; then the outcome of
    an open commit is unknown until the id is entered again, which waits for it.
    """

    def __init__(self, transactional_id: str, connection: Connection, *, patience: timedelta) -> None:
        self._connection, self._patience = connection, patience
        self._producer = AIOKafkaProducer(
            **connection.producer_options(),
            transactional_id=transactional_id,
            transaction_timeout_ms=int(patience.total_seconds() * 1000),
        )
        self._sent: list[asyncio.Future[Any]] = []
        self._open = False

    async def __aenter__(self) -> Self:
        """Connect and fence; what the id's older writer left open is ended when this returns."""
        try:
            async with self._translated():
                await self._producer.start()
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; an open transaction is aborted: here, by the next that enters, or by Kafka in time."""
        try:
            if self._open and not isinstance(error, BrokerUnavailableError):
                with suppress(KafkaError, OSError, TimeoutError, *_SPENT):
                    async with asyncio.timeout(_LEAVE_SECONDS):
                        await self._producer.abort_transaction()
        finally:
            await self._leave()

    async def begin(self) -> None:
        """Begin a transaction."""
        self._sent = []
        async with self._translated():
            await self._producer.begin_transaction()
        self._open = True

    async def partition_count(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        async with self._translated():
            return len(await self._producer.partitions_for(topic))

    async def send(self, topic: str, rows: Iterable[Row | None], *, keys: Sequence[bytes] | None) -> Mapping[int, int]:
        """Send rows; each goes to the partition of its key in `keys`, or all to partition 0.

        A row that is None is left out. Returns when all are handed to the connection; with `keys`, how many rows
        went to each partition.
        """
        count = await self.partition_count(topic)
        return await self.send_to(topic, rows, places=None if keys is None else partitions(keys, count).tolist())

    async def send_to(
        self, topic: str, rows: Iterable[Row | None], *, places: Sequence[int] | None
    ) -> Mapping[int, int]:
        """Send rows, each to the partition at its index in `places`, or all to partition 0; otherwise as `send`."""
        sent: Counter[int] = Counter(places or ())
        async with self._translated():
            now_ms = int(time.time() * 1000)
            builders = {place: self._producer.create_batch() for place in sent or (0,)}
            for index, row in enumerate(rows):
                place = places[index] if places else 0
                if row is None:
                    sent[place] -= 1
                    continue
                if not _append(builders[place], now_ms, row):
                    await self._hand_over(topic, place, builders[place])
                    builders[place] = self._producer.create_batch()
                    _append(builders[place], now_ms, row)
            for place, builder in builders.items():
                await self._hand_over(topic, place, builder)
        return sent

    async def acknowledged(self) -> None:
        """Wait until the broker has acknowledged all that was sent."""
        async with self._translated():
            await asyncio.gather(*self._sent)

    async def commit(self) -> None:
        """Commit the transaction."""
        async with self._translated():
            await self._producer.commit_transaction()
        self._open = False

    async def _hand_over(self, topic: str, partition: int, builder: BatchBuilder) -> None:
        if builder.record_count():
            sent = await self._producer.send_batch(builder, topic, partition=partition)
            sent.add_done_callback(_heard)
            self._sent.append(sent)

    @asynccontextmanager
    async def _translated(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                yield
        except ProducerFenced as error:
            reason = f"refused: another has the transactional id, or a transaction took over {self._patience}"
            raise BrokerUnavailableError(self._connection.name, reason=reason) from error
        except _SPENT as error:
            raise BrokerUnavailableError(self._connection.name, reason="the transaction was refused before") from error
        except _FOR_GOOD as error:
            raise BrokerRefusedError(self._connection.name, reason=type(error).__name__) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokerUnavailableError(self._connection.name, reason=type(error).__name__) from error

    async def _leave(self) -> None:
        """Close within bounds: a producer whose broker is away would wait for it."""
        for future in self._sent:
            future.cancel()
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._producer.stop()
        except (KafkaError, OSError, TimeoutError) as error:
            await self._producer.client.close()
            # What stop() still waits for; there is no public way to give up.
            self._producer._message_accumulator.fail_all(error)  # noqa: SLF001
            if (sender := self._producer._sender.sender_task) is not None:  # noqa: SLF001
                sender.cancel()


def _heard(sent: asyncio.Future[Any]) -> None:
    """Take note of a failure that nobody waits for any more; the transaction fails with it."""
    if not sent.cancelled():
        sent.exception()


def _append(builder: BatchBuilder, timestamp_ms: int, row: Row) -> bool:
    """Append a row, and tell whether the batch had room for it; an empty one always has."""
    key, value, headers = row
    return builder.append(timestamp=timestamp_ms, key=key, value=value, headers=headers) is not None
