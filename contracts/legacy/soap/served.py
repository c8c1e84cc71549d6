"""A contract as a façade serves it: `?wsdl`, `?xsd=NAME` and `?singleWsdl` of the path that callers know.

The addresses of ports and the locations of imports lead back to where the contract is served; all else of a document
stays octet by octet. Scheme, host and prefix are left open, since only the caller's request says them: a page is made
once, and put together for each.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import WSDL, XSD, Bundle, Document
from contracts.legacy.soap.markup import Edit, Markup, edited
from contracts.legacy.soap.single import single_text
from contracts.legacy.xml import Element

__all__ = ["Page", "Served", "serve"]

_ORIGIN: Final = "\uffff"
"""Stands for scheme, host and prefix until they are known; no XML document can hold it."""
_ADDRESSES: Final = tuple(
    f"{{http://schemas.xmlsoap.org/wsdl/{binding}/}}address" for binding in ("soap", "soap12", "http")
)
_REFERENCES: Final = tuple(
    f"{{http://{namespace}/addressing}}Address"
    for namespace in ("www.w3.org/2005/08", "schemas.xmlsoap.org/ws/2004/08")
)
_OF_THE_WEB: Final = frozenset({"http", "https", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One document that is served."""

    pieces: tuple[bytes, ...] = field(repr=False)
    """What stands between the places of the origin."""
    codec: str
    """The Python codec of the bytes."""

    def at(self, origin: str) -> bytes:
        """Return the document for callers to whom scheme, host and prefix are these: `https://example.org`."""
        return origin.encode(self.codec).join(self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """All pages of a contract at one path."""

    pages: Mapping[str, Page]
    """By query, names unquoted: `wsdl`, `wsdl=NAME`, `xsd=NAME`, and `singlewsdl` where there is one."""
    single_problem: str | None = None
    """Why the contract can't be told exactly as one document."""


def serve(bundle: Bundle, path: str, *, ports: Mapping[str, str] | None = None) -> Served:
    """Write the pages of a contract for the path at which it is served.

    Where all ports have one path, it becomes this one; where they differ, each keeps its own, unless `ports` says it.
    An address that is not of HTTP stays, and so does the location of a document that the bundle lacks.

    Args:
        bundle: The contract.
        path: Begins with a slash; percent-encoded.
        ports: Name of a port, or `Service/Port` where several have that name -> its path.

    Raises:
        ContractError: The document is no WSDL 1.1, has no such port, or is written in a way that can't be changed.
    """
    start = bundle.documents[bundle.start]
    if start.root.tag != WSDL + "definitions":
        expected = "a WSDL 1.1 document (wsdl:definitions)"
        raise ContractError(bundle.start, expected=expected, found=start.root.tag)
    rewriting = _Rewriting(bundle, path, ports or {})
    pages: dict[str, Page] = {}
    for document in bundle.documents.values():
        markup = rewriting.markups[document.uri]
        page = _page(edited(markup.text, rewriting.edits(markup)), markup)
        pages[f"{_kind(document)}={rewriting.names[document.uri]}"] = page
        if document is start:
            pages["wsdl"] = page
    try:
        text = single_text(bundle, rewriting.markups, rewriting.addressed)
        pages["singlewsdl"] = _page(text, rewriting.markups[bundle.start])
    except ContractError as error:
        return Served(pages=pages, single_problem=str(error))
    return Served(pages=pages)


def _page(text: str, markup: Markup) -> Page:
    try:
        pieces = tuple(piece.encode(markup.codec) for piece in text.split(_ORIGIN))
    except UnicodeEncodeError as error:
        where, found = markup.document.uri, f"{text[error.start]!r} of a document that it imports"
        raise ContractError(where, expected=f"characters that {markup.codec} has", found=found) from error
    return Page(pieces=pieces, codec=markup.codec)


def _kind(document: Document) -> str:
    return "wsdl" if document.root.tag == WSDL + "definitions" else "xsd"


class _Rewriting:
    """One contract at one path."""

    def __init__(self, bundle: Bundle, path: str, ports: Mapping[str, str]) -> None:
        self._bundle, self._path, self._ports = bundle, path, ports
        self.markups = {uri: Markup(document) for uri, document in bundle.documents.items()}
        self.names = dict(_names(bundle))
        own = {
            _own_path(address.get("location") or "")
            for document in bundle.documents.values()
            for port in document.root.iter(WSDL + "port")
            for address in port.iterchildren(*_ADDRESSES)
        }
        self._is_one = len(own - {None}) <= 1
        there = [
            _port_names(port) for document in bundle.documents.values() for port in document.root.iter(WSDL + "port")
        ]
        if unknown := sorted(ports.keys() - {name for names in there for name in names}):
            expected = f"ports of {', '.join(sorted({name for _, name in there}))}"
            raise ContractError(bundle.start, expected=expected, found=unknown[0])

    def edits(self, markup: Markup) -> Iterator[Edit]:
        """Yield what changes in a document that is served by itself."""
        yield from self.addressed(markup)
        document = markup.document
        for element in document.root.iter(WSDL + "import", XSD + "import", XSD + "include", XSD + "redefine"):
            name = "location" if element.tag == WSDL + "import" else "schemaLocation"
            meant = self._bundle.by_import.get((document.uri, (element.get(name) or "").strip()))
            if meant is not None and (edit := markup.valued(element, name, self._location(meant))) is not None:
                yield edit

    def addressed(self, markup: Markup) -> Iterator[Edit]:
        """Yield what changes in its ports."""
        for port in markup.document.root.iter(WSDL + "port"):
            for address in port.iterchildren(*_ADDRESSES):
                text = self._address(port, address.get("location") or "")
                if text is not None and (edit := markup.valued(address, "location", text)) is not None:
                    yield edit
            for reference in port.iter(*_REFERENCES):
                text, tag = self._address(port, reference.text or ""), markup.tags[reference]
                if text is not None and len(reference) == 0 and not tag.is_empty:
                    yield Edit(tag.inner, tag.close, text)

    def _location(self, uri: str) -> str:
        document = self._bundle.documents[uri]
        named = "" if uri == self._bundle.start else f"={quote(self.names[uri])}"
        return f"{_ORIGIN}{_attribute(self._path)}?{_kind(document)}{named}"

    def _address(self, port: Element, said: str) -> str | None:
        """Return the address of a port; None where it is to stay."""
        own = _own_path(said)
        if own is None:
            return None
        given = next((self._ports[name] for name in _port_names(port) if name in self._ports), None)
        return _ORIGIN + _attribute(given or (self._path if self._is_one else own or self._path))


def _port_names(port: Element) -> tuple[str, str]:
    """Return the names that mean a port, the exact one first."""
    name, service = port.get("name") or "", port.getparent()
    return f"{'' if service is None else service.get('name')}/{name}", name


def _own_path(address: str) -> str | None:
    """Return the path of an address, with its query; empty where it says none, None where it is not of HTTP."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    if parts.scheme.lower() not in _OF_THE_WEB:
        return None
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.path}{query}" if parts.scheme and parts.path.startswith("/") else ""


def _names(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Yield address and name of each document: its path below the root; a number for one from elsewhere."""
    for number, uri in enumerate(bundle.documents):
        is_own = uri.startswith(bundle.root) and not bundle.documents[uri].is_standard
        yield uri, unquote(uri.removeprefix(bundle.root)) if is_own else f"standard-{number}.xsd"


def _attribute(value: str) -> str:
    return escape(value, {'"': "&quot;", "'": "&apos;"})
