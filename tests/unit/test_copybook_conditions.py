"""Condition names (level 88) as values: which holds, in every way of decoding, and back to bytes."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.copybook import Codec, OddBytes, Options, Policy, RowCodec, Segments, Unnamed, parse
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.record_file import RecordFile, Refused

COPYBOOK = """
       01  R.
           05  KIND PIC X.
               88 IS-ACTIVE VALUE 'A'.
               88 IS-CLOSED VALUES 'C' THRU 'E', 'X'.
               88 IS-EARLY VALUE 'A' THRU 'C'.
           05  AMOUNT PIC S9(3)V99 COMP-3.
               88 NOTHING VALUE ZERO.
               88 DEBT VALUE -999.99 THRU -0.01.
           05  COUNTED PIC 9.
               88 NONE-LEFT VALUE 0.
           05  GRADES PIC X(2) OCCURS 2.
               88 NOT-GIVEN VALUE SPACES.
               88 LOWEST VALUE LOW-VALUES.
               88 BEST VALUE ALL 'A'.
"""


def codec(conditions: Mapping[str, str], copybook: str = COPYBOOK, **options: Any) -> RowCodec:
    told = {name: Unnamed(each) for name, each in conditions.items()}
    return RowCodec(parse(copybook), Options(conditions=told, **options))


def record(kind: str = "A", amount: str = "00000c", counted: int = 0, grades: str = "    ") -> bytes:
    return (kind.encode("cp037") + bytes.fromhex(amount)) + f"{counted}{grades}".encode("cp037")


def test_the_first_name_that_holds_is_the_value() -> None:
    found = codec({"all": "error"}).decode(record("A", "00001d", 0, "AA  "))

    assert found == {"KIND": "IS-ACTIVE", "AMOUNT": "DEBT", "COUNTED": "NONE-LEFT", "GRADES": ["BEST", "NOT-GIVEN"]}


@pytest.mark.parametrize(("kind", "name"), [("C", "IS-CLOSED"), ("X", "IS-CLOSED"), ("B", "IS-EARLY")])
def test_ranges_are_compared_in_the_order_of_the_code_page(kind: str, name: str) -> None:
    assert codec({"KIND": "error"}).decode(record(kind))["KIND"] == name


def test_text_is_compared_as_ebcdic_bytes_are() -> None:
    """In EBCDIC, small letters come before capital ones, and digits behind both."""
    copybook = "       01  R.\n           05  A PIC X.\n           88 LETTER VALUE 'a' THRU 'Z'."

    assert codec({"A": "value"}, copybook).decode("q".encode("cp037")) == {"A": "LETTER"}
    assert codec({"A": "value"}, copybook, code_page="ascii").decode(b"q") == {"A": "q"}


def test_a_field_that_is_not_told_keeps_its_value() -> None:
    assert codec({"KIND": "error"}).decode(record())["COUNTED"] == 0


@pytest.mark.parametrize(("unnamed", "value"), [("null", None), ("value", "Z")])
def test_what_no_name_holds_for_is_as_declared(unnamed: str, value: object) -> None:
    assert codec({"KIND": unnamed}).decode(record("Z"))["KIND"] == value


def test_what_no_name_holds_for_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(RecordError, match="IS-ACTIVE, IS-CLOSED, IS-EARLY") as caught:
        codec({"KIND": "error"}).decode(record("Z"))

    assert (caught.value.field, caught.value.code, caught.value.start) == ("KIND", "condition", 0)


def test_a_value_that_reads_like_a_name_that_does_not_hold_is_an_error() -> None:
    copybook = "       01  R.\n           05  A PIC X(2).\n           88 NO VALUE 'N'."

    with pytest.raises(RecordError, match="condition name"):
        codec({"A": "value"}, copybook, code_page="ascii").decode(b"NO")


def test_bytes_that_are_no_value_are_the_error_that_they_were() -> None:
    with pytest.raises(RecordError) as caught:
        codec({"AMOUNT": "value"}).decode(record(amount="0a000c"))

    assert caught.value.code == "packed"


def test_null_by_policy_goes_before_a_name_and_a_name_before_an_error() -> None:
    low = record(grades="\0\0AA")
    null = {"GRADES": Policy(low=OddBytes.NULL)}
    refused = {"GRADES": Policy(low=OddBytes.ERROR)}

    assert codec({"GRADES": "error"}, policies=null).decode(low)["GRADES"] == [None, "BEST"]
    assert codec({"GRADES": "error"}, policies=refused).decode(low)["GRADES"] == ["LOWEST", "BEST"]


def test_conditions_that_hold_are_listed_as_before() -> None:
    assert codec({"all": "error"}).conditions(record("A", "00001d", 0, "AA  ")) == (
        *("IS-ACTIVE", "IS-EARLY", "DEBT", "NONE-LEFT"),
        *("BEST(1)", "NOT-GIVEN(2)"),
    )


def test_names_are_encoded_where_they_stand_for_one_value() -> None:
    told = {"KIND": "IS-ACTIVE", "AMOUNT": "NOTHING", "COUNTED": "NONE-LEFT", "GRADES": ["BEST", "LOWEST"]}

    assert codec({"all": "error"}).encode(told) == record("A", "00000c", 0, "AA\0\0")


def test_a_name_for_several_values_is_refused_unless_it_is_as_before() -> None:
    naming, before = codec({"KIND": "error"}), record("D")
    decoded = naming.decode(before)

    assert naming.encode({**decoded, "COUNTED": 7}, before) == record("D", counted=7)
    assert naming.encode({**decoded, "KIND": "E"}) == record("E")
    with pytest.raises(RecordError, match="the condition name IS-CLOSED stands for several"):
        naming.encode(decoded)


@pytest.mark.parametrize("unnamed", ["error", "null"])
def test_a_value_that_would_not_be_read_back_is_not_written(unnamed: str) -> None:
    naming = codec({"KIND": unnamed})

    with pytest.raises(RecordError, match="a value with a condition name"):
        naming.encode({**naming.decode(record()), "KIND": "Z"})


def test_columns_and_lines_agree_with_rows() -> None:
    records = [record(kind, amount, grades=grades) for kind in "ACZ" for amount, grades in AMOUNTS]
    data = b"".join(records)
    for unnamed in ("value", "null", "error"):
        rows = codec({"all": unnamed})
        columns = Codec(rows.layout, options=rows.options).decode(data)
        spec = FileSpec(copybook=Path("a.cpy"), conditions=rows.options.conditions, nul_filled=False)
        file = RecordFile(spec, rows.layout)
        lines = list(file.lines(io.BytesIO(data)))

        found = list(rows.decode_all(data, [(at, rows.layout.length) for at in range(0, len(data), len(records[0]))]))
        bad = [index for index, each in enumerate(found) if isinstance(each, RecordError)]
        assert list(columns.errors) == bad
        assert [str(columns.errors[index]) for index in bad] == [str(found[index]) for index in bad]
        for index, each in enumerate(found):
            if not isinstance(each, RecordError):
                assert {name: column[index] for name, column in columns.columns.items()} == each
        good = [RecordFile.line(each) + b"\n" for each in found if not isinstance(each, RecordError)]
        assert b"".join(each for each in lines if isinstance(each, bytes)) == b"".join(good)
        assert sum(isinstance(each, Refused) for each in lines) == len(bad)


AMOUNTS = [("00000c", "AA  "), ("99999d", "B  \0"), ("00001c", "AAAA"), ("00000f", "\0\0AA")]


def test_json_takes_names_of_numbers() -> None:
    file = RecordFile(
        FileSpec(copybook=Path("a.cpy"), conditions={"all": Unnamed.VALUE}, nul_filled=False), parse(COPYBOOK)
    )
    refused: list[Refused] = []
    lines = [b'{"KIND":"IS-ACTIVE","AMOUNT":"NOTHING","COUNTED":3,"GRADES":["BEST","C"]}', b'{"COUNTED":"FEW"}']

    assert b"".join(file.encode(lines, refused)) == record("A", "00000c", 3, "AAC ")
    assert [str(each.error) for each in refused] == ["COUNTED: expected a number"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("R", "is a group"),
        ("PLAIN", "has no condition names"),
        ("GONE", "the layout has no single item GONE"),
        ("N", "tells where other items are"),
        ("S", "tells where other items are"),
    ],
)
def test_a_field_that_can_not_be_told_by_names_is_a_mistake(name: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        codec({name: "error"}, TELLING, segments=SEGMENTS)


TELLING = """
       01  R.
           05  S PIC X.
               88 IS-G VALUE 'G'.
           05  N PIC 9.
               88 IS-NONE VALUE 0.
           05  PLAIN PIC X.
           05  T PIC X OCCURS 0 TO 9 DEPENDING ON N.
           05  G PIC X(2).
           05  H REDEFINES G PIC 9(2).
               88 IS-FULL VALUE 99.
"""
SEGMENTS = (Segments(field="S", groups={"G": "G", "H": "H"}),)


def test_all_leaves_counters_and_what_tells_segments_alone() -> None:
    found = codec({"all": "error"}, TELLING, segments=SEGMENTS, code_page="ascii").decode(b"H2pab99")

    assert found == {"S": "H", "N": 2, "PLAIN": "p", "T": ["a", "b"], "H": "IS-FULL"}


def test_a_name_whose_value_no_value_can_equal_is_a_mistake() -> None:
    copybook = "       01  R.\n           05  A PIC 9(3) COMP-3.\n           88 B VALUE 'x'."

    with pytest.raises(ContractError, match="in the condition name B, a literal that A can be compared with"):
        codec({"A": "error"}, copybook)


def test_digits_are_compared_with_text_as_text() -> None:
    """COBOL takes a quoted literal as text: '1' is '1 ', and no field of two digits has that."""
    copybook = "       01  R.\n           05  A PIC S9(2).\n           88 ONE VALUE '01'.\n           88 L VALUE '1'."

    naming = codec({"A": "value"}, copybook)

    assert naming.decode(bytes.fromhex("f0d1")) == {"A": "ONE"}
    assert naming.decode(bytes.fromhex("f1f0")) == {"A": 10}


def test_an_edited_number_is_compared_as_it_is_shown() -> None:
    copybook = "       01  R.\n           05  A PIC ZZ9.99.\n           88 HALF VALUE '  0.50'."
    naming = codec({"A": "value"}, copybook, code_page="ascii")

    assert naming.decode(b"  0.50") == {"A": "HALF"}
    assert naming.encode({"A": "HALF"}) == b"  0.50"


def test_header_records_are_read_without_what_is_told_of_data_records() -> None:
    spec = FileSpec.model_validate(
        {
            "copybook": Path("a.cpy"),
            "conditions": {"KIND": "error"},
            "policies": {"AMOUNT": {"low": "null"}, "SUM": {"low": "null"}},
            "segments": [{"field": "KIND", "map": {"A": "GRADES"}}],
        }
    )
    header = parse("       01  H.\n           05  NAME PIC X.\n           05  SUM PIC 9.")

    data = parse(
        "       01  D.\n           05  KIND PIC X.\n           05  AMOUNT PIC 9.\n           05  GRADES PIC X.\n"
        "           05  OTHERS REDEFINES GRADES PIC X."
    )

    assert spec.codec(header, [data]).decode(b"\xc1\0") == {"NAME": "A", "SUM": None}
