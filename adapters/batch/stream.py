"""A file at a location as a stream of bytes, for those who read streams."""

from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from typing import BinaryIO, cast

from typing_extensions import Buffer

from adapters.batch.location import Reader

__all__ = ["stream_of"]


def stream_of(reader: Reader) -> BinaryIO:
    """Return the file as a stream."""
    return cast("BinaryIO", _FileStream(reader))


class _FileStream(RawIOBase):
    """Reads a file as it was found; raises what its reader raises."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader, self._size, self._at = reader, reader.candidate.size_bytes, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        """Go to a place."""
        self._at = offset + {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Buffer, /) -> int:
        """Read into a buffer, as many bytes as it has room for; fewer only at the end."""
        with memoryview(buffer) as view:
            size = max(0, min(len(view), self._size - self._at))
            if size:
                view[:size] = self._reader.read(self._at, size)
        self._at += size
        return size
