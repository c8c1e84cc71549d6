"""How a file's bytes become records, and records what a mapping takes. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, BinaryIO, Final, Self, cast

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.check import Check
from contracts.legacy.copybook import Codec, Layout, RowCodec
from contracts.legacy.file_spec import FileSpec, length_of
from contracts.legacy.framing import Compression, Framing, Position, Recfm, RecordBatch, Role, read
from contracts.legacy.record_file import RecordFile
from contracts.mapping import Encoded, Mapper

__all__ = ["RecordFormat"]

_LEAST_CHUNK: Final = 1 << 16
_MOST_CHUNK: Final = 1 << 22

_Errors = Mapping[int, RecordError]


@dataclass(frozen=True, kw_only=True)
class RecordFormat:
    """The format of one kind of file."""

    layout: Layout
    framing: Framing
    code_page: str
    copybook: str = ""
    """The SHA-256 of the copybook's text: its version."""
    codec: Codec | None
    """Decodes by columns, where the layout allows it."""
    file: RecordFile | None = None
    """Decodes record by record, and reads headers and trailers; none where columns are all that was asked for."""
    checks: tuple[Check, ...] = ()
    where: Mapping[str, frozenset[str]] | None = None
    """Legacy field -> the values, as text, of records that become events."""

    @classmethod
    def fixed(cls, layout: Layout, code_page: str, *, copybook: str = "") -> Self:
        """Return the format of records of one length without anything between them.

        Raises:
            ContractError: A code page is not known, or records differ in length.
        """
        framing = Framing(recfm=Recfm.F, lrecl=layout.length, max_record_bytes=max(layout.length, 1 << 20))
        return cls(
            layout=layout, framing=framing, code_page=code_page, copybook=copybook, codec=Codec(layout, code_page)
        )

    @classmethod
    def described(cls, spec: FileSpec, layout: Layout, ends: Mapping[Role, Layout], *, copybook: str = "") -> Self:
        """Return the format that a description gives.

        Raises:
            ConfigError: It names what the layout does not have, or would leave out what it can't read.
            ContractError: An item can't be decoded as described.
        """
        if spec.framing.resync:
            raise ConfigError(["framing.resync: an adapter holds a file that is not framed as described"])
        file = RecordFile(spec, layout, ends)
        try:
            codec = Codec(layout, options=spec.options())
        except (ConfigError, ContractError):
            codec = None
        return cls(
            layout=layout,
            framing=file.framing,
            code_page=spec.encoding,
            copybook=copybook,
            codec=codec,
            file=file,
            checks=spec.checks,
        )

    def selecting(self, where: Mapping[str, frozenset[str]]) -> Self:
        """Return the format with only some records becoming events.

        Raises:
            ConfigError: The layout has no such field.
        """
        unknown = sorted(set(where) - set(self.names))
        if unknown:
            raise ConfigError(f"where: the copybook has no field {name}" for name in unknown)
        return replace(self, where=where or None)

    @cached_property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """Return what a mapping may name, and where it is in a record: fields, and where records are nested, groups.

        A name that is not unique is there as a path joined with dots, as in `Layout.by_name`.
        """
        if self.file is None:
            return {name: (name,) for name in self.layout.by_name}
        above = 1 if self.layout.name and self.layout.items[0].children else 0
        names = {name: field.path[above:] for name, field in self.layout.by_name.items()}
        named = [item for item in self.layout.walk() if item.name and item.path[above:]]
        often = Counter(item.name for item in named)
        groups = {item.name: item.path[above:] for item in named if item.name and often[item.name] == 1}
        return {**groups, **{name: (name,) for name in self.file.codec.renamed if name}, **names}

    @property
    def is_plain(self) -> bool:
        """Tell whether a file is nothing but records of one length, so that its size tells how many there are."""
        framing = self.framing
        around = framing.header_bytes or framing.footer_bytes or framing.header_records or framing.trailer_records
        fixed = framing.recfm in {Recfm.F, Recfm.FB} and framing.bdw is None
        return fixed and not around and framing.compression is Compression.NONE

    @property
    def record_length(self) -> int:
        """Return the bytes of the longest record."""
        return self.framing.lrecl if self.is_plain and self.framing.lrecl else self.layout.length

    def read(self, stream: BinaryIO, start: Position, *, records: int) -> Iterator[RecordBatch]:
        """Yield the data records from a place on, so many at a time or fewer.

        Raises:
            FramingError: The file is not framed so; what came before has been yielded.
        """
        wanted = records * self.record_length
        size = wanted if self.is_plain else min(max(wanted, _LEAST_CHUNK), _MOST_CHUNK)
        measure = None if self.file is None else length_of(self.framing, self.file.codec)
        for batch in read(stream, self.framing, start=start, length_of=measure, chunk_bytes=size):
            if batch.role is Role.DATA:
                yield from (batch.cut(at, min(at + records, len(batch))) for at in range(0, len(batch), records))

    def encode(self, batch: RecordBatch, mapper: Mapper) -> tuple[Encoded, _Errors]:
        """Map records to events; also return what became none, by the index of the record in the batch."""
        data = self._rows(batch) if mapper.fields is not None or self.file is None else None
        if self.codec is not None and data is not None:
            return self._by_columns(self.codec, data, mapper)
        if self.file is None:
            raise ValueError("records of one length are what columns are made of")
        return self._by_record(self.file.codec, batch, mapper)

    def _rows(self, batch: RecordBatch) -> bytes | None:
        """Return the records one after the other, where all have the length that columns need."""
        if self.codec is None or (batch.lengths != self.codec.layout.length).any():
            return None
        rows = batch.rows()
        return None if rows is None else rows.tobytes()

    def _by_columns(self, codec: Codec, data: bytes, mapper: Mapper) -> tuple[Encoded, _Errors]:
        where = self.where or {}
        decoded = codec.only(None if mapper.fields is None else mapper.fields | set(where)).decode(data)
        left_out = {
            index
            for name, values in where.items()
            for index, value in enumerate(decoded.columns[name])
            if str(value) not in values and not _is_about(decoded.errors.get(index), name)
        }
        errors = {index: error for index, error in decoded.errors.items() if index not in left_out}
        encoded = mapper.encode(decoded.columns, skip=left_out | set(errors))
        return replace(encoded, skipped=encoded.skipped + len(left_out)), {**errors, **encoded.bad}

    def _by_record(self, codec: RowCodec, batch: RecordBatch, mapper: Mapper) -> tuple[Encoded, _Errors]:
        names, errors = self.names, dict[int, RecordError]()
        found: list[tuple[int, Mapping[str, Any]]] = []
        for index, original in enumerate(batch):
            try:
                record = codec.decode(original)
            except RecordError as error:
                errors[index] = error
                continue
            if all(str(_value(record, names[name])) in values for name, values in (self.where or {}).items()):
                found.append((index, record))
        wanted = mapper.fields
        records = [
            record if wanted is None else {name: _value(record, names[name]) for name in wanted} for _, record in found
        ]
        rows = [index for index, _ in found]
        encoded = mapper.encode_records(records)
        bad = {rows[at]: error for at, error in encoded.bad.items()}
        skipped = encoded.skipped + len(batch) - len(errors) - len(found)
        return replace(encoded, rows=_taken(rows, encoded.rows), bad=bad, skipped=skipped), {**errors, **bad}


def _taken(rows: Sequence[int], at: Sequence[int]) -> list[int]:
    return rows if len(at) == len(rows) and isinstance(rows, list) else [rows[each] for each in at]


def _is_about(error: RecordError | None, name: str) -> bool:
    return error is not None and error.field == name


def _value(record: object, path: tuple[str, ...]) -> object:
    """Return what stands at a place; of a table, what stands there in each occurrence. None is nothing."""
    for at, name in enumerate(path):
        if isinstance(record, list):
            return [_value(each, path[at:]) for each in cast("list[object]", record)]
        if not isinstance(record, dict):
            return None
        record = cast("dict[str, object]", record).get(name)
    return record
