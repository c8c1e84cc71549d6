"""The adapter: looks where files arrive, and hands complete ones on chunk by chunk."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, aclosing, closing
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

import structlog

from adapters.batch import example
from adapters.batch.arrival import Arrivals, Case, Reason, connect
from adapters.batch.candidate import Candidate
from adapters.batch.chunk import Shape, to_batch, to_dead_letters
from adapters.batch.config import Config
from adapters.batch.delivery import Delivery, check, deliver
from adapters.batch.ledger import Outcome
from adapters.batch.location import Reader
from adapters.batch.proof import Complete
from contracts.errors import (
    BanyanError,
    ConfigError,
    ContractError,
    FileChangedError,
    FileHeldError,
    LegacyUnavailableError,
)
from contracts.event import Event
from contracts.keys import CanonicalKey
from contracts.legacy.copybook import Codec, parse
from contracts.mapping import EventMapping, compile_mapping
from contracts.ports import Archive, EventBatch, Progress
from observability import fields, metrics, tracing

__all__ = ["Adapter"]

_KEPT_BYTES = 64 * 1024 * 1024
"""Up to this size, what the first pass made of a file is kept for the second."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A complete file that is being delivered."""

    shape: Shape
    reader: Reader
    delivery: Delivery
    traceparent: str | None
    """Of the span that covers the file."""

    @property
    def records(self) -> int:
        return self.delivery.size_bytes // self.shape.record_length


_MEND = "mend the file or the settings, and start the adapter again; or take the file away"
_BRING_BACK = "deliver the file again as it was: it goes on where it stopped; what it became is a delivery of its own"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Adapter:
    """Reads fixed-length batch files. Delivery: exactly once from the file into Kafka.

    Fulfils the port `Source`. Before anything of a file is published, a first pass checks it as a whole; a
    file that does not fit is held, and the others go on.

    Args:
        config: Where the files are and how they are read.
        model: The event that each record becomes.
        key: The model's field that is the partition key.
        mapping: A table or a function from record to event, as for every adapter.
        canonical: How the key is written.
        clock: Returns seconds that never go back.
        now: Returns the time of day.
        sleep: Waits between looks at the location.
    """

    def __init__(
        self,
        config: Config,
        *,
        model: type[Event],
        key: str,
        mapping: EventMapping,
        canonical: CanonicalKey | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.config, self.model = config, model
        self._key, self._mapping, self._canonical = key, mapping, canonical
        self._clock, self._now, self._sleep = clock, now, sleep
        self._archive: Archive | None = None
        self._told: set[Candidate] = set()
        self.held = 0
        """Files that were refused as a whole, since this was made."""
        self._metrics = metrics.Metrics()

    @classmethod
    def example(cls) -> Self:
        """Return one that reads a file of ours once: 25 residents, of whom one has no legible balance."""
        config = example.write()
        return cls(config, model=example.ResidentRegistered, key="resident_id", mapping=example.MAPPING)

    @property
    def name(self) -> str:
        """Return the name of this source."""
        return self.config.name

    def configured(self, changes: Mapping[str, object]) -> Self:
        """Return the same adapter with some of its configuration changed.

        Raises:
            ValidationError: A name is unknown, or a value does not fit.
        """
        config = Config.model_validate({**dict(self.config), **changes})
        other = copy(self)
        vars(other).update(config=config, _told=set(), held=0)
        return other

    def keep_originals(self, archive: Archive) -> None:
        """Put each file's bytes into an archive before anything of it is published."""
        self._archive = archive

    async def check(self) -> list[str]:
        """Return what would keep it from working, one sentence each; opens no data file."""
        problems: list[str] = []
        for look in (self._load, self._reach):
            try:
                await asyncio.to_thread(look)
            except ConfigError as error:
                problems += error.problems
            except BanyanError as error:
                problems.append(str(error))
        return problems

    async def read(self, since: Progress) -> AsyncGenerator[EventBatch, None]:
        """Yield batches that continue right after `since`; ends only with `once`.

        Raises:
            ConfigError: The copybook is not understood, the mapping does not fit, or the location refuses us.
            LegacyUnavailableError: The location or a file can't be read; readable files went on before.
        """
        shape = await asyncio.to_thread(self._load)
        location = await asyncio.to_thread(connect, self.config)
        arrivals = Arrivals(
            self.config,
            location,
            since,
            clock=self._clock,
            now=self._now,
            record_length=shape.record_length,
        )
        with closing(location):
            while True:
                async with aclosing(self._look(shape, arrivals)) as batches:
                    async for batch in batches:
                        yield batch
                pause = self.config.poll_interval
                if not arrivals.at_rest:
                    pause = min(pause, self.config.stable_for or pause)
                elif self.config.once:
                    return
                await self._sleep(pause.total_seconds())

    async def _look(self, shape: Shape, arrivals: Arrivals) -> AsyncGenerator[EventBatch, None]:
        found = await arrivals.look()
        unreadable = arrivals.unreadable
        for complete in found:
            try:
                async with aclosing(self._take(shape, arrivals, complete)) as batches:
                    async for batch in batches:
                        yield batch
            except LegacyUnavailableError as error:
                unreadable = unreadable or error
        if unreadable is not None:
            raise unreadable

    async def _take(self, shape: Shape, arrivals: Arrivals, complete: Complete) -> AsyncGenerator[EventBatch, None]:
        """Deliver a file, or put it aside."""
        case = Case(complete=complete)
        try:
            async with aclosing(self._deliver(shape, arrivals, case)) as batches:
                async for batch in batches:
                    yield batch
        except FileChangedError as error:
            if case.entry is None or not case.entry.read:
                _log.warning("file waits", source=self.name, file=complete.candidate.name, reason=str(error))
                arrivals.lost(complete.candidate)
                return
            told = self._put_aside(arrivals, case, Reason(outcome="held", reason=str(error), next_step=_BRING_BACK))
        except FileHeldError as error:
            told = self._put_aside(arrivals, case, _why(case, error))
        else:
            told = None
        arrivals.settle(complete.candidate, until=case.verdict is not None and case.verdict.until)
        if told is not None:
            yield told

    def _put_aside(self, arrivals: Arrivals, case: Case, why: Reason) -> EventBatch | None:
        candidate = case.candidate
        if candidate not in self._told:
            self._told.add(candidate)
            self.held += 1
            self._metrics.file(self.name, why.outcome)
            _log.error(f"file {why.outcome}", source=self.name, file=candidate.name, reason=why.reason)
        return arrivals.put_aside(case, why)

    async def _deliver(self, shape: Shape, arrivals: Arrivals, case: Case) -> AsyncGenerator[EventBatch, None]:
        candidate = case.candidate
        attributes: dict[str, fields.Value] = {
            fields.BANYAN_SOURCE: self.name,
            fields.BANYAN_FILE_NAME: candidate.name,
            fields.BANYAN_FILE_SIZE: candidate.size_bytes,
            fields.BANYAN_FILE_PROOF: case.complete.proof,
        }
        name = fields.span_name(fields.READ, self.name)
        with tracing.span(name, attributes=attributes, current=False) as span, ExitStack() as stack:
            case.traceparent = tracing.traceparent(span)
            if case.complete.missing is not None:
                raise FileHeldError(candidate.name, expected=case.complete.missing, found="none")
            reader = await asyncio.to_thread(stack.enter_context, arrivals.location.opened(candidate))
            delivery = await asyncio.to_thread(deliver, reader, self.config)
            verdict = arrivals.decide(case, delivery, records=delivery.size_bytes // shape.record_length)
            delivery = case.delivery or delivery
            span.set_attribute(fields.BANYAN_STREAM, delivery.stream)
            span.set_attribute(fields.BANYAN_FILE_SHA256, delivery.sha256)
            span.set_attribute(fields.BANYAN_FILE_POLICY, verdict.policy)
            if verdict.action in {"skip", "duplicate"}:
                told = self._skip(arrivals, case)
                if told is not None:
                    yield told
                return
            check(delivery, self.config, record_length=shape.record_length)
            if verdict.action != "publish":
                raise FileHeldError(candidate.name, expected=verdict.expected, found=verdict.found)
            checkpoint = arrivals.checkpoint(delivery)
            if checkpoint is not None:
                # Times go with the delivery: a file that was put there again continues the one begun.
                delivery = replace(delivery, file=checkpoint.file, modified=checkpoint.modified)
            file = _File(shape=shape, reader=reader, delivery=delivery, traceparent=case.traceparent)
            async with aclosing(self._batches(file, first=checkpoint.next if checkpoint else 0)) as batches:
                async for batch in batches:
                    yield arrivals.publish(case, batch)
            self._metrics.file(self.name, "published")

    def _skip(self, arrivals: Arrivals, case: Case) -> EventBatch | None:
        file, verdict = case.candidate.name, case.verdict
        if verdict is None or verdict.same_as is None:
            _log.debug("file delivered before", source=self.name, file=file)
            return None
        _log.warning("duplicate delivery", source=self.name, file=file, same_as=verdict.same_as)
        self._metrics.file(self.name, "duplicate")
        return arrivals.repeat(case, same_as=verdict.same_as)

    async def _batches(self, file: _File, *, first: int) -> AsyncGenerator[EventBatch, None]:
        if self._archive is not None:
            await asyncio.to_thread(self._keep, self._archive, file)
        rest = range(first, file.records, self.config.chunk_records) or range(1)
        if first == 0 and self.config.dead_letter_share < 1:
            if file.delivery.size_bytes <= _KEPT_BYTES:
                batches = [await self._chunk(file, start) for start in rest]
                self._judge(file, [letter.reason for batch in batches for letter in batch.dead])
                for batch in batches:
                    yield batch
                return
            self._judge(file, await self._reasons(file, rest))
        for start in rest:
            yield await self._chunk(file, start)

    async def _chunk(self, file: _File, first: int) -> EventBatch:
        """Make a batch of the records from this ordinal on, within a span of its own."""
        attributes: dict[str, fields.Value] = {
            fields.BANYAN_SOURCE: self.name,
            fields.BANYAN_CHUNK: first // self.config.chunk_records,
        }
        name = fields.span_name(fields.READ, self.name)
        with tracing.span(name, attributes=attributes, parent=file.traceparent) as span:
            traceparent = tracing.traceparent(span)
            records, batch = await asyncio.to_thread(self._make, file, first, traceparent=traceparent)
            span.set_attribute(fields.BANYAN_RECORDS, records)
            span.set_attribute(fields.BANYAN_DEAD_LETTERS, len(batch.dead))
        self._metrics.records_read(self.name, records)
        return batch

    def _make(self, file: _File, first: int, *, traceparent: str | None) -> tuple[int, EventBatch]:
        data = self._bytes(file, first)
        batch = to_batch(file.shape, file.delivery, data, first=first, traceparent=traceparent)
        return len(data) // file.shape.record_length, batch

    async def _reasons(self, file: _File, starts: range) -> list[str]:
        """Return why records are bad, as many as decide about the file."""
        reasons: list[str] = []
        for first in starts:
            # One thread call for each chunk: a drain must not wait for the whole file.
            reasons += await asyncio.to_thread(self._bad, file, first)
            if len(reasons) > self._tolerated(file):
                break
        return reasons

    def _bad(self, file: _File, first: int) -> list[str]:
        dead = to_dead_letters(file.shape, file.delivery, self._bytes(file, first), first=first)
        return [letter.reason for letter in dead]

    def _bytes(self, file: _File, first: int) -> bytes:
        length = file.shape.record_length
        records = min(self.config.chunk_records, file.records - first)
        return file.reader.read(first * length, records * length)

    def _judge(self, file: _File, reasons: Sequence[str]) -> None:
        if len(reasons) > self._tolerated(file):
            expected = f"at most {self.config.dead_letter_share:.1%} bad records"
            found = f"at least {len(reasons)} of {file.records}; the first: {reasons[0]}"
            raise FileHeldError(file.delivery.file, expected=expected, found=found)

    def _tolerated(self, file: _File) -> float:
        return self.config.dead_letter_share * file.records

    def _keep(self, archive: Archive, file: _File) -> None:
        archive.put(file.reader.read(0, file.delivery.size_bytes))

    def _reach(self) -> None:
        """Find out whether the files' location can be reached."""
        with closing(connect(self.config)) as location:
            location.find()

    def _load(self) -> Shape:
        """Read the copybook and fit the mapping to it."""
        config = self.config
        try:
            # Old copybooks may hold anything in comments; what counts is ASCII.
            layout = parse(config.copybook.read_text(encoding="ascii", errors="replace"))
            codec = Codec(layout, config.code_page)
        except OSError as error:
            raise ConfigError([f"{self.name}: {config.copybook}: {error.strerror}"]) from error
        except ContractError as error:
            raise ConfigError([f"{self.name}: {config.copybook}: {error}"]) from error
        problems: list[str] = []
        if config.record_length not in (None, layout.length):
            found = f"{config.copybook} describes {layout.length} bytes"
            problems.append(f"{self.name}: record_length is {config.record_length}, but {found}")
        try:
            mapper = compile_mapping(
                self.model, self._mapping, key=self._key, legacy=layout.by_name, canonical=self._canonical
            )
        except ConfigError as error:
            raise ConfigError([*problems, *(f"{self.name}: {problem}" for problem in error.problems)]) from error
        if problems:
            raise ConfigError(problems)
        return Shape(model=self.model, codec=codec.only(mapper.fields), mapper=mapper, event_time=config.event_time)


def _why(case: Case, error: FileHeldError) -> Reason:
    verdict = case.verdict
    reason = str(error)
    if verdict is None or verdict.next_step is None:
        return Reason(outcome="held", reason=reason, next_step=_MEND)
    outcome: Outcome = "quarantined" if verdict.action == "quarantine" else "held"
    return Reason(outcome=outcome, reason=reason, next_step=verdict.next_step)
