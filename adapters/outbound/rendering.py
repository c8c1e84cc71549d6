"""From events to records: the table of an adapter the other way round. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

from adapters.outbound.spec import EventRecords, RecordField
from contracts.errors import ConfigError, RecordError
from contracts.event import Event
from contracts.legacy.copybook import Layout, RowCodec
from contracts.legacy.copybook.item import Item, Kind

__all__ = ["Renderer", "item_named", "put"]

_Path: TypeAlias = tuple[str, ...]
_Value: TypeAlias = Callable[[Event], object]


class Renderer:
    """Makes the bytes of a record from an event of one type.

    Raises:
        ConfigError: The table does not fit the model or the copybook; holds every problem.
    """

    def __init__(self, said: EventRecords, codec: RowCodec) -> None:
        self.model: Final[type[Event]] = said.model
        self._codec, self._function = codec, said.function
        items = {name: item_named(codec.layout, name) for name in said.fields}
        if problems := [*_problems(said, codec.layout, items)]:
            raise ConfigError(problems)
        self._fields = [
            (_path(item), _value_of(name, said.fields[name], item)) for name, item in items.items() if item is not None
        ]

    def render(self, event: Event) -> bytes | None:
        """Return the record of an event; None leaves it out.

        Raises:
            RecordError: A value is missing, has no code, or does not fit its field, which is named. The value is not in
                the message.
        """
        values = self._values(event)
        if values is None:
            return None
        try:
            return self._codec.encode(values)
        except RecordError as error:
            raise RecordError(error.field, expected=error.expected, start=error.start, code=error.code) from None

    def _values(self, event: Event) -> Mapping[str, Any] | None:
        if self._function is not None:
            made: Mapping[str, Any] | None = _called(self.model.__name__, self._function, event)
            return made
        values: dict[str, Any] = {}
        for path, value_of in self._fields:
            put(values, path, value_of(event))
        return values


def put(values: dict[str, Any], path: _Path, value: object) -> None:
    """Put a value where a path of names leads, through groups that are made on the way."""
    *groups, name = path
    for group in groups:
        values = cast("dict[str, Any]", values.setdefault(group, {}))
    values[name] = value


def item_named(layout: Layout, name: str) -> Item | None:
    """Return the item of a name, or of a path joined with dots; None where there is none, or several."""
    wanted = tuple(name.upper().split("."))
    found = [item for item in layout.walk() if item.name and (item.path[-len(wanted) :] == wanted)]
    return found[0] if len(found) == 1 else None


def _path(item: Item) -> _Path:
    """Return the names below the record's own."""
    return item.path[1:] if len(item.path) > 1 else item.path


def _problems(said: EventRecords, layout: Layout, items: Mapping[str, Item | None]) -> Iterator[str]:
    where = f"events.{said.model.__name__}"
    for name, item in items.items():
        if item is None:
            yield f"{where}.{name}: record {layout.name} has no such field, or several: say its path, GROUP.FIELD"
        elif any(each.occurs for each in layout.walk() if each.path != item.path and _is_in(item.path, each.path)):
            yield f"{where}.{name}: is in a table; give the table its values, as a list"
        source = (said.fields[name].source or "").partition(".")[0]
        if source and source not in said.model.model_fields:
            yield f"{where}.{name}: {said.model.__name__} has no field {source!r}"
    if said.fields:
        told = [item.path for item in items.values() if item is not None]
        yield from (f"{where}: no value for {'.'.join(path)}" for path in _untold(layout, told))


def _untold(layout: Layout, told: list[_Path]) -> Iterator[_Path]:
    """Yield the fields that get no value; of items that describe the same bytes, encoding asks for one."""
    again = {item.redefines for item in layout.walk() if item.redefines}
    shared = [item.path for item in layout.walk() if item.redefines or item.name in again]
    for field in layout.fields:
        if not any(_is_in(field.path, path) for path in [*told, *shared]):
            yield field.path


def _is_in(path: _Path, group: _Path) -> bool:
    return path[: len(group)] == group


def _value_of(name: str, said: RecordField, item: Item) -> _Value:
    """Return what makes the value of one field."""
    if said.constant is not None:
        return lambda _: said.constant
    steps = list(_steps(name, said, item))

    def value_of(event: Event) -> object:
        value: object = event
        if said.source is not None:
            value = _walked(event, said.source)
            if value is None:
                return said.default
        for step in steps:
            value = step(value)
        return value

    return value_of


def _walked(event: Event, source: str) -> object:
    value: object = event
    for part in source.split("."):
        value = None if value is None else getattr(value, part)
    return value


def _steps(name: str, said: RecordField, item: Item) -> Iterator[Callable[[Any], Any]]:
    codes, function, form = said.codes, said.function, said.format
    if codes is not None:
        yield lambda value: _coded(name, codes, value)
    if function is not None:
        yield lambda value: _called(name, function, value)
    if form is not None:
        yield lambda value: _formatted(name, form, value)
    if said.number or (form is not None and item.kind.is_number and item.kind is not Kind.FLOAT):
        yield lambda value: _number(name, value)


def _coded(name: str, codes: Mapping[Any, Any], value: object) -> object:
    try:
        return codes[value]
    except (KeyError, TypeError):
        raise RecordError(name, expected="one of the codes " + ", ".join(map(repr, codes)), code="code") from None


def _called(name: str, function: Callable[[Any], Any], value: object) -> Any:  # noqa: ANN401 - whatever it returns
    try:
        return function(value)
    except RecordError as error:
        raise RecordError(error.field, expected=error.expected, code=error.code) from None
    except Exception as error:  # noqa: BLE001 - whatever a function raises makes a dead letter
        expected = f"a value that its function takes ({type(error).__name__})"
        raise RecordError(name, expected=expected, code="function") from None


def _formatted(name: str, form: str, value: object) -> str:
    try:
        return format(value, form)
    except (ValueError, TypeError):
        raise RecordError(name, expected=f"a value that the format {form!r} takes", code="format") from None


def _number(name: str, value: object) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise RecordError(name, expected="digits", code="number")
    return int(text)
