"""The closure of a WSDL: every document that it imports or includes, confined to one root.

Pure: whoever gathers one passes how a document is fetched. An import that can't be had is kept as missing,
with who needs it; so a broken contract is named as broken, and the rest of it can still be read.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from contracts.legacy.xml import Element, XmlError, line, parse_contract

__all__ = ["MOST_DOCUMENTS", "WSDL", "XSD", "Bundle", "Catalog", "Document", "Fetch", "Missing", "gather"]

WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
MOST_DOCUMENTS: Final = 2000
"""More than any real contract has; a generated one could go on for ever."""

Fetch = Callable[[str], bytes]
"""Returns what stands behind an address; raises `OSError` or one of our errors where there is nothing."""
Catalog = Callable[[str | None, str | None], "bytes | None"]
"""Returns a standard schema by address or by namespace (either may be None); None where it has none."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file of a contract."""

    uri: str
    """Absolute address: `file:///…` or `https://…`."""
    data: bytes = field(repr=False)
    """Its bytes, as they came."""
    is_standard: bool = False
    """It comes from the catalog, not from the service."""

    @cached_property
    def sha256(self) -> str:
        """Return the hash of its bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def root(self) -> Element:
        """Return its parsed root; it must not be changed.

        Raises:
            XmlError: It is not well-formed, or not safe.
        """
        return parse_contract(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """An import that could not be had."""

    location: str
    """As it is written; a namespace where no location is."""
    needed_by: str
    """Address of the document that imports it."""
    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A WSDL with all that it imports."""

    start: str
    """Address of the WSDL itself."""
    root: str
    """What all addresses begin with that do not come from the catalog."""
    documents: Mapping[str, Document]
    """By address, the WSDL first."""
    missing: tuple[Missing, ...] = ()
    by_import: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Address of the document that an import means: by importer and location (or namespace, without one)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    location: str | None
    namespace: str | None
    line: int
    is_schema: bool

    @property
    def name(self) -> str:
        return self.location or self.namespace or ""


def gather(start: str, *, root: str, fetch: Fetch, catalog: Catalog) -> Bundle:
    """Follow the imports and includes of a WSDL, each document once.

    An address below `root` is fetched; every other one must be in the catalog, by address or by namespace.

    Raises:
        XmlError: The WSDL itself is not well-formed.
        OSError: The WSDL itself can't be fetched.
    """
    documents = {start: Document(uri=start, data=fetch(start))}
    _ = documents[start].root
    missing: list[Missing] = []
    by_import: dict[tuple[str, str], str] = {}
    waiting = [start]
    while waiting:
        importer = documents[waiting.pop(0)]
        for reference in _references(importer):
            found = _resolve(importer, reference, documents, root=root, fetch=fetch, catalog=catalog)
            if isinstance(found, Missing):
                missing.append(found)
            elif found is not None:
                by_import[importer.uri, reference.name] = found.uri
                if found.uri not in documents:
                    documents[found.uri] = found
                    waiting.append(found.uri)
    return Bundle(start=start, root=root, documents=documents, missing=tuple(missing), by_import=by_import)


def _references(document: Document) -> Iterator[_Reference]:
    for element in document.root.iter(WSDL + "import", XSD + "import", XSD + "include", XSD + "redefine"):
        is_wsdl = element.tag == WSDL + "import"
        location = element.get("location" if is_wsdl else "schemaLocation")
        yield _Reference(
            location=location.strip() if location else None,
            namespace=element.get("namespace"),
            line=line(element),
            is_schema=not is_wsdl,
        )


def _resolve(
    importer: Document, wanted: _Reference, known: Mapping[str, Document], *, root: str, fetch: Fetch, catalog: Catalog
) -> Document | Missing | None:
    """Return the document; None where an import without a location means a schema that stands in this bundle."""
    if wanted.location is None:
        data = catalog(None, wanted.namespace)
        return None if data is None else Document(uri=f"catalog:{wanted.namespace}", data=data, is_standard=True)
    uri = urldefrag(urljoin(importer.uri, wanted.location)).url
    if uri in known:
        return known[uri]
    reason = f"it lies outside of the bundle's root {root}"
    if _is_below(uri, root):
        try:
            document = Document(uri=uri, data=fetch(uri))
            _ = document.root
        except (OSError, XmlError) as error:
            reason = _reason(error)
        else:
            return document
    # A broken or distant location of a standard schema: the catalog has the schema itself.
    data = catalog(uri, wanted.namespace if wanted.is_schema else None)
    if data is not None:
        return Document(uri=uri, data=data, is_standard=True)
    return Missing(location=wanted.location, needed_by=importer.uri, line=wanted.line, reason=reason)


def _reason(error: OSError | XmlError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _is_below(uri: str, root: str) -> bool:
    """Tell whether an address lies below a root; `..` and percent-encoding can't lead out of it."""
    there, here = urlsplit(uri), urlsplit(root)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return False
    path = unquote(there.path)
    return ".." not in path.split("/") and "\\" not in path and path.startswith(unquote(here.path))
