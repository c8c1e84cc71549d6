"""How commands of `banyan wsdl` find a contract, and a part of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import unquote, urlsplit

import typer

from adapters._bundle_folder import is_pinned
from adapters.soap.bundle import load_bundle
from contracts.errors import BanyanError, ConfigError, ContractError
from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.model import Contract, Port, Service
from contracts.legacy.soap.contract.schema import Schemas, build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.xml import local
from contracts.near import near
from hub.cli.output import complain

__all__ = ["Root", "built", "load", "narrowed", "shown_path"]

Root = Annotated[
    Path | None,
    typer.Option(
        help="Folder that all imports lie in; without it, that of the WSDL.", metavar="DIR", show_default=False
    ),
]
_Named = TypeVar("_Named", Port, Service)


def load(location: Path, root: Path | None, catalog: Path | None = None) -> Contract:
    """Read the contract of a WSDL, of a folder that one was imported into, or of the one that a folder begins with."""
    if location.is_dir() and not is_pinned(location):
        root = root or location
        location = _start(location, root)
    return read_contract(load_bundle(location, root=root, catalog=catalog))


def built(contract: Contract) -> Schemas | None:
    """Build the schemas; where they can't be, say so and go on without."""
    try:
        return build(contract.bundle)
    except ContractError as error:
        complain(f"the schemas are not checked: {error}")
        return None


def narrowed(contract: Contract, *, service: str | None, port: str | None, operation: str | None) -> Contract:
    """Return a contract with what is chosen by name alone; findings of it all stay."""
    services = _chosen("service", contract.services, service)
    ports = [each for found in services.values() for each in found.ports.values()]
    unbound = {} if service is not None else dict(contract.unbound)
    if port is not None:
        _known("port", port, (each.name for each in (*ports, *unbound.values())))
    if operation is not None:
        left = [each for each in (*ports, *unbound.values()) if port in {None, each.name}]
        _known("operation", operation, (name for each in left for name in each.operations))
    return replace(
        contract,
        services={
            name: replace(found, ports=kept)
            for name, found in services.items()
            if (kept := _kept(found.ports, port, operation)) or (port is None and operation is None)
        },
        unbound=_kept(unbound, port, operation),
    )


def shown_path(uri: str, start: str) -> str:
    """Return a document's path as seen from the WSDL's folder, without secrets; all of it where it lies elsewhere."""
    uri, start = without_secrets(uri), without_secrets(start)
    folder = start.rpartition("/")[0] + "/"
    return unquote(uri.removeprefix(folder) if uri.startswith(folder) else urlsplit(uri).path)


def _start(folder: Path, root: Path) -> Path:
    found = sorted(path for path in folder.rglob("*.wsdl") if path.is_file())
    imported: set[str] = set()
    for path in found:
        try:
            uris = {*load_bundle(path, root=root).documents}
        except BanyanError:
            continue
        imported |= uris - {path.resolve().as_uri()}
    starts = [path for path in found if path.resolve().as_uri() not in imported]
    if len(starts) == 1:
        return starts[0]
    if not found:
        raise ConfigError([f"{folder}: expected a WSDL (*.wsdl), found none"])
    names = ", ".join(str(path.relative_to(folder)) for path in starts or found)
    raise ConfigError([f"{folder}: expected one WSDL that no other imports, found {names}: name one, with --root"])


def _chosen(kind: str, known: Mapping[str, _Named], name: str | None) -> dict[str, _Named]:
    if name is None:
        return dict(known)
    chosen = {each: found for each, found in known.items() if name in {each, local(each)}}
    if not chosen:
        _known(kind, name, map(local, known))
    return chosen


def _known(kind: str, name: str, known: Iterable[str]) -> None:
    names = set(known)
    if name not in names:
        raise ConfigError([f"expected --{kind} with one of: {near(name, names)}; found {name}"])


def _kept(ports: Mapping[str, Port], port: str | None, operation: str | None) -> dict[str, Port]:
    return {
        key: found if operation is None else replace(found, operations={operation: found.operations[operation]})
        for key, found in ports.items()
        if port in {None, found.name} and (operation is None or operation in found.operations)
    }
