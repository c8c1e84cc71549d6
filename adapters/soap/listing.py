"""One reply, from the request to its last item, in a thread of its own."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from adapters._attempt import during
from adapters._gate import Held
from adapters.soap.changes import Listed
from adapters.soap.config import Config
from adapters.soap.contract import Contract
from adapters.soap.http import Answer, Exchange
from contracts.errors import LegacyFaultError, LegacyUnavailableError
from contracts.legacy.soap import fault
from contracts.legacy.soap.message.deviation import Deviation
from contracts.legacy.soap.message.reader import Rest

__all__ = ["Listing"]

_T = TypeVar("_T")
_OK = 200
_UNAUTHORIZED = 401


class Listing:
    """The items of one reply, some at a time.

    All of it is read in one thread: lxml crashes the process when a document that one thread began is read
    on in another, hence no `asyncio.to_thread` here.
    """

    def __init__(self, exchange: Exchange, contract: Contract, config: Config) -> None:
        self._exchange, self._config = exchange, config
        self.endpoint = contract.endpoint
        """The address that was called."""
        self._items = self._without_rest(contract.items(exchange.chunks()))
        self.rest: Rest | None = None
        """What the reply says besides its items, once they are read; where values are typed."""
        self.last: Listed | None = None
        """The last item that was read."""
        self.held = Held()
        """The place of its call, which is free when it is closed."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"listing-{config.name}")

    def _without_rest(self, found: Generator[Listed | Rest, None, None]) -> Generator[Listed, None, None]:
        for each in found:
            if isinstance(each, Rest):
                self.rest = each
            else:
                self.last = each
                yield each

    async def begin(self) -> Sequence[Listed]:
        """Send the request and return the first items; fewer than a chunk where there are no more.

        Raises:
            LegacyFaultError: The legacy system says that the request is wrong.
            LegacyUnavailableError: It gave no answer, no reply, or a fault of its own.
        """
        return await self._run(self._begin)

    async def more(self) -> Sequence[Listed]:
        """Return the next items; raises as `begin` does."""
        return await self._run(self._take)

    @property
    def deviations(self) -> Sequence[Deviation]:
        """Return how what was read besides the items differs from the contract."""
        return () if self.rest is None else self.rest.deviations

    def close(self) -> None:
        """End it, also while it is being read."""
        self._exchange.close()
        self.held.ended()
        self._thread.submit(self._items.close)
        self._thread.shutdown(wait=False)

    async def _run(self, step: Callable[[], _T]) -> _T:
        during(self._exchange)
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)

    def _begin(self) -> Sequence[Listed]:
        answer = self._exchange.send()
        if answer.status == _UNAUTHORIZED:
            # Not tried again: that would lock the account.
            raise LegacyFaultError(self._config.name, code="HTTP 401", text="the credentials are refused")
        try:
            first = self._take()
        except LegacyUnavailableError as error:
            raise self._unavailable(answer, error.reason, soon=error.soon) from error
        if answer.status != _OK:
            raise self._unavailable(answer, "expected a fault, found a reply")
        return first

    def _take(self) -> Sequence[Listed]:
        try:
            return list(islice(self._items, self._config.chunk_items))
        except LegacyFaultError as error:
            if not fault.is_of_the_server(error.code):
                raise
            # Its words stay out of the message: they may be about a person.
            soon = self._config.patience.server_faults
            raise LegacyUnavailableError(self._config.name, reason=f"fault {error.code}", soon=soon) from error

    def _unavailable(self, answer: Answer, reason: str, *, soon: bool = True) -> LegacyUnavailableError:
        said = f"HTTP {answer.status} {answer.content_type}: {reason}"
        return answer.unavailable(self._config.name, said, soon=soon)
