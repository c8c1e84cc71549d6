"""What may stand within the elements of a contract's messages, as far as a key's steps ask. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.legacy.soap.contract.component import (
    ANY_TYPE,
    ComplexType,
    ElementUse,
    Particle,
    SimpleType,
    TypeUse,
    Wildcard,
    is_built_in,
)
from contracts.legacy.soap.contract.model import Body, Part
from contracts.legacy.soap.contract.shapes import Shapes
from contracts.legacy.xml import local

__all__ = ["Child", "Content", "Contents"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """An element that may stand somewhere."""

    type: TypeUse
    by: str | None = None
    """The derived type that has it, where the declared one has not: only xsi:type brings it."""
    content: "Content | None" = None
    """What stands within, where no type says it: the parts of an rpc call."""


@dataclass(slots=True, kw_only=True)
class Content:
    """What may stand within an element."""

    children: dict[str, Child] = field(default_factory=dict[str, Child])
    """By `{namespace}name`."""
    attributes: dict[str, str | None] = field(default_factory=dict[str, str | None])
    """Local name -> the derived type that has it, as for children."""
    has_text: bool = False
    """It may hold a value; otherwise there are only blanks between its elements."""
    is_open: bool = False
    """Elements may stand there that the contract does not name."""
    is_open_to_attributes: bool = False
    """The same of attributes."""


class Contents:
    """Reads contents out of the schemas of one contract; a type that is not there may hold anything."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes: Final = shapes
        self._known: dict[str, Content] = {}

    def body(self, body: Body) -> Content:
        """Return what may stand in the SOAP Body of one direction of an operation."""
        if body.wrapper is None:
            return self.parts(body.parts[:1])
        return Content(children={body.wrapper: Child(type=ANY_TYPE, content=self.parts(body.parts))})

    def parts(self, parts: tuple[Part, ...]) -> Content:
        """Return what stands where parts of a message do."""
        found = Content()
        for part in parts:
            if part.element is None:
                found.children[part.name] = Child(type=part.type or ANY_TYPE)
            else:
                self._named(found, part.element, None)
        return found

    def within(self, child: Child) -> Content:
        """Return what may stand in an element, whether of its type or of one that is derived from it."""
        return self._of_type(child.type) if child.content is None else child.content

    def _of_type(self, use: TypeUse) -> Content:
        name = use if isinstance(use, str) else use.name
        if name is not None and name in self._known:
            return self._known[name]
        found = Content()
        self._add(found, use, None)
        declared = self._shapes.resolve(use)
        is_abstract = isinstance(declared, ComplexType) and declared.is_abstract
        for each in self._derived(name):
            self._add(found, each, None if is_abstract else local(each))
        if name is not None:
            self._known[name] = found
        return found

    def _derived(self, name: str | None) -> Iterator[str]:
        seen: set[str] = set()
        waiting = [] if name in {None, ANY_TYPE} else self._shapes.derived(name or "").copy()
        while waiting:
            each = waiting.pop(0)
            if each not in seen:
                seen.add(each)
                waiting += self._shapes.derived(each)
                yield each

    def _add(self, found: Content, use: TypeUse, by: str | None) -> None:
        declared = self._shapes.resolve(use)
        if isinstance(declared, ComplexType):
            self._complex(found, declared, by)
        elif isinstance(declared, SimpleType) or (isinstance(use, str) and is_built_in(use) and use != ANY_TYPE):
            found.has_text = True
        else:
            found.has_text = found.is_open = found.is_open_to_attributes = True

    def _complex(self, found: Content, declared: ComplexType, by: str | None) -> None:
        bases = [*self._shapes.bases(declared)]
        lineage = [declared, *bases]
        is_mixed = any(each.is_mixed for each in lineage)
        # An array of SOAP encoding has items of any name; what is based on something unknown is not known, either.
        is_unknown = any(each.array for each in lineage) or self._is_unknown(lineage[-1].base)
        found.has_text |= is_unknown or is_mixed or any(each.text is not None for each in lineage)
        found.is_open |= is_unknown
        found.is_open_to_attributes |= is_unknown or any(each.any_attribute is not None for each in lineage)
        for attribute in self._shapes.attributes(declared):
            found.attributes.setdefault(local(attribute), by)
        for group in self._shapes.contents(declared):
            self._particle(found, group, by)

    def _is_unknown(self, base: str | None) -> bool:
        """Tell whether the last base of a type is none of the contract's, nor one of XML Schema's simple types."""
        if base is None or base == ANY_TYPE or is_built_in(base):
            return False
        return not isinstance(self._shapes.type(base), SimpleType)

    def _particle(self, found: Content, particle: Particle, by: str | None) -> None:
        if particle.most == 0:
            return
        match particle:
            case Wildcard():
                found.is_open = True
            case ElementUse(is_reference=True):
                self._named(found, particle.name, by)
            case ElementUse():
                found.children.setdefault(particle.name, Child(type=particle.type, by=by))
            case _:
                for each in particle.particles:
                    self._particle(found, each, by)

    def _named(self, found: Content, name: str, by: str | None) -> None:
        """Add a global element, and those that may stand for it."""
        for each, use in self._standing(name).items():
            found.children.setdefault(each, Child(type=use, by=by))

    def _standing(self, name: str) -> Mapping[str, TypeUse]:
        standing: dict[str, TypeUse] = {}
        seen, waiting = {name}, [name]
        while waiting:
            each = waiting.pop()
            meant = self._shapes.element(each)
            if meant is None or not meant.is_abstract:
                standing[each] = ANY_TYPE if meant is None else meant.type
            fresh = [member for member in self._shapes.members(each) if member not in seen]
            seen.update(fresh)
            waiting += fresh
        return standing
