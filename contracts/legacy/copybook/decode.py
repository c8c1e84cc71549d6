"""Bytes to values, a column at a time: one function for each way of storing.

Each takes the bytes of one field in all records, as an array of shape (records, bytes), and returns the
values and which of them are bad. A bad value has no meaning; the caller replaces it.
"""

from decimal import Context, Decimal, localcontext
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from contracts.legacy.copybook.layout import Field
from contracts.legacy.copybook.page import CodePage

__all__ = ["Bytes", "Column", "decode_binary", "decode_packed", "decode_text", "decode_zoned"]

Bytes: TypeAlias = NDArray[np.uint8]
Value: TypeAlias = str | int | Decimal | None
Column: TypeAlias = tuple[list[Value], NDArray[np.bool_]]

_INT64_DIGITS = 18
_UNSIGNED_SIGN, _FIRST_SIGN = 0xF, 0xA
_MINUS = (0xB, 0xD)
_EXACT = Context(prec=64)
_HIGH, _LOW, _NINE = np.uint8(4), np.uint8(0xF), np.uint8(9)


def decode_text(raw: Bytes, page: CodePage) -> Column:
    """Decode text and trim blanks at the right."""
    bad = _any(page.undefined[raw], axis=1)
    if bad.any():
        raw = np.where(bad[:, None], np.uint8(page.blank), raw)
    count, width = raw.shape
    if (raw == 0).any():
        text = raw.tobytes().decode(page.name)
        return [text[at : at + width].rstrip(" ") for at in range(0, count * width, width)], bad
    # Decoding all at once and splitting is twice as fast as slicing; NUL is free to separate.
    lines = np.zeros((count, width + 1), dtype=np.uint8)
    lines[:, :width] = raw
    return [value.rstrip(" ") for value in lines.tobytes().decode(page.name).split("\0")[:count]], bad


def decode_zoned(raw: Bytes, field: Field) -> Column:
    """Decode zoned digits; the sign is the zone of the last one."""
    columns = np.ascontiguousarray(raw.T)
    zones, digits = columns >> _HIGH, columns & _LOW
    bad = _any(digits > _NINE) | _any(zones[:-1] != _UNSIGNED_SIGN)
    return _signed(digits, zones[-1], field, bad=bad)


def decode_packed(raw: Bytes, field: Field) -> Column:
    """Decode packed digits; the last nibble is the sign, and a spare first one is zero."""
    columns = np.ascontiguousarray(raw.T)
    nibbles = np.stack((columns >> _HIGH, columns & _LOW), axis=1).reshape(2 * len(columns), len(raw))
    spare = len(nibbles) - 1 - field.digits
    digits = nibbles[spare:-1]
    bad = _any(digits > _NINE) | _any(nibbles[:spare] != 0)
    return _signed(digits, nibbles[-1], field, bad=bad)


def decode_binary(raw: Bytes, field: Field) -> Column:
    """Decode big-endian two's complement; more digits than the picture has are bad, and so are blanks."""
    numbers = np.ascontiguousarray(raw).view(f">{'i' if field.signed else 'u'}{field.length}").ravel()
    limit = 10**field.digits
    bad = (numbers >= limit) | (numbers <= -limit) if field.signed else numbers >= limit
    return _scaled(numbers.tolist(), field.scale), bad


def _any(mask: NDArray[np.bool_], axis: int = 0) -> NDArray[np.bool_]:
    return np.asarray(mask.any(axis=axis))


def _signed(digits: Bytes, sign: Bytes, field: Field, *, bad: NDArray[np.bool_]) -> Column:
    bad = bad | ((sign < _FIRST_SIGN) if field.signed else (sign != _UNSIGNED_SIGN))
    factor = np.where(np.isin(sign, _MINUS), -1, 1)
    numbers: list[int] = (_joined(digits[-_INT64_DIGITS:]) * factor).tolist()
    if len(digits) > _INT64_DIGITS:
        high: list[int] = (_joined(digits[:-_INT64_DIGITS]) * factor).tolist()
        numbers = [10**_INT64_DIGITS * above + below for above, below in zip(high, numbers, strict=True)]
    return _scaled(numbers, field.scale), bad


def _joined(digits: Bytes) -> NDArray[np.int64]:
    total = np.zeros(digits.shape[1], dtype=np.int64)
    for row in digits:
        total *= 10
        total += row
    return total


def _scaled(numbers: list[int], scale: int) -> list[Value]:
    if not scale:
        return list(numbers)
    # Multiplying by a power of ten is exact, keeps the scale, and is the fastest way to a Decimal.
    with localcontext(_EXACT):
        return list(map(Decimal(1).scaleb(-scale).__mul__, numbers))
