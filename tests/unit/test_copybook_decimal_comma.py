"""DECIMAL-POINT IS COMMA: pictures, literals, and numbers as they are shown."""

import io
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.errors import ContractError, RecordError
from contracts.legacy.copybook import Codec, Options, RowCodec, Unnamed, parse
from contracts.legacy.copybook.compare import compare
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.record_file import RecordFile

PROGRAM = """\
       IDENTIFICATION DIVISION.
       PROGRAM-ID. P.
       ENVIRONMENT DIVISION.
       CONFIGURATION SECTION.
       SPECIAL-NAMES.
      {mark}    DECIMAL-POINT IS
           {is_comma}.
       DATA DIVISION.
       WORKING-STORAGE SECTION.
       01  R.
           05  A PIC Z.ZZ9,99.
"""
COPYBOOK = """\
       01  R.
           05  A PIC Z.ZZ9,99-.
           05  B PIC 9(3),99.
           05  C PIC +9,99E+99.
           05  D PIC ****.**9,99.
           05  E PIC 9(3)V9 COMP-3.
               88  IS-HALF VALUE 0,5.
"""


def test_numbers_are_read_and_written_with_a_decimal_comma() -> None:
    codec = RowCodec(parse(COPYBOOK, decimal_comma=True), Options(code_page="ascii", conditions={"E": Unnamed.ERROR}))
    record = b"1.234,50-012,75+1,25E+03***1.234,50" + bytes.fromhex("00005f")

    values = codec.decode(record)

    assert values == {
        "A": Decimal("-1234.50"),
        "B": Decimal("12.75"),
        "C": 1250.0,
        "D": Decimal("1234.50"),
        "E": "IS-HALF",
    }
    assert codec.encode(values) == record


def test_a_point_is_no_decimal_comma() -> None:
    codec = RowCodec(parse(COPYBOOK, decimal_comma=True), Options(code_page="ascii"))

    assert codec.layout.by_name["A"].scale == 2
    with pytest.raises(RecordError, match=r"A: expected a number edited as Z\.ZZ9,99-"):
        codec.decode(b"1,234.50-012,75+1,25E+03***1.234,50" + bytes.fromhex("00005f"))


def test_columns_and_lines_read_it_as_rows_do() -> None:
    layout = parse("       01  R.\n           05  B PIC 9(3),99.\n", decimal_comma=True)
    data = "012,75999,99".encode("cp037")

    assert Codec(layout).decode(data).columns == {"B": [Decimal("12.75"), Decimal("999.99")]}
    file = RecordFile(FileSpec(copybook=Path("a.cpy")), layout)
    assert b"".join(line for line in file.lines(io.BytesIO(data)) if isinstance(line, bytes)) == (
        b'{"B":"12.75"}\n{"B":"999.99"}\n'
    )


@pytest.mark.parametrize(("is_comma", "mark", "scale"), [("COMMA", " ", 2), ("COMMA", "*", 4), ("POINT", " ", 4)])
def test_a_program_says_it_itself(is_comma: str, mark: str, scale: int) -> None:
    """Where it does not, the point of Z.ZZ9,99 is the decimal one."""
    text = PROGRAM.format(is_comma=is_comma, mark=mark)

    assert parse(text, decimal_comma=True).by_name["A"].scale == 2
    if scale == 2:
        assert parse(text).by_name["A"].scale == scale
    else:
        with pytest.raises(ContractError):
            parse(text)


@pytest.mark.parametrize(
    ("literal", "has_comma", "told"), [("1,5", False, "decimal_comma"), ("1.5", True, "a comma before")]
)
def test_a_literal_with_the_other_decimal_sign_is_refused(literal: str, *, has_comma: bool, told: str) -> None:
    text = f"       01  R.\n           05  A PIC 9V9.\n               88  B VALUE {literal}.\n"

    with pytest.raises(ContractError, match=rf"line 3, column 28: .*{told}"):
        parse(text, decimal_comma=has_comma)


def test_the_sign_of_decimals_is_part_of_the_type() -> None:
    text = "       01  R.\n           05  A PIC ZZ9,99.\n"

    assert not compare(parse(text), parse(text, decimal_comma=True)).is_compatible
