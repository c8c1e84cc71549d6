"""From legacy records to events: one mapping for every kind of legacy system.

A mapping is a table of event fields,

    {"resident_id": "RES-ID", "status": ("RES-STATUS", {"A": "active", "C": "closed"}), "born": ("BORN", read_date)}

or a function from a record to an event, or to None for a record that is left out on purpose.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError
from typing_extensions import TypeIs

from contracts.cell import Cell, cell_of
from contracts.columnar import EncodedEvents, FieldJson, contract_error, event_encoder, leave_out
from contracts.errors import ConfigError, RecordError
from contracts.event import DataClass, Event, classification
from contracts.keys import CanonicalKey

__all__ = [
    "Converter",
    "Encoded",
    "EventMapping",
    "Mapper",
    "RecordFunction",
    "Table",
    "compile_mapping",
    "dates",
    "table_problems",
]

Converter: TypeAlias = Callable[[Any], object] | Mapping[Any, object]
"""From a legacy value to the event's: a pure function, or a code table. A code without an entry is an error."""
Table: TypeAlias = Mapping[str, str | tuple[str, Converter]]
"""From event field to legacy field, or to legacy field and converter."""
RecordFunction: TypeAlias = Callable[[Mapping[str, Any]], Event | None]
"""From a legacy record to an event; None leaves the record out."""
EventMapping: TypeAlias = Table | RecordFunction

_Columns: TypeAlias = Mapping[str, Sequence[Any]]
_Errors: TypeAlias = dict[int, RecordError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """The events of some records; `rows`, `keys` and `values` are of equal length."""

    rows: Sequence[int]
    """The index of each event's record in the input, ascending."""
    keys: Sequence[bytes]
    """Canonical keys, UTF-8."""
    values: Sequence[bytes]
    """JSON of the events, as `model_dump_json` writes it."""
    bad: Mapping[int, RecordError]
    """The first error of each record that became no event, by its index, ascending."""
    skipped: int
    """Records that the mapping left out on purpose."""


_UNFIT: Final = RecordError("event", expected="values that JSON can hold")
"""Half a surrogate pair, which a converter made."""


class Mapper:
    """A mapping that was checked and is ready to run; made by `compile_mapping`."""

    def __init__(self, model: type[Event], mapping: EventMapping, *, key: str, canonical: CanonicalKey) -> None:
        self._model, self._mapping, self._key, self._canonical = model, mapping, key, canonical
        mapped = mapping if _is_table(mapping) else model.model_fields
        self._encoder = event_encoder(model, mapped=mapped, key=key)

    @property
    def fields(self) -> frozenset[str] | None:
        """Return the legacy fields that are read; None is all of them."""
        return frozenset(map(_source, self._mapping.values())) if _is_table(self._mapping) else None

    @property
    def public(self) -> frozenset[str]:
        """Return the legacy fields whose values may be shown: every event field they go to is public."""
        if not _is_table(self._mapping):
            return frozenset()
        classes = classification(self._model)
        hidden = {_source(to) for name, to in self._mapping.items() if classes[name] is not DataClass.PUBLIC}
        return frozenset(map(_source, self._mapping.values())) - hidden

    @property
    def line(self) -> Sequence[bytes | Cell] | None:
        """Return what the JSON of each event is made of; None where it takes more than its fields one by one."""
        parts = self._encoder.line
        if parts is None or not _is_table(self._mapping):
            return None
        return [part if isinstance(part, bytes) else self._cell(part, self._mapping[part.name]) for part in parts]

    @staticmethod
    def _cell(field: FieldJson, to: str | tuple[str, Converter]) -> Cell:
        source, converter = (to, None) if isinstance(to, str) else to
        if converter is None or converter is str or not _is_code_table(converter):
            return cell_of(field, source, converter)
        return cell_of(field, source, converter.__getitem__, known=converter)

    @property
    def key(self) -> str:
        """Return the event's field that holds the key."""
        return self._key

    def encode(self, columns: _Columns, *, skip: Collection[int] = ()) -> Encoded:
        """Map, validate and encode records that come as columns of equal length.

        Args:
            columns: Values by legacy field.
            skip: Indices of records to leave alone, such as those that could not be decoded.
        """
        rows = range(len(next(iter(columns.values()), ())))
        batch = _Batch(rows=rows, columns=columns).without(skip)
        if _is_table(self._mapping):
            return self._by_table(self._mapping, batch)
        records = [dict(zip(columns, values, strict=True)) for values in zip(*batch.columns.values(), strict=True)]
        return self._by_function(self._mapping, records, batch.rows)

    def encode_records(self, records: Sequence[Mapping[str, Any]]) -> Encoded:
        """Map, validate and encode records one by one; a field that a record lacks is None."""
        rows = range(len(records))
        if not _is_table(self._mapping):
            return self._by_function(self._mapping, records, rows)
        columns = {name: [record.get(name) for record in records] for name in self.fields or ()}
        return self._by_table(self._mapping, _Batch(rows=rows, columns=columns))

    def _by_table(self, table: Table, batch: "_Batch") -> Encoded:
        mapped: dict[str, Sequence[Any]] = {}
        bad: _Errors = {}
        for name, to in table.items():
            mapped[name] = batch.columns[_source(to)]
            if not isinstance(to, str):
                mapped[name], errors = self._convert(name, mapped[name], to[1])
                bad = errors | bad
        rest = _Batch(rows=batch.rows, columns=mapped).without(bad)
        return self._keyed(self._encoded(rest), rest.rows, {batch.rows[i]: e for i, e in bad.items()})

    def _encoded(self, batch: "_Batch") -> EncodedEvents:
        with suppress(PydanticSerializationError):
            return self._encoder(batch.columns)
        values, keys, bad = list[bytes](), list[object](), dict[int, RecordError]()
        for index in range(len(batch.rows)):
            try:
                found = self._encoder({name: column[index : index + 1] for name, column in batch.columns.items()})
            except PydanticSerializationError:
                bad[index] = _UNFIT
                continue
            values += found.values
            keys += found.keys
            bad.update((index, error) for error in found.bad.values())
        return EncodedEvents(values=values, keys=keys, bad=bad)

    def _convert(self, name: str, values: Sequence[Any], converter: Converter) -> tuple[Sequence[Any], _Errors]:
        convert = converter.__getitem__ if _is_code_table(converter) else converter
        with suppress(Exception):
            return [*map(convert, values)], {}
        converted: list[Any] = []
        bad: _Errors = {}
        for index, value in enumerate(values):
            try:
                converted.append(convert(value))
            except Exception as error:  # noqa: BLE001 - whatever a converter raises makes a dead letter
                converted.append(None)
                bad[index] = self._converter_error(name, converter, error, value=value)
        return converted, bad

    def _converter_error(self, name: str, converter: Converter, error: Exception, *, value: object) -> RecordError:
        if not _is_code_table(converter):
            return RecordError(name, expected=f"a value that its converter takes ({type(error).__name__})")
        public = classification(self._model)[name] is DataClass.PUBLIC
        expected = "one of the codes " + ", ".join(map(repr, converter))
        return RecordError(name, expected=expected, raw=str(value).encode() if public else None)

    def _by_function(
        self, function: RecordFunction, records: Sequence[Mapping[str, Any]], rows: Sequence[int]
    ) -> Encoded:
        events: dict[int, Event] = {}
        values: list[bytes] = []
        bad: _Errors = {}
        skipped = 0
        for row, record in zip(rows, records, strict=True):
            try:
                event = function(record)
            except Exception as error:  # noqa: BLE001 - whatever a mapping function raises makes a dead letter
                bad[row] = self._function_error(error)
                continue
            if isinstance(event, self._model):
                try:
                    values.append(event.model_dump_json().encode())
                except PydanticSerializationError:
                    bad[row] = _UNFIT
                else:
                    events[row] = event
            elif event is None:
                skipped += 1
            else:
                bad[row] = RecordError("mapping", expected=f"{self._model.__name__} or None")
        encoded = EncodedEvents(
            values=values,
            keys=[getattr(event, self._key) for event in events.values()],
        )
        return self._keyed(encoded, list(events), bad, skipped=skipped)

    def _function_error(self, error: Exception) -> RecordError:
        if isinstance(error, RecordError):
            return RecordError(error.field, expected=error.expected)
        if isinstance(error, ValidationError):
            return contract_error(self._model, error.errors(include_url=False, include_input=False)[0])
        return RecordError("mapping", expected=f"a record that its function takes ({type(error).__name__})")

    def _keyed(self, events: EncodedEvents, rows: Sequence[int], bad: _Errors, *, skipped: int = 0) -> Encoded:
        bad = bad | {rows[index]: error for index, error in events.bad.items()}
        rows = _Batch(rows=rows, columns={}).without(events.bad).rows
        values = events.values
        keys, errors = self.canonical_keys(events.keys)
        if errors:
            bad = bad | {rows[index]: error for index, error in errors.items()}
            rows, values = leave_out(rows, errors), leave_out(values, errors)
        return Encoded(rows=rows, keys=keys, values=values, bad=dict(sorted(bad.items())), skipped=skipped)

    def canonical_keys(self, found: Sequence[object]) -> tuple[Sequence[bytes], Mapping[int, RecordError]]:
        """Return canonical keys of some values of the key field, and the errors of what makes none, by index."""
        texts = ["" if value is None else str(value) for value in found]
        with suppress(RecordError):
            return [key.encode() for key in self._canonical.of_all(texts)], {}
        keys: list[bytes] = []
        bad: _Errors = {}
        canonical = self._canonical.of
        for index, text in enumerate(texts):
            try:
                keys.append(canonical(text).encode())
            except RecordError as error:
                bad[index] = RecordError(self._key, expected=f"a key of {error.expected}")
        return keys, bad


def compile_mapping(
    model: type[Event],
    mapping: EventMapping,
    *,
    key: str,
    legacy: Collection[str],
    canonical: CanonicalKey | None = None,
) -> Mapper:
    """Check a mapping and make it ready to run.

    Args:
        model: The event's contract.
        mapping: A table or a function.
        key: The event field that holds the key.
        legacy: The names of all legacy fields.
        canonical: How the key is written.

    Raises:
        ConfigError: The mapping does not fit; holds every problem.
    """
    problems = [*_model_problems(model, key)]
    if _is_table(mapping):
        if key in model.model_fields and key not in mapping:
            problems.append(f"mapping: the key {key!r} needs a legacy field")
        problems += table_problems(model, mapping, legacy)
    if problems:
        raise ConfigError(problems)
    return Mapper(model, mapping, key=key, canonical=canonical or CanonicalKey())


def _model_problems(model: type[Event], key: str) -> Iterator[str]:
    for name in ("type", "topic"):
        if not hasattr(model, name):
            yield f"{model.__name__} has no {name}"
    if key not in model.model_fields:
        yield f"key: {model.__name__} has no field {key!r}{_instead(key, model.model_fields)}"


def table_problems(
    model: type[BaseModel], table: Table, legacy: Collection[str], *, filled: Collection[str] = ()
) -> Iterator[str]:
    """Yield what keeps a table from filling a model, one sentence each.

    Args:
        model: What is filled.
        table: The table.
        legacy: The names of all legacy fields.
        filled: Fields that get their value from elsewhere.
    """
    for name, to in table.items():
        if name not in model.model_fields:
            yield f"mapping: {model.__name__} has no field {name!r}{_instead(name, model.model_fields)}"
        if _source(to) not in legacy:
            yield f"mapping: {name}: there is no legacy field {_source(to)!r}{_instead(_source(to), legacy)}"
    for name, info in model.model_fields.items():
        if info.is_required() and name not in table and name not in filled:
            yield f"mapping: {model.__name__} needs a value for {name!r}"


def _instead(name: str, known: Collection[str]) -> str:
    by_fold = {other.casefold(): other for other in known}
    close = [by_fold[found] for found in get_close_matches(name.casefold(), by_fold)]
    return f"; did you mean {' or '.join(close)}?" if close else f"; there are {', '.join(known)}"


def _is_table(mapping: EventMapping) -> TypeIs[Table]:
    return isinstance(mapping, Mapping)


def _is_code_table(converter: Converter) -> TypeIs[Mapping[Any, object]]:
    return isinstance(converter, Mapping)


def _source(to: str | tuple[str, Converter]) -> str:
    return to if isinstance(to, str) else to[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Some rows of the input, and their columns."""

    rows: Sequence[int]
    columns: _Columns

    def without(self, bad: Collection[int]) -> "_Batch":
        """Return the rest, given what to leave out by its index in this batch."""
        if not bad:
            return self
        columns = {name: leave_out(column, bad) for name, column in self.columns.items()}
        return _Batch(rows=leave_out(self.rows, bad), columns=columns)


def dates(form: str) -> Callable[[Any], date]:
    """Return a converter from a date as the legacy system writes it, by `strptime`'s form, to a date.

    A number is taken with its leading zeros, as `PIC 9(8)` has them.

    >>> dates("%Y%m%d")("20261121"), dates("%d%m%Y")(1022026)
    (datetime.date(2026, 11, 21), datetime.date(2026, 2, 1))

    Raises:
        ValueError: By the converter: it is no such date; a blank and a date of zeros are none.
    """
    digits = len(date(2000, 1, 1).strftime(form))

    def convert(value: Any) -> date:  # noqa: ANN401 - whatever the legacy field holds
        text = f"{value:0{digits}d}" if isinstance(value, int) else str(value)
        return datetime.strptime(text, form).replace(tzinfo=UTC).date()

    return convert
