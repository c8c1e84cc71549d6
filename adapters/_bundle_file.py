"""Gathers a contract from this machine: a file with its folder, or a folder that it was imported into."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from adapters._bundle_folder import is_pinned, read_bundle
from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.contract.bundle import WSDL, Bounds, Bundle, Catalog, gather
from contracts.legacy.xml import XmlError

__all__ = ["local_bundle", "local_path", "require_wsdl"]


def local_bundle(
    path: Path,
    root: str | Path | None,
    catalog: Catalog,
    *,
    bounds: Bounds | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Bundle:
    """Gather a WSDL of this machine and what it imports, or read the folder that a bundle was imported into.

    Args:
        path: The file or the folder.
        root: Folder that all must lie below; the file's own by default, and none with a folder.
        catalog: Has the standard schemas.
        bounds: How much is taken.
        tell: Is called with each address before it is read.

    Raises:
        ConfigError: There is no such file, or an argument is wrong.
        XmlError: The WSDL is not well-formed or not safe.
        ContractError: It is larger than the bounds; or a file of the folder changed.
    """
    bounds = bounds or Bounds()
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


def require_wsdl(bundle: Bundle, where: str) -> Bundle:
    """Return a bundle that begins with a WSDL.

    Raises:
        ContractError: It begins with something else.
    """
    tag = bundle.documents[bundle.start].root.tag
    if tag != WSDL + "definitions":
        raise ContractError(where, expected="a WSDL 1.1 document (wsdl:definitions)", found=tag)
    return bundle
