"""Makes ready what a façade serves of contracts: the files are read once, at start."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.contract.bundle import Bundle
from contracts.legacy.soap.contract.model import Contract
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.served import Served, serve
from contracts.legacy.xml import XmlError
from routers.facade.process.messages import ContractPage
from routers.facade.settings import FacadeSettings, ServedContract

__all__ = ["load_contract", "load_contracts", "misplaced", "read_contracts"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_Pages = Mapping[str, Mapping[str, Mapping[str, ContractPage]]]


def load_contracts(facade: FacadeSettings) -> _Pages:
    """Return the pages that workers serve, by listener, path and query.

    Raises:
        ConfigError: Every contract that can't be served, one sentence each.
    """
    problems = list[str]()
    loaded: dict[str, dict[str, dict[str, ContractPage]]] = {}
    for name, listener in facade.listeners.items():
        for path, contract in listener.contracts.items():
            try:
                served = load_contract(path, contract)
            except ConfigError as error:
                problems += [f"listeners.{name}.contracts.{path}: {problem}" for problem in error.problems]
                continue
            _log.info(
                "contract served",
                listener=name,
                path=path,
                documents=len(served.pages),
                no_single_wsdl=served.single_problem,
            )
            pages = served.pages.items()
            loaded.setdefault(name, {})[path] = {
                query: ContractPage(pieces=page.pieces, codec=page.codec) for query, page in pages
            }
    if problems:
        raise ConfigError(problems)
    return loaded


def load_contract(path: str, contract: ServedContract) -> Served:
    """Read one contract, and write its pages.

    Raises:
        ConfigError: There is none, it is no WSDL, or it has no port of a name that is given a path.
    """
    with _told(contract) as bundle:
        return serve(bundle, path, ports=contract.ports)


def read_contracts(facade: FacadeSettings) -> tuple[list[Contract], list[str]]:
    """Return what the contracts say that are served, and why some could not be read, one sentence each."""
    contracts: list[Contract] = []
    problems: list[str] = []
    for listener in facade.listeners.values():
        for served in listener.contracts.values():
            try:
                contracts.append(_read(served))
            except ConfigError as error:
                problems += error.problems
    return contracts, problems


def misplaced(path: str, served: ServedContract) -> list[str]:
    """Return at which ports callers would call another path than the service's own, which backends get as it is.

    Raises:
        ConfigError: The contract can't be read.
    """
    own = {
        port.name: urlsplit(port.address).path
        for service, port in _read(served).ports
        if service is not None and port.address and urlsplit(port.address).scheme in {"http", "https"}
    }
    is_one = len(set(own.values())) == 1
    told: list[str] = []
    for name, says in own.items():
        called = served.ports.get(name) or (path if is_one else says or path)
        if says and called != says:
            told.append(
                f"port {name}: callers who load the contract here call {called}, and the backend gets that path; the "
                f"service's own, as its contract says, is {says}: serve it there, unless the backend answers at both"
            )
    return told


def _read(served: ServedContract) -> Contract:
    with _told(served) as bundle:
        return read_contract(bundle)


@contextmanager
def _told(contract: ServedContract) -> Generator[Bundle]:
    """Load the documents of a contract, and name the file in whatever is wrong with them."""
    # zeep comes with it, half a second that façades without contracts need not wait.
    from adapters._bundle_folder import is_pinned  # noqa: PLC0415
    from adapters.soap.bundle import load_bundle  # noqa: PLC0415

    wsdl = contract.wsdl if is_pinned(contract.wsdl) else _wsdl(contract.wsdl)
    try:
        yield load_bundle(wsdl, root=contract.root)
    except (XmlError, ContractError) as error:
        raise ConfigError([f"{wsdl}: {error}"]) from error


def _wsdl(path: Path) -> Path:
    """Return the WSDL of a folder, or the path itself."""
    if not path.is_dir():
        return path
    found = sorted(each for each in path.iterdir() if each.suffix.lower() == ".wsdl")
    if len(found) != 1:
        there = ", ".join(each.name for each in found) or "none"
        raise ConfigError([f"{path}: expected one WSDL in this folder, found {there}; name the file"])
    return found[0]
