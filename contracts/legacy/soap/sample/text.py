"""Text for a simple type: likely where it may be, and always what the type itself takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from xmlschema.validators import (
    XsdAtomic,
    XsdEnumerationFacets,
    XsdList,
    XsdPatternFacets,
    XsdSimpleType,
    XsdType,
    XsdUnion,
)

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.pattern import parse
from contracts.legacy.soap.sample import pattern
from contracts.legacy.soap.sample.builtin import Bounds, likely
from contracts.legacy.soap.sample.draw import Draw

__all__ = ["Text", "ancestry", "texts", "write"]

_MOST_TRIES: Final = 1500
_GROWTH: Final = (3, 6, 1, 12, 0, 30, 90, 400)
_OWN_WAY: Final = frozenset({"language", "Name", "NCName", "NMTOKEN", "ID"})
_BY_QUALIFIED: Final = frozenset({XSD + "QName", XSD + "NOTATION"})


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and the prefixes that must be declared where it stands."""

    text: str
    prefixes: tuple[tuple[str, str], ...] = ()


def write(kind: XsdSimpleType, name: str, draw: Draw) -> Text:
    """Return a text for a type.

    Args:
        kind: The type.
        name: What the value is called: an element, an attribute.
        draw: Decides what the type leaves open.

    Raises:
        ContractError: None was found; says which type and what it demands.
    """
    found = next(texts(kind, name, draw), None)
    if found is None:
        demands = _demands(kind)
        found_what = f"none in {_MOST_TRIES} tries"
        raise ContractError(f"{name} ({kind.name or 'a type without a name'})", expected=demands, found=found_what)
    return found


def texts(kind: XsdSimpleType, name: str, draw: Draw) -> Iterator[Text]:
    """Yield texts that a type takes, the likeliest first."""
    is_qualified = any(each.name in _BY_QUALIFIED for each in ancestry(kind))
    can_be_empty = False
    for text in islice(_candidates(kind, name, draw), _MOST_TRIES):
        # A prefix means nothing to a type by itself: what is enumerated was checked where it stands.
        if is_qualified or kind.text_is_valid(text.text):
            if text.text:
                yield text
            can_be_empty = can_be_empty or not text.text
    if can_be_empty:
        yield Text("")


def ancestry(kind: XsdType) -> Iterator[XsdType]:
    """Yield a type and all that it is derived from."""
    here: XsdType | None = kind
    while here is not None:
        yield here
        here = here.base_type


def _candidates(kind: XsdSimpleType, name: str, draw: Draw) -> Iterator[Text]:
    enumeration = kind.get_facet(XSD + "enumeration")
    if isinstance(enumeration, XsdEnumerationFacets):
        yield from _enumerated(enumeration, draw)
        return
    given = _several(kind)
    if isinstance(given, XsdList):
        yield from _listed(kind, given, name=name, draw=draw)
    elif isinstance(given, XsdUnion):
        first = draw.below(len(given.member_types), "member")
        for member in (*given.member_types[first:], *given.member_types[:first]):
            yield from texts(member, name, draw)
    else:
        yield from _atomic(kind, name, draw)
    yield from map(Text, _patterned(kind, draw))


def _atomic(kind: XsdSimpleType, name: str, draw: Draw) -> Iterator[Text]:
    bounds = _bounds(kind)
    names = [said.removeprefix(XSD) for each in ancestry(kind) if (said := each.name or "").startswith(XSD)]
    own = next((each for each in names if each in _OWN_WAY), None)
    primitive = own or ("integer" if "integer" in names else _primitive(kind))
    yield from map(Text, likely(primitive, name, bounds)(draw))


def _several(kind: XsdSimpleType) -> XsdType | None:
    """Return the list or union that a type is or restricts."""
    return next((each for each in ancestry(kind) if isinstance(each, XsdList | XsdUnion)), None)


def _enumerated(enumeration: XsdEnumerationFacets, draw: Draw) -> Iterator[Text]:
    elements: Sequence[Any] = list(enumeration)
    first = draw.below(len(elements), "enumeration")
    known = enumeration.schema.namespaces
    for element in (*elements[first:], *elements[:first]):
        text = element.get("value")
        prefix, colon, _ = text.partition(":")
        needed = ((prefix, known[prefix]),) if colon and prefix in known else ()
        yield Text(text, needed)


def _listed(kind: XsdSimpleType, given: XsdList, *, name: str, draw: Draw) -> Iterator[Text]:
    bounds = _bounds(kind)
    for attempt in range(5):
        least = max(bounds.least_length, 1) if bounds.most_length != 0 else 0
        most = least + 2 if bounds.most_length is None else min(bounds.most_length, least + 2)
        size = draw.between(least, most, f"size {attempt}")
        items = [write(given.item_type, name, draw.at(attempt, place)) for place in range(size)]
        yield Text(" ".join(item.text for item in items), tuple(each for item in items for each in item.prefixes))


def _patterned(kind: XsdSimpleType, draw: Draw) -> Iterator[str]:
    facets = [
        each for level in ancestry(kind) if isinstance(each := getattr(level, "patterns", None), XsdPatternFacets)
    ]
    # The narrowest is the likeliest to be met by what meets them all.
    nodes = [parse(regexp) for each in facets[:1] * 3 + facets[1:] for regexp in each.regexps]
    if not nodes:
        return
    bounds = _bounds(kind)
    for attempt in range(_MOST_TRIES):
        place = draw.at("pattern", attempt)
        growth = max(0, bounds.least_length) if attempt % 3 == 0 and attempt else _GROWTH[attempt % len(_GROWTH)]
        yield pattern.write(nodes[attempt % len(nodes)], place, growth=growth)


def _bounds(kind: XsdSimpleType) -> Bounds:
    def value(*names: str) -> Any:  # noqa: ANN401 - a facet's value is of its type
        found = (getattr(kind.get_facet(XSD + name), "value", None) for name in names)
        return next((each for each in found if each is not None), None)

    length = value("length")
    return Bounds(
        least_length=length if length is not None else value("minLength") or 0,
        most_length=length if length is not None else value("maxLength"),
        low=_bound(value("minInclusive", "minExclusive")),
        high=_bound(value("maxInclusive", "maxExclusive")),
        is_low_out=value("minInclusive") is None,
        is_high_out=value("maxInclusive") is None,
        digits=value("totalDigits"),
        fraction=value("fractionDigits"),
    )


def _bound(value: object) -> str | None:
    if value is None:
        return None
    return f"{value:f}" if isinstance(value, float | Decimal) else str(value)


def _demands(kind: XsdSimpleType) -> str:
    facets = kind.get_facet(XSD + "pattern")
    if isinstance(facets, XsdPatternFacets):
        return "a text that its pattern " + " or ".join(repr(each) for each in facets.regexps) + " and facets allow"
    return f"a text that its facets allow ({_bounds(kind)})"


def _primitive(kind: XsdSimpleType) -> str:
    return (kind.primitive_type.local_name if isinstance(kind, XsdAtomic) else None) or "string"
