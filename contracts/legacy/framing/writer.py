"""From records to the bytes of a file."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from contracts.errors import ConfigError, FramingError
from contracts.legacy.framing.compression import compress
from contracts.legacy.framing.descriptor import WORD_BYTES, Block, Word
from contracts.legacy.framing.implied import LengthOf, measure_of
from contracts.legacy.framing.plugin import RecordHeader, load_header
from contracts.legacy.framing.spanned import Span
from contracts.legacy.framing.spec import Compression, Framing, LineEnd, Recfm

__all__ = ["write"]

_FLUSH_BYTES: Final = 2**18
Record = bytes | bytearray | memoryview


def write(
    records: Iterable[Record],
    framing: Framing,
    *,
    header: bytes = b"",
    footer: bytes = b"",
    length_of: LengthOf | None = None,
    record_header: RecordHeader | None = None,
) -> Iterator[bytes]:
    """Yield the bytes of a file that holds these records, in pieces of some hundred kilobytes.

    What `read` finds in a file is written back byte by byte, where the file is canonical: blocks filled as far as
    they go, lines with blanks at their ends as `trailing_blanks` says.

    Args:
        records: Without descriptor words, line ends or record headers; header and trailer records included.
        framing: How they are framed.
        header: The file's `header_bytes`.
        footer: The file's `footer_bytes`.
        length_of: As for reading: what a record says of its length must be its length.
        record_header: As for reading.

    Raises:
        ConfigError: The framing can't be written: an IMS unload, a compression that is `auto`, header or footer
            bytes of another length.
        FramingError: When iterated: a record does not fit the framing; names how many records went before.
    """
    problems = [
        f"{name}: expected {wanted} bytes, found {len(given)}"
        for name, given, wanted in (
            ("header_bytes", header, framing.header_bytes),
            ("footer_bytes", footer, framing.footer_bytes),
        )
        if len(given) != wanted
    ]
    if framing.compression is Compression.AUTO:
        problems.append("compression: expected none, gzip, bzip2, zip or zstd to write a file, found auto")
    if framing.ims_hd_unload:
        problems.append("ims_hd_unload: expected a format that can be written, found prefixes that only IMS makes")
    if problems:
        raise ConfigError(problems)
    framing.require_length()
    frame = _framer(framing, length_of=length_of, record_header=record_header)
    return compress(_gathered(_whole(header, frame(records), footer)), framing.compression)


def _whole(header: bytes, body: Iterator[bytes], footer: bytes) -> Iterator[bytes]:
    yield header
    yield from body
    yield footer


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield larger pieces, since a record may be a few bytes."""
    held, size = list[bytes](), 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _FLUSH_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)


_Framer = Callable[[Iterable[Record]], Iterator[bytes]]


def _framer(framing: Framing, *, length_of: LengthOf | None, record_header: RecordHeader | None) -> _Framer:
    if framing.recfm is Recfm.VB:
        return lambda records: _blocked(_each(records, framing, _described(framing)), framing)
    if framing.recfm is Recfm.VBS:
        return lambda records: _spanned(records, framing)
    if framing.recfm in {Recfm.F, Recfm.FB} and framing.bdw is not None:
        return lambda records: _blocked(_each(records, framing, _filled(framing)), framing)
    if framing.recfm is Recfm.NONE:
        one = _headed(framing, length_of=length_of, record_header=record_header)
    else:
        one = {Recfm.V: _described, Recfm.LS: _line}.get(framing.recfm, _filled)(framing)
    return lambda records: _each(records, framing, one)


_One = Callable[[bytes], bytes]
"""Frames one record; raises ValueError with what was expected."""


def _each(records: Iterable[Record], framing: Framing, one: _One) -> Iterator[bytes]:
    written = framing.header_bytes
    for ordinal, record in enumerate(records):
        try:
            framed = one(bytes(record))
        except ValueError as error:
            raise _unfit(record, str(error), written=written, ordinal=ordinal) from error
        written += len(framed)
        yield framed


def _unfit(record: Record, expected: str, *, written: int, ordinal: int) -> FramingError:
    return FramingError("length", offset=written, ordinal=ordinal, expected=expected, found=f"{len(record)} bytes")


def _filled(framing: Framing) -> _One:
    length, pad = framing.longest, framing.pad

    def one(record: bytes) -> bytes:
        if len(record) == length:
            return record
        if len(record) > length or pad is None:
            raise ValueError(f"a record of {length} bytes" + ("" if pad is None else " or fewer"))
        return record.ljust(length, bytes([pad]))

    return one


def _described(framing: Framing) -> _One:
    word = Word.of(framing)

    def one(record: bytes) -> bytes:
        return word.pack(len(record) + WORD_BYTES) + record

    return one


def _line(framing: Framing) -> _One:
    mark, longest = framing.line_end.mark, framing.longest
    blank = bytes([framing.line_end.blank])
    cut, maybe_cr = framing.trailing_blanks == "cut", framing.line_end is LineEnd.LF_OR_CRLF

    def one(record: bytes) -> bytes:
        if mark in record:
            raise ValueError(f"a line without the line end {mark.hex()} in it")
        if maybe_cr and record.endswith(b"\r"):
            raise ValueError("a line without 0d at its end, which would be read as a part of the line end")
        line = record.rstrip(blank) if cut else record
        if len(line) > longest:
            raise ValueError(f"a line of at most {longest} bytes")
        return line + mark

    return one


def _headed(framing: Framing, *, length_of: LengthOf | None, record_header: RecordHeader | None) -> _One:
    if record_header is None and framing.record_header is not None:
        record_header = load_header(framing.record_header)
    measure = measure_of(framing, length_of=length_of, record_header=record_header)

    def one(record: bytes) -> bytes:
        if not framing.min_record_bytes <= len(record) <= framing.longest:
            raise ValueError(f"a record of {framing.min_record_bytes} to {framing.longest} bytes")
        if record_header is not None:
            return record_header.write(record) + record
        extent = measure.extent(memoryview(record))
        if extent is None or extent.payload_bytes != len(record):
            said = "none" if extent is None else str(extent.payload_bytes)
            raise ValueError(f"the length that the record itself tells, {said}")
        return record

    return one


def _blocked(framed: Iterator[bytes], framing: Framing) -> Iterator[bytes]:
    words, most = Block.of(framing), framing.block_bytes - WORD_BYTES
    held, size, written = list[bytes](), 0, framing.header_bytes
    for ordinal, record in enumerate(framed):
        if len(record) > most:
            expected = f"a record that fits a block of {framing.block_bytes} bytes"
            raise _unfit(record, expected, written=written, ordinal=ordinal)
        if size + len(record) > most:
            yield words.pack(size + WORD_BYTES) + b"".join(held)
            written += size + WORD_BYTES
            held, size = [], 0
        held.append(record)
        size += len(record)
    if held:
        yield words.pack(size + WORD_BYTES) + b"".join(held)


def _spanned(records: Iterable[Record], framing: Framing) -> Iterator[bytes]:
    words, word = Block.of(framing), Word.of(framing, spanned=True)
    room, held = framing.block_bytes - WORD_BYTES, list[bytes]()
    for ordinal, record in enumerate(records):
        if not framing.min_record_bytes <= len(record) <= framing.longest:
            expected = f"a record of {framing.min_record_bytes} to {framing.longest} bytes"
            raise _unfit(record, expected, written=framing.header_bytes, ordinal=ordinal)
        rest, begun = bytes(record), False
        while rest or not begun:
            if begun or (held and room <= WORD_BYTES):
                yield _block(words, held)
                room, held = framing.block_bytes - WORD_BYTES, []
            most = min(room, word.most) - WORD_BYTES
            part, rest = rest[:most], rest[most:]
            held.append(word.pack(len(part) + WORD_BYTES, _span(begun=begun, ends=not rest)) + part)
            room -= len(held[-1])
            begun = True
    if held:
        yield _block(words, held)


def _span(*, begun: bool, ends: bool) -> Span:
    if ends:
        return Span.LAST if begun else Span.WHOLE
    return Span.MIDDLE if begun else Span.FIRST


def _block(words: Block, held: list[bytes]) -> bytes:
    body = b"".join(held)
    return words.pack(len(body) + WORD_BYTES) + body
