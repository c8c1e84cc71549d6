"""How deep the shallowest valid content of each type is: what leads out of recursion, and what never does."""

from collections.abc import Callable, Iterator
from math import inf
from typing import Final

from xmlschema.validators import (
    XsdAnyElement,
    XsdAttribute,
    XsdComplexType,
    XsdElement,
    XsdGroup,
    XsdSimpleType,
    XsdType,
)

from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.sample.derived import Derived, is_abstract
from contracts.legacy.soap.sample.text import ancestry

__all__ = ["Heights", "Particle", "can_be_nil"]

Particle = XsdElement | XsdAnyElement | XsdGroup
_ANY_TYPE: Final = XSD + "anyType"
_OF_A_DTD: Final = frozenset({XSD + "ENTITY", XSD + "ENTITIES"})
"""They name what a DTD declares, and a message has no DTD."""


def can_be_nil(element: XsdElement) -> bool:
    """Tell whether an element may be there without its content."""
    return element.nillable and element.fixed is None and not element.abstract


class Heights:
    """Heights of types and particles, each found once; infinite where no content of finite size is valid."""

    def __init__(self, derived: Derived) -> None:
        self._derived = derived
        self._known: dict[XsdType, float] = {}
        self._particles: dict[Particle, float] = {}

    def of_type(self, kind: XsdType) -> float:
        """Return the height of content of a type; of one derived from it, where it is abstract."""
        if isinstance(kind, XsdSimpleType):
            return inf if any(each.name in _OF_A_DTD for each in ancestry(kind)) else 0
        if kind.name == _ANY_TYPE:
            return 0
        if kind not in self._known:
            self._learn(kind)
        return self._known[kind]

    def of_element(self, element: XsdElement) -> float:
        """Return the height of an element, itself included; of what may stand for it, where it is abstract."""
        return self._element(element, self.of_type)

    def of_particle(self, particle: Particle) -> float:
        """Return the height of one occurrence of a particle."""
        if particle not in self._particles:
            self._particles[particle] = self._once(particle, self.of_type)
        return self._particles[particle]

    def _learn(self, first: XsdType) -> None:
        """Find the least fixpoint for all types that can be reached and are not known."""
        found = dict.fromkeys(self._reachable(first), inf)
        is_settled = False
        while not is_settled:
            is_settled = True
            for kind in found:
                height = self._content(kind, lambda each: found[each] if each in found else self.of_type(each))
                is_settled = is_settled and height == found[kind]
                found[kind] = height
        self._known.update(found)

    def _reachable(self, first: XsdType) -> Iterator[XsdType]:
        seen, waiting = {first}, [first]
        while waiting:
            kind = waiting.pop()
            yield kind
            for each in self._next(kind):
                if each not in seen and each not in self._known and self._is_open(each):
                    seen.add(each)
                    waiting.append(each)

    def _next(self, kind: XsdType) -> Iterator[XsdType]:
        yield from self._derived.types(kind)
        if isinstance(kind, XsdComplexType) and isinstance(kind.content, XsdGroup):
            for element in kind.content.iter_elements():
                if isinstance(element, XsdElement):
                    yield from (member.type for member in self._derived.members(element))

    @staticmethod
    def _is_open(kind: XsdType) -> bool:
        return isinstance(kind, XsdComplexType) and kind.name != _ANY_TYPE

    def _content(self, kind: XsdType, known: Callable[[XsdType], float]) -> float:
        if not isinstance(kind, XsdComplexType):
            return known(kind)
        if kind.abstract:
            return min((known(each) for each in self._derived.types(kind) if not is_abstract(each)), default=inf)
        content = kind.content
        given = (each for each in kind.attributes.values() if isinstance(each, XsdAttribute))
        attributes = [each for each in given if each.is_required()]
        if any(self.of_type(each.type) == inf for each in attributes):
            return inf
        return self._once(content, known) if isinstance(content, XsdGroup) else known(content)

    def _element(self, element: XsdElement, known: Callable[[XsdType], float]) -> float:
        if can_be_nil(element):
            return 1
        return 1 + min((known(member.type) for member in self._derived.members(element)), default=inf)

    def _once(self, particle: Particle, known: Callable[[XsdType], float]) -> float:
        if isinstance(particle, XsdElement):
            return self._element(particle, known)
        if isinstance(particle, XsdAnyElement):
            return 1
        if particle.model == "choice":
            choices = [each for each in particle if each.max_occurs != 0]
            return min((self._needed(each, known) for each in choices), default=inf if len(particle) else 0)
        return max((self._needed(each, known) for each in particle), default=0)

    def _needed(self, particle: Particle, known: Callable[[XsdType], float]) -> float:
        return 0 if particle.min_occurs == 0 else self._once(particle, known)
