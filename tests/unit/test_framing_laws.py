"""What holds for every framing: reading what was written, in any chunks and from any place."""

import io
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.legacy.framing import Compression, Framing, Position, Recfm, RecordBatch, Role, read, write
from tests.framings import Case, cases, record_lists


def written(case: Case) -> bytes:
    """Return the bytes of a case's file."""
    return b"".join(
        write(case.records, case.framing, header=case.header, footer=case.footer, record_header=case.plugin)
    )


def found(case: Case, data: bytes | BinaryIO, *, chunk_bytes: int, start: Position = Position()) -> list[RecordBatch]:  # noqa: B008 - frozen
    """Return what is read of a case's file."""
    return list(read(data, case.framing, record_header=case.plugin, chunk_bytes=chunk_bytes, start=start))


def records(batches: list[RecordBatch]) -> list[bytes]:
    """Return all records of some batches."""
    return [record for batch in batches for record in batch]


@settings(max_examples=250, deadline=None)
@given(cases(), st.integers(1, 400))
def test_what_was_written_is_read_in_any_chunks_and_written_the_same(case: Case, chunk_bytes: int) -> None:
    data = written(case)

    batches = found(case, data, chunk_bytes=chunk_bytes)

    assert records(batches) == list(case.records)
    again = write(records(batches), case.framing, header=case.header, footer=case.footer, record_header=case.plugin)
    assert b"".join(again) == data


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(1, 400))
def test_reading_goes_on_after_any_batch(case: Case, chunk_bytes: int) -> None:
    """Whatever the batch: what comes after it is exactly the rest, with the same ordinals."""
    data = written(case)
    batches = found(case, data, chunk_bytes=chunk_bytes)

    for batch in batches:
        rest = found(case, data, chunk_bytes=chunk_bytes, start=batch.next)
        assert records(rest) == list(case.records)[batch.next.ordinal :]
        assert [each.first for each in rest][:1] in ([], [batch.next.ordinal])


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(1, 400))
def test_a_batch_tells_where_each_record_is(case: Case, chunk_bytes: int) -> None:
    """Ordinals have no gap, places grow, and reading from a record's own place gives it and what follows."""
    data = written(case)
    ordinal = 0
    for batch in found(case, data, chunk_bytes=chunk_bytes):
        assert batch.first == ordinal
        assert len(batch.starts) == len(batch) + 1
        assert (np.diff(batch.starts) > 0).all()
        assert [batch.record(index) for index in range(len(batch))] == list(batch)
        ordinal += len(batch)
        half = batch.cut(len(batch) // 2, len(batch))
        if len(half) < len(batch):
            start = batch.cut(0, len(batch) // 2).next
            assert records(found(case, data, chunk_bytes=400, start=start))[: len(half)] == list(half)
    assert ordinal == len(case.records)


@settings(max_examples=100, deadline=None)
@given(record_lists(), st.integers(0, 4), st.integers(0, 4), st.integers(1, 60))
def test_header_and_trailer_records_are_told_apart(given_: list[bytes], heads: int, tails: int, chunk: int) -> None:
    framing = Framing(recfm=Recfm.V, header_records=heads, trailer_records=tails)
    data = b"".join(write(given_, framing))
    if len(given_) < heads + tails:
        with pytest.raises(Exception, match="records: expected"):
            list(read(data, framing, chunk_bytes=chunk))
        return

    batches = list(read(data, framing, chunk_bytes=chunk))

    by_role = {role: records([batch for batch in batches if batch.role is role]) for role in Role}
    end = len(given_) - tails
    assert by_role == {
        Role.HEADER: given_[:heads],
        Role.DATA: given_[heads:end],
        Role.TRAILER: given_[end:],
    }
    for batch in batches:
        assert records(list(read(data, framing, chunk_bytes=chunk, start=batch.next))) == given_[batch.next.ordinal :]


class Piped(io.RawIOBase):
    """A stream that can't be sought in and gives a few bytes at a time, as a pipe does."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        """Return at most seven bytes."""
        return self._data.read(min(size, 7))


@settings(max_examples=100, deadline=None)
@given(cases(), st.integers(1, 400))
def test_a_pipe_is_read_as_a_file_is(case: Case, chunk_bytes: int) -> None:
    if case.framing.compression is Compression.ZIP:
        return
    data = written(case)

    batches = found(case, cast("BinaryIO", Piped(data)), chunk_bytes=chunk_bytes)

    assert records(batches) == list(case.records)
    if batches:
        start = batches[0].next
        rest = found(case, cast("BinaryIO", Piped(data)), chunk_bytes=chunk_bytes, start=start)
        assert records(rest) == list(case.records)[start.ordinal :]


def test_records_of_one_length_are_rows_of_an_array_without_a_copy() -> None:
    data = bytes(range(12))

    [fixed] = read(data, Framing(lrecl=4))
    rows = fixed.rows()

    assert rows is not None
    assert rows.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert np.shares_memory(rows, fixed.data)


def test_records_of_one_length_behind_words_are_a_view_too() -> None:
    framing = Framing(recfm=Recfm.V)

    [batch] = read(b"".join(write([b"ab", b"cd"], framing)), framing)
    rows = batch.rows()

    assert rows is not None
    assert rows.tobytes() == b"abcd"
    assert np.shares_memory(rows, batch.data)
    [mixed] = read(b"".join(write([b"ab", b"c"], framing)), framing)
    assert mixed.rows() is None


class Generated(io.RawIOBase):
    """A file of 64 MB that is made while it is read."""

    def __init__(self, block: bytes, *, times: int) -> None:
        self._block, self._left, self._rest = block, times, b""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most one block."""
        if not self._rest and self._left:
            self._rest, self._left = self._block, self._left - 1
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


@pytest.mark.parametrize("recfm", ["F", "V", "VB", "VBS", "LS"])
def test_memory_is_a_few_chunks_whatever_the_size_of_the_file(recfm: str) -> None:
    """64 MB of records of 350 bytes; what is held at once stays under 8 MB."""
    framing = Framing(recfm=Recfm(recfm), lrecl=350 if recfm == "F" else None)
    some = [bytes([64 + n % 64]) * 350 for n in range(1000)]
    block = b"".join(write(some, framing))
    times = 64 * 2**20 // len(block)

    def counted() -> Iterator[int]:
        for batch in read(cast("BinaryIO", Generated(block, times=times)), framing):
            yield len(batch)

    tracemalloc.start()
    try:
        count = sum(counted())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 1000 * times
    assert peak < 8 * 2**20
