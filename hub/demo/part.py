"""One process of the demo, which ends when the demo does, however that ends: its input is closed then."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Self

__all__ = ["Part", "leave_soon"]

_LEAVE_SECONDS = 10
_LATEST_SECONDS = 8


def leave_soon() -> None:
    """End this process in a while, if it has not ended by then: the broker may be gone, and be waited for in vain."""
    latest = Timer(_LATEST_SECONDS, os._exit, [1])
    latest.daemon = True
    latest.start()


class Part:
    """Runs a module in a process of its own for the block; it may be killed and started again within.

    Args:
        module: What runs; it ends when its input does.
        arguments: What it is told.
        log: Takes what it says on its error output.
    """

    def __init__(self, module: str, *arguments: str, log: Path) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._log = log
        self._process: subprocess.Popen[str]
        self.said = ""
        """The first line that it said."""

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            # In a session of its own, Ctrl-C reaches the demo alone, which ends its parts in order.
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def wait(self) -> str:
        """Wait until it is ready, and return its first line."""
        self.said = self._heard()
        return self.said

    def ask(self, line: str) -> str:
        """Write a line, and return the next one that it says."""
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        return self._heard()

    def _heard(self) -> str:
        heard = (self._process.stdout.readline() if self._process.stdout else "").strip()
        if not heard:
            raise RuntimeError(f"{self._command[2]} has ended: {self._log.read_text('utf-8')[-2000:]}")
        return heard

    def kill(self) -> None:
        """Kill it with SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        """Start it, without waiting until it is ready."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its input, and wait until it has left; kill it if that takes too long."""
        if self._process.returncode is None:
            try:
                self._process.communicate(timeout=_LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
