"""`banyan copybook mask`: a file that may leave the house, since nobody is in it any more."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import ConfigError
from contracts.file_description import ends_of, layout_of
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.masking import Masker
from contracts.legacy.record_file import RecordFile, Refused
from hub.cli.file_options import described
from hub.cli.output import complain
from hub.cli.records import DEAD_LETTERS
from hub.cli.streams import opened, replaced, require_apart, shown, told

__all__ = ["mask"]


@described
def mask(
    spec: FileSpec,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The data file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The masked file.")],
    secret_file: Annotated[Path, typer.Option(help="File with the secret of tokens, 16 bytes at least.")],
) -> None:
    """Write a file again with the fields masked that the description names (`masks`); it still parses.

    Equal values get equal tokens under the same secret, in every file, so files can still be joined. A record that
    can't be decoded is left out, since nobody knows what is in it; exit code 3 tells that there were any. The output
    is there when all of it is written, and not before.
    """
    if not spec.masks:
        raise ConfigError(["masks: the description names none; put them into the file of --spec"])
    require_apart(
        {"FILE": file, "--copybook": spec.copybook, "--secret-file": secret_file}, writes={"--output": output}
    )
    if output.exists():
        raise ConfigError([f"--output {output}: expected a file that is not there yet"])
    records = RecordFile(spec.model_copy(update={"conditions": {}}), layout_of(spec), ends_of(spec))
    with opened(secret_file, "rb") as secret:
        masker = Masker(records.layout, records.codec, ways=spec.masks, secret=secret.read().strip())
    refused: list[Refused] = []
    left_out = 0
    with told(), ExitStack() as stack:
        stream = stack.enter_context(shown(file))
        out = stack.enter_context(replaced(output))
        for part in records.rewrite(stream, masker.mask, refused):
            out.write(part)
            left_out += _named(refused)
        left_out += _named(refused)
    if left_out:
        complain(f"{left_out} records left out: banyan copybook decode --quarantine keeps them")
        raise typer.Exit(DEAD_LETTERS)


def _named(refused: list[Refused]) -> int:
    """Say which records are left out, never what is in them, and return how many they were."""
    for each in refused:
        complain(f"record {each.ordinal}: {each.error.code}: {each.error.field}")
    count = len(refused)
    refused.clear()
    return count
