"""One elementary item, compiled: bytes to its value and back, with its policies and its errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar

from contracts.errors import RecordError
from contracts.legacy.copybook.dialect import Dialect
from contracts.legacy.copybook.edited import Editing, read_float, show_float
from contracts.legacy.copybook.floats import decode_ibm, decode_ieee, encode_ibm, encode_ieee
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.number import (
    Encode,
    binary_decoder,
    binary_encoder,
    packed_decoder,
    packed_encoder,
    scaled,
    unscaled,
    zoned_decoder,
    zoned_encoder,
)
from contracts.legacy.copybook.options import OddBytes, Options, Policy
from contracts.legacy.copybook.page import CodePage
from contracts.legacy.copybook.text import TextDecode, TextEncode, dbcs, national, single, trimmed

__all__ = ["Leaf", "Value", "compile_leaf", "expected_of", "named"]

Value: TypeAlias = str | int | float | Decimal | None
Given = TypeVar("Given")
Made = TypeVar("Made")
Read: TypeAlias = Callable[[bytes], Value]
"""Bytes to a value; None where they are none."""
Write: TypeAlias = Callable[[object], bytes | None]
"""A value to bytes; None where it does not fit."""

_SWAPPED: Final = str.maketrans(".,", ",.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """How one elementary item is read and written."""

    item: Item
    page: CodePage
    read: Read
    write: Write
    odd: Mapping[bytes, tuple[str, OddBytes]]
    """Bytes that a policy speaks of -> the code of their error, and what they mean."""
    blank_when_zero: bool

    def decode(self, raw: bytes, start: int) -> Value:
        """Return the value of a field whose bytes begin at a place of the record.

        Raises:
            RecordError: The bytes are no value, or a policy refuses them.
        """
        odd = self.odd.get(raw)
        if odd is not None and odd[1] is not OddBytes.KEEP:
            if odd[1] is OddBytes.NULL:
                return None
            raise self.error(odd[0], raw, start)
        value = self.read(raw)
        if value is None:
            raise self.error(self.item.kind.value.replace(" ", "-"), raw, start)
        return value

    def encode(self, value: object, start: int) -> bytes:
        """Return the bytes of a value.

        Raises:
            RecordError: The value does not fit; it is not in the message.
        """
        raw = self._null() if value is None else self.write(value)
        if raw is not None and value is not None:
            self._require_told(raw, start)
        if raw is None:
            expected = expected_of(self.item, self.page)
            if self.item.kind is Kind.TEXT:
                expected = f"text of at most {self.item.length} {expected}"
            raise RecordError(self.item.label, expected=expected, start=start, code="value")
        return raw

    def error(self, code: str, raw: bytes, start: int) -> RecordError:
        """Return the error that bytes are not what the item holds."""
        expected = expected_of(self.item, self.page)
        return RecordError(self.item.label, expected=expected, raw=raw, start=start, code=code)

    def _require_told(self, raw: bytes, start: int) -> None:
        """Refuse a value that would be read back as something else, since its bytes mean that by policy."""
        code, meaning = self.odd.get(raw, ("", OddBytes.KEEP))
        if meaning is not OddBytes.KEEP:
            expected = f"a value that is not stored as {code}, which means {meaning} here"
            raise RecordError(self.item.label, expected=expected, start=start, code="value")

    def _null(self) -> bytes | None:
        return next((raw for raw, (_, meaning) in self.odd.items() if meaning is OddBytes.NULL), None)


def compile_leaf(item: Item, options: Options, dialect: Dialect, *, page: CodePage) -> Leaf:
    """Compile an elementary item.

    Args:
        item: The item.
        options: What the layout does not say.
        dialect: The compiler, for what is written.
        page: The item's code page.

    Raises:
        ContractError: It needs a codec that is not told, or that there is not.
    """
    read, write = _codec(item, options, dialect, page=page)
    if item.blank_when_zero and item.kind in (Kind.ZONED, Kind.NATIONAL_NUMBER):
        read, write = _blank_when_zero(item, read, write, blank=_blank(item, options, page))
    policy = named(options.policies, item) or Policy()
    odd = _odd(item, policy, _blank(item, options, page))
    return Leaf(item=item, page=page, read=read, write=write, odd=odd, blank_when_zero=item.blank_when_zero)


def named(options: Mapping[str, Made], item: Item) -> Made | None:
    """Return what is told of an item, by its path or its name."""
    return options.get(".".join(item.path), options.get(item.name or ""))


def expected_of(item: Item, page: CodePage) -> str:
    """Say what an item holds."""
    digits = f"number of {item.digits} digits"
    sign = "a signed" if item.signed else "an unsigned"
    match item.kind:
        case Kind.ZONED | Kind.PACKED | Kind.BINARY:
            is_whole = item.kind is Kind.BINARY and item.full_range
            return f"{sign} {item.kind} number of {item.length} bytes" if is_whole else f"{sign} {item.kind} {digits}"
        case Kind.EDITED | Kind.EXTERNAL_FLOAT | Kind.NATIONAL_NUMBER:
            return f"a number edited as {item.picture}"
        case Kind.FLOAT:
            return f"a floating point number of {item.length} bytes"
        case Kind.ADDRESS:
            return f"an address of {item.length} bytes"
        case Kind.NATIONAL | Kind.DBCS:
            return f"at most {item.characters} {item.kind} characters"
        case Kind.TEXT | Kind.GROUP:
            return f"characters of code page {page.label}"


def _codec(item: Item, options: Options, dialect: Dialect, *, page: CodePage) -> tuple[Read, Write]:
    match item.kind:
        case Kind.ZONED:
            encode = zoned_encoder(item, is_ebcdic=page.is_ebcdic, ascii_minus=dialect.ascii_minus)
            return zoned_decoder(item, is_ebcdic=page.is_ebcdic), _number(item, encode)
        case Kind.PACKED:
            return packed_decoder(item), _number(item, packed_encoder(item))
        case Kind.BINARY | Kind.ADDRESS:
            return binary_decoder(item), _number(item, binary_encoder(item))
        case Kind.FLOAT:
            return _float(item, options)
        case Kind.EDITED | Kind.EXTERNAL_FLOAT | Kind.NATIONAL_NUMBER:
            return _shown(item, options, page, dialect=dialect)
        case Kind.TEXT | Kind.NATIONAL | Kind.DBCS | Kind.GROUP:
            return _text(item, options, page)


def _number(item: Item, encode: Encode) -> Write:
    def write(value: object) -> bytes | None:
        number = unscaled(value, item.scale)
        return None if number is None else encode(number)

    return write


def _as_float(value: object) -> float | None:
    """Return a number as the nearest float; None where it is none, or too large, or so small that zero is nearest."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return None if value and not number else number


def _float(item: Item, options: Options) -> tuple[Read, Write]:
    floats = options.floats or item.floats
    order = options.float_order or item.order

    def read(raw: bytes) -> float | None:
        return decode_ibm(raw if order == "big" else raw[::-1]) if floats == "ibm" else decode_ieee(raw, order)

    def write(value: object) -> bytes | None:
        number = _as_float(value)
        if number is None:
            return None
        if floats == "ieee":
            return encode_ieee(number, item.length, order=order)
        raw = encode_ibm(number, item.length)
        return raw if order == "big" or raw is None else raw[::-1]

    return read, write


def _text(item: Item, options: Options, page: CodePage) -> tuple[Read, Write]:
    if item.kind is Kind.NATIONAL:
        decode, encode = national(item, options.national)
    elif item.kind is Kind.DBCS:
        decode, encode = dbcs(item, options.dbcs or page.double, page)
    else:
        decode, encode = single(item, page, double=options.dbcs or page.double)

    def read(raw: bytes) -> str | None:
        text = decode(raw)
        if text is not None and options.is_nul_filled:
            text = text.rstrip("\0")
        return None if text is None else trimmed(text, options.trim, justified=item.justified)

    def write(value: object) -> bytes | None:
        return encode(value) if isinstance(value, str) else None

    return read, write


def _shown(item: Item, options: Options, page: CodePage, *, dialect: Dialect) -> tuple[Read, Write]:
    """Return how numbers are read that are stored as the characters that show them."""
    decode, encode = national(item, options.national) if item.usage == "national" else single(item, page, double=None)
    if item.decimal_comma:
        decode, encode = _with_comma(decode, encode)
    if item.kind is Kind.EXTERNAL_FLOAT:
        return _through(decode, lambda text: read_float(text, item)), _float_text(item, encode)
    if item.symbols:
        editing = Editing.of(item)
        return _through(_padded(decode, item), editing.read), _number(item, _encoded(editing.show, encode))
    digits = zoned_decoder(item, is_ebcdic=False)
    show = zoned_encoder(item, is_ebcdic=False, ascii_minus=dialect.ascii_minus)
    return (
        _through(decode, lambda text: digits(text.encode("ascii", "replace"))),
        _number(item, lambda number: _or_none(show(number), lambda raw: encode(raw.decode("ascii")))),
    )


def _with_comma(decode: TextDecode, encode: TextEncode) -> tuple[TextDecode, TextEncode]:
    """Return how text is read and written in which comma and point have changed their places."""
    return (
        lambda raw: _or_none(decode(raw), lambda text: text.translate(_SWAPPED)),
        lambda text: encode(text.translate(_SWAPPED)),
    )


def _padded(decode: Callable[[bytes], str | None], item: Item) -> Callable[[bytes], str | None]:
    return lambda raw: _or_none(decode(raw), lambda text: text.ljust(item.characters))


def _through(decode: Callable[[bytes], str | None], read: Callable[[str], Value]) -> Read:
    def through(raw: bytes) -> Value:
        text = decode(raw)
        return None if text is None else read(text)

    return through


def _encoded(show: Callable[[int], str | None], encode: Callable[[str], bytes | None]) -> Encode:
    return lambda number: _or_none(show(number), encode)


def _float_text(item: Item, encode: Callable[[str], bytes | None]) -> Write:
    def write(value: object) -> bytes | None:
        number = _as_float(value)
        return None if number is None else _or_none(show_float(number, item), encode)

    return write


def _blank_when_zero(item: Item, read: Read, write: Write, *, blank: bytes) -> tuple[Read, Write]:
    zero = scaled(0, item.scale)

    def written(value: object) -> bytes | None:
        raw = write(value)
        return blank if raw is not None and not value else raw

    return (lambda raw: zero if raw == blank else read(raw)), written


def _blank(item: Item, options: Options, page: CodePage) -> bytes:
    if item.usage == "national":
        return " ".encode(options.national) * (item.length // 2)
    return bytes([page.blank]) * item.length


def _odd(item: Item, policy: Policy, blank: bytes) -> dict[bytes, tuple[str, OddBytes]]:
    """Return what the policies of an item say; of bytes that are two of them, the first."""
    is_number, is_binary = item.kind.is_number, item.kind in (Kind.BINARY, Kind.FLOAT, Kind.ADDRESS)
    shows_zero = item.blank_when_zero or (item.kind is Kind.EDITED and "9" not in item.symbols)
    refused = OddBytes.ERROR if is_number else OddBytes.KEEP
    plain = OddBytes.KEEP if is_binary else refused
    return {
        b"\xff" * item.length: ("high-values", policy.high or plain),
        bytes(item.length): ("low-values", policy.low or plain),
        blank: ("blank", policy.blank or (OddBytes.KEEP if shows_zero else refused)),
    }


def _or_none(given: Given | None, then: Callable[[Given], Made | None]) -> Made | None:
    return None if given is None else then(given)
