"""Simple types of a schema as types of Python: those of the values that typed records have."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from xmlschema.validators import XsdType

from hub.scaffold.text import quoted

__all__ = ["MOST_VALUES", "enumeration", "item_of_list", "members_of_union", "plain_type", "python_type"]

MOST_VALUES: Final = 12
"""Longer enumerations are code lists, which grow: any text."""
_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_TYPES: Final = {
    "boolean": "bool",
    "decimal": "Decimal",
    "integer": "int",
    "float": "float",
    "double": "float",
    "dateTime": "datetime",
    "date": "date",
    "time": "time",
    "base64Binary": "bytes",
    "hexBinary": "bytes",
}


def python_type(kind: XsdType) -> str:
    """Return the annotation of a simple type's values; a small enumeration of texts is a Literal."""
    return " | ".join(dict.fromkeys(_members(kind)))


def enumeration(kind: XsdType) -> Sequence[str]:
    """Return the texts that a type of text allows; none where any is allowed."""
    return [*_values(kind)]


def _members(kind: Any) -> Iterator[str]:  # noqa: ANN401 - xmlschema's classes share no interface
    if kind.is_list():
        yield f"list[{python_type(item_of_list(kind))}]"
        return
    if members := members_of_union(kind):
        for member in members:
            yield from _members(member)
        return
    plain = plain_type(kind)
    values = [*_values(kind)] if plain == "str" else []
    yield f"Literal[{', '.join(map(quoted, values))}]" if 0 < len(values) <= MOST_VALUES else plain


def _values(kind: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    while kind is not None:
        facets: dict[str | None, Any] = getattr(kind, "facets", None) or {}
        facet = facets.get(_XSD + "enumeration")
        if facet is not None:
            yield from dict.fromkeys(element.get("value") or "" for element in facet)
            return
        kind = kind.base_type


def plain_type(kind: Any) -> str:  # noqa: ANN401 - as above
    """Return what a type that is neither a list nor a union is, without what it allows."""
    while kind is not None:
        name = kind.name or ""
        if name.startswith(_XSD) and name.removeprefix(_XSD) in _TYPES:
            return _TYPES[name.removeprefix(_XSD)]
        kind = kind.base_type
    return "str"


def members_of_union(kind: Any) -> Sequence[Any]:  # noqa: ANN401 - as above
    """Return the members of a union in the order in which values are tried, see `contracts.legacy.soap.message`."""
    while kind is not None:
        if members := getattr(kind, "member_types", None):
            return sorted(members, key=lambda member: member.name is None)
        kind = kind.base_type
    return ()


def item_of_list(kind: Any) -> Any:  # noqa: ANN401 - as above
    """Return the type of the items of a list."""
    while getattr(kind, "item_type", None) is None:
        kind = kind.base_type if kind.base_type is not None else kind.primitive_type
    return kind.item_type
