"""Reads the records of one file chunk by chunk, after a first pass that may hold the file."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

from adapters.batch.chunk import Chunk, Shape, to_batch
from adapters.batch.config import Config
from adapters.batch.crew import Crew
from adapters.batch.delivery import Checkpoint, Delivery
from adapters.batch.location import Reader
from adapters.batch.reconciling import not_framed
from adapters.batch.stream import stream_of
from contracts.errors import FileHeldError, FramingError
from contracts.legacy.framing import Position, RecordBatch
from contracts.ports import EventBatch
from observability import fields, metrics, tracing

__all__ = ["File", "Reading", "Survey"]

_KEPT_BYTES = 64 * 1024 * 1024
"""Up to this size, what the first pass made of a file is kept for the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A complete file that is being delivered."""

    shape: Shape
    reader: Reader
    delivery: Delivery
    traceparent: str | None
    """Of the span that covers the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    chunk: Chunk
    traceparent: str | None


@dataclass(slots=True, kw_only=True)
class Survey:
    """What the first pass found."""

    records: int = 0
    """Data records."""
    kept: list[_Step] | None = field(default_factory=list[_Step])
    """What it made of them; None where that is too much, or was not asked for."""

    def take(self, step: _Step) -> None:
        """Count a step, and keep it while the file is not too large."""
        self.records += step.chunk.records
        if self.kept is not None:
            self.kept.append(step)
            self.kept = self.kept if step.chunk.next.offset <= _KEPT_BYTES else None


class Reading:
    """Makes batches of files, whose records all become events or dead letters."""

    def __init__(self, config: Config, metrics_: metrics.Metrics, crew: Crew) -> None:
        self._config, self._metrics, self._crew = config, metrics_, crew

    async def survey(self, file: File) -> Survey:
        """Look at a whole file before anything of it is published.

        Raises:
            FileHeldError: Its bytes are not framed as declared, or too many of its records are bad.
            LegacyUnavailableError: It can't be read.
        """
        with _framed(file):
            if self._config.dead_letter_share < 1:
                return await self._trial(file)
            return Survey(records=await asyncio.to_thread(self._count, file), kept=None)

    async def batches(self, file: File, found: Survey | Checkpoint) -> AsyncGenerator[EventBatch, None]:
        """Yield the batches of a file that was surveyed, or the rest of one that is published in part.

        Raises:
            FileHeldError: It is not framed as when it was begun; what fits has been yielded.
            LegacyUnavailableError: It can't be read.
        """
        total = found.records
        if isinstance(found, Checkpoint):
            first, read, steps = found.first, found.read, self._steps(file, self._start(file, found))
        else:
            first, read = file.shape.format.framing.header_records, 0
            steps = self._steps(file, Position()) if found.kept is None else _each(found.kept)
        with _framed(file):
            async with aclosing(steps):
                async for step in steps:
                    read += step.chunk.records
                    if read > total:
                        break
                    yield to_batch(step.chunk, file.delivery, total=total, first=first, traceparent=step.traceparent)
        if read != total:
            # What was published of it was framed otherwise: whoever changed that has to say what is right.
            expected, told = f"{total} records of data, as when it was begun", f"{read}"
            raise FileHeldError(file.delivery.file, rule="framing", expected=expected, found=told)
        if not total:
            empty = Chunk(events=(), dead=[], records=0, next=Position(ordinal=first))
            yield to_batch(empty, file.delivery, total=0, first=first, traceparent=file.traceparent)

    async def _trial(self, file: File) -> Survey:
        """Make all events once, and hold a file of which too many records are bad."""
        # Of a large file nothing is kept, so its events are not wanted yet.
        is_kept = file.delivery.size_bytes <= _KEPT_BYTES
        survey, share = Survey(kept=[] if is_kept else None), self._config.dead_letter_share
        bad, why = 0, ""
        # Where the size tells how many there are, the rest of a bad file need not be looked at.
        known = self._count(file) if file.shape.format.is_plain else None
        async with aclosing(self._steps(file, Position(), is_wanted=is_kept)) as steps:
            async for step in steps:
                survey.take(step)
                bad += step.chunk.refused
                why = why or (step.chunk.dead[0].reason if step.chunk.dead else "")
                if known is not None and bad > share * known:
                    break
        if bad > share * (known or survey.records):
            found = f"at least {bad} of {known or survey.records}; the first: {why}"
            raise FileHeldError(file.delivery.file, expected=f"at most {share:.1%} bad records", found=found)
        return survey

    def _count(self, file: File) -> int:
        record_format = file.shape.format
        if record_format.is_plain:
            return file.delivery.size_bytes // record_format.record_length
        batches = record_format.read(stream_of(file.reader), Position(), records=self._config.chunk_records)
        return sum(map(len, batches))

    @staticmethod
    def _start(file: File, checkpoint: Checkpoint) -> Position:
        offset = checkpoint.offset
        if offset is None:  # written when all records had one length
            offset = checkpoint.next * file.shape.record_length
        return Position(offset=offset, ordinal=checkpoint.next, block_end=checkpoint.block_end)

    async def _steps(self, file: File, start: Position, *, is_wanted: bool = True) -> AsyncGenerator[_Step, None]:
        """Yield the chunks from a place on in their order; as many are made at a time as there are processes."""
        batches = file.shape.format.read(stream_of(file.reader), start, records=self._config.chunk_records)
        number = start.ordinal // self._config.chunk_records
        width = await self._crew.width(file.delivery.size_bytes)
        waiting = deque[asyncio.Task[_Step]]()
        broken: FramingError | None = None
        try:
            while True:
                while broken is None and len(waiting) < width:
                    try:
                        # One thread call for each chunk: a drain must not wait for the whole file.
                        batch = await asyncio.to_thread(next, batches, None)
                    except FramingError as error:
                        broken = error
                        break
                    if batch is None:
                        break
                    waiting.append(asyncio.create_task(self._step(file, batch, number, is_wanted=is_wanted)))
                    number += 1
                if not waiting:
                    break
                yield await waiting.popleft()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if broken is not None:
            raise broken

    async def _step(self, file: File, batch: RecordBatch, number: int, *, is_wanted: bool) -> _Step:
        """Make one chunk, within a span of its own."""
        attributes: dict[str, fields.Value] = {fields.BANYAN_SOURCE: self._config.name, fields.BANYAN_CHUNK: number}
        name = fields.span_name(fields.READ, self._config.name)
        with tracing.span(name, attributes=attributes, parent=file.traceparent) as span:
            chunk = await self._crew.chunk(file.delivery, batch, is_wanted=is_wanted)
            span.set_attribute(fields.BANYAN_RECORDS, chunk.records)
            span.set_attribute(fields.BANYAN_DEAD_LETTERS, len(chunk.dead))
            step = _Step(chunk=chunk, traceparent=tracing.traceparent(span))
        self._metrics.records_read(self._config.name, chunk.records)
        return step


@contextmanager
def _framed(file: File) -> Generator[None]:
    try:
        yield
    except FramingError as error:
        raise not_framed(file.delivery.file, error) from error


async def _each(steps: list[_Step]) -> AsyncGenerator[_Step, None]:
    for step in steps:
        yield step
