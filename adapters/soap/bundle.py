"""Gathers a contract from where it stands: a file with its folder, a server, or a folder that it was imported into."""

from collections.abc import Callable
from pathlib import Path

from adapters._bundle_file import local_bundle, local_path, require_wsdl
from adapters._bundle_folder import folder_catalog
from adapters.soap.bundle_web import Access, Web, root_of
from contracts.errors import ConfigError, LegacyUnavailableError
from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.bundle import Bounds, Bundle, Catalog, gather
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
            bundle = local_bundle(local_path(where), root, asked, bounds=bounds, tell=tell)
    except XmlError as error:
        raise XmlError(f"{told}: {error}") from error
    except ValueError as error:
        raise ConfigError([f"{told}: expected an address or a path: {error}"]) from error
    return require_wsdl(bundle, told)


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
