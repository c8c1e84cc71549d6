"""`banyan wsdl models`: pydantic models of what a contract sends."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.legacy.soap.contract.schema import build
from hub.cli.output import AsJson, complain, console, print_json
from hub.cli.wsdl_contract import Root, load, narrowed
from hub.scaffold.files import NewFile, write_all
from hub.scaffold.models import models_of

__all__ = ["models"]

EXIT_PARTLY: Final = 3


def models(
    contract: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A WSDL, or the folder of one.")],
    root: Root = None,
    operation: Annotated[str | None, typer.Option(metavar="O", help="Only what this operation needs.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write; else standard output.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write pydantic models of the records of requests, replies and declared faults.

    `REPLIES["List"].model_validate(record)` takes a typed record as it is read. What is absent is UNSET, what is nil is
    None, and what the contract does not have is left out. Facets are constraints, but for patterns, which are another
    language's. Exit code 3 where there is something that no model can be made of.
    """
    whole = load(contract, root)
    made = models_of(narrowed(whole, service=None, port=None, operation=operation), build(whole.bundle))
    if out is not None:
        file = NewFile(path=out, data=made.text.encode())
        state = {"new": "written", "differs": "replaced"}.get(file.state, file.state)
        write_all([file], force=force)
        if not as_json:
            counts = {"requests": made.requests, "replies": made.replies, "faults": made.faults}
            told = ", ".join(f"{name}: {len(each)}" for name, each in counts.items())
            console().print(f"{out}: {state}; {told}", markup=False)
    elif not as_json:
        sys.stdout.write(made.text)
    if as_json:
        print_json(
            {
                "requests": made.requests,
                "replies": made.replies,
                "faults": made.faults,
                "left_out": made.left_out,
                "text": None if out is not None else made.text,
            }
        )
    for each in made.left_out:
        complain(each)
    if made.left_out:
        raise typer.Exit(EXIT_PARTLY)
