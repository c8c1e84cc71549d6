"""One backend: its connections, kept for the next call, and its circuit breaker."""

import asyncio
import ssl
from collections import deque

import structlog

from contracts.breaker import BreakerState, CircuitBreaker
from routers.facade.http.shape import Shapes
from routers.facade.process.report import BackendReport
from routers.facade.serving.clock import Clock
from routers.facade.serving.port import Asker
from routers.facade.serving.upstream import Upstream
from routers.facade.settings import Backend, Limits

__all__ = ["Pool"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_SURELY_ALIVE_SECONDS = 1.0
"""How long an idle connection is trusted with a call that must not be sent twice."""


class Pool:
    """The backend port over HTTP/1.1 connections of one worker, each used by one call at a time."""

    def __init__(
        self,
        name: str,
        settings: Backend,
        limits: Limits,
        *,
        clock: Clock,
        shapes: Shapes,
        context: ssl.SSLContext | None,
    ) -> None:
        self.name = name
        self.settings, self.limits, self.clock, self.shapes = settings, limits, clock, shapes
        failures, pause = settings.breaker.failures, settings.breaker.pause
        self.breaker = CircuitBreaker(failures=failures, pause=pause, changed=self._breaker_changed)
        self.calls = 0
        """How often it was asked, ever."""
        self.timeout = settings.timeout.total_seconds()
        self.failing = settings.failing
        self.host = _authority(settings)
        self._idle_seconds = settings.idle.total_seconds()
        self._connect_seconds = settings.connect.total_seconds()
        self._context = context
        self._idle: list[Upstream] = []
        self._open: set[Upstream] = set()
        self._connecting: dict[asyncio.Task[None], Asker] = {}
        self._waiting: deque[tuple[float, Asker]] = deque()

    def ask(self, asker: Asker) -> None:
        """Send a call on an idle connection, or on a new one, or as soon as one is free."""
        self.calls += 1
        within = self._idle_seconds if asker.repeatable else _SURELY_ALIVE_SECONDS
        while self._idle:
            upstream = self._idle[-1]
            if self.clock.now - upstream.used_at > within:
                break  # the last is the youngest
            self._idle.pop()
            if not upstream.closing:
                upstream.begin(asker)
                return
        self._connect_or_wait(asker)

    def ask_anew(self, asker: Asker) -> None:
        """Send a call on a new connection: a kept one turned out to be closed."""
        self._connect_or_wait(asker)

    def forget(self, asker: Asker) -> None:
        """Drop a call that still waits for a connection."""
        self._waiting = deque(entry for entry in self._waiting if entry[1] is not asker)
        for task, waiting in self._connecting.items():
            if waiting is asker:
                task.cancel()
        self.breaker.given_up(asker)

    def release(self, upstream: Upstream) -> None:
        """Take a connection back after its answer; the longest waiting call gets it."""
        upstream.used_at = self.clock.now
        while self._waiting:
            _, asker = self._waiting.popleft()
            upstream.begin(asker)
            return
        self._idle.append(upstream)

    def closed(self, upstream: Upstream) -> None:
        """Forget a connection that has ended; a waiting call may open another."""
        self._open.discard(upstream)
        if upstream in self._idle:
            self._idle.remove(upstream)
        self._connect_waiting()

    def tick(self) -> None:
        """Close what was idle too long, and fail what waited or was silent too long."""
        now = self.clock.now
        while self._idle and now - self._idle[0].used_at > self._idle_seconds:
            self._idle.pop(0).close()
        while self._waiting and self._waiting[0][0] < now:
            asker = self._waiting.popleft()[1]
            self.breaker.given_up(asker)
            asker.failed("no_connection", sent=False)
        for upstream in [each for each in self._open if each.deadline < now]:
            upstream.timed_out()

    def close(self) -> None:
        """Close every connection, whatever it does; a call that waits for one is told nothing."""
        self._waiting.clear()
        for task in list(self._connecting):
            task.cancel()
        for upstream in list(self._open):
            upstream.close()

    @property
    def open_connections(self) -> int:
        """Return how many connections there are, those that are being made included."""
        return len(self._open) + len(self._connecting)

    def report(self) -> BackendReport:
        """Return how it is, for people."""
        return BackendReport(
            name=self.name,
            breaker=self.breaker.state(self.clock.now),
            connections=self.open_connections,
            waiting=len(self._waiting),
            calls=self.calls,
            failures=self.breaker.failures,
        )

    def _breaker_changed(self, state: BreakerState) -> None:
        tell = _log.warning if state == "open" else _log.info
        tell("circuit breaker", backend=self.name, state=state)

    def _connect_or_wait(self, asker: Asker) -> None:
        if self._idle and self.open_connections >= self.settings.connections:
            self._idle.pop(0).close()  # too old for this call, and in the way of a new one
        elif self.open_connections >= self.settings.connections:
            self._waiting.append((self.clock.now + self._connect_seconds, asker))
            return
        self._begin_connecting(asker)

    def _connect_waiting(self) -> None:
        while self._waiting and self.open_connections < self.settings.connections:
            self._begin_connecting(self._waiting.popleft()[1])

    def _begin_connecting(self, asker: Asker) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(asker))
        self._connecting[task] = asker
        task.add_done_callback(self._end_connecting)

    def _end_connecting(self, task: asyncio.Task[None]) -> None:
        del self._connecting[task]
        self._connect_waiting()

    async def _connect(self, asker: Asker) -> None:
        settings = self.settings
        name = (settings.tls.server_name or settings.host) if self._context else None
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, upstream = await asyncio.get_running_loop().create_connection(
                    lambda: Upstream(self), settings.host, settings.port, ssl=self._context, server_hostname=name
                )
        except asyncio.CancelledError:
            return  # given up on by the caller, or with the whole pool
        except (OSError, ssl.SSLError) as error:
            self.breaker.failed(self.clock.now)
            asker.failed(_reason(error), sent=False)
            return
        self._open.add(upstream)
        upstream.begin(asker)


def _authority(settings: Backend) -> bytes:
    return settings.url.partition("://")[2].rstrip("/").encode()


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "connect_timeout"
        case ConnectionRefusedError():
            return "connection_refused"
        case ssl.SSLCertVerificationError():
            return "certificate"
        case ssl.SSLError():
            return "tls"
        case _:
            return "unreachable"
