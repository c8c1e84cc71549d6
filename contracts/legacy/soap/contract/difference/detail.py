"""Compares single things of types and elements: flags, values, occurrence, wildcards; tells what is gone or come."""

from collections.abc import Iterable

from contracts.legacy.soap.contract.component import Attribute, ElementUse, ModelGroup, Order, Particle, Wildcard
from contracts.legacy.soap.contract.difference.change import Effect, Log, together
from contracts.legacy.soap.contract.difference.content import can_be_empty, label, occurs
from contracts.legacy.soap.contract.model import Place
from contracts.legacy.xml import local

__all__ = ["come", "flag", "gone", "occurrence", "renamed", "values", "wildcards"]


def gone(log: Log, particle: Particle, *, order: Order) -> None:
    """Tell of a particle that is gone from a group."""
    effect: Effect = "narrows" if order == "choice" or can_be_empty(particle) else "both"
    kind = f"{_called(particle, order)}-removed"
    log.below(label(particle)).add(kind, effect, place=particle.place, old=occurs(particle))


def come(log: Log, particle: Particle, *, order: Order) -> None:
    """Tell of a particle that is new in a group."""
    effect: Effect = "widens" if order == "choice" or can_be_empty(particle) else "both"
    kind = f"{_called(particle, order)}-added"
    log.below(label(particle)).add(kind, effect, place=particle.place, new=occurs(particle))


def _called(particle: Particle, order: Order) -> str:
    if order == "choice":
        return "branch"
    if isinstance(particle, ModelGroup):
        return "group"
    return "wildcard" if isinstance(particle, Wildcard) else "element"


def wildcards(log: Log, old: Wildcard | None, new: Wildcard | None) -> None:
    """Compare what is allowed without a name."""
    if old is None and new is not None:
        log.add("wildcard-added", "widens", place=new.place, new=new.namespace)
    elif new is None and old is not None:
        log.add("wildcard-removed", "narrows", place=old.place, old=old.namespace)
    elif old is not None and new is not None and (old.namespace, old.process) != (new.namespace, new.process):
        effect = together([_spaces(old.namespace, new.namespace), _processing(old.process, new.process)])
        before, after = (f"{each.namespace} {each.process}" for each in (old, new))
        log.add("wildcard-changed", effect, place=new.place, old=before, new=after)


def flag(log: Log, word: str, *, was: bool, now: bool, place: Place) -> None:
    """Compare whether something holds."""
    if was != now:
        narrows = now == (word == "abstract")
        log.add(f"{word}-added" if now else f"{word}-removed", "narrows" if narrows else "widens", place=place)


def values(log: Log, old: ElementUse | Attribute, new: ElementUse | Attribute) -> None:
    """Compare defaults and fixed values."""
    if old.default != new.default:
        log.add("default-changed", "none", place=new.place, old=old.default, new=new.default)
    if old.fixed != new.fixed:
        effect: Effect = "narrows" if old.fixed is None else "widens" if new.fixed is None else "both"
        log.add("fixed-changed", effect, place=new.place, old=old.fixed, new=new.fixed)


def occurrence(log: Log, old: Particle, new: Particle) -> None:
    """Compare how often something occurs."""
    effects: list[Effect] = []
    if old.least != new.least:
        effects.append("widens" if new.least < old.least else "narrows")
    if old.most != new.most:
        effects.append("widens" if new.most is None or (old.most is not None and new.most > old.most) else "narrows")
    if effects:
        effect = together(effects)
        kind = {"widens": "occurrence-widened", "narrows": "occurrence-narrowed"}.get(effect, "occurrence-changed")
        log.add(kind, effect, place=new.place, old=occurs(old), new=occurs(new))


def renamed(log: Log, renamed: Iterable[tuple[ElementUse, ElementUse]]) -> None:
    """Tell of elements that look renamed; of those with the same names in another namespace once."""
    spaces: dict[tuple[str, str], list[tuple[ElementUse, ElementUse]]] = {}
    for old, new in renamed:
        if local(old.name) == local(new.name):
            spaces.setdefault((old.name.rpartition("}")[0][1:], new.name.rpartition("}")[0][1:]), []).append((old, new))
        else:
            there = log.below(local(old.name))
            there.add("element-renamed", "both", place=new.place, old=local(old.name), new=local(new.name))
    for (before, after), found in spaces.items():
        place = found[0][1].place
        log.add("namespace-changed", "both", place=place, old=before or "none", new=after or "none")


def _spaces(old: str, new: str) -> Effect:
    if old == new:
        return "none"
    return "widens" if new == "##any" else "narrows" if old == "##any" else "both"


def _processing(old: str, new: str) -> Effect:
    strictness = ["skip", "lax", "strict"]
    if old == new or not {old, new} <= {*strictness}:
        return "none"
    return "widens" if strictness.index(new) < strictness.index(old) else "narrows"
