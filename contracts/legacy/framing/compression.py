"""Compressed files, read within limits and written.

Every error's offset counts the bytes that were decompressed before it.
"""

import bz2
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, Protocol, cast, final

from contracts.errors import ConfigError
from contracts.legacy.framing.archive import unzip, zip_
from contracts.legacy.framing.growth import Growth
from contracts.legacy.framing.source import Reads, read_fully
from contracts.legacy.framing.spec import Compression, Framing

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["compress", "decompress", "detect"]

_READ_BYTES: Final = 2**16
_WINDOW_LOG: Final = 27  # what the zstd command reads without being asked; bounds the memory
_MAGIC: Final = {
    Compression.GZIP: b"\x1f\x8b\x08",
    Compression.BZIP2: b"BZh",
    Compression.ZIP: b"PK\x03\x04",
    Compression.ZSTD: b"\x28\xb5\x2f\xfd",
}
_CORRUPT: Final = (zlib.error, OSError, EOFError, ValueError, zstd.ZstdError)
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
    if kind is Compression.NONE:
        return source
    if kind is Compression.ZIP:
        return unzip(stream, framing)
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
    return zip_(chunks) if kind is Compression.ZIP else _compressed(chunks, _COMPRESSORS[kind]())


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
class _Members:
    """Decompressed members (gzip), streams (bzip2) or frames (zstd), one after the other."""

    def __init__(self, source: Reads, kind: Compression, framing: Framing) -> None:
        self._source, self._kind = source, kind
        self._growth = Growth(framing)
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
