"""Text for a regular expression of XML Schema (part 2, appendix F), which is not Python's.

Character classes are elementpath's, as in the check of values; branches, pieces and quantifiers are read here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from elementpath.regex import CharacterClass, RegexError

from contracts.errors import ContractError
from contracts.legacy.soap.sample.draw import Draw

__all__ = ["Node", "parse", "write"]

_USUAL: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.,:/@+"
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_CLASSES: Final = frozenset("sSiIcCdDwWpP")
_MOST_LEVELS: Final = 50
_SURROGATES: Final = range(0xD800, 0xE000)
_FIRST: Final = 32
"""Below are control characters, most of which XML can't hold."""


@dataclass(frozen=True, slots=True)
class _Chars:
    """One of these characters."""

    choices: str


@dataclass(frozen=True, slots=True)
class _Branches:
    """One of these sequences."""

    choices: "tuple[tuple[_Piece, ...], ...]"


@dataclass(frozen=True, slots=True)
class _Piece:
    atom: "_Chars | _Branches"
    least: int
    most: int | None


Node: TypeAlias = _Branches


@lru_cache(maxsize=1024)
def parse(pattern: str) -> Node:
    """Read a pattern.

    Raises:
        ContractError: It is no regular expression of XML Schema.
    """
    reader = _Reader(pattern)
    node = reader.branches()
    if reader.place < len(pattern):
        reader.fail("the end of the pattern")
    return node


def write(node: Node, draw: Draw, *, growth: int) -> str:
    """Return a text that fits.

    Args:
        node: The pattern.
        draw: Decides what it leaves open.
        growth: Most repetitions beyond the least, where the pattern bounds them by more or by nothing.

    >>> write(parse("[A-C]{2}-([0-9]+|x)"), Draw.of(1), growth=2)
    'CA-x'
    """
    branch = draw.pick(node.choices, "branch")
    return "".join(_piece(piece, draw.at(place), growth) for place, piece in enumerate(branch))


def _piece(piece: _Piece, draw: Draw, growth: int) -> str:
    most = piece.least + growth if piece.most is None else min(piece.most, piece.least + growth)
    times = draw.between(piece.least, most, "times")
    atom = piece.atom
    if isinstance(atom, _Chars):
        return "".join(draw.pick(atom.choices, str(number)) for number in range(times))
    return "".join(write(atom, draw.at(number), growth=growth) for number in range(times))


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._level = 0
        self.place = 0

    def fail(self, expected: str) -> None:
        raise ContractError(
            f"pattern {self._pattern!r}",
            expected=f"{expected} at character {self.place + 1}",
            found=self._next() or "its end",
        )

    def branches(self) -> Node:
        self._level += 1
        if self._level > _MOST_LEVELS:
            self.fail(f"at most {_MOST_LEVELS} levels")
        choices = [tuple(self._pieces())]
        while self._next() == "|":
            self.place += 1
            choices.append(tuple(self._pieces()))
        self._level -= 1
        return _Branches(tuple(choices))

    def _pieces(self) -> Iterator[_Piece]:
        while self._next() not in {"", "|", ")"}:
            atom = self._atom()
            least, most = self._quantifier()
            yield _Piece(atom, least, most)

    def _atom(self) -> _Chars | _Branches:
        char = self._take()
        if char == "(":
            node = self.branches()
            if self._next() != ")":
                self.fail(")")
            self.place += 1
            return node
        if char == "[":
            return self._characters("[" + self._bracketed())
        if char == ".":
            return _Chars(_USUAL)
        if char == "\\":
            return self._escaped()
        return _Chars(char)

    def _escaped(self) -> _Chars:
        char = self._take()
        if char not in _CLASSES:
            return _Chars(_ESCAPES.get(char, char))
        return self._characters("\\" + char + (self._braced() if char in "pP" else ""))

    def _braced(self) -> str:
        end = self._pattern.find("}", self.place)
        if self._next() != "{" or end < 0:
            self.fail("{…} after \\p")
        found, self.place = self._pattern[self.place : end + 1], end + 1
        return found

    def _bracketed(self) -> str:
        """Return the rest of a class that has begun, up to its own bracket."""
        start, depth = self.place, 1
        while depth:
            char = self._take()
            if char == "\\":
                self._take()
            depth += {"[": 1, "]": -1}.get(char, 0)
        return self._pattern[start : self.place]

    def _characters(self, written: str) -> _Chars:
        return _Chars(_members(self._pattern, written))

    def _quantifier(self) -> tuple[int, int | None]:
        char = self._next()
        if char in {"?", "*", "+"}:
            self.place += 1
            return {"?": (0, 1), "*": (0, None), "+": (1, None)}[char]
        if char != "{":
            return 1, 1
        least, comma, most = self._braced()[1:-1].partition(",")
        if not least.isdecimal() or not (most.isdecimal() or not most):
            self.fail("{n}, {n,} or {n,m}")
        return int(least), (int(most) if most else None) if comma else int(least)

    def _next(self) -> str:
        return self._pattern[self.place : self.place + 1]

    def _take(self) -> str:
        char = self._next()
        if not char:
            self.fail("more")
        self.place += 1
        return char


@lru_cache(maxsize=1024)
def _members(pattern: str, written: str) -> str:
    """Return characters of a class: the usual ones among them, else the first few that it has."""
    try:
        members = _class(written)
    except RegexError as error:
        raise ContractError(f"pattern {pattern!r}", expected="a character class", found=str(error)) from error
    usual = "".join(char for char in _USUAL if ord(char) in members)
    found = usual or "".join(_some(members))
    if not found:
        raise ContractError(f"pattern {pattern!r}", expected=f"a character that {written} allows", found="none")
    return found


def _some(members: CharacterClass) -> Iterator[str]:
    points = (point for point in range(0x10000) if point in members and point not in _SURROGATES)
    printable = [point for _, point in zip(range(100), points, strict=False)]
    later = [point for point in printable if point >= _FIRST]
    return (chr(point) for point in (later or [point for point in printable if chr(point) in "\t\n\r"])[:20])


def _class(written: str) -> CharacterClass:
    """Read a class as it is written, its subtraction included.

    >>> sorted(map(chr, _class("[a-e-[bc]]")))
    ['a', 'd', 'e']
    """
    if not written.startswith("["):
        return CharacterClass(written, xsd_version="1.0")
    inner = written[1:-1]
    minus = inner.find("-[")
    base, less = (inner, "") if minus < 0 else (inner[:minus], inner[minus + 1 :])
    members = CharacterClass(base.removeprefix("^"), xsd_version="1.0")
    if base.startswith("^"):
        members.complement()
    if less:
        members -= _class(less)
    return members
