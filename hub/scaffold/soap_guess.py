"""Guesses of what a contract does not say: which element is an item, its key, and when it was changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

from xmlschema import XsdElement
from xmlschema.validators import XsdComplexType, XsdType

from contracts.errors import ConfigError
from contracts.legacy.soap.contract.model import Body, Operation, Part
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.message.content import content
from hub.scaffold.item import Item, Member
from hub.scaffold.naming import snake

__all__ = ["Found", "Guess", "Parameter", "find_items", "guess_key", "guess_watermark", "parameters_of"]

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_KEY_WORDS: Final = ("id", "key", "number", "nr", "no")
_ASKING: Final = frozenset({"since", "from", "after", "changed", "modified", "updated"})
_CHANGED: Final = frozenset({"modified", "modification", "changed", "change", "updated", "update"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A repeating element."""

    path: str
    element: XsdElement
    others: tuple[str, ...] = ()
    """Other elements that repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A member that was chosen."""

    member: Member
    others: tuple[str, ...] = ()
    is_told: bool = False
    """It was not guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a request."""

    name: str
    kind: XsdType
    is_required: bool


def find_items(operation: Operation, schemas: Schemas, path: str | None) -> Found:
    """Return the element of a reply that repeats, or the one at a path.

    Raises:
        ConfigError: There is none, or more than one and no path; says what there is.
    """
    if operation.output is None:
        raise ConfigError([f"{operation.name}: it is one-way: it has no reply with items"])
    every = [*_elements(operation.output, schemas)]
    repeating = [each for each, repeats in every if repeats]
    # A list of values is one of items where there is no other: each is its own key.
    repeating = [each for each in repeating if not each.element.type.is_simple()] or repeating
    paths = [each.path for each in repeating]
    if path is not None:
        at = next((each for each, _ in every if each.path == path), None)
        if at is None:
            raise ConfigError([f"--items: the reply has no {path}; what repeats: {', '.join(paths) or 'nothing'}"])
        return Found(path=path, element=at.element, others=tuple(each for each in paths if each != path))
    if not repeating:
        there = ", ".join(each.path for each, _ in every if not each.element.type.is_simple())
        problem = f"{operation.name}: nothing with fields repeats in its reply, so there is no list to poll"
        raise ConfigError([f"{problem}; --items PATH takes what comes once: {there}" if there else problem])
    outer = [each for each in repeating if not any(each.path.startswith(other + "/") for other in paths)]
    if len(outer) > 1:
        names = ", ".join(each.path for each in outer)
        raise ConfigError(
            [f"{operation.name}: several elements repeat in its reply; --items PATH with one of: {names}"]
        )
    [found] = outer
    return Found(path=found.path, element=found.element, others=tuple(each for each in paths if each != found.path))


def guess_key(item: Item, path: str | None) -> Guess:
    """Return the member that tells which item it is.

    Raises:
        ConfigError: None does, or several might; says what there is.
    """
    fit = [each for each in item.members if _is_key(each)]
    if path is not None:
        chosen = next((each for each in fit if each.path == path), None)
        if chosen is None:
            raise ConfigError([f"--key: {item.name} has no {path} that names one item; there are: {_paths(fit)}"])
        return Guess(member=chosen, is_told=True)
    ranked = [(rank, each) for each in fit if not each.is_optional and (rank := _rank(each, item)) is not None]
    best = [each for rank, each in ranked if rank == min(rank for rank, _ in ranked)]
    if not fit:
        raise ConfigError(
            [f"{item.name}: it has no field that could tell one from another; --items PATH takes another"]
        )
    if len(best) != 1:
        problem = "several fields may be the key of" if best else "no field that must be there looks like the key of"
        raise ConfigError([f"{problem} {item.name}; --key FIELD with one of: {_paths(best or fit)}"])
    return Guess(member=best[0], others=tuple(each.path for _, each in ranked if each is not best[0]))


def guess_watermark(parameters: Sequence[Parameter], item: Item) -> tuple[Parameter, Guess] | None:
    """Return the parameter that asks for changes, and the member that tells when an item was changed, if there are."""
    asking = [each for each in parameters if _is_moment(each.kind) and _ASKING & set(snake(each.name).split("_"))]
    moments = [each for each in item.members if not each.is_list and each.kind is not None and _is_moment(each.kind)]
    changed = [each for each in moments if _CHANGED & set(snake(each.name).split("_"))]
    if not asking or not changed:
        return None
    chosen = min(changed, key=lambda each: (each.is_optional, each.path.count("/")))
    return asking[0], Guess(member=chosen, others=tuple(each.path for each in moments if each is not chosen))


def parameters_of(body: Body, schemas: Schemas) -> Sequence[Parameter]:
    """Return what a request is made of, as the adapter names it."""
    if body.wrapper is None and len(body.parts) == 1:
        kind = _type(body.parts[0], schemas)
        if kind is None or kind.is_simple() or kind.has_simple_content():
            return []
        found = content(cast("XsdComplexType", kind))
        return [
            Parameter(name=tag.rpartition("}")[2], kind=each.element.type, is_required=found.needs(tag))
            for tag, each in found.particles.items()
        ]
    kinds = [(part.name, _type(part, schemas)) for part in body.parts]
    return [Parameter(name=name, kind=kind, is_required=True) for name, kind in kinds if kind is not None]


def _elements(body: Body, schemas: Schemas) -> Iterator[tuple[Found, bool]]:
    """Yield every element with fields in a reply, and whether it repeats; those of values where they repeat."""
    above = "" if body.wrapper is None else body.wrapper.rpartition("}")[2] + "/"
    for part in body.parts:
        kind = _type(part, schemas)
        if kind is not None and not kind.is_simple():
            yield from _below(cast("XsdComplexType", kind), above + part.tag.rpartition("}")[2], ())


def _below(kind: XsdComplexType, above: str, seen: tuple[XsdType, ...]) -> Iterator[tuple[Found, bool]]:
    if kind in seen or kind.has_simple_content():
        return
    for tag, particle in content(kind).particles.items():
        element, path = particle.element, f"{above}/{tag.rpartition('}')[2]}"
        if element.type.is_simple() and particle.repeats:
            yield Found(path=path, element=element), True
        elif not element.type.is_simple() and element.type.name != _XSD + "anyType":
            yield Found(path=path, element=element), particle.repeats
            yield from _below(cast("XsdComplexType", element.type), path, (*seen, kind))


def _type(part: Part, schemas: Schemas) -> XsdType | None:
    if part.element is None:
        return schemas.type(part.type or "")
    declared = schemas.element(part.element)
    return None if declared is None else declared.type


def _is_key(member: Member) -> bool:
    return not member.is_list and (member.annotation in {"str", "int"} or member.annotation.startswith("Literal"))


def _rank(member: Member, item: Item) -> int | None:
    """Return how much a member looks like the key, 0 the most; None where it does not."""
    if member.path == "#text" and len(item.members) == 1:
        return 0
    words = snake(member.name).split("_")
    names = {snake(item.name), snake(item.type_name)}
    depth = 10 * len([step for step in member.path.split("/") if step != "#text"])
    if _is_of(member.kind, "ID"):
        return depth
    if words == ["id"]:
        return depth + 1
    if words[-1] in _KEY_WORDS and "_".join(words[:-1]) in names:
        return depth + 2
    if words[-1] in _KEY_WORDS:
        return depth + (3 if words[-1] == "id" else 4)
    return None


def _is_moment(kind: XsdType) -> bool:
    return _is_of(kind, "dateTime")


def _is_of(kind: XsdType | None, name: str) -> bool:
    while kind is not None:
        if kind.name == _XSD + name:
            return True
        kind = kind.base_type
    return False


def _paths(members: Sequence[Member]) -> str:
    return ", ".join(each.path for each in members) or "none"
