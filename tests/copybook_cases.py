"""Real files and published examples as tests read them: records of one length, with a length in front, or lines."""

import gzip
import json
import struct
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from contracts.legacy.copybook import Options, RowCodec, parse
from contracts.legacy.copybook.dialect import ZOS, Dialect
from tests.data import real_data

__all__ = [
    "check",
    "codec",
    "derived",
    "described",
    "fixed",
    "flat",
    "folder",
    "leaves",
    "listed",
    "named",
    "shown",
]


def folder(case: str) -> Path:
    """Return the folder of a case; the test is skipped without the data."""
    return real_data(f"batch/{case}")


def codec(
    case: str, copybook: str, options: Options | None = None, *, dialect: Dialect = ZOS, record: str | None = None
) -> RowCodec:
    """Return a codec for a copybook of a case."""
    text = (folder(case) / copybook).read_text(encoding="latin-1")
    return RowCodec(parse(text, dialect=dialect, record=record), options)


def fixed(data: bytes, length: int) -> list[bytes]:
    """Return records of one length."""
    assert len(data) % length == 0
    return [data[at : at + length] for at in range(0, len(data), length)]


def described(data: bytes, *, order: str = "big", is_included: bool = True) -> Iterator[bytes]:
    """Yield records with a record descriptor word in front."""
    at = 0
    while at < len(data):
        length = struct.unpack_from(">H" if order == "big" else "<H", data, at + (0 if order == "big" else 2))[0]
        end = at + length + (0 if is_included else 4)
        yield data[at + 4 : end]
        at = end
    assert at == len(data)


def shown(value: Any) -> Any:
    """Return a value as the expected files have it: decimals as strings."""
    if isinstance(value, dict):
        return {name: shown(each) for name, each in named(value)}
    if isinstance(value, list):
        return [shown(each) for each in listed(value)]
    return str(value) if isinstance(value, Decimal) else value


def leaves(value: Any) -> int:
    """Count the values of a record."""
    if isinstance(value, dict):
        return sum(leaves(each) for _, each in named(value))
    return sum(map(leaves, listed(value))) if isinstance(value, list) else 1


def check(case: str, decoding: RowCodec, records: Sequence[bytes], expected: Sequence[Any]) -> None:
    """Decode, compare, write back and tell the counts."""
    found = [shown(decoding.decode(record)) for record in records]

    for index, (ours, theirs) in enumerate(zip(found, expected, strict=False)):
        assert ours == theirs, f"{case}, record {index}"
    assert [decoding.encode(decoding.decode(record), record) for record in records] == list(records)
    assert len(expected) <= len(found)
    print(f"{case}: {len(expected)} of {len(found)} records, {leaves(list(expected))} values, all written back alike")


def derived(case: str, name: str = "expected.derived.jsonl") -> list[Any]:
    """Return expected records."""
    path = folder(case) / name
    data = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()]


def flat(value: Any) -> dict[str, Any]:
    """Return the fields of nested groups."""
    found: dict[str, Any] = {}
    for name, each in named(value):
        found |= flat(each) if isinstance(each, dict) else {name: each}
    return found


def named(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and values of an object."""
    yield from value.items()


def listed(value: Any) -> Iterator[Any]:
    """Yield the values of an array."""
    yield from value
