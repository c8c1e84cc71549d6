"""Compares the content of two types: which elements, in which order, how often."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from contracts.legacy.soap.contract.component import ElementUse, ModelGroup, Particle, TypeUse, Wildcard
from contracts.legacy.soap.contract.model import Place
from contracts.legacy.xml import local

__all__ = ["Pairs", "can_be_empty", "flat", "label", "names_in", "occurs"]


class Pairs:
    """The particles of two groups, matched: elements by name, groups by the elements in them."""

    def __init__(self, old: ModelGroup, new: ModelGroup) -> None:
        olds, news = _keyed(old.particles), _keyed(new.particles)
        self.both: list[tuple[Particle, Particle]] = [(olds[key], news[key]) for key in olds if key in news]
        gone = {key: each for key, each in olds.items() if key not in news}
        come = {key: each for key, each in news.items() if key not in olds}
        for key, group in [*gone.items()]:
            match = _likest(group, come)
            if match is not None:
                self.both.append((group, come.pop(match)))
                del gone[key]
        ordered = {old.order, new.order} == {"sequence"}
        self.moved = ordered and _order(old, self.both, side=0) != _order(new, self.both, side=1)
        self.renamed = [*_renamed((old, new), gone.values(), come.values())]
        renamed = {id(each) for pair in self.renamed for each in pair}
        self.gone = [each for each in gone.values() if id(each) not in renamed]
        self.come = [each for each in come.values() if id(each) not in renamed]


def flat(groups: Sequence[ModelGroup], place: Place) -> ModelGroup:
    """Return groups that follow each other as one, without those in it that group nothing."""
    if len(groups) == 1:
        found = _flattened(groups[0])
        if isinstance(found, ModelGroup):
            return found
        return ModelGroup(order="sequence", particles=(found,), place=place)
    whole = ModelGroup(order="sequence", particles=tuple(groups), place=place)
    found = _flattened(whole)
    return found if isinstance(found, ModelGroup) else replace(whole, particles=(found,))


def can_be_empty(particle: Particle) -> bool:
    """Tell whether a particle may be left out."""
    if particle.least == 0:
        return True
    if not isinstance(particle, ModelGroup):
        return False
    if particle.order == "choice":
        return any(can_be_empty(each) for each in particle.particles)
    return all(can_be_empty(each) for each in particle.particles)


def names_in(particle: Particle) -> Iterator[str]:
    """Yield the names of all elements in a particle."""
    if isinstance(particle, ElementUse):
        yield particle.name
    elif isinstance(particle, ModelGroup):
        for each in particle.particles:
            yield from names_in(each)


def label(particle: Particle) -> str:
    """Return how a particle is called in a path."""
    match particle:
        case ElementUse():
            return local(particle.name)
        case Wildcard():
            return "any"
        case ModelGroup():
            return f"{particle.order}({', '.join(local(name) for name in names_in(particle))})"


def occurs(particle: Particle) -> str:
    """Return how often a particle occurs, as `0..1` or `1..n`."""
    return f"{particle.least}..{'n' if particle.most is None else particle.most}"


def _flattened(particle: Particle) -> Particle:
    if not isinstance(particle, ModelGroup):
        return particle
    inner: list[Particle] = []
    for each in map(_flattened, particle.particles):
        if each.most == 0:
            continue
        same = isinstance(each, ModelGroup) and each.order == particle.order and (each.least, each.most) == (1, 1)
        if isinstance(each, ModelGroup) and (same or not each.particles):
            inner.extend(each.particles)
        else:
            inner.append(each)
    if len(inner) == 1 and (particle.least, particle.most) == (1, 1):
        return inner[0]
    # The order of one is none: a choice of one is that one.
    order = "sequence" if len(inner) < 2 else particle.order  # noqa: PLR2004 - two are the least that have an order
    return replace(particle, order=order, particles=tuple(inner))


def _keyed(particles: Sequence[Particle]) -> dict[tuple[str, int], Particle]:
    """Return particles by what they are, and the how manieth of it."""
    seen: Counter[str] = Counter()
    found: dict[tuple[str, int], Particle] = {}
    for each in particles:
        name = each.name if isinstance(each, ElementUse) else "any" if isinstance(each, Wildcard) else "(group)"
        if name == "(group)":
            name = f"({' '.join(sorted(names_in(each)))})"
        seen[name] += 1
        found[name, seen[name]] = each
    return found


def _likest(group: Particle, others: dict[tuple[str, int], Particle]) -> tuple[str, int] | None:
    if not isinstance(group, ModelGroup):
        return None
    own = {*map(local, names_in(group))}
    groups = {key: each for key, each in others.items() if isinstance(each, ModelGroup)}
    shared = {key: len(own & {*map(local, names_in(each))}) for key, each in groups.items()}
    best = max(shared, key=lambda key: shared[key], default=None)
    return best if best is not None and shared[best] else None


def _order(group: ModelGroup, both: Sequence[tuple[Particle, Particle]], *, side: int) -> list[int]:
    numbers = {id(pair[side]): number for number, pair in enumerate(both)}
    return [numbers[id(each)] for each in group.particles if id(each) in numbers]


def _renamed(
    groups: tuple[ModelGroup, ModelGroup], gone: Iterable[Particle], come: Iterable[Particle]
) -> Iterator[tuple[ElementUse, ElementUse]]:
    """Yield elements that look like the same under another name."""
    old, new = groups
    left = [each for each in come if isinstance(each, ElementUse)]
    for before in gone:
        if not isinstance(before, ElementUse):
            continue
        match = next((each for each in left if _looks_renamed((old, before), (new, each))), None)
        if match is not None:
            left.remove(match)
            yield before, match


def _looks_renamed(old: tuple[ModelGroup, ElementUse], new: tuple[ModelGroup, ElementUse]) -> bool:
    (group, before), (other, after) = old, new
    if (before.least, before.most) != (after.least, after.most):
        return False
    if local(before.name) == local(after.name):
        return True
    if before.is_reference or after.is_reference or not _same_type(before.type, after.type):
        return False
    return any(one == two for one, two in zip(_neighbours(group, before), _neighbours(other, after), strict=True))


def _same_type(old: TypeUse, new: TypeUse) -> bool:
    return isinstance(old, str) and old == new


def _neighbours(group: ModelGroup, element: ElementUse) -> tuple[str, str]:
    names = ["^", *(label(each) for each in group.particles), "$"]
    place = next(number for number, each in enumerate(group.particles, 1) if each is element)
    return names[place - 1], names[place + 1]
