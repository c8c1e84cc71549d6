"""Simple types of a schema as readers: text in, a typed value out, every facet checked.

A reader remembers the values that it has read and found right, a bounded number of them: codes, cities and dates come
again and again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from xmlschema import XMLSchemaValidationError
from xmlschema.validators import XsdSimpleType, XsdType

from contracts.legacy.soap.message.lexical import ATOMIC, Atomic, collapse

__all__ = ["FacetError", "Simple", "Value", "simple"]

Value: TypeAlias = "Atomic | list[Value]"
"""What text becomes; a list for a type that is a list."""

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_REMEMBERED: Final = 2048
_LONGEST_REMEMBERED: Final = 64


class FacetError(ValueError):
    """A value is of the type's kind, but not what the type allows; `value` is what it is."""

    def __init__(self, expected: str, value: Value) -> None:
        self.value = value
        super().__init__(expected)


Check: TypeAlias = "Callable[[str, Any], bool]"


@dataclass(frozen=True, slots=True)
class _Facet:
    expected: str
    holds: Check


class Simple:
    """Reads values of one simple type. Not for several threads at a time."""

    __slots__ = ("_convert", "_facets", "_white", "kind", "known", "name")

    def __init__(
        self,
        kind: XsdType,
        name: str,
        *,
        white: Callable[[str], str],
        convert: Callable[[str], Value],
        facets: Sequence[_Facet],
    ) -> None:
        self.kind: Final = kind
        self.name: Final = name
        self._white, self._convert, self._facets = white, convert, tuple(facets)
        self.known: dict[str, Value] = {}
        """Values that were right, by their text."""

    def __call__(self, text: str) -> Value:
        """Return the value.

        Raises:
            ValueError: It is none of the type; says what was expected, never the text.
            FacetError: It is outside of what the type allows.
        """
        trimmed = self._white(text)
        value = self._convert(trimmed)
        for facet in self._facets:
            if not facet.holds(trimmed, value):
                raise FacetError(facet.expected, value)
        if len(self.known) < _REMEMBERED and len(text) <= _LONGEST_REMEMBERED:
            self.known[text] = value
        return value

    @property
    def is_free(self) -> bool:
        """Tell whether any text is a value of it, as it stands."""
        return self._convert is ATOMIC["string"] and self._white is _preserve and not self._facets


def _preserve(text: str) -> str:
    return text


def _replace(text: str) -> str:
    return text.translate(_REPLACED)


def _trim(text: str) -> str:
    # Blanks inside of what is no string are refused by its own form.
    return text.strip(" \t\n\r")


_REPLACED: Final = str.maketrans("\t\n\r", "   ")
_WHITE: Final = {"preserve": _preserve, "replace": _replace, "collapse": collapse}


def simple(kind: XsdType) -> Simple:
    """Return the reader of a simple type, whose text may have blanks around it as the type says."""
    convert = _converter(kind)
    white = _WHITE[getattr(kind, "white_space", None) or "preserve"]
    if white is collapse and convert in _WITHOUT_BLANKS:
        white = _trim
    return Simple(kind, _name(kind), white=white, convert=convert, facets=tuple(_facets(kind)))


_WITHOUT_BLANKS: Final = frozenset(
    ATOMIC[name] for name in ("boolean", "decimal", "integer", "float", "dateTime", "date", "time", "base64Binary")
)


def _name(kind: XsdType) -> str:
    return kind.local_name or f"a kind of {getattr(kind.base_type, 'local_name', None) or 'simple type'}"


def _converter(kind: Any) -> Callable[[str], Value]:  # noqa: ANN401 - xmlschema's classes share no interface
    if kind.is_list():
        return _list(simple(_list_of(kind).item_type))
    members = getattr(kind, "member_types", None)
    if members:
        # Named members come before those that stand inside (XML Schema part 2, 4.1.2); xmlschema turns that round.
        return _union([simple(member) for member in sorted(members, key=lambda member: member.name is None)])
    base = kind
    while base is not None:
        name = (base.name or "").removeprefix(_XSD)
        if (base.name or "").startswith(_XSD) and name in ATOMIC:
            return ATOMIC[name]
        if getattr(base, "member_types", None):
            return _converter(base)
        base = base.base_type
    return ATOMIC["string"]


def _list_of(kind: Any) -> Any:  # noqa: ANN401 - as above
    while getattr(kind, "item_type", None) is None:
        kind = kind.base_type if kind.base_type is not None else kind.primitive_type
    return kind


def _list(item: Simple) -> Callable[[str], Value]:
    def convert(text: str) -> Value:
        return [item(word) for word in text.split()]

    return convert


def _union(members: Sequence[Simple]) -> Callable[[str], Value]:
    def convert(text: str) -> Value:
        # Not the error itself: it would hold this frame, and the frame it.
        unfit: tuple[str, Value] | None = None
        for member in members:
            try:
                return member(text)
            except FacetError as error:
                unfit = unfit or (str(error), error.value)
            except ValueError:
                continue
        if unfit is not None:
            raise FacetError(*unfit)
        raise ValueError(f"one of: {', '.join(member.name for member in members)}")

    return convert


def _facets(kind: Any) -> Iterator[_Facet]:  # noqa: ANN401 - as above
    """Yield the facets of a type and of all that it restricts."""
    while kind is not None and isinstance(kind, XsdSimpleType):
        for name, facet in (kind.facets or {}).items():
            if name is None:
                if (kind.local_name or "") not in ATOMIC:
                    yield _Facet(f"a {kind.local_name}", _by_validator(facet))
            else:
                made = _MAKERS.get(name.removeprefix(_XSD))
                if made is not None:
                    yield made(kind, facet)
        kind = kind.base_type


def _by_validator(validator: Any) -> Check:  # noqa: ANN401 - as above
    def holds(_: str, value: Any) -> bool:  # noqa: ANN401 - whatever the type's values are
        try:
            validator(value)
        except XMLSchemaValidationError:
            return False
        return True

    return holds


def _own(kind: Any, text: str) -> Any:  # noqa: ANN401 - as above
    """Return what a facet's text means, as a value of the type that it restricts."""
    return _converter(kind)(collapse(text))


def _enumeration(kind: Any, facet: Any) -> _Facet:  # noqa: ANN401 - as above
    texts = [element.get("value") or "" for element in facet]
    shown = ", ".join(texts[:10]) + (f", … ({len(texts)} values)" if len(texts) > 10 else "")  # noqa: PLR2004 - fits a line
    if kind.is_list() or getattr(kind.primitive_type, "local_name", "") in {"string", "anyURI", "QName", "NOTATION"}:
        plain = frozenset(texts)
        return _Facet(f"one of {shown}", lambda text, _: text in plain)
    values = [_own(kind, text) for text in texts]
    return _Facet(f"one of {shown}", lambda _, value: value in values)


def _pattern(_: Any, facet: Any) -> _Facet:  # noqa: ANN401 - as above
    patterns = [pattern.match for pattern in facet.patterns]
    shown = " or ".join(facet.regexps)
    return _Facet(f"the pattern {shown}", lambda text, _: any(match(text) for match in patterns))


def _bound(word: str, holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], _Facet]:
    def made(kind: Any, facet: Any) -> _Facet:  # noqa: ANN401 - as above
        said = facet.elem.get("value") if facet.elem is not None and facet.elem.get("value") else str(facet.value)
        limit = _own(kind, said)

        def within(_: str, value: Any) -> bool:  # noqa: ANN401 - as above
            try:
                return holds(value, limit)
            except TypeError:
                return True  # with a zone and without one can't be compared (XML Schema part 2, 3.2.7.4)

        return _Facet(f"{word} {said}", within)

    return made


def _length(word: str, holds: Callable[[int, int], bool]) -> Callable[[Any, Any], _Facet]:
    def made(_: Any, facet: Any) -> _Facet:  # noqa: ANN401 - as above
        limit = int(facet.value)
        return _Facet(f"{word} {limit} long", lambda _, value: holds(len(value), limit))

    return made


def _total_digits(_: Any, facet: Any) -> _Facet:  # noqa: ANN401 - as above
    limit = int(facet.value)
    return _Facet(f"at most {limit} digits", lambda _, value: _digits(value)[0] <= limit)


def _fraction_digits(_: Any, facet: Any) -> _Facet:  # noqa: ANN401 - as above
    limit = int(facet.value)
    return _Facet(f"at most {limit} digits behind the point", lambda _, value: _digits(value)[1] <= limit)


def _digits(value: Decimal | int) -> tuple[int, int]:
    """Return how many digits a number has in all and behind the point, without zeros that say nothing.

    >>> _digits(Decimal("012.50"))
    (3, 1)
    """
    whole, _, fraction = format(Decimal(value).copy_abs(), "f").partition(".")
    fraction = fraction.rstrip("0")
    return len((whole + fraction).lstrip("0")) or 1, len(fraction)


_MAKERS: Final[dict[str, Callable[[Any, Any], _Facet]]] = {
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
