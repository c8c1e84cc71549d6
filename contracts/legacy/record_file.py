"""A described file of records: from its bytes to values and back, with what can't be handled beside it. Pure."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from io import SEEK_END
from typing import Any, BinaryIO, Final, TypeAlias, cast, final

from pydantic_core import to_json

from contracts.errors import RecordError
from contracts.legacy.copybook import Layout, Record, RowCodec
from contracts.legacy.copybook.item import Item
from contracts.legacy.copybook.line import LineCodec
from contracts.legacy.file_spec import FileSpec, length_of
from contracts.legacy.framing import Framing, RecordBatch, Role, read, write

__all__ = ["RecordFile", "Refused", "Value"]

_CHUNK_BYTES: Final = 2**21
"""Read at a time where lines are made of many records at once: with less, wide records are too few for that."""
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:E[+-]?\d+)?", re.ASCII | re.IGNORECASE)
"""What `decode` writes, and no more of what Python would take for a decimal."""


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

    def __init__(self, spec: FileSpec, layout: Layout, ends: Mapping[Role, Layout] | None = None) -> None:
        """Prepare.

        Args:
            spec: The description.
            layout: Of data records.
            ends: Of header and trailer records, where they are to be read.

        Raises:
            ConfigError: The description names what the layout does not have, or leaves out what it needs.
            ContractError: An item can't be decoded as described.
        """
        self.layout, self.codec = layout, spec.codec(layout)
        self._known = {item.name: item for item in self.codec.items} | self.codec.renamed
        self.framing = spec.framed(layout)
        self._length_of = length_of(self.framing, self.codec)
        self._ends = {role: spec.end_codec(end) for role, end in (ends or {}).items()}
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
                yield from self._values(batch, self.codec)

    def lines(self, file: BinaryIO) -> Iterator[bytes | Refused]:
        """Yield what `decode` yields with `line` of every record, and a line end behind it; many lines at once.

        Several times as fast, unless counters and segments make almost every record one of its kind.

        Raises:
            FramingError: The file is not framed as described; what came before has been yielded.
        """
        for batch in read(file, self.framing, length_of=self._length_of, chunk_bytes=_CHUNK_BYTES):
            if batch.role is Role.DATA:
                yield from self._lines(batch)

    def parts(self, file: BinaryIO) -> Iterator[tuple[Role, Value]]:
        """Yield each record with the part of the file that it belongs to; headers and trailers as far as described.

        Raises:
            FramingError: The file is not framed as described; what came before has been yielded.
        """
        for batch in self.batches(file):
            codec = self.codec if batch.role is Role.DATA else self._ends.get(batch.role)
            if codec is not None:
                yield from ((batch.role, value) for value in self._values(batch, codec))
            else:
                yield from ((batch.role, Record()) for _ in range(len(batch)))

    def _lines(self, batch: RecordBatch) -> Iterator[bytes | Refused]:
        if self._columns is None:
            yield from map(_with_end, self._values(batch, self.codec))
            return
        for found in self._columns.lines(batch):
            if isinstance(found, bytes):
                yield found
            else:
                yield _with_end(_value_of(batch, found, self.codec, original=batch.record(found)))

    def _values(self, batch: RecordBatch, codec: RowCodec) -> Iterator[Value]:
        for index, original in enumerate(batch):
            yield _value_of(batch, index, codec, original=original)

    def rewrite(self, file: BinaryIO, change: Callable[[bytes], bytes], refused: list[Refused]) -> Iterator[bytes]:
        """Yield the file again with each data record changed; all else in it stays as it is.

        Args:
            file: It is read twice where it has bytes around the records.
            change: Returns what a record becomes.
            refused: Gets the records that could not be changed; they are left out.

        Raises:
            FramingError: The file is not framed as described; what came before has been yielded.
        """
        header, footer = _around(file, self.framing)
        return write(
            self._changed(file, change, refused), self.framing, header=header, footer=footer, length_of=self._length_of
        )

    def _changed(self, file: BinaryIO, change: Callable[[bytes], bytes], refused: list[Refused]) -> Iterator[bytes]:
        for batch in self.batches(file):
            for index, original in enumerate(batch):
                try:
                    yield change(original) if batch.role is Role.DATA else original
                except RecordError as error:
                    ordinal, offset = batch.first + index, int(batch.starts[index])
                    refused.append(Refused(ordinal=ordinal, offset=offset, original=original, error=error))

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
            except RecursionError:
                deep = RecordError("line", expected="a JSON object that is nested less deep", code="json")
                refused.append(Refused(ordinal=ordinal, offset=None, original=line, error=deep))

    def _restored(self, line: bytes) -> Record:
        try:
            # Decimals that stand there as numbers keep all their digits.
            values: object = json.loads(line, parse_float=Decimal, parse_constant=_refused, object_pairs_hook=_once)
        except ValueError as error:
            raise RecordError("line", expected=f"a JSON object: {error}", code="json") from None
        except InvalidOperation:
            raise RecordError(
                "line", expected="a JSON object without exponents beyond all bounds", code="json"
            ) from None
        if not isinstance(values, dict):
            raise RecordError("line", expected="a JSON object", code="json")
        return _group(self._known, cast("dict[str, Any]", values))

    @staticmethod
    def line(record: Record) -> bytes:
        """Return a record as JSON without a line end: whole numbers and floats as numbers, decimals as text."""
        return to_json(record)


def _value_of(batch: RecordBatch, index: int, codec: RowCodec, *, original: bytes) -> Value:
    try:
        return codec.decode(original)
    except RecordError as error:
        ordinal, offset = batch.first + index, int(batch.starts[index])
        return Refused(ordinal=ordinal, offset=offset, original=original, error=error)


def _with_end(value: Value) -> bytes | Refused:
    return value if isinstance(value, Refused) else RecordFile.line(value) + b"\n"


def _group(known: Mapping[str | None, Item], values: Mapping[str, Any]) -> Record:
    return {name: _value(known.get(name), value) for name, value in values.items()}


def _value(item: Item | None, value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return a value as the codec takes it: JSON has no decimals, so they stand there as text."""
    if item is None or value is None:
        return value
    if isinstance(value, list):
        return [_value(item, each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return _group({child.name: child for child in item.children}, cast("dict[str, Any]", value))
    if isinstance(value, str) and item.kind.is_number:
        return value if any(each.name == value for each in item.conditions) else _number(item, value)
    return value


def _number(item: Item, text: str) -> Decimal:
    try:
        if _NUMBER.fullmatch(text):
            return Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds
        pass
    raise RecordError(item.label, expected="a number", code="value")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name stands twice in it")
    return values


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _around(file: BinaryIO, framing: Framing) -> tuple[bytes, bytes]:
    """Return the bytes before and behind the records."""
    if not (framing.header_bytes or framing.footer_bytes):
        return b"", b""
    header = file.read(framing.header_bytes)
    file.seek(-framing.footer_bytes, SEEK_END)
    footer = file.read()
    file.seek(0)
    return header, footer
