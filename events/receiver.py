"""What becomes of records: claimed, handled, tried again, dead-lettered, and only then committed.

Both subscribers deliver through this, so they keep the same promises:

- An event is handled at least once; its (source, id) is claimed in the inbox's transaction, so what the
  handler writes through that transaction happens exactly once.
- The events of a partition are handled in order. While one fails, its partition waits, and only that.
- A record that is no CloudEvent, or whose data violates the contract, is dead-lettered at once; so is one
  whose handler raises an error with `retryable = False`. Any other error is tried again; after the last
  attempt the record is dead-lettered, and the partition goes on. How often it was tried is known in memory
  only: a restart, or a move of the partition to another member, counts anew.
- When the inbox or the dead-letter topic does not answer, the partition waits as long as it takes: neither
  is the record's fault.
- An offset is committed when all before it is handled or dead-lettered.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener

from contracts.errors import UnavailableError
from contracts.ports import Inbox, InboxTransaction
from events.connection import Connection
from events.dead_letter_writer import DeadLetterWriter, Hopeless
from events.delivery import Delivered, Read, Refused, reason
from events.offsets import COMMIT_AFTER, Offsets, begin_at
from events.subscription import Subscription
from events.topics import Topic, ensure
from events.waiting import Waiting
from observability import fields
from observability.metrics import Metrics

__all__ = ["Call", "Failure", "Receiver", "called"]

Call: TypeAlias = Callable[[Sequence[Delivered[Any]], InboxTransaction], Awaitable[None]]
"""Calls the handlers with events that nobody has handled yet, in order."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why events were not handled."""

    error: Exception
    handlers: bool
    """Whether it is the handler's; otherwise the inbox did not answer."""


class Receiver(ConsumerRebalanceListener):
    """Takes the records of one consumer, a partition's at a time."""

    def __init__(self, connection: Connection, terms: Subscription, *, inbox: Inbox) -> None:
        self.consumer: AIOKafkaConsumer | None = None
        self.terms = terms
        self._connection, self._inbox = connection, inbox
        self._dead_letters = DeadLetterWriter(connection, namespace=terms.namespace, group=terms.group)
        self._offsets, self._waiting, self._metrics = Offsets(), Waiting(terms.retry), Metrics()
        self._busy = asyncio.Lock()
        self._draining = False
        self._owned: set[TopicPartition] = set()

    async def start(self, topics: Sequence[Topic]) -> None:
        """Create the topics that are missing, set the group's beginning, and connect the dead letters.

        Raises:
            BrokerUnavailableError: The broker does not answer.
        """
        await ensure(self._connection, topics)
        if self.terms.since is not None:
            names = [topic.name for topic in topics]
            await begin_at(self._connection, self.terms.group_id, names, since=self.terms.since)
        await self._dead_letters.start()
        self._draining = False

    def connect(self, make: Callable[..., AIOKafkaConsumer], **options: Any) -> AIOKafkaConsumer:  # noqa: ANN401 - aiokafka's
        """Make the consumer whose records are received; what our promises rest on can't be overruled."""
        fixed = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "isolation_level": "read_committed"}
        group = {"group_id": self.terms.group_id}
        self.consumer = make(**{**options, **self._connection.consumer_options(), **fixed, **group})
        return self.consumer

    async def drain(self, *, wait: bool = True) -> None:
        """Take no more records, finish the current ones (unless told not to wait), and commit."""
        self._draining = True
        self._waiting.stop()
        if wait:
            async with self._busy:
                pass
        await self.commit()

    async def stop(self) -> None:
        """Disconnect."""
        await self._dead_letters.stop()
        self.consumer = None

    async def commit(self) -> None:
        """Commit what was handled."""
        if self.consumer is not None:
            await self._offsets.commit(self.consumer)

    async def commit_when_due(self) -> None:
        """Commit what was handled, if it is much or some time ago."""
        if self._offsets.due:
            await self.commit()

    async def commit_regularly(self) -> None:
        """Commit every second; never returns."""
        while True:
            await asyncio.sleep(COMMIT_AFTER.total_seconds())
            await self.commit_when_due()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish the current records and commit before somebody else takes over."""
        del revoked
        async with self._busy:
            await self.commit()
            self._offsets.forget()
            self._owned.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Take over; a partition that was waiting and came back goes on waiting."""
        self._owned = set(assigned)
        if self.consumer is not None:
            self._waiting.assigned(self.consumer, assigned)

    async def receive(self, reads: Sequence[Read], call: Call) -> None:
        """Handle consecutive records of one partition; raises nothing but a cancellation.

        Without a consumer, as with FastStream's in-memory broker, there is nothing to come again from, and
        errors are raised.
        """
        if self.consumer is None:
            await self._in_memory(reads, call)
            return
        first = reads[0].record
        place = TopicPartition(first.topic, first.partition)
        async with self._busy:
            if self._draining or place not in self._owned:
                return
            self._metrics.consumed(place.topic, len(reads), group=self.terms.group_id)
            try:
                await self._in_order(place, reads, call)
            except Exception as error:  # noqa: BLE001 - whatever it is, the offset must not move past the records
                self._wait(place, first.offset, error)
            await self.commit_when_due()

    async def _in_memory(self, reads: Sequence[Read], call: Call) -> None:
        for read in reads:
            if isinstance(read, Refused):
                raise read.error
        events = [read for read in reads if isinstance(read, Delivered)]
        async with self._inbox.transaction() as tx:
            new = await tx.claim([event.identity for event in events])
            if fresh := [event for event, is_new in zip(events, new, strict=True) if is_new]:
                await call(fresh, tx)

    async def _in_order(self, place: TopicPartition, reads: Sequence[Read], call: Call) -> bool:
        """Handle them, and tell whether all are done; where not, the partition waits."""
        suspect = self._waiting.suspect(place)
        for (refused, _), run in groupby(
            reads, key=lambda read: (isinstance(read, Refused), read.record.offset == suspect)
        ):
            together = list(run)
            done = await (self._refuse(place, together) if refused else self._handle(place, together, call))
            if not done:
                return False
        return True

    async def _handle(self, place: TopicPartition, reads: Sequence[Read], call: Call) -> bool:
        """Handle them in one transaction; where that fails, in halves, until the one that fails is alone."""
        events = [read for read in reads if isinstance(read, Delivered)]
        failure = await self._attempt(place, events, call) if events else None
        if failure is None:
            self._done(place, reads)
            return True
        if not failure.handlers:
            self._wait(place, reads[0].record.offset, failure.error)
            return False
        if len(events) > 1:
            half = len(reads) // 2
            return await self._handle(place, reads[:half], call) and await self._handle(place, reads[half:], call)
        return await self._failed(place, events[0], failure.error)

    async def _attempt(self, place: TopicPartition, events: Sequence[Delivered[Any]], call: Call) -> Failure | None:
        claimed, began = False, time.monotonic()
        failure: Failure | None = None
        try:
            with self.terms.span(events, attempt=self._waiting.attempts(place, events[0].record.offset) + 1) as current:
                async with self._inbox.transaction() as tx:
                    new = await tx.claim([event.identity for event in events])
                    claimed = True
                    fresh = [event for event, is_new in zip(events, new, strict=True) if is_new]
                    current.set_attribute(fields.BANYAN_DUPLICATES, len(events) - len(fresh))
                    if fresh:
                        await called(call, fresh, tx)
                self._metrics.duplicates(len(events) - len(fresh), group=self.terms.group_id)
        except Exception as error:  # noqa: BLE001 - the one place that turns an error into retry or dead letter
            failure = Failure(error, handlers=claimed)
        took = timedelta(seconds=time.monotonic() - began)
        self._metrics.processed(
            place.topic, group=self.terms.group_id, took=took, error=None if failure is None else failure.error
        )
        return failure

    async def _failed(self, place: TopicPartition, event: Delivered[Any], error: Exception) -> bool:
        attempts = self._waiting.attempted(place, event.record.offset)
        if attempts < self.terms.retry.attempts and getattr(error, "retryable", True):
            self._wait(place, event.record.offset, error)
            return False
        letter = Hopeless(record=event.record, error=type(error).__qualname__, reason=reason(error), attempts=attempts)
        return await self._bury(place, [event], [letter])

    async def _refuse(self, place: TopicPartition, reads: Sequence[Read]) -> bool:
        letters = [
            Hopeless(record=read.record, error=type(read.error).__qualname__, reason=read.reason)
            for read in reads
            if isinstance(read, Refused)
        ]
        return await self._bury(place, reads, letters)

    async def _bury(self, place: TopicPartition, reads: Sequence[Read], letters: Sequence[Hopeless]) -> bool:
        try:
            await self._dead_letters.write(letters)
        except UnavailableError as error:
            self._wait(place, reads[0].record.offset, error)
            return False
        for letter in letters:
            self._metrics.dead_lettered(1, error=letter.error, group=self.terms.group_id)
            _log.warning(
                "dead-lettered",
                topic=place.topic,
                partition=place.partition,
                offset=letter.record.offset,
                error=letter.error,
                reason=letter.reason,
            )
        self._done(place, reads)
        return True

    def _done(self, place: TopicPartition, reads: Sequence[Read]) -> None:
        self._offsets.handled(place, self._upto(place, reads[-1].record.offset + 1), records=len(reads))
        self._waiting.over(place)

    def _upto(self, place: TopicPartition, offset: int) -> int:
        """Return the offset before which all of a partition is handled, given that of what comes next."""
        del place
        return offset

    def _wait(self, place: TopicPartition, offset: int, error: Exception) -> None:
        self._metrics.retried(fields.PROCESS, error)
        if self.consumer is not None:
            again_from = self._again_from(place, offset)
            self._waiting.wait(self.consumer, place, offset, again_from=again_from, error=error)

    def _again_from(self, place: TopicPartition, offset: int) -> int:
        """Return the offset that a partition comes again from, given that of the record it waits because of."""
        del place
        return offset


async def called(call: Call, events: Sequence[Delivered[Any]], tx: InboxTransaction) -> None:
    """Call the handlers; a cancellation of their own is an error."""
    try:
        await call(events, tx)
    except asyncio.CancelledError as error:
        # One that nobody asked this task for is the handler's own, and must not end the subscription silently.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("the handler was cancelled from within") from error
