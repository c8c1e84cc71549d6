"""`banyan wsdl import`: takes a contract with all that it imports into a folder, pinned by hash."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from adapters._bundle_folder import Plan, planned
from adapters.soap.bundle import load_bundle
from contracts.errors import ConfigError
from contracts.legacy.soap.contract.address import absolute, without_secrets
from contracts.legacy.soap.contract.bundle import Missing
from hub.cli.output import AsJson, console, print_json, print_table
from hub.cli.wsdl_options import CaFile, CatalogFolder, PasswordEnv, Seconds, User, access_by, telling

__all__ = ["import_contract"]

_EXIT_INCOMPLETE: Final = 3
_WEB: Final = frozenset({"http", "https"})
_OUTSIDE: Final = "it lies outside of the bundle's root "


def import_contract(
    context: typer.Context,
    location: Annotated[str, typer.Argument(metavar="URL|FILE", help="The WSDL: an address, or a file.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Folder to write; made where there is none.")],
    root: Annotated[
        str | None,
        typer.Option(help="Folder or address that all lies below; else the file's own folder, or the whole server."),
    ] = None,
    catalog: CatalogFolder = None,
    user: User = None,
    password_env: PasswordEnv = None,
    ca_file: CaFile = None,
    seconds: Seconds = 120,
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle that is another.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; tell what would be written.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a contract with all that it imports into a folder, pinned by hash.

    The folder holds the contract's own tree, `standard/` for what the catalog gave, and bundle.json. The other
    commands of `banyan wsdl` take the folder as well, and then need no network. Exit code 3 where an import is
    missing; the rest is written all the same.
    """
    access = access_by(context, user, password_env, ca_file=ca_file, seconds=seconds)
    with telling() as tell:
        bundle = load_bundle(location, root=root, catalog=catalog, access=access, tell=tell)
    plan = planned(bundle, into, taken=datetime.now(UTC))
    if not (plan.is_same or plan.is_new or force or dry_run):
        raise ConfigError(
            [f"{plan.folder}: holds another bundle ({_counted(plan)}); --force replaces it, --dry-run shows how"]
        )
    if not (plan.is_same or dry_run):
        plan.carry_out()
    _show(plan, bundle.missing, outcome=_outcome(plan, dry_run), as_json=as_json)
    if bundle.missing:
        raise typer.Exit(_EXIT_INCOMPLETE)


def _outcome(plan: Plan, dry_run: bool) -> str:
    if plan.is_same:
        return "unchanged"
    outcome = "written" if plan.is_new else "replaced"
    return f"would be {outcome}" if dry_run else outcome


def _show(plan: Plan, missing: Sequence[Missing], *, outcome: str, as_json: bool) -> None:
    documents = plan.pinned.manifest.documents
    if as_json:
        print_json(
            {
                "folder": str(plan.folder),
                "outcome": outcome,
                "start": without_secrets(plan.pinned.manifest.start),
                "root": plan.pinned.manifest.root,
                "documents": [{**each.model_dump(), "uri": without_secrets(each.uri)} for each in documents],
                "added": plan.added,
                "changed": plan.changed,
                "gone": plan.gone,
                "missing": [_without_secrets(each.model_dump()) for each in plan.pinned.manifest.missing],
            }
        )
        return
    rows = [(each.file, each.bytes, "catalog" if each.standard else "service") for each in documents]
    print_table(("file", "bytes", "from"), rows, empty="no documents")
    if not plan.is_new:
        for change, files in (("added", plan.added), ("changed", plan.changed), ("gone", plan.gone)):
            for file in files:
                console().print(f"{change}: {file}", markup=False)
    _show_missing(plan, missing)
    total = sum(each.bytes for each in documents)
    count = "1 document" if len(documents) == 1 else f"{len(documents)} documents"
    console().print(f"{plan.folder}: {outcome}, {count}, {total} bytes", markup=False)


def _without_secrets(missing: Mapping[str, Any]) -> dict[str, Any]:
    places = {name: without_secrets(missing[name]) for name in ("location", "needed_by")}
    return {**missing, **places}


def _show_missing(plan: Plan, missing: Sequence[Missing]) -> None:
    files = {each.uri: each.file for each in plan.pinned.manifest.documents}
    needed: dict[tuple[str, str], list[str]] = {}
    for each in missing:
        needed.setdefault((each.location, each.reason), []).append(f"{files[each.needed_by]}:{each.line}")
    for (location, reason), places in needed.items():
        console().print(f"missing: {without_secrets(location)}, needed by {', '.join(places)}: {reason}", markup=False)
    outside = [each for each in missing if each.reason.startswith(_OUTSIDE)]
    web = [each for each in outside if urlsplit(absolute(each.needed_by, each.location) or "").scheme in _WEB]
    if len(web) < len(outside):
        console().print("--root names a folder above them all, if they are part of the contract.")
    if web:
        console().print(
            "No other server than the WSDL's own is asked: fetch those yourself, and name their folder with --catalog; "
            'its catalog.json says which file stands for which address: {"http://…": "FILE"}.',
            markup=False,
        )


def _counted(plan: Plan) -> str:
    counts = {"added": plan.added, "changed": plan.changed, "gone": plan.gone}
    return ", ".join(f"{len(files)} {change}" for change, files in counts.items() if files)
