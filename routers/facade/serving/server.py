"""The data plane of one worker: callers' connections, backends, the ruleset in force."""

import asyncio
import contextlib
import os
import re
import socket
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

from routers.facade.accounting.account import Account
from routers.facade.http.shape import Shapes
from routers.facade.http.tls import backend_context, listener_context
from routers.facade.process.report import BackendReport
from routers.facade.serving.caller import Caller
from routers.facade.serving.clock import TICK_SECONDS, Clock
from routers.facade.serving.contract import Contract
from routers.facade.serving.contract_caller import ContractCaller
from routers.facade.serving.pool import Pool
from routers.facade.settings import FacadeSettings
from routers.facade.soap.matcher import Matcher
from routers.rulesets.ruleset import EMPTY, Ruleset

__all__ = ["Server"]

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_GRACE_SECONDS: Final = 1.0
"""How long, at the end, idle connections are kept for a request that is on its way."""


class Server:
    """Serves the listeners of one worker.

    Args:
        settings: The façade.
        account: Of all calls.
        contracts: Listener -> path -> the contract that is served there.
    """

    def __init__(
        self,
        settings: FacadeSettings,
        *,
        account: Account,
        contracts: Mapping[str, Mapping[str, Contract]] | None = None,
    ) -> None:
        self.settings, self.account = settings, account
        self.contracts: Mapping[str, Mapping[str, Contract]] = contracts or {}
        self.limits, self.times = settings.limits, settings.times
        self.idle_seconds = settings.times.idle.total_seconds()
        self.clock, self.matcher, self.shapes, self.ruleset = Clock(), Matcher(), Shapes(), EMPTY
        self.draining = self._closed = False
        self.pools = {
            name: Pool(
                name,
                backend,
                self.limits,
                clock=self.clock,
                shapes=self.shapes,
                context=backend_context(backend.tls) if backend.secure else None,
            )
            for name, backend in settings.backends.items()
        }
        self._callers: set[Caller] = set()
        self._listening: list[asyncio.Server] = []
        self._ids = os.urandom(6).hex()
        self._count = 0
        self._ticking: asyncio.Task[None] | None = None

    def use(self, ruleset: Ruleset, changed: Collection[str] | None) -> None:
        """Decide by this ruleset from the next call on.

        Args:
            ruleset: All rules.
            changed: Names of the capabilities that differ from the one before; None when all may.
        """
        self.matcher.use(ruleset, changed)
        self.ruleset = ruleset

    async def start(self, sockets: Mapping[str, socket.socket]) -> None:
        """Serve the listeners, each on the socket of its name."""
        loop = asyncio.get_running_loop()
        self._ticking = loop.create_task(self._tick())
        for name, listener in self.settings.listeners.items():
            context = listener_context(listener.tls) if listener.tls is not None else None
            kind = ContractCaller if self.contracts.get(name) else Caller
            serving = await loop.create_server(partial(kind, self, name, listener), sock=sockets[name], ssl=context)
            self._listening.append(serving)

    async def drain(self) -> None:
        """Accept nothing more, let the calls in flight end within the bound, and close all."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.times.drain.total_seconds()
        self.draining = True
        for serving in self._listening:
            serving.close()
        grace = loop.time() + min(_GRACE_SECONDS, self.times.drain.total_seconds() / 2)
        while self._callers and loop.time() < until:
            if loop.time() >= grace:
                for caller in [each for each in self._callers if each.idle]:
                    caller.cut()
            await asyncio.sleep(TICK_SECONDS / 4)
        await self.close()

    async def close(self) -> None:
        """Close all at once."""
        self._closed = True
        for serving in self._listening:
            serving.close()
        for caller in list(self._callers):
            caller.cut()
        for pool in self.pools.values():
            pool.close()
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking

    @property
    def in_flight(self) -> int:
        """Return how many calls are being read or answered."""
        return sum(not caller.idle for caller in self._callers)

    @property
    def backends(self) -> list[BackendReport]:
        """Return how each backend is."""
        return [pool.report() for pool in self.pools.values()]

    @property
    def connections(self) -> int:
        """Return how many callers are connected."""
        return len(self._callers)

    def request_id(self, given: bytes | None) -> str:
        """Return the caller's own request id where it is fit, else a new one; see the port."""
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given.decode()
        self._count += 1
        return f"{self._ids}-{self._count:x}"

    def opened(self, caller: Caller) -> bool:
        """Take note of a connection; see the port."""
        self._callers.add(caller)
        # What comes after all was closed would be answered when nobody tells of it any more.
        return len(self._callers) <= self.limits.connections and not self._closed

    def lost(self, caller: Caller) -> None:
        """Forget a connection; see the port."""
        self._callers.discard(caller)

    async def _tick(self) -> None:
        """Move the clock, and end what took too long."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.clock.tick()
            now = self.clock.now
            for caller in [each for each in self._callers if each.deadline < now]:
                caller.timed_out()
            for pool in self.pools.values():
                pool.tick()
