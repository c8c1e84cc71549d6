"""Addresses of documents: what one means, and whether it stays where it may."""

from typing import Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

__all__ = ["absolute", "is_below", "without_secrets"]

_DOCUMENTS: Final = frozenset({"wsdl", "xsd", "singlewsdl"})
"""Parameters of a query that say which document is asked for."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def absolute(importer: str, location: str) -> str | None:
    """Return the address that a location in a document means, without a fragment; None where it is none.

    >>> absolute("https://registry.example/services/registry?wsdl", "../types.xsd#a")
    'https://registry.example/types.xsd'
    """
    try:
        return urldefrag(urljoin(importer, location)).url
    except ValueError:  # brackets that are no IPv6 address
        return None


def is_below(uri: str, root: str) -> bool:
    """Tell whether an address lies below a root; `..` and percent-encoding can't lead out of it.

    >>> [is_below(uri, "https://a.example/b/") for uri in ("https://a.example:443/b/c", "https://a.example/b/%2e%2e/c")]
    [True, False]
    """
    if (origin := _origin(uri)) is None or origin != _origin(root):
        return False
    path, above = unquote(urlsplit(uri).path), unquote(urlsplit(root).path)
    is_plain = ".." not in path.split("/") and "\\" not in path and path.isprintable()
    return is_plain and path.startswith(above)


def without_secrets(address: str) -> str:
    """Return an address as people may see it: without its user, and of its query only what names documents.

    >>> without_secrets("https://ada:hush@registry.example/soap?wsdl&key=hush&xsd=types")
    'https://registry.example/soap?wsdl&key=***&xsd=types'
    """
    there, mark, query = address.partition("?")
    scheme, slashes, rest = there.partition("//")
    host, slash, path = rest.partition("/")
    place = f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}" if slashes else there
    return place + mark + "&".join(map(_shown_parameter, query.split("&")))


def _shown_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}=***" if equals and name.lower() not in _DOCUMENTS else parameter


def _origin(uri: str) -> tuple[str, str | None, int | None] | None:
    """Return scheme, host and port; None for an address that must not be used."""
    try:
        parts = urlsplit(uri)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # a port that is no number
        return None
    return None if "@" in parts.netloc else (parts.scheme, parts.hostname, port)
