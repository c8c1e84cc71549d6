"""Findings of whole documents and schemas: namespaces, imports, DTDs, and what is declared twice."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, cast

from lxml import etree

from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.contract.component import XSD_NAMESPACE, ElementUse
from contracts.legacy.soap.contract.declaration import Declaration, Scope
from contracts.legacy.soap.contract.findings.kind import finding, listed
from contracts.legacy.soap.contract.model import Contract, Finding, Place
from contracts.legacy.soap.contract.reach import Reach, inside
from contracts.legacy.soap.contract.shapes import SOAP_ENCODING, Shapes
from contracts.legacy.xml import Element, local

__all__ = ["documents"]

_NAMING: Final = frozenset({"ref", "type", "base", "itemType", "substitutionGroup"})
_ALWAYS: Final = frozenset({"", XSD_NAMESPACE, SOAP_ENCODING, "http://www.w3.org/XML/1998/namespace"})


def documents(contract: Contract, shapes: Shapes, reached: Reach) -> Iterator[Finding]:
    """Yield what is to be known of the documents that are the service's own."""
    for document in contract.bundle.documents.values():
        if _has_dtd(document.root):
            yield finding("dtd", Place(uri=document.uri, line=1))
    scopes = [scope for scope in shapes.declarations.scopes if not scope.document.is_standard]
    for scope in scopes:
        yield from _imports(contract, scope)
        if not scope.namespace:
            names = [each.get("name") or "" for each in scope.root if each.get("name")]
            if names:
                yield finding("no-target-namespace", scope.place(scope.root), names=listed(names))
    yield from _unqualified(shapes, reached)
    for first, again in shapes.declarations.twice:
        if not _same(first, again):
            yield finding(
                "declared-twice",
                first.place,
                about=local(first.name),
                kind=first.kind,
                name=local(first.name),
                again=again.place,
            )


def _has_dtd(root: Element) -> bool:
    return cast("etree.DTD | None", root.getroottree().docinfo.internalDTD) is not None


def _imports(contract: Contract, scope: Scope) -> Iterator[Finding]:
    imported = {element.get("namespace") or "" for element in scope.root.iterchildren(XSD + "import")}
    for element in scope.root.iterchildren(XSD + "import"):
        said, location = element.get("namespace") or "", (element.get("schemaLocation") or "").strip()
        uri = contract.bundle.by_import.get((scope.document.uri, location or said))
        there = None if uri is None else contract.bundle.documents[uri].root
        if there is not None and there.tag == XSD + "schema" and (there.get("targetNamespace") or "") != said:
            found = there.get("targetNamespace") or "none"
            yield finding("import-namespace", scope.place(element), said=said or "none", found=found)
    known = imported | _ALWAYS | {scope.namespace}
    used: dict[str, Element] = {}
    for element in scope.root.iter():
        for namespace in _used(scope, element):
            used.setdefault(namespace, element)
    for namespace, element in used.items():
        if namespace not in known:
            yield finding("undeclared-import", scope.place(element), namespace=namespace)


def _used(scope: Scope, element: Element) -> Iterator[str]:
    """Yield the namespaces of what an element of a schema refers to."""
    if not element.tag.startswith(XSD):
        return
    for attribute in (*_NAMING, "memberTypes"):
        for said in (element.get(attribute) or "").split():
            meant = scope.meant(element, said)
            if meant is not None:
                yield meant.rpartition("}")[0][1:]


def _unqualified(shapes: Shapes, reached: Reach) -> Iterator[Finding]:
    """Tell once for each schema which local elements that are reached have no namespace."""
    spaces = {scope.document.uri: scope for scope in shapes.declarations.scopes if scope.namespace}
    met: defaultdict[str, list[str]] = defaultdict(list)
    for owner in reached.owners(shapes):
        for piece in inside(owner):
            if isinstance(piece, ElementUse) and not piece.is_reference and not piece.name.startswith("{"):
                met[piece.place.uri].append(piece.name)
    for uri, names in met.items():
        if uri in spaces and not spaces[uri].document.is_standard:
            scope = spaces[uri]
            yield finding("unqualified-children", scope.place(scope.root), names=listed(names))


def _same(first: Declaration, again: Declaration) -> bool:
    return _plain(first.scope, first.element) == _plain(again.scope, again.element)


def _plain(scope: Scope, element: Element) -> tuple[object, ...]:
    """Return an element of a schema without what says nothing: prefixes, order of attributes, documentation."""
    said = {
        str(name): scope.meant(element, str(value)) if name in _NAMING else str(value)
        for name, value in element.attrib.items()
    }
    children = (each for each in element if each.tag != XSD + "annotation")
    return element.tag, sorted(said.items()), tuple(_plain(scope, each) for each in children)
