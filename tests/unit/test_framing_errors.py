"""What is not framed as declared is a named error that tells where, what was expected and what was found."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.errors import ConfigError, FramingError
from contracts.legacy.framing import Compression, Framing, LineEnd, Position, Recfm, RecordBatch, read, write
from tests.framings import Counted

BIG = b"\x00\x06\x00\x00ab"
VB = b"\x00\x0a\x00\x00" + BIG
FIRST, LAST, MIDDLE = (bytes([0, 10, 0, 0, 0, 6, code, 0]) + b"ab" for code in (1, 2, 3))
IMS = b"\x01\x80\x00\x0e\x00\x03SEGMENT1abc\x00"
FIELD = {"offset": 0, "length": 2, "encoding": "text", "code_page": "ascii"}


def described(payload: bytes) -> bytes:
    """Return a record with its descriptor word."""
    return (len(payload) + 4).to_bytes(2, "big") + b"\0\0" + payload


def take(batches: Iterable[RecordBatch], *, into: list[bytes]) -> None:
    """Append the records that are read, as far as that goes."""
    for batch in batches:
        into += batch


BROKEN: list[tuple[Mapping[str, Any], bytes, str, int, int | None, int, str]] = [
    # options, bytes, code, offset, ordinal, records before it, part of the message
    ({"lrecl": 3}, b"abcabca", "remainder", 6, 2, 2, "records of 3 bytes up to the end at byte 6 (record 2), found 1"),
    ({"lrecl": 3, "header_bytes": 1}, b"Habcab", "remainder", 4, 1, 1, "found 2 bytes left over"),
    ({"recfm": "V"}, BIG + b"\0\0\0\0", "length", 6, 1, 1, "of 5 to 65535 bytes, itself included"),
    ({"recfm": "V"}, BIG + b"\0\4\0\0", "length", 6, 1, 1, "found 00040000"),
    ({"recfm": "V"}, BIG + b"\0\7\0\1abc", "reserved", 6, 1, 1, "zeros in the bits 0000ffff"),
    ({"recfm": "V"}, BIG + b"\0\7\0\0ab", "truncated", 6, 1, 1, "a record of 7 bytes, of which 6 are there"),
    ({"recfm": "V"}, BIG + b"\0\7\0", "truncated", 6, 1, 1, "a record descriptor word of 4 bytes at byte 6"),
    ({"recfm": "V", "lrecl": 5}, BIG, "length", 0, 0, 0, "of 5 to 5 bytes"),
    ({"recfm": "V", "max_record_bytes": 1}, BIG, "length", 0, 0, 0, "of 5 to 5 bytes"),
    ({"recfm": "V", "rdw": "little"}, BIG, "reserved", 0, 0, 0, "found 00060000"),
    ({"recfm": "V", "rdw_includes_header": False}, BIG, "truncated", 0, 0, 0, "a record of 10 bytes, of which 6"),
    ({"recfm": "VB"}, VB + b"\0\0\0\0", "block", 10, 1, 1, "a block of 5 to 1048576 bytes"),
    ({"recfm": "VB"}, VB + b"\0\x0a\1\0" + BIG, "block", 10, 1, 1, "found 000a0100"),
    ({"recfm": "VB"}, VB + b"\x80\x80\0\0" + BIG, "block", 10, 1, 1, "found 80800000"),
    ({"recfm": "VB"}, VB + VB[:-1], "truncated", 10, 1, 1, "a block of 10 bytes, of which 9 are there"),
    ({"recfm": "VB"}, VB + VB[:2], "truncated", 10, 1, 1, "a whole block"),
    ({"recfm": "VB"}, VB + b"\0\x0b\0\0" + BIG + b"x", "truncated", 20, 2, 2, "found 78"),
    ({"recfm": "VB"}, VB + b"\0\x09\0\0" + BIG, "truncated", 14, 1, 1, "a record of 6 bytes, of which 5"),
    ({"recfm": "FB", "lrecl": 4, "bdw": "big"}, b"\0\x0a\0\0abcdef", "block", 8, 1, 1, "found 2 bytes left over"),
    ({"recfm": "VBS"}, LAST, "segment", 4, 0, 0, "a whole record (0) or a first segment (1) at byte 4"),
    ({"recfm": "VBS"}, MIDDLE, "segment", 4, 0, 0, "found 00060300"),
    ({"recfm": "VBS"}, VB + FIRST + FIRST, "segment", 24, 1, 1, "a middle (3) or last (2) segment"),
    ({"recfm": "VBS"}, VB + FIRST + VB, "segment", 24, 1, 1, "found 00060000"),
    ({"recfm": "VBS"}, FIRST + MIDDLE, "truncated", 20, 0, 0, "the last segment of a spanned record"),
    ({"recfm": "VBS", "lrecl": 9}, FIRST + MIDDLE + LAST, "length", 24, 0, 0, "a record of 1 to 5 bytes"),
    ({"recfm": "VBS"}, b"\0\x0a\0\0\0\6\4\0ab", "reserved", 4, 0, 0, "the bits 0000fcff"),
    ({"recfm": "LS"}, b"ab\ncd", "truncated", 3, 1, 1, "a line end 0a after the last line"),
    ({"recfm": "LS", "lrecl": 3}, b"ab\ncdef\n", "line", 3, 1, 1, "a line of at most 3 bytes"),
    ({"recfm": "LS", "line_end": "lf", "max_record_bytes": 3}, b"ab\ncdefg", "line", 3, 1, 1, "found 5 bytes"),
    ({"recfm": "none", "length_field": FIELD}, b"03a00b", "length", 3, 1, 1, "of 1 to 1048576 bytes, not 0"),
    ({"recfm": "none", "length_field": FIELD}, b"03axxb", "length", 3, 1, 1, "a length in digits"),
    ({"recfm": "none", "length_field": FIELD}, b"03a05b", "truncated", 3, 1, 1, "of which 3 are there"),
    ({"recfm": "none", "length_field": FIELD}, b"03a0", "length", 3, 1, 1, "a length field at bytes 0 to 1"),
    ({"recfm": "none", "length_field": {**FIELD, "map": {"AB": 3}}}, b"ABaAC", "length", 3, 1, 1, "one of 'AB'"),
    ({"recfm": "V", "ims_hd_unload": True}, described(IMS) + described(IMS[:-2]), "prefix", 22, 1, 1, "an IMS segment"),
    ({"recfm": "V", "ims_hd_unload": True}, described(b"\x10" + IMS[1:]), "prefix", 0, 0, 0, "found 1080000e0003"),
    ({"recfm": "V", "ims_hd_unload": True}, described(b"short"), "prefix", 0, 0, 0, "found 73686f7274"),
    ({"recfm": "V", "ims_hd_unload": True}, described(IMS[:-1] + b"x"), "prefix", 0, 0, 0, "an IMS segment"),
    ({"recfm": "V", "ims_hd_unload": True}, described(IMS + b"\0"), "prefix", 0, 0, 0, "an IMS segment"),
    ({"recfm": "V", "footer_bytes": 9}, BIG, "truncated", 0, None, 0, "a footer of 9 bytes"),
    ({"recfm": "V", "header_bytes": 9}, BIG, "truncated", 9, 0, 0, "found 6 bytes"),
    ({"recfm": "V", "trailer_records": 2}, BIG, "records", 6, 1, 0, "0 header and 2 trailer records"),
]


@pytest.mark.parametrize("chunk_bytes", [1, 5, 1000])
@pytest.mark.parametrize(
    ("options", "data", "code", "offset", "ordinal", "before", "text"), BROKEN, ids=[f"{b[2]}-{b[3]}" for b in BROKEN]
)
def test_a_broken_file_names_the_place(
    options: Mapping[str, Any],
    data: bytes,
    code: str,
    offset: int,
    ordinal: int | None,
    before: int,
    text: str,
    chunk_bytes: int,
) -> None:
    read_ = list[bytes]()

    with pytest.raises(FramingError) as caught:
        take(read(data, Framing(**options), chunk_bytes=chunk_bytes), into=read_)

    assert (caught.value.code, caught.value.offset, caught.value.ordinal) == (code, offset, ordinal)
    assert text in str(caught.value)
    assert len(read_) == before


def test_every_code_is_shown_here_or_with_compression() -> None:
    assert {code for _, _, code, *_ in BROKEN} >= {"truncated", "length", "reserved", "block", "segment", "remainder"}
    assert {code for _, _, code, *_ in BROKEN} >= {"line", "prefix", "records"}


def test_a_plug_in_refuses_a_header_by_its_own_words() -> None:
    data = b"\xaa\x02ab\xbb\x01x\xaa\x01c\x00\x01d"
    read_ = list[bytes]()
    with pytest.raises(FramingError, match=r"header: expected a mark of 0xAA or 0xBB at byte 10 \(record 2\)"):
        take(read(data, Framing(recfm=Recfm.NONE), record_header=Counted()), into=read_)
    assert read_ == [b"ab", b"c"]


def test_the_records_of_other_blocks_are_read_where_that_is_declared() -> None:
    """The block's own length tells where the next one begins; nothing is looked for."""
    bad = b"\x00\x10\x00\x00" + BIG + b"\x00\x03\x00\x00zz"
    framing = Framing(recfm=Recfm.VB, resync=True)

    batches = list(read(VB + bad + VB, framing, chunk_bytes=1000))

    assert [record for batch in batches for record in batch] == [b"ab", b"ab", b"ab"]
    assert [(e.code, e.offset, e.ordinal) for batch in batches for e in batch.errors] == [("length", 20, 2)]
    with pytest.raises(FramingError, match="block"):
        list(read(VB + b"\0\0\0\0" + VB, framing))


def test_an_error_is_reported_once_though_trailers_are_held_back() -> None:
    bad = b"\x00\x0a\x00\x00\x00\x03\x00\x00zz"
    framing = Framing(recfm=Recfm.VB, resync=True, header_records=1, trailer_records=1)

    batches = list(read(VB + bad + VB + VB, framing))

    assert [(batch.role.value, list(batch), len(batch.errors)) for batch in batches] == [
        ("header", [b"ab"], 1),
        ("data", [b"ab"], 0),
        ("trailer", [b"ab"], 0),
    ]


def test_a_segment_that_its_word_can_not_tell_ends_its_block() -> None:
    """Two segments of one record never stand in one block, however long it may be."""
    framing = Framing(recfm=Recfm.VBS, block_bytes=200_000)

    data = b"".join(write([bytes(100_000)], framing))

    assert data[:8].hex() == "80010003" + "ffff0100"
    assert len(data) == 100_000 + 2 * 8
    assert data[65_539:65_547].hex() == f"8000{34_469 + 8:04x}{34_469 + 4:04x}0200"


def test_lines_may_end_in_either_way() -> None:
    framing = Framing(recfm=Recfm.LS, line_end=LineEnd.LF_OR_CRLF)

    for chunk_bytes in (1, 2, 3, 1000):
        batches = read(b"\r\nab\ncd\r\n\n\re\n", framing, chunk_bytes=chunk_bytes)
        assert [record for batch in batches for record in batch] == [b"", b"ab", b"cd", b"", b"\re"]


def test_a_spanned_record_that_an_error_cuts_is_left_out_as_a_whole() -> None:
    """Its later segments are errors of their own: what stands at its place is told from what does not."""
    bad = b"\x00\x0a\x00\x00\x00\x06\x04\x00zz"
    framing = Framing(recfm=Recfm.VBS, resync=True)

    for chunk_bytes in (1, 30, 1000):
        batches = list(read(VB + FIRST + bad + MIDDLE + LAST + VB, framing, chunk_bytes=chunk_bytes))
        assert [record for batch in batches for record in batch] == [b"ab", b"ab"]
        errors = [(e.code, e.offset, e.ordinal) for batch in batches for e in batch.errors]
        assert errors == [("reserved", 24, 1), ("segment", 34, 1), ("segment", 44, 1)]


@pytest.mark.parametrize("cut", [VB, FIRST])
def test_a_record_without_its_end_is_left_out_and_the_next_one_read(cut: bytes) -> None:
    framing = Framing(recfm=Recfm.VBS, resync=True)
    data = FIRST + cut + (LAST if cut is FIRST else b"") + VB

    [batch] = read(data, framing)

    assert list(batch) == [b"abab" if cut is FIRST else b"ab", b"ab"]
    assert [(e.code, e.offset) for e in batch.errors] == [("segment", 14)]


@pytest.mark.parametrize(
    ("options", "data", "errors"),
    [
        ({"recfm": "VB"}, b"\0\6\0\0\0\0" * 5000, 1000),
        ({"recfm": "VBS"}, LAST * 5000, 1000),
        ({"recfm": "LS", "lrecl": 1}, b"abc\n" * 5000, 1000),
    ],
)
def test_a_file_of_errors_ends(options: Mapping[str, Any], data: bytes, errors: int) -> None:
    batches = read(data, Framing(**options, resync=True))

    assert len(next(batches).errors) == errors
    with pytest.raises(FramingError):
        next(batches)


@pytest.mark.parametrize("chunk_bytes", [1, 4, 1000])
def test_lines_that_are_too_long_are_passed_over_where_that_is_declared(chunk_bytes: int) -> None:
    framing = Framing(recfm=Recfm.LS, lrecl=3, resync=True)

    batches = list(read(b"ab\ncdefgh\nijk\n", framing, chunk_bytes=chunk_bytes))

    assert [record for batch in batches for record in batch] == [b"ab ", b"ijk"]
    assert [(e.code, e.offset, e.ordinal) for batch in batches for e in batch.errors] == [("line", 3, 1)]


@pytest.mark.parametrize("recfm", ["F", "FB"])
def test_records_of_one_length_must_be_told_it(recfm: str) -> None:
    """In a description it may be the copybook that tells it, so the model alone takes none for none."""
    framing = Framing.model_validate({"recfm": recfm})

    for refused in (lambda: read(b"abc", framing), lambda: write([b"abc"], framing)):
        with pytest.raises(ConfigError, match=f"lrecl: recfm {recfm} needs the length of a record"):
            refused()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"recfm": "F", "lrecl": 3, "rdw": "little"}, "rdw: recfm F has none"),
        ({"recfm": "V", "bdw": "big"}, "bdw: recfm V has none"),
        ({"recfm": "VBS", "rdw_adjust": 1}, "rdw_adjust: recfm VBS has none"),
        ({"recfm": "LS", "pad": 64}, "pad: recfm LS has none"),
        ({"recfm": "F", "lrecl": 3, "resync": True}, "resync: recfm F has none"),
        ({"recfm": "V", "lrecl": 4}, "at least 5"),
        ({"recfm": "F", "lrecl": 2**21}, "more than max_record_bytes"),
        ({"recfm": "FB", "lrecl": 20, "bdw": "big", "block_bytes": 20}, "less than one record"),
        ({"recfm": "none", "length_field": FIELD, "record_header": "x"}, "at most one of them"),
        ({"recfm": "none", "length_field": {**FIELD, "map": {}, "expression": "+1"}}, "at most one of them"),
        ({"recfm": "none", "length_field": {"offset": 0, "length": 9}}, "at most 8 bytes"),
        ({"recfm": "F", "lrecl": 3, "lrec": 3}, "Extra inputs are not permitted"),
    ],
)
def test_a_framing_that_makes_no_sense_is_refused(options: Mapping[str, Any], text: str) -> None:
    """An option that has no meaning for the format is a mistake, not a wish that is ignored."""
    with pytest.raises(ValidationError, match=text):
        Framing(**options)


@pytest.mark.parametrize(
    ("options", "record", "text"),
    [
        ({"lrecl": 3}, b"ab", "a record of 3 bytes at byte 3 (record 1), found 2 bytes"),
        ({"lrecl": 3, "pad": 64}, b"abcd", "a record of 3 bytes or fewer"),
        ({"recfm": "V"}, b"", "a record of 1 to 65531 bytes"),
        ({"recfm": "V"}, bytes(65_532), "a record of 1 to 65531 bytes"),
        ({"recfm": "VB", "block_bytes": 20}, bytes(13), "a record that fits a block of 20 bytes"),
        ({"recfm": "VBS", "lrecl": 10}, bytes(7), "a record of 1 to 6 bytes"),
        ({"recfm": "LS"}, b"a\nb", "a line without the line end 0a in it"),
        ({"recfm": "LS", "lrecl": 3}, b"abcd", "a line of at most 3 bytes"),
        ({"recfm": "none", "length_field": FIELD}, b"05abcd", "the length that the record itself tells, 5"),
    ],
)
def test_a_record_that_does_not_fit_is_not_written(options: Mapping[str, Any], record: bytes, text: str) -> None:
    fits = b"03a" if "length_field" in options else b"abc"

    with pytest.raises(FramingError) as caught:
        list(write([fits, record], Framing(**options)))

    assert (caught.value.code, caught.value.ordinal) == ("length", 1)
    assert text in str(caught.value)


def test_what_can_not_be_written_is_said_before_anything_is() -> None:
    framing = Framing(recfm=Recfm.V, ims_hd_unload=True, header_bytes=2, compression=Compression.AUTO)

    with pytest.raises(ConfigError) as caught:
        write([], framing)

    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "header_bytes",
        "compression",
        "ims_hd_unload",
    ]


def test_without_anything_that_tells_a_length_nothing_is_read() -> None:
    framing = Framing(recfm=Recfm.NONE)

    with pytest.raises(ConfigError, match="one of length_field, record_header and a copybook"):
        read(b"", framing)
    with pytest.raises(ConfigError, match=r"no plug-in 'nobody' in the group banyan\.framing\.v1"):
        read(b"", Framing(recfm=Recfm.NONE, record_header="nobody"))


def test_a_place_behind_the_end_is_no_place() -> None:
    with pytest.raises(FramingError, match="truncated: expected this place at byte 12"):
        list(read(io.BytesIO(BIG), Framing(recfm=Recfm.V), start=Position(offset=12, ordinal=2)))
