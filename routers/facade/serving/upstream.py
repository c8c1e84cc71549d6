"""One connection to a backend: sends one request at a time, and reads its answer."""

import asyncio
from typing import Protocol, cast

from typing_extensions import override

from contracts.breaker import CircuitBreaker
from routers.facade.http.chunks import ChunkError, ChunkReader
from routers.facade.http.head import AnswerHead, MalformedError, read_answer_fields
from routers.facade.http.shape import AnswerShape, Shapes
from routers.facade.serving.clock import Clock
from routers.facade.serving.port import Asker
from routers.facade.settings import Limits

__all__ = ["Upstream"]

_NEVER = float("inf")
_FIRST_FINAL = 200
_SWITCHING = 101


class _Home(Protocol):
    """What a connection needs of its pool."""

    limits: Limits
    clock: Clock
    breaker: CircuitBreaker
    shapes: Shapes
    timeout: float
    failing: frozenset[int]

    def release(self, upstream: "Upstream") -> None: ...
    def closed(self, upstream: "Upstream") -> None: ...
    def ask_anew(self, asker: Asker) -> None: ...


class Upstream(asyncio.Protocol):
    """The exchange port on one connection."""

    __slots__ = (
        "_answer", "_asker", "_chunks", "_full", "_head", "_left", "_paused", "_pool", "_reused", "_sent_all", "_shape",
        "_transport", "closing", "deadline", "used_at",
    )  # fmt: skip

    def __init__(self, pool: _Home) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._asker: Asker | None = None
        self._answer: AnswerHead | None = None
        self._chunks: ChunkReader | None = None
        self._shape: AnswerShape | None = None
        self._head = b""
        self._left = 0
        self._paused = self._reused = self._sent_all = self._full = False
        self.closing = False
        self.deadline = _NEVER
        self.used_at = 0.0

    def begin(self, asker: Asker) -> None:
        """Take the next call."""
        self._asker, self._answer, self._chunks, self._head = asker, None, None, b""
        self._sent_all = False
        asker.connected(self)

    def write(self, data: bytes, *, last: bool) -> None:
        """Send more of the request; see the port."""
        self._sent_all = last
        if self._transport is not None and not self.closing:
            self._transport.write(data)
            self._await_backend()

    def pause(self) -> None:
        """Take no more of the answer; see the port."""
        if self._transport is not None and not self.closing and not self._paused:
            self._paused, self.deadline = True, _NEVER  # the caller's slowness is not the backend's
            self._transport.pause_reading()

    def resume(self) -> None:
        """Go on taking the answer; see the port."""
        if self._paused:
            self._paused = False
            self._await_backend()
            if self._transport is not None and not self.closing:
                self._transport.resume_reading()

    def give_up(self) -> None:
        """Close without a word to the asker; see the port."""
        if self._asker is not None and self._answer is not None and self._answer.status in self._pool.failing:
            self._pool.breaker.failed(self._pool.clock.now)
        self._pool.breaker.given_up(self._asker)
        self._asker = None
        self.close()

    def close(self) -> None:
        """Close at once."""
        self.closing, self.deadline = True, _NEVER
        if self._transport is not None:
            self._transport.abort()

    def timed_out(self) -> None:
        """Close, since nothing came in time."""
        self._fail("timeout")

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.closing, self.deadline = True, _NEVER
        asker, answer = self._asker, self._answer
        self._asker = None
        self._pool.closed(self)
        if asker is None:
            return
        if answer is not None and answer.until_close and exc is None:
            self._pool.breaker.succeeded()
            asker.ended([])
        elif self._reused and answer is None and not self._head and asker.repeatable:
            self._pool.ask_anew(asker)  # the backend closed it before the request came: nobody's failure
        else:
            self._pool.breaker.failed(self._pool.clock.now)
            asker.failed("closed", sent=True)

    @override
    def eof_received(self) -> bool:
        return False

    @override
    def pause_writing(self) -> None:
        self._full = True
        self._await_backend()
        if self._asker is not None:
            self._asker.congested(full=True)

    @override
    def resume_writing(self) -> None:
        self._full = False
        self._await_backend()
        if self._asker is not None:
            self._asker.congested(full=False)

    @override
    def data_received(self, data: bytes) -> None:
        asker = self._asker
        if asker is None:
            self.close()  # nothing was asked: what it says belongs to no call
            return
        try:
            if self._answer is None:  # within the time that began with the request, however the head comes
                self._take_head(asker, self._head + data if self._head else data)
            else:
                self._await_backend()
                self._take_body(data)
        except (MalformedError, ChunkError) as error:
            self._fail(f"malformed_{error.reason}")

    def _await_backend(self) -> None:
        """Begin the wait for the backend anew; while the caller is slow to send or to read, nobody waits for it."""
        waits = not self._paused and (self._sent_all or self._full) and self._asker is not None
        self.deadline = self._pool.clock.now + self._pool.timeout if waits else _NEVER

    def _take_head(self, asker: Asker, data: bytes) -> None:
        """Read heads, interim ones too, until the final one is whole."""
        limits = self._pool.limits
        while True:
            end = data.find(b"\r\n\r\n") + 4
            if end == 3 or end > limits.head_bytes:  # noqa: PLR2004 - not found
                if len(data) > limits.head_bytes:
                    raise MalformedError("head_bytes")
                self._head = data
                return
            answer = self._shape.read(data, end) if self._shape is not None and asker.method != b"HEAD" else None
            if answer is None:
                answer = self._read(data[:end], asker.method)
            data = data[end:]
            if answer.status >= _FIRST_FINAL:
                self._final(asker, answer, data)
                return
            if answer.status == _SWITCHING:
                raise MalformedError("switching")
            asker.interim(answer)
            if self._asker is not asker:
                return

    def _read(self, head: bytes, method: bytes) -> AnswerHead:
        answer, fields = read_answer_fields(head, method=method, headers=self._pool.limits.headers)
        if method != b"HEAD":
            self._shape = self._pool.shapes.of_answer(head, answer, fields)
        return answer

    def _final(self, asker: Asker, answer: AnswerHead, data: bytes) -> None:
        self._answer, self._head = answer, b""
        left = answer.length - len(data)
        if left <= 0 <= answer.length:
            self._done(answer, keep=not left)
            asker.answered(answer, data[: answer.length] if left else data, ended=True)
            return
        self._await_backend()
        if answer.chunked:
            self._chunks = ChunkReader()
            asker.answered(answer, b"", ended=False)
            if data:
                self._take_body(data)
        else:
            self._left = left
            asker.answered(answer, data, ended=False)

    def _take_body(self, data: bytes) -> None:
        asker, answer = self._asker, self._answer
        if asker is None or answer is None:
            return
        if self._chunks is not None:
            self._take_chunks(asker, self._chunks, data)
        elif answer.length < 0:
            asker.more(data)
        else:
            self._left -= len(data)
            if self._left > 0:
                asker.more(data)
                return
            surplus = self._left < 0
            if surplus:
                data = data[: self._left]
            asker.more(data)  # while this is still the asker's: it may have to pause
            if self._asker is asker:
                self._done(answer, keep=not surplus)
                asker.ended([])

    def _take_chunks(self, asker: Asker, chunks: ChunkReader, data: bytes) -> None:
        found = chunks.feed(data)
        if found:
            asker.more(found[0] if len(found) == 1 else b"".join(found))
        if chunks.rest is not None and self._asker is asker:
            self._done(self._answer, keep=not chunks.rest)
            asker.ended(chunks.trailers)

    def _done(self, answer: AnswerHead | None, *, keep: bool) -> None:
        """Give the connection back, or close it, before the asker hears of the end and asks again."""
        pool = self._pool
        if answer is not None and answer.status in pool.failing:
            pool.breaker.failed(pool.clock.now)
        else:
            pool.breaker.succeeded()
        self._asker, self._answer, self._chunks = None, None, None
        if self._paused:
            self.resume()
        self.deadline = _NEVER
        if keep and answer is not None and answer.keep_alive and self._sent_all and not self.closing:
            self._reused = True
            pool.release(self)
        else:
            self.close()

    def _fail(self, error: str) -> None:
        asker, self._asker = self._asker, None
        self._pool.breaker.failed(self._pool.clock.now)
        self.close()
        if asker is not None:
            asker.failed(error, sent=True)
