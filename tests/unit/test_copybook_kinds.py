"""Records whose counters and segments decide where items are: their lines, many at once, are those of their rows."""

import io
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from contracts.errors import RecordError
from contracts.legacy.copybook import Options, RowCodec, Segments, parse
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.line import LineCodec
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Framing, read, write
from contracts.legacy.record_file import RecordFile, Refused
from tests.copybooks import QUICK, Made, entries, indented, value_of
from tests.line_by_line import at_once, damaged, told

COUNTERS = ("PIC 9", "PIC 9 COMP-3", "PIC S9(2)", "PIC S9(4) COMP")
Lines = list[tuple[int, str]]


@st.composite
def tables(draw: st.DrawFn, made: Made, level: int, depth: int) -> Lines:
    """Draw a counter and its table; what is in it may have one of its own."""
    counter, table = f"N{made.name()}", made.name()
    head = (level, f"{counter} {draw(st.sampled_from(COUNTERS))}")
    occurs = f"{table} OCCURS 0 TO {draw(st.integers(2, 3))} DEPENDING ON {counter}"
    between = draw(entries(made, level, 0)) if draw(st.booleans()) else []
    if draw(st.booleans()):
        return [head, *between, (level, f"{occurs} PIC S9(3) COMP-3")]
    inner = draw(tables(made, level + 5, depth - 1)) if depth and draw(st.booleans()) else []
    return [head, *between, (level, occurs), *draw(entries(made, level + 5, 0)), *inner]


@st.composite
def parts(draw: st.DrawFn, made: Made, level: int) -> Lines:
    """Draw fields, tables that vary, or both."""
    found: Lines = []
    for _ in range(draw(st.integers(1, 2))):
        found += draw(tables(made, level, 1)) if draw(st.booleans()) else draw(entries(made, level, 1))
    return found


@st.composite
def varying(draw: st.DrawFn) -> RowCodec:
    """Draw a codec of records that are not all alike."""
    made = Made()
    lines: Lines = [(5, "KIND PIC X"), (5, "ONE"), *draw(parts(made, 10))]
    if draw(st.booleans()):
        lines += [(5, "TWO REDEFINES ONE"), *draw(parts(made, 10)), (5, "THREE REDEFINES ONE PIC X(3)")]
    segments = len([1 for _, rest in lines if "REDEFINES" in rest])
    lines += draw(tables(made, 5, 1))
    names = [rest.split()[0] for level, rest in lines if level == 5 and not rest.startswith("FILLER")]
    if draw(st.booleans()):
        lines.append((66, f"AGAIN RENAMES {draw(st.sampled_from(names))}"))
    groups = {"1": "ONE", "2": "TWO", "3": "THREE"} | draw(st.sampled_from([{}, {"4": ""}, {"*": "ONE"}]))
    options = Options(
        segments=(Segments(field="KIND", groups=groups),) if segments else (),
        tables=draw(st.sampled_from(["shift", "shift", "max"])),
        is_trimmed=draw(st.booleans()),
        drop_rest=draw(st.booleans()),
    )
    return RowCodec(parse("       01  R.\n" + indented(lines)), options)


def filled(data: st.DataObject, items: tuple[Item, ...], counts: dict[str, int], kind: str) -> dict[str, Any]:
    """Draw the values of a group's items."""
    values: dict[str, Any] = {}
    chosen = {"1": "ONE", "2": "TWO", "3": "THREE"}.get(kind)
    for item in items:
        name = item.name
        if not name or (name in {"ONE", "TWO", "THREE"} and name != chosen and kind):
            continue
        if name == "KIND":
            values[name] = kind
        elif item.occurs:
            most = item.occurs.most
            count = counts[item.occurs.depending_on] if item.occurs.depending_on else most
            values[name] = [_one(data, item, counts, kind) for _ in range(count)]
        else:
            values[name] = _one(data, item, counts, kind)
            if name.startswith("NF"):
                counts[name] = values[name] = data.draw(st.integers(0, 2))
    return values


def _one(data: st.DataObject, item: Item, counts: dict[str, int], kind: str) -> Any:
    if item.kind is Kind.GROUP:
        return filled(data, item.children, counts, kind)
    return data.draw(value_of(item))


@settings(max_examples=80, deadline=None, phases=QUICK, suppress_health_check=[HealthCheck.too_slow])
@given(varying(), st.data())
def test_lines_of_records_that_vary_are_rows(rows: RowCodec, data: st.DataObject) -> None:
    """Whatever the counters, the segments and the bytes."""
    records: list[bytes] = []
    for _ in range(data.draw(st.integers(1, 3))):
        kind = data.draw(st.sampled_from("1123")) if rows.options.segments else ""
        try:
            record = rows.encode(filled(data, rows.items, {}, kind))
        except RecordError as error:
            event(f"no values that fit: {error.code}")
            record = bytes([0xF1]) * rows.layout.length
        records += [record, record, data.draw(damaged(record)), data.draw(damaged(record)), record]
    records = data.draw(st.permutations(records))

    with patch("contracts.legacy.copybook.line._FEWEST", 2):
        found, left = at_once(rows, records)

    assert found == [told(rows, record) for record in records]
    event(f"left to rows: {round(4 * left / len(records)) * 25} %")


TEXT = """
       01  R.
         05  KIND PIC X.
         05  COUNT-A PIC 9.
         05  ONE.
           10  A PIC 9(3).
         05  TWO REDEFINES ONE.
           10  B PIC X(2).
         05  T OCCURS 0 TO 9 DEPENDING ON COUNT-A.
           10  N PIC S9(3) COMP-3.
         05  TAIL PIC X(2).
"""
SEGMENTS = Segments(field="KIND", groups={"1": "ONE", "2": "TWO"})


def many(count: int) -> list[bytes]:
    """Return records of several kinds in turns."""
    found: list[bytes] = []
    for number in range(count):
        kind, several = number % 2 + 1, number % 3
        head = f"{kind}{several}".encode("cp037") + (b"\xf0\xf1\xf2" if kind == 1 else b"\xc1\xc2\x40")
        found.append(head + several * b"\x12\x3d" + f"{number % 100:02}".encode("cp037"))
    return found


def test_kinds_come_back_in_the_order_of_the_file_and_stay_known() -> None:
    rows = RowCodec(parse(TEXT), Options(segments=(SEGMENTS,)))
    records = many(120)
    records[50] = b"\xf9" + records[50][1:]  # a segment that there is not
    lines, framing = LineCodec(rows), Framing.model_validate({"recfm": "V"})
    [batch] = read(b"".join(write(records, framing)), framing)

    first, second = list(lines.lines(batch)), list(lines.lines(batch))

    assert first == second
    assert [each for each in first if isinstance(each, int)] == [50]
    written = b"".join(each for each in first if isinstance(each, bytes)).splitlines(keepends=True)
    assert written == [told(rows, record) for record in [*records[:50], *records[51:]]]


def test_many_kinds_are_forgotten_before_they_take_all_memory() -> None:
    rows = RowCodec(parse(TEXT), Options(segments=(SEGMENTS,)))
    with patch("contracts.legacy.copybook.line._MOST_KINDS", 2), patch("contracts.legacy.copybook.line._FEWEST", 1):
        found, left = at_once(rows, many(30))

    assert (found, left) == ([told(rows, record) for record in many(30)], 0)


@pytest.mark.parametrize("tables", ["shift", "max"])
def test_tables_in_tables_are_not_left_to_rows(tables: Literal["shift", "max"]) -> None:
    text = """
       01  R.
         05  N PIC 9.
         05  G OCCURS 0 TO 3 DEPENDING ON N.
           10  M PIC 9.
           10  H PIC X OCCURS 0 TO 3 DEPENDING ON M.
           10  A PIC S9(3) COMP-3 OCCURS 2.
         05  TAIL PIC X(2).
       66  AGAIN RENAMES TAIL.
    """
    rows = RowCodec(parse(text), Options(tables=tables))
    made = [[], ["", "XYZ"], ["X"], ["XY", "", "Z"]]
    values = [
        {"N": len(each), "G": [{"M": len(one), "H": list(one), "A": [1, -2]} for one in each], "TAIL": "ZZ"}
        for each in made
    ]
    records = [rows.encode(each) for each in values] * 10

    found, left = at_once(rows, records)

    assert (found, left) == ([told(rows, record) for record in records], 0)


@pytest.mark.parametrize("bad", [b"\xf1\xc1", b"\xf1", b""])
def test_a_record_that_ends_early_or_has_no_count_is_refused_as_by_rows(bad: bytes) -> None:
    rows = RowCodec(parse(TEXT), Options(segments=(SEGMENTS,)))
    records = [*many(60), bad or b"\xf1\xf1\xf0", *many(60)]

    found, left = at_once(rows, records)

    assert (found, left) == ([told(rows, record) for record in records], 1)


def test_a_file_that_varies_gives_lines_and_dead_letters_in_order() -> None:
    spec = FileSpec.model_validate(
        {
            "copybook": Path("c"),
            "framing": {"recfm": "V"},
            "segments": [{"field": "KIND", "map": {"1": "ONE", "2": "TWO"}}],
        }
    )
    file = RecordFile(spec, parse(TEXT))
    records = [b"\xf3" + record[1:] if number % 17 == 5 else record for number, record in enumerate(many(500))]
    data = b"".join(write(records, file.framing))

    found = list(file.lines(io.BytesIO(data)))

    expected = list(file.decode(io.BytesIO(data)))
    lines = b"".join(each for each in found if isinstance(each, bytes))
    assert lines == b"".join(RecordFile.line(each) + b"\n" for each in expected if isinstance(each, dict))
    refused = [(each.ordinal, each.offset, each.original) for each in found if isinstance(each, Refused)]
    assert refused == [(each.ordinal, each.offset, each.original) for each in expected if isinstance(each, Refused)]
    assert len(refused) == 30
