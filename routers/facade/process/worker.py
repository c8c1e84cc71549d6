"""One worker of the façade: a process that serves, and needs nobody to go on serving.

It is started by the parent as `python -m routers.facade.process.worker DESCRIPTOR` with one end of the link. When
the link ends, so does it: it stops accepting, finishes the calls in flight and leaves, and what is in doubt goes to
the disk.
"""

import asyncio
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol, final

import structlog
import uvloop
from pydantic import SecretStr

from observability import logging, tracing
from observability.masking import KeyHash
from routers.facade.accounting.account import Account, Flushed
from routers.facade.accounting.captures import Captured, Captures
from routers.facade.accounting.inflight import Inflight
from routers.facade.process import report
from routers.facade.process.collector import collect_for_ever, settle
from routers.facade.process.intercepts import captured_spool
from routers.facade.process.link import Kind, Link
from routers.facade.process.messages import Files, Start
from routers.facade.process.replica import Replica
from routers.facade.process.report import BackendReport
from routers.facade.process.runs import read_run, records_of
from routers.facade.process.spool import Spool, pack
from routers.facade.serving.contract import Contract, Page
from routers.facade.serving.server import Server
from routers.rulesets.ruleset import Ruleset

__all__ = ["Parts", "Rules", "Serving", "Worker", "build", "main", "serve"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

FLUSH_SECONDS: Final = 0.2
GOODBYE_SECONDS: Final = 5.0


class Serving(Protocol):
    """The data plane."""

    @property
    def in_flight(self) -> int:
        """Return how many calls are being served."""
        ...

    @property
    def backends(self) -> Sequence[BackendReport]:
        """Return how each backend is, as this process has it."""
        ...

    def use(self, ruleset: Ruleset, changed: Collection[str] | None) -> None:
        """Decide by this ruleset from now on; `changed` names the capabilities that differ, None all."""
        ...

    async def start(self, sockets: Mapping[str, socket.socket]) -> None:
        """Accept calls."""
        ...

    async def drain(self) -> None:
        """Stop accepting, finish the calls in flight, bounded in time, and close."""
        ...


class Rules(Protocol):
    """The ruleset of this process."""

    @property
    def ruleset(self) -> Ruleset:
        """Return the one in force."""
        ...

    def load(self) -> None:
        """Take over the local copy, where there is one."""
        ...

    def apply(self, packed: bytes) -> Collection[str] | None:
        """Take over a difference; returns the capabilities that differ, none where it is old, None for all."""
        ...

    def restore(self, packed: bytes) -> None:
        """Take over a whole ruleset."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a worker is made of."""

    server: Serving
    rules: Rules
    flush: Callable[[], Flushed]
    kept: Callable[[Sequence[int]], None]
    """Called with the slots of calls in doubt whose records are on the disk."""
    captures: Captures | None = None
    """Calls that are kept as they pass; None where none are."""
    close: Callable[[], None]
    """Called when all has been flushed, after the last call has ended."""


Build = Callable[[Start], Parts]


@final
class Worker:
    """Starts as the parent says, tells how it is, and drains when told, or when the parent is gone."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._start: asyncio.Future[Start] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._gone = asyncio.Event()
        self._all_kept = asyncio.Event()
        self._all_kept.set()
        self._parts: Parts | None = None
        self._early: list[bytes] = []
        self._unkept: deque[Flushed] = deque()
        self._untaken: deque[Captured] = deque()
        self._told = b""
        self.link = Link(got=self._got, lost=self._lost)

    def stop(self) -> None:
        """Drain and leave."""
        self._stop.set()

    async def run(self) -> None:
        """Serve until told to stop, or until the parent is gone."""
        start = await self._start
        logging.configure(start.log_level)
        files = Files(start.data)
        with tracing.configure(start.telemetry):
            self._parts = parts = self._build(start)
            try:
                await self._serve(parts, start)
                await self._leave(parts, files)
            finally:
                parts.close()

    async def _serve(self, parts: Parts, start: Start) -> None:
        parts.rules.load()
        parts.server.use(parts.rules.ruleset, None)
        for packed in self._early:
            self._change(parts, packed)
        self._early.clear()
        settle()
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(self._beat(parts))
            collecting = group.create_task(collect_for_ever(lambda: parts.rules.ruleset.version))
            sockets = {name: socket.socket(fileno=number) for name, number in start.sockets.items()}
            await parts.server.start(sockets)
            self._runs(parts)
            self.link.send(Kind.READY)
            await self._stop.wait()
            await parts.server.drain()
            beating.cancel()
            collecting.cancel()

    async def _beat(self, parts: Parts) -> None:
        while True:
            if not self.link.behind:  # what waits meanwhile is bounded by the account, which counts what it drops
                self._flush(parts)
                self.link.send(Kind.BEAT, b"%d" % parts.server.in_flight)
                self._tell_backends(parts)
            await asyncio.sleep(FLUSH_SECONDS)

    def _tell_backends(self, parts: Parts) -> None:
        told = report.pack(parts.server.backends)
        if told != self._told:
            self._told = told
            self.link.send(Kind.BACKENDS, told)

    def _flush(self, parts: Parts) -> None:
        if parts.captures is not None:
            self._tell_captured(parts.captures.take())  # before the counters, of which it has some
        flushed = parts.flush()
        if flushed.tally:
            self.link.send(Kind.TALLY, flushed.tally)
        for packed in flushed.decisions:
            self.link.send(Kind.DECISIONS, packed)
        if flushed.in_doubt:
            self._unkept.append(flushed)
            self._all_kept.clear()
            if not self.link.send(Kind.IN_DOUBT, pack(flushed.in_doubt)):
                self._all_kept.set()

    def _tell_captured(self, captured: Captured) -> None:
        self._untaken.append(captured)
        self._all_kept.clear()
        for _, pack_of_calls in captured.packs:
            self.link.send(Kind.CAPTURED, pack_of_calls)
        if not self.link.send(Kind.UNTIL, b"%d" % captured.until_ns):
            self._all_kept.set()

    async def _leave(self, parts: Parts, files: Files) -> None:
        """Hand over what is left; what the parent did not confirm goes to the disk here, at worst a second time."""
        self._flush(parts)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._all_kept.wait()
        while self._unkept:
            Spool(files.spool).keep(self._unkept[0].in_doubt)
            parts.kept(self._unkept.popleft().doubted)
        for captured in self._untaken:
            for _, payload in captured.packs:
                route, run = read_run(payload)
                captured_spool(files.captured).keep(records_of({route: [run]}), count=run.calls)
        self.link.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), GOODBYE_SECONDS)

    def _got(self, kind: Kind, payload: bytes) -> None:
        if kind is Kind.START:
            self._start.set_result(Start.from_bytes(payload))
        elif kind is Kind.CHANGE and self._parts is None:
            self._early.append(payload)
        elif kind is Kind.CHANGE and self._parts is not None:
            self._change(self._parts, payload)
            self._runs(self._parts)
        elif kind is Kind.SNAPSHOT and self._parts is not None:
            self._parts.rules.restore(payload)
            self._parts.server.use(self._parts.rules.ruleset, None)
            self._runs(self._parts)
        elif kind is Kind.DRAIN:
            self.stop()
        elif kind is Kind.KEPT:
            self._kept()
        elif kind is Kind.TAKEN:
            self._taken()

    def _kept(self) -> None:
        if self._unkept and self._parts is not None:  # else it took too long, and all went to the disk here
            self._parts.kept(self._unkept.popleft().doubted)
        self._look()

    def _taken(self) -> None:
        if self._untaken and self._parts is not None and self._parts.captures is not None:
            self._parts.captures.taken(self._untaken.popleft().size_bytes)
        self._look()

    def _look(self) -> None:
        if not self._unkept and not self._untaken:
            self._all_kept.set()

    def _change(self, parts: Parts, packed: bytes) -> None:
        changed = parts.rules.apply(packed)
        if changed is None or changed:
            parts.server.use(parts.rules.ruleset, changed)

    def _runs(self, parts: Parts) -> None:
        self.link.send(Kind.RUNS, str(parts.rules.ruleset.version).encode())

    def _lost(self) -> None:
        self._gone.set()
        self._all_kept.set()  # nobody is left to confirm
        self.stop()
        if not self._start.done():
            self._start.cancel()


async def serve(descriptor: int, build: Build) -> None:
    """Run a worker on its end of the link."""
    worker = Worker(build)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, worker.stop)
    await loop.create_unix_connection(lambda: worker.link, sock=socket.socket(fileno=descriptor))
    try:
        await worker.run()
    except asyncio.CancelledError:  # the parent went before it said how to start
        return
    except Exception:  # noqa: BLE001 - the end of the process: the parent starts another
        _log.exception("worker failed")
        raise SystemExit(1) from None


def build(start: Start) -> Parts:
    """Put a worker together."""
    noted, replica = Inflight(Files(start.data).inflight(start.name)), Replica(start.ruleset)
    keys = KeyHash(SecretStr(start.key_secret)) if start.key_secret else None
    account = Account(
        start.settings,
        keys=keys,
        inflight=noted,
        rules=lambda: replica.ruleset.rules,
        version=lambda: replica.ruleset.version,
        soon=asyncio.get_running_loop().call_soon,  # in its next round, that is: after it has written
    )
    return Parts(
        server=Server(start.settings, account=account, contracts=_contracts(start)),
        rules=replica,
        flush=account.flush,
        kept=account.kept,
        captures=account.captures,
        close=noted.close,
    )


def _contracts(start: Start) -> dict[str, dict[str, Contract]]:
    return {
        listener: {
            path: Contract({query: Page(page.pieces, page.codec) for query, page in pages.items()})
            for path, pages in by_path.items()
        }
        for listener, by_path in start.contracts.items()
    }


def main(build: Build) -> None:
    """Run the worker whose link is the descriptor in the first argument."""
    # Ctrl-C is the parent's to hear.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvloop.run(serve(int(sys.argv[1]), build))


if __name__ == "__main__":
    main(build)
