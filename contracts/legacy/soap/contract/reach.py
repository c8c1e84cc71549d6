"""What of the schemas a contract's operations can send or answer with, and in which direction."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from contracts.legacy.soap.contract.component import (
    ANY_TYPE,
    Attribute,
    ComplexType,
    ElementUse,
    ModelGroup,
    SimpleType,
    TypeUse,
    Wildcard,
)
from contracts.legacy.soap.contract.model import Contract, Operation, Part
from contracts.legacy.soap.contract.shapes import Shapes

__all__ = ["Direction", "Owner", "Piece", "Reach", "inside", "parts", "reach"]

Direction: TypeAlias = Literal["request", "answer"]
Piece: TypeAlias = ElementUse | ModelGroup | Wildcard | Attribute | SimpleType | ComplexType
Owner: TypeAlias = ElementUse | SimpleType | ComplexType
"""A global element or a named type."""
_Name: TypeAlias = tuple[Literal["element", "type"], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The global elements and named types that can occur, by name, with the directions that they occur in."""

    elements: dict[str, set[Direction]]
    types: dict[str, set[Direction]]

    def owners(self, shapes: Shapes) -> Iterator[Owner]:
        """Yield each that is declared, elements first."""
        for name in self.elements:
            if (element := shapes.element(name)) is not None:
                yield element
        for name in self.types:
            if (found := shapes.type(name)) is not None:
                yield found


def reach(contract: Contract, shapes: Shapes, *, operation: str | None = None) -> Reach:
    """Follow all parts of all operations, or of one: what may stand for an element or a type counts as reached."""
    walk = _Walk(shapes)
    for _, port in contract.ports:
        for each in port.operations.values():
            if operation not in {None, each.name}:
                continue
            for direction, part in parts(each):
                walk.follow(direction, element=part.element, use=part.type)
    return Reach(elements=walk.elements, types=walk.types)


def parts(operation: Operation) -> Iterator[tuple[Direction, Part]]:
    """Yield the parts of an operation, of bodies, headers and faults."""
    for direction, body in (("request", operation.input), ("answer", operation.output)):
        if body is not None:
            for part in (*body.parts, *(header.part for header in body.headers)):
                yield "request" if direction == "request" else "answer", part
    for fault in operation.faults:
        if fault.part is not None:
            yield "answer", fault.part


def inside(piece: Piece | str) -> Iterator[Piece]:
    """Yield a component and all that stands in it; what it only names is not followed."""
    if isinstance(piece, str):
        return
    yield piece
    for each in _within(piece):
        yield from inside(each)


def _within(piece: Piece) -> Iterator[Piece | str]:
    match piece:
        case ElementUse() | Attribute():
            if not isinstance(piece.type, str):
                yield piece.type
        case ModelGroup():
            yield from piece.particles
        case SimpleType():
            yield from (each for each in (piece.base, piece.item, *piece.members) if each is not None)
        case ComplexType():
            yield from (each for each in (piece.content, piece.text, piece.any_attribute) if each is not None)
            yield from piece.attributes
        case Wildcard():
            return


class _Walk:
    def __init__(self, shapes: Shapes) -> None:
        self._shapes: Final = shapes
        self.elements: Final[dict[str, set[Direction]]] = {}
        self.types: Final[dict[str, set[Direction]]] = {}

    def follow(self, direction: Direction, *, element: str | None, use: TypeUse | None) -> None:
        waiting: list[_Name] = []
        if element is not None:
            waiting.append(("element", element))
        elif isinstance(use, str):
            waiting.append(("type", use))
        while waiting:
            kind, name = waiting.pop()
            known = self.elements if kind == "element" else self.types
            if direction in known.setdefault(name, set()):
                continue
            known[name].add(direction)
            waiting.extend(self._from_element(name) if kind == "element" else self._from_type(name))

    def _from_element(self, name: str) -> Iterator[_Name]:
        found = self._shapes.element(name)
        if found is not None:
            yield from _named(found)
        for member in self._shapes.members(name):
            yield "element", member

    def _from_type(self, name: str) -> Iterator[_Name]:
        found = self._shapes.type(name)
        if found is not None:
            yield from _named(found)
        for derived in self._shapes.derived(name):
            yield "type", derived


def _named(owner: Owner) -> Iterator[_Name]:
    """Yield what a component names."""
    for piece in inside(owner):
        if isinstance(piece, ElementUse) and piece.is_reference:
            yield "element", piece.name
            continue
        for use in _uses(piece):
            if isinstance(use, str):
                yield "type", use


def _uses(piece: Piece) -> tuple[TypeUse | None, ...]:
    match piece:
        case ElementUse() | Attribute():
            return (piece.type,)
        case SimpleType():
            return (piece.base, piece.item, *piece.members)
        case ComplexType():
            return (None if piece.base == ANY_TYPE else piece.base, piece.text)
        case ModelGroup() | Wildcard():
            return ()
