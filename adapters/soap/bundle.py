"""Gathers a contract from where it stands: a file with its folder, or a server."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from contracts.errors import ConfigError
from contracts.legacy.soap.contract.bundle import Bundle, gather

__all__ = ["load_bundle"]


def load_bundle(location: str | Path, *, root: Path | None = None) -> Bundle:
    """Gather the WSDL of a file and what it imports from below a root, by default its own folder.

    Raises:
        ConfigError: There is no such file.
        XmlError: It is not well-formed.
    """
    path = Path(location).expanduser().resolve()
    folder = (root or path.parent).expanduser().resolve()

    def fetch(uri: str) -> bytes:
        found = Path(unquote(urlsplit(uri).path)).resolve()
        if not found.is_relative_to(folder):
            raise OSError(f"it lies outside of the bundle's root {folder}")
        return found.read_bytes()

    try:
        return gather(path.as_uri(), root=folder.as_uri() + "/", fetch=fetch, catalog=lambda _uri, _namespace: None)
    except OSError as error:
        raise ConfigError([f"{location}: {error.strerror or error}"]) from error
