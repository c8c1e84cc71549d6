"""Framings and records that fit them, drawn for the laws of reading and writing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from contracts.legacy.framing import Extent, Framing, LineEnd, Recfm, RecordHeader

__all__ = ["Case", "Counted", "cases", "record_lists", "records_of"]

WORDS = {
    "rdw": st.sampled_from(["big", "little"]),
    "rdw_includes_header": st.booleans(),
    "rdw_adjust": st.integers(-3, 3),
}
BLOCKS = {
    "bdw": st.sampled_from(["big", "little"]),
    "bdw_includes_header": st.booleans(),
    "bdw_adjust": st.integers(-3, 3),
    "block_bytes": st.integers(60, 200),
}
ENDS = {
    "header_bytes": st.integers(0, 5),
    "footer_bytes": st.integers(0, 5),
    "compression": st.sampled_from(["none", "none", "none", "gzip", "bzip2", "zip", "zstd"]),
}


class Counted:
    """A record header of two bytes: a mark, and the length of what follows; with another mark it is no record."""

    header_bytes = 2

    def read(self, header: bytes, /) -> Extent:
        """Return what a header says."""
        if header[0] not in {0xAA, 0xBB}:
            raise ValueError("a mark of 0xAA or 0xBB")
        return Extent(payload_bytes=header[1], is_record=header[0] == 0xAA)

    def write(self, payload: bytes, /) -> bytes:
        """Return the header of a record."""
        if len(payload) > 255:
            raise ValueError("a record of at most 255 bytes")
        return bytes([0xAA, len(payload)])


@dataclass(frozen=True, kw_only=True)
class Case:
    """A framing, records that fit it, and the bytes around them."""

    framing: Framing
    records: Sequence[bytes]
    header: bytes
    footer: bytes
    plugin: RecordHeader | None = None


def record_lists(*, least: int = 1, most: int = 40) -> st.SearchStrategy[list[bytes]]:
    """Draw records of any bytes."""
    return st.lists(st.binary(min_size=least, max_size=most), max_size=20)


def records_of(length: int) -> st.SearchStrategy[list[bytes]]:
    """Draw records of one length."""
    return record_lists(least=length, most=length)


@st.composite
def cases(draw: st.DrawFn, formats: Sequence[str] = ("F", "FB", "V", "VB", "VBS", "LS", "field", "header")) -> Case:
    """Draw a framing of any format with any options, and a canonical file's content."""
    recfm = draw(st.sampled_from(formats))
    options: dict[str, Any] = {name: draw(each) for name, each in ENDS.items()}
    plugin: RecordHeader | None = None
    if recfm in {"F", "FB"}:
        options["lrecl"] = draw(st.integers(1, 20))
        if recfm == "FB" and draw(st.booleans()):
            options |= {name: draw(each) for name, each in BLOCKS.items()}
        records = draw(records_of(options["lrecl"]))
    elif recfm == "LS":
        records = draw(lines(options))
    elif recfm in {"field", "header"}:
        plugin = Counted() if recfm == "header" else None
        records = draw(record_lists())
        if recfm == "field":
            options["length_field"] = {"offset": 1, "length": 1, "expression": "-7"}
            records = [b"R" + bytes([len(each) + 9]) + each for each in records]
        recfm = "none"
    else:
        options |= {name: draw(each) for name, each in WORDS.items()}
        options |= {} if recfm == "V" else {name: draw(each) for name, each in BLOCKS.items()}
        options |= {"rdw_adjust": 0} if recfm == "VBS" else {}
        records = draw(record_lists(most=300 if recfm == "VBS" else 40, least=4))
    framing = Framing(recfm=Recfm(recfm), **options)
    return Case(
        framing=framing,
        records=records,
        header=b"H" * framing.header_bytes,
        footer=b"F" * framing.footer_bytes,
        plugin=plugin,
    )


@st.composite
def lines(draw: st.DrawFn, options: dict[str, Any]) -> list[bytes]:
    """Draw lines without line ends in them, padded where a length is drawn for the options."""
    end = draw(st.sampled_from(LineEnd))
    blank = bytes([end.blank])
    texts = [each.replace(end.mark, b"").rstrip(blank) for each in draw(record_lists(least=0))]
    texts = [each for each in texts if end.mark not in each]
    options["line_end"] = end
    if draw(st.booleans()):
        options["lrecl"] = draw(st.integers(40, 45))
        return [each.ljust(options["lrecl"], blank) for each in texts]
    return texts
