"""A described file of records: from its bytes to values and back, with what can't be handled beside it. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO, TypeAlias, cast, final

from pydantic_core import to_json

from contracts.errors import RecordError
from contracts.legacy.copybook import Layout, Record
from contracts.legacy.copybook.item import Item
from contracts.legacy.copybook.line import LineCodec
from contracts.legacy.file_spec import FileSpec, length_of
from contracts.legacy.framing import RecordBatch, Role, read, write

__all__ = ["RecordFile", "Refused", "Value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A record that can't be decoded or encoded."""

    ordinal: int
    """Records of the file before it; of what is to be encoded, lines."""
    offset: int | None
    """Where it begins in the (decompressed) file, descriptor words included; None of what is to be encoded."""
    original: bytes
    """All its bytes, as they were found."""
    error: RecordError


Value: TypeAlias = Record | Refused


@final
class RecordFile:
    r"""Reads and writes files of one description.

    >>> from io import BytesIO
    >>> from pathlib import Path
    >>> from contracts.legacy.copybook import parse
    >>> layout = parse("       01  A.\n           05  B PIC S9V9.\n           05  C PIC X(2).")
    >>> file = RecordFile(FileSpec(copybook=Path("a.cpy"), encoding="ascii"), layout)
    >>> [RecordFile.line(record) for record in file.decode(BytesIO(b"1Ba 2Jb "))]
    [b'{"B":"1.2","C":"a"}', b'{"B":"-2.1","C":"b"}']
    """

    def __init__(self, spec: FileSpec, layout: Layout) -> None:
        """Prepare.

        Raises:
            ConfigError: The description names what the layout does not have, or leaves out what it needs.
            ContractError: An item can't be decoded as described.
        """
        self.layout, self.codec = layout, spec.codec(layout)
        self.framing = spec.framed(layout)
        self._length_of = length_of(self.framing, self.codec)
        self._columns = LineCodec(self.codec) if LineCodec.fits(self.codec) else None

    def batches(self, file: BinaryIO) -> Iterator[RecordBatch]:
        """Yield the records' bytes in batches.

        Raises:
            FramingError: The file is not framed as described; what came before has been yielded.
        """
        return read(file, self.framing, length_of=self._length_of)

    def decode(self, file: BinaryIO) -> Iterator[Value]:
        """Yield the values of each data record, or what is wrong with it; header and trailer records are left out.

        Raises:
            FramingError: The file is not framed as described; what came before has been yielded.
        """
        for batch in self.batches(file):
            if batch.role is Role.DATA:
                yield from self._values(batch)

    def lines(self, file: BinaryIO) -> Iterator[bytes | Refused]:
        """Yield what `decode` yields with `line` of every record, and a line end behind it; many lines at once.

        Several times as fast where all items of the layout have one place in every record.

        Raises:
            FramingError: The file is not framed as described; what came before has been yielded.
        """
        for batch in self.batches(file):
            if batch.role is Role.DATA:
                yield from self._lines(batch)

    def _lines(self, batch: RecordBatch) -> Iterator[bytes | Refused]:
        if self._columns is None:
            yield from map(_with_end, self._values(batch))
            return
        for found in self._columns.lines(batch):
            if isinstance(found, bytes):
                yield found
            else:
                yield _with_end(self._value(batch, found, batch.record(found)))

    def _values(self, batch: RecordBatch) -> Iterator[Value]:
        for index, original in enumerate(batch):
            yield self._value(batch, index, original)

    def _value(self, batch: RecordBatch, index: int, original: bytes) -> Value:
        try:
            return self.codec.decode(original)
        except RecordError as error:
            ordinal, offset = batch.first + index, int(batch.starts[index])
            return Refused(ordinal=ordinal, offset=offset, original=original, error=error)

    def encode(self, lines: Iterable[bytes], refused: list[Refused]) -> Iterator[bytes]:
        """Yield the bytes of a file with the records that stand in lines of JSON.

        Args:
            lines: Each an object, as `line` writes it.
            refused: Gets the lines that are none, and those whose values do not fit; the rest goes on.
        """
        return write(self._encoded(lines, refused), self.framing, length_of=self._length_of)

    def _encoded(self, lines: Iterable[bytes], refused: list[Refused]) -> Iterator[bytes]:
        for ordinal, line in enumerate(lines):
            try:
                yield self.codec.encode(self._restored(line))
            except RecordError as error:
                refused.append(Refused(ordinal=ordinal, offset=None, original=line, error=error))

    def _restored(self, line: bytes) -> Record:
        try:
            # Decimals that stand there as numbers keep all their digits.
            values: object = json.loads(line, parse_float=Decimal, parse_constant=_refused)
        except ValueError as error:
            raise RecordError("line", expected=f"a JSON object: {error}", code="json") from None
        if not isinstance(values, dict):
            raise RecordError("line", expected="a JSON object", code="json")
        return _group(self.codec.items, cast("dict[str, Any]", values))

    @staticmethod
    def line(record: Record) -> bytes:
        """Return a record as JSON without a line end: whole numbers and floats as numbers, decimals as text."""
        return to_json(record)


def _with_end(value: Value) -> bytes | Refused:
    return value if isinstance(value, Refused) else RecordFile.line(value) + b"\n"


def _group(items: Iterable[Item], values: Mapping[str, Any]) -> Record:
    known = {item.name: item for item in items}
    return {name: _value(known.get(name), value) for name, value in values.items()}


def _value(item: Item | None, value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return a value as the codec takes it: JSON has no decimals, so they stand there as text."""
    if item is None or value is None:
        return value
    if isinstance(value, list):
        return [_value(item, each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return _group(item.children, cast("dict[str, Any]", value))
    if isinstance(value, str) and item.kind.is_number:
        return _number(item, value)
    return value


def _number(item: Item, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise RecordError(item.label, expected="a number", code="value") from None


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
