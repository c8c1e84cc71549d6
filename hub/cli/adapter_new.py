"""`banyan adapter new`: the first version of an adapter, with a fixture and a test that passes."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.errors import ConfigError
from contracts.legacy.file_spec import FileSpec
from hub.cli.adapter_next import next_steps, require_own_folder
from hub.cli.context import settings
from hub.cli.file_options import described_if_named
from hub.cli.output import AsJson, console, print_json, print_table
from hub.scaffold.copybook import copybook_files
from hub.scaffold.files import NewFile, write_all
from hub.scaffold.soap import soap_files
from hub.scaffold.soap_plan import Wanted

__all__ = ["new"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_NAMESPACE: Final = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


@described_if_named
def new(
    context: typer.Context,
    spec: FileSpec | None,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the adapter: lower-case letters, digits, `-`.")],
    wsdl: Annotated[
        str | None, typer.Option(metavar="FILE|DIR", help="A WSDL, or the folder that it was imported into.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder that the WSDL's imports lie in; by default its own.")
    ] = None,
    operation: Annotated[str | None, typer.Option(metavar="O", help="The operation that lists the items.")] = None,
    service: Annotated[str | None, typer.Option(metavar="S", help="Its service, where several have it.")] = None,
    port: Annotated[str | None, typer.Option(metavar="P", help="Its port; by default the first that has it.")] = None,
    items: Annotated[
        str | None, typer.Option(metavar="PATH", help="Path to what repeats, where several do: ListResponse/resident.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Where an item has its key, where that can't be guessed.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder to write into; else the first of adapters.files, else adapters/."),
    ] = None,
    types: Annotated[
        str, typer.Option("--namespace-of-types", metavar="NAME", help="What the event's type begins with.")
    ] = "org.example",
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write an adapter with a fixture and a test that passes, as far as a contract says what is in it.

    From a WSDL: the event's fields and types, the element that repeats, its key, and how to ask for changes. From a
    copybook: the fields of its record, and a file of made-up records. What is guessed is marked in the file.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError([f"NAME: expected lower-case letters, digits and `-`, found {name}"])
    if not _NAMESPACE.fullmatch(types):
        raise ConfigError([f"--namespace-of-types: expected a name such as org.example, found {types}"])
    known = settings(context).adapters.files
    folder = _folder(known) if into is None else into
    require_own_folder(folder)
    if spec is not None:
        if wsdl is not None:
            raise ConfigError(["--wsdl, --copybook: expected one of them"])
        files = copybook_files(name, spec, folder, key=key, namespace=types)
    elif wsdl is None or operation is None:
        raise ConfigError(["expected --wsdl FILE and --operation O, or --copybook FILE"])
    else:
        wanted = Wanted(
            name=name,
            wsdl=wsdl,
            root=root,
            operation=operation,
            service=service,
            port=port,
            items=items,
            key=key,
            namespace=types,
        )
        files = soap_files(wanted, folder)
    _deliver(files, force=force, dry_run=dry_run, as_json=as_json)
    if not dry_run and not as_json:
        _print_steps(next_steps(name, [each.path for each in files], known))


def _print_steps(steps: Iterator[str]) -> None:
    out = console()
    out.print("\nNext:")
    for step in steps:
        out.print(f"  {step}", markup=False, soft_wrap=True)


def _folder(known: Sequence[Path]) -> Path:
    return next((path for path in known if path.suffix != ".py"), Path("adapters"))


def _deliver(files: Sequence[NewFile], *, force: bool, dry_run: bool, as_json: bool) -> None:
    states = {each.path: each.state for each in files}
    if not dry_run:
        write_all(files, force=force)
    verb = {"new": "written", "differs": "replaced", "unchanged": "unchanged"}
    told = {
        path: ("would be " if dry_run and state != "unchanged" else "") + verb[state] for path, state in states.items()
    }
    if as_json:
        print_json([{"file": str(path), "is": state} for path, state in told.items()])
        return
    print_table(("file", "is"), [*told.items()], empty="nothing to write")
