"""A process that asks the leader of a budget, as the leader sees it."""

import asyncio
from typing import Protocol, cast, final

import structlog
from typing_extensions import override

from hub.budget.messages import ASKED_BYTES, Asked, Hello, Told, decode_asked

__all__ = ["Connection", "Leader"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Leader(Protocol):
    """What a connection tells."""

    def admitted(self, connection: "Connection") -> int | None:
        """Take a connection; returns its number, or None where there are too many."""
        ...

    def heard(self, connection: "Connection", asked: Asked) -> None:
        """Do what a process asks."""
        ...

    def ended(self, connection: "Connection") -> None:
        """Forget a connection."""
        ...


@final
class Connection(asyncio.Protocol):
    """One process that asks; who says something else than is understood is cut off."""

    def __init__(self, leader: Leader) -> None:
        self._leader = leader
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self.number = 0
        self.name = ""
        self.pid = self.granted = self.live = 0
        self.differs = False

    def came(self, hello: Hello, settings: str) -> bool:
        """Take who it is; returns whether it has other settings."""
        self.name, self.pid, self.differs = hello.name, hello.pid, hello.settings != settings
        return self.differs

    def tell(self, told: Told) -> None:
        """Send a line; what the other does not read is bounded by what it asked for."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(told.line())

    def close(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        number = self._leader.admitted(self)
        if number is None:
            self.close()
            return
        self.number = number

    @override
    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not all(map(self._is_taken, lines)) or len(self._rest) > ASKED_BYTES:
            _log.warning("the budget's socket was told what is no message; cut off", pid=self.pid, process=self.name)
            self._rest = b""
            self.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._leader.ended(self)

    def _is_taken(self, line: bytes) -> bool:
        """Do what a line says; returns False where it is no message, or the first has no hello."""
        if self._transport is None or self._transport.is_closing():
            return True
        try:
            asked = decode_asked(line) if len(line) <= ASKED_BYTES else None
        except ValueError:
            return False
        if asked is None or not (self.name or asked.hello is not None or asked.show):
            return False
        self._leader.heard(self, asked)
        return True
