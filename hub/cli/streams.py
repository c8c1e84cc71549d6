"""What commands on files of records read and write: never over their own input, whole or not at all."""

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from contracts.errors import ConfigError
from hub.cli.output import complain

__all__ = ["opened", "replaced", "require_apart", "shown", "told"]

_WORTH_A_BAR_BYTES: Final = 2**24


def require_apart(reads: Mapping[str, Path], *, writes: Mapping[str, Path | None]) -> None:
    """Refuse to write over what is read, or to write two things to one file."""
    taken = dict(reads)
    for name, path in writes.items():
        if path is None:
            continue
        if same := next((other for other, each in taken.items() if _is_same(path, each)), None):
            raise ConfigError([f"{name} {path}: expected another file than {same}, which it would overwrite"])
        taken[name] = path


def _is_same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.is_file() and one.samefile(other)
    return one.resolve() == other.resolve()


@contextmanager
def told() -> Generator[None]:
    """End with a sentence where a file can't be read or written any more; a closed pipe needs none."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(f"{error.filename or 'reading or writing failed'}: {error.strerror}")
        with suppress(OSError):
            sys.stdout.close()  # or Python would try again to write what is left
        raise typer.Exit(1) from None


def opened(path: Path, mode: str) -> BinaryIO:
    """Open a file of bytes.

    Raises:
        ConfigError: It can't be opened.
    """
    try:
        return path.open(mode)  # type: ignore[return-value] # a binary mode
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error


@contextmanager
def replaced(path: Path) -> Generator[BinaryIO]:
    """Open a file that takes its place when it is whole; until then, and after an error, there is the old one."""
    if path.exists() and not path.is_file():  # a device or a named pipe
        with opened(path, "wb") as stream:
            yield stream
        return
    whole = path.resolve()
    part = whole.with_name(f".{whole.name}.{os.getpid()}.part")
    try:
        with opened(part, "wb") as stream:
            yield stream
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def shown(path: Path) -> Generator[BinaryIO]:
    """Open a file, with a bar on standard error where it is long and somebody looks; - is standard input."""
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    with opened(path, "rb") as stream:
        size = path.stat().st_size
        if size < _WORTH_A_BAR_BYTES or not sys.stderr.isatty():
            yield stream
            return
        columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(path.name, total=size)
            with progress.wrap_file(stream, task_id=task) as wrapped:
                yield wrapped
