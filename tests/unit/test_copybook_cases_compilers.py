"""Files that compilers wrote, and single fields with their values (BANYAN_TEST_DATA)."""

import json
import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from contracts.errors import RecordError
from contracts.legacy.copybook import Options, RowCodec, Segments, parse
from contracts.legacy.copybook.dialect import GNUCOBOL_IBM, ZOS, Dialect, dialect_named
from tests.copybook_cases import codec, derived, described, fixed, folder, listed, named, shown


@pytest.mark.parametrize(
    ("case", "dialect", "length"),
    [
        ("mvsComp", "gnucobol-ibm", 145),
        ("mvsCompSync", "gnucobol-ibm", 224),
        ("fjComp", "fujitsu", 145),
        ("mfComp", "mf", 127),
        ("cpyComp", "gnucobol", 144),
    ],
)
def test_compilers_store_what_their_dialect_says(case: str, dialect: str, length: int) -> None:
    """Each number is the one that was moved to it, cut to its digits, or to its bytes where the compiler does not."""
    name = "jrecord/compiler-dialect-matrix"
    decoding = codec(name, f"{case}.cbl", Options(code_page="ascii"), dialect=dialect_named(dialect))
    records = fixed((folder(name) / f"{case}.bin").read_bytes(), decoding.layout.length)

    for record in records:
        values = decoding.decode(record)
        for field in decoding.layout.fields:
            if field.name and field.name.startswith("NUM") and field.name != "NUMA":
                assert values[field.name] in list(stored(values["NUMA"], field)), field.name
        assert decoding.encode(values, record) == record
    assert (len(records), decoding.layout.length) == (40, length)
    print(f"{case}: {len(records)} records, {len(records) * 18} values")


def stored(moved: Decimal, field: Any) -> Iterator[Decimal]:
    """Yield what a field may hold of a number: its digits, or what its bytes hold."""
    number = abs(int(moved.scaleb(field.scale)))
    sign = -1 if moved < 0 and field.signed else 1
    yield (Decimal(number % 10**field.digits) * sign).scaleb(-field.scale)
    bits = 8 * field.length
    signed = (number * sign) % 2**bits
    negative = signed - 2**bits if signed >> (bits - 1) else signed
    yield Decimal(negative if field.signed else signed).scaleb(-field.scale)
    yield Decimal(abs(negative)).scaleb(-field.scale)  # Fujitsu, of an unsigned item


PN = "gnucobol-generated/pn-feature-matrix"
PN_SEGMENTS = (Segments(field="PN-TYPE", groups={"O": "PN-ORG", "G": "PN-ORG", "*": "PN-BODY"}),)


def pn_records(name: str) -> Iterator[bytes]:
    """Yield the records of one of the files."""
    data = (folder(PN) / name).read_bytes()
    match name:
        case "data.ebcdic.F.maxpad.bin":
            yield from fixed(data, len(data) // 60)
        case "data.ebcdic.noheader.bin":
            decoding = codec(PN, "copybook.cpy", Options(segments=PN_SEGMENTS))
            at = 0
            while at < len(data):
                _, end = decoding.decode_at(data, at)
                yield data[at:end]
                at = end
        case "data.ebcdic.V.le-excl.bin":
            yield from described(data, order="little", is_included=False)
        case _:
            yield from described(data)


@pytest.mark.parametrize(
    ("name", "page", "dialect"),
    [
        ("data.ebcdic.V.bin", "cp037", ZOS),
        ("data.ebcdic.V.le-excl.bin", "cp037", ZOS),
        ("data.ebcdic.noheader.bin", "cp037", ZOS),
        ("data.ebcdic.F.maxpad.bin", "cp037", ZOS),
        ("data.ascii.V.bin", "ascii", GNUCOBOL_IBM),
    ],
)
def test_feature_matrix_of_a_real_compiler(name: str, page: str, dialect: Dialect) -> None:
    options = Options(code_page=page, segments=PN_SEGMENTS)
    decoding = codec(PN, "copybook.cpy", options, dialect=dialect)
    count = 0
    for record, expected in zip(pn_records(name), derived(PN, "expected.jsonl"), strict=True):
        values = decoding.decode(record)
        ours = short(shown(values))
        ours |= ours.pop("BODY", {}) | ours.pop("ORG", {})
        ours["GRID"] = [row["CELL"] for row in ours["GRID"]]
        theirs = {key: v for key, v in expected.items() if key not in ("VARIANT", "record_length", "conditions")}
        wanted = {key: v for key, v in theirs.items() if not key.endswith("_raw")}
        assert {key: ours[key] for key in wanted} == {key: like(ours[key], v) for key, v in wanted.items()}
        assert [condition[3:] for condition in decoding.conditions(record)] == expected["conditions"]
        assert decoding.encode(values, record) == record
        written = decoding.encode(values)
        assert len(written) == expected["record_length"]
        assert decoding.decode(written) == values
        shows = {key[:-4]: v for key, v in theirs.items() if key.endswith("_raw")}
        assert {key: raw(decoding, written, key, page) for key in shows} == {
            key: v.ljust(len(raw(decoding, written, key, page))) for key, v in shows.items()
        }
        count += len(wanted) + len(shows)
    assert count > 2500
    print(f"{PN} {name}: 60 records, {count} values")


def raw(decoding: RowCodec, record: bytes, name: str, page: str) -> str:
    """Return the characters of a field."""
    field = decoding.layout.by_name[f"PN-{name}"]
    return record[field.offset : field.offset + field.length].decode(page)


def like(ours: Any, theirs: Any) -> Any:
    """Return an expected value in our type: some integers are strings there."""
    return int(theirs) if isinstance(ours, int) and isinstance(theirs, str) else theirs


def short(value: Any) -> Any:
    """Drop the prefix of names."""
    if isinstance(value, dict):
        return {name.removeprefix("PN-"): short(each) for name, each in named(value)}
    return [short(each) for each in listed(value)] if isinstance(value, list) else value


VECTORS = {
    0: ("COMP-2", Options(), 322.936717),
    1: ("COMP-1", Options(floats="ieee"), struct.unpack(">f", bytes.fromhex("40490FDA"))[0]),
    2: ("PIC S9(15)V99 COMP-3", Options(), "packed"),
    3: ("PIC 9", Options(), "zoned"),
    4: ("PIC S9(4) COMP", Options(), "blank"),
    5: ("PIC S9(5)", Options(code_page="ascii"), 0),
}


@pytest.mark.parametrize("index", VECTORS)
def test_field_vectors(index: int) -> None:
    [*vectors] = json.loads((folder("vectors/field-vectors") / "vectors.json").read_text())["fields"]
    vector, (picture, options, expected) = vectors[index], VECTORS[index]
    decoding = RowCodec(parse(f"       01  F {picture}."), options)
    given = bytes.fromhex(vector["hex"]) if "hex" in vector else vector["text"].encode()

    try:
        found: object = decoding.decode(given)["F"]
    except RecordError as error:
        found = error.code

    assert found == (pytest.approx(expected, rel=1e-15) if isinstance(expected, float) else expected)
    if isinstance(expected, float):
        assert found == pytest.approx(vector["value"], rel=1e-7)


def test_national_vector() -> None:
    [*vectors] = json.loads((folder("vectors/field-vectors") / "vectors.json").read_text())["fields"]
    decoding = RowCodec(parse("       01  R.\n           05  A PIC X(3).\n           05  B PIC N(3).\n"))

    assert len(vectors) == len(VECTORS) + 1
    assert list(decoding.decode(bytes.fromhex(vectors[6]["hex"])).values()) == vectors[6]["value"]
