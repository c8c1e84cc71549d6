"""The gates of a process: for each legacy operation a circuit breaker and a bulkhead, for all who call it."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Annotated, Self
from urllib.parse import urlsplit

import structlog
from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, model_validator

from contracts.breaker import BreakerState, CircuitBreaker
from contracts.errors import CircuitOpenError, LegacyFaultError, TooManyCallsError, UnavailableError
from observability import metrics

__all__ = ["Breaker", "Bulkhead", "Gate", "Gates", "Held"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Breaker(BaseModel):
    """When an operation that fails is left alone for a while."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    failures: Annotated[int, Ge(1), Le(10_000)] = 5
    """Failed attempts in a row, of all who call the operation, after which it is left alone."""
    pause: Annotated[timedelta, Gt(timedelta(0)), Le(timedelta(days=1))] = timedelta(seconds=30)
    """How long; then one call tries, and what comes of it decides."""


class Bulkhead(BaseModel):
    """How many calls of an operation may be under way at a time, a reply that is still read included."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    calls: Annotated[int, Ge(1), Le(10_000)] = 4
    """Most calls at a time, of all adapters of the process that call the operation."""
    waiting: Annotated[int, Ge(0), Le(10_000)] = 16
    """Most calls that wait for one of these to end; one more is refused at once."""
    longest_wait: Annotated[timedelta, Ge(timedelta(0)), Le(timedelta(hours=1))] = timedelta(seconds=30)
    """Longest wait of each; then it is refused."""

    @model_validator(mode="after")
    def _can_wait(self) -> Self:
        if self.waiting and not self.longest_wait:
            raise ValueError("longest_wait: expected more than 0 where calls may wait: set waiting to 0 to refuse them")
        if not self.waiting and "longest_wait" in self.model_fields_set and self.longest_wait:
            raise ValueError(
                "longest_wait: expected with calls that may wait: set waiting to 1 or more, or leave it out"
            )
        return self


class Held:
    """One call that was let through. What came of it is told once, and then its place is free.

    `kept` is set where its answer is read on after the call: then whoever reads it tells the end. As a context manager
    it ends with the block, or goes on where it is kept and nothing was raised.
    """

    def __init__(self, gate: "Gate | None" = None) -> None:
        self._gate = gate
        self.kept = False
        self.seconds = 0.0
        """How long the legacy system was waited for."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or not self.kept:
            self.ended(error)

    def require_still(self, system: str) -> None:
        """Refuse it where the breaker has opened while it waited.

        Raises:
            CircuitOpenError: It has.
        """
        if self._gate is not None:
            self._gate.require(system, self, waited=True)

    def ended(self, error: BaseException | None = None) -> None:
        """Take what came of it; only the first word counts."""
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.ended(self, error)


class Gate:
    """The way of one caller to one operation; what it counts is shared by all with the same."""

    def __init__(self, operation: str, circuit: "_Circuit", places: "_Places") -> None:
        self.operation, self._circuit, self._places = operation, circuit, places

    @asynccontextmanager
    async def admitted(self, system: str) -> AsyncGenerator[Held, None]:
        """Let one call through the breaker, then find it a place; its end is told unless it is kept.

        Raises:
            CircuitOpenError: The operation is left alone now.
            TooManyCallsError: There was no place in time.
        """
        held = Held(self)
        self.require(system, held)
        with ExitStack() as undo:
            undo.callback(self._circuit.breaker.given_up, held)
            await self._places.take(system, self.operation)
            undo.pop_all()
        with held:
            held.require_still(system)
            yield held

    def require(self, system: str, held: Held, *, waited: bool = False) -> None:
        """Refuse a call while the operation is left alone.

        Raises:
            CircuitOpenError: It is.
        """
        circuit = self._circuit
        now, breaker = circuit.clock(), circuit.breaker
        if breaker.still_lets_through(now, held) if waited else breaker.lets_through(now, held):
            return
        rest = timedelta(seconds=breaker.again_at(now) - now)
        raise CircuitOpenError(
            system,
            operation=self.operation,
            until=datetime.now(UTC) + rest,
            retry_after=rest,
            failures=breaker.in_a_row,
            last=circuit.last,
        )

    def ended(self, held: Held, error: BaseException | None) -> None:
        """Take what came of a call, and give its place to the next."""
        self._places.give_back()
        circuit = self._circuit
        if error is None or isinstance(error, LegacyFaultError):  # who finds fault with a request is there
            circuit.breaker.succeeded()
        elif isinstance(error, CircuitOpenError) or not isinstance(error, UnavailableError):
            circuit.breaker.given_up(held)
        else:
            circuit.last = error.reason
            circuit.breaker.failed(circuit.clock())


@dataclass(kw_only=True)
class _Circuit:
    """One breaker, by endpoint and operation."""

    system: str
    operation: str
    settings: Breaker
    clock: Callable[[], float]
    last: str = ""
    """Why the newest failed call did."""
    breaker: CircuitBreaker = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.breaker = CircuitBreaker(failures=settings.failures, pause=settings.pause, changed=self._changed)

    def strictest(self, settings: Breaker) -> None:
        """Leave it alone as soon, and as long, as any of those who call it wants."""
        both = (self.settings, settings)
        strict = Breaker(failures=min(each.failures for each in both), pause=max(each.pause for each in both))
        if strict != self.settings:
            self.settings = strict
            self.__post_init__()

    def _changed(self, state: BreakerState) -> None:
        tell = _log.warning if state == "open" else _log.info
        tell("circuit breaker", system=self.system, operation=self.operation, state=state, reason=self.last)
        metrics.Metrics().circuit(self.system, self.operation, is_open=state == "open")


class _Places:
    """The bulkhead, by system and operation: who waits is served in turn. For the tasks of one event loop."""

    def __init__(self, settings: Bulkhead) -> None:
        self._settings = settings
        self._taken = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    def strictest(self, settings: Bulkhead) -> None:
        both = (self._settings, settings)
        waiting = min(each.waiting for each in both)
        wait = {"longest_wait": min(each.longest_wait for each in both)} if waiting else {}
        self._settings = Bulkhead.model_validate(
            {"calls": min(each.calls for each in both), "waiting": waiting, **wait}
        )

    async def take(self, system: str, operation: str) -> None:
        settings = self._settings
        if self._taken < settings.calls:
            self._taken += 1
            return
        full = len(self._queue) >= settings.waiting
        waited = timedelta(0) if full else settings.longest_wait
        if full or not await self._waited(waited.total_seconds()):
            raise TooManyCallsError(system, operation=operation, calls=settings.calls, waited=waited)

    async def _waited(self, seconds: float) -> bool:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await asyncio.wait({turn}, timeout=seconds)
        except asyncio.CancelledError:
            if turn.done():
                self.give_back()
            raise
        finally:
            if not turn.done():
                self._queue.remove(turn)
        return turn.done()

    def give_back(self) -> None:
        """Hand the place on to who waits longest."""
        if self._queue and self._taken <= self._settings.calls:
            self._queue.popleft().set_result(None)
        else:
            self._taken -= 1


class Gates:
    """All gates of a process, found by system, endpoint and operation.

    A breaker is of one operation at one endpoint, a bulkhead of one operation of one system, or of one endpoint where
    that names no system. Where several callers bound the same differently, the strictest of each bound holds for all.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._circuits: dict[tuple[str, str], _Circuit] = {}
        self._places: dict[tuple[str, str], _Places] = {}

    def gate(self, operation: str, *, system: str | None, endpoint: str, breaker: Breaker, bulkhead: Bulkhead) -> Gate:
        """Return the gate of an operation."""
        address = urlsplit(endpoint)
        at = address._replace(netloc=address.netloc.rpartition("@")[2], query="", fragment="").geturl()
        key = (at, operation)
        if key not in self._circuits:
            named = system or address.hostname or ""
            self._circuits[key] = _Circuit(system=named, operation=operation, settings=breaker, clock=self._clock)
        self._circuits[key].strictest(breaker)
        places = self._places.setdefault((system or at, operation), _Places(bulkhead))
        places.strictest(bulkhead)
        return Gate(operation, self._circuits[key], places)
