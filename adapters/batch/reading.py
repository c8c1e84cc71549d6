"""Reads the records of one file chunk by chunk, after a first pass that may hold the file."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from adapters.batch.chunk import Shape, to_batch, to_dead_letters
from adapters.batch.config import Config
from adapters.batch.delivery import Delivery
from adapters.batch.location import Reader
from contracts.errors import FileHeldError
from contracts.ports import EventBatch
from observability import fields, metrics, tracing

__all__ = ["File", "Reading"]

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

    @property
    def records(self) -> int:
        """Return how many records it has."""
        return self.delivery.size_bytes // self.shape.record_length


class Reading:
    """Makes batches of files, whose records all become events or dead letters."""

    def __init__(self, config: Config, metrics_: metrics.Metrics) -> None:
        self._config, self._metrics = config, metrics_

    async def batches(self, file: File, *, first: int) -> AsyncGenerator[EventBatch, None]:
        """Yield the batches from the record of this ordinal on.

        Raises:
            FileHeldError: Too many of its records are bad; nothing was yielded.
            LegacyUnavailableError: It can't be read.
        """
        rest = range(first, file.records, self._config.chunk_records) or range(1)
        if first == 0 and self._config.dead_letter_share < 1:
            if file.delivery.size_bytes <= _KEPT_BYTES:
                batches = [await self._chunk(file, start) for start in rest]
                self._judge(file, [letter.reason for batch in batches for letter in batch.dead])
                for batch in batches:
                    yield batch
                return
            self._judge(file, await self._reasons(file, rest))
        for start in rest:
            yield await self._chunk(file, start)

    async def _chunk(self, file: File, first: int) -> EventBatch:
        """Make a batch of the records from this ordinal on, within a span of its own."""
        attributes: dict[str, fields.Value] = {
            fields.BANYAN_SOURCE: self._config.name,
            fields.BANYAN_CHUNK: first // self._config.chunk_records,
        }
        name = fields.span_name(fields.READ, self._config.name)
        with tracing.span(name, attributes=attributes, parent=file.traceparent) as span:
            traceparent = tracing.traceparent(span)
            records, batch = await asyncio.to_thread(self._make, file, first, traceparent=traceparent)
            span.set_attribute(fields.BANYAN_RECORDS, records)
            span.set_attribute(fields.BANYAN_DEAD_LETTERS, len(batch.dead))
        self._metrics.records_read(self._config.name, records)
        return batch

    def _make(self, file: File, first: int, *, traceparent: str | None) -> tuple[int, EventBatch]:
        data = self._bytes(file, first)
        batch = to_batch(file.shape, file.delivery, data, first=first, traceparent=traceparent)
        return len(data) // file.shape.record_length, batch

    async def _reasons(self, file: File, starts: range) -> list[str]:
        """Return why records are bad, as many as decide about the file."""
        reasons: list[str] = []
        for first in starts:
            # One thread call for each chunk: a drain must not wait for the whole file.
            reasons += await asyncio.to_thread(self._bad, file, first)
            if len(reasons) > self._tolerated(file):
                break
        return reasons

    def _bad(self, file: File, first: int) -> list[str]:
        dead = to_dead_letters(file.shape, file.delivery, self._bytes(file, first), first=first)
        return [letter.reason for letter in dead]

    def _bytes(self, file: File, first: int) -> bytes:
        length = file.shape.record_length
        records = min(self._config.chunk_records, file.records - first)
        return file.reader.read(first * length, records * length)

    def _judge(self, file: File, reasons: Sequence[str]) -> None:
        if len(reasons) > self._tolerated(file):
            expected = f"at most {self._config.dead_letter_share:.1%} bad records"
            found = f"at least {len(reasons)} of {file.records}; the first: {reasons[0]}"
            raise FileHeldError(file.delivery.file, expected=expected, found=found)

    def _tolerated(self, file: File) -> float:
        return self._config.dead_letter_share * file.records
