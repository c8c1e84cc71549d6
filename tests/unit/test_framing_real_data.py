"""Real files are cut into the records that are known of them, and written back byte by byte."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import FramingError
from contracts.legacy.framing import Framing, LengthField, LengthOf, LineEnd, Recfm, RecordBatch, read, write
from tests.data import real_data

FEATURES = "batch/gnucobol-generated/pn-feature-matrix"
OFFSETS = {"lrecl": 45, "header_bytes": 10, "footer_bytes": 12}
LITTLE = {"recfm": "V", "rdw": "little", "rdw_includes_header": False}


def records_of(path: Path, *, length_of: LengthOf | None = None, **options: Any) -> list[bytes]:
    """Return the records of a file, the same in chunks of any size, and written back as they were."""
    data, framing = path.read_bytes(), Framing(**options)
    whole = [record for batch in read(data, framing, length_of=length_of) for record in batch]
    small = [record for batch in read(data, framing, length_of=length_of, chunk_bytes=777) for record in batch]
    assert small == whole
    header, footer = data[: framing.header_bytes], data[len(data) - framing.footer_bytes :]
    assert b"".join(write(whole, framing, header=header, footer=footer, length_of=length_of)) == data
    return whole


def feature_length(record: memoryview) -> int | None:
    """Return the length that the copybook gives: two digits at 223 count items of 9 bytes after them."""
    return 225 + 9 * int(bytes(record[223:225]).decode("cp037")) if len(record) >= 225 else None


@pytest.mark.parametrize(
    ("file", "options", "length_of"),
    [
        ("data.ebcdic.V.le-excl.bin", LITTLE, None),
        ("data.ebcdic.VB.bin", {"recfm": "VB", "block_bytes": 1000}, None),
        ("data.ebcdic.VBS.bin", {"recfm": "VBS", "block_bytes": 600}, None),
        ("data.ebcdic.noheader.bin", {"recfm": "none"}, feature_length),
    ],
)
def test_the_same_records_come_out_of_every_framing(
    file: str, options: dict[str, Any], length_of: LengthOf | None
) -> None:
    folder = real_data(FEATURES)
    expected = records_of(folder / "data.ebcdic.V.bin", recfm="V")

    assert records_of(folder / file, length_of=length_of, **options) == expected
    lengths = [json.loads(line)["record_length"] for line in (folder / "expected.jsonl").read_text().splitlines()]
    assert [len(record) for record in expected] == lengths
    assert len(lengths) == 60


def test_a_padded_file_and_an_ascii_one_hold_the_same_records() -> None:
    folder = real_data(FEATURES)
    expected = records_of(folder / "data.ebcdic.V.bin", recfm="V")

    padded = records_of(folder / "data.ebcdic.F.maxpad.bin", recfm="F", lrecl=261)
    ascii_ = records_of(folder / "data.ascii.V.bin", recfm="V")

    assert padded == [record.ljust(261, b"\x40") for record in expected]
    again = write(expected, Framing(lrecl=261, pad=0x40))
    assert b"".join(again) == (folder / "data.ebcdic.F.maxpad.bin").read_bytes()
    assert [len(record) for record in ascii_] == [len(record) for record in expected]
    assert [record[:36].decode("ascii") for record in ascii_] == [record[:36].decode("cp037") for record in expected]


def test_the_blocks_are_as_they_are_known() -> None:
    """17 blocks of VB; 26 of VBS, with 84 segments of which 24 begin and 24 end a spanned record."""
    folder = real_data(FEATURES)
    vb = [*read((folder / "data.ebcdic.VB.bin").read_bytes(), Framing(recfm=Recfm.VB))]
    vbs = [*read((folder / "data.ebcdic.VBS.bin").read_bytes(), Framing(recfm=Recfm.VBS))]

    assert blocks_of(vb) == 17
    assert blocks_of(vbs) == 25  # the 26th holds only the end of one
    [batch] = vbs
    spans = np.diff(batch.starts) > batch.lengths + 8  # a descriptor word of the record and one of the next block
    assert int(spans.sum()) == 24


def blocks_of(batches: list[RecordBatch]) -> int:
    """Return in how many blocks the records begin."""
    return len({end for batch in batches if batch.block_ends is not None for end in batch.block_ends[:-1].tolist()})


@pytest.mark.parametrize(
    ("case", "file", "options", "count"),
    [
        ("legstar/zos-fcustdat-odo", "data.ebcdic.rdw.bin", {"recfm": "V"}, 1000),
        ("mainframe-data-utilities/vb-odo", "data.ebcdic.rdw.bin", {"recfm": "V"}, 20),
        ("cobrix/v-rdw-le-multisegment", "COMP.DETAILS.SEP30.DATA.dat", LITTLE, 1000),
        ("cobrix/file-header-footer-fixed", "TRAN2.JUN24.DATA.dat", OFFSETS, 50),
        ("carddemo/accounts", "data.ebcdic.bin", {"recfm": "FB", "lrecl": 300}, 50),
        ("carddemo/export-multitype-sample", "data.ebcdic.bin", {"recfm": "FB", "lrecl": 500}, 100),
        ("carddemo/card-xref", "data.ascii.txt", {"recfm": "LS", "lrecl": 50}, 50),
        ("carddemo/accounts", "data.ascii.txt", {"recfm": "LS", "lrecl": 300, "trailing_blanks": "keep"}, 50),
        ("carddemo/transaction-categories", "data.ascii.txt", {"recfm": "LS", "line_end": "crlf"}, 18),
        ("stingray/zipcty", "zipcty1", {"recfm": "LS", "lrecl": 53, "trailing_blanks": "keep"}, 6),
        ("cobrix/fixed-odo-redefines", "example.bin", {"lrecl": 2202}, 10),
        ("jrecord/dtar020-sales", "data.ebcdic.bin", {"lrecl": 27}, 379),
    ],
)  # fmt: skip
def test_a_file_has_the_records_that_are_known(case: str, file: str, options: dict[str, Any], count: int) -> None:
    assert len(records_of(real_data(f"batch/{case}") / file, **options)) == count


def test_lines_that_end_in_cr_alone_at_the_end_are_read_where_that_is_declared() -> None:
    data = (real_data("batch/jrecord/odo-with-trailing-fields") / "data.txt").read_bytes()
    options: dict[str, Any] = {"recfm": "LS", "line_end": "crlf"}

    with pytest.raises(FramingError, match=r"truncated: expected a line end 0d0a .* \(record 95\), found 7b0d"):
        list(read(data, Framing(**options)))
    lines = [record for batch in read(data, Framing(**options, final_line_end="optional")) for record in batch]

    assert len(lines) == 96
    assert not any(b"\r" in line for line in lines)


def test_lines_that_end_in_one_way_or_the_other_are_read_where_that_is_declared() -> None:
    """Six lines of this file end in CRLF, the last in LF."""
    data = (real_data("batch/carddemo/transaction-types") / "data.ascii.txt").read_bytes()

    with pytest.raises(FramingError, match=r"truncated: expected a line end 0d0a .* \(record 6\)"):
        list(read(data, Framing(recfm=Recfm.LS, line_end=LineEnd.CRLF)))
    [batch] = read(data, Framing(recfm=Recfm.LS, line_end=LineEnd.LF_OR_CRLF, lrecl=60))

    assert [len(record) for record in batch] == [60] * 7


def test_an_odo_record_is_as_long_as_its_counter_says() -> None:
    """The counter of a real z/OS file is a binary of four bytes at 54; each transaction has 25."""
    folder = real_data("batch/legstar/zos-fcustdat-odo")
    records = records_of(folder / "data.ebcdic.rdw.bin", recfm="V")

    counters = [int.from_bytes(record[54:58], "big") for record in records]

    assert [len(record) for record in records] == [58 + 25 * counter for counter in counters]
    assert sum(counters) == 2440
    framing = Framing(recfm=Recfm.NONE, length_field=LengthField(offset=54, length=4, expression="*25+58"))
    data = b"".join(write(records, framing))
    assert [record for batch in read(data, framing) for record in batch] == records


def test_a_file_with_header_and_footer_bytes_is_refused_without_them() -> None:
    data = (real_data("batch/cobrix/file-header-footer-fixed") / "TRAN2.JUN24.DATA.dat").read_bytes()

    with pytest.raises(FramingError, match=r"remainder: expected records of 45 bytes .* found 22 bytes left over"):
        list(read(data, Framing(lrecl=45)))


def test_an_ims_unload_is_6_roots_and_143_children() -> None:
    data = (real_data("batch/carddemo/ims-hd-unload") / "data.ebcdic.bin").read_bytes()
    framing = Framing(recfm=Recfm.V, ims_hd_unload=True)

    batches = list(read(data, framing, chunk_bytes=1000))

    assert segments_of(batches) == Counter({(1, "PAUTSUM0", 100): 6, (2, "PAUTDTL1", 200): 143})
    for batch in batches:
        rest = list(read(data, framing, chunk_bytes=1000, start=batch.next))
        assert sum(map(len, rest)) == 149 - batch.next.ordinal


def segments_of(batches: list[RecordBatch]) -> Counter[tuple[int, str, int]]:
    """Return how many segments there are of each level, name and length."""
    return Counter(
        (int(level), bytes(name).decode("cp037"), int(length))
        for batch in batches
        if batch.segments is not None
        for level, name, length in zip(batch.segments.levels, batch.segments.names, batch.lengths, strict=True)
    )
