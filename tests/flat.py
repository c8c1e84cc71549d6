"""An event of scalars only and a record for it, shared by the tests of mappings."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from contracts.event import Event, Personal, Public, Sensitive


class Base(Event):
    type = "org.example.base.v1"
    topic = "base"
    id: Public[str]
    low: Public[int]
    high: Public[int]


class Status(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Flat(Event):
    """Only scalars: validated a column at a time."""

    type = "org.example.flat.v1"
    topic = "flat"
    id: Personal[str]
    name: Personal[Annotated[str, Field(min_length=1, max_length=8)]]
    count: Public[Annotated[int, Field(ge=0)]]
    amount: Public[Annotated[Decimal, Field(max_digits=6, decimal_places=2)]]
    born: Personal[date]
    at: Public[datetime]
    agreed: Public[bool]
    kind: Public[Literal["a", "b"]]
    status: Public[Status]
    note: Sensitive[str | None]
    left: Public[date | None] = None
    version: Public[str] = "100 %"


LEGACY = [name.upper() for name in Flat.model_fields if name != "version"]
TABLE = {name.lower(): name for name in LEGACY}

GOOD: Mapping[str, Any] = {
    "ID": "0012",
    "NAME": "ADA",
    "COUNT": 3,
    "AMOUNT": Decimal("12.50"),
    "BORN": "1815-12-10",
    "AT": datetime(2026, 1, 31, 12, tzinfo=UTC),
    "AGREED": True,
    "KIND": "a",
    "STATUS": "open",
    "NOTE": None,
    "LEFT": date(2026, 1, 31),
}


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Turn records into columns."""
    return {name: [row[name] for row in rows] for name in LEGACY}


def one_by_one(model: type[Event], rows: Sequence[Mapping[str, Any]]) -> tuple[list[bytes], dict[int, str]]:
    """Validate and encode as pydantic does, an event at a time; the errors by their first field."""
    values: list[bytes] = []
    bad: dict[int, str] = {}
    for index, row in enumerate(rows):
        try:
            event = model.model_validate({name.lower(): value for name, value in row.items()})
        except ValidationError as error:
            bad[index] = str([*error.errors()[0]["loc"], "event"][0])
        else:
            values.append(event.model_dump_json().encode())
    return values, bad
