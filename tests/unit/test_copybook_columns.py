"""Columns hold what rows hold, whatever the layout and the bytes."""

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.copybook import Codec, Layout, OddBytes, Options, Policy, RowCodec, Segments, Trim, parse
from tests.copybooks import QUICK, changed, filled, layouts


@st.composite
def cases(draw: st.DrawFn) -> tuple[Layout, Options]:
    """Draw a layout and options of records of one length; where text views a number, every byte is a character."""
    layout = draw(layouts())
    pages = ["cp037", "cp273", "cp1047", "latin-1"]
    has_views = any(item.redefines for item in layout.walk())
    return layout, Options(
        code_page=draw(st.sampled_from(pages if has_views else [*pages, "ascii", "utf-8"])),
        trim=draw(st.sampled_from([Trim.RIGHT, Trim.RIGHT, Trim.BOTH])),
        is_nul_filled=draw(st.booleans()),
        floats=draw(st.sampled_from([None, "ibm", "ieee"])),
    )


def at(record: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at a path; of tables, all occurrences."""
    if isinstance(record, list):
        return [at(each, path) for each in listed(record)]
    return at(record[path[0]], path[1:]) if path else record


def listed(value: Any) -> list[Any]:
    """Return an array."""
    return [*value]


@settings(max_examples=100, deadline=None, phases=QUICK)
@given(cases(), st.data())
def test_columns_are_rows(case: tuple[Layout, Options], data: st.DataObject) -> None:
    """For records that hold values, and for such with some bytes changed."""
    layout, told = case
    rows, columns = RowCodec(layout, told), Codec(layout, options=told)
    canonical = rows.encode(filled(data, layout.items[0]))
    changes = st.dictionaries(st.integers(0, len(canonical) - 1), st.integers(0, 255), max_size=3)
    records = [canonical, *(changed(canonical, data.draw(changes)) for _ in range(3))]

    decoded = columns.decode(b"".join(records))

    for index, record in enumerate(records):
        [values] = rows.decode_all(record, [(0, len(record))])
        if isinstance(values, RecordError):
            event("refused")
            theirs = decoded.errors[index]
            if not any(field.dimensions for field in layout.fields):
                assert (values.code, values.start, values.raw) == (theirs.code, theirs.start, theirs.raw)
            continue
        assert index not in decoded.errors
        for name, field in layout.by_name.items():
            ours, theirs = decoded.columns[name][index], at(values, field.path[1:])
            assert (ours, str(ours)) == (theirs, str(theirs)), name


@settings(max_examples=40, deadline=None, phases=QUICK)
@given(cases(), st.data())
def test_rows_that_were_encoded_are_decoded_to_the_same(case: tuple[Layout, Options], data: st.DataObject) -> None:
    layout, told = case
    rows = RowCodec(layout, told)
    values = filled(data, layout.items[0])

    record = rows.encode(values)

    found = rows.decode(record)
    if told.trim is Trim.RIGHT:
        assert {name: found[name] for name in values} == values
    assert rows.encode(found, record) == record
    assert len(record) <= layout.length


def test_tables_are_lists_in_a_column() -> None:
    layout = parse(
        "       01  R.\n         05  A OCCURS 2.\n           10  B PIC 9.\n           10  C PIC 9 OCCURS 3.\n"
    )
    codec = Codec(layout)
    records = [{"B": [1, 2], "C": [[1, 2, 3], [4, 5, 6]]}, {"B": [3, 4], "C": [[7, 8, 9], [0, 0, 0]]}]

    encoded = codec.encode(records)

    assert encoded == "1123245637894000".encode("cp037")
    assert codec.decode(encoded).columns == {"B": [[1, 2], [3, 4]], "C": [records[0]["C"], records[1]["C"]]}
    assert codec.only(["C"]).decode(encoded[:8]).columns == {"C": [records[0]["C"]]}
    with pytest.raises(RecordError, match="an array of 2"):
        codec.encode([{"B": [1], "C": records[0]["C"]}])


def test_a_policy_holds_for_columns_too() -> None:
    layout = parse("       01  R.\n         05  A PIC 9(2).\n         05  B PIC S9(4) COMP-5.\n")
    codec = Codec(layout, options=Options(policies={"A": Policy(blank=OddBytes.NULL)}))

    decoded = codec.decode(bytes.fromhex("40400001f0f14040f0f20002"))

    assert decoded.columns == {"A": [None, 1, 2], "B": [1, None, 2]}
    assert [(index, error.field, error.code) for index, error in decoded.errors.items()] == [(1, "B", "blank")]


def test_records_that_differ_in_length_are_no_columns() -> None:
    text = "       01  R.\n         05  N PIC 9.\n         05  T PIC X OCCURS 1 TO 3 DEPENDING ON N.\n"

    with pytest.raises(ContractError, match="T depends on a counter, so they are decoded row by row"):
        Codec(parse(text))
    with pytest.raises(ConfigError, match="row by row"):
        Codec(parse(text), options=Options(tables="max"))
    with pytest.raises(ConfigError, match="row by row"):
        Codec(parse("       01  R PIC X."), options=Options(segments=(Segments(field="R", groups={}),)))
