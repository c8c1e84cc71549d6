"""A described file of records: from its bytes to values and back, with what can't be handled beside it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import SEEK_END
from typing import BinaryIO, Final, TypeAlias, final

from pydantic_core import to_json

from contracts.errors import ConfigError, RecordError
from contracts.legacy.copybook import Layout, Record, RowCodec
from contracts.legacy.copybook.line import LineCodec
from contracts.legacy.file_spec import FileSpec, length_of
from contracts.legacy.framing import Framing, RecordBatch, Role, read, write
from contracts.legacy.record_line import parsed, restored
from contracts.legacy.tree import RecordIds, Trees, id_names, without

__all__ = ["RecordFile", "Refused", "Value"]

_CHUNK_BYTES: Final = 2**21
"""Read at a time where lines are made of many records at once: with less, wide records are too few for that."""


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
            ends: Of header and trailer records, where the description names them.

        Raises:
            ConfigError: The description names what the layout does not have, or leaves out what it needs.
            ContractError: An item can't be decoded as described.
        """
        ends = ends or {}
        self.layout, self.codec = layout, spec.codec(layout, ends.values())
        self._known = {item.name: item for item in self.codec.items} | self.codec.renamed
        self.framing = spec.framed(layout)
        self._length_of = length_of(self.framing, self.codec)
        self._ends = {role: spec.codec(end, [layout, *ends.values()]) for role, end in ends.items()}
        self.has_ids = spec.record_ids
        self.trees = _trees(spec, self.codec)
        is_by_record = self.has_ids or self.trees is not None
        self._columns = LineCodec(self.codec) if LineCodec.fits(self.codec) and not is_by_record else None

    def batches(self, file: BinaryIO) -> Iterator[RecordBatch]:
        """Yield the records' bytes in batches.

        Raises:
            FramingError: The file is not framed as described; what came before has been yielded.
        """
        return read(file, self.framing, length_of=self._length_of)

    def decode(self, file: BinaryIO, *, prefix: str = "") -> Iterator[Value]:
        """Yield the values of each data record, or what is wrong with it; header and trailer records are left out.

        Where groups stand below others, these are the values of each tree; of one that is refused, every record is.

        Args:
            file: The file.
            prefix: What the ids begin with, where records get ids.

        Raises:
            FramingError: The file is not framed as described; what came before has been yielded.
        """
        data = (batch for batch in self.batches(file) if batch.role is Role.DATA)
        if self.trees is not None:
            for batch in self.trees.whole(data):
                for run in self.trees.runs(batch):
                    yield from _tree(self.trees, batch, run, prefix=prefix)
            return
        for batch in data:
            values = self._values(batch, self.codec)
            if not self.has_ids:
                yield from values
                continue
            for index, value in enumerate(values):
                yield value if isinstance(value, Refused) else self.identified(value, batch, index, prefix=prefix)

    def identified(self, record: Record, batch: RecordBatch, index: int, *, prefix: str) -> Record:
        """Return a record that is no tree with its ids, where records get ids."""
        if not self.has_ids:
            return record
        ordinal = batch.first + index
        ids = RecordIds(prefix, root=ordinal).next(level=0, ordinal=ordinal, offset=int(batch.starts[index]))
        return {**ids, **record}

    def lines(self, file: BinaryIO, *, prefix: str = "") -> Iterator[bytes | Refused]:
        """Yield what `decode` yields with `line` of every record, and a line end behind it; many lines at once.

        Several times as fast, unless counters and segments make almost every record one of its kind, or records are
        trees or get ids.

        Raises:
            FramingError: The file is not framed as described; what came before has been yielded.
        """
        if self._columns is None:
            yield from map(_with_end, self.decode(file, prefix=prefix))
            return
        for batch in read(file, self.framing, length_of=self._length_of, chunk_bytes=_CHUNK_BYTES):
            if batch.role is Role.DATA:
                yield from self._lines(batch, self._columns)

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

    def _lines(self, batch: RecordBatch, columns: LineCodec) -> Iterator[bytes | Refused]:
        for found in columns.lines(batch):
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
                # None of a tree's records is written unless all can be.
                encoded = [self.codec.encode(restored(self._known, record)) for record in self._records(parsed(line))]
            except RecordError as error:
                refused.append(Refused(ordinal=ordinal, offset=None, original=line, error=error))
            except RecursionError:
                deep = RecordError("line", expected="a JSON object that is nested less deep", code="json")
                refused.append(Refused(ordinal=ordinal, offset=None, original=line, error=deep))
            else:
                yield from encoded

    def _records(self, values: Record) -> list[Record]:
        if self.trees is not None:
            return self.trees.flat(values)
        return [without(values, id_names(1))] if self.has_ids else [values]

    @staticmethod
    def line(record: Record) -> bytes:
        """Return a record as JSON without a line end: whole numbers and floats as numbers, decimals as text."""
        return to_json(record)


def _trees(spec: FileSpec, codec: RowCodec) -> Trees | None:
    if not any(rule.parents for rule in spec.segments):
        return None
    trees = Trees(codec, spec.segments, has_ids=spec.record_ids)
    if spec.framing.resync:
        raise ConfigError(["framing.resync: behind a gap, nobody knows which record others stand below (parents)"])
    return trees


def _tree(trees: Trees, batch: RecordBatch, run: range, *, prefix: str) -> Iterator[Value]:
    found = trees.read(batch, run, prefix=prefix)
    if isinstance(found, dict):
        yield found
        return
    bad = batch.first + min(found.errors)
    spoilt = RecordError("tree", expected=f"a tree whose records can all be read; record {bad} can't", code="tree")
    for index in run:
        yield Refused(
            ordinal=batch.first + index,
            offset=int(batch.starts[index]),
            original=batch.record(index),
            error=found.errors.get(index, spoilt),
        )


def _value_of(batch: RecordBatch, index: int, codec: RowCodec, *, original: bytes) -> Value:
    try:
        return codec.decode(original)
    except RecordError as error:
        ordinal, offset = batch.first + index, int(batch.starts[index])
        return Refused(ordinal=ordinal, offset=offset, original=original, error=error)


def _with_end(value: Value) -> bytes | Refused:
    return value if isinstance(value, Refused) else RecordFile.line(value) + b"\n"


def _around(file: BinaryIO, framing: Framing) -> tuple[bytes, bytes]:
    """Return the bytes before and behind the records."""
    if not (framing.header_bytes or framing.footer_bytes):
        return b"", b""
    header = file.read(framing.header_bytes)
    file.seek(-framing.footer_bytes, SEEK_END)
    footer = file.read()
    file.seek(0)
    return header, footer
