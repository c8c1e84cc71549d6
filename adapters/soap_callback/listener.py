"""Listens for calls: an address, TLS, a bound on connections, and an end that lets callers have their answers."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from adapters._connections import Connections
from adapters._http import Bounds, Handler
from adapters.soap_callback.config import Config, Tls
from contracts.errors import ConfigError

__all__ = ["Answer", "Listener"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    sent: int | None = None


class Listener:
    """A server of one adapter.

    Raises:
        ConfigError: It can't listen at that address, or a file of TLS can't be read.
    """

    def __init__(self, config: Config, handle: Handler) -> None:
        bounds = Bounds(body_bytes=config.most_bytes, seconds=config.read_within.total_seconds())
        self._config = config
        self._connections = Connections(handle, bounds=bounds, most=config.most_connections)
        self._server: asyncio.Server | None = None
        self.url = ""
        """Where it answers."""

    async def begin(self) -> None:
        """Begin to listen."""
        config = self._config
        tls = None if config.tls is None else _context(config.tls)
        try:
            self._server = await asyncio.start_server(self._connections.connected, config.host, config.port, ssl=tls)
        except OSError as error:
            raise ConfigError([f"{config.name}: {config.host}:{config.port}: {error.strerror}"]) from error
        port = self._server.sockets[0].getsockname()[1]
        host = f"[{config.host}]" if ":" in config.host else config.host
        self.url = f"{'http' if tls is None else 'https'}://{host}:{port}{config.path}"
        _log.info("listening", source=config.name, url=self.url)

    def close(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()

    async def end(self) -> None:
        """Let those have their answers that have one, and end all connections."""
        self.close()
        await self._connections.end()


def _context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        password = None if tls.key_password is None else tls.key_password.get_secret_value()
        # Without one, OpenSSL would ask at the terminal.
        context.load_cert_chain(tls.certificate, tls.key, password=password or "")
        if tls.clients is not None:
            context.load_verify_locations(tls.clients)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ValueError) as error:
        raise ConfigError([f"tls: {tls}: {error}"]) from error
    return context
