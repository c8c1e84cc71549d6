"""Zoned, packed and binary numbers: bytes to numbers and back, one field at a time.

Zones and signs: z/Architecture Principles of Operation, "Decimal Instructions"; digits in ASCII as compilers on
other machines write them.
"""

from collections.abc import Callable
from decimal import Context, Decimal
from typing import TypeAlias

from contracts.legacy.copybook.entry import Usage
from contracts.legacy.copybook.item import Item

__all__ = [
    "EXACT",
    "Decode",
    "Encode",
    "Number",
    "binary_decoder",
    "binary_encoder",
    "packed_decoder",
    "packed_encoder",
    "scaled",
    "sign_bytes",
    "unscaled",
    "zoned_decoder",
    "zoned_encoder",
]

Number: TypeAlias = int | Decimal
Decode: TypeAlias = Callable[[bytes], Number | None]
"""Bytes to a number, or None where they are none."""
Encode: TypeAlias = Callable[[int], bytes | None]
"""A number without its decimal point to bytes, or None where it does not fit."""

EXACT = Context(prec=128)
_FARTHEST = 10**3
"""Digits in front of the decimal point and behind it: more than any picture has."""
_BAD = ord("x")
_TO_ASCII = bytes(0x30 + byte - 0xF0 if byte in range(0xF0, 0xFA) else _BAD for byte in range(256))
_PLUS, _MINUS = "ACEF", "BD"


def scaled(number: int, scale: int) -> Number:
    """Return a number with its decimal point: an int without places behind it, else a Decimal with all of them."""
    if scale > 0:
        return Decimal(number).scaleb(-scale, EXACT)
    return number * 10**-scale if scale else number


def unscaled(value: object, scale: int) -> int | None:
    """Return a number without its decimal point, or None where it is none or has places that the scale lacks."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if isinstance(value, Decimal) and not _is_near(value):
        return 0 if value.is_zero() else None
    numerator, denominator = value.as_integer_ratio()
    power = 10 ** abs(scale)
    numerator, denominator = (numerator * power, denominator) if scale >= 0 else (numerator, denominator * power)
    number, rest = divmod(numerator, denominator)
    return None if rest else number


def _is_near(value: Decimal) -> bool:
    """Tell whether a decimal has no more digits than can be written out: some stand for billions of them."""
    return value.is_finite() and abs(value.adjusted()) <= _FARTHEST and len(value.as_tuple().digits) <= _FARTHEST


def sign_bytes(*, is_ebcdic: bool, signed: bool) -> dict[int, tuple[bytes, bool]]:
    """Return what the byte with the sign means: its digit, and whether the number is negative."""
    found: dict[int, tuple[bytes, bool]] = {}
    for digit in range(10):
        shown = b"%d" % digit
        if is_ebcdic:
            for zone in range(0xA, 0x10) if signed else (0xF,):
                found[zone << 4 | digit] = (shown, zone in (0xB, 0xD))
            continue
        found[0x30 + digit] = (shown, False)
        if signed:
            found[b"{ABCDEFGHI"[digit]] = (shown, False)
            found[b"}JKLMNOPQR"[digit]] = (shown, True)
            found[b"pqrstuvwxy"[digit]] = (shown, True)
    return found


def zoned_decoder(item: Item, *, is_ebcdic: bool) -> Decode:
    """Return how a number in DISPLAY is read."""
    scale, leading = item.scale, item.sign.is_leading

    def plain(raw: bytes) -> bytes:
        return raw.translate(_TO_ASCII) if is_ebcdic else raw

    if item.signed and item.sign.is_separate:
        plus, minus = (0x4E, 0x60) if is_ebcdic else (0x2B, 0x2D)

        def separate(raw: bytes) -> Number | None:
            sign, digits = (raw[0], raw[1:]) if leading else (raw[-1], raw[:-1])
            shown = plain(digits)
            if sign not in (plus, minus) or not shown.isdigit():
                return None
            return scaled(-int(shown) if sign == minus else int(shown), scale)

        return separate
    signs = sign_bytes(is_ebcdic=is_ebcdic, signed=item.signed)

    def zoned(raw: bytes) -> Number | None:
        found = signs.get(raw[0] if leading else raw[-1])
        if found is None:
            return None
        shown = found[0] + plain(raw[1:]) if leading else plain(raw[:-1]) + found[0]
        if not shown.isdigit():
            return None
        return scaled(-int(shown) if found[1] else int(shown), scale)

    return zoned


def zoned_encoder(item: Item, *, is_ebcdic: bool, ascii_minus: str) -> Encode:
    """Return how a number in DISPLAY is written."""

    def encode(number: int) -> bytes | None:
        digits = f"{abs(number):0{item.digits}d}"
        if len(digits) > item.digits or (number < 0 and not item.signed):
            return None
        shown = digits.encode("cp037" if is_ebcdic else "ascii")
        if not item.signed:
            return shown
        if item.sign.is_separate:
            sign = ("-" if number < 0 else "+").encode("cp037" if is_ebcdic else "ascii")
            return sign + shown if item.sign.is_leading else shown + sign
        at = 0 if item.sign.is_leading else len(shown) - 1
        return shown[:at] + bytes([_overpunched(int(digits[at]), number < 0)]) + shown[at + 1 :]

    def _overpunched(digit: int, negative: bool) -> int:  # noqa: FBT001 - a fact of the number
        if is_ebcdic:
            return (0xD0 if negative else 0xC0) | digit
        if ascii_minus == "p-y":
            return (0x70 if negative else 0x30) + digit
        return (b"}JKLMNOPQR" if negative else b"{ABCDEFGHI")[digit]

    return encode


def packed_decoder(item: Item) -> Decode:
    """Return how a packed number is read."""
    scale = item.scale
    if item.usage is Usage.UNSIGNED_PACKED:
        spare = item.length * 2 - item.digits

        def unsigned(raw: bytes) -> Number | None:
            shown = raw.hex()
            return scaled(int(shown), scale) if shown.isdigit() and not shown[:spare].strip("0") else None

        return unsigned
    spare = item.length * 2 - 1 - item.digits
    plus, minus = (_PLUS.lower(), _MINUS.lower()) if item.signed else ("f", "")

    def packed(raw: bytes) -> Number | None:
        shown = raw.hex()
        digits, sign = shown[:-1], shown[-1]
        if not digits.isdigit() or digits[:spare].strip("0"):
            return None
        if sign in plus:
            return scaled(int(digits), scale)
        return scaled(-int(digits), scale) if sign in minus else None

    return packed


def packed_encoder(item: Item) -> Encode:
    """Return how a packed number is written."""
    sign = item.usage is not Usage.UNSIGNED_PACKED

    def encode(number: int) -> bytes | None:
        if abs(number) >= 10**item.digits or (number < 0 and not item.signed):
            return None
        last = ("d" if number < 0 else "c") if item.signed else "f"
        return bytes.fromhex((str(abs(number)) + (last if sign else "")).zfill(item.length * 2))

    return encode


def binary_decoder(item: Item) -> Decode:
    """Return how a binary number is read; one with more digits than its picture is none."""
    order, scale, signed = item.order, item.scale, item.signed
    limit = None if item.full_range else 10**item.digits

    def binary(raw: bytes) -> Number | None:
        number = int.from_bytes(raw, order, signed=signed)
        if limit is not None and not -limit < number < limit:
            return None
        return scaled(number, scale) if scale else number

    return binary


def binary_encoder(item: Item) -> Encode:
    """Return how a binary number is written."""
    limit = None if item.full_range else 10**item.digits

    def encode(number: int) -> bytes | None:
        if limit is not None and not -limit < number < limit:
            return None
        try:
            return number.to_bytes(item.length, item.order, signed=item.signed)
        except OverflowError:
            return None

    return encode
