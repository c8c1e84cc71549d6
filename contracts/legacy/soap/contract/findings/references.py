"""Findings of references in schemas that lead nowhere: xmlschema takes them for anything, silently."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.contract.component import XSD_NAMESPACE
from contracts.legacy.soap.contract.declaration import Kind, Scope
from contracts.legacy.soap.contract.findings.kind import finding, listed
from contracts.legacy.soap.contract.model import Contract, Finding, Operation, Part, Place
from contracts.legacy.soap.contract.reach import parts
from contracts.legacy.soap.contract.shapes import SOAP_ENCODING, Shapes
from contracts.legacy.xml import Element, local, local_name

__all__ = ["references"]

_REFERENCES: Final[Mapping[str, Kind]] = {
    "type": "type",
    "base": "type",
    "itemType": "type",
    "memberTypes": "type",
    "substitutionGroup": "element",
}
_REFERRING: Final[Mapping[str, Kind]] = {
    "element": "element",
    "attribute": "attribute",
    "group": "group",
    "attributeGroup": "attributeGroup",
}
_ELSEWHERE: Final = frozenset({SOAP_ENCODING, "http://www.w3.org/XML/1998/namespace"})
"""What every stack knows without a schema."""
_BUILT_IN: Final = frozenset(
    re.findall(
        r"\w+",
        """
        anyType anySimpleType string boolean decimal float double duration dateTime time date gYearMonth gYear
        gMonthDay gDay gMonth hexBinary base64Binary anyURI QName NOTATION normalizedString token language NMTOKEN
        NMTOKENS Name NCName ID IDREF IDREFS ENTITY ENTITIES integer nonPositiveInteger negativeInteger long int
        short byte nonNegativeInteger unsignedLong unsignedInt unsignedShort unsignedByte positiveInteger
        """,
    )
)


def references(contract: Contract, shapes: Shapes) -> Iterator[Finding]:
    """Yield each name that leads nowhere once; where the whole namespace is not there, that once."""
    found = _Nowhere(shapes)
    for scope in shapes.declarations.scopes:
        if not scope.document.is_standard:
            for element in scope.root.iter():
                found.look(scope, element)
    for _, port in contract.ports:
        for operation in port.operations.values():
            for _, part in parts(operation):
                found.look_at_part(operation, part)
    yield from found.told()


class _Nowhere:
    """Collects what leads nowhere."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes: Final = shapes
        self._spaces: Final = {scope.namespace for scope in shapes.declarations.scopes}
        self._names: Final[dict[tuple[Kind, str], tuple[Place, str, str]]] = {}
        self._missing: Final[defaultdict[str, list[tuple[Place, str]]]] = defaultdict(list)

    def look(self, scope: Scope, element: Element) -> None:
        """Look at all references of an element of a schema."""
        if not element.tag.startswith(XSD):
            return
        refers = _REFERRING.get(local_name(element))
        wanted: dict[str, Kind] = {**_REFERENCES, **({"ref": refers} if refers is not None else {})}
        for attribute, kind in wanted.items():
            for said in (element.get(attribute) or "").split():
                meant = scope.meant(element, said)
                text = f"{attribute}={said!r}"
                if meant is None:
                    why = f"the prefix {said.partition(':')[0]} is not declared"
                    self._names.setdefault((kind, said), (scope.place(element), text, why))
                elif not self._is_known(kind, meant):
                    self._lost(kind, meant, (scope.place(element), text))

    def look_at_part(self, operation: Operation, part: Part) -> None:
        """Look at what a part of a message names."""
        kind: Kind = "element" if part.element is not None else "type"
        name = part.element or part.type
        if name is None:
            why = "it names neither element nor type"
            self._names.setdefault((kind, part.name), (operation.place, f"part {part.name} of {operation.name}", why))
        elif not self._is_known(kind, name):
            self._lost(kind, name, (operation.place, f"part {part.name} of {operation.name}"))

    def told(self) -> Iterator[Finding]:
        """Yield the findings."""
        for (_, name), (place, said, why) in self._names.items():
            yield finding("unresolved-reference", place, about=local(name), said=said, why=why)
        for namespace, found in self._missing.items():
            names = listed(name for _, name in found)
            yield finding("missing-schema", found[0][0], namespace=namespace, names=names)

    def _lost(self, kind: Kind, name: str, said: tuple[Place, str]) -> None:
        place, text = said
        namespace = name.rpartition("}")[0][1:]
        if namespace in self._spaces or namespace in {"", XSD_NAMESPACE}:
            where = f"the namespace {namespace}" if namespace else "the schemas without a namespace"
            self._names.setdefault((kind, name), (place, text, f"{where} has no {kind} {local(name)}"))
        else:
            self._missing[namespace].append((place, name))

    def _is_known(self, kind: Kind, name: str) -> bool:
        namespace, _, plain = name.rpartition("}")
        if namespace[1:] == XSD_NAMESPACE:
            # A DataSet of .NET carries its own schema: <xs:element ref="xs:schema"/>.
            return plain in _BUILT_IN if kind == "type" else (kind, plain) == ("element", "schema")
        return namespace[1:] in _ELSEWHERE or self._shapes.declarations.find(kind, name) is not None
