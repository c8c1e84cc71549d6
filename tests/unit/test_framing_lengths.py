"""Records that tell their own length: fields of every encoding, expressions, maps, and headers of other makers."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ConfigError, FramingError
from contracts.legacy.framing import Framing, LengthField, Recfm, RecordHeader, read, write
from contracts.legacy.framing.length import length_reader
from contracts.legacy.framing.plugin import load_header

HEADER = '''
"""A record header of two bytes, big-endian, with the length of what follows."""


class Short:
    header_bytes = 2

    def read(self, header):
        from contracts.legacy.framing import Extent

        return Extent(payload_bytes=int.from_bytes(header, "big"))

    def write(self, payload):
        return len(payload).to_bytes(2, "big")


ready = Short()
nothing = "no header"
'''
POINTS = """[banyan.framing.v1]
short = short_header:Short
ready = short_header:ready
nothing = short_header:nothing
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package that offers record headers."""
    (tmp_path / "short_header.py").write_text(HEADER)
    info = tmp_path / "short_header-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: short-header\nVersion: 1\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield
    sys.modules.pop("short_header", None)


@pytest.mark.parametrize(
    ("options", "record", "length"),
    [
        ({"offset": 0, "length": 2}, b"\x01\x02", 258),
        ({"offset": 1, "length": 2, "encoding": "binary-little"}, b"x\x02\x01", 258),
        ({"offset": 0, "length": 2, "encoding": "packed"}, b"\x12\x3c", 123),
        ({"offset": 0, "length": 2, "encoding": "packed"}, b"\x12\x3f", 123),
        ({"offset": 0, "length": 3, "encoding": "zoned"}, b"\xf1\xf2\xf3", 123),
        ({"offset": 0, "length": 3, "encoding": "zoned"}, b"\xf1\xf2\xc3", 123),
        ({"offset": 0, "length": 3, "encoding": "zoned"}, b"123", 123),
        ({"offset": 0, "length": 4, "encoding": "text"}, b"\xf1\xf2\xf3\x40", 123),
        ({"offset": 0, "length": 4, "encoding": "text", "code_page": "ascii"}, b" 123", 123),
        ({"offset": 0, "length": 1, "expression": "*10+200"}, b"\x03", 230),
        ({"offset": 0, "length": 1, "expression": "-4*2"}, b"\x0a", 12),
        ({"offset": 0, "length": 1, "encoding": "text", "map": {"C": 64, "P": 60}}, b"\xd7", 60),
        ({"offset": 0, "length": 2, "map": {"7": 64}}, b"\x00\x07", 64),
    ],
)
def test_a_field_tells_a_length(options: Mapping[str, Any], record: bytes, length: int) -> None:
    assert length_reader(LengthField(**options))(memoryview(record)) == length


@pytest.mark.parametrize(
    ("options", "record", "text"),
    [
        ({"offset": 0, "length": 2}, b"\x01", "a length field at bytes 0 to 1"),
        ({"offset": 0, "length": 2, "encoding": "packed"}, b"\x12\x3d", "a packed length that is not negative"),
        ({"offset": 0, "length": 2, "encoding": "packed"}, b"\x1a\x3c", "a packed length"),
        ({"offset": 0, "length": 2, "encoding": "packed"}, b"\x12\x34", "a packed length"),
        ({"offset": 0, "length": 2, "encoding": "zoned"}, b"\xf1\xd2", "a zoned length that is not negative"),
        ({"offset": 0, "length": 2, "encoding": "zoned"}, b"\x40\xf2", "a zoned length"),
        ({"offset": 0, "length": 2, "encoding": "text"}, b"\xc1\xf2", "a length in digits"),
        ({"offset": 0, "length": 1, "encoding": "text", "map": {"C": 1}}, b"\xd7", "one of 'C'"),
    ],
)
def test_a_field_that_tells_no_length_says_what_was_expected(
    options: Mapping[str, Any], record: bytes, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        length_reader(LengthField(**options))(memoryview(record))


def test_a_code_page_that_nobody_knows_is_a_mistake_of_the_settings() -> None:
    field = LengthField(offset=0, length=1, encoding="text", code_page="cp9")

    with pytest.raises(ConfigError, match=r"length_field\.code_page: Python has no codec 'cp9'"):
        read(b"", Framing(recfm=Recfm.NONE, length_field=field))


@given(st.lists(st.integers(0, 99), min_size=1, max_size=20), st.integers(1, 300))
def test_what_a_copybook_computes_is_read_in_any_chunks(counts: list[int], chunk_bytes: int) -> None:
    records = [bytes([count]) + bytes(2 * count) for count in counts]
    framing = Framing(recfm=Recfm.NONE, max_record_bytes=250)

    def length_of(record: memoryview) -> int | None:
        return 1 + 2 * record[0]

    data = b"".join(write(records, framing, length_of=length_of))

    batches = read(data, framing, length_of=length_of, chunk_bytes=chunk_bytes)
    assert [record for batch in batches for record in batch] == records


def test_what_a_copybook_can_not_compute_ends_the_file() -> None:
    framing = Framing(recfm=Recfm.NONE)

    with pytest.raises(FramingError, match=r"truncated: expected the part of a record that tells its length at byte 3"):
        list(read(b"abcd", framing, length_of=lambda record: 3 if len(record) > 1 else None))


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("name", ["short", "ready"])
def test_a_package_offers_a_record_header_by_name(name: str) -> None:
    framing = Framing(recfm=Recfm.NONE, record_header=name)
    records = [b"abc", b"d" * 300]

    data = b"".join(write(records, framing))

    assert data[:5] == b"\x00\x03abc"
    assert [record for batch in read(data, framing) for record in batch] == records
    assert isinstance(load_header(name), RecordHeader)


@pytest.mark.usefixtures("package")
def test_a_record_header_that_is_none_is_a_mistake_of_the_settings() -> None:
    with pytest.raises(ConfigError, match="short_header:nothing has not header_bytes, read and write"):
        load_header("nothing")
    with pytest.raises(ConfigError, match=r"no plug-in 'other' .* there are: nothing, ready, short"):
        load_header("other")
