"""Described files of records: bytes to values and back, with what can't be handled beside it."""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.errors import ConfigError, FramingError
from contracts.legacy.copybook import parse, parse_all
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Role
from contracts.legacy.record_file import RecordFile, Refused

COPYBOOK = """
       01  CASE-RECORD.
           05  CASE-ID        PIC 9(4).
           05  AMOUNT         PIC S9(5)V99 COMP-3.
           05  RATE           COMP-2.
           05  NAME           PIC X(6).
           05  FILLER         PIC X.
           05  ITEMS          PIC 9.
           05  ITEM           OCCURS 0 TO 3 DEPENDING ON ITEMS PIC X(2).
"""
RECORDS: list[dict[str, Any]] = [
    {"CASE-ID": 1, "AMOUNT": Decimal("-12.50"), "RATE": 0.5, "NAME": "ADA", "ITEMS": 0, "ITEM": []},
    {"CASE-ID": 2, "AMOUNT": Decimal("0.00"), "RATE": -3.0, "NAME": "", "ITEMS": 2, "ITEM": ["A", "BC"]},
]


def record_file(copybook: str = COPYBOOK, **spec: Any) -> RecordFile:
    return RecordFile(FileSpec.model_validate({"copybook": Path("c.cpy"), **spec}), parse(copybook))


def written(file: RecordFile, records: list[dict[str, Any]]) -> bytes:
    refused: list[Refused] = []
    data = b"".join(file.encode(map(RecordFile.line, records), refused))
    assert refused == []
    return data


@pytest.mark.parametrize("recfm", ["V", "VB", "VBS", "none"])
@pytest.mark.parametrize("floats", ["ibm", "ieee"])
def test_what_is_written_is_read_back(recfm: str, floats: str) -> None:
    file = record_file(framing={"recfm": recfm}, float=floats)

    assert list(file.decode(io.BytesIO(written(file, RECORDS)))) == RECORDS


def test_a_line_has_decimals_as_text_and_numbers_as_numbers() -> None:
    line = json.loads(RecordFile.line(RECORDS[0]))

    assert line == {"CASE-ID": 1, "AMOUNT": "-12.50", "RATE": 0.5, "NAME": "ADA", "ITEMS": 0, "ITEM": []}


@pytest.mark.parametrize("raw", ["7ff8000000000000", "fff0000000000000"])
def test_a_float_that_is_no_number_is_refused(raw: str) -> None:
    """JSON has no word for it, and null would hide it."""
    [refused] = record_file("       01  A COMP-2.", float="ieee").decode(io.BytesIO(bytes.fromhex(raw)))

    assert isinstance(refused, Refused)
    assert refused.original.hex() == raw


def test_a_bad_record_is_refused_with_its_bytes_and_the_rest_goes_on() -> None:
    file = record_file(framing={"recfm": "V"})
    data = bytearray(written(file, [*RECORDS, RECORDS[0]]))
    second = 4 + 24
    data[second + 4 : second + 8] = b"\xc1\xc2\xc3\xc4"

    first, refused, third = file.decode(io.BytesIO(bytes(data)))

    assert (first, third) == (RECORDS[0], RECORDS[0])
    assert isinstance(refused, Refused)
    assert (refused.ordinal, refused.offset, refused.original) == (1, second, bytes(data[second + 4 : second + 4 + 28]))
    assert (refused.error.field, refused.error.raw) == ("CASE-ID", b"\xc1\xc2\xc3\xc4")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"{", "line"),
        (b"[1]", "line"),
        (b'{"CASE-ID": NaN}', "line"),
        (b'{"CASE-ID": 99999, "AMOUNT": "1.00", "RATE": 1, "NAME": "", "ITEMS": 0, "ITEM": []}', "CASE-ID"),
        (b'{"CASE-ID": 1, "AMOUNT": "1.005", "RATE": 1, "NAME": "", "ITEMS": 0, "ITEM": []}', "AMOUNT"),
        (b'{"CASE-ID": 1, "AMOUNT": "one", "RATE": 1, "NAME": "", "ITEMS": 0, "ITEM": []}', "AMOUNT"),
        (b'{"CASE-ID": 1, "AMOUNT": "1.00", "RATE": 1, "NAME": "TOO LONG", "ITEMS": 0, "ITEM": []}', "NAME"),
        (b'{"CASE-ID": 1, "RATE": 1, "NAME": "", "ITEMS": 0, "ITEM": []}', "AMOUNT"),
        (b'{"CASE-ID": 1, "AMOUNT": "1.00", "RATE": 1, "NAME": "", "ITEMS": 0, "ITEM": [], "MORE": 1}', "MORE"),
    ],
)
def test_a_line_that_does_not_fit_is_refused_with_the_field(line: bytes, field: str) -> None:
    file, refused = record_file(framing={"recfm": "V"}), list[Refused]()

    data = b"".join(file.encode([line, RecordFile.line(RECORDS[0])], refused))

    assert list(file.decode(io.BytesIO(data))) == [RECORDS[0]]
    assert [(each.ordinal, each.error.field, each.original) for each in refused] == [(0, field, line)]


def test_a_decimal_that_stands_as_a_number_keeps_its_digits() -> None:
    file = record_file("       01  A PIC S9(16)V9(2) COMP-3.")

    [record] = file.decode(io.BytesIO(b"".join(file.encode([b'{"A": 1234567890123456.78}'], []))))

    assert record == {"A": Decimal("1234567890123456.78")}


def test_records_of_one_length_have_that_of_the_copybook() -> None:
    file = record_file("       01  A PIC X(3).")

    assert list(file.decode(io.BytesIO(b"\xc1\xc2\xc3\xc4\x40\x40"))) == [{"A": "ABC"}, {"A": "D"}]
    with pytest.raises(FramingError, match="remainder: expected records of 3 bytes"):
        list(file.decode(io.BytesIO(b"\xc1\xc2\xc3\xc4")))


def test_records_that_vary_need_a_format_that_says_how() -> None:
    with pytest.raises(ConfigError, match="vary in length; say lrecl"):
        record_file()
    assert record_file(odo="max").framing.lrecl == 30


def test_a_plug_in_that_no_package_offers_is_told_before_a_file_is_opened() -> None:
    with pytest.raises(ConfigError, match="record_header: no plug-in 'nobodys' in the group"):
        record_file(framing={"recfm": "none", "record_header": "nobodys"})


def test_header_and_trailer_records_are_left_out() -> None:
    file = record_file("       01  A PIC 9.", encoding="ascii", framing={"header_records": 1, "trailer_records": 1})

    assert list(file.decode(io.BytesIO(b"H12T"))) == [{"A": 1}, {"A": 2}]


ENDS = """
       01  HEAD.
           05  KIND      PIC X.
           05  RUN       PIC 9(3).
       01  CASE.
           05  KIND      PIC X.
           05  BODY      PIC X(3).
           05  SUM-PART  REDEFINES BODY.
               10  FIGURE PIC 9(3).
           05  NAME-PART REDEFINES BODY.
               10  NAME  PIC X(3).
       01  TAIL.
           05  TR-MARK   PIC X.
           05  TR-SUM    PIC 9(3).
"""


def test_what_is_said_of_one_record_is_not_asked_of_the_others() -> None:
    head, case, tail = parse_all(ENDS)
    given = {
        "copybook": "c.cpy",
        "encoding": "ascii",
        "framing": {"header_records": 1, "trailer_records": 1},
        "segments": [{"field": "KIND", "map": {"S": "SUM-PART", "N": "NAME-PART"}}],
        "policies": {"FIGURE": {"blank": "null"}, "TR-SUM": {"blank": "null"}, "RUN": {"blank": "null"}},
        "encodings": {"NAME": "cp037"},
    }
    file = RecordFile(FileSpec.model_validate(given), case, {Role.HEADER: head, Role.TRAILER: tail})

    parts = list(file.parts(io.BytesIO(b"H   S   N\xc1\xc4\xc1T   ")))

    assert parts == [
        (Role.HEADER, {"KIND": "H", "RUN": None}),
        (Role.DATA, {"KIND": "S", "SUM-PART": {"FIGURE": None}}),
        (Role.DATA, {"KIND": "N", "NAME-PART": {"NAME": "ADA"}}),
        (Role.TRAILER, {"TR-MARK": "T", "TR-SUM": None}),
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"policies": {"FIGURES": {"blank": "null"}}},
        {"segments": [{"field": "KIND", "map": {"S": "SUM-PART", "N": "NAMES"}}]},
        {"segments": [{"field": "SORT", "map": {"S": "SUM-PART"}}]},
    ],
)
def test_what_no_record_has_is_refused(given: dict[str, Any]) -> None:
    head, case, tail = parse_all(ENDS)
    spec = FileSpec.model_validate({"copybook": "c.cpy", **given})

    with pytest.raises(ConfigError, match=r"the layout has no single item (FIGURES|NAMES|SORT)"):
        RecordFile(spec, case, {Role.HEADER: head, Role.TRAILER: tail})


def test_a_null_that_yaml_takes_for_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match='so write "null"'):
        FileSpec.model_validate({"copybook": "c.cpy", "policies": {"AMOUNT": {"blank": None}}})
