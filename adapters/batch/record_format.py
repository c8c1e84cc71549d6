"""How a file's bytes become records, and records what a mapping takes. Pure."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, BinaryIO, Final, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from adapters.batch.event_lines import EventLines
from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.check import Check, require_fields
from contracts.legacy.copybook import Codec, Layout
from contracts.legacy.copybook.compile import Compiler
from contracts.legacy.copybook.leaf import Leaf
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
    _lines: dict[Mapper, EventLines | None] = field(default_factory=dict["Mapper", "EventLines | None"], init=False)

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
        require_fields(spec.checks, {Role.DATA: layout, **ends})
        try:
            file = RecordFile(spec, layout, ends)
        except ValidationError as error:
            raise ConfigError(
                f"framing: {each['msg'].removeprefix('Value error, ')}" for each in error.errors(include_url=False)
            ) from error
        try:
            codec = Codec(layout, options=file.codec.options)
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
        fields = self.layout.by_name
        unknown = sorted(set(where) - set(fields))
        if unknown:
            raise ConfigError(f"where: the copybook has no field {name}" for name in unknown)
        tables = sorted(name for name in where if fields[name].dimensions)
        if tables:
            raise ConfigError(f"where: {name} is in a table, so a record has several" for name in tables)
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
    def fingerprint(self) -> str:
        """Return what is equal only of formats that read a file alike."""
        options = self.file.codec.options if self.file else self.codec and self.codec.options
        told = (self.layout, options, self.framing.model_dump(), self.where and sorted(self.where))
        return hashlib.sha256(repr(told).encode()).hexdigest()

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
        """Map records to events; also return what became none, by the index of the record in the batch.

        What a record becomes depends on the record alone, never on those that it is read with.
        """
        codec = self._columns_for(mapper)
        if codec is None:
            return self._by_record(batch, mapper)
        fits = batch.lengths == codec.layout.length
        if fits.all():
            return self._by_lines(codec, batch, mapper)
        some, others = np.flatnonzero(fits), np.flatnonzero(~fits)
        parts = [
            _placed(self._by_lines(codec, _picked(batch, some), mapper), some),
            _placed(self._by_record(_picked(batch, others), mapper), others),
        ]
        return _merged([encoded for encoded, _ in parts]), {**parts[0][1], **parts[1][1]}

    def _columns_for(self, mapper: Mapper) -> Codec | None:
        """Return what decodes by columns, where the mapping needs no more than they hold."""
        if self.file is None:
            return self.codec
        wanted = None if mapper.fields is None else mapper.fields | set(self.where or ())
        return self.codec if wanted is not None and wanted <= self.layout.by_name.keys() else None

    def _by_lines(self, codec: Codec, batch: RecordBatch, mapper: Mapper) -> tuple[Encoded, _Errors]:
        """Make events without an object for each field, and leave the records to columns that are not plain."""
        lines = self._lines_for(codec, mapper)
        if lines is None:
            return self._by_columns(codec, batch, mapper)
        asked = self._asked(codec, batch)
        encoded, others = lines.encode(batch if asked is None else _picked(batch, asked))
        if asked is not None:
            (encoded, _), others = _placed((encoded, {}), asked), asked[others]
            others = np.union1d(others, np.setdiff1d(np.arange(len(batch)), asked))
        if not len(others):
            return encoded, {}
        rest, errors = _placed(self._by_columns(codec, _picked(batch, others), mapper), others)
        return _merged([encoded, rest]), errors

    def _asked(self, codec: Codec, batch: RecordBatch) -> NDArray[np.int64] | None:
        """Return which records are asked for, as far as that can be read; None is all."""
        if not self.where:
            return None
        told = codec.only(set(self.where)).decode(_data(batch), len(batch))
        is_asked = np.ones(len(batch), np.bool_)
        for name, values in self.where.items():
            is_asked &= np.fromiter((str(value) in values for value in told.columns[name]), np.bool_, len(batch))
        is_asked[list(told.errors)] = False
        return np.flatnonzero(is_asked)

    def _lines_for(self, codec: Codec, mapper: Mapper) -> EventLines | None:
        if mapper not in self._lines:
            self._lines[mapper] = EventLines.of(codec, mapper)
        return self._lines[mapper]

    def _by_columns(self, codec: Codec, batch: RecordBatch, mapper: Mapper) -> tuple[Encoded, _Errors]:
        data = _data(batch)
        told = codec.only(set(self.where or ())).decode(data, len(batch))
        left_out = {
            index
            for name, values in (self.where or {}).items()
            for index, value in enumerate(told.columns[name])
            if index not in told.errors and str(value) not in values
        }
        decoded = codec.only(mapper.fields).decode(data)
        errors = {index: e for index, e in {**decoded.errors, **told.errors}.items() if index not in left_out}
        encoded = mapper.encode(decoded.columns, skip=left_out | set(errors))
        return replace(encoded, skipped=encoded.skipped + len(left_out)), {**errors, **encoded.bad}

    def _by_record(self, batch: RecordBatch, mapper: Mapper) -> tuple[Encoded, _Errors]:
        errors: dict[int, RecordError] = {}
        found: list[tuple[int, Mapping[str, Any]]] = []
        for index, original in enumerate(batch):
            try:
                record = self._record(original)
            except RecordError as error:
                errors[index] = error
                continue
            if record is not None:
                found.append((index, record))
        names, wanted = self.names, mapper.fields
        encoded = mapper.encode_records(
            [record if wanted is None else {n: _value(record, names[n]) for n in wanted} for _, record in found]
        )
        rows = np.array([index for index, _ in found], np.int64)
        placed, bad = _placed((encoded, encoded.bad), rows)
        skipped = encoded.skipped + len(batch) - len(errors) - len(found)
        return replace(placed, skipped=skipped), {**errors, **bad}

    def _record(self, original: bytes) -> Mapping[str, Any] | None:
        """Return a record's values, or None where it is not asked for."""
        where = self.where or {}
        if self.file is None:
            expected = f"{self.layout.length} bytes, and the mapping's fields in them"
            raise RecordError("record", expected=expected, start=0, code="length")
        try:
            record = self.file.codec.decode(original)
        except RecordError:
            if self._is_other(original):
                return None
            raise
        wanted = all(str(_value(record, self.names[name])) in values for name, values in where.items())
        return record if wanted else None

    def _is_other(self, original: bytes) -> bool:
        """Tell whether a record that can't be read is of a kind that is not asked for: it may be of another form."""
        for name, values in (self.where or {}).items():
            leaf, item = self._leaves[name], self.layout.by_name[name]
            if leaf is None or len(original) < item.offset + item.length:
                continue
            with suppress(RecordError):
                if str(leaf.decode(original[item.offset : item.offset + item.length], item.offset)) not in values:
                    return True
        return False

    @cached_property
    def _leaves(self) -> Mapping[str, Leaf | None]:
        """Return what reads each field of `where` alone; None where what comes before it varies in length."""
        if self.file is None:
            return {}
        compiler, found = Compiler(self.layout, self.file.codec.options), dict[str, Leaf | None]()
        tables = [item.offset for item in self.layout.walk() if item.occurs and item.is_variable]
        first = min(tables, default=self.layout.length)
        for name in self.where or {}:
            field = self.layout.by_name[name]
            found[name] = compiler.leaf(field).leaf if field.offset < first else None
        return found


def _data(batch: RecordBatch) -> bytes:
    """Return the bytes of records of one length."""
    rows = batch.rows()
    if rows is None:
        raise ValueError("expected records of one length")
    return rows.tobytes()


def _picked(batch: RecordBatch, at: NDArray[np.int64]) -> RecordBatch:
    """Return some records of a batch, to be decoded; their places in the file are those of the whole batch."""
    return replace(batch, offsets=batch.offsets[at], lengths=batch.lengths[at], block_ends=None, segments=None)


def _placed(part: tuple[Encoded, _Errors], at: NDArray[np.int64]) -> tuple[Encoded, _Errors]:
    """Return what became of some records by their index in the whole batch."""
    encoded, errors = part
    rows = at.tolist()
    placed = replace(
        encoded, rows=[rows[each] for each in encoded.rows], bad={rows[i]: e for i, e in encoded.bad.items()}
    )
    return placed, {rows[index]: error for index, error in errors.items()}


def _merged(parts: Sequence[Encoded]) -> Encoded:
    """Return the events of several parts in the order of their records."""
    events = sorted(
        (event for part in parts for event in zip(part.rows, part.keys, part.values, strict=True)),
        key=lambda event: event[0],
    )
    return Encoded(
        rows=[row for row, _, _ in events],
        keys=[key for _, key, _ in events],
        values=[value for _, _, value in events],
        bad=dict(sorted(item for part in parts for item in part.bad.items())),
        skipped=sum(part.skipped for part in parts),
    )


def _value(record: object, path: tuple[str, ...]) -> object:
    """Return what stands at a place; of a table, what stands there in each occurrence. None is nothing."""
    for at, name in enumerate(path):
        if isinstance(record, list):
            return [_value(each, path[at:]) for each in cast("list[object]", record)]
        if not isinstance(record, dict):
            return None
        record = cast("dict[str, object]", record).get(name)
    return record
