"""Simple types as readers of canonical values: texts that mean the same by their type have equal values.

What is not of its type keeps its text, marked as such: two replies with the same wrong text agree.
"""

import re
import struct
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from typing import Final, NamedTuple, TypeAlias

from xmlschema.validators import XsdAtomic, XsdList, XsdSimpleType, XsdType, XsdUnion

from contracts.legacy.soap import moments
from contracts.legacy.soap.moments import Zone
from contracts.legacy.xml import BLANKS, Element

__all__ = ["TEXT", "Read", "Scalar", "bare", "collapse", "expanded", "has_names", "named", "number", "of"]

Read: TypeAlias = Callable[[str, Element, "Zone | None"], Hashable]
"""Text, the element that it stands in (for prefixes), default zone -> canonical value."""

_RUN: Final = re.compile("[ \t\r\n]+")
_ONE: Final = re.compile("[\t\r\n]")
_DECIMAL: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")
_FLOAT: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_FLOATS: Final = {"INF": float("inf"), "-INF": float("-inf")}
_INTEGER: Final = re.compile("[+-]?[0-9]+")
_HEX: Final = re.compile("(?:[0-9A-Fa-f]{2})*")
_MOST_DIGITS: Final = 400
_NAMES: Final = frozenset({"QName", "NOTATION"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A simple type that was compiled."""

    name: str
    """As it is shown: `xs:date`, `Status`."""
    read: Read
    has_names: bool = False
    """Its values may be names with prefixes, so equal texts need not be equal values."""


class _Member(NamedTuple):
    """A value of a union, with the primitive type of the member that it fits."""

    kind: str
    value: Hashable


class _Wrong(tuple[str]):
    """The text of a value that is not of its type."""

    __slots__ = ()


def collapse(text: str) -> str:
    """Return a text with its blanks collapsed, as XML Schema means it: no other spaces are blanks."""
    return _RUN.sub(" ", text).strip(" ")


def named(kind: XsdType) -> str:
    """Return a type's name for people; that of its base where it has none."""
    while kind.name is None and kind.base_type is not None:
        kind = kind.base_type
    namespace, _, name = (kind.name or "").rpartition("}")
    return f"xs:{name}" if namespace == "{http://www.w3.org/2001/XMLSchema" else name


def expanded(text: str, element: Element) -> str | None:
    """Return the name that a QName means where it stands, as `{namespace}name`; None where its prefix is unknown."""
    prefix, colon, name = collapse(text).rpartition(":")
    namespace = element.nsmap.get(prefix if colon else None)
    if namespace is None:
        return None if colon else name
    return f"{{{namespace}}}{name}"


def of(kind: XsdSimpleType) -> Scalar:
    """Compile a simple type."""
    return Scalar(name=named(kind), read=_reader(kind), has_names=has_names(kind))


def _reader(kind: XsdType) -> Read:
    base: object = kind.primitive_type if isinstance(kind, XsdAtomic) else kind
    if isinstance(base, XsdList):
        item = _reader(base.item_type)
        return lambda text, element, zone: tuple(item(each, element, zone) for each in _RUN.split(text) if each)
    if isinstance(base, XsdUnion):
        return _union(base)
    name = _primitive(kind)
    if name == "string":
        return _TEXTS[kind.white_space if isinstance(kind, XsdAtomic) else None]
    if name in _NAMES:
        return lambda text, element, _: expanded(text, element) or _Wrong((text,))
    if name in {"dateTime", "date", "time"}:
        return _moment(name)
    # What is left is xs:anySimpleType, in which even blanks say something.
    canonical = _integer if _is_whole(kind) else _CANONICAL.get(name)
    return TEXT.read if canonical is None else _plain(canonical)


def _primitive(kind: XsdType) -> str:
    base = kind.primitive_type if isinstance(kind, XsdAtomic) else kind
    if isinstance(base, XsdUnion):
        return "union"
    if isinstance(base, XsdList):
        return _primitive(base.item_type)
    return base.local_name or ""


def _is_whole(kind: XsdType | None) -> bool:
    """Tell whether a type comes from xs:integer, whose values have no point: there, 1.0 is no 1 but a wrong value."""
    while kind is not None and kind.local_name != "integer":
        kind = kind.base_type
    return kind is not None


def has_names(kind: XsdType) -> bool:
    """Tell whether values of a type may be names with prefixes."""
    base: object = kind.primitive_type if isinstance(kind, XsdAtomic) else kind
    if isinstance(base, XsdUnion):
        return any(map(has_names, _members(base)))
    return _primitive(kind) in _NAMES


def _plain(canonical: Callable[[str], Hashable | None]) -> Read:
    def read(text: str, _: Element, __: Zone | None) -> Hashable:
        value = canonical(text.strip(BLANKS))
        return _Wrong((collapse(text),)) if value is None else value

    return read


def _moment(kind: str) -> Read:
    def read(text: str, _: Element, zone: Zone | None) -> Hashable:
        return moments.moment(kind, text.strip(BLANKS), zone) or _Wrong((collapse(text),))

    return read


def _union(kind: XsdUnion) -> Read:
    members = [(each, _primitive(each), _reader(each)) for each in _members(kind)]

    @lru_cache(maxsize=4096)
    def fitting(text: str) -> int | None:
        return next((place for place, (each, *_) in enumerate(members) if each.text_is_valid(text)), None)

    def read(text: str, element: Element, zone: Zone | None) -> Hashable:
        place = fitting(text)
        if place is None:
            # Names need their prefixes, which only the element has.
            place = next((place for place, (_, name, _) in enumerate(members) if name == "QName"), None)
        if place is None:
            return _Wrong((collapse(text),))
        _, name, value = members[place]
        return _Member(name, value(text, element, zone))

    return read


def _members(kind: XsdUnion) -> Iterator[XsdSimpleType]:
    for each in kind.member_types:
        if isinstance(each, XsdUnion):
            yield from _members(each)
        else:
            yield each


def _decimal(text: str) -> str | None:
    found = _DECIMAL.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        return None
    whole, fraction = found[2].lstrip("0") or "0", (found[3] or "").rstrip("0")
    sign = "-" if found[1] == "-" and (whole != "0" or fraction) else ""
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def _integer(text: str) -> str | None:
    return _decimal(text) if _INTEGER.fullmatch(text) else None


def _double(text: str) -> float | str | None:
    if text == "NaN" or len(text) > _MOST_DIGITS:
        return text
    return _FLOATS[text] if text in _FLOATS else float(text) if _FLOAT.fullmatch(text) else None


def _float(text: str) -> float | str | None:
    value = _double(text)
    if not isinstance(value, float):
        return value
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return single


def _boolean(text: str) -> bool | None:
    return {"1": True, "true": True, "0": False, "false": False}.get(text)


def _base64(text: str) -> str:
    return _RUN.sub("", text)


def _hex(text: str) -> str | None:
    return text.upper() if _HEX.fullmatch(text) else None


def bare(value: Hashable) -> Hashable:
    """Return a value without what says which member of a union it fits."""
    return value.value if isinstance(value, _Member) else value


def number(value: Hashable) -> Decimal | None:
    """Return a canonical number to calculate with; None where it is none, or too long for it."""
    if isinstance(value, float):
        return Decimal(value)
    if not isinstance(value, str) or len(value) > _MOST_DIGITS or _decimal(value) is None:
        return None
    return Decimal(value)


_TEXTS: Final[dict[str | None, Read]] = {
    "collapse": lambda text, _, __: collapse(text),
    "replace": lambda text, _, __: _ONE.sub(" ", text),
    "preserve": lambda text, _, __: text,
    None: lambda text, _, __: text,
}
_CANONICAL: Final[dict[str, Callable[[str], Hashable | None]]] = {
    "decimal": _decimal,
    "double": _double,
    "float": _float,
    "boolean": _boolean,
    "base64Binary": _base64,
    "hexBinary": _hex,
    "duration": moments.duration,
    "anyURI": collapse,
    **{kind: partial(moments.partial, kind) for kind in ("gYearMonth", "gYear", "gMonthDay", "gDay", "gMonth")},
}

TEXT: Final = Scalar(name="text", read=_TEXTS[None])
"""What nobody declared: its text as it is."""
