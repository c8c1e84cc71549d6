"""The adapter: reads captured calls, and hands them on as batches of events."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import replace
from typing import Any, Self

import structlog

from adapters.soap_intercept import example
from adapters.soap_intercept.config import Config
from adapters.soap_intercept.contract import Contract, load
from adapters.soap_intercept.place import Place, Places
from adapters.soap_intercept.reading import ReadCall, read_call
from contracts.errors import BanyanError, ConfigError, RecordError, safe_message
from contracts.event import Event
from contracts.identifiers import ordinal
from contracts.intercepted import unpack
from contracts.keys import CanonicalKey
from contracts.mapping import EventMapping, compile_mapping
from contracts.ports import Captured, Columns, DeadLetter, EventBatch, LogRecord, Progress
from contracts.record_path import at
from observability import fields, metrics, tracing

__all__ = ["Adapter"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Adapter:
    """Reads the captured calls of one route. Delivery: exactly once from the captured call into Kafka.

    Fulfils the port `Source`. Its checkpoint is its place on the captured topic, so that it and the events are one
    transaction.

    Args:
        config: The route, and the contract of its operation.
        model: The event that each call becomes.
        key: The model's field that is the partition key.
        mapping: A table or a function from call to event, as for every adapter. A table names fields with slashes:
            `request/…` and `reply/…`, from the child of the SOAP Body on, and `call/at`, `call/request_id`,
            `call/side`, `call/backend`, `call/traceparent`.
        canonical: How the key is written.
    """

    def __init__(
        self,
        config: Config,
        *,
        model: type[Event],
        key: str,
        mapping: EventMapping,
        canonical: CanonicalKey | None = None,
    ) -> None:
        self.config, self.model = config, model
        self._mapper = compile_mapping(model, mapping, key=key, legacy=_named(mapping), canonical=canonical)
        self._captured: Captured | None = None
        self._contract: Contract | None = None
        self._metrics = metrics.Metrics()

    @property
    def name(self) -> str:
        """Return the name of this source."""
        return self.config.name

    @property
    def stream(self) -> str:
        """Return the stream of this source."""
        return f"route:{self.config.route}"

    @classmethod
    def example(cls) -> Self:
        """Return one that reads calls which are in this process: two that changed an address, and one bad one."""
        made = cls(example.CONFIG, model=example.AddressChanged, key="resident_id", mapping=example.MAPPING)
        made.read_captured(example.Calls())
        return made

    def configured(self, changes: Mapping[str, object]) -> Self:
        """Return the same adapter with some of its configuration changed.

        Raises:
            ValidationError: A name is unknown, or a value does not fit.
        """
        config = Config.model_validate({**dict(self.config), **changes})
        other = copy(self)
        vars(other).update(config=config, _contract=None)
        return other

    def read_captured(self, captured: Captured) -> None:
        """Read the calls from there; the hub says so before it runs the adapter."""
        self._captured = captured

    async def check(self) -> list[str]:
        """Return what would keep it from working, one sentence each: reads the contract, and compares the mapping."""
        try:
            await self._load()
        except ConfigError as error:
            return [*error.problems]
        except BanyanError as error:
            return [str(error)]
        return []

    async def read(self, since: Progress) -> AsyncGenerator[EventBatch, None]:
        """Yield batches that continue right after `since`; ends only with `once`.

        Raises:
            BrokerUnavailableError: Kafka does not answer.
            ConfigError: The contract has no such operation or field, or the topic is not the one that was read before.
            ContractError: The WSDL is not understood.
        """
        if self._captured is None:
            raise ConfigError([f"{self.name}: captured calls are read by `banyan run` and `banyan adapter run`"])
        contract, places = await self._load(), Places.read(since.checkpoints.get(self.stream))
        follow = not self.config.once
        records: Any = self._captured.read(self.config.route, after=places.after, follow=follow)
        async with aclosing(records):
            async for record in records:
                place = self._at(record, places)
                with tracing.span(fields.span_name(fields.READ, self.name), current=False) as span:
                    traceparent = tracing.traceparent(span)
                    # In a thread: the loop goes on meanwhile.
                    batches = await asyncio.to_thread(self._batches, record, contract, done=place.call)
                for following, batch in batches:
                    places.by_partition[record.partition] = following
                    yield replace(batch, checkpoint=places.to_bytes(), traceparent=traceparent)

    def _at(self, record: LogRecord, places: Places) -> Place:
        """Return what is next of a record; tells what is gone, since it can't be made good any more."""
        known = places.by_partition.get(record.partition)
        if known is not None and record.offset < known.offset:
            problem = f"{self.name}: the topic of route {self.config.route} is another one than before: it begins anew"
            raise ConfigError([f"{problem} at {record.offset}, and {known.offset} is next; give the source a new name"])
        if known is not None and record.offset > known.offset:
            _log.error(
                "captured calls were deleted before they were read",
                source=self.name,
                route=self.config.route,
                records=record.offset - known.offset,
            )
        return known if known is not None and known.offset == record.offset else Place(offset=record.offset)

    def _batches(self, record: LogRecord, contract: Contract, *, done: int) -> list[tuple[Place, EventBatch]]:
        """Return what is left of a record, and after each batch what is next."""
        following = Place(offset=record.offset + 1)
        try:
            calls = [*unpack(record.value or b"")]
        except RecordError as error:
            dead = [_unreadable(record, error)]
            return [(following, EventBatch(stream=self.stream, checkpoint=b"", dead=dead))] if not done else []
        read = [read_call(call, contract, self.config) for call in calls[done:]]
        self._tell(read)
        step, batches = self.config.chunk_calls, list[tuple[Place, EventBatch]]()
        for at_call in range(0, len(read) or 1, step):
            more = at_call + step < len(read)
            place = Place(offset=record.offset, call=done + at_call + step) if more else following
            batch = self._events(read[at_call : at_call + step], record, first=done + at_call)
            batches.append((place, replace(batch, more=more)))
        return batches

    def _events(self, read: Sequence[ReadCall], record: LogRecord, *, first: int) -> EventBatch:
        """Return the events and dead letters of some calls, the first of which is at that place in its record."""
        numbered = [(first + number, each) for number, each in enumerate(read)]
        sound = [(number, each) for number, each in numbered if each.outcome == "event"]
        encoded = self._mapper.encode_records([self._row(each.record) for _, each in sound])
        bad = [(each, each.error) for each in read if each.outcome == "dead" and each.error is not None]
        bad += [(sound[row][1], error) for row, error in encoded.bad.items()]
        done = [sound[row] for row in encoded.rows]
        columns = Columns(
            topic=self.model.topic,
            type=self.model.type,
            dataschema=self.model.dataschema(),
            time=[each.time for _, each in done],
            keys=encoded.keys,
            positions=[each.position for _, each in done],
            sequences=[f"{ordinal(record.offset)}.{number:06d}" for number, _ in done],
            values=encoded.values,
        )
        return EventBatch(
            stream=self.stream,
            checkpoint=b"",
            events=[columns] if len(columns) else [],
            dead=[self._dead_letter(each, error) for each, error in bad],
        )

    def _row(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        names = self._mapper.fields
        return record if names is None else {name: at(record, name.split("/")) for name in names}

    def _dead_letter(self, read: ReadCall, error: BanyanError) -> DeadLetter:
        return DeadLetter(
            position=read.position,
            value=read.call.packed,
            reason=safe_message(error) or type(error).__name__,
            error=type(error).__name__,
            attributes={
                "operation": self.config.operation,
                "route": read.call.route,
                "request_id": read.call.request_id,
                "traceparent": read.call.traceparent,
            },
        )

    def _tell(self, read: Sequence[ReadCall]) -> None:
        """Count what was read, and tell how it differs from the contract, each difference once."""
        self._metrics.records_read(self.name, len(read))
        found = Counter[str](each.outcome for each in read)
        faults, failed, others = found["fault"], found["failed"], found["other_side"]
        if faults or failed or others:
            _log.info(
                "captured calls that are no events", source=self.name, faults=faults, failed=failed, other_side=others
            )
        for deviation, times in Counter(each for call in read for each in call.deviations).items():
            self._metrics.deviated(self.name, deviation.kind, times=times)
            _log.warning(
                "call deviates from its contract",
                source=self.name,
                path=deviation.path,
                kind=deviation.kind,
                expected=deviation.expected,
                times=times,
            )

    async def _load(self) -> Contract:
        if self._contract is None:
            contract = await asyncio.to_thread(load, self.config)
            if problems := contract.problems(sorted(self._mapper.fields or ())):
                raise ConfigError(problems)
            self._contract = contract
        return self._contract


def _unreadable(record: LogRecord, error: RecordError) -> DeadLetter:
    """Return the dead letter of a record that is no pack."""
    return DeadLetter(
        position=f"record.{record.partition}.{ordinal(record.offset)}",
        value=record.value or b"-",
        reason=str(error),
        error=type(error).__name__,
    )


def _named(mapping: EventMapping) -> frozenset[str]:
    """Return what a table names; whether a call has it is known when the contract is read."""
    if callable(mapping):
        return frozenset()
    return frozenset(to if isinstance(to, str) else to[0] for to in mapping.values())
