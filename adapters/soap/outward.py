"""What bounds the calls of one service: its gates, and the budget of its system."""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from adapters._edge import Operation
from adapters._gate import Gates
from adapters.soap.config import Config
from adapters.soap.http import Exchange, Request, authorization
from contracts.legacy.soap.contract.address import without_secrets
from contracts.ports import Budget, Purpose

__all__ = ["Fetching", "Outward"]

_CONTRACT = "contract"
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outward:
    """What an adapter shares with others that call the same service."""

    gates: Gates = field(default_factory=Gates)
    budget: Budget | None = None

    def polls(self, config: Config, endpoint: str, *, purpose: Purpose = "poll") -> Operation:
        """Return the polled operation, as it is called."""
        gate = self.gates.gate(
            config.operation,
            system=config.system,
            endpoint=endpoint,
            breaker=config.breaker,
            bulkhead=config.bulkhead,
        )
        kind = config.operation_class
        return Operation(name=config.operation, kind=kind, gate=gate, budget=self.budget, purpose=purpose)

    def fetches(self, config: Config, url: str) -> Operation:
        """Return the fetching of a contract, as it is called."""
        gate = self.gates.gate(
            _CONTRACT, system=config.system, endpoint=url, breaker=config.breaker, bulkhead=config.bulkhead
        )
        return Operation(name=_CONTRACT, gate=gate, budget=self.budget)


class Fetching:
    """Fetches the documents of a contract in a worker thread, and ends it when it is closed."""

    def __init__(self, config: Config, begin: Callable[[Request], Exchange]) -> None:
        self._config, self._begin = config, begin
        self._lock = threading.Lock()
        self._exchange: Exchange | None = None
        self._is_closed = False

    @property
    def phase(self) -> str:
        """Return what it waits for."""
        exchange = self._exchange
        return "reading the contract" if exchange is None else getattr(exchange, "phase", "fetching the contract")

    @property
    def sent(self) -> bool:
        """Return True: what is fetched may be fetched again."""
        return True

    def __call__(self, url: str) -> bytes:
        """Return what is behind an address.

        Raises:
            LegacyUnavailableError: It is not the document.
            OSError: It can't be had in time, or this is closed.
        """
        request = Request(url=url, headers=authorization(self._config.credentials))
        with closing(self._begun(request)) as exchange:
            answer = exchange.send()
            if answer.status != _OK:
                reason = f"HTTP {answer.status}: expected the contract at {without_secrets(url)}"
                raise answer.unavailable(self._config.name, reason)
            return b"".join(exchange.chunks())

    def _begun(self, request: Request) -> Exchange:
        with self._lock:
            if self._is_closed:
                raise ConnectionAbortedError("closed before the contract was read")
            self._exchange = self._begin(request)
            return self._exchange

    def close(self) -> None:
        """End it, also while another thread is in it."""
        with self._lock:
            self._is_closed = True
        if self._exchange is not None:
            self._exchange.close()
