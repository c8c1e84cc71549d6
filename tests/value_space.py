"""Values of texts by XML Schema 1.0 part 2, read anew: what a comparer of ours finds equal is judged by this."""

import base64
import re
import struct
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from xmlschema.validators import XsdList, XsdSimpleType, XsdType, XsdUnion

from contracts.legacy.soap.contract.bundle import XSD

Scope = Mapping[str | None, str]
"""Prefixes, and what they stand for."""

_ZONE: Final = r"(Z|[+-]\d\d:\d\d)?"
_DAY: Final = r"(-?\d{4,})-(\d\d)-(\d\d)"
_TIME: Final = r"(\d\d):(\d\d):(\d\d(?:\.\d+)?)"
_MOMENTS: Final[dict[str, tuple[str, str]]] = {
    "dateTime": (f"{_DAY}T{_TIME}{_ZONE}", "YMDhmsz"),
    "date": (f"{_DAY}{_ZONE}", "YMDz"),
    "time": (f"{_TIME}{_ZONE}", "hmsz"),
    "gYear": (rf"(-?\d{{4,}}){_ZONE}", "Yz"),
    "gYearMonth": (rf"(-?\d{{4,}})-(\d\d){_ZONE}", "YMz"),
    "gMonthDay": (rf"--(\d\d)-(\d\d){_ZONE}", "MDz"),
    "gMonth": (rf"--(\d\d){_ZONE}", "Mz"),
    "gDay": (rf"---(\d\d){_ZONE}", "Dz"),
}
_DURATION: Final = re.compile(
    r"(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_DAY_SECONDS: Final = 86_400


def shape(kind: XsdSimpleType) -> Any:
    """Return the list, the union, or the primitive type's local name that a simple type comes from.

    `string` also stands for types that say nothing.
    """
    step: XsdType | None = kind
    while isinstance(step, XsdSimpleType):
        if isinstance(step, XsdList | XsdUnion):
            return step
        primitive = getattr(step, "primitive_type", None)
        if primitive is not None and primitive is not step:
            step = primitive
            continue
        if primitive is not None or step.base_type is step:
            name = (step.name or "").removeprefix(XSD)
            return "string" if name in {"anySimpleType", "anyAtomicType", ""} else name
        step = step.base_type
    return "string"


def collapsed(kind: XsdSimpleType, text: str) -> str:
    """Return a text with its white space as the type has it."""
    how = "collapse" if not isinstance(shape(kind), str) else white_space(kind)
    if how == "preserve":
        return text
    text = re.sub(r"[\t\n\r]", " ", text)
    return " ".join(text.split(" ")) if how == "replace" else " ".join(each for each in text.split(" ") if each)


def white_space(kind: XsdSimpleType) -> str:
    """Return what a type does to white space."""
    return getattr(kind, "white_space", None) or "preserve"


def is_whole(kind: XsdType | None) -> bool:
    """Tell whether a type comes from `xs:integer`."""
    return kind is not None and (kind.name == XSD + "integer" or is_whole(kind.base_type))


def value(kind: XsdSimpleType, text: str, scope: Scope) -> Any:
    """Return the value of a text, which equals that of another text where the schema says so."""
    text, found = collapsed(kind, text), shape(kind)
    try:
        if isinstance(found, XsdList):
            return ("list", *(value(found.item_type, word, scope) for word in text.split()))
        if isinstance(found, XsdUnion):
            return _of_union(found, text, scope)
        if found == "decimal" and is_whole(kind):
            _matched(r"[+-]?\d+", text)
        return _primitive(found, text, scope)
    except (ValueError, InvalidOperation, KeyError):
        return ("none", text)


def _of_union(union: XsdUnion, text: str, scope: Scope) -> Any:
    for member in union.member_types:
        if member.text_is_valid(text):
            return value(member, text, scope)
    return ("none", text)


def _primitive(name: str, text: str, scope: Scope) -> Any:
    if name in _MOMENTS:
        return name, *moment(name, text)
    if name in {"QName", "NOTATION"}:
        prefix, _, local = text.rpartition(":")
        return "QName", scope[prefix] if prefix else scope.get(None, ""), local
    return name, _plain(name, text)


def _plain(name: str, text: str) -> Any:
    match name:
        case "decimal":
            return Decimal(_matched(r"[+-]?(\d+(\.\d*)?|\.\d+)", text))
        case "boolean":
            return {"true": True, "1": True, "false": False, "0": False}[text]
        case "float" | "double":
            return _floating(name, text)
        case "duration":
            return _duration(text)
        case "hexBinary" | "base64Binary":
            return _bytes(name, text)
        case _:
            return text


def _bytes(name: str, text: str) -> bytes:
    if name == "hexBinary":
        return bytes.fromhex(_matched("([0-9A-Fa-f]{2})*", text))
    return base64.b64decode(text.replace(" ", ""), validate=True)


def _matched(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError
    return text


def _floating(name: str, text: str) -> Any:
    if text == "NaN":
        return "NaN"
    number = float({"INF": "inf", "-INF": "-inf"}.get(text) or _matched(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text))
    return struct.unpack("f", struct.pack("f", number))[0] if name == "float" else number


def _duration(text: str) -> tuple[int, Fraction]:
    found = _DURATION.fullmatch(text)
    if not found or text.endswith(("P", "T")):
        raise ValueError
    sign = -1 if found[1] else 1
    years, months, days, hours, minutes = (int(found[number] or 0) for number in range(2, 7))
    seconds = ((days * 24 + hours) * 60 + minutes) * 60 + Fraction(found[7] or 0)
    return sign * (years * 12 + months), sign * seconds


def moment(name: str, text: str) -> tuple[bool, Fraction]:
    """Return whether there is a zone, and the seconds from a point that is always the same."""
    pattern, letters = _MOMENTS[name]
    found = re.fullmatch(pattern, text, re.ASCII)
    if found is None:
        raise ValueError
    parts = dict(zip(letters, found.groups(), strict=True))
    day = _days(int(parts.get("Y") or 2000), int(parts.get("M") or 1), int(parts.get("D") or 1))
    seconds = (int(parts.get("h") or 0) * 60 + int(parts.get("m") or 0)) * 60 + Fraction(parts.get("s") or 0)
    total = day * _DAY_SECONDS + seconds - 60 * _offset(parts["z"])
    return parts["z"] is not None, total % _DAY_SECONDS if name == "time" else total


def _offset(zone: str | None) -> int:
    if zone in {None, "Z"}:
        return 0
    sign, hours, minutes = zone[0] if zone else "", int((zone or "")[1:3]), int((zone or "")[4:6])
    return (hours * 60 + minutes) * (-1 if sign == "-" else 1)


def _days(year: int, month: int, day: int) -> int:
    """Return the days since 0000-03-01 of the calendar without end (H. Hinnant, days_from_civil)."""
    year -= month <= 2
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return year * 365 + year // 4 - year // 100 + year // 400 + of_year
