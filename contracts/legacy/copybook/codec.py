"""Records of one length to columns of values and back."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import product
from typing import Any, Self, cast

import numpy as np

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.copybook.compile import Compiler
from contracts.legacy.copybook.decode import Bytes, fast_decoder
from contracts.legacy.copybook.item import Item
from contracts.legacy.copybook.layout import Layout
from contracts.legacy.copybook.leaf import Leaf, Value
from contracts.legacy.copybook.naming import NamedLeaf
from contracts.legacy.copybook.options import OddBytes, Options

__all__ = ["Codec", "Decoded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Decoded records, as columns of equal length."""

    columns: Mapping[str, list[Any]]
    """By name as in `Layout.by_name`, with the values that `RowCodec` gives; what stands in tables is a list of its
    occurrences, of lists where tables are in tables. None where the value is bad, or where a policy says so."""
    errors: Mapping[int, RecordError]
    """The first error of each bad record by its index, in ascending order."""


class Codec:
    r"""Decodes and encodes records of one layout that all have one length.

    >>> from contracts.legacy.copybook import parse
    >>> layout = parse("       01  A.\n           05  B PIC X(3).\n           05  C PIC S9(3)V99 COMP-3.")
    >>> codec = Codec(layout)
    >>> codec.decode(codec.encode([{"B": "ab", "C": -1}])).columns
    {'B': ['ab'], 'C': [Decimal('-1.00')]}
    """

    def __init__(self, layout: Layout, code_page: str = "cp037", *, options: Options | None = None) -> None:
        """Prepare a codec.

        Args:
            layout: The records' layout.
            code_page: The code page, where there are no options.
            options: What the layout does not say.

        Raises:
            ContractError: A code page is not known, or records differ in length.
            ConfigError: The options name what the layout does not have, or segments.
        """
        self.layout = layout
        self.options = options or Options(code_page=code_page)
        _check(layout, self.options)
        compiler = Compiler(layout, self.options)
        self._blank = compiler.page.blank
        self._fields = {name: _Column(compiler.leaf(item).leaf, self.options) for name, item in layout.by_name.items()}
        self._all = self._fields

    def leaf(self, field: str) -> Leaf:
        """Return how one field is read.

        Raises:
            KeyError: The layout has no such field.
        """
        return self._all[field].leaf

    def only(self, fields: Collection[str] | None) -> Self:
        """Return a codec that decodes these fields and never looks at what is in the others; None is all.

        Raises:
            ConfigError: The layout has no such field.
        """
        unknown = sorted(set(fields or ()) - set(self._all))
        if unknown:
            raise ConfigError(f"the layout has no field {name}" for name in unknown)
        other = copy(self)
        vars(other).update(_fields={name: f for name, f in self._all.items() if fields is None or name in fields})
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
            columns[name] = field.decode(raw, name, errors)
        return Decoded(columns=columns, errors=dict(sorted(errors.items())))

    def encode(self, records: Iterable[Mapping[str, object]]) -> bytes:
        """Encode records that hold a value for every field; FILLER is blank.

        Where items redefine each other, the last one counts.

        Raises:
            RecordError: A value is missing or does not fit.
        """
        return b"".join(map(self._encode, records))

    def _encode(self, record: Mapping[str, object]) -> bytes:
        encoded = bytearray([self._blank]) * self.layout.length
        for name, field in self._all.items():
            field.encode(record.get(name), encoded)
        return bytes(encoded)


class _Column:
    """One field of all records."""

    def __init__(self, leaf: Leaf, options: Options) -> None:
        self.leaf = leaf
        self._item = leaf.item
        self._fast = fast_decoder(leaf.item, options, leaf.page)
        self._odd = [
            np.frombuffer(raw, dtype=np.uint8) for raw, (_, meaning) in leaf.odd.items() if meaning is not OddBytes.KEEP
        ]
        self._places = list(_places(leaf.item))

    def decode(self, records: Bytes, name: str, errors: dict[int, RecordError]) -> list[Any]:
        """Return the values of all records, and note the first error of each."""
        parts = [self._decode(records, at, name, errors=errors) for at in self._places]
        if not self._item.dimensions:
            return parts[0]
        counts = [most for most, _ in self._item.dimensions]
        return [_nested(values, counts) for values in zip(*parts, strict=True)]

    def encode(self, value: object, record: bytearray) -> None:
        """Write the values of one record."""
        values = _flat(value, [most for most, _ in self._item.dimensions], self._item)
        for at, each in zip(self._places, values, strict=True):
            record[at : at + self._item.length] = self.leaf.encode(each, at)

    def _decode(self, records: Bytes, at: int, name: str, *, errors: dict[int, RecordError]) -> list[Value]:
        raw = records[:, at : at + self._item.length]
        if isinstance(self.leaf, NamedLeaf):
            return self._by_value(raw, at, name, errors=errors)
        if self._fast is None:
            values: list[Value] = [None] * len(raw)
            doubtful: Iterable[int] = range(len(raw))
        else:
            values, bad = self._fast(raw)
            for odd in self._odd:
                bad = bad | (raw == odd).all(axis=1)
            doubtful = np.flatnonzero(bad).tolist()
        for index in doubtful:
            try:
                values[index] = self.leaf.decode(raw[index].tobytes(), at)
            except RecordError as error:
                values[index] = None
                errors.setdefault(index, _named(error, name))
        return values

    def _by_value(self, raw: Bytes, at: int, name: str, *, errors: dict[int, RecordError]) -> list[Value]:
        """Return the values of a field that has few different ones: each is decoded once."""
        packed, size = raw.tobytes(), self._item.length
        found = [packed[begin : begin + size] for begin in range(0, len(packed), size)]
        known: dict[bytes, Value | RecordError] = {}
        for each in set(found):
            try:
                known[each] = self.leaf.decode(each, at)
            except RecordError as error:
                known[each] = _named(error, name)
        values = [known[each] for each in found]
        for index, value in enumerate(values):
            if isinstance(value, RecordError):
                errors.setdefault(index, value)
        return [None if isinstance(value, RecordError) else value for value in values]


def _named(error: RecordError, name: str) -> RecordError:
    return RecordError(name, expected=error.expected, raw=error.raw, start=error.start, code=error.code)


def _places(item: Item) -> Iterator[int]:
    """Yield where each occurrence of an item is."""
    for indexes in product(*(range(most) for most, _ in item.dimensions)):
        strides = (stride for _, stride in item.dimensions)
        yield item.offset + sum(index * stride for index, stride in zip(indexes, strides, strict=True))


def _nested(values: Sequence[Any], counts: Sequence[int]) -> list[Any]:
    """Return the occurrences of tables in tables as lists of lists."""
    if len(counts) == 1:
        return list(values)
    size = len(values) // counts[0]
    return [_nested(values[at : at + size], counts[1:]) for at in range(0, len(values), size)]


def _flat(value: object, counts: Sequence[int], item: Item) -> Iterator[object]:
    if not counts:
        yield value
        return
    values = cast("list[object]", value) if isinstance(value, list) else []
    if len(values) != counts[0]:
        raise RecordError(item.label, expected=f"an array of {counts[0]}", start=item.offset, code="missing")
    for each in values:
        yield from _flat(each, counts[1:], item)


def _check(layout: Layout, options: Options) -> None:
    if layout.is_variable and options.tables == "shift":
        table = next(item for item in layout.walk() if item.occurs and item.occurs.depending_on)
        expected = f"records of one length: {table.label} depends on a counter, so they are decoded row by row"
        raise ContractError(f"copybook line {table.line}", found="DEPENDING ON", expected=expected)
    if options.segments or any(item.occurs and item.occurs.depending_on for item in layout.walk()):
        raise ConfigError(["records with segments or with counters of tables are decoded row by row, not in columns"])
