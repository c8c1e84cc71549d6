"""What decodes files beside Banyan, each as its manual says and told to use one core, and what can't be had."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["COPYBOOK_CLI", "Contender", "Job", "contenders", "copybook_cli"]

COPYBOOK_CLI: Final = "0.6.1"
"""The newest release that the Rust 1.95 of today's toolchains compiles."""
_SLICE_MB, _SMALL_SLICE_MB = 64, 16
ABSENT: Final = "not measured: Cobrix on Spark (za.co.absa.cobrix:spark-cobol) and JRecord: Maven found no jars of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A file to decode."""

    data: Path
    copybook: Path
    plain: Path
    """The copybook for peers that do not know all of its pictures."""
    spec: Path
    """The description of the file, for Banyan."""
    length: int
    """Bytes of a record."""
    lines: Path
    """Where the lines go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One program that decodes."""

    name: str
    command: Callable[[Job], Sequence[str]]
    most_bytes: int | None = None
    """It gets no more than the first so many bytes, since it is slow."""


def banyan(job: Job) -> Sequence[str]:
    """Return our own command line."""
    begin = [sys.executable, "-c", "from hub.cli import main; main()", "copybook", "decode", "--spec", str(job.spec)]
    return [*begin, "--quarantine", str(job.lines.with_suffix(".quarantine")), str(job.data)]


def contenders(tell: Callable[[str], None]) -> list[Contender]:
    """Return all that can be had here, Banyan first, and tell what can't and why."""
    found = [Contender(name="banyan", command=banyan)]
    if program := copybook_cli(tell):
        found.append(
            Contender(name=f"copybook-cli {COPYBOOK_CLI}", command=_told_to(program), most_bytes=_SLICE_MB * 10**6)
        )
    if find_spec("coboljsonifier"):
        found.append(Contender(name="coboljsonifier 1.0.8", command=_jsonifier, most_bytes=_SMALL_SLICE_MB * 10**6))
    else:
        tell("not measured: coboljsonifier is not installed; `make bench` does")
    tell(ABSENT)
    return found


def _jsonifier(job: Job) -> Sequence[str]:
    return [sys.executable, "-m", "bench.peers.jsonifier", str(job.plain), str(job.data), str(job.length)]


def _told_to(program: Path) -> Callable[[Job], Sequence[str]]:
    def command(job: Job) -> Sequence[str]:
        # To standard output, where it writes whole buffers: to a file of its own it writes each name and value alone.
        told = ["--format", "fixed", "--codepage", "cp037", "--threads", "1", "--output", "-"]
        return [str(program), "decode", str(job.plain), str(job.data), *told]

    return command


def copybook_cli(tell: Callable[[str], None]) -> Path | None:
    """Return the program, which Cargo compiles once into the user's cache; None, told, where it can't."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = caches / "banyan" / f"copybook-cli-{COPYBOOK_CLI}"
    program = root / "bin" / "copybook"
    if program.exists():
        return program
    cargo = shutil.which("cargo")
    if cargo is None:
        tell("not measured: copybook-cli is written in Rust, and there is no `cargo` (Debian: cargo)")
        return None
    tell(f"compiling copybook-cli {COPYBOOK_CLI} with Cargo into {root} (once, several minutes)")
    asked = [cargo, "install", "copybook-cli", "--version", COPYBOOK_CLI, "--locked", "--root", str(root)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode or not program.exists():
        reason = next((line for line in done.stderr.splitlines() if line.startswith("error")), "no program came of it")
        tell(f"not measured: copybook-cli {COPYBOOK_CLI}: {reason}")
        return None
    return program
