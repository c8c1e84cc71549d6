"""The named things of all WSDL documents of a bundle, found by `{namespace}name`; and how names are resolved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from contracts.legacy.soap.contract.bundle import WSDL, Bundle, Document
from contracts.legacy.soap.contract.model import Finding, Part, Place, Severity
from contracts.legacy.xml import Element, line

__all__ = ["Definitions", "Found", "Notes", "collect"]


@dataclass(slots=True)
class Notes:
    """Collects findings while a contract is read."""

    found: list[Finding] = field(default_factory=list[Finding])

    def add(self, code: str, severity: Severity, place: Place, *, about: str = "", text: str) -> None:
        """Note one, once."""
        finding = Finding(code=code, severity=severity, place=place, about=about, text=text)
        if finding not in self.found:
            self.found.append(finding)

    def broken(self, code: str, place: Place, *, about: str = "", text: str) -> None:
        """Note what is broken."""
        self.add(code, "broken", place, about=about, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A named thing of a WSDL document."""

    element: Element
    document: Document
    namespace: str
    """The targetNamespace of its document."""
    notes: Notes

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return self.place_of(self.element)

    @property
    def name(self) -> str:
        """Return its name, without the namespace."""
        return self.element.get("name") or ""

    def place_of(self, element: Element) -> Place:
        """Return where something in it stands."""
        return Place(uri=self.document.uri, line=line(element))

    def children(self, *names: str) -> Iterator[Element]:
        """Yield its WSDL children with these names."""
        return self.element.iterchildren(*(WSDL + name for name in names))

    def qualified(self, element: Element, attribute: str) -> str | None:
        """Return the name that an attribute in it means as `{namespace}name`; None where it has none.

        A name without a prefix is in the default namespace where there is one, as XML Schema has it; where there
        is none, or it is WSDL's, most stacks take it for the document's own. A prefix that is unknown is noted.
        """
        said = (element.get(attribute) or "").strip()
        prefix, colon, local = said.rpartition(":")
        if not local:
            return None
        namespace = element.nsmap.get(prefix if colon else None)
        if namespace is None and colon:
            text = f"{attribute}={said!r}: the prefix {prefix} is not declared"
            self.notes.broken("unknown-prefix", self.place_of(element), about=self.name, text=text)
            return None
        is_own = not colon and namespace in {None, WSDL[1:-1]}
        return f"{{{self.namespace if is_own else namespace}}}{local}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """All that is defined, by kind and `{namespace}name`."""

    messages: Mapping[str, Mapping[str, Part]]
    """The parts of each message, by name, in order."""
    port_types: Mapping[str, Found]
    bindings: Mapping[str, Found]
    services: Mapping[str, Found]
    notes: Notes


def collect(bundle: Bundle) -> Definitions:
    """Find what is defined; what is defined twice, or has a name that leads nowhere, is noted."""
    notes = Notes()
    messages: dict[str, Mapping[str, Part]] = {}
    kinds: dict[str, dict[str, Found]] = {"portType": {}, "binding": {}, "service": {}}
    for document in bundle.documents.values():
        if document.root.tag != WSDL + "definitions":
            continue
        namespace = document.root.get("targetNamespace") or ""
        for element in document.root.iterchildren(*(WSDL + kind for kind in ("message", *kinds))):
            found = Found(element=element, document=document, namespace=namespace, notes=notes)
            kind, name = element.tag.removeprefix(WSDL), f"{{{namespace}}}{found.name}"
            if kind == "message":
                messages[name] = _parts(found)
            elif name in kinds[kind]:
                notes.broken("defined-twice", found.place, about=name, text=f"{kind} {name} is defined twice")
            else:
                kinds[kind][name] = found
    return Definitions(
        messages=messages,
        port_types=kinds["portType"],
        bindings=kinds["binding"],
        services=kinds["service"],
        notes=notes,
    )


def _parts(found: Found) -> dict[str, Part]:
    parts: dict[str, Part] = {}
    for element in found.children("part"):
        name = element.get("name") or ""
        element_name, type_name = (found.qualified(element, kind) for kind in ("element", "type"))
        parts[name] = Part(name=name, element=element_name, type=type_name)
    return parts
