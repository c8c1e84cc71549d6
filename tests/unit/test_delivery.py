"""From a record to what a handler is given, and how long it is tried."""

from datetime import timedelta
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import EnvelopeError, LegacyFaultError, RecordError
from contracts.event import Event, Personal, Public
from events.delivery import Delivered, Reader, Refused, Skipped, Wanted, reason
from events.envelope import Header
from events.retry import Retry
from tests.subscriber_world import TRACEPARENT, Ended, Granted, Sent, event


class Address(BaseModel):
    model_config = ConfigDict(extra="forbid")

    street: str


class Moved(Event):
    type = "org.example.resident.moved.v1"
    topic = "residents"
    addresses: Personal[list[Address]]
    notes: Public[dict[str, int]]


async def ignore(*_: Any) -> None: ...


def record(sent: Sent, *, topic: str = "prod.benefits") -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(topic, 1, 7, 0, 0, sent.key, sent.value, None, -1, -1, tuple(sent.headers))


def reader(*models: type[Event], raw: bool = False) -> Reader:
    return Reader("prod", [Wanted(model=model, call=ignore, raw=raw) for model in models])


def test_an_event_is_delivered_with_its_model_and_envelope() -> None:
    read = reader(Granted).read(record(event(5)))

    assert isinstance(read, Delivered)
    assert read.data == Granted(number=5)
    assert read.identity == ("/banyan/test/benefits", "nightly:5")
    assert read.envelope.id == "nightly:5"
    assert read.traceparent == TRACEPARENT


def test_neither_key_nor_data_are_in_its_representation() -> None:
    read = reader(Granted).read(record(event(5, key=b"000012345")))

    assert repr(read) == (
        "Delivered(prod.benefits/1/7, type='org.example.benefit.granted.v1', "
        "identity=('/banyan/test/benefits', 'nightly:5'))"
    )


def test_raw_data_are_bytes_and_the_envelope_is_decoded_when_asked_for() -> None:
    read = reader(Granted, raw=True).read(record(event(5, value=b"anything")))

    assert isinstance(read, Delivered)
    assert (read.data, read.traceparent, read.envelope.id) == (b"anything", TRACEPARENT, "nightly:5")


def test_a_raw_event_without_an_identity_is_refused() -> None:
    read = reader(Granted, raw=True).read(record(Sent(value=b"", headers=[("ce_type", Granted.type.encode())])))

    assert isinstance(read, Refused)


def test_a_broken_envelope_of_a_raw_event_shows_when_it_is_asked_for() -> None:
    read = reader(Granted, raw=True).read(record(event(5, more=[("ce_time", b"yesterday")])))

    assert isinstance(read, Delivered)
    with pytest.raises(EnvelopeError, match="ce_time"):
        _ = read.envelope


@pytest.mark.parametrize("topic", ["prod.benefits", "prod.other"])
def test_other_types_and_topics_are_skipped_unread(topic: str) -> None:
    model = Ended if topic == "prod.benefits" else Granted
    broken = event(5, model=model, more=[("ce_time", b"yesterday")])

    assert isinstance(reader(Granted).read(record(broken, topic=topic)), Skipped)


headers = st.lists(
    st.tuples(
        st.one_of(st.text(max_size=3), st.sampled_from([name for name, _ in event(1).headers])),
        st.none() | st.binary(max_size=20) | st.sampled_from([value for _, value in event(1).headers]),
    ),
    max_size=12,
)


@given(headers=headers, value=st.none() | st.binary(max_size=20), raw=st.booleans())
def test_reading_never_raises(headers: list[Header], value: bytes | None, raw: bool) -> None:  # noqa: FBT001
    read = reader(Granted, Ended, raw=raw).read(record(Sent(value=value, headers=headers)))

    assert isinstance(read, Delivered | Refused | Skipped)


def test_a_reason_names_the_place_in_the_contract_and_no_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Moved.model_validate_json(b'{"addresses": [{"street": 1, "12345": 1}], "notes": {"12345": "x"}}')

    assert reason(caught.value, Moved) == (
        "addresses.0.street: string_type; addresses.0.*: extra_forbidden; notes.*: int_parsing"
    )
    assert reason(caught.value) == "*.0.*: string_type; *.0.*: extra_forbidden; *.*: int_parsing"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RecordError("kind", expected="a known one"), "kind: expected a known one"),
        (LegacyFaultError("crm", code="42", text="no resident 12345"), "crm: fault 42"),
        (ValueError("12345"), "the message of this error is not shown: it may hold personal data"),
    ],
)
def test_messages_are_shown_of_our_own_errors_only(error: Exception, expected: str) -> None:
    assert reason(error) == expected


def test_a_subscriber_needs_handlers_and_one_per_type() -> None:
    with pytest.raises(ValueError, match="no handler"):
        reader()
    with pytest.raises(ValueError, match="two handlers"):
        reader(Granted, Granted)


@given(failures=st.integers(1, 10_000))
def test_waits_grow_to_the_longest_and_never_beyond(failures: int) -> None:
    retry = Retry(first=timedelta(seconds=1), longest=timedelta(seconds=30))

    wait = retry.delay(failures)

    assert min(2 ** (failures - 1), 30) / 2 <= wait <= 30
