"""What changed between two versions of a contract, and whom each change breaks: callers, readers, or nobody."""

from contracts.legacy.soap.contract.difference.change import KINDS, Change, Effect, Log, Verdict
from contracts.legacy.soap.contract.difference.namespace import as_renamed, is_sent, place_of, renamed_namespaces
from contracts.legacy.soap.contract.difference.offer import Sides
from contracts.legacy.soap.contract.difference.stand_in import stand_ins
from contracts.legacy.soap.contract.difference.structure import Comparison
from contracts.legacy.soap.contract.model import Contract
from contracts.legacy.soap.contract.reach import Direction, reach
from contracts.legacy.soap.contract.shapes import Shapes

__all__ = ["KINDS", "Change", "Verdict", "difference"]


def difference(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Compare two contracts by what can be on the wire.

    Prefixes, formatting, comments, the order of declarations and how they are split into documents say nothing. Of the
    schemas only what both contracts' operations reach is compared; what one alone reaches follows from a change that is
    told. A type is judged by the directions that it travels in: what requests hold for callers, what answers and faults
    hold for readers. Where a namespace has another name, as a new version has, that is told once, and the rest is
    compared as if it had the old one.
    """
    log = Log(uses=frozenset({"request", "answer"}))
    renamed = renamed_namespaces(old, new)
    for name, other in renamed.items():
        effect: Effect = "both" if is_sent(new, other) else "none"
        log.at(name).add("namespace-renamed", effect, place=place_of(new, other), old=name, new=other)
    found = log.found + _compared(as_renamed(old, renamed) if renamed else old, new)
    return tuple(sorted(dict.fromkeys(found), key=lambda each: (_rank(each), each.about, each.kind)))


def _compared(old: Contract, new: Contract) -> list[Change]:
    before, after = Shapes(old.bundle), Shapes(new.bundle)
    olds, news = reach(old, before), reach(new, after)
    comparison = Comparison(before, after)
    sides = Sides(comparison)
    sides.compare(old, new)
    found = [*sides.found]
    for name in (each for each in olds.elements if each in news.elements):
        log = Log(uses=_uses(olds.elements[name], news.elements[name]))
        first, second = before.element(name), after.element(name)
        if first is not None and second is not None:
            comparison.elements(log, first, second)
            found += log.found
    for name in (each for each in olds.types if each in news.types):
        log = Log(uses=_uses(olds.types[name], news.types[name]))
        one, other = before.type(name), after.type(name)
        if one is not None and other is not None:
            comparison.types(log, one, other)
            found += log.found
    return [*found, *stand_ins((before, olds), (after, news))]


def _uses(old: set[Direction], new: set[Direction]) -> frozenset[Direction]:
    return frozenset(old | new)


def _rank(change: Change) -> int:
    if change.is_breaking:
        return 0
    return 1 if "compatible" in change.verdicts else 2
