from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import EnvelopeError
from contracts.ports import Columns
from events.envelope import Header, decode, encode_columns, identity

AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MINIMAL: list[Header] = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/s"), ("ce_type", b"t.v1")]


def columns(**changes: object) -> Columns:
    given_: dict[str, object] = {
        "topic": "residents",
        "type": "org.example.resident.moved.v1",
        "dataschema": "urn:banyan:schema:org.example.resident.moved.v1",
        "time": AT,
        "keys": [b"12345"],
        "positions": ["000000000007"],
        "sequences": ["000000000007"],
        "values": [b'{"city":"Oslo"}'],
    }
    return Columns(**(given_ | changes))  # type: ignore[arg-type]


def encoded(given_: Columns, traceparent: str | None = TRACE) -> list[tuple[bytes, bytes | None, list[Header]]]:
    return list(encode_columns(given_, source="/banyan/prod/registry", stream="poll", traceparent=traceparent))


def test_every_attribute_survives_the_way_to_kafka_and_back() -> None:
    [(key, value, headers)] = encoded(columns())

    event = decode(headers, value)

    assert key == b"12345"
    assert event.id == "poll:000000000007"
    assert event.source == "/banyan/prod/registry"
    assert event.type == "org.example.resident.moved.v1"
    assert event.time == AT
    assert event.subject == "12345"
    assert event.partitionkey == "12345"
    assert event.sequence == "000000000007"
    assert event.dataschema == "urn:banyan:schema:org.example.resident.moved.v1"
    assert event.datacontenttype == "application/json"
    assert event.traceparent == TRACE
    assert event.data == b'{"city":"Oslo"}'
    assert event.extensions == {}


def test_the_trace_context_stands_where_opentelemetry_reads_it_too() -> None:
    [(_, _, headers)] = encoded(columns())

    assert dict(headers)["traceparent"] == TRACE.encode()
    assert dict(headers)["ce_traceparent"] == TRACE.encode()


def test_without_a_trace_there_is_no_trace_header() -> None:
    [(_, value, headers)] = encoded(columns(), traceparent=None)

    assert decode(headers, value).traceparent is None
    assert "traceparent" not in dict(headers)


def test_a_tombstone_has_attributes_but_neither_value_nor_content_type() -> None:
    [(key, value, headers)] = encoded(columns(values=[None]))

    assert (key, value) == (b"12345", None)
    assert "content-type" not in dict(headers)
    assert decode(headers, value).data is None


def test_times_are_written_in_utc_whatever_their_zone() -> None:
    oslo = datetime(2026, 11, 22, 2, 2, 3, tzinfo=timezone(timedelta(hours=1)))

    [(_, _, headers)] = encoded(columns(time=[oslo]))

    assert dict(headers)["ce_time"] == b"2026-11-22T01:02:03Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        encoded(columns(time=datetime(2026, 11, 22)))  # noqa: DTZ001 - the mistake under test


def test_foreign_headers_may_hold_anything() -> None:
    headers = [*MINIMAL, ("x", None), ("x", b"\xff\xfe"), ("x", b"again")]

    assert decode(headers, b"{}").id == "1"


def test_attributes_that_we_do_not_name_are_kept() -> None:
    assert decode([*MINIMAL, ("ce_origin", b"legacy")], b"").extensions == {"origin": "legacy"}


@pytest.mark.parametrize("missing", ["ce_id", "ce_source", "ce_type", "ce_specversion"])
def test_a_missing_required_attribute_is_named(missing: str) -> None:
    with pytest.raises(EnvelopeError, match=missing):
        decode([header for header in MINIMAL if header[0] != missing], b"")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (("ce_subject", None), "ce_subject: expected a value, not null"),
        (("ce_subject", b"\xff"), "ce_subject: expected UTF-8"),
        (("ce_id", b"2"), "ce_id: expected to stand once"),
        (("ce_time", b"yesterday"), "ce_time: expected an RFC 3339 time"),
        (("ce_time", b"2026-11-22T01:02:03"), "with a zone"),
        (("content-type", None), "content-type: expected a value"),
    ],
)
def test_an_unreadable_attribute_is_named(header: Header, expected: str) -> None:
    with pytest.raises(EnvelopeError, match=expected):
        decode([*MINIMAL, header], b"")


def test_another_version_of_cloudevents_is_refused() -> None:
    with pytest.raises(EnvelopeError, match=r"expected 1\.0"):
        decode([("ce_specversion", b"0.3"), *MINIMAL[1:]], b"")


def test_identity_is_source_and_id() -> None:
    [(_, _, headers)] = encoded(columns())

    assert identity(headers) == ("/banyan/prod/registry", "poll:000000000007")


@pytest.mark.parametrize("headers", [[("ce_id", b"1")], [("ce_source", b"/s")], [("ce_id", b"1"), ("ce_source", None)]])
def test_identity_is_refused_where_half_of_it_is_missing(headers: list[Header]) -> None:
    with pytest.raises(EnvelopeError):
        identity(headers)


@given(st.text(min_size=1), st.binary(), st.datetimes(timezones=st.just(UTC)))
def test_decode_undoes_encode(key: str, value: bytes, time: datetime) -> None:
    given_ = columns(keys=[key.encode()], values=[value], time=time)

    [(_, data, headers)] = encoded(given_)

    event = decode(headers, data)
    assert (event.subject, event.data, event.time) == (key, value, time)
