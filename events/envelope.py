"""The envelope: CloudEvents 1.0 in Kafka binary mode.

Attributes are headers (`ce_id`, `ce_source`, …, UTF-8), `datacontenttype` is `content-type`, and the data
is the record's value, untouched. A tombstone is an event whose record has no value: its attributes are
there, a content type is not. The trace context is written twice: as the CloudEvents extension
(`ce_traceparent`) and as the header that OpenTelemetry's Kafka instrumentations read (`traceparent`).

Source: CloudEvents 1.0.2, Kafka Protocol Binding 3.2; extensions partitioning, sequence, distributed tracing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import repeat

from contracts.errors import EnvelopeError
from contracts.identifiers import event_ids
from contracts.ports import Columns

__all__ = ["FILE", "Envelope", "Header", "decode", "encode_columns", "identity"]

Header = tuple[str, bytes | None]
"""One Kafka header; a key may stand more than once, and a value may be null or not UTF-8."""

CONTENT_TYPE = "application/json"
FILE = "ce_file"
"""Header of the events of a file: which delivery they are part of."""
_PREFIX = "ce_"
_REQUIRED = ("id", "source", "specversion", "type")
_KNOWN = frozenset(
    (*_REQUIRED, "time", "subject", "dataschema", "partitionkey", "sequence", "traceparent", "file"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One event as its reader sees it."""

    id: str
    source: str
    type: str
    data: bytes | None
    """The encoded data; None is a tombstone."""
    time: datetime | None = None
    subject: str | None = None
    dataschema: str | None = None
    datacontenttype: str | None = None
    partitionkey: str | None = None
    sequence: str | None = None
    traceparent: str | None = None
    file: str | None = None
    """The delivery of a file that it is part of, where readers are told of the file's end; unique in the source."""
    extensions: Mapping[str, str] = field(default_factory=dict[str, str])
    """Attributes that we do not name."""


def encode_columns(
    columns: Columns, *, source: str, stream: str, traceparent: str | None, is_file: bool = False
) -> Iterator[tuple[bytes, bytes | None, list[Header]]]:
    """Yield (key, value, headers) of each event; with `is_file` they say that the stream is a file that will end."""
    shared: list[Header] = [
        ("ce_specversion", b"1.0"),
        ("ce_source", source.encode()),
        ("ce_type", columns.type.encode()),
        ("ce_dataschema", columns.dataschema.encode()),
    ]
    if traceparent is not None:
        shared += [("ce_traceparent", traceparent.encode()), ("traceparent", traceparent.encode())]
    if is_file:
        shared.append((FILE, stream.encode()))
    with_data: list[Header] = [*shared, ("content-type", CONTENT_TYPE.encode())]
    ids = event_ids(stream, columns.positions)
    for key, value, id_, sequence, time in zip(
        columns.keys, columns.values, ids, columns.sequences, _times(columns.time), strict=False
    ):
        yield (
            key,
            value,
            [
                *(shared if value is None else with_data),
                ("ce_time", time),
                ("ce_id", id_.encode()),
                ("ce_subject", key),
                ("ce_partitionkey", key),
                ("ce_sequence", sequence.encode()),
            ],
        )


def _times(time: datetime | Sequence[datetime]) -> Iterator[bytes]:
    if isinstance(time, datetime):
        return repeat(_rfc3339(time))
    return map(_rfc3339, time)


def _rfc3339(time: datetime) -> bytes:
    if time.tzinfo is None:
        raise ValueError("an event's time needs a zone")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()


def decode(headers: Sequence[Header], value: bytes | None) -> Envelope:
    """Read an event in binary mode.

    Headers that are not CloudEvents' may hold anything: null, other bytes than UTF-8, doubles.

    Raises:
        EnvelopeError: A required attribute is missing, or an attribute is not readable, or stands twice.
    """
    found: dict[str, str] = {}
    content_type: str | None = None
    for name, raw in headers:
        if name.startswith(_PREFIX):
            attribute = name[3:]
            if attribute in found:
                raise EnvelopeError(name, expected="to stand once")
            found[attribute] = _text(name, raw)
        elif name == "content-type":
            content_type = _text(name, raw)
    for name in _REQUIRED:
        if not found.get(name):
            raise EnvelopeError(_PREFIX + name, expected="a header with a value")
    if found["specversion"] != "1.0":
        raise EnvelopeError("ce_specversion", expected="1.0")
    return Envelope(
        id=found["id"],
        source=found["source"],
        type=found["type"],
        data=value,
        time=_parsed_time(found.get("time")),
        subject=found.get("subject"),
        dataschema=found.get("dataschema"),
        datacontenttype=content_type,
        partitionkey=found.get("partitionkey"),
        sequence=found.get("sequence"),
        traceparent=found.get("traceparent"),
        file=found.get("file"),
        extensions={} if found.keys() <= _KNOWN else {n: text for n, text in found.items() if n not in _KNOWN},
    )


def identity(headers: Sequence[Header]) -> tuple[str, str]:
    """Return (source, id), what makes an event the same event; all the rest stays undecoded.

    Raises:
        EnvelopeError: One of them is missing or not readable.
    """
    source = id_ = None
    for name, raw in headers:
        if name == "ce_id":
            id_ = raw
        elif name == "ce_source":
            source = raw
    if not source or not id_:
        raise EnvelopeError("ce_source" if not source else "ce_id", expected="a header with a value")
    return _text("ce_source", source), _text("ce_id", id_)


def _text(name: str, raw: bytes | None) -> str:
    if raw is None:
        raise EnvelopeError(name, expected="a value, not null")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise EnvelopeError(name, expected="UTF-8") from error


def _parsed_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise EnvelopeError("ce_time", expected="an RFC 3339 time") from error
    if time.tzinfo is None:
        raise EnvelopeError("ce_time", expected="an RFC 3339 time with a zone")
    return time
