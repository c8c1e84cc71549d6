"""YAML files of ours: values with the lines that they stand on, and a model's refusals as sentences with a fix."""

import difflib
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, TypeAlias, TypeVar, Union, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from contracts.errors import ConfigError

__all__ = ["Document", "FieldPath", "fields_below", "fulfilled", "meant", "place", "read", "refusal"]

FieldPath: TypeAlias = tuple[str, ...]
_Model = TypeVar("_Model", bound=BaseModel)

_DEEPEST: Final = 50
_MOST_REPEATED: Final = 100_000
"""Nodes that aliases may stand for in all; a few lines of them can stand for billions."""
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A YAML mapping, and where each of its fields stands."""

    values: dict[str, Any]
    places: dict[FieldPath, str]
    """Path of a field -> `file:line`."""
    problems: tuple[str, ...]
    """What the values alone can't tell: a field that stands twice, a number that may be none."""


def read(path: Path, *, what: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Document:
    """Read a YAML file that is a mapping, or empty.

    Args:
        path: The file.
        what: What it holds, for the error: `settings`.
        loader: Says what plain words mean; YAML 1.1 by default.

    Raises:
        ConfigError: It can't be read, or is no such file.
    """
    with _told(path):
        values, node = _parsed(path.read_text(encoding="utf-8"), loader)
        places, problems = _places(path, node)
    if values is None:
        return Document(values={}, places={}, problems=())
    if not isinstance(values, dict):
        raise ConfigError([f"{path}:1: expected {what} as `name: value`, found a {type(values).__name__}"])
    return Document(values=cast("dict[str, Any]", values), places=places, problems=tuple(problems))


@contextmanager
def _told(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError([f"{path}: can't be read: {error.strerror}"]) from error
    except yaml.MarkedYAMLError as error:
        # Not the error's own text, which quotes the line: a secret may stand there.
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise ConfigError([f"{path}:{line}: is no YAML: {error.problem}"]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError([f"{path}: is no YAML: {' '.join(str(error).split())}"]) from None
    except RecursionError:
        raise ConfigError([f"{path}: is nested too deep, or within itself"]) from None


def _places(path: Path, node: yaml.Node | None) -> tuple[dict[FieldPath, str], list[str]]:
    """Return where each field stands, and what is wrong with how it is written."""
    places: dict[FieldPath, str] = {}
    problems: list[str] = []
    for field, mark, badly in _walk(node):
        where = f"{path}:{mark.line + 1}"
        twice = f"stands twice; the first is {places[field]}" if field in places and badly is None else None
        if badly or twice:
            problems.append(f"{where}: {'.'.join(field)}: {badly or twice}")
        places[field] = where
    return places, problems


def place(path: FieldPath, places: Mapping[FieldPath, str]) -> str | None:
    """Return where a field stands, or else the nearest one around it."""
    return next((places[path[:n]] for n in range(len(path), 0, -1) if path[:n] in places), None)


def refusal(detail: ErrorDetails, model: type[BaseModel], *, noun: str) -> str:
    """Return what is wrong with one field of a model, and the fix where it is known; never the value."""
    path, kind = tuple(str(part) for part in detail["loc"]), detail["type"]
    if kind == "extra_forbidden":
        return f"unknown {noun}{meant(path[-1], fields_below(model, path[:-1]))}"
    text = detail["msg"].removeprefix("Value error, ")
    fix, given = "", detail["input"]
    if kind in {"enum", "literal_error"} and isinstance(given, str):
        fix = meant(given, re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", ""))))
    elif kind == "string_type" and isinstance(given, (int, float)):
        fix = "; put it in quotes"
    return f"{text[0].lower()}{text[1:]}{fix}"


def fulfilled(
    document: Document, model: type[_Model], values: Mapping[str, Any] | None = None, *, noun: str, where: str = ""
) -> _Model:
    """Return what a document says, as its model; other values than its own are checked where they are given.

    Args:
        document: Where the values stand.
        model: What they have to be.
        values: The document's, changed by what stands elsewhere.
        noun: What a field is called: `setting`.
        where: Place of what stands nowhere in the document.

    Raises:
        ConfigError: All that is wrong, each mistake with its line where it has one.
    """
    problems = list(document.problems)
    try:
        found = model.model_validate(document.values if values is None else values)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            names = tuple(str(part) for part in detail["loc"])
            said = ": ".join(filter(None, [".".join(names), refusal(detail, model, noun=noun)]))
            at = place(names, document.places) or where
            problems.append(f"{at}: {said}" if at else said)
        raise ConfigError(problems) from None
    if problems:
        raise ConfigError(problems)
    return found


def meant(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence on an unknown name: what it may have been, if it is like a known one."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def fields_below(model: type[BaseModel], path: FieldPath) -> Mapping[str, FieldInfo]:
    """Return the fields that a file may give below a path, by their names there; none below what is no model."""
    here: object = model
    for part in path:
        here = _below(here, part)
    models = [option for option in _options(here) if _is_model(option)]
    return _named(models[0]) if models else {}


def _below(annotation: object, part: str) -> object:
    for option in _options(annotation):
        if _is_model(option):
            field = _named(option).get(part)
            return None if field is None else field.annotation
        origin = get_origin(option)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return get_args(option)[1]
    return None


def _options(annotation: object) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Union or origin is UnionType:
        for option in get_args(annotation):
            yield from _options(option)
    else:
        yield get_args(annotation)[0] if origin is Annotated else annotation


def _is_model(option: object) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def _named(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _parsed(text: str, loader: type[yaml.SafeLoader]) -> tuple[object, yaml.Node | None]:
    depth = 0
    for event in yaml.parse(text, Loader=loader):  # libyaml's composer overflows the stack of the process
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise RecursionError
    reading = loader(text)
    try:
        node = reading.get_single_node()
        if node is not None:
            _require_bounded(node)
        values: object = None if node is None else reading.construct_document(node)  # pyright: ignore[reportUnknownMemberType] - the stubs leave it out
        return values, node
    finally:
        reading.dispose()


def _require_bounded(node: yaml.Node) -> None:
    """Refuse aliases that stand for too much, before anything walks through them."""
    seen: set[int] = set()
    repeated, waiting = 0, [(node, 0)]
    while waiting:
        here, depth = waiting.pop()
        repeated += id(here) in seen
        seen.add(id(here))
        if depth > _DEEPEST:
            raise RecursionError
        if repeated > _MOST_REPEATED:
            raise yaml.YAMLError(f"its aliases stand for more than {_MOST_REPEATED} values")
        if isinstance(here, yaml.MappingNode):
            waiting += [(inner, depth + 1) for pair in here.value for inner in pair]
        elif isinstance(here, yaml.SequenceNode):
            waiting += [(inner, depth + 1) for inner in here.value]


def _walk(node: yaml.Node | None, path: FieldPath = ()) -> Iterator[tuple[FieldPath, yaml.Mark, str | None]]:
    """Yield the path and the place of every field, and what is wrong with how its value is written."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield inner, key.start_mark, None
            yield from _walk(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*path, str(index))
            yield inner, value.start_mark, None
            yield from _walk(value, inner)
    elif isinstance(node, yaml.ScalarNode) and not node.style and _LEADING_ZERO.fullmatch(node.value):
        yield path, node.start_mark, "a number with a leading zero: without it, or in quotes if it is text"
