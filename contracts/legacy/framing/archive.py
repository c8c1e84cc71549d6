"""Zip archives of one file."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from io import SEEK_END
from struct import Struct
from typing import IO, BinaryIO, Final, cast, final

from contracts.legacy.framing.growth import Growth
from contracts.legacy.framing.source import Reads
from contracts.legacy.framing.spec import Framing

__all__ = ["unzip", "zip_"]

_MAX_DIRECTORY_BYTES: Final = 2**20
_CORRUPT: Final = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError)
"""What the library raises on bytes that it does not understand."""


@final
class _Unzipped:
    def __init__(self, member: IO[bytes], packed_bytes: int, framing: Framing) -> None:
        self._member, self._packed_bytes = member, packed_bytes
        self._growth = Growth(framing)

    def read(self, size: int, /) -> bytes:
        try:
            data = self._member.read(size)
        except _CORRUPT as error:
            raise self._growth.error("compression", "zip data", str(error)) from error
        self._growth.add(len(data), of=self._packed_bytes)
        return data


def unzip(stream: BinaryIO, framing: Framing) -> Reads:
    """Return what reads the one file of an archive.

    Raises:
        FramingError: It is no archive of one file that is stored or deflated, or can't be sought in.
    """
    growth = Growth(framing)
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


def _check_directory(stream: BinaryIO, growth: Growth) -> None:
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


def zip_(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield an archive of one file, `data`, that has no time: the same bytes each time."""
    sink = _Sink()
    with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("data")
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
