"""Bytes to values and back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.copybook import Codec, Decoded, parse

PICTURES = {
    "TEXT": "X(6)",
    "ZONED": "9(5)",
    "SIGNED": "S9(4)V99",
    "LONG": "S9(25)V9(5)",
    "PACKED": "S9(4)V9 COMP-3",
    "COUNT": "9(4) COMP-3",
    "WIDE": "S9(31) COMP-3",
    "HALF": "S9(4) COMP",
    "FULL": "9(9) COMP",
    "DOUBLE": "S9(16)V99 COMP",
    "HUGE": "9(18) COMP",
}
COPYBOOK = "       01  R.\n" + "".join(f"           05  {name} PIC {pic}.\n" for name, pic in PICTURES.items())
CODEC = Codec(parse(COPYBOOK))


def decode_one(picture: str, raw: bytes, code_page: str = "cp037") -> Decoded:
    """Decode a record that is one field."""
    return Codec(parse(f"       01  F PIC {picture}."), code_page).decode(raw)


def numbers(digits: int, scale: int = 0, *, signed: bool = True) -> SearchStrategy[int | Decimal]:
    """Draw what such a picture can hold."""
    whole = st.integers(min_value=-(10**digits) + 1 if signed else 0, max_value=10**digits - 1)
    return whole if not scale else whole.map(lambda number: Decimal(f"{number}E-{scale}"))


RECORDS = st.fixed_dictionaries(
    {
        "TEXT": st.text(
            st.characters(codec="cp037", exclude_categories=()).filter(lambda c: len(c.encode("cp037")) == 1),
            max_size=6,
        ).map(lambda text: text.rstrip(" ")),
        "ZONED": numbers(5, signed=False),
        "SIGNED": numbers(6, 2),
        "LONG": numbers(30, 5),
        "PACKED": numbers(5, 1),
        "COUNT": numbers(4, signed=False),
        "WIDE": numbers(31),
        "HALF": numbers(4),
        "FULL": numbers(9, signed=False),
        "DOUBLE": numbers(18, 2),
        "HUGE": numbers(18, signed=False),
    }
)


@given(st.lists(RECORDS, max_size=4))
def test_decoding_what_was_encoded_gives_the_same_values(records: list[dict[str, object]]) -> None:
    decoded = CODEC.decode(CODEC.encode(records))

    assert not decoded.errors
    assert [
        dict(zip(decoded.columns, row, strict=True)) for row in zip(*decoded.columns.values(), strict=True)
    ] == records
    for values, pic in zip(decoded.columns.values(), PICTURES.values(), strict=True):
        scale = {"V99": 2, "V9": 1, "V9(5)": 5}.get("V" + pic.partition(" ")[0].partition("V")[2], 0)
        assert all(value.as_tuple().exponent == -scale for value in values if isinstance(value, Decimal))


@given(st.binary(min_size=CODEC.layout.length, max_size=CODEC.layout.length))
def test_whatever_the_bytes_are_a_value_is_there_or_an_error(record: bytes) -> None:
    decoded = CODEC.decode(record)

    missing = [name for name, values in decoded.columns.items() if values[0] is None]
    assert bool(missing) == (0 in decoded.errors)
    assert all(error.field == missing[0] for error in decoded.errors.values())


@pytest.mark.parametrize(
    ("picture", "raw", "value"),
    [
        ("S9(3)", "f1f2c3", 123),
        ("S9(3)", "f1f2d3", -123),
        ("S9(3)", "f1f2f3", 123),
        ("S9(3)", "f1f2b3", -123),
        ("S9(3)", "f0f0d0", 0),
        ("S9(3) COMP-3", "123c", 123),
        ("S9(3) COMP-3", "123d", -123),
        ("S9(3)V9 COMP-3", "01234f", Decimal("123.4")),
        ("9(3) COMP-3", "123f", 123),
        ("S9(4) COMP", "ffff", -1),
        ("9(4) COMP", "270f", 9999),
        ("S9(5) COMP", "fffe7961", -99999),
        ("X(3)", "c14000", "A \0"),
        ("X(3)", "404040", ""),
        ("X(3)", "40c140", " A"),
    ],
)
def test_bytes_mean_what_the_principles_of_operation_say(picture: str, raw: str, value: object) -> None:
    assert decode_one(picture, bytes.fromhex(raw)).columns["F"] == [value]


@pytest.mark.parametrize(
    ("picture", "raw", "expected"),
    [
        ("9(3)", "404040", "an unsigned zoned number of 3 digits"),
        ("9(1)", "c4", "an unsigned zoned number of 1 digits"),
        ("S9(3)", "f1c2c3", "a signed zoned number of 3 digits"),
        ("S9(3)", "f1f203", "a signed zoned number of 3 digits"),
        ("S9(3)", "f1f2ca", "a signed zoned number of 3 digits"),
        ("S9(3) COMP-3", "1234", "a signed packed number of 3 digits"),
        ("S9(3) COMP-3", "4040", "a signed packed number of 3 digits"),
        ("S9(15)V99 COMP-3", "0c000000000000000c", "a signed packed number of 17 digits"),
        ("9(3) COMP-3", "123c", "an unsigned packed number of 3 digits"),
        ("9(2) COMP-3", "123f", "an unsigned packed number of 2 digits"),
        ("S9(4) COMP", "4040", "a signed binary number of 4 digits"),
        ("9(4) COMP", "2710", "an unsigned binary number of 4 digits"),
        ("9(9) COMP", "40404040", "an unsigned binary number of 9 digits"),
        ("9(18) COMP", "ffffffffffffffff", "an unsigned binary number of 18 digits"),
        ("S9(18) COMP", "8000000000000000", "a signed binary number of 18 digits"),
    ],
)
def test_what_is_no_number_is_an_error_and_never_zero(picture: str, raw: str, expected: str) -> None:
    decoded = decode_one(picture, bytes.fromhex(raw))

    assert decoded.columns["F"] == [None]
    assert str(decoded.errors[0]) == f"F: expected {expected} at byte 0, found {bytes.fromhex(raw)!r}"


def test_a_bad_field_names_its_bytes_and_leaves_the_other_records_alone() -> None:
    codec = Codec(parse("       01  R.\n           05  A PIC X(2).\n           05  B PIC 9(2).\n"))

    decoded = codec.decode(bytes.fromhex("c1c1f0f1c2c24040c3c3f0f3"))

    assert decoded.columns == {"A": ["AA", "BB", "CC"], "B": [1, None, 3]}
    assert [(index, e.field, e.start, e.raw) for index, e in decoded.errors.items()] == [(1, "B", 2, b"@@")]


def test_the_first_bad_field_of_a_record_is_told() -> None:
    codec = Codec(parse("       01  R.\n           05  A PIC 9.\n           05  B PIC 9.\n"))

    assert {index: e.field for index, e in codec.decode(b"\xf1@@@").errors.items()} == {0: "B", 1: "A"}


def test_a_character_that_the_code_page_lacks_is_an_error() -> None:
    decoded = decode_one("X(2)", b"\xc1\xc1\xc1\x70\xc1\x00", "cp424")

    assert decoded.columns["F"][1] is None
    assert decoded.errors[1].expected == "characters of code page cp424"


@pytest.mark.parametrize("code_page", ["utf-16", "shift_jis", "no-such-page", "base64"])
def test_only_pages_with_digits_of_one_byte_are_taken(code_page: str) -> None:
    with pytest.raises(ContractError, match="EBCDIC code page"):
        Codec(parse(COPYBOOK), code_page)


def test_code_pages_differ_in_single_characters() -> None:
    assert [decode_one("X", b"\x4a", page).columns["F"] for page in ("cp037", "cp273")] == [["¢"], ["Ä"]]


def test_what_is_not_asked_for_is_never_looked_at() -> None:
    codec = Codec(parse("       01  R.\n           05  A PIC 9.\n           05  B PIC X.\n")).only(["B"])

    assert codec.decode(b"@\xc1") == Decoded(columns={"B": ["A"]}, errors={})


def test_only_asked_for_what_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="no field NOPE"):
        CODEC.only(["TEXT", "NOPE"])


def test_a_part_of_a_record_is_no_record() -> None:
    with pytest.raises(ValueError, match="found 1 bytes after the last"):
        CODEC.decode(bytes(CODEC.layout.length + 1))


def test_the_first_records_of_a_buffer_are_decoded_by_count() -> None:
    codec = Codec(parse("       01  A PIC 9."))

    assert codec.decode(b"\xf1\xf2\xf3@", 2).columns == {"A": [1, 2]}
    assert codec.decode(b"").columns == {"A": []}


@pytest.mark.parametrize(
    ("picture", "value"),
    [
        ("X(2)", "ABC"),
        ("X(2)", "\u4e00"),
        ("X(2)", 12),
        ("9(2)", 100),
        ("9(2)", -1),
        ("9(2)", "12"),
        ("9(2)", None),
        ("S9(2)V9", Decimal("1.25")),
        ("S9(2)V9", Decimal("NaN")),
        ("9(2) COMP", 100),
        ("9(2)", Decimal("1E+1000000000000")),
    ],
)
def test_a_value_that_does_not_fit_is_not_encoded(picture: str, value: object) -> None:
    with pytest.raises(RecordError, match=r"^F: expected"):
        Codec(parse(f"       01  F PIC {picture}.")).encode([{"F": value}])
