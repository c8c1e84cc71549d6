"""Leads one extract from its bytes to batches: compare, judge, publish step by step.

The state is the difference's checkpoint: what was published of an extract does not differ from the state any more, so
to go on is to compare again. Positions come from the extract - a record's ordinal, and for deletes the number after
the last ordinal, in the order of the keys - and so they are the same however often and from wherever it is read.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import structlog

from adapters.batch.chunk import Shape
from adapters.batch.config import Config
from adapters.batch.delivery import Delivery
from adapters.batch.snapshot.comparison import Comparison
from adapters.batch.snapshot.cut import DIGEST_BYTES, Keys
from adapters.batch.snapshot.difference import Images, Rows, difference, distinct, repeated
from adapters.batch.snapshot.guard import Counts, Judged, hold_repeated, hold_unlikely
from adapters.batch.snapshot.history import Begun, ExtractCheckpoint, History
from adapters.batch.snapshot.image import Image, images, key_bytes, state_key
from adapters.batch.snapshot.records import Records
from adapters.batch.snapshot.step import Made, Row, Stepper
from contracts.errors import FileHeldError
from contracts.legacy.framing import RecordBatch
from contracts.ports import EventBatch, Progress
from observability import fields, metrics, tracing

__all__ = ["Extract", "Snapshots"]

_KEPT_BYTES = 64 * 1024 * 1024
"""Up to this size of all changed records, what the first pass made of them is kept for the second."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A complete file that is compared."""

    begun: Begun
    stream: Callable[[], BinaryIO]
    """Opens the file; it is read in a thread."""
    counted: Callable[[int], None]
    """Is told how many data records it has, before anything of it is published; may hold it."""
    keep: Callable[[], None]
    """Puts the file into the archive, where there is one; runs in a thread, before anything is published."""
    traceparent: str | None
    """Of the span that covers the file."""

    @property
    def delivery(self) -> Delivery:
        """Return what is delivered."""
        return self.begun.delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What an extract still differs in from the state."""

    records: int
    """All data records."""
    rows: Rows
    """Indexes of the records that are created or updated."""
    keys: Sequence[bytes]
    """Their keys."""
    digests: bytes
    """Their digests, one after the other."""
    deleted: Sequence[bytes]
    """Keys, in their order."""
    known: int
    counts: Counts

    def steps(self, size: int) -> "list[_Step]":
        """Return the steps, of at most so many changes; at least one."""
        gone = [_Step(deletes=range(at, end)) for at, end in _slices(len(self.deleted), size)]
        present = [_Step(rows=range(at, end)) for at, end in _slices(len(self.rows), size)]
        return [*gone, *present] or [_Step()]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """Changes that are published as one batch, by their index in the plan."""

    deletes: range = range(0)
    rows: range = range(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One extract under way."""

    extract: Extract
    begun: Begun
    records: Records
    plan: _Plan
    stepper: Stepper
    accepted: str | None


class Snapshots:
    """The extracts of a source, and the state that the next one is compared with."""

    def __init__(self, config: Config, shape: Shape, comparison: Comparison, *, since: Progress) -> None:
        self._config, self._shape = config, shape
        self._snapshot, self._changes, self._cut = comparison.snapshot, comparison.events, comparison.cut
        self._state = dict(since.state)
        self.history = History(since.checkpoints)
        self._metrics = metrics.Metrics()

    async def compare(self, extract: Extract) -> AsyncGenerator[EventBatch, None]:
        """Yield what an extract changes.

        Raises:
            FileHeldError: It is held; nothing of it was yielded.
            LegacyUnavailableError: It can't be read.
        """
        begun = extract.begun
        accepted = self._config.acceptance(begun.delivery.sha256)
        self.history.check(begun.delivery, self._cut, keeps_records=self._changes.keeps_records, accepted=accepted)
        records = Records(self._shape.format, extract.stream, file=begun.delivery.file)
        plan = await self._plan(records, begun)
        _require_begun(begun, first=records.first, records=plan.records)
        extract.counted(plan.records)
        work = _Work(
            extract=extract,
            begun=begun,
            records=records,
            plan=plan,
            stepper=Stepper(self._shape, self._changes, begun.delivery, behind=records.first + plan.records),
            accepted=accepted if begun.checkpoint is None else begun.checkpoint.accepted,
        )
        steps = plan.steps(self._config.chunk_records)
        kept: list[EventBatch] = []
        if begun.checkpoint is None:
            self._judge(work)
            kept = await self._first_pass(work, steps)
        await asyncio.to_thread(extract.keep)
        for step in steps:
            batch = kept.pop(0) if kept else await self._batch(work, step, steps[-1])
            self._apply(batch)
            yield batch

    def _judge(self, work: _Work) -> None:
        delivery, counts = work.begun.delivery, work.plan.counts
        _log.info(
            "extract compared",
            source=self._config.name,
            file=delivery.file,
            known=work.plan.known,
            **counts.model_dump(),
        )
        judged = Judged(delivery=delivery, records=work.plan.records, known=work.plan.known, counts=counts)
        if work.accepted is not None:
            _log.warning("file accepted", source=self._config.name, file=delivery.file, reason=work.accepted)
        hold_unlikely(judged, self._snapshot, accepted=work.accepted)

    async def _first_pass(self, work: _Work, steps: Sequence[_Step]) -> list[EventBatch]:
        """Hold an extract with too many bad records; return its batches, where it is worth to keep them."""
        share, kept = self._config.dead_letter_share, list[EventBatch]()
        if share == 1:
            return kept
        keeps = len(work.plan.rows) * self._shape.record_length <= _KEPT_BYTES
        records = work.plan.records
        bad: list[str] = []
        for step in steps:
            batch = await self._batch(work, step, steps[-1])
            kept += [batch] if keeps else []
            bad += [letter.reason for letter in batch.dead]
            if len(bad) > share * records:
                expected = f"at most {share:.1%} bad records"
                found = f"at least {len(bad)} of {records}; the first: {bad[0]}"
                raise FileHeldError(work.begun.delivery.file, expected=expected, found=found)
        return kept

    def _apply(self, batch: EventBatch) -> None:
        self.history.add(batch.stream, ExtractCheckpoint.model_validate_json(batch.checkpoint))
        for key, value in batch.state.items():
            if value is None:
                self._state.pop(key, None)
            else:
                self._state[key] = value

    async def _plan(self, records: Records, begun: Begun) -> _Plan:
        keys: list[Keys] = []
        digests: list[bytes] = []
        batches = records.batches()
        # One thread call for each stretch: a drain must not wait for the whole file.
        while (found := await asyncio.to_thread(self._scan, batches)) is not None:
            keys.append(found[0])
            digests.append(found[1])
        every = np.concatenate(keys) if keys else np.zeros(0, dtype=f"S{self._cut.key_bytes}")
        self._metrics.records_read(self._config.name, len(every))
        after = Images.of(every, b"".join(digests))
        return await asyncio.to_thread(self._compared, after, begun, first=records.first)

    def _scan(self, batches: Iterator[RecordBatch]) -> tuple[Keys, bytes] | None:
        batch = next(batches, None)
        rows = None if batch is None else batch.rows()
        if rows is None:
            return None
        data = rows.tobytes()
        return self._cut.keys(data), self._cut.digests(data)

    def _compared(self, after: Images, begun: Begun, *, first: int) -> _Plan:
        rows = self._distinct(after.keys, begun.delivery, first=first)
        left_out = 0 if rows is None else len(after.keys) - len(rows)
        before = images(self._state, width=self._cut.key_bytes)
        found = difference(before, after if rows is None else after.only(rows))
        changed = np.sort(np.concatenate((found.created, found.updated)))
        changed = changed if rows is None else rows[changed]
        counts = Counts(
            created=len(found.created),
            updated=len(found.updated),
            deleted=len(found.deleted),
            unchanged=found.unchanged,
            repeated=left_out,
        )
        return _Plan(
            records=len(after.keys),
            rows=changed,
            keys=key_bytes(after.keys, changed),
            digests=after.digests[changed].tobytes(),
            deleted=key_bytes(before.keys, found.deleted),
            known=len(before.keys),
            # What the whole extract changed was counted when it was begun.
            counts=counts if begun.checkpoint is None else begun.checkpoint.counts,
        )

    def _distinct(self, keys: Keys, delivery: Delivery, *, first: int) -> Rows | None:
        """Return the records that count where keys stand twice; None is all of them."""
        _, again = repeated(keys)
        if not len(again):
            return None
        if self._snapshot.duplicates != "hold":
            return distinct(keys, self._snapshot.duplicates)
        same = np.flatnonzero(keys == keys[again[0]])
        hold_repeated(delivery, repeated=len(again), first=(first + int(same[0]), first + int(same[1])))
        return None

    async def _batch(self, work: _Work, step: _Step, last: _Step) -> EventBatch:
        """Make a batch of a step, within a span of its own."""
        attributes: dict[str, fields.Value] = {fields.BANYAN_SOURCE: self._config.name}
        name = fields.span_name(fields.READ, self._config.name)
        with tracing.span(name, attributes=attributes, parent=work.extract.traceparent) as span:
            made = await asyncio.to_thread(self._made, work, step)
            span.set_attribute(fields.BANYAN_RECORDS, len(step.rows) + len(step.deletes))
            span.set_attribute(fields.BANYAN_DEAD_LETTERS, len(made.dead))
            return EventBatch(
                stream=work.begun.stream,
                checkpoint=self._checkpoint(work, step, is_last=step is last).model_dump_json().encode(),
                events=made.events,
                state=made.state,
                dead=made.dead,
                more=step is not last,
                traceparent=tracing.traceparent(span),
            )

    def _made(self, work: _Work, step: _Step) -> Made:
        plan = work.plan
        if step.deletes:
            keys = [state_key(plan.deleted[at]) for at in step.deletes]
            gone = {key: Image.from_bytes(self._state[key]) for key in keys}
            return work.stepper.deleted(gone, first=self._deletes(work) + step.deletes.start)
        records = work.records.at(plan.rows[step.rows.start : step.rows.stop].tolist())
        return work.stepper.present(
            [
                Row(
                    found=found,
                    state_key=(key := state_key(plan.keys[at])),
                    digest=plan.digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES],
                    before=Image.from_bytes(self._state[key]) if key in self._state else None,
                )
                for at, found in zip(step.rows, records, strict=True)
            ]
        )

    def _checkpoint(self, work: _Work, step: _Step, *, is_last: bool) -> ExtractCheckpoint:
        delivery, before = work.begun.delivery, work.begun.checkpoint
        first, records = work.records.first, work.plan.records
        reached = first if before is None else before.next
        after = first + int(work.plan.rows[step.rows.stop - 1]) + 1 if step.rows else reached
        return ExtractCheckpoint(
            sha256=delivery.sha256,
            file=delivery.file,
            modified=delivery.modified,
            first=first,
            next=first + records if is_last else after,
            records=records,
            done=is_last,
            business_date=delivery.business_date,
            sequence=delivery.sequence,
            fingerprint=self._cut.fingerprint,
            width=self._cut.key_bytes,
            records_kept=self._changes.keeps_records,
            deletes=self._deletes(work) + (len(work.plan.deleted) if step.rows else step.deletes.stop),
            counts=work.plan.counts,
            accepted=work.accepted,
        )

    def _deletes(self, work: _Work) -> int:
        return 0 if work.begun.checkpoint is None else work.begun.checkpoint.deletes


def _require_begun(begun: Begun, *, first: int, records: int) -> None:
    """Hold an extract that is framed otherwise than when it was begun: records would be deleted that are in it."""
    before = begun.checkpoint
    if before is not None and (before.first, before.records) != (first, records):
        expected = f"{before.records} records of data from record {before.first} on, as when it was begun"
        found = f"{records} from record {first} on"
        raise FileHeldError(begun.delivery.file, rule="framing", expected=expected, found=found)


def _slices(count: int, size: int) -> Iterator[tuple[int, int]]:
    return ((at, min(count, at + size)) for at in range(0, count, size))
