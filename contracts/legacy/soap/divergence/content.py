"""What may stand in an element by its type: attributes, elements and text, as tables from XML Schema components."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from xmlschema.validators import (
    XsdAnyElement,
    XsdAttribute,
    XsdComplexType,
    XsdElement,
    XsdGroup,
    XsdSimpleType,
    XsdType,
)

from contracts.legacy.soap import scalar
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.scalar import Scalar

__all__ = ["ANY", "ENCODINGS", "Attribute", "Content", "Declared", "Types"]

ENCODINGS: Final = ("{http://schemas.xmlsoap.org/soap/encoding/}", "{http://www.w3.org/2003/05/soap-encoding}")
"""Namespaces of SOAP encoding, 1.1 and 1.2."""
_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_ANY_TYPE: Final = _XSD + "anyType"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A declared attribute."""

    scalar: Scalar
    default: str | None = None
    """Its default or fixed value: what an absent one means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """An element as its parent declares it."""

    tag: str
    type: "XsdType | Content | None"
    """None where nothing is known of it."""
    default: str | None = None
    """Its default or fixed value: what an empty one means, by rule an absent one, too."""
    is_once: bool = False
    """It stands at most once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a type says, looked up by `{namespace}name`."""

    name: str | None = None
    """Of the type, for people."""
    scalar: Scalar | None = None
    """How its text is read; None where it has no text of a type."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    elements: Mapping[str, Declared] = field(default_factory=dict[str, Declared])
    is_all: bool = False
    """The order of its elements says nothing."""
    is_mixed: bool = False
    """Text between its elements says something, blanks included."""
    is_open: bool = False
    """Elements that are not declared may stand in it."""
    is_free: bool = False
    """Anything may: elements, or text as it is."""
    is_array: bool = False
    """An array of SOAP encoding, whose items may have any name."""


ANY: Final = Content(is_free=True)
"""What nobody declared: elements or text."""


class Types:
    """Compiles types, each once."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._elements = frozenset(schemas.xsd.maps.elements)
        # The types are kept with what was compiled: an id means nothing once its object is gone.
        self._known: dict[int, tuple[XsdType, Content]] = {}

    def of(self, kind: "XsdType | Content | None") -> Content:
        """Return what a type says."""
        if kind is None:
            return ANY
        if isinstance(kind, Content):
            return kind
        if id(kind) not in self._known:
            self._known[id(kind)] = (kind, _compiled(kind))
        return self._known[id(kind)][1]

    def element(self, tag: str) -> Declared | None:
        """Return a global element."""
        found = self._schemas.element(tag) if tag in self._elements else None
        return None if found is None else _declared(found, is_once=False)

    def named(self, name: str) -> XsdType | None:
        """Return a global type; the simple ones of SOAP encoding are those of XML Schema."""
        for encoding in ENCODINGS:
            simple = self._schemas.type(_XSD + name.removeprefix(encoding)) if name.startswith(encoding) else None
            if simple is not None:
                return simple
        return self._schemas.type(name)


def _compiled(kind: XsdType) -> Content:
    if isinstance(kind, XsdSimpleType):
        found = scalar.of(kind)
        return Content(name=found.name, scalar=found)
    if kind.name == _ANY_TYPE or not isinstance(kind, XsdComplexType):
        return Content(name="xs:anyType", is_open=True, is_free=True)
    content: object = kind.content
    attributes = {name: _attribute(each) for name, each in kind.attributes.items() if isinstance(each, XsdAttribute)}
    simple = scalar.of(content) if isinstance(content, XsdSimpleType) else None
    elements = dict(_elements(content)) if isinstance(content, XsdGroup) else {}
    return Content(
        name=scalar.named(kind),
        scalar=simple,
        attributes={name: each for name, each in attributes.items() if name},
        elements=elements,
        is_all=isinstance(content, XsdGroup) and content.model == "all",
        is_mixed=bool(kind.mixed),
        is_open=isinstance(content, XsdGroup) and any(isinstance(each, XsdAnyElement) for each in content.elements),
    )


def _attribute(declared: XsdAttribute) -> Attribute:
    default = declared.fixed if declared.default is None else declared.default
    return Attribute(scalar=scalar.of(declared.type), default=default)


def _elements(group: XsdGroup) -> Iterator[tuple[str, Declared]]:
    found = [each for each in group.elements if isinstance(each, XsdElement)]
    names = [each.name for each in found]
    for each in found:
        is_once = group.overall_max_occurs(each) == 1 and names.count(each.name) == 1
        for member in (*each.iter_substitutes(), each):
            if member.name:
                yield member.name, _declared(member, is_once=is_once)


def _declared(element: XsdElement, *, is_once: bool) -> Declared:
    default = element.fixed if element.default is None else element.default
    return Declared(tag=element.name or "", type=element.type, default=default, is_once=is_once)
