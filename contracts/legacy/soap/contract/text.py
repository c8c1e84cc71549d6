"""What text a type allows, with all that its bases say: the primitive type, facets, patterns and values."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.legacy.soap.contract.component import ComplexType, SimpleType, TypeUse, is_built_in
from contracts.legacy.soap.contract.shapes import Shapes
from contracts.legacy.xml import local

__all__ = ["TextType", "text_of"]

_DEEPEST = 32
"""No chain of types is longer, but for one that goes in a circle."""
_UNION = 4
"""What a union in a union counts in such a chain: those that are nested on purpose grow with each level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextType:
    """The text that a simple type allows, or the content of an element with attributes only."""

    primitive: str = ""
    """`{namespace}name` of the type of XML Schema; empty for a list and a union."""
    facets: Mapping[str, str]
    patterns: tuple[tuple[str, ...], ...] = ()
    """Of each type on the way one must fit."""
    values: tuple[str, ...] = ()
    """The enumeration; empty where any value is allowed."""
    item: "TextType | None" = None
    members: "tuple[TextType, ...]" = ()


def text_of(shapes: Shapes, use: TypeUse, *, depth: int = 0) -> TextType | None:
    """Return what text a type allows; None where it has elements, or leads nowhere."""
    if isinstance(use, str) and is_built_in(use):
        return None if local(use) == "anyType" else TextType(primitive=use, facets={})
    found = shapes.resolve(use)
    if depth > _DEEPEST or found is None:
        return None
    if isinstance(found, ComplexType):
        return None if found.text is None else text_of(shapes, found.text, depth=depth + 1)
    if found.base is not None:
        return _restricted(found, text_of(shapes, found.base, depth=depth + 1))
    item = None if found.item is None else text_of(shapes, found.item, depth=depth + 1)
    members: list[TextType] = []
    for each in found.members:
        member = text_of(shapes, each, depth=depth + _UNION)
        if member is not None and member not in members:
            members.append(member)
    return TextType(facets={}, item=item, members=tuple(members))


def _restricted(found: SimpleType, base: TextType | None) -> TextType | None:
    if base is None:
        return None
    return TextType(
        primitive=base.primitive,
        facets={**base.facets, **found.facets},
        patterns=(*base.patterns, found.patterns) if found.patterns else base.patterns,
        values=found.values or base.values,
        item=base.item,
        members=base.members,
    )
