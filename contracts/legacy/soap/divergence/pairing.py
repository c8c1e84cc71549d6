"""Reads two replies side by side: what is the same XML on both sides, whatever its prefixes, is not read at all.

It holds where neither names with prefixes nor text beside elements can stand in the replies of an operation.
"""

from itertools import count
from typing import Final, TypeAlias, cast, final

from contracts.legacy.soap.divergence.content import Content, Types
from contracts.legacy.soap.divergence.node import Node, same
from contracts.legacy.soap.divergence.plan import Plan
from contracts.legacy.soap.divergence.reading import Reader
from contracts.legacy.soap.divergence.scalar import BLANKS
from contracts.legacy.xml import Element

__all__ = ["SideBySide", "is_plain", "is_same"]

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_Given: TypeAlias = tuple[dict[int, Node], dict[int, Node]]
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
            if len(left) == len(right):
                self._each(plan, given, [*zip(left, right, strict=True)], level=level)
            else:
                self._ends(plan, given, (left, right))
        return (
            self._left.node(plan, sides[0], level, given=given[0]),
            self._right.node(plan, sides[1], level, given=given[1]),
        )

    def _each(self, plan: Plan, given: _Given, pairs: list[tuple[Element, Element]], *, level: int) -> None:
        for place, (mine, theirs) in enumerate(pairs):
            child = plan.child(mine.tag, plan.content)
            if is_same(mine, theirs):
                given[0][place] = given[1][place] = same(child, mine.tag, next(self._numbers))
            # Repeated elements may belong to others than those at their place, so they are read whole.
            elif mine.tag == theirs.tag and child.declared.is_once and not child.is_ignored:
                given[0][place], given[1][place] = self.nodes(child, (mine, theirs), level=level + 1)

    def _ends(self, plan: Plan, given: _Given, sides: tuple[list[Element], list[Element]]) -> None:
        """Find what is the same at the beginning and at the end of two lists."""
        for step in (1, -1):
            for at, (mine, theirs) in enumerate(zip(sides[0][::step], sides[1][::step], strict=False)):
                places = [at if step == 1 else len(side) - 1 - at for side in sides]
                if any(place in known for place, known in zip(places, given, strict=True)) or not is_same(mine, theirs):
                    break
                child = plan.child(mine.tag, plan.content)
                given[0][places[0]] = given[1][places[1]] = same(child, mine.tag, next(self._numbers))


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
