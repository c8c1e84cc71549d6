"""From a Kafka record to what a handler is given, or to the reason why not.

A record is one of three: `Delivered` to a handler, `Refused` because it is no CloudEvent or its data does not
fulfil the contract, or `Skipped` because nobody here wants events of its type.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, cast, final

from aiokafka import ConsumerRecord
from pydantic import JsonValue, TypeAdapter, ValidationError

from contracts.errors import EnvelopeError, safe_message
from contracts.event import Event
from contracts.file_end import FileDelivered
from events.envelope import FILE, Envelope, decode, identity
from events.topics import Topic, event_topic

__all__ = [
    "EVERY_TOPIC",
    "BatchHandler",
    "Delivered",
    "Ends",
    "Handler",
    "Read",
    "Reader",
    "Record",
    "Refused",
    "Skipped",
    "Waits",
    "Wanted",
    "reason",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_E = TypeVar("_E", bound=Event)
_T_co = TypeVar("_T_co", covariant=True)

Record: TypeAlias = ConsumerRecord[bytes, bytes]

EVERY_TOPIC = "*"
"""`topic` of a model whose events stand on the topics of others."""

_END, _END_TYPE = TypeAdapter(FileDelivered), FileDelivered.type.encode()
_UNSHOWN = "the message of this error is not shown: it may hold personal data"


@final
class Delivered(Generic[_T_co]):
    """One event as its handler sees it; nothing of it changes.

    A plain class: a frozen dataclass would take a microsecond longer to make, for each event.
    """

    __slots__ = ("_envelope", "_traceparent", "data", "file", "identity", "model", "record")

    def __init__(
        self,
        record: Record,
        model: type[Event],
        *,
        identity: tuple[str, str],
        data: _T_co | None,
        envelope: Envelope | None = None,
        traceparent: bytes | None = None,
    ) -> None:
        self.record = record
        """The Kafka record: topic, partition, offset, timestamp, key, value, headers."""
        self.model = model
        """The contract; `model.type` is the CloudEvents `type`."""
        self.identity = identity
        """CloudEvents (source, id), what makes it the same event."""
        self.data = data
        """The model; the bytes where it was subscribed to as raw; None for a tombstone: the key is gone."""
        self.file: FileDelivered | None = None
        """The whole file that it is part of, where whole files were subscribed to: its name, counts and totals."""
        self._envelope = envelope
        self._traceparent = traceparent

    @property
    def envelope(self) -> Envelope:
        """Return all CloudEvents attributes; those of raw events are decoded here.

        Raises:
            EnvelopeError: Of a raw event: the record is no CloudEvent, which dead-letters it.
        """
        return self._envelope or decode(self.record.headers, self.record.value)

    @property
    def traceparent(self) -> str | None:
        """Return the W3C trace context of whoever published it."""
        if self._envelope is not None:
            return self._envelope.traceparent
        return None if self._traceparent is None else self._traceparent.decode(errors="replace")

    def __repr__(self) -> str:
        """Return where it stands and what it is; neither key nor data, which may be personal."""
        place = f"{self.record.topic}/{self.record.partition}/{self.record.offset}"
        return f"Delivered({place}, type={self.model.type!r}, identity={self.identity!r})"


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that no retry can help."""

    record: Record
    error: EnvelopeError | ValidationError
    reason: str
    """What was expected and where; no personal data."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An event of a type that nobody here wants."""

    record: Record


@dataclass(frozen=True, slots=True)
class Waits:
    """An event of a file that is not whole yet; what it is will be read when it is."""

    record: Record
    file: tuple[bytes, bytes]
    """CloudEvents `source` and `file`: one delivery."""
    is_wanted: bool
    """There is a handler for its type."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The end of a file on this partition."""

    record: Record
    file: tuple[bytes, bytes]
    delivered: Delivered[FileDelivered]
    told: FileDelivered


Read: TypeAlias = Delivered[Any] | Refused | Skipped | Waits | Ends

Handler: TypeAlias = Callable[Concatenate[Delivered[_T], Any, _P], Awaitable[None]]
"""Handles one event within the inbox's transaction: `async def handle(event, tx)`."""
BatchHandler: TypeAlias = Callable[[Sequence[Delivered[_T]], Any], Awaitable[None]]
"""Handles events of one type and partition, in order, within one transaction of the inbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A handler, and the events that it wants."""

    model: type[Event]
    call: Callable[..., Awaitable[None]]
    raw: bool = False
    """Data stays bytes, and of the envelope only source, id and type are read."""


@final
class Reader:
    """Reads records for the handlers there are.

    Raises:
        ValueError: There are no handlers, or two for one type.
    """

    def __init__(self, namespace: str, wanted: Sequence[Wanted]) -> None:
        if not wanted:
            raise ValueError("no handler; declare one with `on`")
        self.wanted = {one.model: one for one in wanted}
        own = [one for one in wanted if one.model.topic != EVERY_TOPIC]
        topics = {topic.name: topic for topic in (event_topic(namespace, one.model.topic) for one in own)}
        if not topics:
            raise ValueError("no handler of a type that has a topic of its own; declare one with `on`")
        self.topics: Sequence[Topic] = list(topics.values())
        self._adapters: dict[tuple[str, bytes], tuple[Wanted, TypeAdapter[Event]]] = {}
        for one in wanted:
            adapter = TypeAdapter(one.model)
            where = topics if one not in own else [event_topic(namespace, one.model.topic).name]
            for topic in where:
                if self._adapters.setdefault((topic, one.model.type.encode()), (one, adapter))[0] is not one:
                    raise ValueError("two handlers for one type; there may be one")

    def read_parts(self, record: Record) -> Read:
        """Read one record, but of a file only which it is part of, and its end; never raises."""
        headers = dict(record.headers)
        source, file, type_ = headers.get("ce_source"), headers.get(FILE), headers.get("ce_type")
        if not source or not file or not type_:
            return self.read(record)
        if type_ != _END_TYPE:
            return Waits(record, (source, file), (record.topic, type_) in self._adapters)
        try:
            end = _typed(record, FileDelivered, _END)
            if end.data is None:
                raise EnvelopeError("value", expected="what was delivered, not null")  # noqa: TRY301 - as what else it is not
            return Ends(record, (source, file), end, end.data)
        except (EnvelopeError, ValidationError) as error:
            return Refused(record, error, reason(error, FileDelivered))

    def read(self, record: Record) -> Read:
        """Read one record; never raises."""
        headers = dict(record.headers)
        type_ = headers.get("ce_type")
        found = self._adapters.get((record.topic, type_ or b""))
        try:
            if found is not None:
                wanted, adapter = found
                return _raw(record, wanted.model, headers) if wanted.raw else _typed(record, wanted.model, adapter)
            if not type_:
                decode(record.headers, record.value)
        except (EnvelopeError, ValidationError) as error:
            return Refused(record, error, reason(error, found[0].model if found else None))
        return Skipped(record)


def _raw(record: Record, model: type[Event], headers: Mapping[str, bytes | None]) -> Delivered[bytes]:
    source, id_ = headers.get("ce_source"), headers.get("ce_id")
    try:
        known = (source.decode(), id_.decode()) if source and id_ else identity(record.headers)
    except UnicodeDecodeError:
        known = identity(record.headers)
    return Delivered(record, model, identity=known, data=record.value, traceparent=headers.get("ce_traceparent"))


def _typed(record: Record, model: type[_E], adapter: TypeAdapter[_E]) -> Delivered[_E]:
    envelope = decode(record.headers, record.value)
    data = None if record.value is None else adapter.validate_json(record.value)
    return Delivered(record, model, identity=(envelope.source, envelope.id), data=data, envelope=envelope)


def reason(error: Exception, model: type[Event] | None = None) -> str:
    """Return why a record is dead-lettered, without personal data.

    Of a violated contract: where and which rule, never the value. A name that the contract does not have may
    itself be a value, and is shown as `*`.
    """
    if isinstance(error, ValidationError):
        known = _names(model) if model is not None else frozenset[str]()
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{_location(problem['loc'], known)}: {problem['type']}" for problem in problems)
    return safe_message(error) or _UNSHOWN


def _location(parts: Sequence[int | str], known: frozenset[str]) -> str:
    return ".".join(str(part) if isinstance(part, int) or part in known else "*" for part in parts) or "data"


@cache
def _names(model: type[Event]) -> frozenset[str]:
    return frozenset(_properties(model.model_json_schema()))


def _properties(schema: JsonValue) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from cast("dict[str, JsonValue]", schema.get("properties", {}))
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            yield from _properties(inner)
