"""Both ends of a façade's wire, read with strict parsers that share nothing with its own."""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from routers.facade.ended import Ended
from tests.facade_world import Side, World, facade

_LINE = re.compile(rb"([A-Z]+) ([!-\"$-~]+) HTTP/1\.1")
_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\t -~\x80-\xff]*")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?[ \t]*")
_CHUNK = re.compile(rb"[0-9a-fA-F]+")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Message:
    """A request or an answer, as it was on the wire."""

    start: bytes
    fields: list[tuple[bytes, bytes]]
    """Names in lower case."""
    body: bytes
    raw: bytes
    trailers: list[bytes] = field(default_factory=list[bytes])

    def all(self, name: bytes) -> list[bytes]:
        """Return the values of each line with this name."""
        return [value for each, value in self.fields if each == name]

    def one(self, name: bytes) -> bytes:
        """Return the value of a field that is there once."""
        [value] = self.all(name)
        return value

    @property
    def status(self) -> int:
        """Return the status of an answer."""
        return int(self.start[9:12])

    @property
    def target(self) -> bytes:
        """Return the target of a request."""
        return self.start.split(b" ")[1]


def take_request(data: bytes) -> tuple[Message, bytes] | None:
    """Return the first request in it and what follows; None when it is not whole.

    Raises:
        ValueError: It is not what an intermediary may send.
    """
    head = _head(data, _LINE)
    if head is None:
        return None
    message, rest = head
    if len(message.all(b"host")) != 1 or not message.one(b"host"):
        raise ValueError(data[:200])
    return _bodied(message, rest, *_framing(message), until_close=False)


def take_answer(data: bytes, *, method: bytes = b"GET", ended: bool = True) -> tuple[Message, bytes] | None:
    """Return the first answer in it and what follows; None when it is not whole.

    Raises:
        ValueError: It is not what an intermediary may send.
    """
    head = _head(data, _STATUS)
    if head is None:
        return None
    message, rest = head
    chunked, length = _framing(message)
    if method == b"HEAD" or message.status in {204, 304} or message.status < 200:
        return _bodied(message, rest, chunked=False, length=0, until_close=False)
    if not chunked and length is None and not ended:
        return None
    return _bodied(message, rest, chunked, length, until_close=not chunked and length is None)


def answers(data: bytes, *, method: bytes = b"GET") -> list[Message]:
    """Return all answers of a connection that has ended."""
    found: list[Message] = []
    while data:
        taken = take_answer(data, method=method)
        if taken is None:
            raise ValueError(data[:200])
        found.append(taken[0])
        data = taken[1]
    return found


def statuses(data: bytes, *, method: bytes = b"GET") -> list[int]:
    """Return the status of each answer of a connection that has ended."""
    return [answer.status for answer in answers(data, method=method)]


def _head(data: bytes, start: re.Pattern[bytes]) -> tuple[Message, bytes] | None:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = data[:end].split(b"\r\n")
    found = [_FIELD.fullmatch(line) for line in lines]
    if start.fullmatch(first) is None or not all(found):
        raise ValueError(data[:200])
    fields = [(each[1].lower(), each[2] or b"") for each in found if each is not None]
    return Message(first, fields, b"", data[: end + 4]), data[end + 4 :]


def _framing(message: Message) -> tuple[bool, int | None]:
    coding, length = message.all(b"transfer-encoding"), message.all(b"content-length")
    if coding not in ([], [b"chunked"]) or len(length) > 1 or (coding and length):
        raise ValueError(message.raw)
    if length and not length[0].isdigit():
        raise ValueError(message.raw)
    return bool(coding), int(length[0]) if length else None


def _bodied(
    message: Message,
    rest: bytes,
    chunked: bool,  # noqa: FBT001
    length: int | None,
    *,
    until_close: bool,
) -> tuple[Message, bytes] | None:
    if chunked:
        return _chunked(message, rest)
    length = len(rest) if until_close else length or 0
    if len(rest) < length:
        return None
    message.body = rest[:length]
    message.raw += message.body
    return message, rest[length:]


def _chunked(message: Message, rest: bytes) -> tuple[Message, bytes] | None:
    raw = rest
    while True:
        size, found, rest = rest.partition(b"\r\n")
        if not found:
            return None
        if not _CHUNK.fullmatch(size):
            raise ValueError(message.raw + raw[:200])
        length = int(size, 16)
        if length == 0:
            break
        if len(rest) < length + 2:
            return None
        if rest[length : length + 2] != b"\r\n":
            raise ValueError(message.raw + raw[:200])
        message.body += rest[:length]
        rest = rest[length + 2 :]
    trailers, found, after = (b"\r\n" + rest).partition(b"\r\n\r\n")
    message.trailers = trailers.split(b"\r\n")[1:]
    message.raw += raw[: len(raw) - len(after)]
    return (message, after) if found else None


@dataclass
class Tap:
    """A backend that keeps every byte, reads it strictly, and answers each request that is whole."""

    answer: Callable[[Message], bytes] = lambda _: OK
    seen: list[bytearray] = field(default_factory=list[bytearray])
    """All bytes of each connection."""
    requests: list[Message] = field(default_factory=list[Message])
    broken: list[bytes] = field(default_factory=list[bytes])
    """What a strict reader refuses; there should be none."""

    @property
    def side(self) -> Side:
        """Return the side that behaves so."""
        return Side(conduct=self._conduct)

    @property
    def bytes_seen(self) -> bytes:
        """Return all bytes of all connections."""
        return b"".join(self.seen)

    async def _conduct(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.append(seen := bytearray())
        rest = b""
        while data := await reader.read(2**18):
            seen += data
            rest += data
            while rest and (taken := self._take(rest)) is not None:
                self.requests.append(taken[0])
                rest = taken[1]
                writer.write(self.answer(taken[0]))
            await writer.drain()

    def _take(self, data: bytes) -> tuple[Message, bytes] | None:
        try:
            return take_request(data)
        except ValueError as error:
            self.broken.append(bytes(data))
            raise ConnectionError from error


@asynccontextmanager
async def tapped(folder: Path, answer: bytes | None = None, **settings: Any) -> AsyncGenerator[tuple[World, Tap]]:
    """Run a façade whose backend keeps every byte; in the end, a strict reader must have taken them all."""
    tap = Tap() if answer is None else Tap(answer=lambda _: answer)
    async with facade(folder, legacy=tap.side, **settings) as world:
        yield world, tap
    assert tap.broken == []


def closing(answer: bytes) -> Any:
    """Return a conduct that answers so and closes."""

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return conduct


@asynccontextmanager
async def answering(folder: Path, answer: bytes, **settings: Any) -> AsyncGenerator[World]:
    """Run a façade whose backend answers so and closes."""
    async with facade(folder, **settings) as world:
        world.legacy.conduct = closing(answer)
        yield world


async def read_one(reader: asyncio.StreamReader, *, method: bytes = b"GET", seconds: float = 5) -> Message:
    """Read one answer off a connection that may go on.

    Raises:
        ValueError: The connection ended before it was whole, or it is malformed.
    """
    data = b""
    async with asyncio.timeout(seconds):
        while True:
            more = await reader.read(1)
            data += more
            taken = take_answer(data, method=method, ended=not more)
            if taken is not None:
                return taken[0]
            if not more:
                raise ValueError(data)


def watch(world: World) -> list[Ended]:
    """Collect the account of each call that ends from now on."""
    account = world.server.account
    collected: list[Ended] = []
    account_for = account.ended

    def watched(ended: Ended) -> None:
        collected.append(ended)
        account_for(ended)

    account.ended = watched
    return collected


def reset(writer: asyncio.StreamWriter) -> None:
    """Leave by a reset: to only close would be to half-close, and still want the answer."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def until(condition: Callable[[], object], *, seconds: float = 5) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: It is not so in time.
    """
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def post(body: bytes = b"x", lines: bytes = b"", path: bytes = b"/1") -> bytes:
    """Return a POST with a body."""
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (path, lines, len(body), body)


def soap_rules(*operations: str, key: str | None = None) -> dict[str, Any]:
    """Return a ruleset with SOAP operations, which sends everybody to the modern side."""
    sides = {"legacy": "legacy", "modern": "modern", "class": "safe"}
    keyed = {} if key is None else {"key": {"xpath": key}}
    routes = {name: {"soap": "{urn:x}" + name, **keyed, **sides} for name in operations}
    return {"address": {"salt": "s", "next": "complete", "share": 10_000, "routes": routes}}
