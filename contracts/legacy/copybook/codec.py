"""Records to columns of values and back."""

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.copybook.decode import (
    Bytes,
    Column,
    decode_binary,
    decode_packed,
    decode_text,
    decode_zoned,
)
from contracts.legacy.copybook.encode import encode_value
from contracts.legacy.copybook.entry import Usage
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.layout import Field, Layout
from contracts.legacy.copybook.page import CodePage

__all__ = ["Codec", "Decoded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Decoded records, as columns of equal length."""

    columns: Mapping[str, list[Any]]
    """By name as in `Layout.by_name`: text as str without blanks at the right, whole numbers as int, others
    as Decimal with the scale of the picture. None where the value is bad, and nowhere else."""
    errors: Mapping[int, RecordError]
    """The first error of each bad record by its index, in ascending order."""


class Codec:
    r"""Decodes and encodes fixed-length records of one layout.

    >>> from contracts.legacy.copybook import parse
    >>> layout = parse("       01  A.\n           05  B PIC X(3).\n           05  C PIC S9(3)V99 COMP-3.")
    >>> codec = Codec(layout)
    >>> codec.decode(codec.encode([{"B": "ab", "C": -1}])).columns
    {'B': ['ab'], 'C': [Decimal('-1.00')]}
    """

    def __init__(self, layout: Layout, code_page: str = "cp037") -> None:
        """Prepare a codec.

        Args:
            layout: The records' layout.
            code_page: A single-byte EBCDIC code page, by the name of Python's codec.

        Raises:
            ContractError: The code page is not known.
        """
        self.layout = layout
        self._page = CodePage.load(code_page)
        self._fields = layout.by_name
        _check(layout)

    def only(self, fields: Collection[str] | None) -> Self:
        """Return a codec that decodes these fields and never looks at what is in the others; None is all.

        Raises:
            ConfigError: The layout has no such field.
        """
        unknown = sorted(set(fields or ()) - set(self.layout.by_name))
        if unknown:
            raise ConfigError(f"the layout has no field {name}" for name in unknown)
        other = copy(self)
        vars(other).update(_fields={n: f for n, f in self.layout.by_name.items() if fields is None or n in fields})
        return other

    def decode(self, buffer: bytes, count: int | None = None) -> Decoded:
        """Decode the first `count` records of a buffer, or all.

        Raises:
            ValueError: The buffer holds less, or a part of a record.
        """
        length = self.layout.length
        if count is None:
            count, rest = divmod(len(buffer), length)
            if rest:
                raise ValueError(f"expected records of {length} bytes, found {rest} bytes after the last")
        raw = np.frombuffer(buffer, dtype=np.uint8, count=count * length).reshape(count, length)
        columns: dict[str, list[Any]] = {}
        errors: dict[int, RecordError] = {}
        for name, field in self._fields.items():
            found = raw[:, field.offset : field.offset + field.length]
            values, bad = self._column(found, field)
            for index in np.flatnonzero(bad).tolist():
                values[index] = None
                errors.setdefault(index, self._error(name, field, found[index].tobytes()))
            columns[name] = values
        return Decoded(columns=columns, errors=dict(sorted(errors.items())))

    def encode(self, records: Iterable[Mapping[str, object]]) -> bytes:
        """Encode records that hold a value for every field; FILLER is blank.

        Raises:
            RecordError: A value is missing or does not fit.
        """
        return b"".join(map(self._encode, records))

    def _encode(self, record: Mapping[str, object]) -> bytes:
        encoded = bytearray([self._page.blank]) * self.layout.length
        for name, field in self.layout.by_name.items():
            encoded[field.offset : field.offset + field.length] = encode_value(record.get(name), field, self._page)
        return bytes(encoded)

    def _column(self, raw: Bytes, field: Field) -> Column:
        if not field.digits:
            return decode_text(raw, self._page)
        match field.usage:
            case Usage.DISPLAY:
                return decode_zoned(raw, field)
            case Usage.PACKED:
                return decode_packed(raw, field)
            case _:
                return decode_binary(raw, field)

    def _error(self, name: str, field: Field, raw: bytes) -> RecordError:
        kind = "zoned" if field.usage is Usage.DISPLAY else field.usage
        sign = "a signed" if field.signed else "an unsigned"
        expected = f"{sign} {kind} number of {field.digits} digits"
        if not field.digits:
            expected = f"characters of code page {self._page.name}"
        return RecordError(name, expected=expected, raw=raw, start=field.offset)


def _check(layout: Layout) -> None:
    for item in layout.walk():
        if item.kind is not Kind.GROUP and not _is_plain(item):
            found = item.picture or item.usage
            raise ContractError(f"copybook line {item.line}", found=found, expected="an item that stands once")


def _is_plain(item: Item) -> bool:
    plain = item.kind in (Kind.TEXT, Kind.ZONED, Kind.PACKED) or (item.kind is Kind.BINARY and not item.full_range)
    return plain and not item.dimensions and not item.sign.is_separate and not item.sign.is_leading and item.scale >= 0
