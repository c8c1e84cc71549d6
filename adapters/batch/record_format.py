"""How a file's bytes become records, and records what a mapping takes. Pure."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import BinaryIO, Final, Self, TypeAlias

import numpy as np
from pydantic import ValidationError

from adapters.batch.by_columns import ByColumns
from adapters.batch.part import Errors, merged, picked, placed, value_at
from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.check import Check, require_fields
from contracts.legacy.copybook import Codec, Layout, Record
from contracts.legacy.copybook.compile import Compiler
from contracts.legacy.copybook.leaf import Leaf
from contracts.legacy.file_spec import FileSpec, length_of
from contracts.legacy.framing import Compression, Framing, Position, Recfm, RecordBatch, Role, read
from contracts.legacy.record_file import RecordFile
from contracts.legacy.tree import Trees, id_names, is_too_large
from contracts.mapping import Encoded, Mapper

__all__ = ["RecordFormat"]

_LEAST_CHUNK: Final = 1 << 16
_MOST_CHUNK: Final = 1 << 22

_Found: TypeAlias = Record | RecordError | None
"""What a record or tree is; None is not asked for."""


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
    description: str = ""
    """All that was told of the file besides, where it was described."""
    checks: tuple[Check, ...] = ()
    id_prefix: str | None = None
    """What ids of records begin with; None is the delivery's stream."""
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
            description=repr(spec),
            checks=spec.checks,
            id_prefix=spec.id_prefix,
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
        below = [] if self.trees is None else [n for n in where if self.trees.kinship.is_below(fields[n].path)]
        if below:
            raise ConfigError(f"where: {name} stands below a root, so a tree has several" for name in sorted(below))
        return replace(self, where=where or None)

    @cached_property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """Return what a mapping may name, and where it is in a record: fields, and where records are nested, groups.

        A name that is not unique is there as a path joined with dots, as in `Layout.by_name`.
        """
        if self.file is None:
            return {name: (name,) for name in self.layout.by_name}
        above = len(self.file.codec.root.item.path)
        names = {name: self._place(field.path, above) for name, field in self.layout.by_name.items()}
        named = [item for item in self.layout.walk() if item.name and item.path[above:]]
        often = Counter(item.name for item in named)
        groups = {item.name: self._place(item.path, above) for item in named if item.name and often[item.name] == 1}
        others = [*self.file.codec.renamed, *(id_names(1) if self.file.has_ids else ())]
        return {**groups, **{name: (name,) for name in others if name}, **names}

    def _place(self, path: tuple[str, ...], above: int) -> tuple[str, ...]:
        return path[above:] if self.trees is None else self.trees.kinship.place(path)

    @property
    def trees(self) -> Trees | None:
        """Return what reads records that stand below others, where they do."""
        return None if self.file is None else self.file.trees

    @property
    def fingerprint(self) -> str:
        """Return what is equal only of formats that read a file alike."""
        where = sorted((name, sorted(values)) for name, values in (self.where or {}).items())
        told = (self.layout, self.description, self.code_page, where)
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
        """Yield the data records from a place on, so many at a time or fewer; more only where they are one tree.

        Where groups stand below others, the place is one between two trees: where a batch of ours ended.

        Raises:
            FramingError: The file is not framed so; what came before has been yielded.
        """
        wanted = records * self.record_length
        size = wanted if self.is_plain else min(max(wanted, _LEAST_CHUNK), _MOST_CHUNK)
        measure = None if self.file is None else length_of(self.framing, self.file.codec)
        batches = read(stream, self.framing, start=start, length_of=measure, chunk_bytes=size)
        data = (batch for batch in batches if batch.role is Role.DATA)
        if self.trees is not None:
            yield from self.trees.whole(data, records=records)
            return
        for batch in data:
            yield from (batch.cut(at, min(at + records, len(batch))) for at in range(0, len(batch), records))

    def spans(self, batch: RecordBatch, errors: Errors) -> Mapping[int, range]:
        """Return which records belong to each error that `encode` returned, by the index of the first."""
        runs = {} if self.trees is None else {run.start: run for run in self.trees.runs(batch)}
        return {
            row: range(row, row + 1) if is_too_large(error) or row not in runs else runs[row]
            for row, error in errors.items()
        }

    def encode(self, batch: RecordBatch, mapper: Mapper, *, stream: str = "") -> tuple[Encoded, Errors]:
        """Map records to events; also return what became none, by the index of the record in the batch.

        What a record becomes depends on the record alone, never on those that it is read with. A tree becomes what its
        root does; where it is refused, the error is that of its root, unless it is too large: then each record has one.

        Args:
            batch: Records, or whole trees.
            mapper: How they are mapped.
            stream: Of the delivery; ids of records begin with it, where they get any.
        """
        prefix = stream if self.id_prefix is None else self.id_prefix
        columns = self._columns_for(mapper)
        if columns is None:
            return self._by_record(batch, mapper, prefix)
        fits = batch.lengths == self.layout.length
        if fits.all():
            return columns.encode(batch, mapper)
        some, others = np.flatnonzero(fits), np.flatnonzero(~fits)
        parts = [
            placed(columns.encode(picked(batch, some), mapper), some),
            placed(self._by_record(picked(batch, others), mapper, prefix), others),
        ]
        return merged([encoded for encoded, _ in parts]), {**parts[0][1], **parts[1][1]}

    def _columns_for(self, mapper: Mapper) -> ByColumns | None:
        """Return what makes events by columns, where the mapping needs no more than they hold."""
        if self.file is None:
            return self._columns
        wanted = None if mapper.fields is None else mapper.fields | set(self.where or ())
        return self._columns if wanted is not None and wanted <= self.layout.by_name.keys() else None

    @cached_property
    def _columns(self) -> ByColumns | None:
        return None if self.codec is None else ByColumns(self.codec, self.where or {})

    def _by_record(self, batch: RecordBatch, mapper: Mapper, prefix: str) -> tuple[Encoded, Errors]:
        errors: dict[int, RecordError] = {}
        found: list[tuple[int, Record]] = []
        left_out = 0
        for index, record in self._records(batch, prefix):
            if isinstance(record, RecordError):
                errors[index] = record
            elif record is None:
                left_out += 1
            else:
                found.append((index, record))
        names, wanted = self.names, mapper.fields
        encoded = mapper.encode_records(
            [record if wanted is None else {n: value_at(record, names[n]) for n in wanted} for _, record in found]
        )
        rows = np.array([index for index, _ in found], np.int64)
        its, bad = placed((encoded, encoded.bad), rows)
        return replace(its, skipped=encoded.skipped + left_out), {**errors, **bad}

    def _records(self, batch: RecordBatch, prefix: str) -> Iterator[tuple[int, _Found]]:
        """Yield what each record is, or each tree at its root; None is not asked for."""
        if self.trees is not None:
            for run in self.trees.runs(batch):
                yield from self._tree(self.trees, batch, run, prefix=prefix)
            return
        for index, original in enumerate(batch):
            found = self._record(original)
            if self.file is not None and isinstance(found, dict):
                found = self.file.identified(found, batch, index, prefix=prefix)
            yield index, found

    def _tree(self, trees: Trees, batch: RecordBatch, run: range, *, prefix: str) -> Iterator[tuple[int, _Found]]:
        found = trees.read(batch, run, prefix=prefix)
        if isinstance(found, dict):
            yield run.start, found if self._is_wanted(found) else None
        elif not trees.is_orphan(batch, run) and self._is_other(batch.record(run.start)):
            yield run.start, None
        elif found.is_large:
            yield from found.errors.items()
        else:
            yield run.start, found.told(run.start, batch.first)

    def _record(self, original: bytes) -> _Found:
        if self.file is None:
            expected = f"{self.layout.length} bytes, and the mapping's fields in them"
            return RecordError("record", expected=expected, start=0, code="length")
        try:
            record = self.file.codec.decode(original)
        except RecordError as error:
            return None if self._is_other(original) else error
        return record if self._is_wanted(record) else None

    def _is_wanted(self, record: Record) -> bool:
        where = self.where or {}
        return all(str(value_at(record, self.names[name])) in values for name, values in where.items())

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
