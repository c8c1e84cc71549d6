"""The one edge for outward calls: retry > translate > timeout > call, in this order.

With the translation inside the timeout, the bare `TimeoutError` would leave the edge and not be retried.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from http.client import HTTPException
from typing import Annotated, TypeVar

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from contracts.errors import LegacyUnavailableError, is_retryable

__all__ = ["Patience", "call", "impatient", "translated"]

_T = TypeVar("_T")
_waits: ContextVar[bool] = ContextVar("waits", default=True)


class Patience(BaseModel):
    """How long one call of a legacy system is tried. Attempts, each wait and each attempt are all bounded.

    >>> Patience(timeout=5).timeout
    datetime.timedelta(seconds=5)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    timeout: Annotated[timedelta, Gt(timedelta(0)), Le(timedelta(hours=1))] = timedelta(seconds=30)
    """Longest time of one attempt."""
    attempts: Annotated[int, Ge(1), Le(100)] = 3
    """Most attempts, the first included."""
    longest_wait: Annotated[timedelta, Ge(timedelta(0)), Le(timedelta(hours=1))] = timedelta(seconds=10)
    """Longest wait between two attempts; each is drawn at random below a bound that doubles up to this."""

    def once(self) -> "Patience":
        """Return the same timeout for a call that must not be made twice."""
        return self.model_copy(update={"attempts": 1})


async def call(system: str, attempt: Callable[[], Awaitable[_T]], patience: Patience) -> _T:
    """Return what the attempt returns; try again after errors that say they are retryable.

    Raises:
        LegacyUnavailableError: No attempt got an answer in time; the last one's reason is in it.
    """

    async def one() -> _T:
        with translated(system):
            async with asyncio.timeout(patience.timeout.total_seconds()):
                return await attempt()

    longest = patience.longest_wait.total_seconds() if _waits.get() else 0
    retrying = AsyncRetrying(
        stop=stop_after_attempt(patience.attempts),
        wait=wait_random_exponential(max=longest),
        retry=retry_if_exception(is_retryable),
        reraise=True,
    )
    return await retrying(one)


@contextmanager
def translated(system: str) -> Generator[None, None, None]:
    """Turn what sockets, TLS and HTTP raise into `LegacyUnavailableError`.

    >>> with translated("registry"):
    ...     raise ConnectionRefusedError(111, "Connection refused")
    Traceback (most recent call last):
    contracts.errors.LegacyUnavailableError: registry: not available: ConnectionRefusedError: Connection refused
    """
    try:
        yield
    except (OSError, HTTPException) as error:
        said = error.strerror if isinstance(error, OSError) else None
        reason = ": ".join(filter(None, [type(error).__name__, said]))
        raise LegacyUnavailableError(system, reason=reason) from error


@contextmanager
def impatient() -> Generator[None, None, None]:
    """Take the waiting between attempts away for the block: a switch for tests, attempts stay as they are."""
    token = _waits.set(False)
    try:
        yield
    finally:
        _waits.reset(token)
