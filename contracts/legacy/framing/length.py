"""Reads the field of a record that tells how long the record is."""

import re
from collections.abc import Callable

from contracts.errors import ConfigError
from contracts.legacy.framing.spec import LengthField

__all__ = ["length_reader"]

_NEGATIVE_SIGNS = {0x0B, 0x0D}


def length_reader(field: LengthField) -> Callable[[memoryview], int]:
    """Return what reads a record's length in bytes from the bytes from its beginning on.

    It raises ValueError where they are too few, or no number, or not in the map.

    Raises:
        ConfigError: Python does not know the code page.
    """
    if field.encoding == "text":
        try:
            "0".encode(field.code_page)
        except (LookupError, UnicodeError) as error:
            raise ConfigError([f"length_field.code_page: Python has no codec {field.code_page!r}"]) from error
    begin, end = field.offset, field.offset + field.length
    read, steps = _READERS[field.encoding], re.findall(r"([+*-])(\d+)", field.expression)
    operations = [(sign, int(number)) for sign, number in steps]

    def length(record: memoryview) -> int:
        raw = bytes(record[begin:end])
        if len(raw) < field.length:
            raise ValueError(f"a length field at bytes {begin} to {end - 1}")
        value = read(raw, field)
        if field.map is not None:
            return _mapped(field, value)
        number = int(value)
        for sign, other in operations:
            number = number * other if sign == "*" else number + other if sign == "+" else number - other
        return number

    return length


def _mapped(field: LengthField, value: str) -> int:
    known = field.map or {}
    if value not in known:
        raise ValueError(f"a length field that is one of {', '.join(map(repr, known))}")
    return known[value]


def _binary(raw: bytes, field: LengthField) -> str:
    return str(int.from_bytes(raw, "little" if field.encoding == "binary-little" else "big"))


def _packed(raw: bytes, _: LengthField) -> str:
    digits, sign = raw.hex()[:-1], raw[-1] & 0x0F
    if not digits.isdecimal() or sign < 0x0A or sign in _NEGATIVE_SIGNS:  # noqa: PLR2004 - the signs' nibbles
        raise ValueError("a packed length that is not negative")
    return str(int(digits))


def _zoned(raw: bytes, _: LengthField) -> str:
    digits = "".join(f"{byte & 0x0F:x}" for byte in raw)
    zones = {byte >> 4 for byte in raw[:-1]}
    if not digits.isdecimal() or not zones <= {0x0F} | {0x03} or raw[-1] >> 4 not in {0x0F, 0x0C, 0x03}:
        raise ValueError("a zoned length that is not negative")
    return str(int(digits))


def _text(raw: bytes, field: LengthField) -> str:
    text = raw.decode(field.code_page).rstrip(" ")
    if field.map is not None:
        return text
    if not text.strip(" ").isdecimal():
        raise ValueError("a length in digits")
    return str(int(text))


_READERS = {"binary": _binary, "binary-little": _binary, "packed": _packed, "zoned": _zoned, "text": _text}
