"""The adapter: looks at the folder, and hands complete files on chunk by chunk."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

import structlog

from adapters.batch import example
from adapters.batch.chunk import Shape, to_batch, to_dead_letters
from adapters.batch.config import Config
from adapters.batch.delivery import Candidate, Checkpoint, Delivery, Reader, Watch, deliver, find, ledger, opened
from adapters.batch.snapshot.accepting import accepting
from adapters.batch.snapshot.changes import Changes, compile_changes
from adapters.batch.snapshot.comparison import Comparison
from adapters.batch.snapshot.cut import Cut
from adapters.batch.snapshot.delivery import Extract, Snapshots
from contracts.errors import BanyanError, ConfigError, ContractError, FileHeldError, LegacyUnavailableError
from contracts.event import Event
from contracts.keys import CanonicalKey
from contracts.legacy.copybook import Codec, parse
from contracts.mapping import EventMapping, Mapper, compile_mapping
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


@dataclass(slots=True, kw_only=True)
class _Run:
    """What one `read` knows."""

    shape: Shape
    watch: Watch
    published: dict[str, Checkpoint]
    snapshots: Snapshots | None
    """Where each file is compared with the one before."""
    handled: set[Candidate] = field(default_factory=set[Candidate])
    """Files that need no second look while they stay as they are."""


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
        changes: With `snapshot` in the configuration: the events that changes become.
        clock: Returns seconds that never go back.
        sleep: Waits between looks at the folder.
    """

    def __init__(
        self,
        config: Config,
        *,
        model: type[Event],
        key: str,
        mapping: EventMapping,
        canonical: CanonicalKey | None = None,
        changes: Changes | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.config, self.model = config, model
        self._key, self._mapping, self._canonical, self._changes = key, mapping, canonical, changes
        self._clock, self._sleep = clock, sleep
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

    def accepting(self, file: Path, reason: str) -> Self:
        """Return the same adapter, which publishes this extract although a guard holds it.

        Raises:
            ConfigError: It compares no extracts, there is no reason, or the file can't be read.
        """
        return self.configured({"accept": accepting(self.config, file, reason)})

    def keep_originals(self, archive: Archive) -> None:
        """Put each file's bytes into an archive before anything of it is published."""
        self._archive = archive

    async def check(self) -> list[str]:
        """Return what would keep it from working, one sentence each; opens no data file."""
        problems: list[str] = []
        for look in (self._load, lambda: find(self.config)):
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
            ConfigError: The copybook is not understood, or the mapping does not fit.
            LegacyUnavailableError: The folder or a file can't be read; readable files went on before.
        """
        shape = await asyncio.to_thread(self._load)
        run = _Run(
            shape=shape,
            watch=Watch(self.config, self._clock),
            published=ledger(since.checkpoints),
            snapshots=Snapshots(self.config, shape, shape.comparison, since=since) if shape.comparison else None,
        )
        while True:
            found = await asyncio.to_thread(find, self.config)
            async with aclosing(self._look(run, found)) as batches:
                async for batch in batches:
                    yield batch
            pause = self.config.poll_interval
            if not run.handled.issuperset(found):
                pause = min(pause, self.config.stable_for)
            elif self.config.once:
                return
            await self._sleep(pause.total_seconds())

    async def _look(self, run: _Run, found: Sequence[Candidate]) -> AsyncGenerator[EventBatch, None]:
        unreadable: LegacyUnavailableError | None = None
        for candidate in run.watch.settled(c for c in found if c not in run.handled):
            try:
                async with aclosing(self._deliver(run, candidate)) as batches:
                    async for batch in batches:
                        yield batch
            except LegacyUnavailableError as error:
                unreadable = unreadable or error
                continue
            except FileHeldError as error:
                self._tell(candidate, error)
            run.handled.add(candidate)
        if unreadable is not None:
            raise unreadable

    def _tell(self, candidate: Candidate, error: FileHeldError) -> None:
        if candidate not in self._told:
            self._told.add(candidate)
            self.held += 1
            _log.error("file held", source=self.name, file=candidate.path.name, reason=str(error))

    async def _deliver(self, run: _Run, candidate: Candidate) -> AsyncGenerator[EventBatch, None]:
        attributes: dict[str, fields.Value] = {
            fields.BANYAN_SOURCE: self.name,
            fields.BANYAN_FILE_NAME: candidate.path.name,
            fields.BANYAN_FILE_SIZE: candidate.size_bytes,
        }
        name = fields.span_name(fields.READ, self.name)
        with (
            tracing.span(name, attributes=attributes, current=False) as span,
            opened(candidate, system=self.name) as reader,
        ):
            delivery = await asyncio.to_thread(deliver, reader, self.config, record_length=run.shape.record_length)
            span.set_attribute(fields.BANYAN_STREAM, delivery.stream)
            if run.snapshots is not None:
                extract = self._extract(reader, delivery, traceparent=tracing.traceparent(span))
                async with aclosing(run.snapshots.compare(extract)) as batches:
                    async for batch in batches:
                        yield batch
                return
            checkpoint = run.published.get(delivery.stream)
            if checkpoint is not None:
                # Times go with the delivery: a file that was put there again continues the one begun.
                delivery = replace(delivery, file=checkpoint.file, modified=checkpoint.modified)
            file = _File(shape=run.shape, reader=reader, delivery=delivery, traceparent=tracing.traceparent(span))
            if checkpoint is not None and checkpoint.done:
                self._skip(candidate, checkpoint)
                return
            async with aclosing(self._batches(file, first=checkpoint.next if checkpoint else 0)) as batches:
                async for batch in batches:
                    run.published[batch.stream] = Checkpoint.model_validate_json(batch.checkpoint)
                    yield batch

    def _skip(self, candidate: Candidate, checkpoint: Checkpoint) -> None:
        if candidate.path.name == checkpoint.file:
            _log.debug("file delivered before", source=self.name, file=checkpoint.file)
        else:
            _log.warning("duplicate delivery", source=self.name, file=candidate.path.name, same_as=checkpoint.file)

    def _extract(self, reader: Reader, delivery: Delivery, *, traceparent: str | None) -> Extract:
        keep = partial(self._keep, reader, delivery)
        return Extract(delivery=delivery, read=reader.read, keep=keep, traceparent=traceparent)

    async def _batches(self, file: _File, *, first: int) -> AsyncGenerator[EventBatch, None]:
        await asyncio.to_thread(self._keep, file.reader, file.delivery)
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

    def _keep(self, reader: Reader, delivery: Delivery) -> None:
        if self._archive is not None:
            self._archive.put(reader.read(0, delivery.size_bytes))

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
            mapper, comparison = self._compiled(codec)
        except ConfigError as error:
            raise ConfigError([*problems, *(f"{self.name}: {problem}" for problem in error.problems)]) from error
        if problems:
            raise ConfigError(problems)
        return Shape(
            model=self.model,
            codec=codec if comparison else codec.only(mapper.fields),
            mapper=mapper,
            event_time=config.event_time,
            comparison=comparison,
        )

    def _compiled(self, codec: Codec) -> tuple[Mapper, Comparison | None]:
        model, key, canonical = self.model, self._key, self._canonical
        snapshot = self.config.snapshot
        if snapshot is None:
            if self._changes is not None:
                raise ConfigError(["changes: only full extracts have them; set `snapshot`"])
            legacy = codec.layout.by_name
            return compile_mapping(model, self._mapping, key=key, legacy=legacy, canonical=canonical), None
        cut = Cut.of(codec.layout, snapshot)
        changes = compile_changes(
            model, self._mapping, changes=self._changes, key=key, codec=codec, canonical=canonical
        )
        return changes.mapper, Comparison(snapshot=snapshot, cut=cut, events=changes)
