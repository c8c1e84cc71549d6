"""The connections of what listens: bounded in number, and ended when those that wait have their answers."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final, final

from adapters._http import Bounds, Handler, talk

__all__ = ["Connections"]

_DRAIN_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 1.0
_ANY: Final = Bounds()


@final
class Connections:
    """What `asyncio.start_server` hands its connections to.

    Args:
        handle: Makes the replies.
        bounds: How much of a request is taken, and how long is waited for it.
        most: Further connections are closed at once.
    """

    def __init__(self, handle: Handler, *, bounds: Bounds = _ANY, most: int | None = None) -> None:
        self._handle, self._bounds, self._most = handle, bounds, most
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes by a connection, until either side ends it."""
        task = asyncio.current_task()
        if task is None or (self._most is not None and len(self._open) >= self._most):
            writer.close()
            return
        self._open[task] = writer
        try:
            with suppress(ConnectionError):
                await talk(reader, writer, self._handle, working=self._working, bounds=self._bounds)
        finally:
            writer.close()
            # Or the socket would outlive the end of the loop; one that does not answer is not waited for.
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await writer.wait_closed()
            del self._open[task]

    async def end(self) -> None:
        """Let those have their answers whose requests came, and end all connections."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._idle.wait()
        # Closed, not cancelled: until Python 3.12, asyncio logs each cancelled connection as an error.
        for writer in self._open.values():
            writer.close()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=_DRAIN_SECONDS)
            for task in late:
                task.cancel()

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
