"""A façade's data plane in this process, with backends that do what a test says, byte for byte."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from observability.masking import KeyHash
from routers.facade.accounting.account import Account
from routers.facade.accounting.inflight import Inflight, create
from routers.facade.serving.contract import Contract
from routers.facade.serving.server import Server
from routers.facade.settings import Backend, FacadeSettings, Listener
from routers.rulesets.capability import Capability
from routers.rulesets.ruleset import EMPTY

Conduct = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Side:
    """A backend of ours: keeps the bytes of each request, and behaves as `conduct` says."""

    conduct: Conduct | None = None
    """Handles one connection; without it, each request is read wholly and answered with `answer`."""
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
    port: int = 0
    requests: list[bytes] = field(default_factory=list[bytes])
    """Head and body of each request as they came (chunked bodies with their coding)."""
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        self.connections += 1
        self.writers.append(writer)
        try:
            if self.conduct is not None:
                await self.conduct(reader, writer)
                return
            while True:
                self.requests.append(await read_message(reader))
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """Read one message from a stream: its head, and the body that Content-Length or chunks announce."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    }
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        body = b""
        while True:
            size = await reader.readuntil(b"\r\n")
            body += size
            if int(size.split(b";")[0], 16) == 0:
                return head + body + await _trailers(reader)
            body += await reader.readexactly(int(size.split(b";")[0], 16) + 2)
    return head + await reader.readexactly(int(fields.get(b"content-length", b"0")))


async def _trailers(reader: asyncio.StreamReader) -> bytes:
    read = b""
    while not read.endswith(b"\r\n\r\n") and read != b"\r\n":
        read += await reader.readuntil(b"\r\n")
    return read


@dataclass
class World:
    """A running façade."""

    server: Server
    port: int
    legacy: Side
    modern: Side

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a caller's connection."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def exchange(self, request: bytes, *, half_close: bool = False, seconds: float = 10) -> bytes:
        """Send bytes on a connection of their own, and return all that comes until the façade closes."""
        reader, writer = await self.connect()
        writer.write(request)
        if half_close:
            writer.write_eof()
        try:
            async with asyncio.timeout(seconds):
                return await reader.read()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def use(self, capabilities: Mapping[str, Mapping[str, Any]], *, version: int = 1) -> None:
        """Put a ruleset in force; backends are called `legacy` and `modern`."""
        read = {name: Capability.model_validate(each) for name, each in capabilities.items()}
        self.server.use(EMPTY.changed(read, version=version, hash_=f"{version:064x}"), None)


@asynccontextmanager
async def facade(
    folder: Path,
    *,
    legacy: Side | None = None,
    modern: Side | None = None,
    contracts: Mapping[str, Contract] | None = None,
    **settings: Any,
) -> AsyncGenerator[World]:
    """Run a façade with two sides until the block ends; `settings` are those of `FacadeSettings`."""
    sides = (legacy or Side(), modern or Side())
    servers = [await asyncio.start_server(side.serve, "127.0.0.1", 0, limit=2**20) for side in sides]
    for side, server in zip(sides, servers, strict=True):
        side.port = server.sockets[0].getsockname()[1]
    backend = {**settings.pop("backend", {})}
    backends = {
        name: Backend.model_validate({"url": f"http://127.0.0.1:{side.port}"} | backend)
        for name, side in zip(("legacy", "modern"), sides, strict=True)
    }
    listener = {"address": "127.0.0.1:0", "legacy": "legacy"} | settings.pop("listener", {})
    given = FacadeSettings.model_validate(
        {"listeners": {"main": Listener.model_validate(listener)}, "backends": backends} | settings
    )
    create(folder / "inflight", given)
    inflight = Inflight(folder / "inflight")
    made: list[Server] = []
    account = Account(
        given, keys=KeyHash(b"for-tests-of-ours-only"), inflight=inflight, rules=lambda: made[0].ruleset.rules
    )
    made.append(Server(given, account=account, contracts={"main": contracts or {}}))
    listening = socket.create_server(("127.0.0.1", 0))
    try:
        await made[0].start({"main": listening})
        yield World(made[0], listening.getsockname()[1], *sides)
    finally:
        await made[0].close()
        inflight.close()
        listening.close()
        for server in servers:
            server.close()
        for writer in (writer for side in sides for writer in side.writers):
            # Of one that has ended a moment ago, CPython 3.11 has no loop any more.
            with contextlib.suppress(AttributeError):
                writer.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)  # what was aborted is closed in the loop's next rounds
