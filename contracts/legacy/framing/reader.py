"""From the bytes of a file to its records."""

from collections.abc import Iterator
from functools import partial
from io import SEEK_END, BytesIO
from typing import BinaryIO, Final, Protocol

from contracts.errors import FramingError
from contracts.legacy.framing.batch import Position, RecordBatch
from contracts.legacy.framing.blocked import read_blocked
from contracts.legacy.framing.compression import decompress, detect
from contracts.legacy.framing.fixed import read_fixed
from contracts.legacy.framing.implied import LengthOf, measure_of, read_implied
from contracts.legacy.framing.ims import without_prefix
from contracts.legacy.framing.line import read_lines
from contracts.legacy.framing.plugin import RecordHeader
from contracts.legacy.framing.role import with_roles
from contracts.legacy.framing.source import CHUNK_BYTES, Reads, Source, read_fully
from contracts.legacy.framing.spanned import read_spanned
from contracts.legacy.framing.spec import Compression, Framing, Recfm
from contracts.legacy.framing.variable import read_variable

__all__ = ["read"]

_START: Final = Position()


class _Read(Protocol):
    def __call__(self, source: Source, framing: Framing, at: Position) -> Iterator[RecordBatch]: ...


def read(
    file: bytes | BinaryIO,
    framing: Framing,
    *,
    start: Position = _START,
    length_of: LengthOf | None = None,
    record_header: RecordHeader | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[RecordBatch]:
    """Yield the records of a file in batches of about a chunk each.

    The memory in use is some chunks, records or blocks, whatever the size of the file. A framing error ends the
    reading at its place, unless `framing.resync` says that the format tells where to go on; the records before
    it are yielded before it is raised (of corrupt compressed data: as many as could be decompressed).

    Args:
        file: The bytes, or a stream of the whole file; one that can't be sought in stands at the beginning. It is
            not closed.
        framing: How it is cut.
        start: `next` of an earlier batch, which reading goes on from. A stream that can be sought in and is not
            compressed goes there at once; of any other, what comes before is read again.
        length_of: For `recfm` none: what tells a record's length, where the copybook does.
        record_header: For `recfm` none: a plug-in, instead of the one that is named.
        chunk_bytes: Bytes that are read at a time.

    Raises:
        ConfigError: The framing needs a plug-in or a length that is not given.
        FramingError: When iterated: the bytes are not framed so.
    """
    reader = _reader(framing, length_of=length_of, record_header=record_header)
    stream = BytesIO(file) if isinstance(file, bytes) else file
    return _batches(stream, framing, start, reader=reader, chunk_bytes=chunk_bytes)


def _reader(framing: Framing, *, length_of: LengthOf | None, record_header: RecordHeader | None) -> _Read:
    framing.require_length()
    if framing.recfm is Recfm.NONE:
        return partial(read_implied, measure=measure_of(framing, length_of=length_of, record_header=record_header))
    blocks = framing.recfm is Recfm.FB and framing.bdw is not None
    return read_blocked if blocks else _READERS[framing.recfm]


_READERS: Final[dict[Recfm, _Read]] = {
    Recfm.F: read_fixed,
    Recfm.FB: read_fixed,
    Recfm.V: read_variable,
    Recfm.VB: read_blocked,
    Recfm.VBS: read_spanned,
    Recfm.LS: read_lines,
}


def _batches(
    stream: BinaryIO, framing: Framing, start: Position, *, reader: _Read, chunk_bytes: int
) -> Iterator[RecordBatch]:
    at = start if start.offset else Position(offset=framing.header_bytes)
    source = Source(
        _at(stream, framing, at), base=at.offset, footer_bytes=framing.footer_bytes, chunk_bytes=chunk_bytes
    )
    batches = reader(source, framing, at)
    if framing.ims_hd_unload:
        batches = without_prefix(batches)
    if framing.header_records or framing.trailer_records:
        batches = with_roles(batches, framing, at)
    yield from batches


def _at(stream: BinaryIO, framing: Framing, at: Position) -> Reads:
    """Return what reads the decompressed bytes from a place on."""
    if framing.compression is Compression.AUTO and stream.seekable():
        stream.seek(0)
        framing = framing.model_copy(update={"compression": detect(stream.read(4))})
        stream.seek(0)
    if framing.compression is Compression.NONE and stream.seekable():
        missing = at.offset - stream.seek(0, SEEK_END)
        stream.seek(at.offset)
        reads: Reads = stream
    else:
        reads, missing = decompress(stream, framing), at.offset
        while missing and (skipped := len(read_fully(reads, min(missing, CHUNK_BYTES)))):
            missing -= skipped
    if missing > 0:
        found = f"{at.offset - missing} bytes"
        raise FramingError("truncated", offset=at.offset, ordinal=at.ordinal, expected="this place", found=found)
    return reads
