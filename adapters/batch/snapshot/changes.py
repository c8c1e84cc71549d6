"""From changed records to events: which model each change becomes, and how it is filled."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from typing_extensions import TypeIs

from contracts.errors import ConfigError, RecordError
from contracts.event import Event
from contracts.keys import CanonicalKey
from contracts.legacy.copybook import Codec
from contracts.mapping import (
    Converter,
    Encoded,
    EventMapping,
    Mapper,
    RecordFunction,
    Table,
    compile_mapping,
    table_problems,
)

__all__ = ["Change", "ChangeEvents", "Changes", "Maker", "compile_changes"]

Change: TypeAlias = Literal["created", "updated", "deleted"]
_Record: TypeAlias = Mapping[str, Any]

_KINDS: tuple[Change, ...] = get_args(Change)
_SIDES = ("before", "after")
_FILLED = ("change", *_SIDES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The event that each change becomes; None is the adapter's model, and for `deleted` a tombstone.

    A model takes the entries of the adapter's table that it has fields for: of the record as it is now, and of the
    last one where it was deleted. Fields `change`, `before` and `after` that are not in the table are filled: with
    `created`, `updated` or `deleted`, and with the same entries of the record before and after the change.

    A mapping function gets the record with the keys `change`, `before` and `after` besides, the latter two records
    or None.
    """

    created: type[Event] | None = None
    updated: type[Event] | None = None
    deleted: type[Event] | None = None


class Maker:
    """Makes the events of one kind of change."""

    def __init__(self, model: type[Event], mapper: Mapper, codec: Codec, *, whole: Change | None) -> None:
        self.model, self.public = model, mapper.public
        self._mapper, self._codec = mapper, codec.only(mapper.fields)
        self._whole: Change | None = whole
        """The change that a function sees as a whole; None maps one record by columns, which is far faster."""

    def encode(self, *, before: Sequence[bytes] = (), after: Sequence[bytes] = ()) -> Encoded:
        """Decode, map and encode changes, given the records on one or on both sides."""
        if self._whole is not None:
            return self._by_function(self._whole, before, after)
        decoded = self._codec.decode(b"".join(after or before))
        encoded = self._mapper.encode(decoded.columns, skip=decoded.errors)
        return replace(encoded, bad={**decoded.errors, **encoded.bad})

    def _by_function(self, change: Change, before: Sequence[bytes], after: Sequence[bytes]) -> Encoded:
        bad: dict[int, RecordError] = {}
        sides: dict[str, list[_Record]] = {}
        for side, raw in zip(_SIDES, (before, after), strict=True):
            decoded = self._codec.decode(b"".join(raw))
            bad = {**bad, **decoded.errors}
            rows = zip(*decoded.columns.values(), strict=True)
            sides[side] = [dict(zip(decoded.columns, row, strict=True)) for row in rows]
        good = [row for row in range(max(len(before), len(after))) if row not in bad]
        records = [
            _seen(change, {side: found[row] if found else None for side, found in sides.items()}) for row in good
        ]
        encoded = self._mapper.encode_records(records)
        bad |= {good[row]: error for row, error in encoded.bad.items()}
        return replace(encoded, rows=[good[row] for row in encoded.rows], bad=dict(sorted(bad.items())))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvents:
    """A mapping of changes that was checked and is ready to run."""

    mapper: Mapper
    """Of what is created."""
    model: type[Event]
    """Whose tombstones are published."""
    created: Maker
    updated: Maker
    deleted: Maker | None
    """None publishes tombstones."""
    keeps_records: bool
    """An event shows what was before, so the records themselves are kept."""


def compile_changes(
    model: type[Event],
    mapping: EventMapping,
    *,
    changes: Changes | None,
    key: str,
    codec: Codec,
    canonical: CanonicalKey | None = None,
) -> ChangeEvents:
    """Check which events changes become, and make that ready to run.

    Raises:
        ConfigError: The mapping does not fit; holds every problem.
    """
    wanted = changes or Changes()
    models = {"created": wanted.created or model, "updated": wanted.updated or model, "deleted": wanted.deleted}
    problems = [*_unused(mapping, [found for found in models.values() if found])]
    mappers: dict[Change, tuple[type[Event], Mapper, bool]] = {}
    for change in _KINDS:
        if (found := models[change]) is None:
            continue
        whole = _is_whole(found, mapping, has_changes=changes is not None)
        try:
            fitted = _fitted(found, mapping, change if whole else None, codec=codec)
            legacy = codec.layout.by_name
            mappers[change] = found, compile_mapping(found, fitted, key=key, legacy=legacy, canonical=canonical), whole
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    makers = {c: Maker(m, mapper, codec, whole=c if whole else None) for c, (m, mapper, whole) in mappers.items()}
    return ChangeEvents(
        mapper=mappers["created"][1],
        model=model,
        created=makers["created"],
        updated=makers["updated"],
        deleted=makers.get("deleted"),
        keeps_records="deleted" in makers or mappers["updated"][2],
    )


def _is_whole(model: type[Event], mapping: EventMapping, *, has_changes: bool) -> bool:
    if not _is_table(mapping):
        return has_changes
    return any(name in model.model_fields and name not in mapping for name in _FILLED)


def _fitted(model: type[Event], mapping: EventMapping, whole: Change | None, *, codec: Codec) -> EventMapping:
    """Return a mapping for one model; `whole` is the change that it sees as a whole."""
    if not _is_table(mapping):
        return mapping
    own = {name: to for name, to in mapping.items() if name in model.model_fields}
    if whole is None:
        return own
    nested = {s: _nested(model.model_fields[s]) for s in _SIDES if s in model.model_fields and s not in mapping}
    problems = [*table_problems(model, own, codec.layout.by_name, filled=_FILLED)]
    problems += _change_problems(model, own, whole)
    for side, inner in nested.items():
        if inner is None:
            problems.append(f"{model.__name__}.{side}: expected a model of the record, or the same or None")
            continue
        problems += table_problems(inner, _part(inner, mapping), codec.layout.by_name)
    if problems:
        raise ConfigError(problems)
    return _filling(model, mapping, {side: inner for side, inner in nested.items() if inner is not None})


def _filling(model: type[Event], table: Table, nested: Mapping[str, type[BaseModel]]) -> RecordFunction:
    """Return a function from a change, as a mapping function sees it, to an event."""
    own = {name: to for name, to in table.items() if name in model.model_fields}
    inner = {side: _part(of, table) for side, of in nested.items()}
    change = {"change"} & (model.model_fields.keys() - own.keys())

    def fill(record: _Record) -> Event:
        values: dict[str, object] = {name: record[name] for name in change}
        values |= {name: _value(name, to, record) for name, to in own.items()}
        for side, entries in inner.items():
            seen = record[side]
            values[side] = None if seen is None else {name: _value(name, to, seen) for name, to in entries.items()}
        return model.model_validate(values)

    return fill


def _seen(change: Change, sides: Mapping[str, _Record | None]) -> _Record:
    return {**(sides["after"] or sides["before"] or {}), "change": change, **sides}


def _value(name: str, to: str | tuple[str, Converter], record: _Record) -> object:
    if isinstance(to, str):
        return record[to]
    source, converter = to
    convert: Callable[[Any], object] = converter.__getitem__ if _is_codes(converter) else converter
    try:
        return convert(record[source])
    except Exception as error:
        # Whatever a converter raises makes a dead letter.
        expected = f"a value that its converter takes ({type(error).__name__})"
        if _is_codes(converter):
            expected = "one of the codes " + ", ".join(map(repr, converter))
        raise RecordError(name, expected=expected) from error


def _unused(mapping: EventMapping, models: Sequence[type[Event]]) -> Iterator[str]:
    if not _is_table(mapping):
        return
    fields = {name for model in models for name in model.model_fields}
    inner = (_nested(model.model_fields[side]) for model in models for side in _SIDES if side in model.model_fields)
    fields |= set(chain.from_iterable(found.model_fields for found in inner if found))
    names = ", ".join(dict.fromkeys(model.__name__ for model in models))
    for name in mapping:
        if name not in fields:
            yield f"mapping: there is no field {name!r} in {names}"


def _change_problems(model: type[Event], own: Table, change: Change) -> Iterator[str]:
    field = model.model_fields.get("change")
    if field is None or "change" in own:
        return
    taken: TypeAdapter[Any] = TypeAdapter(field.annotation or Any)
    try:
        taken.validate_python(change)
    except ValidationError:
        yield f"{model.__name__}.change: does not take {change!r}"


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    options = (field.annotation, *get_args(field.annotation))
    return next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)


def _part(model: type[BaseModel], table: Table) -> Table:
    return {name: to for name, to in table.items() if name in model.model_fields}


def _is_table(mapping: EventMapping) -> TypeIs[Table]:
    return isinstance(mapping, Mapping)


def _is_codes(converter: Converter) -> TypeIs[Mapping[Any, object]]:
    return isinstance(converter, Mapping)
