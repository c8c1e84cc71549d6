"""Every way to store a field: bytes to values and back, and what is refused."""

import struct
from decimal import Decimal
from typing import Any

import ebcdic
import pytest

from contracts.errors import ContractError, RecordError
from contracts.legacy.copybook import OddBytes, Options, Policy, RowCodec, parse
from contracts.legacy.copybook.dialect import dialect_named
from contracts.legacy.copybook.page import CodePage


def one(clauses: str, *, dialect: str = "zos", **options: Any) -> RowCodec:
    """Return a codec for a record that is one field."""
    return RowCodec(parse(f"       01  F {clauses}.\n", dialect=dialect_named(dialect)), Options(**options))


ASCII = {"code_page": "ascii"}
CANONICAL: list[tuple[str, str, object, dict[str, Any]]] = [
    ("PIC S9(3)", "f1f2c3", 123, {}),
    ("PIC S9(3)", "f1f2d3", -123, {}),
    ("PIC S9(3) LEADING", "d1f2f3", -123, {}),
    ("PIC S9(3) LEADING SEPARATE", "60f1f2f3", -123, {}),
    ("PIC S9(2)V9 SIGN TRAILING SEPARATE", "f1f2f34e", Decimal("12.3"), {}),
    ("PIC 9(3)", "f1f2f3", 123, {}),
    ("PIC 9(2)PP", "f1f2", 1200, {}),
    ("PIC VPP99", "f1f2", Decimal("0.0012"), {}),
    ("PIC SPP9(3) COMP-3", "123d", Decimal("-0.00123"), {}),
    ("PIC S9(3)P COMP", "007b", 1230, {}),
    ("PIC 9(38)", "f1" * 38, int("1" * 38), {}),
    ("PIC 9(5) BLANK WHEN ZERO", "4040404040", 0, {}),
    ("PIC 9(5) BLANK WHEN ZERO", "f0f0f0f0f1", 1, {}),
    ("PIC S9(3)", "31327b".replace("7b", "43"), 123, ASCII),
    ("PIC S9(3)", "31324c", -123, ASCII),
    ("PIC S9(3)", "313233", 123, {**ASCII, "dialect": "gnucobol"}),
    ("PIC S9(3)", "313273", -123, {**ASCII, "dialect": "mf"}),
    ("PIC S9(3) LEADING SEPARATE", "2d313233", -123, ASCII),
    ("PIC 9(4) COMP-6", "1234", 1234, {}),
    ("PIC 9(3) COMP-6", "0123", 123, {}),
    ("PIC S9(4) COMP", "ff85", -123, {}),
    ("PIC S9(4) COMP-5", "7fff", 32767, {}),
    ("PIC S9(4) COMP-5", "85ff", -123, {"dialect": "gnucobol"}),
    ("PIC S9(5) COMP", "fe1dc0", -123456, {"dialect": "mf"}),
    ("PIC X(3) COMP-X", "0a0b0c", 0x0A0B0C, {}),
    ("PIC 9(38) COMP", "00" * 15 + "7b", 123, {"dialect": "gnucobol"}),
    ("COMP-1", "42640000", 100.0, {}),
    ("COMP-1", "c276a000", -118.625, {}),
    ("COMP-2", "4110000000000000", 1.0, {}),
    ("COMP-2", "0000000000000000", 0.0, {}),
    ("COMP-2", "3fb999999999999a".replace("3fb999999999999a", "401999999999999a"), 0.1, {}),
    ("COMP-1", "00006442", 100.0, {"float_order": "little"}),
    ("COMP-1", "42c80000", 100.0, {"floats": "ieee"}),
    ("COMP-2", "000000000000f03f", 1.0, {"dialect": "gnucobol"}),
    ("PIC Z,ZZ9.99-", "40f16bf2".replace("40f16bf2", "f16bf2f3f44bf5f660"), Decimal("-1234.56"), {}),
    ("PIC Z,ZZ9.99-", "404040f0f04bf0f140"[0:0] + "40404040f04bf0f140", Decimal("0.01"), {}),
    ("PIC $$,$$9.99CR", "404040405bf14bf5f0c3d9", Decimal("-1.50"), {}),
    ("PIC ***9", "5c5cf1f2", 12, {}),
    ("PIC ***.**", "5c5c5c4b5c5c", Decimal("0.00"), {}),
    ("PIC ZZZ", "404040", 0, {}),
    ("PIC +++9", "404060f5", -5, {}),
    ("PIC --9.9", "4060f54bf0", Decimal("-5.0"), {}),
    ("PIC 99/99/9999", "f0f161f0f261f2f0f2f6", 1022026, {}),
    ("PIC 9B9", "f140f2", 12, {}),
    ("PIC 900", "f1f0f0", 1, {}),
    ("PIC ZZ9DB", "4040f1c4c2", -1, {}),
    ("PIC 9.9", "312e32", Decimal("1.2"), ASCII),
    ("PIC S9.9", "f14bd2", Decimal("-1.2"), {}),
    ("PIC PP99-", "f1f260", Decimal("-0.0012"), {}),
    ("PIC +9.99E-99", "60f14bf2f3c560f0f5", -1.23e-05, {}),
    ("PIC -9V9(2)E+99", "40f1f2f3c54ef0f2", 123.0, {}),
    ("PIC X(3)BX", "c1c2c340c4", "ABC D", {}),
    ("PIC X(4)", "c1c24040", "AB", {}),
    ("PIC X(4) JUST RIGHT", "4040c1c2", "AB", {}),
    ("PIC X(2)", "c3a4", "ä", {"code_page": "utf-8"}),
    ("PIC X(2)", "e420", "ä", {"code_page": "latin-1"}),
    ("PIC X", "c0", "ä", {"code_page": "cp273"}),
    ("PIC X", "4a", "Ä", {"pages": {"F": "cp273"}}),
    ("PIC N(3)", "004100e40020", "Aä", {}),
    ("PIC N(2)", "41002000", "A", {"national": "utf-16-le"}),
    ("PIC 9(2) NATIONAL", "00310032", 12, {}),
    ("PIC S9(2) NATIONAL SIGN LEADING SEPARATE", "002d00310032", -12, {}),
    ("PIC Z9 NATIONAL", "00200032", 2, {}),
    ("PIC G(2) DISPLAY-1", "83818040"[0:0] + "82a04040", "あ", {"dbcs": "shift_jis"}),
    ("PIC X(6)", "c10e82a00fc2", "AあB", {"dbcs": "shift_jis"}),
    ("INDEX", "00000007", 7, {}),
    ("POINTER", "80000000", 2**31, {}),
]


@pytest.mark.parametrize(("clauses", "raw", "value", "options"), CANONICAL)
def test_a_canonical_field_is_read_and_written_alike(
    clauses: str, raw: str, value: object, options: dict[str, Any]
) -> None:
    decoding = one(clauses, **options)

    found = decoding.decode(bytes.fromhex(raw))["F"]

    assert (found, type(found), str(found)) == (value, type(value), str(value))
    assert decoding.encode({"F": value}).hex() == raw


@pytest.mark.parametrize(
    ("clauses", "raw", "value", "options"),
    [
        ("PIC S9(3)", "f1f2f3", 123, {}),
        ("PIC S9(3)", "f1f2a3", 123, {}),
        ("PIC S9(3)", "f1f2b3", -123, {}),
        ("PIC S9(3)", "f0f0d0", 0, {}),
        ("PIC S9(3)", "313243", 123, {**ASCII, "dialect": "gnucobol"}),
        ("PIC S9(3) COMP-3", "123e", 123, {}),
        ("PIC S9(3) COMP-3", "123b", -123, {}),
        ("COMP-1", "41010000", 0.0625, {}),
        ("COMP-1", "80000000", 0.0, {}),
        ("PIC 9(5) BLANK WHEN ZERO", "f0f0f0f0f0", 0, {}),
        ("PIC 9(3).99", "f1f24bf5f040", Decimal("12.50"), {}),
        ("PIC ZZ9.9", "f14bf54040", Decimal("1.5"), {}),
        ("PIC +9", "40f1", 1, {}),
        ("PIC X(3)", "c10000", "A", {"is_nul_filled": True}),
    ],
)
def test_other_ways_to_write_a_value_are_read_too(
    clauses: str, raw: str, value: object, options: dict[str, Any]
) -> None:
    found = one(clauses, **options).decode(bytes.fromhex(raw))["F"]

    assert (found, str(found)) == (value, str(value))


@pytest.mark.parametrize(
    ("clauses", "raw", "code", "options"),
    [
        ("PIC 9(3)", "f1f2c3", "zoned", {}),
        ("PIC S9(3)", "f1c2f3", "zoned", {}),
        ("PIC S9(3) LEADING", "f1f2c3", "zoned", {}),
        ("PIC S9(3) LEADING SEPARATE", "f0f1f2f3", "zoned", {}),
        ("PIC 9(3)", "313273", "zoned", ASCII),
        ("PIC 9(3)", "f1f2f3", "zoned", ASCII),
        ("PIC S9(3) COMP-3", "1234", "packed", {}),
        ("PIC S9(2) COMP-3", "123c", "packed", {}),
        ("PIC 9(3) COMP-3", "123c", "packed", {}),
        ("PIC 9(3) COMP-6", "1123", "packed", {}),
        ("PIC S9(4) COMP", "2710", "binary", {}),
        ("PIC S9(4) COMP", "4040", "blank", {}),
        ("PIC S9(4) COMP-5", "4040", "blank", {}),
        ("COMP-1", "40404040", "blank", {}),
        ("COMP-1", "7f800000", "float", {"floats": "ieee"}),
        ("COMP-2", "7ff8000000000000", "float", {"floats": "ieee"}),
        ("PIC 9(3)", "000000", "low-values", {}),
        ("PIC 9(3)", "ffffff", "high-values", {}),
        ("PIC 9(3) COMP-3", "ffff", "high-values", {}),
        ("PIC ZZ9", "404040", "blank", {}),
        ("PIC Z,ZZ9", "406bf1f2f3", "edited", {}),
        ("PIC Z9", "f1c1", "edited", {}),
        ("PIC 9(3).99", "f1f24bf54040", "edited", {}),
        ("PIC +(3)9.99", "4ef2f6f24bf240", "edited", {}),
        ("PIC ZZ9.9", "f140404040", "edited", {}),
        ("PIC ZZ9", "f140f1", "edited", {}),
        ("PIC 99/99", "f0f160f0f2", "edited", {}),
        ("PIC --9", "6060f1", "edited", {}),
        ("PIC ZZ9CR", "4040f1c340", "edited", {}),
        ("PIC $9", "c1f1", "edited", {}),
        ("PIC +9.99E-99", "60f14bf2f3c1c560f0"[:18], "external-float", {}),
        ("PIC X(2)", "7041", "text", {"code_page": "cp424"}),
        ("PIC X(2)", "c328", "text", {"code_page": "utf-8"}),
        ("PIC X", "e4", "text", ASCII),
        ("PIC X(4)", "0e45460f", "text", {}),
        ("PIC X(4)", "0e82a0c1", "text", {"dbcs": "shift_jis"}),
        ("PIC N", "d800", "national", {}),
        ("PIC 9 NATIONAL", "0041", "national-number", {}),
        ("PIC G", "82ff", "dbcs", {"dbcs": "shift_jis"}),
    ],
)
def test_what_is_no_value_is_refused_with_a_code(clauses: str, raw: str, code: str, options: dict[str, Any]) -> None:
    with pytest.raises(RecordError) as caught:
        one(clauses, **options).decode(bytes.fromhex(raw))

    error = caught.value
    assert (error.field, error.code, error.start, error.raw) == ("F", code, 0, bytes.fromhex(raw))


@pytest.mark.parametrize(
    ("clauses", "value"),
    [
        ("PIC 9(3)", 1000),
        ("PIC 9(3)", -1),
        ("PIC 9(3)", Decimal("1.5")),
        ("PIC 9(3)", "1"),
        ("PIC 9(2)PP", 1250),
        ("PIC S9(3) COMP-3", 1000),
        ("PIC S9(4) COMP", 10000),
        ("PIC S9(4) COMP-5", 32768),
        ("PIC 9(4) COMP-5", -1),
        ("PIC 9.9", Decimal("1.25")),
        ("PIC 9.9", -1),
        ("PIC Z9", 100),
        ("PIC X(2)", "abc"),
        ("PIC X(2)", 1),
        ("PIC X(2)", None),
        ("PIC N", "ab"),
        ("COMP-1", "1"),
        ("COMP-1", float("nan")),
        ("COMP-1", 1e80),
        ("PIC +9.9E-99", 1e300),
        ("PIC 9(3)", Decimal("NaN")),
        ("PIC 9(3)", Decimal("1e999999")),
    ],
)
def test_what_does_not_fit_is_not_written(clauses: str, value: object) -> None:
    with pytest.raises(RecordError) as caught:
        one(clauses).encode({"F": value})

    assert (caught.value.code, caught.value.raw) == ("value", None)


@pytest.mark.parametrize(
    ("clauses", "raw", "policy", "value"),
    [
        ("PIC 9(3)", "404040", Policy(blank=OddBytes.NULL), None),
        ("PIC 9(3)", "000000", Policy(low=OddBytes.NULL), None),
        ("PIC S9(3) COMP-3", "ffff", Policy(high=OddBytes.NULL), None),
        ("PIC S9(4) COMP-5", "4040", Policy(blank=OddBytes.KEEP), 16448),
        ("PIC S9(4) COMP", "ffff", Policy(high=OddBytes.NULL), None),
        ("PIC S9(4) COMP", "ffff", Policy(), -1),
        ("PIC S9(4) COMP", "0000", Policy(low=OddBytes.NULL), None),
        ("PIC X(2)", "4040", Policy(blank=OddBytes.NULL), None),
        ("PIC X(2)", "0000", Policy(), "\0\0"),
        ("PIC X(2)", "0000", Policy(low=OddBytes.NULL), None),
        ("PIC 9(2) BLANK WHEN ZERO", "4040", Policy(blank=OddBytes.NULL), None),
        ("PIC ZZ", "4040", Policy(), 0),
        ("PIC N", "0020", Policy(blank=OddBytes.NULL), None),
    ],
)
def test_a_policy_says_what_bytes_that_are_all_alike_mean(
    clauses: str, raw: str, policy: Policy, value: object
) -> None:
    decoding = one(clauses, policies={"F": policy})

    assert decoding.decode(bytes.fromhex(raw)) == {"F": value}
    assert decoding.encode({"F": value}) == bytes.fromhex(raw)


@pytest.mark.parametrize(
    ("clauses", "raw", "policy", "code"),
    [
        ("PIC X(2)", "4040", Policy(blank=OddBytes.ERROR), "blank"),
        ("PIC X(2)", "ffff", Policy(high=OddBytes.ERROR), "high-values"),
        ("PIC S9(4) COMP", "0000", Policy(low=OddBytes.ERROR), "low-values"),
        ("PIC 9(2)", "4040", Policy(blank=OddBytes.KEEP), "zoned"),
        ("PIC 9(2) BLANK WHEN ZERO", "4040", Policy(blank=OddBytes.ERROR), "blank"),
    ],
)
def test_a_policy_refuses(clauses: str, raw: str, policy: Policy, code: str) -> None:
    with pytest.raises(RecordError) as caught:
        one(clauses, policies={"F": policy}).decode(bytes.fromhex(raw))

    assert caught.value.code == code


def test_double_bytes_need_a_codec() -> None:
    with pytest.raises(ContractError, match="a codec for double-byte characters"):
        one("PIC G(2)")
    with pytest.raises(ContractError, match="a codec that Python knows"):
        one("PIC N", national="utf-99")


BROKEN = {"cp500ms", "cp1148ms"}
"""Whose tables in the package have no digits at F0 to F9."""
PAGES = sorted({*ebcdic.codec_names, "cp037", "cp273", "cp424", "cp500", "cp875", "cp1026", "cp1140"} - BROKEN)


@pytest.mark.parametrize("page", PAGES)
def test_every_ebcdic_page_is_read_and_written_byte_for_byte(page: str) -> None:
    """But for bytes without a character, which are refused, and for characters that two bytes mean."""
    text = one("PIC X", code_page=page)
    number = one("PIC S9(3)V9", code_page=page)
    undefined = CodePage.load(page).undefined
    characters = 0
    for byte in range(256):
        raw = bytes([byte])
        if undefined[byte]:
            with pytest.raises(RecordError):
                text.decode(raw)
            continue
        character = text.decode(raw)["F"]
        assert text.decode(text.encode({"F": character}))["F"] == character
        characters += 1
    assert characters > 150
    assert number.decode(number.encode({"F": Decimal("-123.4")}))["F"] == Decimal("-123.4")


@pytest.mark.parametrize("page", sorted(BROKEN))
def test_a_page_whose_digits_are_not_where_they_belong_is_refused(page: str) -> None:
    with pytest.raises(ContractError, match="EBCDIC code page"):
        CodePage.load(page)


@pytest.mark.parametrize("number", [0.1, -1e70, 5.4e-79, 2.0**-256, 123456.789, 1 / 3])
def test_ibm_floats_of_eight_bytes_hold_every_number_of_their_range(number: float) -> None:
    decoding = one("COMP-2")

    assert decoding.decode(decoding.encode({"F": number}))["F"] == number


def test_ibm_floats_of_four_bytes_are_rounded_and_never_overflow_their_digits() -> None:
    decoding = one("COMP-1")

    assert decoding.encode({"F": 0.9999999999}).hex() == "41100000"
    assert decoding.decode(decoding.encode({"F": 0.1}))["F"] == pytest.approx(0.1, rel=2**-21)
    assert one("COMP-1", floats="ieee").encode({"F": 0.1}) == struct.pack(">f", 0.1)
