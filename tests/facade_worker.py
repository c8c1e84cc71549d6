"""A worker of the façade with a stand-in for the data plane: it answers by what the path says."""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from contracts.ports import LogRecord
from observability import fields
from routers.facade.accounting.account import Flushed
from routers.facade.accounting.inflight import Inflight
from routers.facade.accounting.tally import Tally
from routers.facade.process.messages import Files, Start
from routers.facade.process.report import BackendReport
from routers.facade.process.worker import Parts, main
from routers.rulesets.ruleset import EMPTY, Ruleset
from routers.stage import OperationClass, Side

COMMAND = (sys.executable, __file__)


class Rules:
    """A ruleset that is a number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ruleset = EMPTY

    def load(self) -> None:
        if self._path.exists():
            self.apply(self._path.read_bytes())

    def apply(self, packed: bytes) -> Collection[str] | None:
        if int(packed) <= self.ruleset.version:
            return ()
        self.ruleset = replace(self.ruleset, version=int(packed))
        return None

    def restore(self, packed: bytes) -> None:
        self.ruleset = replace(self.ruleset, version=int(packed))


class Server:
    """`/pid` and `/version` tell; `/unsafe` stays in flight; `/doubt` is in doubt; `/hang` stops the loop."""

    def __init__(self, start: Start) -> None:
        self._inflight = Inflight(Files(start.data).inflight(start.name))
        self._files = Files(start.data)
        self._servers: list[asyncio.Server] = []
        self.ruleset: Ruleset = EMPTY
        self.in_flight = 0
        self.backends: list[BackendReport] = []
        self.doubts: list[LogRecord] = []
        self.seen = 0

    def use(self, ruleset: Ruleset, changed: Collection[str] | None) -> None:
        assert changed is None
        self.ruleset = ruleset

    async def start(self, sockets: Mapping[str, socket.socket]) -> None:
        for bound in sockets.values():
            self._servers.append(await asyncio.start_server(self._answer, sock=bound))

    async def drain(self) -> None:
        for server in self._servers:
            server.close()
        while self.in_flight:
            await asyncio.sleep(0.01)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.in_flight += 1
        self.seen += 1
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1].decode()
        body = await self._said(path)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()
        self.in_flight -= 1

    async def _said(self, path: str) -> bytes:
        if path == "/unsafe":
            slot = self._inflight.begin("r1", "address/change", OperationClass.UNSAFE, "hash")
            self._inflight.sent(slot, Side.MODERN, "new")
            # Until the test says so.
            while not (self._files.folder / "go").exists():
                await asyncio.sleep(0.01)
            self._inflight.end(slot)
        elif path == "/doubt":
            self.doubts.append(LogRecord(key=b"r2", value=b'{"request_id": "r2"}'))
        elif path == "/hang":
            time.sleep(600)  # noqa: ASYNC251 - it is what hanging means
        told = {"pid": os.getpid(), "version": self.ruleset.version, "environ": sorted(os.environ)}
        return json.dumps(told).encode()

    def flush(self) -> Flushed:
        doubts, self.doubts = self.doubts, []
        seen, self.seen = self.seen, 0
        tally = Tally()
        if seen:
            tally.count(fields.BANYAN_SPANS_DROPPED, by=seen)
        return Flushed(tally.take(), [b"decision"] * seen, doubts)


def build(start: Start) -> Parts:
    """Put a worker together."""
    server = Server(start)
    return Parts(server=server, rules=Rules(start.ruleset), flush=server.flush, kept=lambda _: None, close=lambda: None)


if __name__ == "__main__":
    main(build)
