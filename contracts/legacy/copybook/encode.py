"""Values to bytes: the inverse of `decode`, a value at a time."""

from decimal import Decimal

from contracts.errors import RecordError
from contracts.legacy.copybook.entry import Usage
from contracts.legacy.copybook.layout import Field
from contracts.legacy.copybook.page import CodePage

__all__ = ["encode_value"]

_PLUS, _MINUS, _NONE = 0xC, 0xD, 0xF


def encode_value(value: object, field: Field, page: CodePage) -> bytes:
    """Return the bytes of one field.

    Raises:
        RecordError: The value does not fit; it is not in the message.
    """
    if not field.digits:
        return _text(value, field, page)
    number = _unscaled(value, field)
    if field.usage is Usage.BINARY:
        return number.to_bytes(field.length, "big", signed=field.signed)
    digits = f"{abs(number):0{field.digits}d}"
    sign = _NONE if not field.signed else _MINUS if number < 0 else _PLUS
    if field.usage is Usage.PACKED:
        return bytes.fromhex(f"{digits}{sign:x}".zfill(field.length * 2))
    zoned = bytearray(digits.encode(page.name))
    zoned[-1] = sign << 4 | zoned[-1] & 0xF
    return bytes(zoned)


def _text(value: object, field: Field, page: CodePage) -> bytes:
    if not isinstance(value, str) or len(value) > field.length:
        raise RecordError(field.label, expected=f"text of at most {field.length} characters", start=field.offset)
    try:
        return value.encode(page.name).ljust(field.length, bytes([page.blank]))
    except UnicodeEncodeError as error:
        expected = f"characters of code page {page.name}"
        raise RecordError(field.label, expected=expected, start=field.offset) from error


def _unscaled(value: object, field: Field) -> int:
    number = _shifted(value, field)
    if number is None or abs(number) >= 10**field.digits or (number < 0 and not field.signed):
        sign = "signed" if field.signed else "unsigned"
        expected = f"a {sign} number of at most {field.digits} digits, {field.scale} of them behind the point"
        raise RecordError(field.label, expected=expected, start=field.offset)
    return number


def _shifted(value: object, field: Field) -> int | None:
    """Return the number without its decimal point, or None if it is none or has more digits behind the point."""
    if not isinstance(value, int | Decimal):
        return None
    if isinstance(value, Decimal) and (not value.is_finite() or value.adjusted() >= field.digits):
        return None
    numerator, denominator = value.as_integer_ratio()
    number, rest = divmod(numerator * 10**field.scale, denominator)
    return None if rest else number
