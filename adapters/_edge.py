"""The one edge for outward calls: retry > breaker > bulkhead > budget > translate > timeout > call, in this order.

- *Retry* is outermost, and nowhere else: each attempt passes all that follows, so a breaker that opens between two
  attempts ends the call, and a further attempt waits for its turn and its share like any other.
- The *breaker* comes before the bulkhead: a call that will not be made takes no place and waits for none.
- The *bulkhead* comes before the budget: what is drawn from the budget is used at once, rather than held in a queue.
  The breaker is asked again after each of these waits.
- The *budget* lies outside of the timeout: waiting for one's share is no fault of the legacy system.
- With the *translation* inside of the timeout, the bare `TimeoutError` would leave the edge and not be retried.

What `Patience.timeout` bounds is one attempt, from its begin to the last byte of what it reads. Where an answer is read
in parts (`part`), the first attempt ends with the first part, and each further part has the timeout for itself: one
that drips in byte by byte is ended, one that comes goes on. All parts together are bounded by `Patience.reply`. Time in
which nobody reads, since what was read is being published, is none of the legacy system's and counts in neither.
"""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Literal, TypeAlias, TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from adapters._attempt import Running, timed
from adapters._gate import Gate, Held
from adapters._patience import Patience
from contracts.errors import (
    LegacyFaultError,
    LegacyInDoubtError,
    LegacyUnavailableError,
    UnavailableError,
    is_retryable,
)
from contracts.ports import Budget, Purpose
from observability import fields, metrics

__all__ = ["Operation", "OperationClass", "Patience", "call", "impatient", "part"]

_T = TypeVar("_T")
_waits: ContextVar[bool] = ContextVar("waits", default=True)
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

OperationClass: TypeAlias = Literal["safe", "idempotent", "unsafe"]
"""What it means to call an operation twice: nothing, since it only reads; nothing more than once; or another thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What is called, and what bounds its calls besides patience."""

    name: str
    kind: OperationClass = "safe"
    gate: Gate | None = None
    """Its breaker and bulkhead."""
    budget: Budget | None = None
    """What all draw on that call the same legacy system."""
    purpose: Purpose = "poll"
    """What is drawn for; further attempts are drawn as retries."""


async def call(
    system: str, attempt: Callable[[], Awaitable[_T]], patience: Patience, *, operation: Operation | None = None
) -> _T:
    """Return what the attempt returns; try again after errors that say they are retryable, by the operation's class.

    Raises:
        LegacyUnavailableError: No attempt got an answer in time; the last one's reason is in it.
        LegacyInDoubtError: An `unsafe` operation may have been called, and has not answered.
    """
    calling = _Calling(system, attempt, patience=patience, operation=operation or Operation(name=system))
    retrying = AsyncRetrying(
        stop=calling.is_over,
        wait=calling.wait,
        retry=retry_if_exception(calling.is_worth_another),
        before_sleep=calling.tell,
        reraise=True,
    )
    return await retrying(calling.once)


async def part(
    system: str, more: Callable[[], Awaitable[_T]], patience: Patience, *, operation: Operation, held: Held
) -> _T:
    """Return the next part of an answer whose call was `kept`. It is not tried twice: what came before is handed on.

    Raises:
        LegacyUnavailableError: It did not come in time, or is cut off.
        LegacyInDoubtError: The same, of an `unsafe` operation.
    """
    left = patience.reply - timedelta(seconds=held.seconds)
    bound = patience.timeout if patience.timeout <= left else patience.reply
    with _certain(system, operation), held:
        try:
            return await timed(system, more, Running(held=held), within=min(patience.timeout, left), bound=bound)
        except UnavailableError:
            _answered(operation, held, failed=True)
            raise


class _Calling(Generic[_T]):
    """One call with all its attempts."""

    def __init__(
        self, system: str, attempt: Callable[[], Awaitable[_T]], *, patience: Patience, operation: Operation
    ) -> None:
        self._system, self._attempt = system, attempt
        self._patience, self._operation = patience, operation
        self._jitter = wait_random_exponential(max=patience.longest_wait.total_seconds())
        self._drawn = 0
        self._spent = 0.0

    async def once(self) -> _T:
        """Make one attempt."""
        gate = self._operation.gate
        with _certain(self._system, self._operation):
            if gate is None:
                return await self._with_budget(Held())
            async with gate.admitted(self._system) as held:
                return await self._with_budget(held)

    async def _with_budget(self, held: Held) -> _T:
        budget = self._operation.budget
        if budget is not None:
            await budget.draw("retry" if self._drawn else self._operation.purpose)
            held.require_still(self._system)
        self._drawn += 1
        try:
            bound = self._patience.timeout
            answer = await timed(self._system, self._attempt, Running(held=held), within=bound, bound=bound)
        except (UnavailableError, LegacyFaultError) as error:
            _answered(self._operation, held, failed=isinstance(error, UnavailableError))
            raise
        finally:
            self._spent += held.seconds
        _answered(self._operation, held, failed=False)
        return answer

    def is_worth_another(self, error: BaseException) -> bool:
        """Tell whether the same call may succeed within our patience."""
        asked: timedelta | None = getattr(error, "retry_after", None)
        soon = getattr(error, "soon", True) and (asked is None or asked <= self._patience.longest_wait)
        return is_retryable(error) and soon

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds until the next attempt: drawn at random, and not less than the service asks for."""
        if not _waits.get():
            return 0
        asked: timedelta | None = getattr(_error(state), "retry_after", None)
        return max(self._jitter(state), 0 if asked is None else asked.total_seconds())

    def is_over(self, state: RetryCallState) -> bool:
        """Tell whether no further attempt is made."""
        overall = self._patience.overall
        late = overall is not None and self._spent + state.idle_for + state.upcoming_sleep > overall.total_seconds()
        return late or state.attempt_number >= self._patience.attempts

    def tell(self, state: RetryCallState) -> None:
        """Count and log that a further attempt follows."""
        error, operation = _error(state), self._operation.name
        if error is not None:
            metrics.Metrics().retried(fields.span_name(fields.CALL, operation), error)
        reason = error.reason if isinstance(error, UnavailableError) else None
        seconds, attempt = round(state.upcoming_sleep, 1), state.attempt_number
        _log.info(
            "call tried again",
            source=self._system,
            operation=operation,
            attempt=attempt,
            seconds=seconds,
            reason=reason,
        )


def _answered(operation: Operation, held: Held, *, failed: bool) -> None:
    if operation.budget is not None:
        operation.budget.answered(timedelta(seconds=held.seconds), failed=failed)


def _error(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


@contextmanager
def _certain(system: str, operation: Operation) -> Generator[None, None, None]:
    """Turn an error that leaves open whether an `unsafe` operation was called into one that ends it."""
    try:
        yield
    except LegacyUnavailableError as error:
        if operation.kind != "unsafe" or not error.sent:
            raise
        raise LegacyInDoubtError(system, operation=operation.name, reason=error.reason) from error


@contextmanager
def impatient() -> Generator[None, None, None]:
    """Take the waiting between attempts away for the block: a switch for tests, attempts stay as they are."""
    token = _waits.set(False)
    try:
        yield
    finally:
        _waits.reset(token)
