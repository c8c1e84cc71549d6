"""One source's way into Kafka: claim, fence, read the progress, and publish in transactions.

The order at the start is what makes the promise hold:

1. **claim**: write who we are to the source's state topic. The last claim is the newest instance.
2. **fence**: begin the transactional id anew. Kafka ends the older instance's open transaction, and
   refuses all that it sends from now on.
3. **read the progress**: only now, when nobody else can move it.

An instance that Kafka refuses enters again and finds the last claim. If that is its own, Kafka had only
given up on a transaction that took too long, and it goes on from the progress; if not, a newer instance is
there, and it stops with a `FencedError`. Two that start at once end with one of them: the later claim.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Self

import structlog

from contracts.errors import BrokerUnavailableError, ContractError
from contracts.identifiers import event_source
from contracts.ports import Columns, DeadLetter, EventBatch, Progress
from events.claim import (
    claim,
    count_record,
    counts,
    new_instance,
    progress,
    refuse_if_not_newest,
    state_records,
)
from events.connection import Connection
from events.dead_letter import dead_headers
from events.envelope import encode_columns
from events.file_end import FileCount, end_rows
from events.log import KafkaLog, latest
from events.topics import dead_letter_topic, ensure, event_topic, state_topic
from events.transaction import Row, TransactionalWriter

__all__ = ["MAX_EVENT_BYTES", "Phase", "Published", "Publisher"]

MAX_EVENT_BYTES = 900_000
"""Largest event, its data and its key (which is written three times): below the brokers' 1 MiB with room for
the other headers. A larger one is dead-lettered."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Phase(StrEnum):
    """Where a publisher stands; a probe is told each."""

    RECOVERING = "recovering"
    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    COMMITTING = "committing"
    COMMITTED = "committed"


@dataclass(slots=True, kw_only=True)
class Published:
    """Counts of what was committed, or of what is in the open transaction."""

    events: int = 0
    dead: int = 0
    transactions: int = 0
    by_topic: dict[str, int] = field(default_factory=dict[str, int])
    """Events by topic."""
    dead_by_error: dict[str, int] = field(default_factory=dict[str, int])
    """Dead letters by the name of their error."""

    def add(self, other: "Published") -> None:
        """Count what another counted, too."""
        self.events += other.events
        self.dead += other.dead
        self.transactions += other.transactions
        for mine, others in ((self.by_topic, other.by_topic), (self.dead_by_error, other.dead_by_error)):
            for name, count in others.items():
                mine[name] = mine.get(name, 0) + count


class Publisher:
    """Publishes the batches of one source; the newest instance wins.

    Use as a context manager: entering claims, fences and reads `progress`. Any call raises
    `BrokerUnavailableError` when Kafka does not answer in time or refuses; then leave, and enter a new
    publisher with the same `instance` and `claimed`: that raises `FencedError` if a newer one is there.
    """

    def __init__(
        self,
        source: str,
        connection: Connection,
        *,
        namespace: str,
        instance: str | None = None,
        claimed: bool = False,
        patience: timedelta = timedelta(minutes=1),
        probe: Callable[[Phase], None] = lambda _: None,
    ) -> None:
        self.source = source
        self.instance = instance or new_instance()
        self.claimed = claimed
        self.progress = Progress()
        self.checkpoints: dict[str, bytes] = {}
        """The newest checkpoint of each stream that was read or added."""
        self._connection, self._namespace, self._probe = connection, namespace, probe
        self._state_topic = state_topic(namespace, source)
        self._dead_topic = dead_letter_topic(namespace, source)
        self._writer: TransactionalWriter
        self._patience = patience
        self._stack = AsyncExitStack()
        self._ensured: set[str] = set()
        self._open = Published()
        self._counts: dict[str, FileCount] = {}

    async def __aenter__(self) -> Self:
        """Claim, fence, and read the progress.

        Raises:
            FencedError: A newer instance has claimed the source.
        """
        self._probe(Phase.RECOVERING)
        await self._within_patience(ensure(self._connection, [self._state_topic, self._dead_topic]))
        await self._within_patience(self._claim())
        async with AsyncExitStack() as stack:
            writer = TransactionalWriter(f"{self._namespace}.{self.source}", self._connection, patience=self._patience)
            self._writer = await stack.enter_async_context(writer)
            records = await latest(self._connection, self._state_topic.name)
            refuse_if_not_newest(self.source, self.instance, records)
            self.progress = progress(records)
            self.checkpoints = dict(self.progress.checkpoints)
            self._counts = counts(records)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; a transaction that was not committed is aborted."""
        await self._stack.__aexit__(kind, error, trace)

    async def begin(self) -> None:
        """Begin a transaction."""
        self._open = Published(transactions=1)
        self._probe(Phase.READY)
        await self._writer.begin()

    async def add(self, batch: EventBatch) -> None:
        """Send a batch within the transaction; returns when all of it is handed to the connection."""
        self._probe(Phase.SENDING)
        oversized: list[DeadLetter] = []
        count = self._count_of(batch)
        for columns in batch.events:
            sent = await self._send_events(columns, batch, oversized, is_file=count is not None)
            if count is not None:
                count.add(columns.topic, sent)
        await self._send_dead(batch.stream, [*batch.dead, *oversized])
        changes: list[Row] = [(key, value, []) for key, value in state_records(batch)]
        if count is not None:
            count.dead += len(batch.dead) + len(oversized)
            changes.append((*await self._counted(batch, count), []))
        await self._writer.send(self._state_topic.name, changes, keys=None)
        self.checkpoints[batch.stream] = batch.checkpoint
        self._probe(Phase.SENT)

    async def commit(self) -> Published:
        """Wait until all is acknowledged, commit, and return the counts of the transaction."""
        await self._writer.acknowledged()
        self._probe(Phase.COMMITTING)
        await self._writer.commit()
        self._probe(Phase.COMMITTED)
        return self._open

    async def _within_patience(self, step: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await step
        except TimeoutError as error:
            raise BrokerUnavailableError(self._connection.name, reason="TimeoutError") from error

    async def _claim(self) -> None:
        if self.claimed:
            # Uncommitted, too: our own transaction may still be open and hide a newer claim behind it.
            records = await latest(self._connection, self._state_topic.name, uncommitted=True)
            refuse_if_not_newest(self.source, self.instance, records)
            return
        async with KafkaLog(self._connection) as log:
            await log.append(self._state_topic.name, [claim(self.instance)])
        self.claimed = True

    def _count_of(self, batch: EventBatch) -> FileCount | None:
        """Return what was published of the batch's file; None where it is none, or its beginning was not counted."""
        if batch.file is None:
            return None
        if batch.stream not in self._counts and batch.stream in self.checkpoints:
            if batch.file.is_last:
                why = "its beginning was published without"
                _log.warning("file without an end", source=self.source, stream=batch.stream, reason=why)
            return None
        return self._counts.setdefault(batch.stream, FileCount())

    async def _counted(self, batch: EventBatch, count: FileCount) -> tuple[bytes, bytes | None]:
        """End the file where it ends, and return what the state topic then has of its counts."""
        file = batch.file
        if file is None or not file.is_last:
            return count_record(batch.stream, count)
        for topic in sorted({*file.topics, *count.topics}):
            name = await self._ensure(topic)
            partitions = await self._writer.partition_count(name)
            source = event_source(self._namespace, self.source)
            rows = end_rows(batch, file, count, topic=topic, partitions=partitions, source=source, name=self.source)
            await self._writer.send_to(name, rows, places=range(partitions))
        del self._counts[batch.stream]
        return count_record(batch.stream, None)

    async def _ensure(self, topic: str) -> str:
        """Create a topic of events where there is none, and return its name."""
        found = event_topic(self._namespace, topic)
        if found.name not in self._ensured:
            await ensure(self._connection, [found])
            self._ensured.add(found.name)
        return found.name

    async def _send_events(
        self, columns: Columns, batch: EventBatch, oversized: list[DeadLetter], *, is_file: bool
    ) -> Mapping[int, int]:
        _refuse_ragged(columns, where=f"{self.source}: {batch.stream}")
        topic = await self._ensure(columns.topic)
        too_large = _oversized(columns)
        rows: Iterator[Row | None] = encode_columns(
            columns,
            source=event_source(self._namespace, self.source),
            stream=batch.stream,
            traceparent=batch.traceparent,
            is_file=is_file,
        )
        if too_large:
            rows = (None if index in too_large else row for index, row in enumerate(rows))
        sent = await self._writer.send(topic, rows, keys=columns.keys)
        oversized += too_large.values()
        events = len(columns) - len(too_large)
        self._open.events += events
        self._open.by_topic[topic] = self._open.by_topic.get(topic, 0) + events
        return sent

    async def _send_dead(self, stream: str, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        now = datetime.now(UTC)
        keys = [letter.key or f"{stream}:{letter.position}".encode() for letter in letters]
        rows: list[Row] = [
            (letter.key, letter.value, dead_headers(letter, owner=self.source, stream=stream, at=now))
            for letter in letters
        ]
        await self._writer.send(self._dead_topic.name, rows, keys=keys)
        self._open.dead += len(letters)
        for letter in letters:
            self._open.dead_by_error[letter.error] = self._open.dead_by_error.get(letter.error, 0) + 1


def _refuse_ragged(columns: Columns, *, where: str) -> None:
    """Refuse columns of unequal length: events would be lost without a word."""
    lengths = {
        "keys": len(columns.keys),
        "positions": len(columns.positions),
        "sequences": len(columns.sequences),
        "values": len(columns.values),
    }
    if not isinstance(columns.time, datetime):
        lengths["time"] = len(columns.time)
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise ContractError(where, expected="columns of equal length", found=found)


def _oversized(columns: Columns) -> dict[int, DeadLetter]:
    rows = enumerate(zip(columns.keys, columns.values, strict=True))
    sizes = ((index, key, value, len(value or b"") + 3 * len(key)) for index, (key, value) in rows)
    return {
        index: DeadLetter(
            position=columns.positions[index],
            key=key,
            value=value,
            reason=f"expected an event of at most {MAX_EVENT_BYTES:,} bytes, found {size:,}",
            error="RecordError",
            attributes={"type": columns.type},
        )
        for index, key, value, size in sizes
        if size > MAX_EVENT_BYTES
    }
