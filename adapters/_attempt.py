"""One attempt at a call: it ends in time, it tells how far it was, and what it raises is ours."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPException
from typing import Protocol, TypeVar, runtime_checkable

from adapters._gate import Held
from contracts.errors import LegacyTimeoutError, LegacyUnavailableError, TimeoutKind

__all__ = ["AttemptTimeoutError", "Progress", "Running", "during", "kept", "timed", "translated"]

_T = TypeVar("_T")


@runtime_checkable
class Progress(Protocol):
    """What an attempt says of itself."""

    @property
    def phase(self) -> str:
        """Return what it waits for."""
        ...

    @property
    def sent(self) -> bool:
        """Return whether anything of the request may have left; once it may have, it stays so."""
        ...


class AttemptTimeoutError(TimeoutError):
    """A bound of one attempt was reached, which is known."""

    def __init__(self, kind: TimeoutKind, *, after: timedelta, phase: str) -> None:
        self.kind: TimeoutKind = kind
        self.after, self.phase = after, phase
        super().__init__(f"{kind} timeout after {after.total_seconds():g} s, {phase}")


def during(progress: object) -> None:
    """Say how far the running attempt is by what does it, if that is a `Progress`: errors then tell it."""
    if (running := _running.get()) is not None and isinstance(progress, Progress):
        running.progress = progress


def kept() -> Held:
    """Keep the place of the running call beyond its end, since more of its answer is read; who keeps it ends it."""
    running = _running.get()
    if running is None:
        return Held()
    running.held.kept = True
    return running.held


@dataclass(slots=True, kw_only=True)
class Running:
    """The attempt under way."""

    held: Held = field(default_factory=Held)
    """What it occupies."""
    progress: Progress | None = None

    @property
    def phase(self) -> str:
        """Return what it waits for."""
        return "waiting for the answer" if self.progress is None else self.progress.phase

    @property
    def sent(self) -> bool:
        """Return whether anything may have left; taken where nothing says it."""
        return self.progress is None or self.progress.sent


_running: ContextVar[Running | None] = ContextVar("running", default=None)


async def timed(
    system: str, attempt: Callable[[], Awaitable[_T]], running: Running, *, within: timedelta, bound: timedelta
) -> _T:
    """Make one attempt; `bound` is what an error calls the time that it had."""
    token = _running.set(running)
    started = time.monotonic()
    try:
        with translated(system, running):
            async with _within(within, bound, running):
                return await attempt()
    finally:
        running.held.seconds += time.monotonic() - started
        _running.reset(token)


@asynccontextmanager
async def _within(within: timedelta, bound: timedelta, running: Running) -> AsyncGenerator[None, None]:
    limit = asyncio.timeout(within.total_seconds())
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise AttemptTimeoutError("total", after=bound, phase=running.phase) from error


@contextmanager
def translated(system: str, running: Running | None = None) -> Generator[None, None, None]:
    """Turn what sockets, TLS and HTTP raise into `LegacyUnavailableError`.

    >>> with translated("registry"):
    ...     raise ConnectionRefusedError(111, "Connection refused")
    Traceback (most recent call last):
    contracts.errors.LegacyUnavailableError: registry: not available: ConnectionRefusedError: Connection refused
    """
    try:
        yield
    except AttemptTimeoutError as error:
        sent = running is None or running.sent
        raise LegacyTimeoutError(system, kind=error.kind, after=error.after, phase=error.phase, sent=sent) from error
    except (OSError, HTTPException) as error:
        said = error.strerror if isinstance(error, OSError) else None
        reason = ": ".join(filter(None, [type(error).__name__, said]))
        raise LegacyUnavailableError(system, reason=reason, sent=running is None or running.sent) from error
