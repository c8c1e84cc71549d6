"""`banyan copybook decode` and `encode`: files of records to JSON Lines, and back."""

import base64
import hashlib
import json
import sys
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from contracts.errors import ConfigError
from contracts.file_description import ends_of, layout_of
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.record_file import RecordFile, Refused
from hub.cli.file_options import described
from hub.cli.output import complain
from hub.cli.streams import opened, replaced, require_apart, shown, told

__all__ = ["DEAD_LETTERS", "decode", "encode"]

DEAD_LETTERS: Final = 3
"""The exit code when there were any."""
_SHOWN: Final = 3

Quarantine = Annotated[Path | None, typer.Option(help="JSON Lines file for the records that can't be handled.")]
MaxErrors = Annotated[int | None, typer.Option(min=0, help="Give up after more bad records than this.")]


@described
def decode(
    spec: FileSpec,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The data file; - reads standard input.")],
    quarantine: Quarantine = None,
    max_errors: MaxErrors = None,
) -> None:
    """Print each record of a file as a line of JSON.

    Whole numbers are numbers, decimals are text with all their digits, text has no blanks at the right, FILLER is left
    out, and tables are as long as their counter says. A record that can't be decoded goes to the quarantine with its
    bytes and the reason; the rest goes on, and exit code 3 tells that there were any.

    With `--parent`, a line is a whole tree: what stands below a group is in it, as lists by the names of their groups.
    """
    require_apart({"FILE": file, "--copybook": spec.copybook}, writes={"--quarantine": quarantine})
    records = RecordFile(spec, layout_of(spec), ends_of(spec))
    with told(), ExitStack() as stack:
        dead = stack.enter_context(_dead_letters(quarantine, max_errors))
        stream = stack.enter_context(shown(file))
        out = stack.enter_context(_flushed(sys.stdout.buffer))
        for found in records.lines(stream, prefix=_prefix(spec, file)):
            if isinstance(found, Refused):
                dead.put(found)
            else:
                out.write(found)
    dead.tell("record")


@described
def encode(
    spec: FileSpec,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines, as `decode` prints them; - reads them in.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else standard output.")] = None,
    quarantine: Quarantine = None,
    max_errors: MaxErrors = None,
) -> None:
    """Write lines of JSON as a file of records: the inverse of `decode`, byte for byte.

    A line whose values do not fit goes to the quarantine; the rest goes on, and exit code 3 tells that there were any.
    With `--output`, the file is there when all of it is written, and not before.
    """
    require_apart({"FILE": file, "--copybook": spec.copybook}, writes={"--quarantine": quarantine, "--output": output})
    records = RecordFile(spec, layout_of(spec), ends_of(spec))
    refused: list[Refused] = []
    with told(), ExitStack() as stack:
        dead = stack.enter_context(_dead_letters(quarantine, max_errors))
        stream = stack.enter_context(shown(file))
        out = sys.stdout.buffer if output is None else stack.enter_context(replaced(output))
        for part in records.encode(_filled(stream), refused):
            out.write(part)
            dead.put_all(refused)
        dead.put_all(refused)
        out.flush()
    dead.tell("line")


def _prefix(spec: FileSpec, file: Path) -> str:
    """Return what ids of records begin with, so that those of two files differ."""
    if not spec.record_ids or spec.id_prefix is not None:
        return spec.id_prefix or ""
    if not file.is_file():
        raise ConfigError([f"{file} can be read only once, so say what ids begin with: --id-prefix TEXT"])
    with file.open("rb") as data:
        return f"file:{hashlib.file_digest(data, 'sha256').hexdigest()}"


@contextmanager
def _flushed(out: BinaryIO) -> Generator[BinaryIO]:
    """Give a stream; what was written before an error goes out, too."""
    try:
        yield out
    finally:
        out.flush()


def _filled(stream: BinaryIO) -> Iterable[bytes]:
    return (line.rstrip(b"\r\n") for line in stream if not line.isspace())


class _DeadLetters:
    """Counts what could not be handled, keeps it where a file is given, and shows the first few."""

    def __init__(self, file: BinaryIO | None, most: int | None) -> None:
        self._file, self._most = file, most
        self.count = 0

    def put_all(self, refused: list[Refused]) -> None:
        for each in refused:
            self.put(each)
        refused.clear()

    def put(self, refused: Refused) -> None:
        error = refused.error
        self.count += 1
        if self.count <= _SHOWN:
            complain(f"record {refused.ordinal}: {error.code}: {error}")
        if self._file is not None:
            self._file.write(json.dumps(_letter(refused)).encode() + b"\n")
        if self._most is not None and self.count > self._most:
            raise ConfigError([f"more than {self._most} bad records: is it the right copybook, code page, framing?"])

    def tell(self, noun: str) -> None:
        """End with the exit code for dead letters where there were any."""
        if not self.count:
            return
        kept = "; --quarantine FILE keeps them" if self._file is None else ""
        complain(f"{self.count} {noun}{'s' if self.count > 1 else ''} could not be handled{kept}")
        raise typer.Exit(DEAD_LETTERS)


def _letter(refused: Refused) -> dict[str, object]:
    error = refused.error
    return {
        "ordinal": refused.ordinal,
        "offset": refused.offset,
        "length": len(refused.original),
        "code": error.code,
        "field": error.field,
        "start": error.start,
        "raw": None if error.raw is None else error.raw.hex(),
        "reason": str(error),
        "record": base64.b64encode(refused.original).decode(),
    }


@contextmanager
def _dead_letters(path: Path | None, most: int | None) -> Generator[_DeadLetters]:
    with ExitStack() as stack:
        yield _DeadLetters(None if path is None else stack.enter_context(opened(path, "wb")), most)
