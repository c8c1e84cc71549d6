"""Numbers to JSON, all records at once: the planes of zoned, packed, binary and plainly edited fields to their digits.

See `plane` for what a plane is. Signs and zones are those of `number`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.legacy.copybook.entry import Usage
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.leaf import Leaf
from contracts.legacy.copybook.number import sign_bytes
from contracts.legacy.copybook.plane import Mask, Planes, Write, running

__all__ = ["binary", "number_bytes", "packed", "pointed", "zoned"]

_ZERO, _MINUS, _POINT, _QUOTE = (np.uint8(ord(each)) for each in '0-."')
_NINE, _HIGH, _LOW = np.uint8(9), np.uint8(4), np.uint8(0xF)
_BAD: Final = 0xFF
_PLAIN_PLACES: Final = 6
"""A decimal with more places behind its point may have an exponent."""
_NULL_BYTES: Final = 4
_LIMB_BYTES, _LIMB, _GROUP = 4, np.uint64(32), 9
"""Binary numbers are divided by 10 ** 9, four bytes of them at a time."""


def number_bytes(item: Item) -> int:
    """Return the most bytes of a number: a sign, its digits, and of a decimal a point and quotes."""
    digits = max(item.digits, len(str(256**item.length))) if item.kind in (Kind.BINARY, Kind.ADDRESS) else item.digits
    if item.scale > 0:
        return max(digits, item.scale + 1) + 4
    return max(_NULL_BYTES, digits - item.scale + 1)


def zoned(leaf: Leaf) -> Write:
    """Return how numbers in DISPLAY are written."""
    item, is_ebcdic = leaf.item, leaf.page.is_ebcdic
    zero = np.uint8(0xF0 if is_ebcdic else 0x30)
    at = 0 if item.sign.is_leading else item.length - 1
    if item.signed and item.sign.is_separate:
        plus, minus = (0x4E, 0x60) if is_ebcdic else (0x2B, 0x2D)
        digits = slice(1, None) if item.sign.is_leading else slice(0, -1)

        def separate(raw: Planes, cell: Planes) -> Mask:
            negative = raw[at] == minus
            bad = _number(raw[digits] - zero, negative, item.scale, cell=cell)
            bad |= ~(negative | (raw[at] == plus))
            return bad

        return separate
    values, signs = _tables(sign_bytes(is_ebcdic=is_ebcdic, signed=item.signed))

    def write(raw: Planes, cell: Planes) -> Mask:
        shown = raw - zero
        if not item.signed:
            return _number(shown, None, item.scale, cell=cell)
        shown[at] = values[raw[at]]
        return _number(shown, signs[raw[at]], item.scale, cell=cell)

    return write


def pointed(leaf: Leaf) -> Write:
    """Return how digits are written that have a point between them, and perhaps a sign in the last: S9(3).99."""
    item, page = leaf.item, leaf.page
    symbols = item.symbols.removeprefix("S")
    places = [at for at, symbol in enumerate(symbols) if symbol == "9"]
    points = [at for at, symbol in enumerate(symbols) if symbol == "."]
    found = {character: page.encode(character) or b"" for character in "0123456789.,{ABCDEFGHI}JKLMNOPQR"}
    known = {raw[0]: character for character, raw in found.items() if len(raw) == 1}
    ends = {byte: (character.encode(), False) for byte, character in known.items() if character.isdigit()}
    if len(symbols) < len(item.symbols):
        for shown, negative in (("{ABCDEFGHI", False), ("}JKLMNOPQR", True)):
            of = {byte: shown.find(character) for byte, character in known.items()}
            ends |= {byte: (b"%d" % digit, negative) for byte, digit in of.items() if digit >= 0}
    values, signs = _tables(ends)
    zero, point = np.uint8(0xF0 if page.is_ebcdic else 0x30), (found["," if item.decimal_comma else "."] or b"\0")[0]

    def write(raw: Planes, cell: Planes) -> Mask:
        shown = raw[places] - zero
        shown[-1] = values[raw[-1]]
        bad = _number(shown, signs[raw[-1]], item.scale, cell=cell)
        bad |= (raw[points] != point).any(axis=0)
        return bad

    return write


def _tables(signs: dict[int, tuple[bytes, bool]]) -> tuple[Planes, Mask]:
    """Return the digit of each byte, and whether it makes the number negative."""
    values, negative = np.full(256, _BAD, np.uint8), np.zeros(256, np.bool_)
    for byte, (digit, is_negative) in signs.items():
        values[byte], negative[byte] = int(digit), is_negative
    return values, negative


def packed(item: Item) -> Write:
    """Return how packed numbers are written."""
    has_sign = item.usage is not Usage.UNSIGNED_PACKED
    spare = item.length * 2 - has_sign - item.digits

    def write(raw: Planes, cell: Planes) -> Mask:
        nibbles = np.empty((2 * len(raw), raw.shape[1]), np.uint8)
        np.right_shift(raw, _HIGH, out=nibbles[0::2])
        np.bitwise_and(raw, _LOW, out=nibbles[1::2])
        digits, sign = nibbles[spare : len(nibbles) - has_sign], nibbles[-1]
        negative = (sign == 0xB) | (sign == 0xD) if item.signed else None  # noqa: PLR2004 - the signs
        bad = _number(digits, negative, item.scale, cell=cell)
        if has_sign:
            bad |= (sign <= _NINE) if item.signed else (sign != _LOW)
        bad |= nibbles[:spare].any(axis=0)
        return bad

    return write


def binary(item: Item) -> Write:
    """Return how binary numbers of any length and order are written."""
    step = 1 if item.order == "big" else -1
    most = len(str(256**item.length - 1))
    spare = 0 if item.full_range else max(0, most - item.digits)

    def write(raw: Planes, cell: Planes) -> Mask:
        ordered = raw[::step]
        negative = ordered[0] >= 0x80 if item.signed else None  # noqa: PLR2004 - the sign bit
        digits = _decimal(_limbs(ordered, negative), most)
        bad = _number(digits[spare:], negative, item.scale, cell=cell)
        bad |= digits[:spare].any(axis=0)
        return bad

    return write


def _limbs(raw: Planes, negative: Mask | None) -> list[NDArray[np.uint64]]:
    """Return the amounts of binary numbers, 32 bits at a time, the highest first."""
    if negative is not None:
        raw = raw ^ (negative * np.uint8(0xFF))
    limbs: list[NDArray[np.uint64]] = []
    for end in range(len(raw), 0, -_LIMB_BYTES):
        limb = np.zeros(raw.shape[1], np.uint64)
        for plane in raw[max(0, end - _LIMB_BYTES) : end]:
            limb = (limb << np.uint64(8)) | plane
        limbs.append(limb)
    carry: NDArray[np.uint64] | Mask | None = negative
    for at, limb in enumerate(limbs):
        if carry is not None:
            total = limb + carry
            carry = total >> _LIMB
            limbs[at] = total & np.uint64(2**32 - 1) if at + 1 < len(limbs) else total
    return limbs[::-1]


def _decimal(limbs: list[NDArray[np.uint64]], count: int) -> Planes:
    """Return the decimal digits of numbers; the limbs are used up."""
    digits = np.zeros((count, len(limbs[0])), np.uint8)
    end = count
    while end > 0:
        group = limbs[0].astype(np.uint32) if len(limbs) == 1 else _remainder(limbs)
        begin = 0 if len(limbs) == 1 else max(0, end - _GROUP)
        for at in range(end - 1, begin - 1, -1):
            tens = group // np.uint32(10)
            digits[at] = group - tens * np.uint32(10)
            group = tens
        end = begin
    return digits


def _remainder(limbs: list[NDArray[np.uint64]]) -> NDArray[np.uint32]:
    """Divide numbers by 10 ** 9, and return what is left over."""
    billion, rest = np.uint64(10**_GROUP), np.zeros(len(limbs[0]), np.uint64)
    for at, limb in enumerate(limbs):
        total = (rest << _LIMB) | limb
        limbs[at] = total // billion
        rest = total - limbs[at] * billion
    return rest.astype(np.uint32)


def _number(digits: Planes, negative: Mask | None, scale: int, *, cell: Planes) -> Mask:
    """Write numbers by their digits, and tell which are none or are shown otherwise."""
    bad: Mask = np.maximum.reduce(digits, axis=0) > _NINE
    digits = _filled(digits, scale)
    whole = len(digits) - max(0, scale)
    start = 2 if scale > 0 else 1
    cell[0:start] = 0
    shows = digits[:whole] != 0
    shows[-1] = True
    running(shows, backwards=False)
    body = cell[start : start + whole]
    np.add(digits[:whole], _ZERO, out=body)
    body *= shows.view(np.uint8)
    if scale > 0:
        cell[0] = cell[start + len(digits) + 1] = _QUOTE
        cell[start + whole] = _POINT
        np.add(digits[whole:], _ZERO, out=cell[start + whole + 1 : start + len(digits) + 1])
    if negative is not None and negative.any():
        np.multiply(negative & (np.maximum.reduce(digits, axis=0) != 0), _MINUS, out=cell[start - 1], dtype=np.uint8)
    if scale > _PLAIN_PLACES:
        bad |= ~digits[: len(digits) - scale + _PLAIN_PLACES].any(axis=0)
    return bad


def _filled(digits: Planes, scale: int) -> Planes:
    """Return digits with the zeros that P stands for, and with one before the point."""
    before, after = max(0, scale + 1 - len(digits)), max(0, -scale)
    if not before and not after:
        return digits
    zeros = [np.zeros((count, digits.shape[1]), np.uint8) for count in (before, after)]
    return np.concatenate((zeros[0], digits, zeros[1]))
