"""Listens for calls: an address, TLS, a bound on connections, and an end that lets callers have their answers."""

import asyncio
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from adapters._http import Bounds, Handler, talk
from adapters.soap_callback.config import Config, Tls
from contracts.errors import ConfigError

__all__ = ["Answer", "Listener"]

_DRAIN_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 1.0
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
        self._config, self._handle = config, handle
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._server: asyncio.Server | None = None
        self.url = ""
        """Where it answers."""

    async def begin(self) -> None:
        """Begin to listen."""
        config = self._config
        tls = None if config.tls is None else _context(config.tls)
        try:
            self._server = await asyncio.start_server(self._connected, config.host, config.port, ssl=tls)
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
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._idle.wait()
        # Closed, not cancelled: until Python 3.12, asyncio logs each cancelled connection as an error.
        for writer in self._connections.values():
            writer.close()
        if self._connections:
            _, late = await asyncio.wait(self._connections, timeout=_DRAIN_SECONDS)
            for task in late:
                task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= self._config.most_connections:
            writer.close()
            return
        self._connections[task] = writer
        bounds = Bounds(body_bytes=self._config.most_bytes, seconds=self._config.read_within.total_seconds())
        try:
            with suppress(ConnectionError):
                await talk(reader, writer, self._handle, working=self._working, bounds=bounds)
        finally:
            writer.close()
            # Or the socket would outlive the end of the loop; one that does not answer is not waited for.
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await writer.wait_closed()
            del self._connections[task]

    @contextmanager
    def _working(self) -> Generator[None]:
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()


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
