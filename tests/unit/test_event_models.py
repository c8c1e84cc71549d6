"""Business events: every field has a class, and what is not public is shown masked."""

import gc
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from contracts.benefit import BenefitPaid
from contracts.event import DataClass, Event, Personal, Public, Sensitive, classification, masked, models
from contracts.mapping import dates
from contracts.resident import RESIDENT_KEY, ResidentRecorded

PAYMENT = BenefitPaid(
    payment_id="P1",
    resident_id="42",
    name="Elfrun Igelkott",
    street="Moosweg 3",
    city="Luftwurz",
    kind="pension",
    office=7,
    year=2026,
    month=1,
    paid_on=date(2026, 1, 31),
    amount=Decimal("120.50"),
    deduction=Decimal(0),
    balance=Decimal("-1.00"),
    children=0,
    currency="EUR",
)


def define(**annotations: Any) -> type[Event]:
    """Define a model with these fields."""
    body = {"__annotations__": annotations, "type": "org.example.thing.happened.v1", "topic": "things"}
    return type("ThingHappened", (Event,), {**body, "__module__": __name__})


@pytest.fixture(autouse=True)
def forget_models() -> Any:
    yield
    gc.collect()  # models of one test are not in `models()` of the next


def test_a_field_without_a_class_fails_the_definition() -> None:
    with pytest.raises(TypeError, match=r"ThingHappened: no class for name, born; annotate with Public\[...\]"):
        define(name=str, city=Public[str], born=date | None)


def test_a_class_inside_of_an_option_does_not_count() -> None:
    with pytest.raises(TypeError, match="no class for name"):
        define(name=Personal[str] | None)


def test_a_subclass_can_not_take_the_class_away() -> None:
    class Base(Event):
        type = "org.example.base.happened.v1"
        topic = "things"
        name: Personal[str]

    with pytest.raises(TypeError, match="Narrow: no class for name"):
        type("Narrow", (Base,), {"__annotations__": {"name": str}, "__module__": __name__})


def test_each_field_tells_its_class() -> None:
    model = define(name=Personal[str], city=Public[str], health=Sensitive[str])

    assert classification(model) == {
        "name": DataClass.PERSONAL,
        "city": DataClass.PUBLIC,
        "health": DataClass.SENSITIVE,
    }


def test_the_schema_tells_class_and_meaning() -> None:
    fields = BenefitPaid.model_json_schema()["properties"]

    assert {name: field["x-classification"] for name, field in fields.items()} == classification(BenefitPaid)
    assert all(field["description"] for field in fields.values())


def test_a_field_keeps_what_else_is_said_of_it() -> None:
    class Counted(Event):
        type = "org.example.counted.v1"
        topic = "things"
        count: Public[int] = Field(ge=1, description="how many")

    assert Counted.model_json_schema()["properties"]["count"] == {
        "description": "how many",
        "minimum": 1,
        "title": "Count",
        "type": "integer",
        "x-classification": "public",
    }
    with pytest.raises(ValidationError):
        Counted(count=0)


def test_what_is_not_public_is_masked() -> None:
    assert masked(PAYMENT) == {
        **dict.fromkeys(BenefitPaid.model_fields, "***"),
        "payment_id": "P1",
        "office": 7,
        "year": 2026,
        "month": 1,
        "paid_on": "2026-01-31",
        "currency": "EUR",
    }


@given(st.text(min_size=4))
def test_no_personal_value_is_left_after_masking(name: str) -> None:
    event = ResidentRecorded(resident_id="1", name=name, street=name, city=name, born=None, status="active")

    assert name not in {str(value) for value in masked(event).values()} - {"***", "active"}


def test_events_are_frozen_and_closed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(PAYMENT, "name", "x")  # noqa: B010 - the type checkers refuse it otherwise
    with pytest.raises(ValidationError, match="Extra inputs"):
        BenefitPaid.model_validate({**PAYMENT.model_dump(), "note": "x"})


@pytest.mark.parametrize("model", [BenefitPaid, ResidentRecorded])
def test_each_model_says_type_topic_and_schema(model: type[Event]) -> None:
    assert model.type.rpartition(".")[2] == "v1"
    assert model.topic
    assert model.dataschema() == f"urn:banyan:schema:{model.type}"
    assert models()[model.type] is model


def test_models_of_models_are_found_and_those_without_a_type_are_not() -> None:
    class Registered(Event):
        name: Personal[str]

    class ResidentEntered(Registered):
        type = "org.example.resident.entered.v1"
        topic = "residents"

    assert models()["org.example.resident.entered.v1"] is ResidentEntered
    assert Registered not in models().values()


def test_an_event_comes_back_from_its_json() -> None:
    assert BenefitPaid.model_validate_json(PAYMENT.model_dump_json()) == PAYMENT


def test_one_person_has_one_key_on_every_channel() -> None:
    assert {RESIDENT_KEY.of(raw) for raw in ("00000042", "0000000042", " 42")} == {"42"}


@pytest.mark.parametrize("module", ["contracts.benefit", "contracts.resident", "contracts.ports", "contracts.errors"])
def test_event_models_pull_in_neither_lxml_nor_numpy(module: str) -> None:
    heavy = "{'lxml', 'numpy', 'zeep', 'aiokafka', 'contracts.legacy'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert ran.stdout.strip() == "[]"


class Dated(Event):
    type = "org.example.dated.v1"
    topic = "dated"
    on: Public[date | None]
    at: Public[datetime | None] = None


@pytest.mark.parametrize(
    "guess", ["00000000", "20261121", "22032000", "0", " 1 ", "-86400", 0, 20261121, 1.5, Decimal(1)]
)
def test_a_number_is_no_date(guess: object) -> None:
    with pytest.raises(ValidationError, match="ISO 8601"):
        Dated.model_validate({"on": guess})
    with pytest.raises(ValidationError, match="ISO 8601"):
        Dated.model_validate({"on": None, "at": guess})


def test_what_is_written_as_a_date_is_one() -> None:
    told = Dated.model_validate({"on": "2026-11-21", "at": "2026-11-21T01:02:03Z"})

    assert told.on == date(2026, 11, 21)
    assert Dated.model_validate_json(told.model_dump_json()) == told
    assert Dated(on=date(2026, 11, 21)).on == told.on
    assert Dated(on=None).on is None


@pytest.mark.parametrize("told", ["00000000", "        ", "20260230", 0])
def test_a_converter_of_dates_refuses_what_is_none(told: object) -> None:
    with pytest.raises(ValueError, match=r"time data|day is out"):
        dates("%Y%m%d")(told)
