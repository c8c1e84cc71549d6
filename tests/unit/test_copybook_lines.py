"""Lines that are made of many records at once are those of one at a time, byte for byte."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.copybook import Layout, OddBytes, Options, Policy, RowCodec, Trim, parse
from contracts.legacy.copybook.dialect import DIALECTS
from contracts.legacy.copybook.line import LineCodec
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Framing, read
from contracts.legacy.record_file import RecordFile
from tests.copybooks import FORMS, QUICK, filled, layouts
from tests.data import real_data
from tests.line_by_line import at_once, damaged, told

MORE = (
    "PIC N({n}) NATIONAL",
    "PIC 9({n}) NATIONAL",
    "PIC S9(3{m}) COMP-5",
    "PIC S9(18)V9({m}) COMP-3",
    "PIC SV9(1{m}) COMP-3",
    "PIC 9({n})V9({m})",
    "PIC SVPP9({n}) COMP",
    "PIC S9({n}).9({m})",
    "PIC +9.9(3)E+99",
    "POINTER",
    "INDEX",
)
PAGES = ("cp037", "cp037", "cp273", "cp500", "cp875", "cp1047", "cp1140", "latin-1", "ascii", "cp1252", "utf-8")
odd_bytes = st.sampled_from([None, *OddBytes])
policies = st.builds(Policy, blank=odd_bytes, low=odd_bytes, high=odd_bytes)


@st.composite
def all_layouts(draw: st.DrawFn) -> Layout:
    """Draw a layout with fields of every kind; not every dialect has binary numbers of more than 18 digits."""
    try:
        layout = draw(layouts(forms=(*FORMS, *MORE)))
    except ContractError as error:
        assert "binary digits" in str(error)  # noqa: PT017 - any other error fails
        reject()
    return layout


@st.composite
def options(draw: st.DrawFn, layout: Layout) -> Options:
    """Draw options that a layout takes."""
    names = sorted(layout.by_name)
    pages = st.sampled_from(PAGES)
    return Options(
        code_page=draw(pages),
        pages=draw(st.dictionaries(st.sampled_from(names), pages, max_size=1)) if names else {},
        dbcs=draw(st.sampled_from([None, None, "utf-16-be"])),
        floats=draw(st.sampled_from([None, "ibm", "ieee"])),
        float_order=draw(st.sampled_from([None, "big", "little"])),
        trim=draw(st.sampled_from(list(Trim))),
        is_nul_filled=draw(st.booleans()),
        policies=draw(st.dictionaries(st.sampled_from(names), policies, max_size=3)) if names else {},
        is_trimmed=draw(st.booleans()),
        drop_rest=draw(st.booleans()),
    )


@settings(max_examples=60, deadline=None, phases=QUICK, suppress_health_check=[HealthCheck.too_slow])
@given(all_layouts(), st.data())
def test_lines_are_rows(layout: Layout, data: st.DataObject) -> None:
    """Whatever the layout, the options and the bytes."""
    rows = RowCodec(layout, data.draw(options(layout)))
    blank = bytes([rows.blank]) * layout.length
    try:
        canonical = rows.encode(filled(data, layout.items[0]))
    except RecordError:
        event("no values that fit")
        canonical = blank
    records = [canonical, *(data.draw(damaged(canonical)) for _ in range(data.draw(st.integers(1, 12))))]

    found, left = at_once(rows, records)

    assert found == [told(rows, record) for record in records]
    event(f"left to rows: {round(4 * left / len(records)) * 25} %")


@settings(max_examples=30, deadline=None, phases=QUICK)
@given(layouts(), st.data())
def test_what_is_plain_is_not_left_to_rows(layout: Layout, data: st.DataObject) -> None:
    rows = RowCodec(layout)
    records = [rows.encode(filled(data, layout.items[0])) for _ in range(3)]

    found, left = at_once(rows, records)

    assert found == [told(rows, record) for record in records]
    if not any(item.redefines for item in layout.walk()):
        assert left == 0


@pytest.mark.parametrize("page", ["cp037", "ascii"])
@pytest.mark.parametrize(
    "form",
    [
        "PIC S9(3) COMP-3",
        "PIC S9V99 COMP-3",
        "PIC 9(2) COMP-3",
        "PIC S99",
        "PIC SV9(2)",
        "PIC 99",
        "PIC S9(2) LEADING",
        "PIC S9 LEADING SEPARATE",
        "PIC S9 TRAILING SEPARATE",
        "PIC S9PP TRAILING SEPARATE",
        "PIC 99 BLANK WHEN ZERO",
        "PIC S9(2)V99 COMP",
        "PIC S9(4) COMP-5",
        "PIC 9(4) COMP-5",
        "PIC .9",
        "PIC S9(2) COMP-5 SYNC",
        "PIC X(2)",
    ],
)
def test_every_byte_means_what_it_means_in_a_row(form: str, page: str) -> None:
    """Each byte, at both places, beside each that digits, signs, zones and blanks are made of."""
    rows = RowCodec(parse(f"       01  R {form}.\n"), Options(code_page=page, is_nul_filled=True))
    beside = bytes.fromhex("00010b0c0d10191c2030394040494e607b9ac0d0d9f0f1f9ff")
    pairs = [bytes([one, other]) for one in range(256) for other in beside]
    records = [*pairs, *(pair[::-1] for pair in pairs)]

    found, left = at_once(rows, records)

    expected = [told(rows, record) for record in records]
    assert found == expected
    if "X" not in form:  # an escape has no room in so short a text
        assert left == sum(not isinstance(each, bytes) for each in expected)


@pytest.mark.parametrize("page", ["cp273", "cp875", "cp1025", "utf-8", "latin-1"])
@pytest.mark.parametrize("text", ["Größe é", "ΑΒΓ δέ", "Прощай", 'a"b\\c', "x\n\ty", "\0\x1f", "naïve\0\0 "])
def test_characters_of_several_bytes_and_escapes(page: str, text: str) -> None:
    """First where they are rare, then where every record has them."""
    rows = RowCodec(parse("       01  R.\n         05  A PIC X(12).\n         05  B PIC X.\n"), Options(code_page=page))
    raw = text.encode(page, "ignore")
    plain, odd = (each.ljust(12, bytes([rows.blank])) + bytes([rows.blank]) for each in ("PLAIN".encode(page), raw))
    records = [*[plain] * 40, odd, *[odd] * 40, plain, odd]

    found, _ = at_once(rows, records)
    again, left = at_once(rows, records[40:])

    assert found == [told(rows, record) for record in records]
    assert again == found[40:]
    assert left == 0 or any(each < " " for each in text)


def test_characters_of_several_bytes_get_their_room() -> None:
    """Full fields of letters that need two bytes each are left to rows once, and then no more."""
    rows = RowCodec(parse("       01  R PIC X(8).\n"), Options(code_page="cp1025"))
    record = "Прощайте".encode("cp1025")
    lines, framing = LineCodec(rows), Framing.model_validate({"lrecl": 8})
    [batch] = read(record * 30, framing)

    first, second = list(lines.lines(batch)), list(lines.lines(batch))

    assert first == list(range(30))
    assert second == [30 * ('{"R":"Прощайте"}\n'.encode())]


def test_a_renamed_item_stands_behind_the_others() -> None:
    text = """
       01  R.
           05  A PIC X(2).
           05  B.
               10  C PIC 9(2).
               10  D PIC S9(3) COMP-3.
           66  AC RENAMES A THRU C.
           66  CC RENAMES C.
    """
    rows = RowCodec(parse(text))
    records = [bytes.fromhex(each) for each in ("c1c2f0f1123c", "c140f0f1123d", "c140f0c1123d")]

    found, left = at_once(rows, records)

    assert found == [told(rows, record) for record in records]
    assert (found[0], left) == (b'{"A":"AB","B":{"C":1,"D":123},"AC":"AB01","CC":1}\n', 1)


def test_what_rows_must_look_into_is_left_to_them() -> None:
    """Too many values, and counters where nobody sees them."""
    many = "       01  R.\n         05  T PIC X OCCURS 9000.\n"
    hidden = """
       01  R.
         05  FILLER.
           10  N PIC 9.
         05  T PIC X OCCURS 1 TO 3 DEPENDING ON N.
    """

    assert not LineCodec.fits(RowCodec(parse(many)))
    assert not LineCodec.fits(RowCodec(parse(hidden)))
    with pytest.raises(ConfigError, match="row by row"):
        LineCodec(RowCodec(parse(many)))


def files() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield the shared files whose records have one layout: case, copybook, data, and how they are read."""
    for case in ("accounts", "card-xref", "daily-transactions-a", "transaction-types", "transaction-categories"):
        yield f"carddemo/{case}", "copybook.cpy", "data.ebcdic.bin", {}
        yield f"carddemo/{case}", "copybook.cpy", "data.ascii.txt", {"encoding": "ascii", "framing": {"recfm": "LS"}}
    yield "carddemo/duplicate-file", "copybook.cpy", "data.ebcdic.bin", {}
    yield "cobrix/type-variety-2", "copybook.cob", "data.dat", {"float": "ieee"}
    yield "cobrix/type-variety-2", "copybook.cob", "data.dat", {"float": "ibm", "encoding": "cp273", "trim": "both"}
    yield "cobrix/fixed-simple-binary-decimal", "copybook.cob", "TRAN2.AUG31.DATA.dat", {}
    yield "jrecord/dtar020-sales", "copybook.cbl", "data.ebcdic.bin", {}
    for name, dialect in (("mvs", "zos"), ("mf", "mf"), ("fj", "fujitsu")):
        described = {"encoding": "ascii", "dialect": dialect}
        yield "jrecord/compiler-dialect-matrix", f"{name}Comp.cbl", f"{name}Comp.bin", described


@pytest.mark.parametrize(("case", "copybook", "name", "told_of"), list(files()))
def test_real_files_give_the_lines_of_their_rows(case: str, copybook: str, name: str, told_of: dict[str, Any]) -> None:
    folder = real_data(f"batch/{case}")
    spec = FileSpec.model_validate({"copybook": Path("c"), **told_of})
    file = RecordFile(spec, parse((folder / copybook).read_text(encoding="latin-1"), dialect=DIALECTS[spec.dialect]))
    data = (folder / name).read_bytes()

    found = list(file.lines(io.BytesIO(data)))
    expected = list(file.decode(io.BytesIO(data)))

    assert LineCodec.fits(file.codec)
    lines = b"".join(each for each in found if isinstance(each, bytes))
    assert lines == b"".join(RecordFile.line(each) + b"\n" for each in expected if isinstance(each, dict))
    refused = [str(each) for each in found if not isinstance(each, bytes)]
    assert refused == [str(each) for each in expected if not isinstance(each, dict)]
    assert lines or refused
