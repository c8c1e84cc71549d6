"""Bytes to values, a column at a time: the ways of storing that numpy reads faster than a loop over fields.

Each function takes the bytes of one field in all records, as an array of shape (records, bytes), and returns the
values and which of them are doubtful. A doubtful value has no meaning; the caller asks the field's `Leaf`.
"""

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from contracts.legacy.copybook.entry import Usage
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.leaf import Value
from contracts.legacy.copybook.options import Options, Trim
from contracts.legacy.copybook.page import CodePage

__all__ = ["Bytes", "Column", "fast_decoder"]

Bytes: TypeAlias = NDArray[np.uint8]
Column: TypeAlias = tuple[list[Value], NDArray[np.bool_]]

FastDecode: TypeAlias = Callable[[Bytes], Column]

_INT64_DIGITS = 18
_UNSIGNED_SIGN, _FIRST_SIGN = 0xF, 0xA
_MINUS = (0xB, 0xD)
_EXACT = Context(prec=64)
_SHIFT_OUT = 0x0E
_HIGH, _LOW, _NINE = np.uint8(4), np.uint8(0xF), np.uint8(9)


def fast_decoder(item: Item, options: Options, page: CodePage) -> FastDecode | None:
    """Return how a field is read a column at a time, or None where there is no faster way than one by one."""
    match item.kind:
        case Kind.TEXT if _is_plain_text(item, options, page):
            return lambda raw: _text(raw, page)
        case Kind.ZONED if page.is_ebcdic and not (item.sign.is_separate or item.sign.is_leading) and item.scale >= 0:
            return lambda raw: _zoned(raw, item)
        case Kind.PACKED if item.usage is Usage.PACKED and item.scale >= 0:
            return lambda raw: _packed(raw, item)
        case Kind.BINARY if item.length in (1, 2, 4, 8) and item.scale >= 0:
            return lambda raw: _binary(raw, item)
        case Kind.FLOAT if (options.floats or item.floats) == "ieee":
            order = options.float_order or item.order
            return lambda raw: _ieee(raw, f"{'>' if order == 'big' else '<'}f{item.length}")
        case _:
            return None


def _is_plain_text(item: Item, options: Options, page: CodePage) -> bool:
    is_cut = options.trim is Trim.RIGHT and not item.justified and not options.is_nul_filled
    return page.is_single and is_cut and not options.dbcs and page.double is None


def _text(raw: Bytes, page: CodePage) -> Column:
    doubtful = page.undefined.copy()
    doubtful[_SHIFT_OUT] |= page.is_ebcdic
    bad = _any(doubtful[raw], axis=1)
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


def _zoned(raw: Bytes, field: Item) -> Column:
    columns = np.ascontiguousarray(raw.T)
    zones, digits = columns >> _HIGH, columns & _LOW
    bad = _any(digits > _NINE) | _any(zones[:-1] != _UNSIGNED_SIGN)
    return _signed(digits, zones[-1], field, bad=bad)


def _packed(raw: Bytes, field: Item) -> Column:
    columns = np.ascontiguousarray(raw.T)
    nibbles = np.stack((columns >> _HIGH, columns & _LOW), axis=1).reshape(2 * len(columns), len(raw))
    spare = len(nibbles) - 1 - field.digits
    digits = nibbles[spare:-1]
    bad = _any(digits > _NINE) | _any(nibbles[:spare] != 0)
    return _signed(digits, nibbles[-1], field, bad=bad)


def _binary(raw: Bytes, field: Item) -> Column:
    order, kind = ">" if field.order == "big" else "<", "i" if field.signed else "u"
    numbers = np.ascontiguousarray(raw).view(f"{order}{kind}{field.length}").ravel()
    bad = np.zeros(len(numbers), dtype=np.bool_)
    limit = 10**field.digits
    if not field.full_range and limit <= np.iinfo(numbers.dtype).max:
        bad = (numbers >= limit) | (numbers <= -limit) if field.signed else numbers >= limit
    return _scaled(numbers.tolist(), field.scale), bad


def _ieee(raw: Bytes, dtype: str) -> Column:
    numbers = np.ascontiguousarray(raw).view(dtype).ravel()
    return list[Value](numbers.tolist()), ~np.isfinite(numbers)


def _any(mask: NDArray[np.bool_], axis: int = 0) -> NDArray[np.bool_]:
    return np.asarray(mask.any(axis=axis))


def _signed(digits: Bytes, sign: Bytes, field: Item, *, bad: NDArray[np.bool_]) -> Column:
    bad = bad | ((sign < _FIRST_SIGN) if field.signed else (sign != _UNSIGNED_SIGN))
    factor = np.where(np.isin(sign, _MINUS), -1, 1)
    numbers: list[int] = (_joined(digits[-_INT64_DIGITS:]) * factor).tolist()
    for end in range(len(digits) - _INT64_DIGITS, 0, -_INT64_DIGITS):
        high: list[int] = (_joined(digits[max(0, end - _INT64_DIGITS) : end]) * factor).tolist()
        weight = 10 ** (len(digits) - end)
        numbers = [weight * above + below for above, below in zip(high, numbers, strict=True)]
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
