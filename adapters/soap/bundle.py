"""Gathers a contract from where it stands: a file with its folder, a server, or a folder that it was imported into."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from adapters.soap.bundle_folder import folder_catalog, is_pinned, read_bundle
from adapters.soap.bundle_web import Access, Web, root_of
from contracts.errors import ConfigError, ContractError, LegacyUnavailableError
from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.bundle import WSDL, Bounds, Bundle, Catalog, gather
from contracts.legacy.soap.contract.catalog import chained, standard
from contracts.legacy.xml import XmlError

__all__ = ["is_web", "load_bundle", "local_path"]


def load_bundle(
    location: str | Path,
    *,
    root: str | Path | None = None,
    catalog: Path | Catalog | None = None,
    access: Access | None = None,
    bounds: Bounds | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Bundle:
    """Gather a WSDL and what it imports; standard schemas come from the catalog that is built in.

    Args:
        location: A file; an `http` or `https` address; or a folder that a bundle was imported into, which is read
            as it was taken, without any network.
        root: Where all that is not standard must lie below: a folder, by default the file's own, or an address, by
            default all of the server.
        catalog: A catalog that is asked before the built-in one, or the folder of one.
        access: How a server is asked.
        bounds: How much is taken.
        tell: Is called with each address before that is asked.

    Raises:
        ConfigError: There is no such file, or an argument is wrong.
        XmlError: The WSDL is not well-formed or not safe.
        ContractError: It is no WSDL, or larger than the bounds; or a file of the folder changed.
        LegacyUnavailableError: The server does not answer with it.
    """
    where, bounds = str(location), bounds or Bounds()
    told = without_secrets(where)
    own = folder_catalog(catalog) if isinstance(catalog, Path) else catalog
    asked = standard if own is None else chained(own, standard)
    try:
        if is_web(where):
            bundle = _from_web(where, root, asked, access=access or Access(), bounds=bounds, tell=tell)
        else:
            bundle = _from_local(local_path(where), root, asked, bounds=bounds, tell=tell)
    except XmlError as error:
        raise XmlError(f"{told}: {error}") from error
    except ValueError as error:
        raise ConfigError([f"{told}: expected an address or a path: {error}"]) from error
    tag = bundle.documents[bundle.start].root.tag
    if tag != WSDL + "definitions":
        raise ContractError(told, expected="a WSDL 1.1 document (wsdl:definitions)", found=tag)
    return bundle


def is_web(location: str) -> bool:
    """Tell whether a location is the address of a server."""
    return location.lower().startswith(("http://", "https://"))


def _from_web(
    url: str,
    root: str | Path | None,
    catalog: Catalog,
    *,
    access: Access,
    bounds: Bounds,
    tell: Callable[[str], None],
) -> Bundle:
    above = root_of(url, None if root is None else str(root))
    web = Web(above, access, bounds=bounds, tell=tell)
    try:
        return gather(web.located(url), root=above, fetch=web, catalog=catalog, bounds=bounds)
    except OSError as error:
        raise LegacyUnavailableError(without_secrets(url), reason=error.strerror or str(error)) from error


def _from_local(
    path: Path, root: str | Path | None, catalog: Catalog, *, bounds: Bounds, tell: Callable[[str], None]
) -> Bundle:
    if not path.is_dir():
        folder = path.parent if root is None else local_path(str(root))
        return _from_file(path, folder, catalog, bounds=bounds, tell=tell)
    if not is_pinned(path):
        raise ConfigError([f"{path}: expected a WSDL, or a folder that `banyan wsdl import` wrote"])
    if root is not None:
        raise ConfigError([f"{path}: expected no root: the bundle has the one that it was imported with"])
    return read_bundle(path)


def _from_file(path: Path, folder: Path, catalog: Catalog, *, bounds: Bounds, tell: Callable[[str], None]) -> Bundle:
    def fetch(uri: str) -> bytes:
        tell(uri)
        found = Path(unquote(urlsplit(uri).path)).resolve()
        if not found.is_relative_to(folder):
            raise OSError(f"it lies outside of the bundle's root {folder}")
        if found.exists() and not found.is_file():
            raise OSError("it is no file")
        if found.stat().st_size > bounds.document_bytes:
            raise XmlError(f"expected at most {bounds.document_bytes} bytes in a document")
        return found.read_bytes()

    above = folder.as_uri() if folder.as_uri().endswith("/") else folder.as_uri() + "/"
    try:
        return gather(path.as_uri(), root=above, fetch=fetch, catalog=catalog, bounds=bounds)
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror or error}"]) from error


def local_path(location: str) -> Path:
    """Return the path that a location on this machine means: it is one, or a `file:` address.

    Raises:
        ConfigError: It is the address of something else.
    """
    if location.lower().startswith("file:"):
        return Path(unquote(urlsplit(location).path)).resolve()
    if "://" in location:
        raise ConfigError([f"{location}: expected a file, a folder, or an address with http or https"])
    return Path(location).expanduser().resolve()
