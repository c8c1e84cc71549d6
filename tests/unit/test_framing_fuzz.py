"""Mutated and truncated files: a named error or records, never anything else, in bounded time and memory."""

import random
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from contracts.errors import FramingError
from contracts.legacy.framing import Compression, Framing, Position, RecordBatch, read, write
from tests.framings import Counted

FIELD = {"offset": 0, "length": 2, "expression": "+0"}
FORMATS: Mapping[str, Mapping[str, Any]] = {
    "F": {"lrecl": 20},
    "FB": {"recfm": "FB", "lrecl": 20, "bdw": "big", "block_bytes": 100, "resync": True},
    "V": {"recfm": "V"},
    "V little": {"recfm": "V", "rdw": "little", "rdw_includes_header": False},
    "V roles": {"recfm": "V", "header_records": 2, "trailer_records": 3, "header_bytes": 3, "footer_bytes": 2},
    "VB": {"recfm": "VB", "block_bytes": 100},
    "VB resync": {"recfm": "VB", "block_bytes": 100, "resync": True},
    "VBS": {"recfm": "VBS", "block_bytes": 30},
    "VBS resync": {"recfm": "VBS", "block_bytes": 30, "resync": True},
    "LS": {"recfm": "LS", "lrecl": 30, "resync": True},
    "LS crlf": {"recfm": "LS", "line_end": "crlf", "lrecl": 20, "final_line_end": "optional"},
    "field": {"recfm": "none", "length_field": FIELD},
    "header": {"recfm": "none"},
    **{kind: {"lrecl": 20, "compression": kind} for kind in ("gzip", "bzip2", "zip", "zstd")},
}
ROUNDS = 150


def original(framing: Framing, name: str) -> bytes:
    """Return a right file of 40 records."""
    records = [bytes([0, 20]) + bytes([65 + n % 26]) * 18 for n in range(40)]
    plugin = Counted() if name == "header" else None
    header, footer = b"H" * framing.header_bytes, b"F" * framing.footer_bytes
    return b"".join(write(records, framing, header=header, footer=footer, record_header=plugin))


def mutated(data: bytes, draw: random.Random) -> bytes:
    """Return the file with a few bytes changed, put in, taken out, or with its end cut off."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(changed) or 1)
        match draw.randrange(4):
            case 0:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                changed[at:at] = draw.randbytes(draw.randint(1, 9))
            case 2:
                del changed[at : at + draw.randint(1, 9)]
            case _:
                changed = changed[: draw.randrange(len(changed) + 1)]
    return bytes(changed)


def outcome(framing: Framing, data: bytes, name: str, *, chunk_bytes: int) -> tuple[str, int]:
    """Read a file to its end or its error; every batch must hold together."""
    plugin = Counted() if name == "header" else None
    ordinal, place = 0, 0
    try:
        for batch in read(data, framing, record_header=plugin, chunk_bytes=chunk_bytes):
            assert batch.first == ordinal
            assert int(batch.starts[0]) >= place
            assert all(len(record) <= framing.longest for record in batch)
            ordinal, place = batch.next.ordinal, int(batch.starts[-1])
    except FramingError as error:
        return _told(error), ordinal
    return "read", ordinal


def _told(error: FramingError) -> str:
    assert error.offset >= 0
    assert len(str(error)) < 300
    return error.code


@pytest.mark.parametrize("name", FORMATS)
def test_a_mutated_file_gives_records_or_a_named_error(name: str) -> None:
    """The same in small and in large chunks; the counts are told."""
    framing = Framing(**FORMATS[name])
    data, draw = original(framing, name), random.Random(name)
    counts = Counter[str]()

    tracemalloc.start()
    try:
        for _ in range(ROUNDS):
            broken = mutated(data, draw)
            code, records = outcome(framing, broken, name, chunk_bytes=2**20)
            again, others = outcome(framing, broken, name, chunk_bytes=draw.randint(1, 50))
            assert code == again
            assert (
                records == others or framing.compression is not Compression.NONE
            )  # a decompressor gives up with all it was asked for
            counts[code] += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    print(f"{name}: {dict(counts)}, peak {peak / 2**20:.1f} MB")
    assert sum(counts.values()) == ROUNDS
    assert counts["read"] < ROUNDS
    assert peak < 16 * 2**20


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_of_no_format_are_no_crash(name: str) -> None:
    framing, draw = Framing(**FORMATS[name]), random.Random(name)

    for size in (0, 1, 2, 3, 4, 5, 8, 100, 5000):
        for data in (draw.randbytes(size), bytes(size), b"\xff" * size):
            assert outcome(framing, data, name, chunk_bytes=2**20)[1] <= size


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in {"LS", "LS crlf"}])
def test_a_file_that_was_cut_off_is_never_whole(name: str) -> None:
    """Cut anywhere but between two records (or blocks), it is an error; there, only a trailer can tell."""
    framing = Framing(**FORMATS[name])
    data = original(framing, name)
    plugin = Counted() if name == "header" else None
    between = set[int]() if framing.compression is not Compression.NONE else {framing.header_bytes}
    if framing.compression is Compression.NONE:
        for batch in read(data, framing, record_header=plugin):
            places = {
                int(start) + framing.footer_bytes for start in batch.starts
            }  # what a footer holds is not looked at
            between |= places | {place - 4 for place in places}
    ends = [end for end in range(len(data)) if end not in between]

    whole = [end for end in ends if outcome(framing, data[:end], name, chunk_bytes=2**20)[0] == "read"]

    assert whole == []
    assert len(ends) > 50


@pytest.mark.parametrize("name", ["FB", "VB resync", "VBS resync", "LS"])
def test_after_errors_reading_goes_on_alike_from_any_batch(name: str) -> None:
    """What was read and reported up to a place and from there on is what is read and reported at once."""
    framing, draw = Framing(**FORMATS[name]), random.Random(name)
    data = original(framing, name)
    resumed = 0

    for _ in range(60):
        broken = mutated(data, draw)
        whole = told(framing, broken, Position())
        for place, before in partly(framing, broken, chunk_bytes=draw.randint(30, 200)):
            assert before + told(framing, broken, place) == whole
            resumed += 1

    assert resumed > 100


def told(framing: Framing, data: bytes, start: Position) -> list[str]:
    """Return all that is read from a place on, records and errors."""
    found = list[str]()
    try:
        for batch in read(data, framing, start=start):
            found += sorted(shown(batch))
    except FramingError as error:
        found.append(str(error))
    return found


def partly(framing: Framing, data: bytes, *, chunk_bytes: int) -> Iterator[tuple[Position, list[str]]]:
    """Yield each place between two batches, and what was read before it."""
    before = list[str]()
    with suppress(FramingError):
        for batch in read(data, framing, chunk_bytes=chunk_bytes):
            before = [*before, *sorted(shown(batch))]
            yield batch.next, before


def shown(batch: RecordBatch) -> Iterator[str]:
    """Yield records and errors of a batch, so that they sort by their places."""
    for record, start in zip(batch, batch.starts[:-1].tolist(), strict=True):
        yield f"{start:06d} {record.hex()}"
    for error in batch.errors:
        yield f"{error.offset:06d} {error}"
