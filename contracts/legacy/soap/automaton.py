"""Patterns of XML Schema as automata: matched in bounded time, whatever the pattern and the text.

Python's engine tries one way after the other, and on `(a+)+b` there are more ways than it can ever try. XML Schema's
are true regular expressions, so all ways can be followed at once: a pattern becomes an automaton, which is made
deterministic as far as texts need it, and each character is one step.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from contracts.legacy.soap.pattern import Branches, Chars, Node, Piece, parse

__all__ = ["is_plain", "matcher"]

_MOST_STATES: Final = 1_000
"""Of one automaton; what would be more may come without end instead."""
_MOST_REMEMBERED: Final = 50_000
"""States in the remembered steps of one pattern."""
_MOST_WORK: Final = 2_000_000
"""States that are looked at for one text; one that takes more does not fit."""


@lru_cache(maxsize=4096)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a whole text fits a pattern, in time that grows with the text and no faster.

    Where a pattern counts beyond a thousand in all, more may come than it counts, or less.

    >>> fits = matcher("(a+)+b")
    >>> fits("aab"), fits("a" * 5000)
    (True, False)

    Raises:
        ContractError: It is no regular expression of XML Schema.
    """
    return _Automaton(parse(pattern)).fits


def is_plain(pattern: str) -> bool:
    """Tell whether trying one way after the other is as good: there are few ways in a pattern.

    >>> is_plain("[A-Z]{2}[0-9]{1,5000}"), is_plain("([a-z]|-)*")
    (True, False)

    Raises:
        ContractError: It is no regular expression of XML Schema.
    """
    return _open(parse(pattern), is_repeated=False) <= 1


def _open(node: Node, *, is_repeated: bool) -> float:
    """Return how many pieces may come differently often; endless where such a piece is a group, or repeated."""
    found = float("inf") if is_repeated and len(node.choices) > 1 else 0.0
    for piece in (piece for pieces in node.choices for piece in pieces):
        varies = piece.least != piece.most
        if isinstance(piece.atom, Branches):
            found += _open(piece.atom, is_repeated=is_repeated or piece.most != 1)
        if varies:
            found += float("inf") if is_repeated or isinstance(piece.atom, Branches) else 1
    return found


class _Automaton:
    """States from 0 on; each has steps by a character, and without one."""

    def __init__(self, node: Node) -> None:
        self._by_char: list[list[tuple[Chars, int]]] = []
        self._free: list[list[int]] = []
        start = self._state()
        self._end = self._branches(node, start)
        self._start = self._closed([start])
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._remembered = 0

    def fits(self, text: str) -> bool:
        """Tell whether a whole text fits."""
        states, work = self._start, 0
        for char in text:
            following = self._steps.get((states, char))
            if following is None:
                following = self._after(states, char)
                work += len(states) + len(following)
            if not following or work > _MOST_WORK:
                return False
            states = following
        return self._end in states

    def _after(self, states: frozenset[int], char: str) -> frozenset[int]:
        steps = [step for state in states for step in self._by_char[state]]
        holding = {chars: chars.holds(char) for chars, _ in steps}
        found = self._closed(to for chars, to in steps if holding[chars])
        if self._remembered < _MOST_REMEMBERED:
            self._remembered += 1 + len(found)
            self._steps[states, char] = found
        return found

    def _state(self) -> int:
        self._by_char.append([])
        self._free.append([])
        return len(self._free) - 1

    def _closed(self, states: Iterable[int]) -> frozenset[int]:
        found: set[int] = set()
        waiting = [*states]
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                waiting += self._free[state]
        return frozenset(found)

    def _branches(self, node: Branches, start: int) -> int:
        end = self._state()
        for pieces in node.choices:
            here = self._state()
            self._free[start].append(here)
            for piece in pieces:
                here = self._times(piece, here)
            self._free[here].append(end)
        return end

    def _times(self, piece: Piece, here: int) -> int:
        if piece.most == 0:
            return here
        end, before, is_endless = self._state(), here, piece.most is None
        for number in range(piece.most or piece.least or 1):
            if number and len(self._free) > _MOST_STATES:
                is_endless = True
                break
            if number >= piece.least:
                self._free[here].append(end)
            before = self._state()
            self._free[here].append(before)
            here = self._once(piece.atom, before)
        if is_endless:
            self._free[here].append(before)
        self._free[here].append(end)
        return end

    def _once(self, atom: Chars | Branches, start: int) -> int:
        if isinstance(atom, Branches):
            return self._branches(atom, start)
        end = self._state()
        self._by_char[start].append((atom, end))
        return end
