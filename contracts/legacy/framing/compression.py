"""Compressed files, read within limits and written.

Every error's offset counts the bytes that were decompressed before it.
"""

import bz2
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import SEEK_END
from struct import Struct
from typing import IO, BinaryIO, Final, Protocol, cast, final

from contracts.errors import ConfigError, FramingCode, FramingError
from contracts.legacy.framing.source import Reads, read_fully
from contracts.legacy.framing.spec import Compression, Framing

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["compress", "decompress", "detect"]

_READ_BYTES: Final = 2**16
_LOOK_FROM: Final = 2**24
_MAX_DIRECTORY_BYTES: Final = 2**20
_WINDOW_LOG: Final = 27  # what the zstd command reads without being asked; bounds the memory
_MAGIC: Final = {
    Compression.GZIP: b"\x1f\x8b\x08",
    Compression.BZIP2: b"BZh",
    Compression.ZIP: b"PK\x03\x04",
    Compression.ZSTD: b"\x28\xb5\x2f\xfd",
}
_CORRUPT: Final = (zlib.error, OSError, EOFError, ValueError, zstd.ZstdError, zipfile.BadZipFile, NotImplementedError)
"""What the libraries raise on bytes that they do not understand."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int) -> bytes: ...


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def detect(head: bytes) -> Compression:
    """Tell the compression of a file by its first four bytes."""
    return next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), Compression.NONE)


def decompress(stream: BinaryIO, framing: Framing) -> Reads:
    """Return what reads the decompressed bytes of a stream that stands at its beginning.

    Raises:
        FramingError: It is no archive of one file; when read: what is compressed is corrupt, cut off, followed by
            something else, or grows beyond the limits.
    """
    kind, source = framing.compression, cast("Reads", stream)
    if kind is Compression.AUTO:
        head = stream.read(4)
        kind, source = detect(head), _Rest(head, stream)
        if kind is Compression.ZIP and stream.seekable():
            stream.seek(0)
    if kind is Compression.NONE:
        return source
    if kind is Compression.ZIP:
        return _unzip(stream, framing)
    return _Members(source, kind, framing)


def compress(chunks: Iterable[bytes], kind: Compression) -> Iterator[bytes]:
    """Return the compressed bytes of some chunks; `auto` is not for writing.

    Raises:
        ConfigError: The compression is `auto`.
    """
    if kind is Compression.AUTO:
        raise ConfigError(["compression: expected none, gzip, bzip2, zip or zstd to write a file, found auto"])
    if kind is Compression.NONE:
        return iter(chunks)
    return _zip(chunks) if kind is Compression.ZIP else _compressed(chunks, _COMPRESSORS[kind]())


def _compressed(chunks: Iterable[bytes], compressor: _Compressor) -> Iterator[bytes]:
    yield from filter(None, map(compressor.compress, chunks))
    yield compressor.flush()


_COMPRESSORS: Final[dict[Compression, Callable[[], _Compressor]]] = {
    Compression.GZIP: lambda: zlib.compressobj(wbits=31),
    Compression.BZIP2: bz2.BZ2Compressor,
    Compression.ZSTD: lambda: zstd.ZstdCompressor(options={zstd.CompressionParameter.checksum_flag: 1}),
}


@final
class _Rest:
    """A stream of which the first bytes were read already."""

    def __init__(self, head: bytes, stream: Reads) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int, /) -> bytes:
        head, self._head = self._head[:size], self._head[size:]
        return head or self._stream.read(size)


@final
class _Gunzip:
    """Zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not (self._zlib.unconsumed_tail or self._full)

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._full = len(out) == max_length
        return out


def _zstd() -> _Decompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})


_DECOMPRESSORS: Final[dict[Compression, Callable[[], _Decompressor]]] = {
    Compression.GZIP: _Gunzip,
    Compression.BZIP2: bz2.BZ2Decompressor,
    Compression.ZSTD: _zstd,
}


@final
class _Growth:
    """How far a stream has grown, and how far it may."""

    def __init__(self, framing: Framing) -> None:
        self._most, self._times = framing.max_decompressed_bytes, framing.max_expansion
        self.bytes = 0

    def add(self, found: int, *, of: int) -> None:
        """Count bytes that came out, given all that went in."""
        self.bytes += found
        if self.bytes > self._most:
            raise self.error("bomb", f"at most {self._most} bytes (max_decompressed_bytes)", "more")
        if self.bytes > _LOOK_FROM and self.bytes > of * self._times:
            raise self.error("bomb", f"at most {self._times} times its size (max_expansion)", f"{of} bytes read so far")

    def error(self, code: FramingCode, expected: str, found: str) -> FramingError:
        """Return an error at the place that was reached."""
        return FramingError(code, offset=self.bytes, ordinal=None, expected=expected, found=found)


@final
class _Members:
    """Decompressed members (gzip), streams (bzip2) or frames (zstd), one after the other."""

    def __init__(self, source: Reads, kind: Compression, framing: Framing) -> None:
        self._source, self._kind = source, kind
        self._growth = _Growth(framing)
        self._decompressor = _DECOMPRESSORS[kind]()
        self._taken, self._begun, self._ended = 0, False, False

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            data = self._take() if self._decompressor.needs_input or not self._begun else b""
            out = self._decompress(data, size)
            self._growth.add(len(out), of=self._taken)
            if self._decompressor.eof:
                self._following()
            if out:
                return out
        return b""

    def _take(self) -> bytes:
        data = self._source.read(_READ_BYTES)
        if not data:
            raise self._growth.error("truncated", f"the end of the {self._kind} data", "the end of the file")
        self._taken += len(data)
        self._begun = True
        return data

    def _decompress(self, data: bytes, size: int) -> bytes:
        try:
            return self._decompressor.decompress(data, size)
        except _CORRUPT as error:
            raise self._growth.error("compression", f"{self._kind} data", str(error)) from error

    def _following(self) -> None:
        """Begin with the next member, or end."""
        data = self._decompressor.unused_data or self._source.read(_READ_BYTES)
        if not data:
            self._ended = True
            return
        magic = _MAGIC[self._kind]
        if len(data) < len(magic):
            data += read_fully(self._source, len(magic))
        if not data.startswith(magic):
            raise self._growth.error("trailing", f"nothing after the {self._kind} data", data[:8].hex())
        self._decompressor = _DECOMPRESSORS[self._kind]()
        self._source, self._begun = _Rest(data, self._source), False
        self._taken -= len(data)


@final
class _Unzipped:
    def __init__(self, member: IO[bytes], packed_bytes: int, framing: Framing) -> None:
        self._member, self._packed_bytes = member, packed_bytes
        self._growth = _Growth(framing)

    def read(self, size: int, /) -> bytes:
        try:
            data = self._member.read(size)
        except _CORRUPT as error:
            raise self._growth.error("compression", "zip data", str(error)) from error
        self._growth.add(len(data), of=self._packed_bytes)
        return data


def _unzip(stream: BinaryIO, framing: Framing) -> Reads:
    growth = _Growth(framing)
    if not stream.seekable():
        raise growth.error("compression", "a stream that can be sought in, as zip needs it", "one that can't")
    _check_directory(stream, growth)
    try:
        archive = zipfile.ZipFile(stream)
        files = [info for info in archive.infolist() if not info.is_dir()]
        if len(files) != 1:
            raise growth.error("compression", "a zip archive of one file", f"{len(files)} files")
        if files[0].flag_bits & 1 or files[0].compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise growth.error("compression", "a file that is stored or deflated, not encrypted", "another")
        return _Unzipped(archive.open(files[0]), files[0].compress_size, framing)
    except _CORRUPT as error:
        raise growth.error("compression", "a zip archive", str(error)) from error


def _check_directory(stream: BinaryIO, growth: _Growth) -> None:
    """Refuse an archive whose directory would fill the memory."""
    size = stream.seek(0, SEEK_END)
    stream.seek(max(0, size - _DIRECTORY_END.size - 2**16))
    tail = stream.read(_DIRECTORY_END.size + 2**16)
    place = tail.rfind(b"PK\x05\x06", 0, len(tail) - _DIRECTORY_END.size + 4)
    if place < 0:
        raise growth.error("truncated", "the directory at the end of a zip archive", tail[-8:].hex())
    directory_bytes, _, comment_bytes = _DIRECTORY_END.unpack_from(tail, place)
    if directory_bytes > _MAX_DIRECTORY_BYTES:
        raise growth.error("bomb", f"a directory of at most {_MAX_DIRECTORY_BYTES} bytes", f"{directory_bytes}")
    if place + _DIRECTORY_END.size + comment_bytes != len(tail):
        raise growth.error("trailing", "nothing after the zip archive", tail[-8:].hex())
    stream.seek(0)


_DIRECTORY_END: Final = Struct("<12xIIH")
"""Of the end record: size and offset of the directory, length of the comment."""


def _zip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("data")  # without a time: the same bytes each time
        entry.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(entry, "w", force_zip64=True) as member:
            for chunk in chunks:
                member.write(chunk)
                yield from sink.taken()
    yield from sink.taken()


@final
class _Sink:
    """Takes what zipfile writes; it can't be sought in, so that zipfile never goes back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is written is taken at once."""

    def taken(self) -> list[bytes]:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return parts
