"""The content of a complex type: which child elements, in which order, and how often.

A model becomes a regular expression over one letter for each element name. XML Schema demands that a model tells at
each element what it stands for ("unique particle attribution"), so its quantifiers can be possessive: no message makes
the matching slow.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from xmlschema import XsdElement
from xmlschema.validators import XsdAnyElement, XsdComplexType, XsdGroup

__all__ = ["Content", "Flaw", "FlawKind", "Particle", "content"]

FlawKind: TypeAlias = Literal["unknown", "missing", "too-many", "content"]
_FIRST_LETTER: Final = 0xE000
"""Letters of the private use area: none has a meaning in a regular expression."""
_MOST_CHECKED: Final = 100_000


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
class _Build:
    particles: dict[str, Particle] = field(default_factory=dict[str, Particle])
    letters: dict[str, str] = field(default_factory=dict[str, str])
    wildcards: list[XsdAnyElement] = field(default_factory=list[XsdAnyElement])
    least: Counter[str] = field(default_factory=Counter[str])
    most: dict[str, float] = field(default_factory=dict[str, float])
    is_ordered: bool = True


class Content:
    """Says of the names of children whether they fit. Not for several threads at a time."""

    def __init__(self, build: _Build, pattern: str) -> None:
        self.particles: Final[Mapping[str, Particle]] = build.particles
        self._letters, self._wildcards = build.letters, build.wildcards
        self._least, self._most = build.least, build.most
        self._fits = re.compile(pattern, re.DOTALL).fullmatch if build.is_ordered else None

    @property
    def has_wildcard(self) -> bool:
        """Tell whether elements that the contract does not name may come."""
        return bool(self._wildcards)

    def needs(self, tag: str) -> bool:
        """Tell whether an element has to come; not where another may stand for it."""
        return self._least[tag] > 0

    def takes(self, tag: str) -> bool:
        """Tell whether a wildcard stands for an element that is not named."""
        return tag not in self.particles and self._wildcard(tag) is not None

    def flaws(self, tags: Sequence[str], *, apart: frozenset[str] = frozenset()) -> Iterator[Flaw]:
        """Yield how the children differ from the model; those that were read apart are not counted."""
        known = [tag for tag in tags if tag in self.particles or self._wildcard(tag) is not None]
        for tag in dict.fromkeys(tag for tag in tags if tag not in self.particles and self._wildcard(tag) is None):
            yield Flaw(kind="unknown", tag=tag, expected="no such element")
        if not apart and self._fits is not None and len(known) <= _MOST_CHECKED:
            if self._fits("".join(map(self._letter, known))):
                return
            counted = [*self._counted(known, apart)]
            yield from counted or [Flaw(kind="content", tag=None, expected=self._said())]
        else:
            yield from self._counted(known, apart)

    def _counted(self, tags: Sequence[str], apart: frozenset[str]) -> Iterator[Flaw]:
        counts = Counter(tags)
        for tag, least in self._least.items():
            if counts[tag] < least and tag not in apart:
                yield Flaw(kind="missing", tag=tag, expected=f"at least {least}, found {counts[tag]}")
        for tag, count in counts.items():
            if (most := self._most.get(tag)) is not None and count > most and tag not in apart:
                yield Flaw(kind="too-many", tag=tag, expected=f"at most {most:.0f}, found {count}")

    def _letter(self, tag: str) -> str:
        return self._letters.get(tag) or self._letters[f"any {self._wildcard(tag)}"]

    def _wildcard(self, tag: str) -> int | None:
        return next((number for number, any_ in enumerate(self._wildcards) if any_.is_matching(tag)), None)

    def _said(self) -> str:
        return f"the order or choice of {', '.join(tag.rpartition('}')[2] for tag in self.particles)}"


def content(kind: XsdComplexType) -> Content:
    """Compile the content model of a type that has elements, or none."""
    build = _Build()
    group = kind.content
    if not isinstance(group, XsdGroup):
        return Content(build, "")
    _number(group, build)
    _bounds(group, build, least=1, most=1)
    return Content(build, _pattern(group, build))


def _number(group: XsdGroup, build: _Build) -> None:
    """Give each name a letter, and each wildcard one for what it alone takes."""
    for particle in group:
        if isinstance(particle, XsdGroup):
            _number(particle, build)
        elif isinstance(particle, XsdAnyElement):
            build.letters.setdefault(f"any {len(build.wildcards)}", chr(_FIRST_LETTER + len(build.letters)))
            build.wildcards.append(particle)
        else:
            for element in _standing_for(particle):
                build.letters.setdefault(element.name, chr(_FIRST_LETTER + len(build.letters)))


def _standing_for(element: XsdElement) -> list[XsdElement]:
    """Return an element and what may be substituted for it, without what is abstract."""
    members = element.iter_substitutes() if element.is_global() or element.ref is not None else ()
    return [each for each in (element, *members) if not each.abstract]


def _bounds(group: XsdGroup, build: _Build, *, least: int, most: float) -> None:
    """Note how often each element comes at least and at most, wherever in the model it stands."""
    is_choice = group.model == "choice" and len(group) > 1
    least = 0 if is_choice else least * group.min_occurs
    most = most * _most(group.max_occurs)
    build.is_ordered = build.is_ordered and group.model != "all"
    for particle in group:
        if isinstance(particle, XsdGroup):
            _bounds(particle, build, least=least, most=most)
        elif isinstance(particle, XsdElement):
            upper = most * _most(particle.max_occurs)
            standing = _standing_for(particle)
            if len(standing) == 1:
                build.least[standing[0].name] += least * particle.min_occurs
            for element in standing:
                total = build.most.get(element.name, 0) + upper
                build.most[element.name] = total
                build.particles[element.name] = Particle(element=element, repeats=total > 1)


def _most(occurs: int | None) -> float:
    return float("inf") if occurs is None else occurs


def _pattern(group: XsdGroup, build: _Build) -> str:
    parts: list[str] = []
    for particle in group:
        if isinstance(particle, XsdGroup):
            part = _pattern(particle, build)
        elif isinstance(particle, XsdAnyElement):
            part = _counted_pattern(_wildcard_letters(particle, build), particle)
        else:
            letters = "".join(build.letters[element.name] for element in _standing_for(particle))
            part = _counted_pattern(f"[{letters}]" if letters else "(?!)", particle)
        parts.append(part)
    joined = "|".join(parts) if group.model == "choice" else "".join(parts)
    return _counted_pattern(f"(?:{joined})", group)


def _wildcard_letters(wildcard: XsdAnyElement, build: _Build) -> str:
    own = build.letters[f"any {next(n for n, each in enumerate(build.wildcards) if each is wildcard)}"]
    named = [
        letter for name, letter in build.letters.items() if not name.startswith("any ") and wildcard.is_matching(name)
    ]
    return f"[{own}{''.join(named)}]"


def _counted_pattern(pattern: str, particle: XsdElement | XsdAnyElement | XsdGroup) -> str:
    least, most = particle.min_occurs, particle.max_occurs
    if (least, most) == (1, 1):
        return pattern
    return f"{pattern}{{{least},{'' if most is None else most}}}+"
