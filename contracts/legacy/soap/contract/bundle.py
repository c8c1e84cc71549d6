"""The closure of a WSDL: every document that it imports or includes, confined to one root.

Pure: whoever gathers one passes how a document is fetched. An import that can't be had is kept as missing,
with who needs it; so a broken contract is named as broken, and the rest of it can still be read.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, cast

from lxml import etree

from contracts.errors import ContractError
from contracts.legacy.soap.contract.address import absolute, is_below
from contracts.legacy.xml import Element, XmlError, line, parse_contract

__all__ = [
    "MOST_DOCUMENTS",
    "WSDL",
    "XSD",
    "Bounds",
    "Bundle",
    "Catalog",
    "Document",
    "Fetch",
    "Missing",
    "gather",
    "is_below",
]

WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
MOST_DOCUMENTS: Final = 2000
"""More than any real contract has; a generated one could go on for ever."""

_HTML: Final = (b"<!doctype html", b"<html")

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
class Bounds:
    """How much of a contract is taken; far more than any real one has."""

    documents: int = MOST_DOCUMENTS
    """Most documents, those counted that can't be had."""
    levels: int = 100
    """Longest chain of imports."""
    document_bytes: int = 16 * 1024**2
    """Most bytes of one document; whoever fetches heeds it."""
    bytes: int = 64 * 1024**2
    """Most bytes of all, with their entities resolved."""
    elements: int = 1_000_000
    """Most elements of all: each takes far more memory than its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    importer: str
    """Address of the document that it stands in."""
    location: str | None
    namespace: str | None
    line: int
    is_schema: bool
    is_import: bool

    @property
    def name(self) -> str:
        return self.location or self.namespace or ""


def gather(start: str, *, root: str, fetch: Fetch, catalog: Catalog, bounds: Bounds | None = None) -> Bundle:
    """Follow the imports and includes of a WSDL, each document once.

    An address below `root` is fetched; every other one must be in the catalog, by address or by namespace. The
    catalog is asked last: a standard schema that the contract brings itself is not taken a second time.

    Raises:
        XmlError: The WSDL itself is not well-formed.
        OSError: The WSDL itself can't be fetched.
        ContractError: It is HTML, or there is more than the bounds allow.
    """
    data = fetch(start)
    if _is_html(data):
        raise ContractError(start, expected="a WSDL 1.1 document (wsdl:definitions)", found="an HTML page")
    gathering = _Gathering(start, root=root, fetch=fetch, catalog=catalog, bounds=bounds or Bounds())
    gathering.take(Document(uri=start, data=data), level=0)
    gathering.follow()
    return Bundle(
        start=start,
        root=root,
        documents=gathering.documents,
        missing=tuple(gathering.missing),
        by_import=gathering.by_import,
    )


class _Gathering:
    """What was found so far, and what still waits to be looked for."""

    def __init__(self, start: str, *, root: str, fetch: Fetch, catalog: Catalog, bounds: Bounds) -> None:
        self.documents: dict[str, Document] = {}
        self.missing: list[Missing] = []
        self.by_import: dict[tuple[str, str], str] = {}
        self._start, self._root, self._fetch, self._catalog, self._bounds = start, root, fetch, catalog, bounds
        self._levels: dict[str, int] = {}
        self._failed: dict[str, str] = {}
        self._namespaces: dict[str | None, str] = {}
        self._bytes = self._elements = 0
        self._waiting: deque[_Reference] = deque()
        self._not_fetched: deque[tuple[_Reference, str | None, str]] = deque()

    def take(self, document: Document, *, level: int) -> None:
        """Add a document, and what it imports to what waits."""
        root = document.root
        self._bytes += _expanded_bytes(document)
        self._elements += sum(1 for _ in root.iter())
        if self._bytes > self._bounds.bytes:
            self._refuse(f"at most {self._bounds.bytes} bytes")
        if self._elements > self._bounds.elements:
            self._refuse(f"at most {self._bounds.elements} elements")
        if level > self._bounds.levels:
            self._refuse(f"at most {self._bounds.levels} imports one below the other")
        self.documents[document.uri] = document
        self._levels[document.uri] = level
        for schema in root.iter(XSD + "schema"):
            self._namespaces.setdefault(schema.get("targetNamespace"), document.uri)
        self._waiting.extend(_references(document))

    def follow(self) -> None:
        """Fetch all that waits; only then ask the catalog for what could not be fetched."""
        while self._waiting or self._not_fetched:
            if self._waiting:
                self._look_for(self._waiting.popleft())
            else:
                self._look_up(*self._not_fetched.popleft())

    def _look_for(self, wanted: _Reference) -> None:
        if wanted.location is None:
            self._not_fetched.append((wanted, None, ""))
            return
        uri, reason = absolute(wanted.importer, wanted.location), "it is no address"
        if uri is not None:
            if uri not in self.documents and uri not in self._failed:
                self._try(uri, wanted)
            reason = self._failed.get(uri, "")
        if uri in self.documents:
            self.by_import[wanted.importer, wanted.name] = uri
        else:
            self._not_fetched.append((wanted, uri, reason))

    def _try(self, uri: str, wanted: _Reference) -> None:
        if len(self.documents) + len(self._failed) >= self._bounds.documents:
            self._refuse(f"at most {self._bounds.documents} documents")
        if not is_below(uri, self._root):
            self._failed[uri] = f"it lies outside of the bundle's root {self._root}"
            return
        try:
            document = Document(uri=uri, data=self._fetch(uri))
            found = "an HTML page" if _is_html(document.data) else document.root.tag
        except (OSError, XmlError) as error:
            self._failed[uri] = (error.strerror if isinstance(error, OSError) else None) or str(error)
            return
        expected = ("schema", XSD + "schema") if wanted.is_schema else ("WSDL 1.1 document", WSDL + "definitions")
        if found not in {WSDL + "definitions", XSD + "schema"}:
            self._failed[uri] = f"expected a {expected[0]} ({expected[1]}), found {found}"
            return
        self.take(document, level=self._levels[wanted.importer] + 1)

    def _look_up(self, wanted: _Reference, uri: str | None, reason: str) -> None:
        """Ask the catalog; nothing is missing where an import without a location means a schema of this bundle."""
        if uri is not None and uri in self.documents:
            self.by_import[wanted.importer, wanted.name] = uri
            return
        data = self._catalog(uri, wanted.namespace if wanted.is_schema else None)
        there = self._namespaces.get(wanted.namespace) if wanted.is_import else None
        if data is not None and there is not None:
            if self.documents[there].root.tag == XSD + "schema":  # else it stands within a WSDL
                self.by_import[wanted.importer, wanted.name] = there
        elif data is not None:
            document = Document(uri=uri or f"catalog:{wanted.namespace}", data=data, is_standard=True)
            self.by_import[wanted.importer, wanted.name] = document.uri
            if document.uri not in self.documents:
                self.take(document, level=self._levels[wanted.importer] + 1)
        elif wanted.location is not None:
            self.missing.append(
                Missing(location=wanted.location, needed_by=wanted.importer, line=wanted.line, reason=reason)
            )

    def _refuse(self, expected: str) -> None:
        raise ContractError(self._start, expected=f"{expected} in a contract", found="more")


def _references(document: Document) -> Iterator[_Reference]:
    for element in document.root.iter(WSDL + "import", XSD + "import", XSD + "include", XSD + "redefine"):
        is_wsdl = element.tag == WSDL + "import"
        location = element.get("location" if is_wsdl else "schemaLocation")
        yield _Reference(
            importer=document.uri,
            location=location.strip() if location else None,
            namespace=element.get("namespace"),
            line=line(element),
            is_schema=not is_wsdl,
            is_import=element.tag == XSD + "import",
        )


def _expanded_bytes(document: Document) -> int:
    # Entities make a small document large: without a DTD there are none, and what was read is what there is.
    dtd = cast("etree.DTD | None", document.root.getroottree().docinfo.internalDTD)
    return len(document.data) if dtd is None else len(etree.tostring(document.root))


def _is_html(data: bytes) -> bool:
    return data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_HTML)
