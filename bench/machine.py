"""The machine that a bench runs on: processes of ours on cores of their own, their CPU time, and what is to be told."""

import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self, final

from routers import decision

__all__ = ["Processes", "cpu_seconds", "facts", "family", "free_ports", "missing", "program", "reachable"]

PACKAGES = {"wrk": "wrk", "nginx": "nginx-light", "haproxy": "haproxy", "taskset": "util-linux", "perf": "linux-perf"}
"""Program -> the Debian package that brings it."""
_TICKS = os.sysconf("SC_CLK_TCK")


@final
class Processes:
    """Processes that end with the block; each is started on cores of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._running = folder, list[subprocess.Popen[bytes]]()

    def __enter__(self) -> Self:
        """Return itself; from now on, SIGTERM ends this process by way of all blocks, so that nothing stays behind."""
        signal.signal(signal.SIGTERM, _leave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all that run, and what they started."""
        for process in reversed(self._running):
            end(process)

    def start(
        self, name: str, command: Sequence[str], *, cores: str | None = None, environ: Mapping[str, str] | None = None
    ) -> int:
        """Start a process, what it prints goes to `NAME.out` in the folder, and return its id."""
        pinned = [] if cores is None else ["taskset", "-c", cores]
        with (self._folder / f"{name}.out").open("wb") as out:
            process = subprocess.Popen(
                [*pinned, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environ or {})},
                start_new_session=True,
            )
        self._running.append(process)
        return process.pid


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session: kindly, then for good together with its children."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(5)


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the CPU time that processes spent so far, in user space and in the kernel."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def reachable(port: int, *, seconds: float = 30) -> None:
    """Wait until somebody listens on a port.

    Raises:
        TimeoutError: Nobody does.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise TimeoutError(f"nobody listens on port {port} after {seconds:g} s") from None
            time.sleep(0.05)
        else:
            return


def missing(programs: Sequence[str]) -> list[str]:
    """Return what to install, a sentence for each program that is not here."""
    return [
        f"{program} is missing: apt-get install {PACKAGES[program]}"
        for program in programs
        if shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None
    ]


def program(name: str) -> str:
    """Return the whole path of a program; daemons are not on everybody's path."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") or name


def facts() -> str:
    """Return what has to stand beside every figure."""
    optimized = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    built = f"Python {platform.python_version()}, {'with' if optimized else 'without'} --enable-optimizations"
    name = cpu.partition(":")[2].strip() or platform.machine()
    compiled = "interpreted" if (decision.__file__ or "").endswith(".py") else "compiled"
    return f"{os.cpu_count()} cores ({name}), load {os.getloadavg()[0]:.1f}; {built}; façade {compiled}"
