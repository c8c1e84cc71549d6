"""Simple types of a schema as readers: text in, a typed value out, every facet checked.

A reader remembers the values that it has read and found right, a bounded number of them: codes, cities and dates come
again and again.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, cast

from xmlschema.validators import XsdSimpleType, XsdType

from contracts.legacy.soap import scalar
from contracts.legacy.soap.message.facet import NOWHERE, Facet, facets
from contracts.legacy.soap.message.lexical import ATOMIC, Atomic, collapse
from contracts.legacy.xml import BLANKS, Element

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


class Simple:
    """Reads values of one simple type. Not for several threads at a time."""

    __slots__ = ("_convert", "_facets", "_has_names", "_is_nested", "_white", "kind", "known", "name")

    def __init__(
        self,
        kind: XsdType,
        name: str,
        *,
        white: Callable[[str], str],
        convert: Callable[..., Value],
        facets: Sequence[Facet],
    ) -> None:
        self.kind: Final = kind
        self.name: Final = name
        self._white, self._convert, self._facets = white, convert, tuple(facets)
        # What a prefix means depends on where it stands, so values with one are not remembered.
        self._has_names = isinstance(kind, XsdSimpleType) and scalar.has_names(kind)
        self._is_nested = convert not in _ATOMIC
        self.known: dict[str, Value] = {}
        """Values that were right, by their text."""

    def __call__(self, text: str, element: Element = NOWHERE) -> Value:
        """Return the value of text that stands in an element.

        Raises:
            ValueError: It is none of the type; says what was expected, never the text.
            FacetError: It is outside of what the type allows.
        """
        trimmed = self._white(text)
        value = self._convert(trimmed, element) if self._is_nested else self._convert(trimmed)
        for facet in self._facets:
            if not facet.holds(trimmed, value, element):
                raise FacetError(facet.expected, value)
        if not self._has_names and len(self.known) < _REMEMBERED and len(text) <= _LONGEST_REMEMBERED:
            self.known[text] = value
        return value

    def means(self, text: str, other: str, element: Element) -> bool:
        """Tell whether two texts are the same value: 1.0 is 1.00, P1Y is P12M."""
        if text == other:
            return True
        meaning = scalar.of(cast("XsdSimpleType", self.kind)).read
        return meaning(text, element, None) == meaning(other, element, None)

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
    return text.strip(BLANKS)


_REPLACED: Final = str.maketrans("\t\n\r", "   ")
_WHITE: Final = {"preserve": _preserve, "replace": _replace, "collapse": collapse}


def simple(kind: XsdType) -> Simple:
    """Return the reader of a simple type, whose text may have blanks around it as the type says."""
    convert = _converter(kind)
    white = _WHITE[getattr(kind, "white_space", None) or "preserve"]
    if white is collapse and convert in _WITHOUT_BLANKS:
        white = _trim
    return Simple(kind, _name(kind), white=white, convert=convert, facets=tuple(facets(kind, _converter)))


_ATOMIC: Final = frozenset(ATOMIC.values())
_WITHOUT_BLANKS: Final = frozenset(
    ATOMIC[name] for name in ("boolean", "decimal", "integer", "float", "dateTime", "date", "time", "base64Binary")
)


def _name(kind: XsdType) -> str:
    return kind.local_name or f"a kind of {getattr(kind.base_type, 'local_name', None) or 'simple type'}"


def _converter(kind: Any) -> Callable[..., Value]:  # noqa: ANN401 - xmlschema's classes share no interface
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


def _list(item: Simple) -> Callable[..., Value]:
    def convert(text: str, element: Element = NOWHERE) -> Value:
        return [item(word, element) for word in collapse(text).split(" ") if word]

    return convert


def _union(members: Sequence[Simple]) -> Callable[..., Value]:
    def convert(text: str, element: Element = NOWHERE) -> Value:
        # Not the error itself: it would hold this frame, and the frame it.
        unfit: tuple[str, Value] | None = None
        for member in members:
            try:
                return member(text, element)
            except FacetError as error:
                unfit = unfit or (str(error), error.value)
            except ValueError:
                continue
        if unfit is not None:
            raise FacetError(*unfit)
        raise ValueError(f"one of: {', '.join(member.name for member in members)}")

    return convert
