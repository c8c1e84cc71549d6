"""Copybooks, descriptions and values that are made to hang, to crash or to be read back as something else."""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.copybook import Codec, Options, RowCodec, parse
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Framing, LengthField, LineEnd, Recfm, read, write
from contracts.legacy.record_file import RecordFile, Refused


def copybook(*items: str) -> str:
    return "\n".join(f"       {line}" for line in ("01  R.", *(f"    {item}" for item in items)))


def refused(item: str, line: bytes, **spec: Any) -> str:
    """Return why a line can't be written."""
    file = RecordFile(FileSpec(copybook=Path("r.cpy"), **spec), parse(copybook(item)))
    found: list[Refused] = []
    assert b"".join(file.encode([line], found)) == b""
    [only] = found
    return str(only.error)


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("05 F COMP-2.", "1" + "0" * 400),
        ("05 F COMP-2.", '"sNaN"'),
        ("05 F COMP-1.", "1e-100"),
        ("05 F PIC 9(3)V9.", "1e-999999999"),
        ("05 F PIC 9(3)V9.", "1e+99999999999999999999"),
        ("05 F PIC 9(3)V9.", '"1e+99999999999999999999"'),
        ("05 F PIC 9(3).", '"1_0"'),
        ("05 F PIC 9(3).", '"\u0663"'),
        ("05 F PIC 9(3).", "1" + ', "F": 2'),
        ("05 F PIC 9(3).", "[" * 900 + "]" * 900),
        ("05 F PIC 9(3).", "[" * 100_000 + "]" * 100_000),
    ],
)
def test_a_value_that_is_no_number_of_the_field_is_refused_at_once(item: str, value: str) -> None:
    assert refused(item, f'{{"F": {value}}}'.encode())


def test_a_number_so_small_that_zero_is_nearest_is_refused_in_ieee_too() -> None:
    assert "floating" in refused("05 F COMP-1.", b'{"F": 1e-60}', float="ieee")


@pytest.mark.parametrize(
    ("item", "value", "policy"),
    [("05 F PIC 9(4) COMP.", 0, {"low": "null"}), ("05 F PIC X(4).", "", {"blank": "null"})],
)
def test_a_value_that_would_be_read_back_as_null_is_refused(item: str, value: object, policy: dict[str, str]) -> None:
    line = json.dumps({"F": value}).encode()

    assert "which means null here" in refused(item, line, policies={"F": policy})


def test_control_characters_that_would_be_read_back_as_shifts_are_refused() -> None:
    assert refused("05 F PIC X(6).", json.dumps({"F": "\x0eAB\x0f"}).encode())


def test_a_renamed_decimal_is_written_back() -> None:
    file = RecordFile(
        FileSpec(copybook=Path("r.cpy"), encoding="ascii"), parse(copybook("05 F PIC 9V9.", "66 G RENAMES F."))
    )
    lines = [RecordFile.line(file.codec.decode(b"12"))]

    assert lines == [b'{"F":"1.2","G":"1.2"}']
    assert b"".join(file.encode(lines, [])) == b"12"


@pytest.mark.parametrize("usage", ["COMP-3", "DISPLAY"])
@pytest.mark.parametrize("digits", [18, 19, 36, 37, 38])
def test_columns_of_many_digits_are_exact(usage: str, digits: int) -> None:
    layout = parse(copybook(f"05 F PIC S9({digits}) {usage}."))
    number = -int("9" * digits)
    data = RowCodec(layout).encode({"F": number})

    assert Codec(layout).decode(data).columns == {"F": [number]}


@pytest.mark.parametrize(
    "picture",
    ["9P(16000000)", "9P(38)", "P(38)9", "B(16000000)9", "+.E+99", "+9(2000)E+99", "+9(39)E+99"],
)
def test_a_picture_that_would_take_all_memory_is_refused(picture: str) -> None:
    with pytest.raises(ContractError, match=r"at most|1 to"):
        parse(copybook(f"05 F PIC {picture}."))


def test_lines_that_continue_each_other_have_a_bound() -> None:
    text = "       01  A PIC X VALUE 'a\n" + "      -    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 20_000

    with pytest.raises(ContractError, match="continue each other"):
        parse(text)


def test_members_that_copy_each_other_have_a_bound() -> None:
    with pytest.raises(ContractError, match="members that copy each other"):
        parse("       01  A.\n       COPY M.", resolver=lambda name, _: f"       COPY {name}M.\n")


def test_members_that_multiply_have_a_bound() -> None:
    member = "       COPY {0}.\n           05 FILLER PIC X.\n" * 100

    with pytest.raises(ContractError, match="with all that is copied"):
        parse("       01  A.\n       COPY M.", resolver=lambda name, _: _filled(name, member))


def _filled(name: str, member: str) -> str:
    return member.format(name + "M") if len(name) < 4 else "           05 FILLER PIC X.\n"


def test_replacements_that_multiply_have_a_bound() -> None:
    replacing = "               ==:A:== BY ==:A::A:==\n" * 26

    with pytest.raises(ContractError, match="after REPLACING"):
        parse(
            f"       01  A.\n       COPY M REPLACING\n{replacing}           .",
            resolver=lambda _name, _library: "           05 X:A: PIC X.\n",
        )


@pytest.mark.parametrize(
    "picture",
    [
        "S9--0--/",
        "SZZ/",
        "9$$",
        "ZZ+.$$++/",
        "Z$$++9",
        "9V$$$++++",
        "Z.--",
        "Z9Z",
        "Z9.ZZ",
        "V$$",
        "$+$$",
        "9+9",
        "9.-9",
    ],
)
def test_a_picture_that_no_compiler_takes_is_refused(picture: str) -> None:
    """What it means nobody knows, so a number that it shows is a guess."""
    with pytest.raises(ContractError, match="expected"):
        parse(copybook(f"05 F PIC {picture}."))


def test_a_field_that_does_not_matter_for_the_length_does_not_end_the_file() -> None:
    text = copybook("05 N PIC 9.", "05 T PIC 9 OCCURS 0 TO 5 DEPENDING ON N.", "05 Z PIC 9(2).")
    spec = FileSpec(copybook=Path("r.cpy"), encoding="ascii", framing=Framing(recfm=Recfm.NONE))

    found = list(RecordFile(spec, parse(text)).decode(io.BytesIO(b"21212" + b"1XYZ" + b"012")))

    assert [found[0], found[2]] == [{"N": 2, "T": [1, 2], "Z": 12}, {"N": 0, "T": [], "Z": 12}]
    assert isinstance(found[1], Refused)
    assert (found[1].offset, found[1].original) == (5, b"1XYZ")


def test_the_length_is_found_in_tables_in_tables() -> None:
    items = (
        "05 K PIC X(2).",
        "05 G OCCURS 2.",
        "   10 N PIC 9.",
        "   10 T PIC 9(2) OCCURS 0 TO 3 DEPENDING ON N.",
        "05 A PIC X(3).",
        "05 B REDEFINES A PIC 9(3).",
    )
    codec = RowCodec(parse(copybook(*items)), Options(code_page="ascii"))
    record = b"xx" + b"1??" + b"0" + b"abc"

    assert codec.length_of(memoryview(record + b"of the next")) == len(record)


def test_a_view_that_can_not_be_read_hints_at_segments() -> None:
    layout = parse(copybook("05 A PIC X(3).", "05 B REDEFINES A PIC 9(3)."))

    with pytest.raises(RecordError, match="segment rule can say which of A, B a record has"):
        RowCodec(layout).decode("abc".encode("cp037"))


def test_a_record_that_lacks_the_room_of_its_table_is_refused() -> None:
    layout = parse(copybook("05 N PIC 9.", "05 T PIC X OCCURS 0 TO 5 DEPENDING ON N."))
    codec = RowCodec(layout, Options(code_page="ascii", tables="max"))

    assert codec.decode(b"1a    ") == {"N": 1, "T": ["a"]}
    with pytest.raises(RecordError, match="room for 5 occurrences"):
        codec.decode(b"1a")


@pytest.mark.parametrize("level", ["00010", "000501"])
def test_a_level_number_is_not_cut_off(level: str) -> None:
    with pytest.raises(ContractError, match="a level number"):
        parse(f"       {level}  A PIC X.")


def test_a_count_below_zero_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        FileSpec(copybook=Path("r.cpy"), counts={"N": {"A": -1}})
    layout = parse(copybook("05 N PIC X.", "05 T PIC X OCCURS 0 TO 5 DEPENDING ON N."))
    with pytest.raises(RecordError, match="a count of occurrences"):
        RowCodec(layout, Options(counts={"N": {"A": -1}})).decode("A".encode("cp037"))


@pytest.mark.parametrize("codec", ["rot13", "zlib", "undefined", "utf-16", "utf-8"])
def test_a_codec_that_is_none_of_national_text_is_refused(codec: str) -> None:
    with pytest.raises(ContractError, match="code page"):
        RowCodec(parse(copybook("05 F PIC N(4).")), Options(national=codec))


@pytest.mark.parametrize("codec", ["rot13", "zlib", "undefined", "utf-16"])
def test_a_codec_that_is_none_of_double_bytes_is_refused(codec: str) -> None:
    with pytest.raises(ContractError, match="code page"):
        RowCodec(parse(copybook("05 F PIC G(4) DISPLAY-1.")), Options(dbcs=codec))


@pytest.mark.parametrize("codec", ["rot13", "zlib", "undefined"])
def test_a_codec_that_is_none_of_a_length_is_refused(codec: str) -> None:
    field = LengthField(offset=0, length=4, encoding="text", code_page=codec)

    with pytest.raises(ConfigError, match="code_page"):
        list(read(b"0004", Framing(recfm=Recfm.NONE, length_field=field)))


def test_a_line_that_ends_as_its_line_end_begins_is_refused() -> None:
    """Else it would lose its last byte."""
    with pytest.raises(Exception, match="without 0d at its end"):
        list(write([b"abc\r"], Framing(recfm=Recfm.LS)))
    assert b"".join(write([b"abc\r"], Framing(recfm=Recfm.LS, line_end=LineEnd.LF))) == b"abc\r\n"


def test_a_decimal_of_zero_is_zero_whatever_its_exponent() -> None:
    layout = parse(copybook("05 F PIC 9V9."))

    assert RowCodec(layout).encode({"F": Decimal("0E-999999")}) == b"\xf0\xf0"
