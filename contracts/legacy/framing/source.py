"""A window that moves over a stream: bounded memory, whatever the size of the file."""

from typing import Final, Protocol, final

from contracts.errors import FramingError

__all__ = ["CHUNK_BYTES", "Reads", "Source", "read_fully"]

CHUNK_BYTES: Final = 2**20


class Reads(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, and none at the end."""
        ...


def read_fully(stream: Reads, size: int) -> bytes:
    """Return so many bytes, and fewer only at the end of the stream."""
    data = stream.read(size)
    if len(data) == size or not data:
        return data
    parts = [data]
    missing = size - len(data)
    while missing and (data := stream.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


@final
class Source:
    """The bytes that are looked at now, without those of the file's footer.

    Args:
        stream: Stands where the window is to begin.
        base: How many bytes of the decompressed stream are before that.
        footer_bytes: How many bytes at the end are not handed out.
        chunk_bytes: How many bytes are read at a time.
    """

    def __init__(self, stream: Reads, *, base: int, footer_bytes: int = 0, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._stream, self._footer_bytes, self._chunk_bytes = stream, footer_bytes, chunk_bytes
        self._held = b""
        self._error: FramingError | None = None
        self.base = base
        """Where the window begins in the decompressed stream."""
        self.data = b""
        """The window."""
        self.ended = False
        """Whether nothing comes after the window."""
        self.advance(0)

    def advance(self, used: int) -> None:
        """Move the window's beginning by so many bytes, and its end by a chunk or more.

        Raises:
            FramingError: The stream ends before the whole footer, or is corrupt.
        """
        self.base += used
        rest = self.data[used:]
        # A record or block that does not fit yet doubles the window: growing by chunks would copy it again and again.
        more = b"" if self.ended else self._next(max(self._chunk_bytes, len(rest)), end=self.base + len(rest))
        self.data = rest + more if rest else more

    def _next(self, size: int, *, end: int) -> bytes:
        read = self._read(size)
        self.ended = len(read) < size and self._error is None
        if not self._footer_bytes:
            return read
        known = self._held + read
        if len(known) < self._footer_bytes and self.ended:
            expected = f"a footer of {self._footer_bytes} bytes"
            raise FramingError("truncated", offset=end, ordinal=None, expected=expected, found=f"{len(known)} bytes")
        cut = max(0, len(known) - self._footer_bytes)
        self._held = known[cut:]
        return known[:cut]

    def _read(self, size: int) -> bytes:
        """Return so many bytes; an error of the stream waits until what was read before it has been looked at."""
        if self._error is not None:
            raise self._error
        parts, missing = list[bytes](), size
        try:
            while missing and (data := self._stream.read(missing)):
                parts.append(data)
                missing -= len(data)
        except FramingError as error:
            self._error = error
        return parts[0] if len(parts) == 1 else b"".join(parts)
