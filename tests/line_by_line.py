"""Records to lines of JSON both ways: many at once, and each by its row."""

from typing import Any

from hypothesis import strategies as st

from contracts.errors import RecordError
from contracts.legacy.copybook import RowCodec
from contracts.legacy.copybook.line import LineCodec
from contracts.legacy.framing import Framing, read, write
from contracts.legacy.record_file import RecordFile
from tests.copybooks import changed

__all__ = ["at_once", "damaged", "told"]


@st.composite
def damaged(draw: st.DrawFn, record: bytes) -> bytes:
    """Draw what may become of a record: other bytes, a stretch of one byte, another length, or anything."""
    size = len(record)
    match draw(st.integers(0, 5)):
        case 0:
            return record
        case 1:
            return changed(record, draw(st.dictionaries(st.integers(0, size - 1), st.integers(0, 255), max_size=4)))
        case 2 | 3:
            begin = draw(st.integers(0, size - 1))
            end = draw(st.integers(begin, size))
            fill = draw(st.sampled_from([b"\0", b"@", b" ", b"\xff", b"\xf0", b"0", b"\x0f", b"\x0e", b"\x7f"]))
            return record[:begin] + fill * (end - begin) + record[end:]
        case 4:
            return (record + draw(st.sampled_from([b"\0", b"@", b" ", b"A"])) * 3)[: draw(st.integers(1, size + 3))]
        case _:
            return draw(st.binary(min_size=size, max_size=size))


def told(rows: RowCodec, record: bytes) -> bytes | tuple[Any, ...]:
    """Return the line of a record, or what is wrong with it."""
    try:
        return RecordFile.line(rows.decode(record)) + b"\n"
    except RecordError as error:
        return error.field, error.code, error.start, error.raw


def at_once(rows: RowCodec, records: list[bytes]) -> tuple[list[bytes | tuple[Any, ...]], int]:
    """Return what `told` returns of each record, made at once, and how many records rows had to look at."""
    lines = LineCodec(rows)
    found: list[bytes | tuple[Any, ...]] = []
    left = 0
    for batch in read(
        b"".join(write(records, Framing.model_validate({"recfm": "V"}))), Framing.model_validate({"recfm": "V"})
    ):
        for part in lines.lines(batch):
            if isinstance(part, bytes):
                found += part.splitlines(keepends=True)
            else:
                left += 1
                found.append(told(rows, batch.record(part)))
    return found, left
