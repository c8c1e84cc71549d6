"""Events that are made of many records at once are those that columns and the contract make, byte for byte."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from pydantic import Field

from adapters.batch.event_lines import EventLines
from adapters.batch.record_format import RecordFormat
from contracts.event import Event, Personal, Public
from contracts.keys import CanonicalKey
from contracts.legacy.copybook import Codec, OddBytes, Options, Policy, Trim, parse
from contracts.legacy.framing import Framing, RecordBatch, read
from contracts.mapping import EventMapping, Mapper, Table, compile_mapping, dates
from tests.copybooks import QUICK, filled
from tests.line_by_line import damaged

LAYOUT = parse("""\
       01  PERSON.
           05  NUMBER            PIC 9(6).
           05  NAME              PIC X(12).
           05  NOTE              PIC X(4).
           05  KIND              PIC X.
           05  BORN              PIC 9(8).
           05  GROUP-OF-TWO.
               10  CHILDREN      PIC S9(4) COMP.
               10  AMOUNT        PIC S9(5)V99 COMP-3.
           05  RATE              PIC S9V9(8).
           05  SHOWN             PIC ZZ9.
           05  WEIGHT            COMP-1.
           05  FILLER            PIC X(3).
           05  POINTS            PIC S9(3) SIGN LEADING SEPARATE.
""")


class Registered(Event):
    """Every way that a legacy field goes to a field of an event."""

    type = "org.example.registered.v1"
    topic = "people"
    number: Personal[str]
    name: Personal[str]
    short: Personal[Annotated[str, Field(max_length=8)]]
    note: Public[str | None]
    kind: Public[Literal["adult", "child"]]
    born: Personal[date]
    children: Public[Annotated[int, Field(ge=0)]]
    several: Public[int]
    amount: Public[Decimal]
    text: Public[str]
    whole: Public[Decimal]
    rate: Public[Decimal | None]
    shown: Public[int]
    doubled: Public[int]
    weight: Public[Decimal]
    version: Public[str] = "100 %"


TABLE: Table = {
    "number": ("NUMBER", str),
    "name": "NAME",
    "short": "NAME",
    "note": "NOTE",
    "kind": ("KIND", {"A": "adult", "C": "child", "X": "neither"}),
    "born": ("BORN", dates("%Y%m%d")),
    "children": "CHILDREN",
    "several": "CHILDREN",
    "amount": "AMOUNT",
    "text": ("AMOUNT", str),
    "whole": "CHILDREN",
    "rate": "RATE",
    "shown": "SHOWN",
    "doubled": ("POINTS", lambda points: 2 * points),
    "weight": ("WEIGHT", lambda weight: Decimal(str(weight))),
}
odd_bytes = st.sampled_from([None, *OddBytes])
policies = st.builds(Policy, blank=odd_bytes, low=odd_bytes, high=odd_bytes)


def mapper(model: type[Event] = Registered, table: EventMapping = TABLE, **key: Any) -> Mapper:
    canonical = CanonicalKey.model_validate(key)
    return compile_mapping(model, table, key="number", legacy=LAYOUT.by_name, canonical=canonical)


def batch_of(records: list[bytes]) -> RecordBatch:
    [batch] = read(b"".join(records), Framing(lrecl=LAYOUT.length))
    return batch


def by_columns(codec: Codec, records: list[bytes], mapped: Mapper) -> tuple[Any, ...]:
    """Return the events and the errors of records as columns and the contract make them."""
    decoded = codec.only(mapped.fields).decode(b"".join(records))
    encoded = mapped.encode(decoded.columns, skip=decoded.errors)
    return list(encoded.rows), list(encoded.keys), list(encoded.values), told({**decoded.errors, **encoded.bad})


def told(errors: Any) -> list[tuple[Any, ...]]:
    return sorted((index, e.field, e.expected, e.raw, e.start) for index, e in errors.items())


@st.composite
def options(draw: st.DrawFn) -> Options:
    return Options(
        code_page=draw(st.sampled_from(["cp037", "cp273", "cp1140", "latin-1", "utf-8"])),
        trim=draw(st.sampled_from(list(Trim))),
        is_nul_filled=draw(st.booleans()),
        policies=draw(st.dictionaries(st.sampled_from(sorted(LAYOUT.by_name)), policies, max_size=3)),
    )


def a_record(data: st.DataObject, found: Options) -> bytes:
    """Draw a good record, but for its policies and its codes."""
    values = _flattened(filled(data, LAYOUT.items[0]))
    values |= {"KIND": data.draw(st.sampled_from("ACXZ")), "BORN": data.draw(st.sampled_from([20260131, 19991231, 7]))}
    values |= {"NAME": data.draw(st.sampled_from(['A "B"', "\\", "J\xf6rg", "", "OTTO", "ABCDEFGHIJ"]))}
    return Codec(LAYOUT, options=replace(found, policies={})).encode([values])


def _flattened(values: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flattened(cast("dict[str, Any]", value)) if isinstance(value, dict) else {name: value}
    return flat


@settings(max_examples=150, deadline=None, phases=QUICK)
@given(st.data())
def test_events_are_those_of_columns(data: st.DataObject) -> None:
    found = data.draw(options())
    codec = Codec(LAYOUT, options=found)
    good = [a_record(data, found) for _ in range(data.draw(st.integers(1, 3)))]
    several = [*good, *(data.draw(damaged(each)).ljust(LAYOUT.length, b"@")[: LAYOUT.length] for each in good)]
    mapped = mapper(type=data.draw(st.sampled_from(["digits", "text"])), strip_zeros=data.draw(st.booleans()))

    lines = EventLines.of(codec, mapped)
    assert lines is not None
    encoded, others = lines.encode(batch_of(several))

    rows, keys, values, errors = by_columns(codec, several, mapped)
    left = {int(index) for index in others}
    assert {index for index, *_ in errors} <= left
    kept = [at for at, row in enumerate(rows) if row not in left]
    assert list(encoded.rows) == [rows[at] for at in kept]
    assert list(encoded.keys) == [keys[at] for at in kept]
    assert list(encoded.values) == [values[at] for at in kept]
    event(f"left to columns: {round(4 * len(left) / len(several)) * 25} %")


@pytest.mark.parametrize("name", ["OTTO", 'A "B"', "J\xf6rg", "\\n"])
def test_what_is_plain_is_not_left_to_columns(name: str) -> None:
    codec = Codec(LAYOUT)

    encoded, others = lines_of(codec, mapper()).encode(batch_of(people(codec, [name, "ADA"])))

    assert others.tolist() == []
    assert [json.loads(value)["name"] for value in encoded.values] == [name, "ADA"]
    assert encoded.keys == [b"0", b"1"]


def test_keys_are_text_whatever_is_in_them() -> None:
    codec = Codec(LAYOUT)
    table: Table = {**TABLE, "number": "NAME", "name": ("NUMBER", str)}
    names = ['A "B"', "C\\D", "J\xf6rg", '"', "E"]

    encoded, others = lines_of(codec, mapper(table=table)).encode(batch_of(people(codec, names)))

    assert (others.tolist(), [key.decode() for key in encoded.keys]) == ([], names)


def test_keys_that_are_none_are_left_with_their_records() -> None:
    codec = Codec(LAYOUT)
    table: Table = {**TABLE, "number": "NAME", "name": ("NUMBER", str)}

    encoded, others = lines_of(codec, mapper(table=table)).encode(batch_of(people(codec, ["A", "", "C"])))

    assert (others.tolist(), list(encoded.rows), encoded.keys) == ([1], [0, 2], [b"A", b"C"])


def test_a_value_that_is_longer_than_its_room_is_left_to_columns() -> None:
    codec = Codec(LAYOUT)
    table: Table = {**TABLE, "note": ("NOTE", lambda note: note * 100)}
    several = people(codec, ["A", "B"])
    several[1] = several[1].replace("note".encode("cp037"), "    ".encode("cp037"))

    encoded, others = lines_of(codec, mapper(table=table)).encode(batch_of(several))

    assert (others.tolist(), list(encoded.rows)) == ([0], [1])


def test_a_format_puts_all_in_order_again() -> None:
    """Plain records, those that are left to columns, and those that are not asked for."""
    found = RecordFormat.fixed(LAYOUT, "cp037").selecting({"KIND": frozenset("AZ")})
    several = people(Codec(LAYOUT), ["A", "B", "C", "D", "E"])
    several[1] = several[1].replace(b"\xc1\xf1", b"\xe9\xf1")  # a kind that is no code
    several[2] = several[2].replace(b"\xc1\xf1", b"\xc3\xf1")  # a kind that is not asked for
    several[3] = b"\xff" * 6 + several[3][6:]

    encoded, errors = found.encode(batch_of(several), mapper())

    assert (list(encoded.rows), encoded.skipped) == ([0, 4], 1)
    assert {index: error.field for index, error in errors.items()} == {1: "kind", 3: "NUMBER"}


def test_a_record_that_can_not_tell_whether_it_is_asked_for_is_an_error() -> None:
    class Noted(Event):
        type = "org.example.noted.v1"
        topic = "people"
        number: Personal[str]

    found = RecordFormat.fixed(LAYOUT, "cp037").selecting({"SHOWN": frozenset({"7", "None"})})
    several = people(Codec(LAYOUT), ["A", "B"])
    item = LAYOUT.by_name["SHOWN"]
    several[1] = several[1][: item.offset] + b"\xff" * item.length + several[1][item.offset + item.length :]

    encoded, errors = found.encode(batch_of(several), mapper(Noted, {"number": ("NUMBER", str)}))

    assert (list(encoded.rows), [error.field for error in errors.values()]) == ([0], ["SHOWN"])


class Timed(Registered):
    type = "org.example.timed.v1"
    number: Public[datetime]  # type: ignore[assignment]


class Listed(Registered):
    type = "org.example.listed.v1"
    names: Public[tuple[str, ...]] = ()


def nothing(_record: Mapping[str, Any]) -> None:
    """Leave every record out."""


@pytest.mark.parametrize(
    ("model", "table"),
    [(Timed, TABLE), (Listed, TABLE), (Registered, nothing)],
    ids=["a key that is written otherwise in JSON", "a model that is not flat", "a function"],
)
def test_whatever_asks_for_more_is_left_to_columns(model: type[Event], table: EventMapping) -> None:
    assert EventLines.of(Codec(LAYOUT), mapper(model, table)) is None


def test_tables_are_left_to_columns() -> None:
    layout = parse("       01  A.\n           05  NUMBER PIC X.\n           05  B PIC X OCCURS 2.")

    class Two(Event):
        type = "org.example.two.v1"
        topic = "two"
        number: Public[str]
        b: Public[str]

    table: Table = {"number": "NUMBER", "b": ("B", "".join)}
    mapped = compile_mapping(Two, table, key="number", legacy=layout.by_name)
    assert EventLines.of(Codec(layout), mapped) is None


def lines_of(codec: Codec, mapped: Mapper) -> EventLines:
    lines = EventLines.of(codec, mapped)
    assert lines is not None
    return lines


def people(codec: Codec, names: list[str]) -> list[bytes]:
    """Return good records of these names, numbered from 0."""
    common: dict[str, Any] = {
        "NOTE": "note",
        "KIND": "A",
        "BORN": 19991231,
        "CHILDREN": 2,
        "AMOUNT": Decimal("-12.50"),
        "RATE": Decimal("1.50000000"),
        "SHOWN": 7,
        "WEIGHT": 81.5,
        "POINTS": -3,
    }
    return [codec.encode([{**common, "NUMBER": number, "NAME": name}]) for number, name in enumerate(names)]
