"""Compressed files are read within limits; what is corrupt, cut off or followed by something is told."""

import bz2
import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import FramingError
from contracts.legacy.framing import Compression, Framing, Position, Recfm, read, write
from contracts.legacy.framing.compression import compress, detect

KINDS = [Compression.GZIP, Compression.BZIP2, Compression.ZIP, Compression.ZSTD]
STREAMS = [Compression.GZIP, Compression.BZIP2, Compression.ZSTD]
RECORDS = [bytes([n % 256]) * 50 for n in range(2000)]
PLAIN = b"".join(RECORDS)


def packed(kind: Compression, data: bytes = PLAIN) -> bytes:
    """Return compressed bytes."""
    return b"".join(compress([data], kind))


def found(data: bytes, kind: Compression, **options: int) -> list[bytes]:
    """Return the records of a compressed file of records of 50 bytes."""
    framing = Framing(lrecl=50, compression=kind, **options)  # pyright: ignore[reportArgumentType] - numbers
    return [record for batch in read(data, framing) for record in batch]


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip archive."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_compressed_is_known_by_its_first_bytes(kind: Compression) -> None:
    assert detect(packed(kind)) is kind
    assert found(packed(kind), Compression.AUTO) == found(packed(kind), kind) == RECORDS
    assert found(PLAIN, Compression.AUTO) == RECORDS


def test_what_others_compressed_is_read() -> None:
    assert found(gzip.compress(PLAIN), Compression.GZIP) == RECORDS
    assert found(bz2.compress(PLAIN), Compression.BZIP2) == RECORDS
    assert found(zipped({"a/": b"", "a/data": PLAIN}), Compression.ZIP) == RECORDS


@pytest.mark.parametrize("kind", STREAMS)
def test_several_members_are_one_file(kind: Compression) -> None:
    parts = [packed(kind, PLAIN[:75]), packed(kind, b""), packed(kind, PLAIN[75:])]

    assert found(b"".join(parts), kind) == RECORDS


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_off_is_told_at_any_place(kind: Compression) -> None:
    whole = packed(kind, PLAIN[:1000])
    for end in range(len(whole)):
        with pytest.raises(FramingError) as caught:
            found(whole[:end], kind)
        assert caught.value.code in {"truncated", "compression"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("garbage", [b"x", b"\0" * 100, b"not compressed"])
def test_what_follows_the_compressed_data_is_told(kind: Compression, garbage: bytes) -> None:
    with pytest.raises(FramingError) as caught:
        found(packed(kind) + garbage, kind)

    assert caught.value.code == "trailing"


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 10_000), st.integers(1, 255))
def test_a_bit_that_flips_never_gives_other_records(kind: Compression, place: int, flip: int) -> None:
    data = bytearray(packed(kind))
    data[place % len(data)] ^= flip
    try:
        records = found(bytes(data), kind)
    except FramingError:
        return
    assert records == RECORDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_stopped_by_how_much_it_grows(kind: Compression) -> None:
    bomb = packed(kind, bytes(50 * 2**20))

    with pytest.raises(FramingError, match="max_expansion") as caught:
        found(bomb, kind, max_expansion=100)
    assert caught.value.code == "bomb"
    assert 16 * 2**20 < caught.value.offset < 20 * 2**20
    with pytest.raises(FramingError, match="at most 100000 bytes"):
        found(packed(kind, PLAIN + PLAIN), kind, max_decompressed_bytes=100_000)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_takes_no_memory(kind: Compression) -> None:
    bomb = packed(kind, bytes(50 * 2**20))
    framing = Framing(lrecl=50, compression=kind, max_expansion=10**9)

    tracemalloc.start()
    try:
        count = sum(len(batch) for batch in read(bomb, framing))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 2**20
    assert peak < 12 * 2**20


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: zipped({"a": b"1", "b": b"2"}), "a zip archive of one file at byte 0, found 2 files"),
        (lambda: zipped({}), "found 0 files"),
        (lambda: zipped({"a": PLAIN}).replace(b"PK\5\6", b"PK\0\0"), "the directory at the end of a zip archive"),
    ],
)
def test_an_archive_holds_exactly_one_file(make: Callable[[], bytes], text: str) -> None:
    with pytest.raises(FramingError) as caught:
        found(make(), Compression.ZIP)

    assert text in str(caught.value)


def test_an_archive_with_a_huge_directory_is_a_bomb() -> None:
    many = zipped({f"{'x' * 200}{n}/": b"" for n in range(5000)})

    with pytest.raises(FramingError, match="bomb: expected a directory of at most"):
        found(many, Compression.ZIP)


class Pipe(io.BytesIO):
    """A stream that can't be sought in."""

    def seekable(self) -> bool:
        """Say so."""
        return False


def test_an_archive_needs_a_stream_that_can_be_sought_in() -> None:
    framing = Framing(lrecl=50, compression=Compression.ZIP)

    with pytest.raises(FramingError, match="a stream that can be sought in"):
        list(read(cast("BinaryIO", Pipe(packed(Compression.ZIP))), framing))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_records_give_the_same_bytes(kind: Compression) -> None:
    """No time and no name of a machine is in them."""
    framing = Framing(recfm=Recfm.V, compression=kind)

    assert b"".join(write(RECORDS, framing)) == b"".join(write(RECORDS, framing))


class Watched(io.BytesIO):
    """A file that counts the bytes that are read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes, and count them."""
        data = super().read(size)
        self.taken += len(data)
        return data


@pytest.mark.parametrize("kind", [Compression.NONE, Compression.AUTO])
def test_a_file_that_is_not_compressed_is_read_from_a_place_without_what_comes_before(kind: Compression) -> None:
    file = Watched(PLAIN)
    framing = Framing(lrecl=50, compression=kind)

    batches = list(read(file, framing, start=Position(offset=len(PLAIN) - 100, ordinal=1998)))

    assert [record for batch in batches for record in batch] == RECORDS[1998:]
    assert file.taken <= 104
