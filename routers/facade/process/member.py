"""A worker as the parent sees it: its process, its link, and what it last said."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, final

from routers.facade.process.link import Kind, Link
from routers.facade.process.messages import Start
from routers.facade.process.report import BackendReport, unpack

__all__ = ["Member"]

SILENT_SECONDS: Final = 5.0
STARTING_SECONDS: Final = 60.0
_LAST_WORDS_SECONDS = 5.0


@final
class Member:
    """One worker process, from its start to its end.

    Args:
        start: What it is told.
        number: Which of the façade's workers it is, from 0.
        hears: Is given every frame of it.
    """

    def __init__(self, start: Start, *, number: int, hears: Callable[["Member", Kind, bytes], None]) -> None:
        self.start, self.number, self.pid = start, number, 0
        self.serving, self.draining = False, False
        self.version = -1
        """The ruleset that it runs; -1 before it told."""
        self.told = -1
        """The newest ruleset that it was told; to take over very many rules keeps it from all else for seconds."""
        self.in_flight = 0
        """Calls that it served when it last told."""
        self.backends: tuple[BackendReport, ...] = ()
        """Its backends when it last told."""
        self._hears = hears
        self._loop = asyncio.get_running_loop()
        self.started = self._heard = self._loop.time()
        self._process: asyncio.subprocess.Process | None = None
        self._ended = asyncio.Event()
        self._link = Link(got=self._got, lost=self._ended.set)

    async def run(self, command: Sequence[str], environ: Mapping[str, str] | None, linked: Callable[[], None]) -> int:
        """Run the process to its end and return its exit code; it is killed when this is cancelled.

        Args:
            command: What starts it; the descriptor of its end of the link is added.
            environ: Its environment; this process's own without it.
            linked: Is called when frames can be sent.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            descriptor = theirs.fileno()
            self._process = process = await asyncio.create_subprocess_exec(
                *command,
                str(descriptor),
                pass_fds=(descriptor, *self.start.sockets.values()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env=environ,
                process_group=0,  # Ctrl-C is the parent's alone to hear
            )
            self.pid = process.pid
            theirs.close()
            try:
                await self._loop.create_unix_connection(lambda: self._link, sock=ours)
                self.send(Kind.START, self.start.to_bytes())
                linked()
                return await self._end(process)
            finally:
                self.kill()
                await process.wait()
                self._link.abort()

    async def _end(self, process: asyncio.subprocess.Process) -> int:
        code = await process.wait()
        with suppress(TimeoutError):  # what it wrote before it died is still to be read
            await asyncio.wait_for(self._ended.wait(), _LAST_WORDS_SECONDS)
        return code

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Tell it something; it is lost where the worker is gone."""
        self._link.send(kind, payload)

    def drain(self) -> None:
        """Let it finish its calls and leave."""
        self.draining = True
        self.send(Kind.DRAIN)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def is_stuck(self) -> bool:
        """Tell whether it has been silent for too long."""
        is_loading = not self.serving or self.version < self.told
        allowed = STARTING_SECONDS if is_loading else SILENT_SECONDS
        return self._loop.time() - self._heard > allowed

    def _got(self, kind: Kind, payload: bytes) -> None:
        self._heard = self._loop.time()
        if kind is Kind.BEAT:
            self.in_flight = int(payload)
        elif kind is Kind.RUNS:
            self.version = int(payload)
        elif kind is Kind.READY:
            self.serving = True
        elif kind is Kind.BACKENDS:
            self.backends = unpack(payload)
        self._hears(self, kind, payload)
