"""Compares what may stand for an element or a type: members of substitution groups, and derived types by xsi:type."""

from collections.abc import Callable, Iterator

from contracts.legacy.soap.contract.component import ElementUse
from contracts.legacy.soap.contract.difference.change import Change, Log
from contracts.legacy.soap.contract.model import Place
from contracts.legacy.soap.contract.reach import Reach, inside
from contracts.legacy.soap.contract.shapes import Shapes
from contracts.legacy.xml import local

__all__ = ["stand_ins"]


def stand_ins(old: tuple[Shapes, Reach], new: tuple[Shapes, Reach]) -> Iterator[Change]:
    """Yield what may stand for what is used in both, and could not before, or can't any more."""
    (before, olds), (after, news) = old, new
    for head in (name for name in olds.elements if name in news.elements):
        found = before.element(head), after.element(head)
        if found[0] is not None and found[1] is not None:
            log = Log(about=local(head), uses=frozenset(olds.elements[head] | news.elements[head]))
            _compare(log, "substitute", (_all(head, before.members), _all(head, after.members)), place=found[1].place)
            yield from log.found
    used = _used(before, olds) & _used(after, news)
    for name in sorted(used & {*olds.types} & {*news.types}):
        there = after.type(name)
        if there is not None:
            log = Log(about=local(name), uses=frozenset(olds.types[name] | news.types[name]))
            _compare(log, "derived-type", (_all(name, before.derived), _all(name, after.derived)), place=there.place)
            yield from log.found


def _compare(log: Log, kind: str, below: tuple[set[str], set[str]], *, place: Place) -> None:
    olds, news = below
    for each in sorted(news - olds):
        log.add(f"{kind}-added", "widens", place=place, new=local(each))
    for each in sorted(olds - news):
        log.add(f"{kind}-removed", "narrows", place=place, old=local(each))


def _all(name: str, below: Callable[[str], list[str]]) -> set[str]:
    seen, waiting = set[str](), [name]
    while waiting:
        for each in below(waiting.pop()):
            if each not in seen and each != name:
                seen.add(each)
                waiting.append(each)
    return seen


def _used(shapes: Shapes, reached: Reach) -> set[str]:
    """Return the types that elements have: only for these another may come."""
    return {
        piece.type
        for owner in reached.owners(shapes)
        for piece in inside(owner)
        if isinstance(piece, ElementUse) and isinstance(piece.type, str)
    }
