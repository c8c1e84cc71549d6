"""HTTP/1.1 of what listens: small and bounded, parsed by httptools. One connection is one task."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol

import httptools

__all__ = ["Bounds", "Handler", "Request", "Sendable", "talk"]

_MOST_HEAD_BYTES: Final = 64 * 1024
_READ_BYTES: Final = 64 * 1024


@dataclass(slots=True, kw_only=True)
class Request:
    """One request, whole."""

    method: str
    target: str
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes
    keeps_alive: bool


class Sendable(Protocol):
    """What is answered."""

    @property
    def status(self) -> int:
        """Return the status."""
        ...

    @property
    def body(self) -> bytes:
        """Return the body."""
        ...

    @property
    def content_type(self) -> str:
        """Return what the body is."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Return further headers."""
        ...

    @property
    def sent(self) -> int | None:
        """Return after how many bytes of the body the connection ends; -1 before anything is sent; None for all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much a caller may send, and how long it may take."""

    body_bytes: int = 16 * 1024**2
    seconds: float | None = None
    """From the end of an answer to the end of the next request; None is for ever."""


@dataclass(slots=True, kw_only=True)
class _Plain:
    status: int
    body: bytes
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    sent: int | None = None


Handler = Callable[[Request], Awaitable[Sendable]]
_DEFAULT: Final = Bounds()


async def talk(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    handle: Handler,
    *,
    working: Callable[[], AbstractContextManager[None]],
    bounds: Bounds = _DEFAULT,
) -> None:
    """Answer the requests of one connection, one after the other, until either side ends it.

    Args:
        reader: What comes in.
        writer: What goes out.
        handle: Makes the replies.
        working: Held from a whole request until its reply is sent.
        bounds: How much is taken, and how long is waited for it.
    """
    inbox = _Inbox(writer, most_body_bytes=bounds.body_bytes)
    parser = httptools.HttpRequestParser(inbox)
    inbox.parser = parser
    goes_on = True
    while goes_on:
        try:
            async with asyncio.timeout(bounds.seconds):
                if not await _whole(reader, writer, inbox):
                    return
        except TimeoutError:
            return
        request = inbox.requests.popleft()
        with working():
            reply = await handle(request)
            goes_on = request.keeps_alive and reply.sent is None
            if reply.sent == -1:
                return
            try:
                async with asyncio.timeout(bounds.seconds):
                    await _send(writer, reply, goes_on=goes_on)
            except TimeoutError:  # who does not read keeps a place from others
                writer.transport.abort()
                return


async def _whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inbox: "_Inbox") -> bool:
    """Read until there is a whole request; tell whether there is one."""
    assert inbox.parser is not None  # noqa: S101 - set before
    while not inbox.requests:
        data = await reader.read(_READ_BYTES)
        if not data:
            return False
        if problem := _feed(inbox.parser, inbox, data):
            await _send(writer, _Plain(status=inbox.status, body=problem.encode()), goes_on=False)
            return False
        await writer.drain()
    return True


def _feed(parser: httptools.HttpRequestParser, inbox: "_Inbox", data: bytes) -> str:
    """Parse more of a connection; return what is wrong with it, or nothing."""
    inbox.head_bytes += len(data) if inbox.in_head else 0
    inbox.beside_bytes += len(data)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return "expected no upgrade"
    except httptools.HttpParserError as error:
        return inbox.problem or f"expected HTTP/1.1: {error}"
    if inbox.in_head and inbox.head_bytes > _MOST_HEAD_BYTES:
        return f"expected at most {_MOST_HEAD_BYTES} bytes of headers"
    if inbox.beside_bytes > 2 * _MOST_HEAD_BYTES:
        return f"expected at most {_MOST_HEAD_BYTES} bytes between two parts of a body, and behind the last"
    return inbox.problem


async def _send(writer: asyncio.StreamWriter, reply: Sendable, *, goes_on: bool) -> None:
    phrase = HTTPStatus(reply.status).phrase
    further = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
    head = (
        f"HTTP/1.1 {reply.status} {phrase}\r\nContent-Type: {reply.content_type}\r\n"
        f"{further}Content-Length: {len(reply.body)}\r\nConnection: {'keep-alive' if goes_on else 'close'}\r\n\r\n"
    )
    writer.write(head.encode("latin-1") + reply.body[: reply.sent])
    await writer.drain()


@dataclass(slots=True)
class _Inbox:
    """Takes what httptools finds, and puts requests together."""

    writer: asyncio.StreamWriter
    most_body_bytes: int
    requests: deque[Request] = field(default_factory=deque[Request])
    problem: str = ""
    status: int = 400
    in_head: bool = True
    head_bytes: int = 0
    parser: httptools.HttpRequestParser | None = None
    beside_bytes: int = 0
    """What came since the last part of a body, or message: what is neither is held by the parser."""
    _fields_bytes: int = 0
    _target: bytes = b""
    _headers: dict[str, str] = field(default_factory=dict[str, str])
    _body: bytearray = field(default_factory=bytearray)

    def on_message_begin(self) -> None:
        self.in_head, self.head_bytes, self._fields_bytes = True, 0, 0
        self._target, self._headers, self._body = b"", {}, bytearray()

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_head:
            return  # a trailer: nothing that follows a body changes what was said before it
        self._fields_bytes += len(name) + len(value)
        if self._fields_bytes > _MOST_HEAD_BYTES:
            self.problem = f"expected at most {_MOST_HEAD_BYTES} bytes of headers"
            return
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.in_head = False
        if self._headers.get("expect", "").lower() == "100-continue":
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self.beside_bytes = 0
        self._body += body
        if len(self._body) > self.most_body_bytes:
            self.problem, self.status = f"expected at most {self.most_body_bytes} bytes of body", 413
            self._body.clear()

    def on_message_complete(self) -> None:
        assert self.parser is not None  # noqa: S101 - set before anything is fed
        request = Request(
            method=self.parser.get_method().decode("latin-1"),
            target=self._target.decode("latin-1"),
            headers=self._headers,
            body=bytes(self._body),
            keeps_alive=self.parser.should_keep_alive(),
        )
        self.requests.append(request)
        self.in_head, self.head_bytes, self.beside_bytes = True, 0, 0
