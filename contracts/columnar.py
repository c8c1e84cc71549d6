"""Validate and encode events of one model a column at a time, exactly as pydantic does one at a time.

Validating an event one at a time costs more than decoding it. A *flat* model - scalar fields and nothing
that looks at several fields at once - is validated in one call for each field instead, and its JSON is put
together from the fields' JSON. Every other model goes through pydantic event by event. Both ways give what
`model_validate` and `model_dump_json` give; a test holds them to it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from itertools import compress
from types import GenericAlias, UnionType
from typing import Annotated, Any, Final, Literal, Protocol, TypeVar, Union, get_args, get_origin
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from contracts.errors import RecordError
from contracts.event import DataClass, Event, IsoText, classification

__all__ = ["EncodedEvents", "EventEncoder", "FieldJson", "contract_error", "event_encoder", "leave_out"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedEvents:
    """Validated events in their order, without those that are bad."""

    values: Sequence[bytes]
    """JSON, as `model_dump_json` writes it."""
    keys: Sequence[object]
    """The validated value of the key field of each."""
    bad: Mapping[int, RecordError] = field(default_factory=dict[int, RecordError])
    """The first error of each event that breaks its contract, by its index in the input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldJson:
    """One field of an event's JSON."""

    name: str
    as_is: frozenset[type]
    """The types of values that the contract takes all of, and that JSON has as it has them elsewhere: a Decimal in
    quotes."""
    in_quotes: frozenset[type]
    """The same of those whose JSON has quotes around it."""
    show: Callable[[object], bytes]
    """Return the JSON of a value; raises pydantic's ValidationError where the contract does not take it."""


class EventEncoder(Protocol):
    """Validates and encodes events of one model."""

    @property
    def line(self) -> Sequence[bytes | FieldJson] | None:
        """Return what the JSON of each event is made of; None where it is not so simple."""
        ...

    def __call__(self, columns: Mapping[str, Sequence[object]]) -> EncodedEvents:
        """Take columns of equal length by field name; what is not mapped takes its default."""
        ...


def event_encoder(model: type[Event], *, mapped: Collection[str], key: str) -> EventEncoder:
    """Return the fastest encoder that is right for a model, given which of its fields have a column."""
    kinds = _flat_kinds(model, mapped)
    return _ByEvent(model, key) if kinds is None else _ByColumn(model, kinds, key)


def contract_error(model: type[Event], error: ErrorDetails, field: str | None = None) -> RecordError:
    """Translate one pydantic error; of a field that is not public, no text that could hold its value.

    Args:
        model: The event's contract.
        error: The first error of an event.
        field: The field, where the error's location does not begin with it.
    """
    name = field or (str(error["loc"][0]) if error["loc"] else "event")
    shown = classification(model).get(name) is DataClass.PUBLIC or error["type"] in _WITHOUT_VALUE
    expected = error["msg"].removeprefix("Input should be ") if shown else "a value that its contract takes"
    if error["type"] == "string_type":
        expected = "text; of a number, a converter such as `str` makes it"
    return RecordError(name, expected=expected)


_WITHOUT_VALUE: Final = {*get_args(ErrorType)} - {"assertion_error", "union_tag_invalid", "value_error"}
"""The errors whose text never holds the value."""


def leave_out(values: Sequence[_T], bad: Collection[int]) -> list[_T]:
    """Return the values in their order without those at these indices."""
    keep = bytearray(b"\1") * len(values)
    for index in bad:
        keep[index] = 0
    return list(compress(values, keep))


class _Many:
    """A type, validated many values at a time."""

    def __init__(self, kind: Any) -> None:  # noqa: ANN401 - a type that is known at run time only
        self.one: TypeAdapter[Any] = TypeAdapter(kind)
        many: Any = GenericAlias(list, (kind,))
        self.many: TypeAdapter[list[Any]] = TypeAdapter(many)

    def show(self, value: object) -> bytes:
        """Return the JSON of a value. Raises ValidationError where it is none."""
        return self.one.dump_json(self.one.validate_python(value))

    def validate(self, values: Sequence[object]) -> tuple[list[Any], dict[int, ErrorDetails]]:
        """Return the validated values, None where there is an error, and the first error of each."""
        try:
            return [*self.many.validate_python(values)], {}
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
        errors = {int(detail["loc"][0]): detail for detail in reversed(details)}
        for detail in details:
            detail["loc"] = detail["loc"][1:]
        validated: list[Any] = self.many.validate_python(leave_out(values, errors))
        for index in sorted(errors):
            validated.insert(index, None)
        return validated, errors


class _ByEvent:
    def __init__(self, model: type[Event], key: str) -> None:
        self._model, self._key = model, key
        self._events = _Many(model)

    @property
    def line(self) -> None:
        return None

    def __call__(self, columns: Mapping[str, Sequence[object]]) -> EncodedEvents:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        events, errors = self._events.validate(rows)
        good = [event for event in events if event is not None]
        return EncodedEvents(
            values=[event.model_dump_json().encode() for event in good],
            keys=[getattr(event, self._key) for event in good],
            bad={index: contract_error(self._model, errors[index]) for index in sorted(errors)},
        )


class _ByColumn:
    def __init__(self, model: type[Event], kinds: Mapping[str, "_Kind"], key: str) -> None:
        self._model, self._key = model, key
        self._columns = {name: (_Many(_annotated(model.model_fields[name])), kind) for name, kind in kinds.items()}
        parts = [b'"%b":%b' % (name.encode(), self._placeholder(name)) for name in model.model_fields]
        self._template = b"{" + b",".join(parts) + b"}"

    @property
    def line(self) -> Sequence[bytes | FieldJson] | None:
        if _key_kind(self._model.model_fields[self._key]) not in _KEYS:
            return None
        parts: list[bytes | FieldJson] = []
        for at, (name, info) in enumerate(self._model.model_fields.items()):
            parts.append(b'%b"%b":' % (b"," if at else b"{", name.encode()))
            if name in self._columns:
                as_is, in_quotes = _untouched(info)
                show = self._columns[name][0].show
                parts.append(FieldJson(name=name, as_is=as_is, in_quotes=in_quotes, show=show))
            else:
                parts.append(self._placeholder(name).replace(b"%%", b"%"))
        return [*parts, b"}"]

    def _placeholder(self, name: str) -> bytes:
        """Return where a column's JSON goes, or the JSON of the default of a field that has no column."""
        if name in self._columns:
            return self._columns[name][1].placeholder
        info = self._model.model_fields[name]
        return _Many(_annotated(info)).one.dump_json(info.default).replace(b"%", b"%%")

    def __call__(self, columns: Mapping[str, Sequence[object]]) -> EncodedEvents:
        found: dict[str, list[Any]] = {}
        bad: dict[int, RecordError] = {}
        for name, (many, _) in self._columns.items():
            found[name], errors = many.validate(columns[name])
            for index, error in errors.items():
                bad.setdefault(index, contract_error(self._model, error, name))
        if bad:
            found = {name: leave_out(column, bad) for name, column in found.items()}
        json = [kind.dump(many, found[name]) for name, (many, kind) in self._columns.items()]
        values = [self._template % row for row in zip(*json, strict=True)]
        return EncodedEvents(values=values, keys=found[self._key], bad=dict(sorted(bad.items())))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How the JSON of a column is cut into the JSON of its values."""

    placeholder: bytes
    dump: Callable[[_Many, Sequence[Any]], Sequence[bytes]]


def _dump_strings(many: _Many, values: Sequence[Any]) -> list[bytes]:
    """Return the JSON of strings without their quotes."""
    if not values:
        return []
    text = many.many.dump_json([*values])
    # Without quotes inside the strings, each quote begins or ends one: nothing else can look like a boundary.
    if b'\\"' in text:
        return [many.one.dump_json(value)[1:-1] for value in values]
    return text[2:-2].split(b'","')


def _dump_numbers(many: _Many, values: Sequence[Any]) -> list[bytes]:
    return many.many.dump_json([*values])[1:-1].split(b",") if values else []


def _dump_nullable(many: _Many, values: Sequence[Any]) -> list[bytes]:
    return [many.one.dump_json(value) for value in values]


_STRING: Final = _Kind(placeholder=b'"%b"', dump=_dump_strings)
_NUMBER: Final = _Kind(placeholder=b"%b", dump=_dump_numbers)
_NULLABLE: Final = _Kind(placeholder=b"%b", dump=_dump_nullable)
_SCALARS: Final[Mapping[object, _Kind]] = {
    **dict.fromkeys((str, Decimal, date, datetime, time, UUID), _STRING),
    **dict.fromkeys((int, bool), _NUMBER),
}
_KEYS: Final[Collection[object]] = {str, int, Decimal, date, UUID}
"""Types whose values are the same as text and in JSON, but for quotes."""
_UNTOUCHED: Final[Mapping[object, tuple[frozenset[type], frozenset[type]]]] = {
    str: (frozenset({str}), frozenset()),
    int: (frozenset({int}), frozenset()),
    Decimal: (frozenset({Decimal}), frozenset({int})),
}
_OVERRIDES: Final = {"__init__", "__new__", "__get_pydantic_core_schema__", "model_post_init", "model_dump_json"}


def _flat_kinds(model: type[Event], mapped: Collection[str]) -> dict[str, _Kind] | None:
    """Return the kind of each mapped field in the model's order, or None if the model is not flat."""
    own = model.__mro__[: model.__mro__.index(Event)]
    decorators = model.__pydantic_decorators__
    looks_further = (
        *(decorators.field_validators, decorators.model_validators, decorators.validators, decorators.root_validators),
        *(decorators.field_serializers, decorators.model_serializers, decorators.computed_fields),
    )
    if any(looks_further) or any(_OVERRIDES & vars(cls).keys() for cls in own):
        return None
    if {**model.model_config, "title": None} != {**Event.model_config, "title": None}:
        return None
    kinds: dict[str, _Kind] = {}
    for name, info in model.model_fields.items():
        kind = _kind(info)
        if kind is None or not (name in mapped or _has_plain_default(info)):
            return None
        if name in mapped:
            kinds[name] = kind
    return kinds


def _has_plain_default(info: FieldInfo) -> bool:
    return not info.is_required() and info.default_factory is None and not info.validate_default


def _kind(info: FieldInfo) -> _Kind | None:
    special = (info.alias, info.validation_alias, info.serialization_alias, info.exclude, info.exclude_if)
    # IsoText only refuses: what it lets through is as pydantic would have it.
    others = [part for part in info.metadata if not isinstance(part, IsoText)]
    hooked = any(hasattr(part, "__get_pydantic_core_schema__") for part in others)
    return None if hooked or any(value is not None for value in special) else _kind_of(info.annotation)


def _kind_of(annotation: Any) -> _Kind | None:  # noqa: ANN401 - any type expression
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        inner = [part for part in arguments if part is not type(None)]
        return _NULLABLE if len(inner) == 1 and _kind_of(inner[0]) else None
    if origin is Literal:
        return _STRING if all(type(value) is str for value in arguments) else None
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _STRING if all(type(member.value) is str for member in annotation) else None
    return None


def _annotated(info: FieldInfo) -> Any:  # noqa: ANN401 - a type that is known at run time only
    return Annotated[info.annotation, *info.metadata]


def _key_kind(info: FieldInfo) -> object:
    is_text = get_origin(info.annotation) is Literal and all(type(value) is str for value in get_args(info.annotation))
    return str if is_text else info.annotation


def _untouched(info: FieldInfo) -> tuple[frozenset[type], frozenset[type]]:
    """Return the types of values that a field takes all of, without changing them; see `FieldJson`."""
    constraints = [part for part in info.metadata if not isinstance(part, DataClass)]
    inner = [part for part in get_args(info.annotation) or (info.annotation,) if part is not type(None)]
    nothing: frozenset[type] = frozenset()
    is_free = not constraints and len(inner) == 1 and get_origin(info.annotation) in (None, Union, UnionType)
    return _UNTOUCHED.get(inner[0], (nothing, nothing)) if is_free else (nothing, nothing)
