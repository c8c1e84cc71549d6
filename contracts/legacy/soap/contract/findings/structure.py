"""Findings of types and elements that the operations reach: what JSON, models and other stacks have no place for."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from contracts.legacy.soap.contract.component import (
    ANY_TYPE,
    XSD_NAMESPACE,
    Attribute,
    ComplexType,
    ElementUse,
    ModelGroup,
    SimpleType,
    Wildcard,
)
from contracts.legacy.soap.contract.findings.kind import finding, listed
from contracts.legacy.soap.contract.model import Finding, Place
from contracts.legacy.soap.contract.reach import Owner, Piece, Reach, inside
from contracts.legacy.soap.contract.shapes import SOAP_ENCODING, Shapes
from contracts.legacy.xml import local

__all__ = ["all_names", "own", "structure"]

_BINARY: Final = frozenset({f"{{{XSD_NAMESPACE}}}base64Binary", f"{{{XSD_NAMESPACE}}}hexBinary"})
_ARRAY: Final = f"{{{SOAP_ENCODING}}}Array"


def structure(shapes: Shapes, reached: Reach) -> Iterator[Finding]:
    """Yield what each element or type that is reached has in it, each kind once."""
    ways_back = _ways_back(shapes, reached)
    for owner in own(shapes, reached):
        met: defaultdict[str, list[tuple[Place, str]]] = defaultdict(list)
        wild = [piece.any_attribute for piece in inside(owner) if isinstance(piece, ComplexType)]
        for piece in (each for each in inside(owner) if each not in wild):
            for code, name in _codes(shapes, piece):
                met[code].append((piece.place, name))
        for code, found in met.items():
            names = listed(name for _, name in found)
            yield finding(code, found[0][0], about=local(owner.name or ""), names=names)
        yield from _of_owner(shapes, owner, ways_back)


def own(shapes: Shapes, reached: Reach) -> Iterator[Owner]:
    """Yield what is reached of the service's own schemas: that of standards is known to be as it is."""
    standard = {scope.document.uri for scope in shapes.declarations.scopes if scope.document.is_standard}
    return (owner for owner in reached.owners(shapes) if owner.place.uri not in standard)


def _codes(shapes: Shapes, piece: Piece) -> Iterator[tuple[str, str]]:
    match piece:
        case ElementUse():
            yield from _of_element(shapes, piece)
        case ModelGroup():
            yield from _of_group(piece)
        case SimpleType() if piece.members:
            yield "union", ""
        case SimpleType() if piece.item is not None:
            yield "list", ""
        case Wildcard() if piece.most != 0:
            yield "wildcard", ""
        case SimpleType() | Wildcard() | Attribute():
            pass
        case ComplexType():
            yield from _of_complex(shapes, piece)


def _of_element(shapes: Shapes, element: ElementUse) -> Iterator[tuple[str, str]]:
    if element.is_nillable and element.least == 0:
        yield "absent-or-nil", element.name
    if element.is_reference:
        meant = shapes.element(element.name)
        if meant is not None and meant.is_nillable and element.least == 0:
            yield "absent-or-nil", element.name
        return
    if element.type == ANY_TYPE:
        yield "any-type", element.name
    if element.media is not None:
        yield "mtom", element.name
    elif _is_binary(shapes, element):
        yield "binary", element.name


def _of_group(group: ModelGroup) -> Iterator[tuple[str, str]]:
    repeats = group.most is None or group.most > 1
    if repeats and len(group.particles) > 1:
        code = "repeated-choice" if group.order == "choice" else "repeated-sequence"
        for each in all_names(group):
            yield code, each


def _of_complex(shapes: Shapes, found: ComplexType) -> Iterator[tuple[str, str]]:
    if found.is_mixed:
        yield "mixed-content", ""
    if found.any_attribute is not None:
        yield "any-attribute", ""
    if found.array is not None or found.base == _ARRAY:
        yield "soap-array", found.array or "any items"
    names = [name for group in shapes.contents(found) for name in _in_turn(group)]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield "element-again", name


def _in_turn(group: ModelGroup) -> list[str]:
    """Return the names of the elements of a group, of branches of a choice each once: they exclude each other."""
    found: list[str] = []
    for each in group.particles:
        inner = [each.name] if isinstance(each, ElementUse) else _in_turn(each) if isinstance(each, ModelGroup) else []
        found.extend(name for name in inner if group.order != "choice" or name not in found)
    return found


def all_names(group: ModelGroup) -> Iterator[str]:
    """Yield the names of all elements of a group."""
    for each in group.particles:
        if isinstance(each, ElementUse):
            yield each.name
        elif isinstance(each, ModelGroup):
            yield from all_names(each)


def _is_binary(shapes: Shapes, element: ElementUse) -> bool:
    use = element.type
    for _ in range(16):  # a type is never that far from its primitive one
        if isinstance(use, str) and use in _BINARY:
            return True
        found = shapes.resolve(use)
        above = found.base if isinstance(found, SimpleType) else found.text if isinstance(found, ComplexType) else None
        if above is None:
            return False
        use = above
    return False


def _of_owner(shapes: Shapes, owner: Owner, ways_back: Mapping[str, str]) -> Iterator[Finding]:
    name = owner.name or ""
    if isinstance(owner, ElementUse):
        members = [*_all(name, shapes.members)]
        code = "abstract-element" if owner.is_abstract else "substitution-group"
        if members or owner.is_abstract:
            yield finding(code, owner.place, about=local(name), names=listed(members) or "nothing that is declared")
    elif isinstance(owner, ComplexType):
        derived = [*_all(name, shapes.derived)]
        code = "abstract-type" if owner.is_abstract else "derived-types"
        if derived or owner.is_abstract:
            yield finding(code, owner.place, about=local(name), names=listed(derived) or "none that is declared")
        if name in ways_back:
            yield finding("recursive", owner.place, about=local(name), names=listed([ways_back[name]]))


def _all(name: str, below: Callable[[str], list[str]]) -> Iterator[str]:
    """Yield all that stand for one, directly and by others."""
    seen, waiting = {name}, [name]
    while waiting:
        for each in below(waiting.pop(0)):
            if each not in seen:
                seen.add(each)
                waiting.append(each)
                yield each


def _ways_back(shapes: Shapes, reached: Reach) -> dict[str, str]:
    """Return each type that can hold itself, with the child by which it can."""
    edges = {name: [*_children(shapes, name)] for name in reached.types}
    above: defaultdict[str, list[str]] = defaultdict(list)
    for name, children in edges.items():
        for _, use in children:
            above[use].append(name)
    # What holds nothing that is left can't hold itself: mostly that is all.
    held = {name: len(children) for name, children in edges.items()}
    waiting = [use for use in {*edges, *above} if not held.get(use)]
    while waiting:
        for name in above[waiting.pop()]:
            held[name] -= 1
            if not held[name]:
                waiting.append(name)
    left = {name: edges[name] for name, count in held.items() if count}
    return {name: child for name in left if (child := _way_back(left, name)) is not None}


def _way_back(edges: Mapping[str, list[tuple[str, str]]], name: str) -> str | None:
    seen: set[str] = set()
    waiting = [(use, child) for child, use in edges[name]]
    while waiting:
        use, child = waiting.pop()
        if use == name:
            return child
        if use not in seen:
            seen.add(use)
            waiting.extend((each, child) for _, each in edges.get(use, ()))
    return None


def _children(shapes: Shapes, name: str) -> Iterator[tuple[str, str]]:
    """Yield the children of a named type with their named types, those of types without a name among them."""
    found = shapes.type(name)
    if not isinstance(found, ComplexType):
        return
    for each in (found, *shapes.bases(found)):
        for piece in inside(each):
            if isinstance(piece, ElementUse):
                meant = shapes.element(piece.name) if piece.is_reference else piece
                yield from _types(piece.name, meant)


def _types(child: str, element: ElementUse | None) -> Iterator[tuple[str, str]]:
    """Yield the types that an element names; where its type has no name, those of the elements in it."""
    for piece in () if element is None else inside(element):
        if isinstance(piece, ElementUse) and isinstance(piece.type, str) and not piece.is_reference:
            yield child, piece.type
