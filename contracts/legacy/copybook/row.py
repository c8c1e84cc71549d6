"""Records to nested values, one at a time, and back: every layout, every way of storing."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from contracts.errors import RecordError
from contracts.legacy.copybook.compile import Compiler
from contracts.legacy.copybook.extent import end_of
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.layout import Layout
from contracts.legacy.copybook.node import LeafNode, Path, Reading
from contracts.legacy.copybook.options import Options
from contracts.legacy.copybook.place import Renamed
from contracts.legacy.copybook.writing import Writing, write

__all__ = ["Record", "RowCodec"]

Record = dict[str, Any]
"""Values by the names of the copybook: groups are objects, tables are arrays, and FILLER is not there."""


class RowCodec:
    r"""Decodes and encodes records of one layout.

    Text is str without blanks at the right, whole numbers are int, others Decimal with the scale of the picture, floats
    float. Tables with a counter have as many values as there are. Where items redefine each other, all are there unless
    a segment chooses one. The level 01 itself has no name in the record.

    >>> from contracts.legacy.copybook import parse
    >>> layout = parse("       01  A.\n           05  B PIC 9.\n           05  C PIC X OCCURS 0 TO 9 DEPENDING ON B.")
    >>> RowCodec(layout).decode(bytes.fromhex("f2c1c2"))
    {'B': 2, 'C': ['A', 'B']}
    """

    def __init__(self, layout: Layout, options: Options | None = None) -> None:
        """Compile a layout.

        Raises:
            ContractError: A code page is not known, or an item can't be decoded without more options.
            ConfigError: The options name what the layout does not have.
        """
        self.layout = layout
        self.options = options or Options()
        compiler = Compiler(layout, self.options)
        self.blank = compiler.page.blank
        self._told_by = compiler.told_by()
        self.root = compiler.root()
        self._selectors = compiler.selectors
        self.renames = [(each, node) for each in layout.renames if (node := self._renamed_node(each, compiler))]
        self._is_ambiguous = bool(layout.renames) or any(item.redefines for item in layout.walk())

    @property
    def items(self) -> tuple[Item, ...]:
        """Return the items that stand in a record by their names; those in groups stand in these."""
        return self.root.item.children

    @property
    def renamed(self) -> dict[str | None, Item]:
        """Return how the items of level 66 are read, by their names."""
        return {each.name: node.item for each, node in self.renames}

    def decode(self, record: bytes) -> Record:
        """Return the values of one record.

        Raises:
            RecordError: A field holds no value, or the record is too short or too long. The field, its place in the
                record, its bytes, the reason and a stable code are told.
        """
        values, end = self.decode_at(self._padded(record), 0)
        self._check_rest(record, end)
        return values

    def decode_at(self, buffer: bytes, at: int) -> tuple[Record, int]:
        """Return the values of a record that begins somewhere in a buffer, and where it ends.

        Raises:
            RecordError: As `decode` does; places count from the start of the record.
        """
        state = Reading(buffer[at:] if at else buffer)
        state.marks = {} if self.renames else None
        values, end = self.root.read(state, 0)
        if state.skipped > len(state.record):
            expected = f"{state.skipped} bytes, FILLER included, not the end of the record at {len(state.record)}"
            raise RecordError("FILLER", expected=expected, start=len(state.record), code="short-record")
        for renamed, node in self.renames:
            values[renamed.name] = _renamed_value(renamed, node, state)
        return values, at + end

    def length_of(self, data: memoryview) -> int:
        """Return how long the record is that begins there; only what tells the length is read.

        Raises:
            RecordError: A counter, or a field that tells a segment, can't be read.
        """
        return end_of(self.root, Reading(bytes(data[: self._told_by])), 0)

    def group_of(self, record: bytes, group: Path) -> Path | None:
        """Return the path of the item that a record has, by the segments that may choose this one; None is none.

        Raises:
            RecordError: The field that tells can't be read, or its value chooses nothing.
        """
        return self._selectors[group].read(Reading(self._padded(record)))

    def decode_all(self, buffer: bytes, extents: Iterable[tuple[int, int]]) -> Iterator[Record | RecordError]:
        """Yield the values of each record of a buffer, or the error of one that has none.

        Args:
            buffer: The records' bytes.
            extents: Offset and length of each record.
        """
        for offset, length in extents:
            try:
                yield self.decode(buffer[offset : offset + length])
            except RecordError as error:
                yield error

    def conditions(self, record: bytes) -> tuple[str, ...]:
        """Return the condition names (level 88) that hold, in the order of the copybook; in tables with subscripts.

        Raises:
            RecordError: As `decode` does.
        """
        state = Reading(self._padded(record))
        state.names = []
        self.root.read(state, 0)
        return tuple(state.names)

    def encode(self, record: Mapping[str, Any], base: bytes | None = None) -> bytes:
        """Return the bytes of a record.

        Args:
            record: Values as `decode` returns them. With a base, what is missing is as it is there.
            base: The record that this one was; what is not changed keeps its bytes, FILLER and filling included.

        Raises:
            RecordError: A value is missing or does not fit, the length of an array is not what its counter tells, or
                values contradict each other that describe the same bytes.
        """
        old = None if base is None else Reading(self._padded(base))
        state = Writing(self.blank, base=old, told=record, depth=len(self.root.item.path))
        self._check_names(record)
        _, end = write(self.root, record, state, at=0, base_at=None if base is None else 0)
        encoded = bytes(state.out) + self._rest(state, end)
        if self._is_ambiguous:
            self._check_same(record, encoded)
        return encoded

    def _padded(self, record: bytes) -> bytes:
        if not self.options.is_trimmed:
            return record
        return record.ljust(self.layout.length, bytes([self.blank]))

    def _check_names(self, record: Mapping[str, Any]) -> None:
        known = {item.name for item in self.root.item.children} | {each.name for each in self.layout.renames}
        if unknown := record.keys() - known:
            raise RecordError(min(unknown), expected="a name that the layout has", code="value")

    def _rest(self, state: Writing, end: int | None) -> bytes:
        """Return what the base has after its last item; as much as keeps the record's length where it is filling."""
        if state.base is None or end is None:
            return b""
        rest = state.base.record[end:]
        if rest.strip(bytes([self.blank, 0])):
            return rest
        size = max(0, len(state.base.record) - len(state.out)) if rest else 0
        return (rest + rest[-1:] * size)[:size]

    def _check_rest(self, record: bytes, end: int) -> None:
        rest = record[end:]
        if self.options.drop_rest or not rest.strip(bytes([self.blank, 0])):
            return
        expected = f"the end of the record, or blanks, after {end} bytes"
        raise RecordError(self.layout.name or "record", expected=expected, raw=rest[:16], start=end, code="long-record")

    def _check_same(self, told: Mapping[str, Any], encoded: bytes) -> None:
        found, _ = self.decode_at(self._padded(encoded), 0)
        path = _contradiction(told, found)
        if path is not None:
            expected = "what other items say of the same bytes"
            raise RecordError(".".join(path), expected=expected, code="conflict")

    def _renamed_node(self, renamed: Renamed, compiler: Compiler) -> LeafNode | None:
        """Return how renamed bytes are read: as the one item that they are, or as text; None where they are none."""
        items = list(self._items_of(renamed))
        leaves = [item for item in items if item.kind is not Kind.GROUP]
        if any(item.dimensions for item in items) or not leaves:
            return None
        if len(items) == 1:
            return compiler.leaf(leaves[0])
        if any(item.usage != "display" for item in leaves):
            return None
        text = Item(level=66, name=renamed.name, path=(renamed.name,), offset=0, length=0, kind=Kind.TEXT)
        return compiler.leaf(text)

    def _items_of(self, renamed: Renamed) -> Iterator[Item]:
        by_path = {item.path: item for item in self.layout.walk() if item.name}
        first, last = by_path[renamed.first], by_path[renamed.last]
        if renamed.first == renamed.last:
            yield from first.walk()
            return
        end = last.offset + last.size
        for item in self.layout.walk():
            if first.offset <= item.offset and item.offset + item.size <= end:
                yield item


def _renamed_value(renamed: Renamed, node: LeafNode, state: Reading) -> object:
    marks = state.marks or {}
    if renamed.first not in marks or renamed.last not in marks:
        return None
    start, end = marks[renamed.first][0], marks[renamed.last][1]
    return node.leaf.decode(state.record[start:end], start)


def _contradiction(told: object, found: object) -> tuple[str, ...] | None:
    """Return where a value is told that is not found; what is not told does not matter."""
    if isinstance(told, Mapping) and isinstance(found, Mapping):
        for name, value in cast("Mapping[str, object]", told).items():
            inner = _contradiction(value, cast("Mapping[str, object]", found).get(name))
            if inner is not None:
                return (name, *inner)
        return None
    if isinstance(told, list) and isinstance(found, list):
        pairs = zip(cast("list[object]", told), cast("list[object]", found), strict=False)
        return next((inner for a, b in pairs if (inner := _contradiction(a, b)) is not None), None)
    if isinstance(told, str) and isinstance(found, str):
        return None if told.strip(" \0") == found.strip(" \0") else ()  # filling is cut off where it is told
    return None if told == found or isinstance(told, float) else ()
