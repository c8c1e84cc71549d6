"""Records that end before their layout does."""

import io
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import RecordError
from contracts.legacy.copybook import Options, RowCodec, Segments, parse
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Framing, Recfm, write
from contracts.legacy.record_file import RecordFile, Refused

FILLED = """
       01  R.
           05  A PIC X(3).
           05  FILLER PIC X(4).
"""
SEGMENTED = """
       01  R.
           05  K PIC X.
           05  LONG.
               10  L PIC X(6).
           05  SHORT REDEFINES LONG.
               10  S PIC X(2).
               10  FILLER PIC X.
"""


def codec(copybook: str, **options: Any) -> RowCodec:
    return RowCodec(parse(copybook), Options(code_page="ascii", **options))


@pytest.mark.parametrize("length", [3, 5, 6])
def test_a_record_that_is_cut_in_filler_is_an_error(length: int) -> None:
    with pytest.raises(
        RecordError, match=f"expected 7 bytes, FILLER included, not the end of the record at {length}"
    ) as e:
        codec(FILLED).decode(b"abc    "[:length])

    assert (e.value.field, e.value.code, e.value.start) == ("FILLER", "short-record", length)


@pytest.mark.parametrize("length", [1, 3, 5, 7])
def test_where_blanks_at_the_end_may_lack_it_is_none(length: int) -> None:
    assert codec(FILLED, is_trimmed=True).decode(b"abc    "[:length]) == {"A": "abc"[:length]}


def test_a_record_has_the_length_of_the_segment_that_it_has() -> None:
    by_kind = codec(SEGMENTED, segments=(Segments(field="K", groups={"L": "LONG", "S": "SHORT"}),))

    assert by_kind.decode(b"Sab-") == {"K": "S", "SHORT": {"S": "ab"}}
    assert by_kind.decode(b"Labcdef") == {"K": "L", "LONG": {"L": "abcdef"}}
    with pytest.raises(RecordError, match="4 bytes, FILLER included, not the end of the record at 3"):
        by_kind.decode(b"Sab")


def test_a_description_says_that_records_are_trimmed() -> None:
    framing = Framing(recfm=Recfm.V)
    data = b"".join(write([b"abc    ", b"abc", b"a"], framing))
    given = {"copybook": Path("a.cpy"), "encoding": "ascii", "framing": framing}

    for trimmed, expected in ((True, [b"abc", b"abc", b"a"]), (False, [b"abc"])):
        file = RecordFile(FileSpec.model_validate({**given, "trimmed": trimmed}), parse(FILLED))
        lines = list(file.lines(io.BytesIO(data)))
        rows = list(file.decode(io.BytesIO(data)))

        good = b"".join(b'{"A":"%b"}\n' % each for each in expected)
        assert b"".join(line for line in lines if isinstance(line, bytes)) == good
        assert [file.line(row) + b"\n" for row in rows if not isinstance(row, Refused)] == good.splitlines(
            keepends=True
        )
