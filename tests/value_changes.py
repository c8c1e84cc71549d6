"""Other texts for a value: those that say something else, and those that say the same in another form."""

import base64
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from xmlschema.validators import XsdList, XsdSimpleType, XsdUnion

from tests.value_space import Scope, is_whole, shape, value, white_space

Change = tuple[str, str]
"""What was done, and the text that it gives."""

_DATED: Final = {"dateTime", "date", "gYear", "gYearMonth", "gMonthDay", "gMonth", "gDay", "time"}
_ZONE: Final = re.compile(r"(Z|[+-]\d\d:\d\d)$")
_NUMBERS: Final = {"decimal", "float", "double"}


def others(kind: XsdSimpleType, text: str, scope: Scope) -> Iterator[Change]:
    """Yield texts whose value is another one, for each way of changing it the first that the type allows."""
    own, taken = value(kind, text, scope), set[str]()
    listed = [each for each in kind.enumeration or () if isinstance(each, str)]
    given = [("enumeration: another member", each) for each in listed] if listed else [*_changes(kind, text, scope)]
    for what, other in given:
        if what not in taken and other != text and value(kind, other, scope) != own and is_valid(kind, other):
            taken.add(what)
            yield what, other
    yield from ((f"{what}, though the type forbids it", other) for what, other in _forbidden(kind, text))
    if is_whole(kind) and shape(kind) == "decimal" and text.strip().lstrip("+-").isdecimal():
        yield "integer: a point, though the type forbids it", text.strip() + ".0"


def is_valid(kind: XsdSimpleType, text: str) -> bool:
    """Tell whether a type allows a text; prefixes are not looked up."""
    return kind.text_is_valid(text)


def _forbidden(kind: XsdSimpleType, text: str) -> Iterator[Change]:
    for other in (text + "x", text + " 12,5", ""):
        if other != text and not is_valid(kind, other):
            yield "any type: a text", other
            return


def _changes(kind: XsdSimpleType, text: str, scope: Scope) -> Iterator[Change]:
    found = shape(kind)
    if isinstance(found, XsdUnion):
        yield from _of_union(found, text, scope)
    elif isinstance(found, XsdList):
        yield from _of_list(found, text, scope)
    elif found in {"QName", "NOTATION"}:
        yield from _of_name(text.strip(), scope)
    elif found in _CHANGES:
        yield from _CHANGES[found](found, text.strip())
    else:
        yield from _of_string(kind, text)


def _of_boolean(_: str, text: str) -> Iterator[Change]:
    yield "boolean: flipped", "false" if text in {"true", "1"} else "true"


def _of_duration(_: str, text: str) -> Iterator[Change]:
    yield "duration: another part", re.sub(r"\d+", lambda m: str(int(m[0]) + 1), text, count=1)
    yield "duration: a month for 30 days", "P1M" if "D" in text else "P30D"
    yield "duration: sign", text.removeprefix("-") if text.startswith("-") else "-" + text


def _of_union(union: XsdUnion, text: str, scope: Scope) -> Iterator[Change]:
    for member in union.member_types:
        if member.text_is_valid(text):
            yield from ((f"union: {what}", other) for what, other in others(member, text, scope))
        else:
            for other in (*(str(each) for each in member.enumeration or ()), "7", "x", "2020-02-29", "true", "AB123"):
                if member.text_is_valid(other):
                    yield "union: a value of another member", other


def _of_list(found: XsdList, text: str, scope: Scope) -> Iterator[Change]:
    words = text.split()
    for number, word in enumerate(words):
        for _, other in others(found.item_type, word, scope):
            yield "list: item changed", " ".join([*words[:number], other, *words[number + 1 :]])
    yield "list: item dropped", " ".join(words[:-1])
    yield "list: item doubled", " ".join([*words, *words[-1:]])
    yield "list: items swapped", " ".join([*words[1:], *words[:1]])


def _of_moment(name: str, text: str) -> Iterator[Change]:
    bare, zone = _ZONE.sub("", text), "".join(_ZONE.findall(text))
    if "T" in bare and "24:00:00" not in bare:
        moved = datetime.fromisoformat(bare[:19]) + timedelta(seconds=1)
        yield f"{name}: a second later", moved.isoformat() + bare[19:] + zone
    if name == "date":
        for days in (1, -1):
            yield f"{name}: a day off", (date.fromisoformat(bare) + timedelta(days=days)).isoformat() + zone
    if name in {"dateTime", "time"}:
        fraction = bare.partition(".")[2]
        yield f"{name}: digit 7 of the fraction", f"{bare.partition('.')[0]}.{fraction[:6]:0<6}1{fraction[7:]}{zone}"
        yield f"{name}: a nanosecond", f"{bare.partition('.')[0]}.{fraction[:8]:0<8}1{zone}"
    if name == "time":
        yield "time: a second", re.sub(r":(\d\d)(?=\.|$)", lambda m: f":{(int(m[1]) + 1) % 60:02d}", bare) + zone
    yield f"{name}: the same clock in another zone", bare + ("+03:00" if zone != "+03:00" else "-07:30")
    yield f"{name}: zone dropped or given", bare if zone else bare + "Z"
    yield f"{name}: last digit", re.sub(r"\d(?=\D*$)", lambda m: str((int(m[0]) + 1) % 10), bare) + zone


def _of_number(name: str, text: str) -> Iterator[Change]:
    if re.fullmatch(r"[+-]?\d+", text):
        for step in (1, -1):
            yield f"{name}: one off", str(int(text) + step)
    if "." in text:
        for step in (1, 9):
            last = re.search(r"\d(?=[^\d]*($|[eE]))", text)
            if last is not None:
                turned = str((int(last[0]) + step) % 10)
                yield f"{name}: last digit", text[: last.start()] + turned + text[last.end() :]
        yield f"{name}: one more digit", f"{text}1" if "e" not in text.lower() else text
    yield f"{name}: sign", text.removeprefix("-") if text.startswith("-") else "-" + text.removeprefix("+")
    yield f"{name}: ten times", f"{text}0" if "." not in text else text.replace(".", "0.", 1)


def _of_bytes(name: str, text: str) -> Iterator[Change]:
    packed = "".join(text.split())
    data = bytearray(bytes.fromhex(packed) if name == "hexBinary" else base64.b64decode(packed))
    for position in (len(data) - 1, 0):
        if data:
            data[position] ^= 1
            yield f"{name}: one bit", data.hex().upper() if name == "hexBinary" else base64.b64encode(data).decode()
            data[position] ^= 1
    longer = bytes(data) + b"\0"
    yield f"{name}: a zero byte", longer.hex() if name == "hexBinary" else base64.b64encode(longer).decode()


def _of_name(text: str, scope: Scope) -> Iterator[Change]:
    prefix, _, local = text.rpartition(":")
    for other in scope:
        if other and other != prefix:
            yield "QName: another namespace", f"{other}:{local}"
    yield "QName: another local name", text + "x"


def _of_string(kind: XsdSimpleType, text: str) -> Iterator[Change]:
    for position in range(len(text)):
        yield "string: a letter", text[:position] + _next(text[position]) + text[position + 1 :]
    for position, sign in enumerate(text):
        yield "string: case", text[:position] + sign.swapcase() + text[position + 1 :]
    if white_space(kind) == "preserve":
        yield "string: inner blank", text.replace(" ", "  ", 1) if " " in text.strip() else f"{text[:1]} {text[1:]}"
        yield "string: blank in front", " " + text
        yield "string: blank at the end", text + " "
        yield "string: a line's end for a blank", text.replace(" ", "\n", 1)
        yield "string: a carriage return", text + "\r"
    yield "string: longer", text + "é"
    yield "string: a combining sign", text + "\u0301"
    yield "string: zeros in front", "0" + text
    yield "string: empty", ""


def _next(sign: str) -> str:
    ranges = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    found = next((each for each in ranges if sign in each), "")
    return found[(found.index(sign) + 1) % len(found)] if found else sign


def same(kind: XsdSimpleType, text: str, scope: Scope, draw: Random) -> str:
    """Return a text that means the same, itself where there is none other that the type allows."""
    own = value(kind, text, scope)
    forms = [each for each in _forms(kind, text, draw) if value(kind, each, scope) == own and is_valid(kind, each)]
    chosen = draw.choice(forms) if forms else text
    if white_space(kind) == "collapse" and chosen:
        around = ("", " ", "\n\t", "  ")
        padded = (
            draw.choice(around) + re.sub(" ", lambda _: draw.choice([" ", "  ", "\n"]), chosen) + draw.choice(around)
        )
        return padded if is_valid(kind, padded) else chosen
    if white_space(kind) == "replace":
        return chosen.replace(" ", "\t", 1)
    return chosen


def _forms(kind: XsdSimpleType, text: str, draw: Random) -> list[str]:
    found, bare = shape(kind), text.strip()
    if isinstance(found, XsdUnion):
        member = next((each for each in found.member_types if each.text_is_valid(text)), None)
        return [] if member is None else _forms(member, text, draw)
    if isinstance(found, XsdList):
        words = [draw.choice([word, *_forms(found.item_type, word, draw)]) for word in text.split()]
        return [" ".join(words)]
    return [*_SAME[found](found, bare)] if found in _SAME else []


def _same_boolean(_: str, text: str) -> Iterator[str]:
    yield {"true": "1", "1": "true", "false": "0", "0": "false"}.get(text, text)


def _same_hex(_: str, text: str) -> Iterator[str]:
    yield from (text.lower(), text.upper())


def _same_base64(_: str, text: str) -> Iterator[str]:
    packed = "".join(text.split())
    yield from ("\n".join(re.findall(".{1,8}", packed)), " ".join(packed))


def _same_number(name: str, text: str) -> Iterator[str]:
    sign, digits = (text[0], text[1:]) if text[:1] in "+-" and text else ("", text)
    yield f"{sign}00{digits}"
    yield digits if sign == "+" else sign + digits if sign else "+" + digits
    if "e" not in text.lower() and digits[:1].isdigit():
        yield f"{sign}{digits}.000" if "." not in digits else f"{sign}{digits}00"
        yield f"{sign}{digits}." if "." not in digits else f"{sign}{digits.rstrip('0').rstrip('.')}"
        yield f"{sign}{digits.lstrip('0')}" if "." in digits else f"{sign}0{digits}"
        if name != "decimal":
            yield f"{sign}{digits}E0"
            yield f"{sign}{digits}e+00"


def _same_moment(name: str, text: str) -> Iterator[str]:
    bare, zone = _ZONE.sub("", text), "".join(_ZONE.findall(text))
    if zone in {"Z", "+00:00", "-00:00"}:
        yield from (bare + each for each in ("Z", "+00:00", "-00:00"))
    if name in {"dateTime", "time"}:
        whole, _, fraction = bare.partition(".")
        yield f"{whole}.{fraction}000{zone}"
        yield f"{whole}.{fraction}".rstrip("0").rstrip(".") + zone if fraction else whole + zone
    if name == "dateTime" and bare[11:13] != "24" and bare[:1] != "-":
        yield from _shifted(bare, zone)
        if bare[11:19] == "00:00:00" and not bare[19:].strip(".0"):
            day = datetime.fromisoformat(bare[:19]) - timedelta(days=1)
            yield f"{day.date().isoformat()}T24:00:00{zone}"


def _shifted(bare: str, zone: str) -> Iterator[str]:
    if not zone:
        return
    offset = timedelta()
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:])) * (-1 if zone[0] == "-" else 1)
    for other, minutes in (("Z", 0), ("+14:00", 840), ("-05:30", -330), ("+01:00", 60), ("-14:00", -840)):
        moved = datetime.fromisoformat(bare[:19]) - offset + timedelta(minutes=minutes)
        yield moved.isoformat() + bare[19:] + other


def _same_duration(_: str, text: str) -> Iterator[str]:
    yield re.sub(r"P(\d+)Y(?!\d+M)", lambda m: f"P{int(m[1]) * 12}M", text)
    yield re.sub(r"T(\d+)H(?!\d+M)", lambda m: f"T{int(m[1]) * 60}M", text)
    yield re.sub(r"P(\d+)D$", lambda m: f"PT{int(m[1]) * 24}H", text)
    yield re.sub(r"(\d+)(?=[YMDHS])", r"00\1", text)
    yield re.sub(r"(\d)S", r"\1.000S", text) if "." not in text else text


_CHANGES: Final[dict[str, Callable[[str, str], Iterator[Change]]]] = {
    **dict.fromkeys(_DATED, _of_moment),
    **dict.fromkeys(_NUMBERS, _of_number),
    "boolean": _of_boolean,
    "duration": _of_duration,
    "hexBinary": _of_bytes,
    "base64Binary": _of_bytes,
}
_SAME: Final[dict[str, Callable[[str, str], Iterator[str]]]] = {
    **dict.fromkeys(_DATED, _same_moment),
    **dict.fromkeys(_NUMBERS, _same_number),
    "boolean": _same_boolean,
    "duration": _same_duration,
    "hexBinary": _same_hex,
    "base64Binary": _same_base64,
}
