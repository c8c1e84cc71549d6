"""The link between parent and worker: frames over a pair of local sockets.

A frame is the length of the rest (4 bytes, big-endian), its kind (1 byte) and its payload. Sending never waits: what
the other side does not read piles up here, so who sends much asks first whether the other is behind. The end of the
link is how either side learns that the other is gone.
"""

import asyncio
import struct
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import cast, final

from typing_extensions import override

__all__ = ["BACKLOG_BYTES", "FRAME_BYTES", "Decoder", "Kind", "Link", "encode"]

BACKLOG_BYTES = 4 * 1024**2
"""Unread bytes beyond which the other side is behind."""
FRAME_BYTES = 256 * 1024**2
"""Longest payload; a longer one is a mistake, and ends the link."""

_HEAD = struct.Struct(">IB")


class Kind(IntEnum):
    """What a frame says; first what the parent says, then what a worker says."""

    START = 1
    """JSON: all that a worker is told at start."""
    CHANGE = 2
    """The next ruleset, as a packed difference."""
    DRAIN = 3
    """Stop accepting, finish, flush, leave."""
    SNAPSHOT = 5
    """A whole ruleset, for a worker whose local copy was too old."""
    KEPT = 4
    """The oldest frame of in-doubt records that was not yet answered is on the disk."""
    TAKEN = 6
    """The captured calls before the oldest UNTIL that was not yet answered can't be lost any more, or were dropped."""
    READY = 16
    """It serves."""
    RUNS = 17
    """The ruleset version that decides from now on."""
    BEAT = 18
    """It lives, and has this many calls in flight."""
    TALLY = 19
    """Counters since the last one."""
    DECISIONS = 20
    """A pack of decision records."""
    IN_DOUBT = 21
    """In-doubt records; answered with KEPT."""
    BACKENDS = 22
    """JSON: how each backend is, where that has changed."""
    CAPTURED = 23
    """Calls of one route as they passed; see `accounting.captures.Captured`."""
    UNTIL = 24
    """What is captured from now on ended after this moment of the machine's steady clock; answered with TAKEN."""


def encode(kind: Kind, payload: bytes = b"") -> bytes:
    """Return one frame.

    >>> encode(Kind.DRAIN).hex()
    '0000000103'

    Raises:
        ValueError: The payload is longer than a frame may be.
    """
    if len(payload) > FRAME_BYTES:
        raise ValueError(f"frame {kind.name}: expected at most {FRAME_BYTES} bytes, found {len(payload)}")
    return _HEAD.pack(len(payload) + 1, kind) + payload


@final
class Decoder:
    """Turns what arrives into frames, however it is cut."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """Yield the frames that are complete now.

        Raises:
            ValueError: This is no frame of ours.
        """
        self._rest += data
        while len(self._rest) >= _HEAD.size:
            length, kind = _HEAD.unpack_from(self._rest)
            if not 1 <= length <= FRAME_BYTES + 1:
                raise ValueError(f"frame: expected 1 to {FRAME_BYTES + 1} bytes, found {length}")
            end = _HEAD.size - 1 + length
            if len(self._rest) < end:
                return
            payload = bytes(memoryview(self._rest)[_HEAD.size : end])
            del self._rest[:end]
            yield Kind(kind), payload


@final
class Link(asyncio.Protocol):
    """One end of the link.

    Args:
        got: Is given every frame; an error that it raises ends the link.
        lost: Is called once, when the link has ended.
        backlog_bytes: Unread bytes beyond which the other side is behind.
    """

    def __init__(
        self, *, got: Callable[[Kind, bytes], None], lost: Callable[[], None], backlog_bytes: int = BACKLOG_BYTES
    ) -> None:
        self._got, self._lost, self._backlog_bytes = got, lost, backlog_bytes
        self._decoder = Decoder()
        self._transport: asyncio.Transport | None = None

    @property
    def open(self) -> bool:
        """Tell whether the other side can still be reached."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def behind(self) -> bool:
        """Tell whether so much is unread that what can wait should."""
        return self._transport is not None and self._transport.get_write_buffer_size() > self._backlog_bytes

    def send(self, kind: Kind, payload: bytes = b"") -> bool:
        """Send; returns False where the link has ended."""
        frame = encode(kind, payload)
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(frame)
        return True

    def close(self) -> None:
        """End the link when what was sent is read."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the link at once."""
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports fulfil asyncio.Transport by their shape alone.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            for kind, payload in self._decoder.feed(data):
                self._got(kind, payload)
        except Exception:
            self.abort()
            raise

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lost()
