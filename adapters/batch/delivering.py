"""Delivers one complete file: identifies and checks it as a whole, then hands its records on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from functools import partial

import structlog

from adapters.batch.arrival import Arrivals, Case
from adapters.batch.chunk import Shape
from adapters.batch.config import Config
from adapters.batch.crew import Crew
from adapters.batch.delivery import Delivery, check, deliver
from adapters.batch.expected.bounds import checked
from adapters.batch.location import BLOCK_BYTES, Reader
from adapters.batch.reading import File, Reading
from adapters.batch.reconciling import hold_broken, reconciled
from adapters.batch.snapshot.delivery import Extract, Snapshots
from adapters.batch.stream import stream_of
from contracts.errors import FileHeldError
from contracts.ports import Archive, EventBatch
from observability import fields, tracing
from observability.metrics import Metrics

__all__ = ["Delivering"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    """What one `read` delivers files with."""

    config: Config
    shape: Shape
    arrivals: Arrivals
    snapshots: Snapshots | None
    """Where each file is compared with the one before."""
    archive: Archive | None
    metrics: Metrics
    crew: Crew
    """Who makes the chunks."""

    async def batches(self, case: Case) -> AsyncGenerator[EventBatch, None]:
        """Yield what a complete file becomes; nothing of a duplicate but a note.

        Raises:
            FileHeldError: It is held or quarantined. Nothing of it was yielded, unless its framing was changed since
                it was begun.
            FileChangedError: It is not what it was when it was found complete.
            LegacyUnavailableError: It can't be read.
        """
        candidate, arrivals, found = case.candidate, self.arrivals, self.shape.format
        record_length = found.record_length if found.is_plain else None
        attributes: dict[str, fields.Value] = {
            fields.BANYAN_SOURCE: self.config.name,
            fields.BANYAN_FILE_NAME: candidate.name,
            fields.BANYAN_FILE_SIZE: candidate.size_bytes,
            fields.BANYAN_FILE_PROOF: case.complete.proof,
        }
        name = fields.span_name(fields.READ, self.config.name)
        with tracing.span(name, attributes=attributes, current=False) as span, ExitStack() as stack:
            case.traceparent = tracing.traceparent(span)
            if case.complete.missing is not None:
                raise FileHeldError(candidate.name, expected=case.complete.missing, found="none")
            reader = await asyncio.to_thread(stack.enter_context, arrivals.location.opened(candidate))
            delivery = await asyncio.to_thread(deliver, reader, self.config)
            records = None if record_length is None else delivery.size_bytes // record_length
            verdict = arrivals.decide(case, delivery, records=records)
            delivery = case.identified
            span.set_attribute(fields.BANYAN_STREAM, delivery.stream)
            span.set_attribute(fields.BANYAN_FILE_SHA256, delivery.sha256)
            span.set_attribute(fields.BANYAN_FILE_POLICY, verdict.policy)
            if verdict.action in {"skip", "duplicate"}:
                told = self._skip(case)
                if told is not None:
                    yield told
                return
            check(delivery, self.config, record_length=record_length)
            if verdict.action != "publish":
                raise FileHeldError(candidate.name, rule=verdict.rule, expected=verdict.expected, found=verdict.found)
            if not case.is_begun:
                await self._reconcile(case, reader)
                if case.entry is not None and case.entry.records is not None:
                    case.entry = checked(case.entry, delivery, self.config)
            async with aclosing(self._batches(case, reader)) as batches:
                async for batch in batches:
                    yield arrivals.publish(case, batch)
            self.metrics.file(self.config.name, "published")

    def _batches(self, case: Case, reader: Reader) -> AsyncGenerator[EventBatch, None]:
        if self.snapshots is None or case.extract is None:
            return self._records(case, reader)
        keep = partial(self._keep, reader, case.extract.delivery)
        extract = Extract(
            begun=case.extract,
            stream=partial(stream_of, reader),
            keep=keep,
            counted=partial(self._counted, case, case.extract.delivery),
            traceparent=case.traceparent,
        )
        return self.snapshots.compare(extract)

    async def _records(self, case: Case, reader: Reader) -> AsyncGenerator[EventBatch, None]:
        delivery = case.identified
        checkpoint = self.arrivals.checkpoint(delivery)
        if checkpoint is not None:
            # Times go with the delivery: a file that was put there again continues the one begun.
            delivery = replace(delivery, file=checkpoint.file, modified=checkpoint.modified)
        file = File(shape=self.shape, reader=reader, delivery=delivery, traceparent=case.traceparent)
        reading = Reading(self.config, self.metrics, self.crew)
        found = checkpoint or await reading.survey(file)
        self._counted(case, delivery, found.records)
        await asyncio.to_thread(self._keep, reader, delivery)
        async with aclosing(reading.batches(file, found)) as batches:
            async for batch in batches:
                yield batch

    def _counted(self, case: Case, delivery: Delivery, records: int) -> None:
        """Note how many records a file has, where its size does not tell; hold it where that is out of bounds."""
        if case.entry is not None and case.entry.records is None:
            counted = case.entry.model_copy(update={"records": records})
            case.entry = checked(counted, delivery, self.config)

    async def _reconcile(self, case: Case, reader: Reader) -> None:
        """Hold a file that does not agree with itself, unless somebody accepted it."""
        report = await asyncio.to_thread(reconciled, self.shape.format, reader)
        if report is None:
            return
        self.arrivals.reconciled(case, report)
        accepted = self.config.acceptance(case.identified.sha256)
        if accepted is not None and report.outcome is report.outcome.HOLD:
            _log.warning("file accepted", source=self.config.name, file=case.candidate.name, reason=accepted)
            return
        hold_broken(case.candidate.name, report)

    def _skip(self, case: Case) -> EventBatch | None:
        file, verdict = case.candidate.name, case.verdict
        if verdict is None or verdict.same_as is None:
            _log.debug("file delivered before", source=self.config.name, file=file)
            return None
        _log.warning("duplicate delivery", source=self.config.name, file=file, same_as=verdict.same_as)
        self.metrics.file(self.config.name, "duplicate")
        return self.arrivals.repeat(case, same_as=verdict.same_as)

    def _keep(self, reader: Reader, delivery: Delivery) -> None:
        if self.archive is not None:
            sizes = range(0, delivery.size_bytes, BLOCK_BYTES)
            blocks = (reader.read(at, min(BLOCK_BYTES, delivery.size_bytes - at)) for at in sizes)
            self.archive.put_blocks(blocks, delivery.sha256)
