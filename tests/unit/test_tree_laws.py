"""What holds for all trees: they are written back as they were read, and no batch ends within one."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.legacy.framing import Position, RecordBatch, read
from contracts.legacy.record_file import RecordFile, Refused
from tests.trees import COPYBOOK, NESTED, RULE, described, encoded, framed, kinds, records

FRAMINGS: list[dict[str, Any]] = [
    {"recfm": "V"},
    {"recfm": "VB", "block_bytes": 60},
    {"recfm": "VBS", "block_bytes": 30},
    {"recfm": "FB", "lrecl": 13, "pad": 0x40},
]
FILES = [
    described(copybook, record_ids=ids, framing=framing)
    for copybook in (COPYBOOK, NESTED)
    for ids in (False, True)
    for framing in FRAMINGS
]
BOUND = {
    (most, framing["recfm"]): described(rule={**RULE, "tree_records": most}, framing=framing)
    for most in range(1, 7)
    for framing in FRAMINGS[:3]
}


@settings(max_examples=200, deadline=None)
@given(kinds(), st.sampled_from(FILES))
def test_trees_are_written_back_byte_for_byte(kinds_: str, file: RecordFile) -> None:
    data = framed(records(kinds_), file)

    found = list(file.decode(io.BytesIO(data), prefix="x"))

    assert not any(isinstance(each, Refused) for each in found)
    assert len(found) == kinds_.count("C") + kinds_.count("B")
    assert encoded(file, [each for each in found if isinstance(each, dict)]) == data


@settings(max_examples=200, deadline=None)
@given(st.text("CATKBX", max_size=30), st.integers(1, 6))
def test_every_record_is_in_one_tree_or_refused(kinds_: str, most: int) -> None:
    """Whatever the order of the types, unknown ones among them."""
    file = BOUND[most, "V"]
    parts = records(kinds_.replace("X", "B"))
    parts = [b"\xe7" + part[1:] if kind == "X" else part for kind, part in zip(kinds_, parts, strict=True)]

    found = list(file.decode(io.BytesIO(framed(parts))))

    letters = [each for each in found if isinstance(each, Refused)]
    trees = [file.trees.flat(each) for each in found if isinstance(each, dict) and file.trees]
    assert sorted([*(each.ordinal for each in letters), *(each["SEQ"] for tree in trees for each in tree)]) == list(
        range(len(parts))
    )
    assert all(parts[each.ordinal] == each.original for each in letters)
    assert all(len(tree) <= most for tree in trees)


@settings(max_examples=150, deadline=None)
@given(st.text("CATKBX", max_size=30), st.integers(1, 6), st.sampled_from(["V", "VB", "VBS"]), st.integers(1, 300))
def test_reading_goes_on_after_any_batch_of_whole_trees(kinds_: str, most: int, recfm: str, chunk_bytes: int) -> None:
    file = BOUND[most, recfm]
    data = framed(records(kinds_.replace("X", "B")), file)

    batches = whole(file, data, chunk_bytes)

    assert runs(file, batches) == runs(file, whole(file, data, 1 << 20))
    for number, batch in enumerate(batches):
        rest = whole(file, data, chunk_bytes, start=batch.next)
        assert runs(file, [*batches[: number + 1], *rest]) == runs(file, batches)


def whole(file: RecordFile, data: bytes, chunk_bytes: int, start: Position = Position()) -> list[RecordBatch]:  # noqa: B008 - frozen
    """Return a file in batches of whole trees, of three records where they allow it."""
    assert file.trees is not None
    return list(file.trees.whole(read(data, file.framing, chunk_bytes=chunk_bytes, start=start), records=3))


def runs(file: RecordFile, batches: list[RecordBatch]) -> list[list[tuple[int, int, bytes]]]:
    """Return what belongs together: ordinal, offset and bytes of each record."""
    assert file.trees is not None
    return [
        [(batch.first + index, int(batch.starts[index]), batch.record(index)) for index in run]
        for batch in batches
        for run in file.trees.runs(batch)
    ]


def test_a_root_with_more_than_the_bound_holds_no_more_than_the_bound(tmp_path: Path) -> None:
    file = described(rule={**RULE, "tree_records": 50})
    (tmp_path / "f").write_bytes(framed(records("C" + "A" * 5000)))
    assert file.trees is not None

    with (tmp_path / "f").open("rb") as stream:
        sizes = [len(batch) for batch in file.trees.whole(read(stream, file.framing, chunk_bytes=1000), records=3)]

    assert (sum(sizes), max(sizes)) == (5001, 51)


@pytest.mark.parametrize("kinds_", ["", "B"])
def test_a_file_of_hardly_anything_is_read(kinds_: str) -> None:
    file = described()

    assert len(list(file.decode(io.BytesIO(framed(records(kinds_)))))) == len(kinds_)
