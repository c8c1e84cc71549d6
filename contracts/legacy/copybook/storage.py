"""How an elementary item is stored: from its clauses and the dialect to kind, bytes and alignment."""

from dataclasses import dataclass
from typing import Any, Final

from contracts.legacy.copybook.dialect import Dialect
from contracts.legacy.copybook.entry import Entry, Sign, Usage
from contracts.legacy.copybook.item import Kind
from contracts.legacy.copybook.picture import Category, Picture

__all__ = ["Inherited", "alignment", "storage"]

_BINARY: Final = (Usage.BINARY, Usage.NATIVE, Usage.BYTES)
_POINTERS: Final = (Usage.POINTER, Usage.PROCEDURE_POINTER, Usage.FUNCTION_POINTER)
_NUMBERS: Final = (*_BINARY, Usage.PACKED, Usage.UNSIGNED_PACKED)
_KINDS: Final = {
    Category.NUMERIC_EDITED: Kind.EDITED,
    Category.FLOAT_EDITED: Kind.EXTERNAL_FLOAT,
    Category.NATIONAL: Kind.NATIONAL,
    Category.DBCS: Kind.DBCS,
    Category.NUMERIC: Kind.ZONED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What groups give to the items in them."""

    usage: Usage | None = None
    sign: Sign | None = None
    sync: bool = False

    def within(self, entry: Entry) -> "Inherited":
        """Return what an entry and its groups give to what is in it.

        Raises:
            ContractError: Their usages contradict each other.
        """
        if entry.usage and self.usage and entry.usage != self.usage:
            raise entry.word.error(f"usage {self.usage} as its group has")
        return Inherited(usage=entry.usage or self.usage, sign=entry.sign or self.sign, sync=entry.sync or self.sync)


def storage(entry: Entry, given: Inherited, dialect: Dialect) -> dict[str, Any]:
    """Return how an elementary item is stored, by the names of `Item`'s fields.

    Raises:
        ContractError: Its usage and its picture do not fit.
    """
    usage = given.usage or Usage.DISPLAY
    if entry.picture is None:
        return _without_picture(entry, usage, dialect)
    if usage in (Usage.FLOAT, Usage.DOUBLE, Usage.INDEX, *_POINTERS):
        raise entry.word.error(f"no picture with usage {usage}")
    found: dict[str, Any] = {
        "picture": entry.picture_text,
        "digits": entry.picture.digits,
        "scale": entry.picture.scale,
        "signed": entry.picture.signed,
        "symbols": entry.picture.symbols,
        "decimal_comma": entry.decimal_comma,
        "characters": entry.picture.size,
    }
    return found | _with_picture(entry, entry.picture, given, dialect=dialect)


def alignment(kind: Kind, usage: Usage, *, length: int, dialect: Dialect) -> int:
    """Return what the offset of a synchronized item is a multiple of."""
    if not dialect.most_aligned:
        return 1
    if usage is Usage.DOUBLE:
        return 8
    if kind is Kind.FLOAT:
        return 4
    if kind is Kind.ADDRESS:
        return min(4, dialect.pointer) if usage is Usage.INDEX else dialect.pointer
    if usage in (Usage.BINARY, Usage.NATIVE) and length in (1, 2, 4, 8, 16):
        return min(length, dialect.most_aligned)
    return 1


def _without_picture(entry: Entry, usage: Usage, dialect: Dialect) -> dict[str, Any]:
    found: dict[str, Any] = {"usage": usage, "order": dialect.native, "floats": dialect.floats}
    match usage:
        case Usage.FLOAT | Usage.DOUBLE:
            return found | {"kind": Kind.FLOAT, "length": 4 if usage is Usage.FLOAT else 8, "signed": True}
        case Usage.INDEX:
            return found | {"kind": Kind.ADDRESS, "length": 4, "full_range": True}
        case Usage.POINTER | Usage.FUNCTION_POINTER:
            return found | {"kind": Kind.ADDRESS, "length": dialect.pointer, "full_range": True}
        case Usage.PROCEDURE_POINTER:
            return found | {"kind": Kind.ADDRESS, "length": 8, "full_range": True}
        case _:
            raise entry.word.error(f"a picture, or items below {entry.name or 'FILLER'}")


def _with_picture(entry: Entry, picture: Picture, given: Inherited, *, dialect: Dialect) -> dict[str, Any]:
    usage = given.usage or Usage.DISPLAY
    if usage in _NUMBERS and (entry.usage or picture.category is Category.NUMERIC):
        return _number(entry, picture, usage, dialect=dialect)
    # A group's usage that text or an edited number can't have leaves it as it is.
    kind = _KINDS.get(picture.category, Kind.TEXT)
    if usage is Usage.NATIONAL or kind is Kind.NATIONAL:
        return _national(entry, picture, given)
    if usage is Usage.DBCS or kind is Kind.DBCS:
        if picture.category not in (Category.DBCS, Category.NATIONAL):
            raise entry.word.error("a picture of G or N with usage display-1")
        return {"kind": Kind.DBCS, "usage": Usage.DBCS, "length": picture.size * 2}
    found: dict[str, Any] = {"kind": kind, "usage": Usage.DISPLAY, "length": picture.size}
    return found | _sign(entry, picture, given)


def _sign(entry: Entry, picture: Picture, given: Inherited) -> dict[str, Any]:
    # A sign of its own means a sign, though compilers also want the S.
    is_told = entry.sign is not None and entry.sign.is_separate
    sign = given.sign or Sign.TRAILING
    if picture.category is not Category.NUMERIC or not (picture.signed or is_told):
        return {}
    return {"sign": sign, "length": picture.size + sign.is_separate, "signed": True}


def _national(entry: Entry, picture: Picture, given: Inherited) -> dict[str, Any]:
    if picture.category is Category.NUMERIC:
        sign = given.sign or Sign.TRAILING
        if picture.signed and not sign.is_separate:
            raise entry.word.error("SIGN SEPARATE of a signed number with usage national")
        size = picture.size + picture.signed
        return {"kind": Kind.NATIONAL_NUMBER, "usage": Usage.NATIONAL, "length": size * 2, "sign": sign}
    if picture.category is Category.NUMERIC_EDITED:
        return {"kind": Kind.NATIONAL_NUMBER, "usage": Usage.NATIONAL, "length": picture.size * 2}
    return {"kind": Kind.NATIONAL, "usage": Usage.NATIONAL, "length": picture.size * 2}


def _number(entry: Entry, picture: Picture, usage: Usage, *, dialect: Dialect) -> dict[str, Any]:
    if usage is Usage.BYTES and picture.category is Category.ALPHANUMERIC and picture.size <= 8:  # noqa: PLR2004
        return {"kind": Kind.BINARY, "usage": usage, "length": picture.size, "full_range": True}
    if picture.category is not Category.NUMERIC:
        raise entry.word.error(f"a number in the picture of an item with usage {usage}")
    if usage in (Usage.PACKED, Usage.UNSIGNED_PACKED):
        length = picture.digits // 2 + 1 if usage is Usage.PACKED else (picture.digits + 1) // 2
        if usage is Usage.UNSIGNED_PACKED and picture.signed:
            raise entry.word.error("no S in the picture of an item with usage unsigned-packed")
        return {"kind": Kind.PACKED, "usage": usage, "length": length}
    if usage is Usage.BYTES:
        length = ((10**picture.digits - 1).bit_length() + 7) // 8
        return {"kind": Kind.BINARY, "usage": usage, "length": length, "full_range": True}
    native = usage is Usage.NATIVE
    found = dialect.binary_bytes(picture.digits, signed=picture.signed, native=native)
    if found is None:
        raise entry.word.error(f"at most {dialect.most_digits(signed=picture.signed)} binary digits")
    return {
        "kind": Kind.BINARY,
        "usage": usage,
        "length": found,
        "order": dialect.native if native else "big",
        "full_range": native or not dialect.truncates,
    }
