"""The shape of a message as a tree to look at: names, types, occurrence, nil and facets, bounded where types recur."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contracts.legacy.soap.contract.component import (
    Attribute,
    ComplexType,
    ElementUse,
    ModelGroup,
    Particle,
    TypeUse,
    Wildcard,
    is_built_in,
)
from contracts.legacy.soap.contract.model import Part
from contracts.legacy.soap.contract.shapes import Shapes
from contracts.legacy.soap.contract.text import TextType, text_of
from contracts.legacy.xml import local

__all__ = ["Node", "outline"]

_VALUES: Final = 6
_DEEPEST: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An element, an attribute, or a group that is not just one after the other."""

    name: str
    """Of an element without its namespace, `@name` of an attribute; `choice`, `all`, `sequence` or `any` of a group."""
    namespace: str = ""
    type: str = ""
    occurs: str = "1"
    """`1`, `0..1`, `1..n`, …"""
    is_nillable: bool = False
    facets: tuple[str, ...] = ()
    """What its text must fit, and what else is said of it."""
    children: "tuple[Node, ...]" = ()


def outline(shapes: Shapes, part: Part) -> Node:
    """Return the tree of a part of a message; each named type is opened once, where it comes first."""
    tree = _Outline(shapes)
    if part.element is not None:
        found = shapes.element(part.element)
        return Node(name=local(part.element)) if found is None else tree.element(found)
    return tree.typed(Node(name=part.name), part.type or "")


class _Outline:
    def __init__(self, shapes: Shapes) -> None:
        self._shapes: Final = shapes
        self._opened: Final[set[str]] = set()
        self._depth = 0

    def element(self, use: ElementUse) -> Node:
        meant = self._shapes.element(use.name) if use.is_reference else use
        node = Node(name=local(use.name), namespace=_space(use.name), occurs=_occurs(use.least, use.most))
        if meant is None:
            return node
        facets = [f"default {meant.default}"] if meant.default is not None else []
        facets += [f"fixed {meant.fixed}"] if meant.fixed is not None else []
        members = self._shapes.members(meant.name) if use.is_reference else []
        facets += [f"or {', '.join(local(each) for each in members)}"] if members else []
        node = Node(
            name=node.name,
            namespace=node.namespace,
            occurs=node.occurs,
            is_nillable=meant.is_nillable,
            facets=tuple(facets),
        )
        return self.typed(node, meant.type)

    def typed(self, node: Node, use: TypeUse) -> Node:
        """Return a node with what its type says."""
        found, text = self._shapes.resolve(use), text_of(self._shapes, use)
        label = _label(use, text)
        made_of = "" if text is None or not text.primitive else f"xs:{local(text.primitive)}"
        own = (*((made_of,) if made_of not in {"", label} else ()), *(() if text is None else _facets(text)))
        facets = (*own, *node.facets)
        children: tuple[Node, ...] = ()
        if isinstance(found, ComplexType):
            derived = [local(each) for each in self._shapes.derived(found.name)] if found.name else []
            if derived:
                facets += (f"xsi:type {', '.join(derived)}",)
            if found.name in self._opened:
                facets += ("as above",)
            elif self._depth == _DEEPEST:
                facets += (f"not opened: {_DEEPEST} levels down",)
            else:
                self._opened.update({found.name} if found.name else set[str]())
                self._depth += 1
                children = tuple(self._children(found))
                self._depth -= 1
        return Node(
            name=node.name,
            namespace=node.namespace,
            type=label,
            occurs=node.occurs,
            is_nillable=node.is_nillable,
            facets=facets,
            children=children,
        )

    def _children(self, found: ComplexType) -> Iterator[Node]:
        for attribute in self._shapes.attributes(found).values():
            yield self._attribute(attribute)
        for group in self._shapes.contents(found):
            yield from self._particle(group)

    def _attribute(self, attribute: Attribute) -> Node:
        said = {"default": attribute.default, "fixed": attribute.fixed}
        node = Node(
            name=f"@{local(attribute.name)}",
            namespace=_space(attribute.name),
            occurs="1" if attribute.is_required else "0..1",
            facets=tuple(f"{name} {value}" for name, value in said.items() if value is not None),
        )
        return self.typed(node, attribute.type)

    def _particle(self, particle: Particle) -> Iterator[Node]:
        match particle:
            case ElementUse():
                yield self.element(particle)
            case Wildcard():
                occurs = _occurs(particle.least, particle.most)
                yield Node(name="any", type=particle.namespace, occurs=occurs, facets=(particle.process,))
            case ModelGroup():
                children = [node for each in particle.particles for node in self._particle(each)]
                occurs = _occurs(particle.least, particle.most)
                if particle.order == "sequence" and occurs == "1":
                    yield from children
                elif children:
                    yield Node(name=particle.order, occurs=occurs, children=tuple(children))


def _occurs(least: int, most: int | None) -> str:
    return str(least) if least == most else f"{least}..{'n' if most is None else most}"


def _space(name: str) -> str:
    return name.rpartition("}")[0][1:]


def _label(use: TypeUse, text: TextType | None) -> str:
    """Return how a type is called; of one without a name, what it is made of."""
    if isinstance(use, str):
        return f"xs:{local(use)}" if is_built_in(use) else local(use)
    if use.name is not None:
        return local(use.name)
    return "" if text is None or not text.primitive else f"xs:{local(text.primitive)}"


def _facets(text: TextType) -> Iterator[str]:
    if text.item is not None:
        yield "list of " + (local(text.item.primitive) or "text")
    if text.members:
        yield "union of " + ", ".join(local(each.primitive) or "text" for each in text.members)
    yield from (f"{facet} {value}" for facet, value in text.facets.items() if facet != "whiteSpace")
    yield from (f"pattern {' | '.join(each)}" for each in text.patterns)
    if text.values:
        more = len(text.values) - _VALUES
        yield "one of " + ", ".join(text.values[:_VALUES]) + (f" and {more} more" if more > 0 else "")
