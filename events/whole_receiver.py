"""Receives files whole: what is on one partition of a file is handled in one transaction, or not at all.

The events of a file wait until its end was read on their partition and tells as many. Then they are handed on, in
their order, within one transaction of the inbox. What else is on the partition passes meanwhile, but for events of
keys that wait: those come after the file.

- What waits is in a temporary database, and its offset is not committed. After a restart, and when the partition
  moved to another member, it is read again; whether its file was handled is in the inbox, by the id of the end.
- A handler that fails gets all of it again; after the last attempt all of it is dead-lettered, with the end.
- Not as many events as the end tells are a `FileIncompleteError`: they are dead-lettered at once, with the end.
- A record of a file that no retry can help is dead-lettered alone when the file is handed on, as without files.
"""

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby
from time import monotonic
from typing import Any

import structlog
from aiokafka import TopicPartition
from typing_extensions import override

from contracts.errors import FileIncompleteError
from contracts.file_end import FileDelivered
from contracts.ports import Inbox, InboxTransaction
from events.connection import Connection
from events.dead_letter_writer import Hopeless
from events.delivery import Delivered, Ends, Read, Reader, Record, Refused, Skipped, Waits, reason
from events.receiver import Call, Failure, Receiver, called
from events.subscription import Subscription
from events.waiting_files import WaitingFiles
from observability import fields

__all__ = ["WholeReceiver"]

MOST_EVENTS = 5000
"""Events that are handed to a handler, or dead-lettered, at a time."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class _ElsewhereError(Exception):
    """The inbox or the dead-letter topic did not answer: that is not the handler's fault."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(str(error))


class WholeReceiver(Receiver):
    """Takes what `Reader.read_parts` made of the records of one consumer, a partition's at a time."""

    def __init__(self, connection: Connection, terms: Subscription, *, inbox: Inbox, reader: Reader) -> None:
        super().__init__(connection, terms, inbox=inbox)
        self._reader, self._files = reader, WaitingFiles()
        self._ended: dict[TopicPartition, int] = {}
        """The offset of a partition's last end whose file was handled or dead-lettered."""
        self._behind: dict[TopicPartition, int] = {}
        """The offset of the end that a partition comes again from while what waited behind its file is handled."""

    @override
    async def stop(self) -> None:
        self._files.close()
        await super().stop()

    @override
    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """As for every receiver; what waits is read again by whoever is assigned the partitions."""
        await super().on_partitions_revoked(revoked)
        self._files.clear()
        self._ended.clear()

    @override
    def _upto(self, place: TopicPartition, offset: int) -> int:
        first = self._files.first(place)
        return offset if first is None else min(first, offset)

    @override
    def _again_from(self, place: TopicPartition, offset: int) -> int:
        return self._behind.get(place, offset)

    @override
    async def _in_order(self, place: TopicPartition, reads: Sequence[Read], call: Call) -> bool:
        for kind, run in groupby(reads, key=_kind):
            together = list(run)
            if kind is Waits:
                self._keep(place, together)
            elif kind is Ends:
                for end in together:
                    if isinstance(end, Ends) and not await self._end(place, end, call):
                        return False
            elif not await self._pass(place, together, call):
                return False
        return True

    def _keep(self, place: TopicPartition, reads: Sequence[Read]) -> None:
        waits = [read for read in reads if isinstance(read, Waits)]
        for file, run in groupby(waits, key=lambda read: read.file):
            self._files.keep(place, file, [(read.record, read.is_wanted) for read in run])
        self._done(place, reads)

    async def _pass(self, place: TopicPartition, reads: Sequence[Read], call: Call) -> bool:
        """Handle what is no part of a file, but for what has to wait behind one."""
        free: list[Read] = []
        for read in reads:
            if isinstance(read, Skipped) or not self._files.is_held(place, read.record.key):
                free.append(read)
            else:
                self._files.follow(place, read.record)
        if free and not await super()._in_order(place, free, call):
            return False
        self._done(place, reads)
        return True

    async def _end(self, place: TopicPartition, end: Ends, call: Call) -> bool:
        """Hand a file on, and what waits behind it; tell whether that is done."""
        if self._ended.get(place) != end.record.offset:
            failure = await self._attempt_file(place, end, call)
            if failure is not None and not await self._failed_file(place, end, failure):
                return False
            self._files.drop(place, end.file)
            self._ended[place] = end.record.offset
        self._behind[place] = end.record.offset
        try:
            if not await self._pass_behind(place, call):
                return False
        finally:
            del self._behind[place]
        self._done(place, [end])
        return True

    async def _pass_behind(self, place: TopicPartition, call: Call) -> bool:
        for records in self._files.behind(place, most=MOST_EVENTS):
            free = [record for record in records if not self._files.is_held(place, record.key, by_files=True)]
            if free and not await super()._in_order(place, [self._reader.read(record) for record in free], call):
                return False
            self._files.pass_on(place, free)
        return True

    async def _attempt_file(self, place: TopicPartition, end: Ends, call: Call) -> Failure | None:
        claimed, began = False, monotonic()
        failure: Failure | None = None
        attempt = self._waiting.attempts(place, end.record.offset) + 1
        try:
            with self.terms.span([end.delivered], attempt=attempt) as current:
                current.set_attribute(fields.MESSAGING_BATCH_MESSAGE_COUNT, self._files.count(place, end.file))
                async with self._inbox.transaction() as tx:
                    [is_new] = await tx.claim([end.delivered.identity])
                    claimed = True
                    if is_new:
                        await self._hand_on(end, call, tx)
        except _ElsewhereError as error:
            failure = Failure(error.error, handlers=False)
        except Exception as error:  # noqa: BLE001 - the one place that turns an error into retry or dead letter
            failure = Failure(error, handlers=claimed)
        took = timedelta(seconds=monotonic() - began)
        reason_ = None if failure is None else failure.error
        self._metrics.processed(place.topic, group=self.terms.group_id, took=took, error=reason_)
        return failure

    async def _hand_on(self, end: Ends, call: Call, tx: InboxTransaction) -> None:
        """Call the handlers with the events of a file, if it is whole."""
        place = TopicPartition(end.record.topic, end.record.partition)
        told, found = end.told, self._files.count(place, end.file)
        if found != told.partition_events:
            raise FileIncompleteError(
                told.file, topic=place.topic, partition=place.partition, expected=told.partition_events, found=found
            )
        for records in self._files.records(place, end.file, most=MOST_EVENTS):
            reads = [self._reader.read(record) for record in records]
            refused = [_letter(read.record, read.error, read.reason) for read in reads if isinstance(read, Refused)]
            await self._dead_letter(place, refused)
            if fresh := await self._fresh([read for read in reads if isinstance(read, Delivered)], tx):
                for event in fresh:
                    event.file = told
                await called(call, fresh, tx)
        if FileDelivered in self._reader.wanted:
            end.delivered.file = told
            await called(call, [end.delivered], tx)

    async def _fresh(self, events: Sequence[Delivered[Any]], tx: InboxTransaction) -> list[Delivered[Any]]:
        with _elsewhere():
            new = await tx.claim([event.identity for event in events])
        fresh = [event for event, is_new in zip(events, new, strict=True) if is_new]
        self._metrics.duplicates(len(events) - len(fresh), group=self.terms.group_id)
        return fresh

    async def _failed_file(self, place: TopicPartition, end: Ends, failure: Failure) -> bool:
        """Let the partition wait, or dead-letter the file; tell whether that is done."""
        offset, error = end.record.offset, failure.error
        if not failure.handlers:
            self._wait(place, offset, error)
            return False
        attempts = self._waiting.attempted(place, offset)
        if attempts < self.terms.retry.attempts and getattr(error, "retryable", True):
            self._wait(place, offset, error)
            return False
        try:
            for records in self._files.records(place, end.file, most=MOST_EVENTS):
                await self._dead_letter(place, [_letter(record, error, attempts=attempts) for record in records])
            await self._dead_letter(place, [_letter(end.record, error, attempts=attempts)])
        except _ElsewhereError as unwritten:
            self._wait(place, offset, unwritten.error)
            return False
        _log.error(
            "file dead-lettered",
            file=end.told.file,
            topic=place.topic,
            partition=place.partition,
            events=self._files.count(place, end.file),
            error=type(error).__qualname__,
            reason=reason(error),
        )
        return True

    async def _dead_letter(self, place: TopicPartition, letters: Sequence[Hopeless]) -> None:
        if not letters:
            return
        with _elsewhere():
            await self._dead_letters.write(letters)
        self._metrics.dead_lettered(len(letters), error=letters[0].error, group=self.terms.group_id)
        _log.warning("dead-lettered", topic=place.topic, partition=place.partition, records=len(letters))


@contextmanager
def _elsewhere() -> Generator[None]:
    try:
        yield
    except Exception as error:
        raise _ElsewhereError(error) from error


def _kind(read: Read) -> type[Waits | Ends] | None:
    return type(read) if isinstance(read, Waits | Ends) else None


def _letter(record: Record, error: Exception, why: str | None = None, *, attempts: int = 0) -> Hopeless:
    return Hopeless(record=record, error=type(error).__qualname__, reason=why or reason(error), attempts=attempts)
