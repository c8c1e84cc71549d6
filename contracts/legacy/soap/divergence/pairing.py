"""Reads two replies side by side: what is the same XML on both sides, whatever its prefixes, is not read at all.

It holds where neither names with prefixes nor text beside elements can stand in the replies of an operation.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from itertools import count
from typing import Final, TypeAlias, cast, final

from contracts.legacy.soap.divergence.alignment import in_order
from contracts.legacy.soap.divergence.content import Content, Types
from contracts.legacy.soap.divergence.node import Node, same
from contracts.legacy.soap.divergence.plan import Plan
from contracts.legacy.soap.divergence.reading import Reader
from contracts.legacy.xml import BLANKS, Element

__all__ = ["SideBySide", "is_plain", "is_same"]

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_Given: TypeAlias = tuple[dict[int, Node], dict[int, Node]]
_Signature: TypeAlias = tuple[Hashable, ...]
_FEW: Final = 64
_SHARE: Final = 20
"""So many changed, or one of so many, and elements belong to those at their place; else they may have moved."""
_MOST_LEVELS: Final = 8
"""Below, elements are read one by one: each level costs a look at all that is below it."""


def is_plain(content: Content, types: Types) -> bool:
    """Tell whether the same XML always says the same in elements of a type."""
    seen: set[int] = set()
    waiting = [content]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        scalars = [each.scalar, *(attribute.scalar for attribute in each.attributes.values())]
        if each.is_open or each.is_mixed or any(found is not None and found.has_names for found in scalars):
            return False
        waiting += [types.of(declared.type) for declared in each.elements.values()]
    return True


@final
class SideBySide:
    """Reads the same element of two replies."""

    def __init__(self, left: Reader, right: Reader) -> None:
        self._left, self._right = left, right
        self._numbers = count()

    def nodes(self, plan: Plan, sides: tuple[Element, Element], *, level: int = 0) -> tuple[Node, Node]:
        """Read an element of both; children that are the same XML stand for themselves.

        Raises:
            XmlError: A reply is beyond the limits.
        """
        given: _Given = ({}, {})
        if level < _MOST_LEVELS and not any(each.get(_XSI + "type") for each in sides):
            left, right = [*sides[0]], [*sides[1]]
            for mine, theirs in _pairs(plan, left, right):
                child = plan.child(left[mine].tag, plan.content)
                given[0][mine] = given[1][theirs] = same(child, left[mine].tag, next(self._numbers))
            if len(left) == len(right):
                self._below(plan, given, [*zip(left, right, strict=True)], level=level)
        return (
            self._left.node(plan, sides[0], level, given=given[0]),
            self._right.node(plan, sides[1], level, given=given[1]),
        )

    def _below(self, plan: Plan, given: _Given, pairs: list[tuple[Element, Element]], *, level: int) -> None:
        for place, (mine, theirs) in enumerate(pairs):
            if place in given[0] or place in given[1] or mine.tag != theirs.tag:
                continue
            child = plan.child(mine.tag, plan.content)
            if child.is_ignored:
                continue
            if child.declared.is_once:
                given[0][place], given[1][place] = self.nodes(child, (mine, theirs), level=level + 1)
                continue
            # Repeated elements may belong to others than those at their place, so they are read whole. What is equal
            # is dropped at once: with all nodes of a long list, collecting garbage would take most of the time.
            node, other = self._left.node(child, mine, level + 1), self._right.node(child, theirs, level + 1)
            if node.key == other.key:
                node = other = same(child, mine.tag, next(self._numbers))
            given[0][place], given[1][place] = node, other


def _pairs(plan: Plan, left: list[Element], right: list[Element]) -> Iterable[tuple[int, int]]:
    """Return the places of children that are the same XML and belong together."""
    if len(left) == len(right):
        found = [at for at, (mine, theirs) in enumerate(zip(left, right, strict=True)) if is_same(mine, theirs)]
        if len(left) - len(found) <= max(_FEW, len(left) // _SHARE):
            return [(at, at) for at in found]
    most = min(len(left), len(right))
    start = next((at for at in range(most) if not is_same(left[at], right[at])), most)
    rest = most - start
    end = next((at for at in range(rest) if not is_same(left[-1 - at], right[-1 - at])), rest)
    pairs = [(at, at) for at in range(start)] + [(len(left) - 1 - at, len(right) - 1 - at) for at in range(end)]
    if rest - end > _FEW:
        mine, theirs = _singles(left, start, len(left) - end), _singles(right, start, len(right) - end)
        inner = [(place, theirs[said]) for said, place in mine.items() if said in theirs]
        is_loose = any(plan.child(tag, plan.content).rules.unordered for tag in {each.tag for each in left})
        pairs += inner if is_loose else in_order(inner)
    return pairs


def _singles(elements: list[Element], start: int, end: int) -> dict[_Signature, int]:
    """Return the places of elements that say what no other does."""
    found = [(at, _signature(elements[at])) for at in range(start, end)]
    counted = Counter(said for _, said in found)
    return {said: at for at, said in found if said is not None and counted[said] == 1}


def _signature(element: Element) -> _Signature | None:
    """Return all that an element says, but for prefixes and blanks beside elements; None where that needs its type."""
    said: list[Hashable] = []
    for each in element.iter():
        names = cast("list[str]", each.keys())
        if _XSI + "type" in names:
            return None
        text, tail = each.text or "", each.tail or ""
        blank = len(each) and not text.strip(BLANKS)
        said += (each.tag, len(each), "" if blank else text)
        if tail.strip(BLANKS) and each is not element:
            said.append(("tail", tail))
        if names:
            said.append(tuple(sorted(cast("list[tuple[str, str]]", each.items()))))
    return tuple(said)


def is_same(left: Element, right: Element) -> bool:
    """Tell whether two elements are the same XML, but for prefixes and blanks beside elements."""
    if left.tag != right.tag:
        return False
    for mine, theirs in zip(left.iter(), right.iter(), strict=False):
        if mine.tag != theirs.tag or len(mine) != len(theirs) or not _says_the_same(mine, theirs):
            return False
        if mine is not left and mine.tail != theirs.tail and not _are_blank(mine.tail, theirs.tail):
            return False
    return True


def _says_the_same(left: Element, right: Element) -> bool:
    if left.text != right.text and not (len(left) and _are_blank(left.text, right.text)):
        return False
    names = cast("list[str]", left.keys())
    if not names and not right.keys():
        return True
    return left.items() == right.items() and _XSI + "type" not in names


def _are_blank(left: str | None, right: str | None) -> bool:
    return not (left or "").strip(BLANKS) and not (right or "").strip(BLANKS)
