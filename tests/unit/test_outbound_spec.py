"""A description that can't work is refused at start, with what is wrong and where."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.outbound.schedule import Cut
from adapters.outbound.spec import Sequence
from contracts.errors import ConfigError, RecordError
from tests.outbound_world import SPEC, PaymentOrdered, built, collect, described, payment


def events(**fields: Any) -> list[dict[str, Any]]:
    """Return the events of the description with some fields of the record mapped otherwise; None leaves one out."""
    [first] = SPEC["events"]
    mapped = {name: said for name, said in {**first["fields"], **fields}.items() if said is not None}
    return [{**first, "fields": mapped}]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file_name": "PAY"}, "expected {sequence} in it"),
        ({"file": {**SPEC["file"], "record_ids": True}}, "parents and record_ids can be read only"),
        ({"file_name": "PAY.{run}.{sequence}"}, "no {run} in a name"),
        ({"file_name": "../{sequence}"}, "a plain name"),
        ({"name": "No Name"}, "name"),
        ({"header": None}, "header and file.header"),
        ({"events": events(KIND={"constant": "P", "from": "kind"})}, "constant: goes without from"),
        ({"events": events(KIND={"format": "x"})}, "expected from, constant or function"),
        ({"events": events(KIND={"function": "tests.nowhere:f"})}, "Invalid python path"),
        ({"trailer": {"RUN": {"sum": "AMOUNT", "hash": "RUN"}}}, "one of value, sum, hash and constant"),
        ({"trailer": {"RUN": {"sum": "AMOUNT", "digits": 3}}}, "digits: goes with hash"),
        ({"cut": {"at": [1080]}}, 'in quotes: "18:00"'),
        ({"cut": {"zone": "Mars/Olympus"}}, "no time zone"),
        ({"sequence": {"first": 5, "last": 5}}, "last: expected more than first"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(
    tmp_path: Path, changes: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        described(tmp_path, changes)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"events": events(COLOUR="kind")}, "COLOUR: record PAYMENT has no such field"),
        ({"events": events(KIND="colour")}, "PaymentOrdered has no field 'colour'"),
        ({"events": events(AMOUNT=None)}, "no value for PAYMENT.AMOUNT"),
        ({"trailer": {**SPEC["trailer"], "SUM": "records"}}, "trailer.SUM: record TAIL has no such field"),
        ({"trailer": {**SPEC["trailer"], "TOTAL": {"sum": "PRICE"}}}, "PRICE: record PAYMENT has no such field"),
    ],
)
def test_a_description_that_does_not_fit_the_copybook_is_refused(
    tmp_path: Path, changes: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        built(tmp_path, described(tmp_path, changes))

    assert said in str(refused.value)


def upper(kind: str) -> str:
    return kind[0].upper()


def kind_of(event: PaymentOrdered) -> str:
    return event.kind


def values_of(event: PaymentOrdered) -> Mapping[str, Any] | None:
    if event.kind != "pension":
        return None
    return {"KIND": "P", "PAYMENT-ID": event.payment_id, "RESIDENT": "1", "AMOUNT": 1, "PAID-ON": 0}


def test_a_function_makes_a_value_or_the_whole_record(tmp_path: Path) -> None:
    by_field = events(KIND={"from": "kind", "function": upper}, RESIDENT={"function": kind_of})
    whole = [{"model": PaymentOrdered, "function": values_of}]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = built(tmp_path / "a", described(tmp_path / "a", {"events": by_field}))
    other = built(tmp_path / "b", described(tmp_path / "b", {"events": whole}))

    collect(one, [payment(1, kind="housing")])
    collect(other, [payment(1), payment(2, kind="housing")])

    assert [record[:1] + record[9:16] for record in one.ledger.records(1, 9)] == ["Hhousing".encode("cp037")]
    assert other.ledger.waiting == 1


def failing(value: object) -> object:
    raise ZeroDivisionError(value)


STEPS: list[tuple[Mapping[str, Any], str]] = [
    ({"from": "kind", "function": failing}, "KIND: expected a value that its function takes .ZeroDiv"),
    ({"from": "kind", "format": "%Q"}, "KIND: expected a value that the format '%Q' takes"),
    ({"from": "kind", "number": True}, "KIND: expected digits"),
    ({"from": "paid_on"}, "KIND: expected text of at most 1 characters"),
]


@pytest.mark.parametrize(("said", "expected"), STEPS)
def test_a_step_that_fails_names_its_field(tmp_path: Path, said: Mapping[str, Any], expected: str) -> None:
    outbound = built(tmp_path, described(tmp_path, {"events": events(KIND=said)}))

    with pytest.raises(RecordError, match=expected):
        collect(outbound, [payment(1)])


def test_text_of_digits_becomes_a_number_where_that_is_said(tmp_path: Path) -> None:
    outbound = built(
        tmp_path, described(tmp_path, {"events": events(**{"PAYMENT-ID": {"from": "resident_id", "number": True}})})
    )

    collect(outbound, [payment(1)])

    assert [record[1:9].decode("cp037") for record in outbound.ledger.records(1, 9)] == ["00001001"]


def test_numbers_begin_again_after_the_last() -> None:
    assert [Sequence(first=8, last=10).of(number) for number in range(1, 8)] == [8, 9, 10, 8, 9, 10, 8]


@settings(deadline=None)
@given(st.integers(0, 365 * 24 * 60), st.integers(10, 200))
def test_every_time_of_the_day_is_due_once_however_often_one_looks(at: int, minutes: int) -> None:
    """Three days of looks, through the nights when the clocks change."""
    cut = Cut.model_validate({"at": ["02:30", "18:00"], "zone": "Europe/Berlin"})
    since = now = start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=at)
    found: list[datetime] = []
    while now < start + timedelta(days=3):
        now += timedelta(minutes=minutes)
        if (due := cut.due(now, since)) is not None:
            assert since < due.at <= now
            found.append(due.at)
            since = due.at

    assert len(found) == len(set(found))
    assert len(found) in {5, 6, 7}
