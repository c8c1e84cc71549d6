"""From legacy records to events, and how that can go wrong."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import field_validator

from contracts.errors import ConfigError, RecordError
from contracts.event import Event, Personal, Public
from contracts.keys import CanonicalKey
from contracts.mapping import EventMapping, Mapper, RecordFunction, Table, compile_mapping
from tests.flat import GOOD, LEGACY, TABLE, Base, Flat, columns, one_by_one


def mapper(mapping: EventMapping, *, key: str = "id", canonical: CanonicalKey | None = None) -> Mapper:
    """Compile a mapping to `Flat`."""
    return compile_mapping(Flat, mapping, key=key, legacy=LEGACY, canonical=canonical)


def test_a_record_becomes_an_event_with_its_key_and_its_defaults() -> None:
    encoded = mapper(TABLE, canonical=CanonicalKey(type="digits", strip_zeros=True)).encode(columns([GOOD]))

    assert encoded.keys == [b"12"]
    assert [json.loads(value) for value in encoded.values] == [
        {
            "id": "0012",
            "name": "ADA",
            "count": 3,
            "amount": "12.50",
            "born": "1815-12-10",
            "at": "2026-01-31T12:00:00Z",
            "agreed": True,
            "kind": "a",
            "status": "open",
            "note": None,
            "left": "2026-01-31",
            "version": "100 %",
        }
    ]


def test_each_bad_record_is_told_and_the_others_keep_their_places() -> None:
    rows = [GOOD, {**GOOD, "NAME": ""}, GOOD, {**GOOD, "COUNT": -1, "KIND": "z"}, {**GOOD, "ID": " "}, GOOD]

    encoded = mapper(TABLE).encode(columns(rows), skip={0})

    assert list(encoded.rows) == [2, 5]
    assert (len(encoded.keys), len(encoded.values), encoded.skipped) == (2, 2, 0)
    assert {row: str(error) for row, error in encoded.bad.items()} == {
        1: "name: expected String should have at least 1 character",
        3: "count: expected greater than or equal to 0",
        4: "id: expected a key of 1 to 64 characters, not 0",
    }


def test_a_code_table_translates_and_a_code_without_an_entry_is_an_error() -> None:
    table: Table = {**TABLE, "status": ("KIND", {"a": "open", "b": "closed"}), "kind": ("KIND", str.lower)}

    encoded = mapper(table).encode(columns([{**GOOD, "KIND": kind} for kind in ("a", "x", "b")]))

    assert [b'"kind":"a"' in encoded.values[0], b'"status":"closed"' in encoded.values[1]] == [True, True]
    assert {row: str(e) for row, e in encoded.bad.items()} == {
        1: "status: expected one of the codes 'a', 'b', found b'x'"
    }


def test_a_personal_code_is_not_told() -> None:
    table: Table = {**TABLE, "name": ("NAME", {"A": "Ada"})}

    assert str(mapper(table).encode(columns([GOOD])).bad[0]) == "name: expected one of the codes 'A'"


def test_whatever_a_converter_raises_makes_that_record_bad() -> None:
    encoded = mapper({**TABLE, "count": ("NAME", int)}).encode(columns([GOOD, {**GOOD, "NAME": "4"}]))

    assert list(encoded.rows) == [1]
    assert str(encoded.bad[0]) == "count: expected a value that its converter takes (ValueError)"


def test_the_text_of_a_validator_is_told_of_public_fields_only() -> None:
    class Guarded(Event):
        type = "org.example.guarded.v1"
        topic = "guarded"
        shown: Public[str]
        hidden: Personal[str]

        @field_validator("shown", "hidden")
        @classmethod
        def _refuse(cls, value: str) -> str:
            if value == "bad":
                raise ValueError(f"{value} is wrong")
            return value

    guarded = compile_mapping(Guarded, {"shown": "S", "hidden": "H"}, key="shown", legacy=("S", "H"))

    bad = guarded.encode({"S": ["bad", "good"], "H": ["good", "bad"]}).bad
    assert [str(error) for error in bad.values()] == [
        "shown: expected Value error, bad is wrong",
        "hidden: expected a value that its contract takes",
    ]


def make_flat(record: Mapping[str, Any]) -> Event | None:
    """Leave out who is named NOBODY."""
    if record["NAME"] == "NOBODY":
        return None
    return Flat.model_validate({name.lower(): value for name, value in record.items()})


def test_a_function_makes_events_and_leaves_records_out_on_purpose() -> None:
    rows = [GOOD, {**GOOD, "NAME": "NOBODY"}, {**GOOD, "NAME": ""}, {**GOOD, "ID": "7"}]

    encoded = mapper(make_flat).encode(columns(rows))

    assert (list(encoded.rows), encoded.keys, encoded.skipped) == ([0, 3], [b"0012", b"7"], 1)
    assert list(encoded.values) == one_by_one(Flat, [rows[0], rows[3]])[0]
    assert str(encoded.bad[2]) == "name: expected String should have at least 1 character"


def make_base(_: Mapping[str, Any]) -> Event:
    """Make an event of another model."""
    return Base(id="1", low=1, high=2)


def raising(error: Exception) -> RecordFunction:
    """Return a mapping function that never succeeds."""

    def function(record: Mapping[str, Any]) -> Event | None:
        del record
        raise error

    return function


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (raising(KeyError("ADA")), "mapping: expected a record that its function takes (KeyError)"),
        (raising(RecordError("NAME", expected="a name", raw=b"ADA")), "NAME: expected a name"),
        (make_base, "mapping: expected Flat or None"),
    ],
)
def test_a_function_that_fails_makes_its_record_bad_and_tells_no_value(function: EventMapping, told: str) -> None:
    assert str(mapper(function).encode_records([GOOD]).bad[0]) == told


def test_records_that_come_one_by_one_may_lack_fields() -> None:
    encoded = mapper({**TABLE, "left": ("LEFT", lambda value: value)}).encode_records([{**GOOD}, {"ID": "1"}])

    assert list(encoded.rows) == [0]
    assert encoded.bad[1].field == "name"


def test_a_key_that_is_missing_is_no_key() -> None:
    assert str(mapper(TABLE, key="note").encode(columns([GOOD])).bad[0]) == (
        "note: expected a key of 1 to 64 characters, not 0"
    )


def test_a_value_that_json_can_not_hold_makes_its_record_bad_alone() -> None:
    def half(name: str) -> str:
        return "\ud800" if name == "EVE" else name

    def made(record: Mapping[str, Any]) -> Event | None:
        event = make_flat(record)
        return event and event.model_copy(update={"note": half(record["NAME"])})

    table: Table = {**TABLE, "note": ("NAME", half)}
    several = columns([GOOD, {**GOOD, "NAME": "EVE"}, {**GOOD, "NAME": ""}, {**GOOD, "ID": "7"}])
    for mapping in (table, made):
        encoded = mapper(mapping).encode(several)

        assert (list(encoded.rows)[-1], encoded.keys[-1]) == (3, b"7")
        assert encoded.bad[1].expected == "values that JSON can hold"
        assert 0 in encoded.rows


def test_no_records_give_no_events() -> None:
    for mapping in (TABLE, make_flat):
        encoded = mapper(mapping).encode(columns([]))
        assert (list(encoded.rows), list(encoded.values), encoded.bad) == ([], [], {})


def test_a_mapping_says_what_it_reads_and_what_of_it_may_be_shown() -> None:
    table = mapper({**TABLE, "kind": "NAME"})

    assert table.fields == frozenset(LEGACY) - {"KIND"}
    assert table.public == {"COUNT", "AMOUNT", "AT", "AGREED", "STATUS", "LEFT"}
    assert (mapper(make_flat).fields, mapper(make_flat).public) == (None, frozenset())


def test_all_that_is_wrong_with_a_mapping_is_told_at_once() -> None:
    table: dict[str, Any] = {name: to for name, to in TABLE.items() if name != "count"}
    table |= {"nmae": "NAME", "born": "Birth", "at": ("att", str)}

    with pytest.raises(ConfigError) as caught:
        compile_mapping(Flat, table, key="idd", legacy=LEGACY)

    assert caught.value.problems == (
        "key: Flat has no field 'idd'; did you mean id?",
        f"mapping: born: there is no legacy field 'Birth'; there are {', '.join(LEGACY)}",
        "mapping: at: there is no legacy field 'att'; did you mean AT?",
        "mapping: Flat has no field 'nmae'; did you mean name?",
        "mapping: Flat needs a value for 'count'",
    )


def test_a_key_that_no_legacy_field_fills_is_refused() -> None:
    class Keyed(Event):
        type = "org.example.keyed.v1"
        topic = "keyed"
        id: Public[str] = "always"
        name: Public[str]

    with pytest.raises(ConfigError, match="mapping: the key 'id' needs a legacy field"):
        compile_mapping(Keyed, {"name": "NAME"}, key="id", legacy=["NAME"])


def test_a_model_without_type_and_topic_is_refused() -> None:
    class Bare(Event):
        id: Public[str]

    with pytest.raises(ConfigError, match="Bare has no type\nBare has no topic"):
        compile_mapping(Bare, {"id": "ID"}, key="id", legacy=["ID"])
