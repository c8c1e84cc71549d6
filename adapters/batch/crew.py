"""Several processes that make the chunks of large files, beside the one that publishes them.

Each loads the adapter itself, and gets records through a socket. They are never needed: what a process that was lost
should have made is made here, and so is all of an adapter that none of them could load as it is here.
"""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Final, Self, final

import structlog

from adapters.batch.chunk import Chunk, Shape, to_chunk
from adapters.batch.delivery import Delivery
from adapters.batch.recipe import Recipe
from contracts.legacy.framing import RecordBatch

__all__ = ["Crew"]

_LARGE_BYTES: Final = 16 * 1024 * 1024
"""Of a file; starting a process takes as long as decoding so much."""
_START_SECONDS: Final = 60.0
_CHUNK_SECONDS: Final = 300.0
"""A process that takes longer for one chunk hangs, and is done without."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@final
class Crew:
    """Makes chunks in several processes, which are started for the first large file. Use as a context manager."""

    def __init__(self, shape: Shape, recipe: Recipe | None, *, count: int, source: str, loaded_at: float) -> None:
        """Prepare.

        Args:
            shape: How records become events here.
            recipe: Where the processes find the adapter.
            count: How many there are to be; 0 makes all chunks here.
            source: Name of the source, for the log.
            loaded_at: When the adapter was loaded here, in seconds since 1970.
        """
        self._shape, self._recipe, self._count, self._source = shape, recipe, count, source
        self._loaded_at = loaded_at
        self._threads: ThreadPoolExecutor | None = None
        self._started: list[_Member] = []
        self._members: list[_Member] = []
        self._free: SimpleQueue[_Member] = SimpleQueue()
        # A format writes all lines into one room: two threads would mix their records up.
        self._alone = Lock()

    async def __aenter__(self) -> Self:
        """Return itself; nothing is started yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes."""
        for member in list(self._started):
            member.end()
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown)
        # Those too that were being started while it was cancelled.
        for member in self._started:
            member.end()
            member.socket.close()

    async def width(self, size_bytes: int) -> int:
        """Return how many chunks of a file are best made at a time; starts the processes for a large one."""
        if not self._count or size_bytes < _LARGE_BYTES:
            return 1
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="crew")
            await asyncio.get_running_loop().run_in_executor(self._threads, self._start)
        return max(1, len(self._members))

    async def chunk(self, delivery: Delivery, batch: RecordBatch, *, is_wanted: bool) -> Chunk:
        """Make a chunk.

        Args:
            delivery: The file.
            batch: Some of its records.
            is_wanted: Whether its events are; else only what they are not.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._made, delivery, batch, is_wanted)

    def _made(self, delivery: Delivery, batch: RecordBatch, is_wanted: bool) -> Chunk:  # noqa: FBT001 - run_in_executor
        try:
            member = self._free.get_nowait()
        except Empty:
            return self._here(delivery, batch, is_wanted=is_wanted)
        try:
            chunk = member.chunk(delivery, batch, is_wanted=is_wanted)
        except (EOFError, OSError):
            if member.is_asked_to_end:
                raise
            self._members.remove(member)
            member.end()
            member.socket.close()
            _log.warning("process lost", source=self._source, left=len(self._members))
            return self._here(delivery, batch, is_wanted=is_wanted)
        self._free.put(member)
        return chunk

    def _here(self, delivery: Delivery, batch: RecordBatch, *, is_wanted: bool) -> Chunk:
        with self._alone:
            chunk = to_chunk(self._shape, delivery, batch)
        return chunk if is_wanted else chunk.without_events()

    def _start(self) -> None:
        problem = self._problem()
        if self._recipe is None or problem is not None:
            _log.warning("one process decodes", source=self._source, reason=problem)
            return
        with suppress(OSError):
            for _ in range(self._count):
                self._started.append(_Member.start(self._recipe))
        for member in self._started:
            if member.is_ready(self._shape.format.fingerprint):
                self._members.append(member)
                self._free.put(member)
            else:
                member.end()
                member.socket.close()
        if len(self._members) < self._count:
            reason = "a process could not be started, or could not load the adapter as it is here"
            _log.warning("fewer processes decode", source=self._source, reason=reason, left=len(self._members))

    def _problem(self) -> str | None:
        if self._recipe is None:
            return "the adapter is no variable of a module, so that no other process could load it"
        files = {file for module in [*sys.modules.values()] if (file := getattr(module, "__file__", None))}
        changed = sorted(file for file in files if _modified_at(file) > self._loaded_at)
        return f"{changed[0]} was changed since it was loaded" if changed else None


def _modified_at(file: str) -> float:
    """Return when a file was changed, in seconds since 1970; 0 where it is none, as in an archive."""
    try:
        return Path(file).stat().st_mtime
    except OSError:
        return 0.0


@dataclass(eq=False, slots=True, kw_only=True)
class _Member:
    """A process, and the socket to it."""

    process: subprocess.Popen[bytes]
    socket: Connection
    is_asked_to_end: bool = False

    @classmethod
    def start(cls, recipe: Recipe) -> "_Member":
        ours, theirs = Pipe()
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own module
                # Not what lies in the working directory by chance: modules are those that this process finds.
                [sys.executable, "-P", "-m", "adapters.batch.member", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=sys.__stderr__,  # what an adapter prints is no output of ours
                env={**os.environ, "PYTHONPATH": os.pathsep.join(each or str(Path.cwd()) for each in sys.path)},
                pass_fds=[theirs.fileno()],
            )
        ours.send(recipe)
        return cls(process=process, socket=ours)

    def is_ready(self, fingerprint: str) -> bool:
        """Wait until it has loaded the adapter, and tell whether that is the same."""
        try:
            return self.socket.poll(_START_SECONDS) and self.socket.recv() == fingerprint
        except (EOFError, OSError):
            return False

    def chunk(self, delivery: Delivery, batch: RecordBatch, *, is_wanted: bool) -> Chunk:
        """Ask for a chunk and wait for it. Raises EOFError or OSError where the process is gone, or hangs."""
        self.socket.send((delivery, batch.alone(), is_wanted))
        if not self.socket.poll(_CHUNK_SECONDS):
            raise TimeoutError
        chunk: Chunk = self.socket.recv()
        return chunk

    def end(self) -> None:
        """End the process; it keeps nothing. Whoever waits for it gets EOFError."""
        self.is_asked_to_end = True
        self.process.kill()
        self.process.wait()
