"""From a source into Kafka, exactly once: events, checkpoint, state and dead letters in one transaction.

A failure of Kafka or of the legacy system ends the attempt; the next one fences, reads the progress from
Kafka and asks the source to go on from there. So there is one way to recover, and it is the way to start.
"""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import structlog
from opentelemetry.trace import SpanKind
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from contracts.errors import ConfigError, FencedError, is_retryable
from contracts.ports import Answering, EventBatch, Source
from events.claim import new_instance
from events.connection import Connection
from events.health import Health, State
from events.limits import Limits
from events.publisher import Phase, Published, Publisher
from observability import fields, metrics
from observability.tracing import span

__all__ = ["Limits", "Pipeline"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Pipeline:
    """Publishes what a source reads, until the source is exhausted or it is told to stop.

    Args:
        source: What is read.
        connection: Where Kafka is.
        namespace: What the names of topics begin with.
        limits: Of one transaction, and of waiting.
        attempts: Most failures in a row, without a commit in between; the next one ends it. It goes on for ever
            without it.
        probe: Called at each phase of a transaction.
        on_commit: Told what each transaction published.
    """

    def __init__(
        self,
        source: Source,
        connection: Connection,
        *,
        namespace: str,
        limits: Limits | None = None,
        attempts: int | None = None,
        probe: Callable[[Phase], None] = lambda _: None,
        on_commit: Callable[[Published], None] = lambda _: None,
    ) -> None:
        if not _NAME.fullmatch(source.name):
            # A dot would let two sources in two namespaces share a transactional id.
            raise ConfigError([f"source {source.name!r}: expected a name of a-z 0-9 -"])
        self.health = Health()
        self.published = Published()
        self.instance = new_instance()
        self._source, self._connection, self._namespace = source, connection, namespace
        self._limits = limits or Limits()
        self._attempts, self._left = attempts, attempts
        self._since: int = 0
        self._probe, self._on_commit = probe, on_commit
        self._claimed = False
        self._stop = asyncio.Event()
        self._metrics = metrics.Metrics()

    @property
    def missing(self) -> Sequence[str]:
        """Return what the source says is missing, such as the days whose files did not come."""
        told: Sequence[str] = getattr(self._source, "missing", ())
        return told

    def stop(self) -> None:
        """Drain: commit what was sent, read no more, and leave `run`."""
        self._stop.set()

    async def run(self) -> Published:
        """Publish, and return the counts of what was committed.

        Raises:
            FencedError: A newer instance of the source took over.
            BanyanError: The source failed for good, or as often as it may.
        """
        attempts = AsyncRetrying(
            retry=retry_if_exception(is_retryable),
            stop=lambda _: self._stop.is_set() or self._gives_up(),
            wait=self._delay,
            sleep=self._sleep,
            before_sleep=self._warn,
            reraise=True,
        )
        try:
            async with self._listening():
                async for trial in attempts:
                    with trial:
                        await self._attempt()
        finally:
            self.health.stopped()
        return self.published

    def _gives_up(self) -> bool:
        """Tell whether an attempt that failed was the last one."""
        if self._attempts is None or self._left is None:
            return False
        if self.published.transactions != self._since:
            self._left, self._since = self._attempts, self.published.transactions
        self._left -= 1
        if self._left <= 0:
            self.health.state = State.FAILED
        return self._left <= 0

    def _listening(self) -> AbstractAsyncContextManager[None]:
        return self._source.listening() if isinstance(self._source, Answering) else nullcontext()

    async def _attempt(self) -> None:
        if self._stop.is_set():
            return
        publisher = Publisher(
            self._source.name,
            self._connection,
            namespace=self._namespace,
            instance=self.instance,
            claimed=self._claimed,
            patience=self._limits.patience,
            probe=self._probe,
        )
        try:
            async with AsyncExitStack() as stack:
                if await self._entered(publisher, stack):
                    await self._publish(publisher)
        except Exception as error:
            outcome: metrics.Outcome = "fenced" if isinstance(error, FencedError) else "aborted"
            self._metrics.transaction(self._source.name, outcome)
            if is_retryable(error):
                self._metrics.retried(fields.span_name(fields.SEND, self._source.name), error)
            self.health.failed(error, for_good=not is_retryable(error))
            raise
        finally:
            self._claimed = publisher.claimed

    async def _entered(self, publisher: Publisher, stack: AsyncExitStack) -> bool:
        """Enter the publisher, unless told to stop meanwhile."""
        entering = asyncio.create_task(stack.enter_async_context(publisher))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({entering, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if entering.done():
                await entering
            return entering.done()
        finally:
            entering.cancel()
            stopped.cancel()
            await asyncio.wait({entering, stopped})

    async def _publish(self, publisher: Publisher) -> None:
        async with _Ahead(self._source.read(publisher.progress), self._stop) as ahead:
            self.health.waits()
            while (batch := await ahead.take(None)) is not None:
                self.health.state = State.PUBLISHING
                if _says_something(batch, publisher.checkpoints):
                    await self._transaction(publisher, ahead, batch)
                self.health.progress()
                self.health.waits()

    async def _transaction(self, publisher: Publisher, ahead: "_Ahead", first: EventBatch) -> None:
        """Publish a batch, and those of the same unit that follow within the limits, as one transaction."""
        name = fields.span_name(fields.SEND, self._source.name)
        attributes = {
            fields.BANYAN_SOURCE: self._source.name,
            fields.BANYAN_STREAM: first.stream,
            fields.BANYAN_INSTANCE: self.instance,
        }
        with span(name, kind=SpanKind.PRODUCER, parent=first.traceparent, attributes=attributes) as current:
            room, last = _Room(self._limits), first
            batch: EventBatch | None = first
            await publisher.begin()
            while batch is not None:
                await publisher.add(batch)
                room.take(batch)
                last = batch
                batch = await ahead.take(room.seconds_left()) if batch.more and room.left() else None
            committed = await publisher.commit()
            if isinstance(self._source, Answering):
                self._source.published(last.stream, last.checkpoint)
            current.set_attribute(fields.MESSAGING_BATCH_MESSAGE_COUNT, committed.events)
            current.set_attribute(fields.BANYAN_DEAD_LETTERS, committed.dead)
        self._count(committed)
        _log.info(
            "published",
            source=self._source.name,
            stream=first.stream,
            events=committed.events,
            dead_letters=committed.dead,
        )
        self._on_commit(committed)

    def _count(self, committed: Published) -> None:
        self.published.add(committed)
        self._metrics.transaction(self._source.name, "committed")
        self._metrics.checkpoint(self._source.name, at=datetime.now(UTC))
        for topic, events in committed.by_topic.items():
            self._metrics.published(self._source.name, events, topic=topic)
        for error, letters in committed.dead_by_error.items():
            self._metrics.dead_lettered(letters, error=error, source=self._source.name)

    def _delay(self, state: RetryCallState) -> float:
        """Return the seconds to wait: at random, and not less than the error says that others want."""
        ceiling = min(self._limits.longest_wait.total_seconds(), 0.5 * 2.0 ** min(self.health.failures, 16))
        error = None if state.outcome is None else state.outcome.exception()
        asked: timedelta | None = getattr(error, "retry_after", None)
        least = 0.0 if asked is None else asked.total_seconds()
        return max(least, random.uniform(ceiling / 2, ceiling))  # noqa: S311 - jitter, no secret

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    def _warn(self, state: RetryCallState) -> None:
        _log.warning(
            "backing off",
            source=self._source.name,
            reason=self.health.error,
            failures=self.health.failures,
            seconds=round(state.upcoming_sleep, 1),
        )


@dataclass(slots=True)
class _Room:
    """What is left of the limits of one transaction."""

    limits: Limits
    events: int = 0
    size_bytes: int = 0
    began: float = field(default_factory=time.monotonic)

    def take(self, batch: EventBatch) -> None:
        self.events += sum(map(len, batch.events))
        self.size_bytes += batch.size_bytes

    def left(self) -> bool:
        within = self.events < self.limits.transaction_events and self.size_bytes < self.limits.transaction_bytes
        return within and self.seconds_left() > 0

    def seconds_left(self) -> float:
        return self.began + self.limits.transaction_time.total_seconds() - time.monotonic()


class _Ahead:
    """Reads one batch ahead of the one that is being published; no more, so memory is bounded."""

    def __init__(self, batches: AsyncIterator[EventBatch], stop: asyncio.Event) -> None:
        self._batches = batches
        self._stop = stop
        self._next: asyncio.Task[EventBatch | None] | None = None

    async def __aenter__(self) -> Self:
        self._stopped = asyncio.create_task(self._stop.wait())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # There is always a read under way, or there is nothing more to read: cancelled, it closes the source.
        tasks: list[asyncio.Task[Any]] = [self._stopped, *([self._next] if self._next else [])]
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, Exception) and end is not error:
                _log.warning("source not closed", error=type(end).__name__)

    async def take(self, seconds: float | None) -> EventBatch | None:
        """Return the next batch; None when there is none in time, or no more, or it is time to stop."""
        reading = self._next = self._next or self._read()
        await asyncio.wait({reading, self._stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            return None
        batch = await reading  # raises what the source raised, also when it is time to stop
        if self._stop.is_set():
            return None
        self._next = None if batch is None else self._read()
        return batch

    def _read(self) -> asyncio.Task[EventBatch | None]:
        async def read() -> EventBatch | None:
            return await anext(self._batches, None)

        return asyncio.create_task(read())


def _says_something(batch: EventBatch, checkpoints: Mapping[str, bytes]) -> bool:
    """Tell a batch from a heartbeat, which has nothing but a checkpoint that is published already."""
    return bool(batch.events or batch.state or batch.dead) or batch.checkpoint != checkpoints.get(batch.stream)
