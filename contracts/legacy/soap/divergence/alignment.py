"""Which elements of two lists belong together, so that one that was inserted is one difference.

Elements that say the same and are alone in that are anchors; in the gaps between, those are paired that have most in
common, by dynamic programming. The work is bounded: beyond that, elements are paired in their order.
"""

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from contracts.legacy.soap.divergence.node import Key, Node

__all__ = ["Aligner", "Pair", "in_order"]

Pair: TypeAlias = "tuple[Node | None, Node | None]"
"""What belongs together; None where a side has nothing."""
_MOST_CELLS: Final = 4096
"""Of one gap: 64 elements against 64."""
_ALL_CELLS: Final = 1_000_000
_SAME: Final = 3.0
_PAIRED: Final = 0.01
_HERE: Final = 0.001
"""Of several that would do, those at the same place."""


@final
class Aligner:
    """Aligns the lists of one comparison, within one bound of work."""

    def __init__(self) -> None:
        self._left = _ALL_CELLS

    def ordered(self, left: Sequence[Node], right: Sequence[Node]) -> list[Pair]:
        """Pair the elements of two lists whose order says something; equal pairs are left out."""
        start, end = _trimmed(left, right)
        left, right = left[start : len(left) - end], right[start : len(right) - end]
        if not left or not right:
            return [*((each, None) for each in left), *((None, each) for each in right)]
        if _is_parallel(left, right):
            return [*zip(left, right, strict=True)]
        # Ties are broken in the same way whichever reply is called the left one.
        if _rank(left[0]) > _rank(right[0]):
            return [(mine, theirs) for theirs, mine in self._gaps(right, left)]
        return [*self._gaps(left, right)]

    def unordered(self, left: Sequence[Node], right: Sequence[Node]) -> list[Pair]:
        """Pair the elements of two lists whose order says nothing: equal ones first; those are left out."""
        counted = Counter(node.key for node in right)
        mine: list[Node] = []
        for node in left:
            if counted[node.key]:
                counted[node.key] -= 1
            else:
                mine.append(node)
        theirs = [node for node in reversed(right) if _taken(counted, node)][::-1]
        ours, others = (sorted(side, key=_rank) for side in (mine, theirs))
        return self.ordered(ours, others)

    def _gaps(self, left: Sequence[Node], right: Sequence[Node], *, again: bool = True) -> Iterator[Pair]:
        if len(left) * len(right) <= _MOST_CELLS:
            yield from self._closest(left, right)
            return
        anchors = _anchors(left, right) if again else []
        if not anchors:
            yield from _in_order(left, right)
            return
        before = (0, 0)
        for mine, theirs in [*anchors, (len(left), len(right))]:
            yield from self._gaps(left[before[0] : mine], right[before[1] : theirs], again=False)
            if mine < len(left) and left[mine].key != right[theirs].key:
                yield left[mine], right[theirs]
            before = (mine + 1, theirs + 1)

    def _closest(self, left: Sequence[Node], right: Sequence[Node]) -> Iterator[Pair]:
        """Pair what has most in common, in order."""
        self._left -= len(left) * len(right)
        if self._left < 0:
            yield from _in_order(left, right)
            return
        mine, theirs = [_traits(node) for node in left], [_traits(node) for node in right]
        moved = {each.anchor for each in mine} & {each.anchor for each in theirs}
        likeness = [[_likeness(one, other, moved) for other in theirs] for one in mine]
        for at in range(min(len(left), len(right))):
            likeness[at][at] += _HERE if likeness[at][at] else 0.0
        best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
        for row in range(len(left) - 1, -1, -1):
            for column in range(len(right) - 1, -1, -1):
                paired = likeness[row][column] and likeness[row][column] + best[row + 1][column + 1]
                best[row][column] = max(paired, best[row + 1][column], best[row][column + 1])
        yield from _way(left, right, _Grid(best, likeness))


@dataclass(frozen=True, slots=True)
class _Traits:
    tag: str
    anchor: Hashable
    parts: frozenset[Hashable]


@dataclass(frozen=True, slots=True)
class _Grid:
    best: list[list[float]]
    """What can be reached from a place on."""
    likeness: list[list[float]]


def _trimmed(left: Sequence[Node], right: Sequence[Node]) -> tuple[int, int]:
    most = min(len(left), len(right))
    start = next((at for at in range(most) if left[at].key != right[at].key), most)
    rest = most - start
    end = next((at for at in range(rest) if left[-1 - at].key != right[-1 - at].key), rest)
    return start, end


def _is_parallel(left: Sequence[Node], right: Sequence[Node]) -> bool:
    """Tell whether the elements are the same ones in the same order, some of them changed."""
    if len(left) != len(right) or any(mine.tag != theirs.tag for mine, theirs in zip(left, right, strict=True)):
        return False
    changed = [(a, b) for a, b in zip(left, right, strict=True) if a.anchor != b.anchor]
    return {a.anchor for a, _ in changed}.isdisjoint(b.anchor for _, b in changed) and not _is_repeated(changed)


def _is_repeated(changed: Sequence[tuple[Node, Node]]) -> bool:
    """Tell whether several neighbours of one name changed: then one may have gone and another come."""
    few = len(changed) ** 2 <= _MOST_CELLS
    return few and max(Counter(mine.tag for mine, _ in changed if mine.children).values(), default=0) > 1


def _anchors(left: Sequence[Node], right: Sequence[Node]) -> list[tuple[int, int]]:
    """Return the places of elements that are there once on each side, the longest way through that is in order."""
    mine, theirs = _singles(left), _singles(right)
    return in_order([(place, theirs[anchor]) for anchor, place in mine.items() if anchor in theirs])


def in_order(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the most pairs of places that do not cross, given those of the left side in order.

    >>> in_order([(0, 3), (1, 0), (2, 1), (3, 2)])
    [(1, 0), (2, 1), (3, 2)]
    """
    ends: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(at[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        at[length : length + 1] = [number]
    found: list[tuple[int, int]] = []
    number = at[-1] if at else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _singles(nodes: Sequence[Node]) -> dict[Hashable, int]:
    counted = Counter(node.anchor for node in nodes)
    return {node.anchor: place for place, node in enumerate(nodes) if counted[node.anchor] == 1}


def _traits(node: Node) -> _Traits:
    parts = {
        *(child.anchor for child in node.children),
        *((name, said.value) for name, said in node.attributes.items()),
    }
    return _Traits(node.tag, node.anchor, frozenset(parts))


def _likeness(one: _Traits, other: _Traits, moved: set[Hashable]) -> float:
    if one.anchor == other.anchor:
        return _SAME
    # What has its like elsewhere has moved there.
    if one.tag != other.tag or one.anchor in moved or other.anchor in moved:
        return 0.0
    most = max(len(one.parts), len(other.parts))
    return _PAIRED + (len(one.parts & other.parts) / most if most else 0.0)


def _way(left: Sequence[Node], right: Sequence[Node], grid: _Grid) -> Iterator[Pair]:
    best = grid.best
    row = column = 0
    while row < len(left) and column < len(right):
        like = grid.likeness[row][column]
        if like and best[row][column] == like + best[row + 1][column + 1]:
            if left[row].key != right[column].key:
                yield left[row], right[column]
            row, column = row + 1, column + 1
        elif best[row][column] == best[row + 1][column]:
            yield left[row], None
            row += 1
        else:
            yield None, right[column]
            column += 1
    yield from ((node, None) for node in left[row:])
    yield from ((None, node) for node in right[column:])


def _in_order(left: Sequence[Node], right: Sequence[Node]) -> Iterator[Pair]:
    """Pair elements of the same name in their order; what moved, and what is left over, has no other."""
    moved = {node.anchor for node in left} & {node.anchor for node in right}
    waiting: dict[str, deque[Node]] = defaultdict(deque)
    for node in right:
        if node.anchor in moved:
            yield None, node
        else:
            waiting[node.tag].append(node)
    for node in left:
        others = waiting[node.tag]
        yield node, others.popleft() if others and node.anchor not in moved else None
    yield from ((None, node) for nodes in waiting.values() for node in nodes)


def _rank(node: Node) -> str:
    return f"{node.anchor!r} {node.key!r}"


def _taken(counted: Counter[Key], node: Node) -> bool:
    if counted[node.key]:
        counted[node.key] -= 1
        return True
    return False
