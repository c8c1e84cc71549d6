"""The callers of the soak, a few of each kind, and the backend that answers them."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, Literal

__all__ = ["KINDS", "Backend", "Counts", "Kind", "call_for_ever"]

Kind = Literal["header", "body", "rest get", "rest put", "big", "slow reader", "new connection"]
KINDS: Final[tuple[Kind, ...]] = ("header", "body", "rest get", "rest put", "big", "slow reader", "new connection")

BIG_BYTES: Final = 2 * 1024**2
SLOW_BYTES: Final = 512 * 1024
ANSWER_SECONDS: Final = 30.0
NEAR_SECONDS: Final = 1.0
"""How soon after a kill a cut connection is the killed worker's."""
_PAUSES: Final[dict[Kind, float]] = {"big": 0.2, "slow reader": 0.2, "new connection": 0.02}
_ENVELOPE: Final = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:r="urn:example:registry"><soap:Body>'
    "<r:{name}><id>{key}</id><note>{note}</note></r:{name}></soap:Body></soap:Envelope>"
)


class Counts:
    """What became of the calls."""

    def __init__(self) -> None:
        self._answered: Counter[str] = Counter()
        self._kill = 0.0
        self.failed: list[str] = []
        """Those that nothing excuses."""
        self.cut = 0
        """Those that were cut when a worker was killed."""
        self.callers = 0
        """How many call at the same time, so how many can be in flight at a kill."""
        self.reconnected = 0

    @property
    def total(self) -> int:
        """Return how many calls there were."""
        return self._answered.total() + self.cut + len(self.failed)

    def told(self) -> str:
        """Return how many of each kind were answered."""
        return ", ".join(f"{kind} {calls:,}" for kind, calls in self._answered.items())

    def killed(self, at: float) -> None:
        """Take note of a kill."""
        self._kill = at

    def answered(self, kind: Kind) -> None:
        """Count one that was answered."""
        self._answered[kind] += 1

    def broken(self, kind: Kind, why: str) -> None:
        """Count one that was not; a connection that breaks at a kill is the kill's."""
        if time.monotonic() - self._kill < NEAR_SECONDS and why in {"IncompleteReadError", "ConnectionResetError"}:
            self.cut += 1
        else:
            self.failed.append(f"{kind}: {why}, {time.monotonic() - self._kill:.1f} s after a kill")


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def call_for_ever(kind: Kind, port: int, counts: Counts, stop: asyncio.Event, *, number: int) -> None:
    """Call until told to stop, on one connection while it lasts."""
    draw, streams = random.Random(f"{kind}{number}"), None  # noqa: S311 - no secret
    counts.callers += 1
    while not stop.is_set():
        if streams is not None and (kind == "new connection" or streams[0].at_eof()):
            streams[1].close()
            streams = None
        try:
            if streams is None:
                streams = await asyncio.open_connection("127.0.0.1", port, limit=65_536)
                counts.reconnected += 1
            async with asyncio.timeout(ANSWER_SECONDS):
                await _call(kind, streams, f"{draw.randrange(50_000):08d}")
        except (OSError, EOFError, ValueError) as error:
            counts.broken(kind, type(error).__name__ if not isinstance(error, ValueError) else str(error))
            if streams is not None:
                streams[1].close()
                streams = None
        else:
            counts.answered(kind)
        await asyncio.sleep(_PAUSES.get(kind, 0.005))
    if streams is not None:
        streams[1].close()


async def _call(kind: Kind, streams: Streams, key: str) -> None:
    """Call once.

    Raises:
        ValueError: The answer is not what it should be.
        OSError: The connection broke.
        EOFError: It ended.
    """
    reader, writer = streams
    head, body = _request(kind, key)
    writer.write(head + body)
    await writer.drain()
    told = await reader.readuntil(b"\r\n\r\n")
    if not told.startswith(b"HTTP/1.1 200 "):
        raise ValueError(told.partition(b"\r\n")[0].decode())
    length = int(told.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    left, last = length, b""
    while left:
        last = await reader.read(min(left, 65_536))
        if not last:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(last)
        if kind == "slow reader":
            await asyncio.sleep(0.05)
    if not last.endswith(b"%d" % len(body)):
        raise ValueError(f"an answer to another call: {last[-20:]!r}")


def _request(kind: Kind, key: str) -> tuple[bytes, bytes]:
    trace = f"traceparent: 00-{random.getrandbits(128) | 1:032x}-00f067aa0ba902b7-00\r\n"
    if kind == "rest get":
        return f"GET /residents/{key} HTTP/1.1\r\nHost: soak\r\n{trace}\r\n".encode(), b""
    if kind == "rest put":
        body = b'{"note":"%s"}' % (b"x" * 500)
        target, content_type, more = f"PUT /residents/{key}", "application/json", ""
    else:
        name = "Change" if kind in {"body", "big"} else "Read"
        note = "x" * (BIG_BYTES if kind == "big" else 1500)
        body = _ENVELOPE.format(name=name, key=key, note=note).encode()
        size = SLOW_BYTES if kind == "slow reader" else 300
        target, content_type = f"POST /registry?bytes={size}", "text/xml; charset=utf-8"
        more = "" if name == "Change" else f"X-Citizen: {key}\r\n"
    head = f"{target} HTTP/1.1\r\nHost: soak\r\n{trace}{more}Content-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body


class Backend:
    """Answers each request with as many bytes as it asks for; the last tell how long its body was."""

    def __init__(self) -> None:
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[int]:
        """Listen, and yield the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for writer in list(self._open):
                writer.close()
            if serving := [task for task in self._open.values() if task is not None]:
                await asyncio.wait(serving, timeout=ANSWER_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = asyncio.current_task()
        try:
            while True:
                await _answer(reader, writer)
        except (OSError, EOFError):
            return
        finally:
            writer.close()
            del self._open[writer]


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    given = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    length = left = int(given or 0)
    while left:
        read = len(await reader.read(min(left, 65_536)))
        if not read:
            raise EOFError
        left -= read
    size = int(head.partition(b"?bytes=")[2].partition(b" ")[0] or 200)
    body = (b"%%%dd" % size) % length
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % size + body)
    await writer.drain()
