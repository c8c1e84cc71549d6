"""Processes that outlive the command that started them, and the certainty that a pid still is ours."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict

__all__ = ["Process", "end", "is_running", "spawn"]

_PROC = Path("/proc")
_POLL_SECONDS = 0.02


class Process(BaseModel):
    """A process that was started: a pid alone may be anybody's by now."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    pid: int
    """Its number."""
    born: str
    """When the system says that it was started; in the system's own writing, only good to compare."""


def spawn(command: Sequence[str | Path], *, console: Path, environ: Mapping[str, str]) -> Process:
    """Start a process in a session of its own; what it prints goes to the file `console`."""
    arguments = [str(part) for part in command]
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(console), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    # Not Popen: nobody holds this process, so nobody is to be warned when it is let go.
    pid = os.posix_spawn(arguments[0], arguments, environ, file_actions=actions, setsid=True)
    return Process(pid=pid, born=_born(pid))


def is_running(process: Process | None) -> bool:
    """Tell whether exactly this process still runs, not another one with its pid."""
    return process is not None and _born(process.pid) == process.born


def end(process: Process | None, *, how: signal.Signals, grace_seconds: float = 0.0) -> None:
    """End a process, if it still is ours, and wait until it is gone; after the grace it is killed."""
    deadline = time.monotonic() + grace_seconds
    signals = [how]
    while process is not None and is_running(process):
        if signals:
            os.kill(process.pid, signals.pop())
        elif how is not signal.SIGKILL and time.monotonic() > deadline:
            how = signal.SIGKILL
            signals = [how]
        time.sleep(_POLL_SECONDS)


def _born(pid: int) -> str:
    """Return when the process was started; empty when it has ended."""
    with suppress(ChildProcessError):  # some other command may have started it
        os.waitpid(pid, os.WNOHANG)
    if not _PROC.is_dir():
        ask = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
        state, _, born = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.partition(" ")  # noqa: S603
        return "" if state.startswith("Z") else born.strip()
    try:
        # proc(5): the name, field 2, is in brackets and may hold blanks; the state is 3, the start time 22.
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]
