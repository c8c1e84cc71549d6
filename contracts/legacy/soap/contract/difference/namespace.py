"""Finds namespaces that have another name in the new contract, as a new version has, so that the rest is compared."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from contracts.legacy.soap.contract.bundle import WSDL, Bundle, Document
from contracts.legacy.soap.contract.declaration import Scope
from contracts.legacy.soap.contract.model import Contract, Place
from contracts.legacy.soap.contract.shapes import Shapes
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.xml import line

__all__ = ["as_renamed", "is_sent", "place_of", "renamed_namespaces"]


def renamed_namespaces(old: Contract, new: Contract) -> dict[str, str]:
    """Return the new name of each namespace of the old contract that has one: most of what it declares is there."""
    olds, news = _declared(old), _declared(new)
    gone = {name: declared for name, declared in olds.items() if name not in news}
    come = {name: declared for name, declared in news.items() if name not in olds}
    found: dict[str, str] = {}
    for name, declared in gone.items():
        shared = {other: len(declared & there) for other, there in come.items() if other not in found.values()}
        best = max(shared, key=lambda other: shared[other], default=None)
        if best is not None and shared[best] * 2 > min(len(declared), len(come[best])):
            found[name] = best
    return found


def as_renamed(contract: Contract, renamed: Mapping[str, str]) -> Contract:
    """Return a contract with other names for its namespaces; every line stays where it is."""
    bundle = contract.bundle
    documents = {uri: _rewritten(document, renamed) for uri, document in bundle.documents.items()}
    by_import = {(uri, renamed.get(said, said)): found for (uri, said), found in bundle.by_import.items()}
    rewritten = Bundle(
        start=bundle.start, root=bundle.root, documents=documents, missing=bundle.missing, by_import=by_import
    )
    return read_contract(rewritten)


def is_sent(contract: Contract, namespace: str) -> bool:
    """Tell whether a namespace can be on the wire: that of a WSDL alone names things in the contract only."""
    if any(scope.namespace == namespace for scope in Shapes(contract.bundle).declarations.scopes):
        return True
    operations = (operation for _, port in contract.ports for operation in port.operations.values())
    return any((operation.input.wrapper or "").startswith(f"{{{namespace}}}") for operation in operations)


def place_of(contract: Contract, namespace: str) -> Place:
    """Return where a namespace is first declared as a target."""
    for document in contract.bundle.documents.values():
        for element in document.root.iter():
            if element.get("targetNamespace") == namespace:
                return Place(uri=document.uri, line=line(element))
    return Place(uri=contract.bundle.start, line=1)


def _declared(contract: Contract) -> dict[str, set[str]]:
    """Return what is declared by namespace, in schemas and in WSDLs."""
    found: dict[str, set[str]] = {}
    for scope in Shapes(contract.bundle).declarations.scopes:
        if scope.namespace and not scope.document.is_standard:
            found.setdefault(scope.namespace, set()).update(_names(scope))
    for document in contract.bundle.documents.values():
        namespace = document.root.get("targetNamespace")
        if document.root.tag == WSDL + "definitions" and namespace:
            names = (f"{each.tag} {each.get('name')}" for each in document.root if each.get("name"))
            found.setdefault(namespace, set()).update(names)
    return found


def _names(scope: Scope) -> Iterator[str]:
    return (f"{each.tag} {each.get('name')}" for each in scope.root if each.get("name"))


def _rewritten(document: Document, renamed: Mapping[str, str]) -> Document:
    if document.is_standard:
        return document
    data = document.data
    for old, new in renamed.items():
        for quote in ('"', "'"):
            data = data.replace(f"{quote}{old}{quote}".encode(), f"{quote}{new}{quote}".encode())
    return replace(document, data=data)
