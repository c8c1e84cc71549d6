"""What the schemas of a contract declare, as values: elements, types, groups and wildcards, each with its place.

Named things are referred to by `{namespace}name`, what has no name stands in its place; so recursive types are no
riddle. References to groups are already resolved. xmlschema's components check instances; these tell and compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from contracts.legacy.soap.contract.model import Place

__all__ = [
    "ANY_TYPE",
    "XSD_NAMESPACE",
    "Attribute",
    "ComplexType",
    "ElementUse",
    "ModelGroup",
    "Order",
    "Particle",
    "SimpleType",
    "Type",
    "TypeUse",
    "Wildcard",
    "is_built_in",
]

XSD_NAMESPACE: Final = "http://www.w3.org/2001/XMLSchema"
ANY_TYPE: Final = f"{{{XSD_NAMESPACE}}}anyType"

Order: TypeAlias = Literal["sequence", "choice", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleType:
    """A type of text."""

    name: str | None
    place: Place
    base: "TypeUse | None" = None
    """What it restricts; None for a list or a union."""
    item: "TypeUse | None" = None
    members: "tuple[TypeUse, ...]" = ()
    facets: Mapping[str, str]
    """Its own, without those of its base, and without patterns and enumeration."""
    patterns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """Its own enumeration; empty where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of a type."""

    name: str
    type: "TypeUse"
    place: Place
    is_required: bool = False
    default: str | None = None
    fixed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard:
    """xsd:any or xsd:anyAttribute."""

    namespace: str
    process: str
    least: int
    most: int | None
    """None for unbounded."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementUse:
    """A global element, or an element at its place in a type."""

    name: str
    type: "TypeUse"
    place: Place
    least: int = 1
    most: int | None = 1
    """None for unbounded."""
    is_reference: bool = False
    """It stands for a global element; then only its occurrence is said here."""
    is_nillable: bool = False
    is_abstract: bool = False
    default: str | None = None
    fixed: str | None = None
    head: str | None = None
    """The head of its substitution group."""
    media: str | None = None
    """What `xmime:expectedContentTypes` says, here or at its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelGroup:
    """A sequence, a choice, or all."""

    order: Order
    particles: "tuple[Particle, ...]"
    place: Place
    least: int = 1
    most: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplexType:
    """A type of elements with children or attributes."""

    name: str | None
    place: Place
    base: str | None = None
    derivation: Literal["", "extension", "restriction"] = ""
    is_abstract: bool = False
    is_mixed: bool = False
    content: ModelGroup | None = None
    """Its own, without that of a base which it extends."""
    text: "TypeUse | None" = None
    """Of simple content: the type of the text (its base, or what restricts it)."""
    attributes: tuple[Attribute, ...] = ()
    any_attribute: Wildcard | None = None
    array: str | None = None
    """What `wsdl:arrayType` says (SOAP encoding)."""


TypeUse: TypeAlias = str | SimpleType | ComplexType
"""`{namespace}name` of a named type, or a type without a name in its place."""
Type: TypeAlias = SimpleType | ComplexType
Particle: TypeAlias = ElementUse | ModelGroup | Wildcard


def is_built_in(name: str) -> bool:
    """Tell whether a type is one of XML Schema's own.

    >>> is_built_in("{http://www.w3.org/2001/XMLSchema}int")
    True
    """
    return name.startswith(f"{{{XSD_NAMESPACE}}}")
