"""`banyan wsdl drift`: whether a service still has the contract that was imported."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from adapters._bundle_folder import folder_catalog, read_bundle
from adapters.soap.bundle import is_web, load_bundle, local_path
from contracts.errors import LegacyUnavailableError
from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.bundle import Bundle
from contracts.legacy.soap.contract.catalog import chained, kept
from contracts.legacy.soap.contract.drift import Drift, drift
from contracts.legacy.soap.contract.pinned import names
from hub.cli.output import AsJson, console, print_json
from hub.cli.wsdl_options import CaFile, CatalogFolder, PasswordEnv, Seconds, User, access_by, telling

__all__ = ["drift_from_pinned"]

_EXIT_CHANGED: Final = 3
_EXIT_UNREACHABLE: Final = 1


def drift_from_pinned(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that the contract was imported into.")],
    url: Annotated[
        str | None, typer.Option(help="The live WSDL, an address or a file; else where it was taken from.")
    ] = None,
    root: Annotated[
        str | None,
        typer.Option(
            help="What all of the live contract lies below; else as it was imported, and with --url as `import` has it."
        ),
    ] = None,
    catalog: CatalogFolder = None,
    user: User = None,
    password_env: PasswordEnv = None,
    ca_file: CaFile = None,
    seconds: Seconds = 120,
    as_json: AsJson = False,
) -> None:
    """Tell whether a service still has the contract that was imported.

    What differs only in blanks, comments or addresses says the same. Exit code 0 where it says the same, 3 where it
    changed, 1 where it can't be had.
    """
    pinned = read_bundle(folder)
    live_url = url or pinned.start
    above = root or (pinned.root if url is None else None)
    access = access_by(context, user, password_env, ca_file=ca_file, seconds=seconds)
    before = kept(pinned)
    asked = before if catalog is None else chained(before, folder_catalog(catalog))
    if not is_web(live_url) and not local_path(live_url).exists():
        raise LegacyUnavailableError(live_url, reason="there is no such file")
    with telling() as tell:
        live = load_bundle(live_url, root=above, catalog=asked, access=access, tell=tell)
    found = drift(pinned, live)
    _show(found, pinned, live, as_json=as_json)
    if found.is_changed:
        raise typer.Exit(_EXIT_CHANGED)
    if found.unreachable:
        raise typer.Exit(_EXIT_UNREACHABLE)


def _show(found: Drift, pinned: Bundle, live: Bundle, *, as_json: bool) -> None:
    if found.is_changed:
        verdict = "changed"
    elif found.unreachable:
        verdict = "unreachable"
    else:
        verdict = "only formatting" if found.only_formatting else "unchanged"
    if as_json:
        print_json(
            {
                "verdict": verdict,
                "pinned_start": without_secrets(pinned.start),
                "live_start": without_secrets(live.start),
                **asdict(found),
            }
        )
        return
    for change, files in (
        ("changed", found.changed),
        ("added", found.added),
        ("gone", found.gone),
        ("only formatting", found.only_formatting),
    ):
        for file in files:
            console().print(f"{change}: {file}", markup=False)
    file_of = names(live)
    for each in found.unreachable:
        place = f"{file_of[each.needed_by]}:{each.line}"
        line = f"unreachable: {without_secrets(each.location)}, needed by {place}: {each.reason}"
        console().print(line, markup=False)
    console().print(f"{without_secrets(live.start)}: {verdict}", markup=False)
