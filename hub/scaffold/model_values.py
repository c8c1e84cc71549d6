"""Simple types of a schema as annotations of models: enumerations as classes, facets as constraints."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from xmlschema.validators import XsdType

from hub.scaffold.naming import pascal, snake, unique
from hub.scaffold.simple_type import enumeration, item_of_list, members_of_union, plain_type
from hub.scaffold.text import docstring, quoted

__all__ = ["Values"]

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_BOUNDS: Final = {"minInclusive": "ge", "maxInclusive": "le", "minExclusive": "gt", "maxExclusive": "lt"}
_LENGTHS: Final = {"minLength": ("min_length",), "maxLength": ("max_length",), "length": ("min_length", "max_length")}
_DIGITS: Final = {"totalDigits": "max_digits", "fractionDigits": "decimal_places"}


@dataclass(slots=True)
class Values:
    """The annotations of one module; the classes of enumerations are written on the way."""

    taken: set[str]
    texts: list[str] = field(default_factory=list[str])
    _names: dict[int, str] = field(default_factory=dict[int, str])

    def of(self, kind: XsdType, *, called: str) -> str:
        """Return the annotation of a type's values; `called` names what has no name."""
        return " | ".join(dict.fromkeys(self._members(kind, called)))

    def _members(self, kind: Any, called: str) -> Iterator[str]:  # noqa: ANN401 - xmlschema's classes share no interface
        if kind.is_list():
            yield _constrained(f"list[{self.of(item_of_list(kind), called=called)}]", _lengths(kind))
            return
        if members := members_of_union(kind):
            for member in members:
                yield from self._members(member, called)
            return
        plain = plain_type(kind)
        if plain == "str" and enumeration(kind):
            yield self._enumeration(kind, called)
        else:
            yield _constrained(plain, _constraints(kind, plain))

    def _enumeration(self, kind: Any, called: str) -> str:  # noqa: ANN401 - as above
        while not _has_own_values(kind):
            kind = kind.base_type
        if id(kind) not in self._names:
            name = unique(pascal(kind.local_name or called), self.taken)
            self.taken.add(name)
            self._names[id(kind)] = name
            self.texts.append(
                f"class {name}(StrEnum):\n{docstring(f'Values of {kind.local_name or called}.')}\n\n{_lines(kind)}"
            )
        return self._names[id(kind)]


def _has_own_values(kind: Any) -> bool:  # noqa: ANN401 - as above
    facets: dict[str | None, Any] = getattr(kind, "facets", None) or {}
    return _XSD + "enumeration" in facets


def _lines(kind: XsdType) -> str:
    names: list[str] = []
    lines: list[str] = []
    for value in enumeration(kind):
        name = snake(value).upper()
        name = unique(f"{name}_" if name in {"NAME", "VALUE", "MRO"} else name, names)
        names.append(name)
        lines.append(f"    {name} = {quoted(value)}")
    return "\n".join(lines)


def _constrained(annotation: str, constraints: dict[str, str]) -> str:
    if not constraints:
        return annotation
    return f"Annotated[{annotation}, Field({', '.join(f'{name}={value}' for name, value in constraints.items())})]"


def _constraints(kind: XsdType, plain: str) -> dict[str, str]:
    if plain in {"str", "bytes"}:
        return _lengths(kind)
    found: dict[str, str] = {}
    for name, value in _facets(kind):
        if name in _BOUNDS and plain in {"int", "float", "Decimal"}:
            found.setdefault(_BOUNDS[name], _number(value, plain))
        elif name in _DIGITS and plain == "Decimal":
            found.setdefault(_DIGITS[name], str(int(value)))
    return found


def _lengths(kind: XsdType) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _facets(kind):
        for each in _LENGTHS.get(name, ()):
            found.setdefault(each, str(int(value)))
    return found


def _facets(kind: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as above
    """Yield the facets of a type and of those of the contract that it restricts, the nearest first."""
    while kind is not None and not (kind.name or "").startswith(_XSD):
        facets: dict[str | None, Any] = getattr(kind, "facets", None) or {}
        for name, facet in facets.items():
            value = getattr(facet, "value", None)
            if name is not None and value is not None:
                yield name.removeprefix(_XSD), value
        kind = kind.base_type


def _number(value: Any, plain: str) -> str:  # noqa: ANN401 - as above
    if plain == "Decimal":
        exact = Decimal(str(value))
        return f"Decimal({int(exact) if exact == int(exact) else quoted(str(exact))})"
    return repr(int(value)) if plain == "int" else repr(float(value))
