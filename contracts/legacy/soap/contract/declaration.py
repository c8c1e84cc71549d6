"""The global declarations of all schemas of a bundle, found by kind and `{namespace}name`, each with its document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from contracts.legacy.soap.contract.bundle import XSD, Bundle, Document
from contracts.legacy.soap.contract.model import Place
from contracts.legacy.xml import Element, line

__all__ = ["Declaration", "Declarations", "Kind", "Scope", "declarations"]

Kind: TypeAlias = Literal["element", "type", "group", "attribute", "attributeGroup"]
_KINDS: Final[Mapping[str, Kind]] = {
    XSD + "element": "element",
    XSD + "simpleType": "type",
    XSD + "complexType": "type",
    XSD + "group": "group",
    XSD + "attribute": "attribute",
    XSD + "attributeGroup": "attributeGroup",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A schema with the namespace that it has: of its own, or of the schema that includes it."""

    document: Document
    root: Element
    """Its `xsd:schema`."""
    namespace: str

    @property
    def is_chameleon(self) -> bool:
        """Tell whether it took the namespace of who includes it."""
        return bool(self.namespace) and not self.root.get("targetNamespace")

    def place(self, element: Element) -> Place:
        """Return where something in it stands."""
        return Place(uri=self.document.uri, line=line(element))

    def global_name(self, name: str) -> str:
        """Return the `{namespace}name` of what is declared in it."""
        return f"{{{self.namespace}}}{name}" if self.namespace else name

    def local_name(self, element: Element, kind: Literal["element", "attribute"]) -> str:
        """Return the name on the wire of an element or attribute that is declared inside a type."""
        form = element.get("form") or self.root.get(f"{kind}FormDefault") or "unqualified"
        name = element.get("name") or ""
        return self.global_name(name) if form == "qualified" else name

    def meant(self, element: Element, said: str) -> str | None:
        """Return the `{namespace}name` that a name in it means; None where its prefix is not declared."""
        prefix, colon, name = said.strip().rpartition(":")
        namespace = element.nsmap.get(prefix if colon else None)
        if namespace is None:
            if colon:
                return f"{{http://www.w3.org/XML/1998/namespace}}{name}" if prefix == "xml" else None
            namespace = self.namespace if self.is_chameleon else ""
        return f"{{{namespace}}}{name}" if namespace else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A global declaration."""

    kind: Kind
    name: str
    element: Element
    scope: Scope
    redefined: "Declaration | None" = None
    """What xsd:redefine replaces by this one."""

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return self.scope.place(self.element)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """All of a bundle."""

    scopes: tuple[Scope, ...]
    found: Mapping[tuple[Kind, str], Declaration]
    twice: tuple[tuple[Declaration, Declaration], ...]
    """Declared again in another place: the first, which counts, and the later one."""

    def find(self, kind: Kind, name: str | None) -> Declaration | None:
        """Return one by its name."""
        return None if name is None else self.found.get((kind, name))

    def of(self, kind: Kind) -> Iterator[Declaration]:
        """Yield all of a kind, in order."""
        return (each for each in self.found.values() if each.kind == kind)


def declarations(bundle: Bundle) -> Declarations:
    """Find what all schemas of a bundle declare; of what is declared twice, the first counts."""
    scopes = _scopes(bundle)
    found: dict[tuple[Kind, str], Declaration] = {}
    twice: list[tuple[Declaration, Declaration]] = []
    redefining: list[Declaration] = []
    for scope in scopes:
        for element in scope.root:
            if element.tag == XSD + "redefine":
                redefining.extend(_declared(scope, element))
        for declared in _declared(scope, scope.root):
            first = found.setdefault((declared.kind, declared.name), declared)
            if first is not declared and first.scope.document.sha256 != declared.scope.document.sha256:
                twice.append((first, declared))
    for each in redefining:
        key = (each.kind, each.name)
        found[key] = Declaration(
            kind=each.kind, name=each.name, element=each.element, scope=each.scope, redefined=found.get(key)
        )
    return Declarations(scopes=tuple(scopes), found=found, twice=tuple(twice))


def _declared(scope: Scope, parent: Element) -> Iterator[Declaration]:
    for element in parent.iterchildren(*_KINDS):
        name = scope.global_name(element.get("name") or "")
        yield Declaration(kind=_KINDS[element.tag], name=name, element=element, scope=scope)


def _scopes(bundle: Bundle) -> list[Scope]:
    included = {uri for document in bundle.documents.values() for uri, _ in _includes(bundle, document, document.root)}
    waiting = [
        Scope(document=document, root=root, namespace=root.get("targetNamespace") or "")
        for document in bundle.documents.values()
        for root in document.root.iter(XSD + "schema")
        if root.get("targetNamespace") or document.uri not in included
    ]
    scopes: list[Scope] = []
    known: set[tuple[int, str]] = set()
    while waiting:
        scope = waiting.pop(0)
        if (id(scope.root), scope.namespace) in known:
            continue
        known.add((id(scope.root), scope.namespace))
        scopes.append(scope)
        for uri, _ in _includes(bundle, scope.document, scope.root):
            document = bundle.documents[uri]
            namespace = document.root.get("targetNamespace") or scope.namespace
            waiting.append(Scope(document=document, root=document.root, namespace=namespace))
    return scopes


def _includes(bundle: Bundle, document: Document, root: Element) -> Iterator[tuple[str, Element]]:
    for element in root.iter(XSD + "include", XSD + "redefine"):
        uri = bundle.by_import.get((document.uri, (element.get("schemaLocation") or "").strip()))
        if uri is not None:
            yield uri, element
