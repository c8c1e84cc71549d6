"""The facets of simple types as checks: by values, and not by their texts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from lxml import etree
from xmlschema import XMLSchemaValidationError
from xmlschema.validators import XsdSimpleType

from contracts.legacy.soap import moments, scalar
from contracts.legacy.soap.message.lexical import ATOMIC, collapse
from contracts.legacy.soap.moments import Duration, Moment
from contracts.legacy.xml import Element

__all__ = ["NOWHERE", "Check", "Convert", "Facet", "facets"]

Check: TypeAlias = "Callable[[str, Any, Element], bool]"
"""Tells of a text, the value that it is, and the element that it stands in whether they are right."""
Convert: TypeAlias = "Callable[[Any], Callable[[str], Any]]"
_Read: TypeAlias = "Callable[[str], Moment | Duration | None]"
NOWHERE: Final = etree.Element("nowhere")
"""Where text stands that is of no message: no prefix means anything there."""
_MIDNIGHT: Final = "24:00:00"
_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"


@dataclass(frozen=True, slots=True)
class Facet:
    """One of a type."""

    expected: str
    holds: Check


_Maker: TypeAlias = "Callable[[Any, Any, Convert], Facet]"


def facets(kind: Any, convert: Convert) -> Iterator[Facet]:  # noqa: ANN401 - xmlschema's classes share no interface
    """Yield the facets of a type and of all that it restricts.

    Args:
        kind: The type.
        convert: Returns what reads values of a type.
    """
    while kind is not None and isinstance(kind, XsdSimpleType):
        for name, facet in (kind.facets or {}).items():
            if name is None:
                if (kind.local_name or "") not in ATOMIC:
                    yield Facet(f"a {kind.local_name}", _by_validator(facet))
            else:
                made = _MAKERS.get(name.removeprefix(_XSD))
                if made is not None:
                    yield made(kind, facet, convert)
        kind = kind.base_type


def _by_validator(validator: Any) -> Check:  # noqa: ANN401 - as above
    def holds(_: str, value: Any, __: Element) -> bool:  # noqa: ANN401 - whatever the type's values are
        try:
            validator(value)
        except XMLSchemaValidationError:
            return False
        return True

    return holds


def _enumeration(kind: Any, facet: Any, __: Convert) -> Facet:  # noqa: ANN401 - as above
    texts = [element.get("value") or "" for element in facet]
    shown = ", ".join(texts[:10]) + (f", … ({len(texts)} values)" if len(texts) > 10 else "")  # noqa: PLR2004 - fits a line
    if scalar.has_names(kind):
        names = {str(name) for name in facet.enumeration}
        return Facet(f"one of {shown}", lambda text, _, element: scalar.expanded(text, element) in names)
    if not kind.is_list() and getattr(kind.primitive_type, "local_name", "") in {"string", "anyURI"}:
        plain = frozenset(texts)
        return Facet(f"one of {shown}", lambda text, _, __: text in plain)
    meaning = scalar.of(kind).read
    values = {meaning(text, NOWHERE, None) for text in texts}
    return Facet(f"one of {shown}", lambda text, _, element: meaning(text, element, None) in values)


def _pattern(_: Any, facet: Any, __: Convert) -> Facet:  # noqa: ANN401 - as above
    patterns = [pattern.match for pattern in facet.patterns]
    shown = " or ".join(facet.regexps)
    return Facet(f"the pattern {shown}", lambda text, _, __: any(match(text) for match in patterns))


def _bound(word: str, holds: Callable[[Any, Any], bool]) -> _Maker:
    def made(kind: Any, facet: Any, convert: Convert) -> Facet:  # noqa: ANN401 - as above
        said = facet.elem.get("value") if facet.elem is not None and facet.elem.get("value") else str(facet.value)
        read = _ORDERED.get(getattr(kind.primitive_type, "local_name", ""))
        if read is not None:
            return Facet(f"{word} {said}", _in_time(read, collapse(said), holds))
        limit = convert(kind)(collapse(said))
        return Facet(f"{word} {said}", lambda _, value, __: holds(value, limit))

    return made


def _in_time(read: _Read, said: str, holds: Callable[[Any, Any], bool]) -> Check:
    limit = read(said)

    def within(text: str, _: Any, __: Element) -> bool:  # noqa: ANN401 - as above
        found = read(text)
        order = None if found is None or limit is None else moments.order(found, limit)
        # What can't be compared, such as P1M and P30D, may be within.
        return order is None or holds(order, 0)

    return within


def _moment(kind: str) -> _Read:
    return lambda text: moments.moment(kind, text)


def _part(kind: str) -> _Read:
    return lambda text: moments.filled(kind, text)


_ORDERED: Final[dict[str, _Read]] = {
    "duration": moments.duration,
    "time": lambda text: moments.moment("dateTime", "1972-12-31T" + text.replace(_MIDNIGHT, "00:00:00")),
    **{kind: _moment(kind) for kind in ("dateTime", "date")},
    **{kind: _part(kind) for kind in ("gYearMonth", "gYear", "gMonthDay", "gDay", "gMonth")},
}
"""Reads values of the types whose order is not that of their texts, or of Python's values."""


def _length(word: str, holds: Callable[[int, int], bool]) -> _Maker:
    def made(_: Any, facet: Any, __: Convert) -> Facet:  # noqa: ANN401 - as above
        limit = int(facet.value)
        return Facet(f"{word} {limit} long", lambda _, value, __: holds(len(value), limit))

    return made


def _total_digits(_: Any, facet: Any, __: Convert) -> Facet:  # noqa: ANN401 - as above
    limit = int(facet.value)
    return Facet(f"at most {limit} digits", lambda _, value, __: _digits(value)[0] <= limit)


def _fraction_digits(_: Any, facet: Any, __: Convert) -> Facet:  # noqa: ANN401 - as above
    limit = int(facet.value)
    return Facet(f"at most {limit} digits behind the point", lambda _, value, __: _digits(value)[1] <= limit)


def _digits(value: Decimal | int) -> tuple[int, int]:
    """Return how many digits a number has in all and behind the point, without zeros that say nothing.

    >>> _digits(Decimal("012.50"))
    (3, 1)
    """
    whole, _, fraction = format(Decimal(value).copy_abs(), "f").partition(".")
    fraction = fraction.rstrip("0")
    return len((whole + fraction).lstrip("0")) or 1, len(fraction)


_MAKERS: Final[dict[str, _Maker]] = {
    "enumeration": _enumeration,
    "pattern": _pattern,
    "minInclusive": _bound("at least", lambda value, limit: value >= limit),
    "maxInclusive": _bound("at most", lambda value, limit: value <= limit),
    "minExclusive": _bound("more than", lambda value, limit: value > limit),
    "maxExclusive": _bound("less than", lambda value, limit: value < limit),
    "length": _length("exactly", lambda length, limit: length == limit),
    "minLength": _length("at least", lambda length, limit: length >= limit),
    "maxLength": _length("at most", lambda length, limit: length <= limit),
    "totalDigits": _total_digits,
    "fractionDigits": _fraction_digits,
}
