"""A relay that keeps every byte of both directions, and answers of servers that were asked with the same bytes."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.facade_wire import Message, take_answer, take_request

__all__ = ["Exchange", "Recorder", "ask"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as they were on the wire."""

    request: Message
    answer: Message


@dataclass
class _Link:
    asked: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)


@dataclass
class Recorder:
    """Listens before one address; with a TLS context it speaks TLS to those who call."""

    target: str
    tls: ssl.SSLContext | None = None
    old: bool = False
    """Either end may speak HTTP/1.0."""
    address: str = ""
    _links: list[_Link] = field(default_factory=list[_Link])

    @asynccontextmanager
    async def relaying(self) -> AsyncGenerator["Recorder"]:
        """Relay until the block ends."""
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0, ssl=self.tls)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    def taken(self) -> list[Exchange]:
        """Return all exchanges since it was last asked; none may be under way."""
        both = [(bytes(link.asked), bytes(link.answered)) for link in self._links]
        kept = [tuple(_in_1_1(each, old=self.old) for each in link) for link in both]
        for link in self._links:
            link.asked.clear()
            link.answered.clear()
        return [exchange for asked, answered in kept for exchange in _exchanges(asked, answered)]

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link()
        self._links.append(link)
        host, _, port = self.target.rpartition(":")
        onward, there = await asyncio.open_connection(host, int(port))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_copy(reader, there, link.asked))
            tasks.create_task(_copy(onward, writer, link.answered))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
    with suppress(OSError):
        while part := await reader.read(65_536):
            kept += part
            writer.write(part)
            await writer.drain()
    writer.close()


def _exchanges(asked: bytes, answered: bytes) -> list[Exchange]:
    found: list[Exchange] = []
    while asked:
        request, answer = take_request(asked), take_answer(answered)
        while answer is not None and answer[0].status < 200:
            answer = take_answer(answer[1])
        if request is None or answer is None:
            raise ValueError((asked, answered))
        found.append(Exchange(request[0], answer[0]))
        asked, answered = request[1], answer[1]
    return found


def _in_1_1(message: bytes, *, old: bool) -> bytes:
    """Return a message in HTTP/1.1, since that is what an intermediary makes of one in HTTP/1.0."""
    first, end, rest = message.partition(b"\r\n")
    return first.replace(b"HTTP/1.0", b"HTTP/1.1") + end + rest if old else message


async def ask(address: str, requests: Iterable[bytes], *, old: bool = False) -> list[Message]:
    """Send bytes as they are, each request on a connection of its own, and return the answers."""
    host, _, port = address.rpartition(":")
    found: list[Message] = []
    for request in requests:
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(request)
            found.append(await _answer(reader, old=old))
        finally:
            writer.close()
    return found


async def _answer(reader: asyncio.StreamReader, *, old: bool) -> Message:
    data = b""
    async with asyncio.timeout(10):
        while True:
            part = await reader.read(65_536)
            data = _in_1_1(data + part, old=old)
            taken = take_answer(data, ended=not part)
            while taken is not None and taken[0].status < 200:
                data = taken[1]
                taken = take_answer(data, ended=not part)
            if taken is not None:
                return taken[0]
            if not part:
                raise ConnectionResetError(data)
