"""The content of a complex type: which child elements, in which order, and how often.

A model becomes an automaton that is made deterministic as far as messages need it: each child is one step, whatever
choices, counts and wildcards the model has.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from xmlschema import XsdElement
from xmlschema.validators import XsdAnyElement, XsdComplexType, XsdGroup

from contracts.legacy.xml import local

__all__ = ["Content", "Flaw", "FlawKind", "Particle", "content"]

FlawKind: TypeAlias = Literal["unknown", "missing", "too-many", "content"]
_MOST_COPIES: Final = 8
"""How often a particle stands in the automaton; what may come more often may there come without end."""
_MOST_STATES: Final = 20_000
_MOST_STEPS: Final = 20_000
"""Remembered ones of one model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Particle:
    """An element that may be a child."""

    element: XsdElement
    repeats: bool
    """It may come more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One way in which children are not as the model has them."""

    kind: FlawKind
    tag: str | None
    """The element that it is about; None for the content as a whole."""
    expected: str


@dataclass(slots=True)
class _Automaton:
    """States from 0 on; each has steps by a name, by a wildcard, and without a child."""

    by_name: list[list[tuple[str, int]]] = field(default_factory=list[list[tuple[str, int]]])
    by_wildcard: list[list[tuple[XsdAnyElement, int]]] = field(default_factory=list[list[tuple[XsdAnyElement, int]]])
    free: list[list[int]] = field(default_factory=list[list[int]])

    def state(self) -> int:
        """Add a state."""
        for each in (self.by_name, self.by_wildcard, self.free):
            each.append([])
        return len(self.free) - 1

    def closed(self, states: Iterator[int]) -> frozenset[int]:
        """Return states with all that can be reached without a child."""
        found: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                waiting += self.free[state]
        return frozenset(found)

    def after(self, states: frozenset[int], tag: str) -> frozenset[int]:
        """Return the states after a child."""
        named = (to for state in states for name, to in self.by_name[state] if name == tag)
        wild = (to for state in states for any_, to in self.by_wildcard[state] if any_.is_matching(tag))
        return self.closed(iter([*named, *wild]))


class Content:
    """Says of the names of children whether they fit. Not for several threads at a time."""

    def __init__(self, group: XsdGroup | None) -> None:
        self._least, self._most = Counter[str](), dict[str, float]()
        self._particles: dict[str, Particle] = {}
        self._wildcards: list[XsdAnyElement] = []
        self._is_ordered = True
        self._automaton = _Automaton()
        start = self._automaton.state()
        self._end = start
        if group is not None:
            self._bounds(group, least=1, most=1)
            self._end = self._times(group, start) if self._is_ordered else start
        self._start = self._automaton.closed(iter([start]))
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    @property
    def particles(self) -> Mapping[str, Particle]:
        """Return the elements that may come, by name."""
        return self._particles

    @property
    def has_wildcard(self) -> bool:
        """Tell whether elements that the contract does not name may come."""
        return bool(self._wildcards)

    def needs(self, tag: str) -> bool:
        """Tell whether an element has to come; not where another may stand for it."""
        return self._least[tag] > 0

    def takes(self, tag: str) -> bool:
        """Tell whether a wildcard stands for an element that is not named."""
        return tag not in self._particles and any(any_.is_matching(tag) for any_ in self._wildcards)

    def flaws(self, tags: Sequence[str], *, apart: frozenset[str] = frozenset()) -> Iterator[Flaw]:
        """Yield how the children differ from the model; those that were read apart are not counted."""
        known = [tag for tag in tags if tag in self._particles or self.takes(tag)]
        for tag in dict.fromkeys(tag for tag in tags if tag not in self._particles and not self.takes(tag)):
            yield Flaw(kind="unknown", tag=tag, expected="no such element")
        counted = [*self._counted(known, apart)]
        if counted or apart or not self._is_ordered or self._fits(known):
            yield from counted
        else:
            named = ", ".join(local(tag) for tag in self._particles)
            yield Flaw(kind="content", tag=None, expected=f"the order or choice of {named}")

    def _counted(self, tags: Sequence[str], apart: frozenset[str]) -> Iterator[Flaw]:
        counts = Counter(tags)
        for tag, least in self._least.items():
            if counts[tag] < least and tag not in apart:
                yield Flaw(kind="missing", tag=tag, expected=f"at least {least}")
        for tag, count in counts.items():
            most = self._most.get(tag)
            if most is None or count <= most or tag in apart:
                continue
            # A wildcard may stand for what comes more often.
            if not any(any_.is_matching(tag) for any_ in self._wildcards):
                yield Flaw(kind="too-many", tag=tag, expected=f"at most {most:.0f}")

    def _fits(self, tags: Sequence[str]) -> bool:
        states = self._start
        for tag in tags:
            following = self._steps.get((states, tag))
            if following is None:
                following = self._automaton.after(states, tag)
                if len(self._steps) < _MOST_STEPS:
                    self._steps[states, tag] = following
            if not following:
                return False
            states = following
        return self._end in states

    def _times(self, particle: XsdElement | XsdAnyElement | XsdGroup, start: int) -> int:
        """Put a particle into the automaton as often as it may come, and return the state after it."""
        least, most = min(particle.min_occurs, _MOST_COPIES), particle.max_occurs
        is_endless = most is None or most > _MOST_COPIES or len(self._automaton.free) > _MOST_STATES
        here = start
        for _ in range(least):
            here = self._once(particle, here)
        end = self._automaton.state()
        self._automaton.free[here].append(end)
        if is_endless:
            after = self._once(particle, end)
            self._automaton.free[after].append(end)
            return end
        for _ in range((most or 0) - least):
            here = self._once(particle, here)
            self._automaton.free[here].append(end)
        return end

    def _once(self, particle: XsdElement | XsdAnyElement | XsdGroup, start: int) -> int:
        automaton = self._automaton
        if isinstance(particle, XsdGroup):
            return self._group(particle, start)
        end = automaton.state()
        if isinstance(particle, XsdAnyElement):
            automaton.by_wildcard[start].append((particle, end))
        else:
            automaton.by_name[start] += [(element.name, end) for element in _standing_for(particle)]
        return end

    def _group(self, group: XsdGroup, start: int) -> int:
        if group.model == "choice" and len(group):
            end = self._automaton.state()
            for particle in group:
                before = self._automaton.state()
                self._automaton.free[start].append(before)
                self._automaton.free[self._times(particle, before)].append(end)
            return end
        here = start
        for particle in group:
            here = self._times(particle, here)
        return here

    def _bounds(self, group: XsdGroup, *, least: int, most: float) -> None:
        """Note how often each element comes at least and at most, wherever in the model it stands."""
        is_choice = group.model == "choice" and len(group) > 1
        least = 0 if is_choice else least * group.min_occurs
        most = most * _most(group.max_occurs)
        self._is_ordered = self._is_ordered and group.model != "all"
        for particle in group:
            if isinstance(particle, XsdGroup):
                self._bounds(particle, least=least, most=most)
            elif isinstance(particle, XsdAnyElement):
                self._wildcards.append(particle)
            else:
                self._bound(particle, least=least, most=most * _most(particle.max_occurs))

    def _bound(self, particle: XsdElement, *, least: int, most: float) -> None:
        standing = _standing_for(particle)
        if len(standing) == 1:
            self._least[standing[0].name] += least * particle.min_occurs
        for element in standing:
            total = self._most.get(element.name, 0) + most
            self._most[element.name] = total
            self._particles[element.name] = Particle(element=element, repeats=total > 1)


def content(kind: XsdComplexType) -> Content:
    """Compile the content model of a type that has elements, or none."""
    return Content(kind.content if isinstance(kind.content, XsdGroup) else None)


def _standing_for(element: XsdElement) -> list[XsdElement]:
    """Return an element and what may be substituted for it, without what is abstract."""
    members = element.iter_substitutes() if element.is_global() or element.ref is not None else ()
    return [each for each in (element, *members) if not each.abstract]


def _most(occurs: int | None) -> float:
    return float("inf") if occurs is None else occurs
