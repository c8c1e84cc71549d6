"""Reads a chunked body, strictly (RFC 9112 section 7.1): what could end elsewhere for somebody else is refused."""

import re
from typing import Final, final

__all__ = ["LAST_CHUNK", "ChunkError", "ChunkReader", "chunk"]

LAST_CHUNK: Final = b"0\r\n\r\n"
_LINE_BYTES: Final = 256
_TRAILER_BYTES: Final = 8_192
# Extensions are allowed and dropped; what is none could end elsewhere for somebody.
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = rb'"(?:[\t !#-\[\]-~]|\\[\t -~])*"'
_EXTENSION: Final = rb"[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?" % (_TOKEN, _TOKEN, _QUOTED)
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,12})(?:%b)*" % _EXTENSION)
_TRAILER: Final = re.compile(_TOKEN + rb":[\t -~\x80-\xff]*")


@final
class ChunkError(Exception):
    """The coding is broken, or beyond a bound; `reason` is one word."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def chunk(data: bytes) -> bytes:
    r"""Return data as one chunk; empty data would be the last one.

    >>> chunk(b"ten bytes!")
    b'a\r\nten bytes!\r\n'
    """
    return b"%x\r\n%b\r\n" % (len(data), data)


@final
class ChunkReader:
    r"""Takes the coding as it comes and gives the data.

    >>> reader = ChunkReader()
    >>> reader.feed(b"3\r\nabc\r\n0\r\n\r\nGET /"), reader.rest
    ([b'abc'], b'GET /')
    """

    __slots__ = ("_held", "_left", "_trailer_bytes", "rest", "trailers")

    def __init__(self) -> None:
        self._held = b""
        self._left = -1  # bytes of the chunk to come; -1: its size line; -2: the trailers
        self._trailer_bytes = 0
        self.rest: bytes | None = None
        """What follows the body; None until it has ended."""
        self.trailers: list[bytes] = []
        """Trailer field lines."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data in it; `rest` is set when the body has ended.

        Raises:
            ChunkError: The coding is broken.
        """
        if self._held:
            data, self._held = self._held + data, b""
        found: list[bytes] = []
        at = 0
        while self.rest is None:
            after = self._data(data, at, found) if self._left >= 0 else self._line(data, at)
            if after < 0:
                self._held = data[at:] if self._left < 0 else self._part(data[at:], found)
                break
            at = after
        return found

    def _data(self, data: bytes, at: int, found: list[bytes]) -> int:
        """Give a chunk and return where its line end ends; -1 when it is not all there."""
        end = at + self._left
        if len(data) < end + 2:
            return -1
        if data[end : end + 2] != b"\r\n":
            raise ChunkError("chunk_end")
        found.append(data[at:end])
        self._left = -1
        return end + 2

    def _part(self, data: bytes, found: list[bytes]) -> bytes:
        """Give what is there of a chunk that goes on, and return what waits: a whole one, for its line end."""
        if not 0 < len(data) < self._left:
            if not b"\r\n".startswith(data[self._left :]):
                raise ChunkError("chunk_end")
            return data
        found.append(data)
        self._left -= len(data)
        return b""

    def _line(self, data: bytes, at: int) -> int:
        """Read the line that begins here and return where its end ends; -1 when it is not all there."""
        end = data.find(b"\r\n", at)
        if end < 0:
            self._bounded(data[at:])
            return -1
        if self._left == -1:
            size = _SIZE.fullmatch(data, at, end) if end - at <= _LINE_BYTES else None
            if size is None:
                raise ChunkError("chunk_size")
            self._left = int(size[1], 16) or -2
        elif end == at:
            self.rest = data[end + 2 :]
        else:
            self._trailer(data[at:end])
        return end + 2

    def _bounded(self, waiting: bytes) -> None:
        if len(waiting) > (_LINE_BYTES if self._left == -1 else _TRAILER_BYTES):
            raise ChunkError("chunk_line")
        if b"\n" in waiting or b"\r" in waiting[:-1]:
            raise ChunkError("line_end")

    def _trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if self._trailer_bytes > _TRAILER_BYTES or not _TRAILER.fullmatch(line):
            raise ChunkError("trailer")
        self.trailers.append(line)
