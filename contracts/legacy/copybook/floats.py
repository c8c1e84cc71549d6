"""Floating point numbers: IBM hexadecimal (Principles of Operation, "Floating-Point Formats") and IEEE 754."""

import math
import struct

__all__ = ["decode_ibm", "decode_ieee", "encode_ibm", "encode_ieee"]

_BIAS, _SIGN = 64, 0x80


def decode_ibm(raw: bytes) -> float:
    """Return the number of 4 or 8 bytes, sign and exponent first.

    >>> decode_ibm(bytes.fromhex("42640000")), decode_ibm(bytes.fromhex("C276A00000000000"))
    (100.0, -118.625)
    """
    fraction = int.from_bytes(raw[1:], "big")
    exponent = 4 * ((raw[0] & 0x7F) - _BIAS) - 8 * (len(raw) - 1)
    number = math.ldexp(fraction, exponent)
    return -number if raw[0] & _SIGN and number else number


def encode_ibm(number: float, length: int) -> bytes | None:
    """Return the normalized bytes of a number, rounded to what they hold; None where it is too large or too small.

    What is too small to be normalized is written as it is where that is exact: it was read so.

    >>> encode_ibm(-118.625, 4).hex()
    'c276a000'
    """
    if not math.isfinite(number):
        return None
    if not number:
        return bytes(length)
    bits = 8 * (length - 1)
    mantissa, binary = math.frexp(abs(number))
    exponent = -(-binary // 4)
    fraction = round(math.ldexp(mantissa, binary - 4 * exponent + bits))
    if fraction >> bits:
        fraction, exponent = fraction >> 4, exponent + 1
    if exponent < -_BIAS:
        exact = math.ldexp(abs(number), 4 * _BIAS + bits)
        exponent, fraction = -_BIAS, int(exact) if exact.is_integer() else 0
    if not fraction or exponent + _BIAS >= _SIGN:
        return None  # not zero either: a number that was not zero would silently become one
    return bytes([(_SIGN if number < 0 else 0) | (exponent + _BIAS)]) + fraction.to_bytes(length - 1, "big")


def decode_ieee(raw: bytes, order: str) -> float | None:
    """Return the number of 4 or 8 bytes, or None for what is no number."""
    number: float = struct.unpack((">" if order == "big" else "<") + ("f" if len(raw) == 4 else "d"), raw)[0]  # noqa: PLR2004
    return number if math.isfinite(number) else None


def encode_ieee(number: float, length: int, *, order: str) -> bytes | None:
    """Return the bytes of a number, rounded to what they hold; None where it is too large, too small or none."""
    if not math.isfinite(number):
        return None
    try:
        raw = struct.pack((">" if order == "big" else "<") + ("f" if length == 4 else "d"), number)  # noqa: PLR2004
    except OverflowError:
        return None
    return None if number and not decode_ieee(raw, order) else raw
