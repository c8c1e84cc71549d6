"""One connection of a caller: reads requests one after the other, and writes their answers in that order."""

import asyncio
from typing import Final, Protocol, cast

from typing_extensions import override

from routers.facade.http.chunks import ChunkError, ChunkReader
from routers.facade.http.forwarding import Origin
from routers.facade.http.head import RefusedError, RequestHead, read_request
from routers.facade.http.shape import Shape, Shapes
from routers.facade.serving.call import Call
from routers.facade.serving.home import Home
from routers.facade.serving.reply import own_reply
from routers.facade.settings import Listener, Times

__all__ = ["Caller", "Worker"]

_NEVER: Final = float("inf")
_AHEAD_BYTES: Final = 65_536
"""How much of the requests that follow is taken in while one is answered."""
_LINGER_SECONDS: Final = 2.0
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Worker(Home, Protocol):
    """What a caller's connection needs of its worker."""

    times: Times
    idle_seconds: float
    shapes: Shapes

    def opened(self, caller: "Caller") -> bool:
        """Take note of a connection; tell whether there is room for it."""
        ...

    def lost(self, caller: "Caller") -> None:
        """Forget a connection."""
        ...


_IDLE: Final = 0
"""Between requests: nothing of the next has come."""
_HEAD: Final = 1
"""A part of a head has come."""
_CALL: Final = 2
"""A request is being read or answered."""
_LINGERING: Final = 3
"""The last answer is written; what still comes is thrown away, so that the answer is not lost (RFC 9112 9.6)."""


class Caller(asyncio.Protocol):
    """The client port on one connection."""

    __slots__ = (
        "_ahead", "_body_bytes", "_call", "_chunks", "_ended", "_held", "_left", "_listener", "_shape", "_skipped",
        "_stalled", "_state", "_transport", "_worker", "deadline", "legacy", "listener", "origin",
    )  # fmt: skip

    def __init__(self, worker: Worker, name: str, listener: Listener) -> None:
        self._worker, self.listener, self.legacy = worker, name, listener.legacy
        self._listener = listener
        self.origin = Origin(address="", scheme="http", trusted=listener.trusts_forwarded)
        self._transport: asyncio.Transport | None = None
        self._state = _IDLE
        self._ahead = b""
        self._shape: Shape | None = None
        self._call: Call | None = None
        self._chunks: ChunkReader | None = None
        self._left = self._body_bytes = 0  # of the request's body: to come, and taken
        self._ended = self._held = self._stalled = self._skipped = False
        self.deadline = _NEVER

    # From the system.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer: object = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self.origin.address = str(cast("tuple[object, ...]", peer)[0])
        if self._listener.tls is not None:
            self.origin.scheme = "https"
        self.deadline = self._worker.clock.now + self._worker.times.head.total_seconds()
        if not self._worker.opened(self):
            self._refuse(None, RefusedError(503, "connections"))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._worker.lost(self)
        self._transport, self.deadline = None, _NEVER
        if self._call is not None:
            call, self._call = self._call, None
            call.caller_left()

    @override
    def data_received(self, data: bytes) -> None:
        if self._state == _CALL:
            if self._left:
                self._body(data)
            else:
                self._keep_ahead(data)
        elif self._stalled:
            self._keep_ahead(data)
        elif self._state != _LINGERING:
            self._head(data)

    @override
    def eof_received(self) -> bool:
        """Answer what has been asked wholly; a half-closed connection still takes its answer."""
        self._ended = True
        if self._secure or self._left:
            return False
        return self._call is not None or b"\r\n\r\n" in self._ahead

    @override
    def pause_writing(self) -> None:
        self._stalled = True
        self.deadline = self._worker.clock.now + self._worker.times.body.total_seconds()
        if self._call is not None:
            self._call.caller_full(full=True)

    @override
    def resume_writing(self) -> None:
        self._stalled = False
        self.deadline = _NEVER if self._state == _CALL and not self._left else self._silence()
        if self._call is not None:
            self._call.caller_full(full=False)
        elif self._state < _CALL:
            self._go_on()

    # From the worker.

    @property
    def idle(self) -> bool:
        """Tell whether nothing is being read or answered."""
        return self._state == _IDLE

    def timed_out(self) -> None:
        """End what took too long: a request that does not come, an answer that is not read."""
        if self._state == _CALL and self._left and not self._stalled and self._call is not None:
            self._call.refuse(408, "request_timeout")
        elif self._state == _HEAD:
            self._refuse(None, RefusedError(408, "request_timeout"))
        else:
            self.cut()

    # From the call.

    def write(self, data: bytes) -> None:
        """Send to the caller; see the port."""
        if self._transport is not None:
            self._transport.write(data)

    def hold(self, *, full: bool) -> None:
        """Take no more of the request for now, or go on; see the port."""
        if self._transport is None or full is self._held:
            return
        self._held = full
        if full:
            self.deadline = _NEVER  # the backend's slowness is not the caller's
            self._transport.pause_reading()
        else:
            self.deadline = self._silence() if self._left or self._state != _CALL else _NEVER
            self._transport.resume_reading()

    def done(self, *, keep_alive: bool) -> None:
        """Read the next request, or close; see the port."""
        self._call = None
        if not keep_alive or self._left or (self._ended and not self._ahead):
            self._close()
            return
        self._state = _IDLE
        if self._ahead:
            asyncio.get_running_loop().call_soon(self._go_on)
        elif self._held:
            self.hold(full=False)
        if not self._stalled:
            self.deadline = self._worker.clock.now + self._worker.idle_seconds

    def cut(self) -> None:
        """Close at once; see the port."""
        self.deadline = _NEVER
        if self._transport is not None:
            self._transport.abort()

    # Inside.

    @property
    def _secure(self) -> bool:
        return self._listener.tls is not None

    def _silence(self) -> float:
        return self._worker.clock.now + self._worker.times.body.total_seconds()

    def _go_on(self) -> None:
        """Read the next request out of what came ahead; one that waits to be read goes before it."""
        if self._transport is None or self._state >= _CALL or self._stalled:
            return
        if self._held and len(self._ahead) <= _AHEAD_BYTES:
            self.hold(full=False)
        if self._ahead:
            self._head(b"")

    def _keep_ahead(self, data: bytes) -> None:
        self._ahead += data
        if len(self._ahead) > _AHEAD_BYTES:
            self.hold(full=True)

    def _head(self, data: bytes) -> None:
        if self._ahead:
            data, self._ahead = self._ahead + data, b""
        if data < b"!" and not (data := self._without_empty_line(data)):
            return
        end = data.find(b"\r\n\r\n") + 4
        if end == 3 or end > self._worker.limits.head_bytes:  # noqa: PLR2004 - not found
            self._part_of_head(data)
            return
        try:
            request = self._shape.read(data, end) if self._shape is not None else None
            if request is None:
                request = self._read(data[:end])
            if b"expect" in request.names or request.length > self._worker.limits.body_bytes:
                self._expectation(request, more=len(data) > end)
        except RefusedError as error:
            self._refuse(None, error)
        else:
            self._begin(request, data[end:])

    def _without_empty_line(self, data: bytes) -> bytes:
        """Let one empty line before a request pass, and refuse further ones (RFC 9112 section 2.2)."""
        if not self._skipped and data.startswith(b"\r\n"):
            self._skipped, data = True, data[2:]
        if data.startswith((b"\n", b"\r\n")):
            self._refuse(None, RefusedError(400, "empty_lines"))
            return b""
        if not data and self._ended:
            self._close()
        return data

    def _read(self, head: bytes) -> RequestHead:
        limits = self._worker.limits
        request = read_request(head, target_bytes=limits.target_bytes, headers=limits.headers)
        self._shape = self._worker.shapes.of(head, request)
        return request

    def _part_of_head(self, data: bytes) -> None:
        limits = self._worker.limits
        if len(data) > limits.head_bytes:
            line = data.find(b"\r\n")
            too_long = line < 0 or line > limits.target_bytes + 32
            self._refuse(None, RefusedError(414, "target") if too_long else RefusedError(431, "head_bytes"))
            return
        if data.count(b"\n") != data.count(b"\r\n"):
            self._refuse(None, RefusedError(400, "line_end"))  # else it would never be whole
            return
        if data and self._state == _IDLE:
            self._state = _HEAD
            self.deadline = self._worker.clock.now + self._worker.times.head.total_seconds()
        self._ahead = data
        if self._ended:
            self._close()  # the rest will not come

    def _expectation(self, request: RequestHead, *, more: bool) -> None:
        """Refuse what can't be met, and ask for the body where the caller waits for that (RFC 9110 10.1.1)."""
        if request.length > self._worker.limits.body_bytes:
            raise RefusedError(413, "body_bytes")
        expect = request.names.get(b"expect")
        if expect is None or not request.minor:
            return
        if expect.lower() != b"100-continue":
            raise RefusedError(417, "expectation")
        if request.length and not more:
            self.write(_CONTINUE)

    def _begin(self, request: RequestHead, rest: bytes) -> None:
        self._state, self.deadline, self._skipped = _CALL, _NEVER, False
        call = self._call = Call(self._worker, self, request)
        if request.chunked:
            self._begin_chunked(call, rest)
            return
        left = request.length - len(rest)
        if left < 0:
            self._ahead, rest = rest[left:], rest[:left]
        elif left:
            self._left, self._chunks, self.deadline = left, None, self._silence()
            if self._ended:
                self._never_whole()
                return
            self.hold(full=False)
        call.begin(rest, whole=left <= 0)

    def _answered(self, rest: bytes) -> None:
        """Take note of a request without a body that is answered at once."""
        self._state, self.deadline, self._skipped, self._ahead = _CALL, _NEVER, False, rest

    def _begin_chunked(self, call: Call, rest: bytes) -> None:
        self._left, self._chunks, self._body_bytes = -1, ChunkReader(), 0
        try:
            rest = self._unchunk(self._chunks, rest)
        except ChunkError as error:
            call.refuse(413 if error.reason == "body_bytes" else 400, error.reason)
            return
        if self._left and self._ended:
            self._never_whole()
            return
        if self._left:
            self.deadline = self._silence()
            self.hold(full=False)
        call.begin(rest, whole=not self._left)

    def _never_whole(self) -> None:
        """Close: the caller has sent its last, and the body is not all there; nothing of it was sent on."""
        self._worker.account.refused("incomplete")
        self._call, self._left = None, 0
        self._close()

    def _body(self, data: bytes) -> None:
        call = self._call
        if call is None:
            return
        self.deadline = self._silence()
        if self._chunks is not None:
            try:
                data = self._unchunk(self._chunks, data)
            except ChunkError as error:
                call.refuse(413 if error.reason == "body_bytes" else 400, error.reason)
                return
        elif len(data) > self._left:
            self._ahead, data = data[self._left :], data[: self._left]
            self._left = 0
        else:
            self._left -= len(data)
        if not self._left:
            self.deadline = _NEVER
        if data or not self._left:
            call.request_more(data, whole=not self._left)

    def _unchunk(self, chunks: ChunkReader, data: bytes) -> bytes:
        found = b"".join(chunks.feed(data))
        self._body_bytes += len(found)
        if self._body_bytes > self._worker.limits.body_bytes:
            raise ChunkError("body_bytes")
        if chunks.rest is not None:
            self._left, self._ahead = 0, chunks.rest
        return found

    def _refuse(self, request: RequestHead | None, error: RefusedError) -> None:
        """Answer a head that could not be read, and close: where its body ends is not known."""
        worker = self._worker
        request_id = worker.request_id(None)
        _, data = own_reply(
            error.status,
            error.reason,
            request=request,
            soap_version=None,
            request_id=request_id,
            date=worker.clock.date,
            keep_alive=False,
        )
        worker.account.refused(error.reason)
        self.write(data)
        self._left = 1  # more may come
        self._close()

    def _close(self) -> None:
        """Close after what is written; when the caller may still send, let it read the answer first."""
        transport = self._transport
        if transport is None:
            return
        if self._left and not self._ended and not self._secure:
            self._state = _LINGERING
            self.hold(full=False)
            self.deadline = self._worker.clock.now + _LINGER_SECONDS
            transport.write_eof()
            return
        transport.close()
        self._state = _LINGERING
        self.deadline = self._worker.clock.now + self._worker.times.body.total_seconds()
