"""Regular expressions of XML Schema (part 2, appendix F), which are not Python's.

Character classes are elementpath's, as in the check of values; branches, pieces and quantifiers are read here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, TypeAlias

from elementpath.regex import CharacterClass, RegexError

from contracts.errors import ContractError

__all__ = ["Branches", "Chars", "Node", "Piece", "parse"]

_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_CLASSES: Final = frozenset("sSiIcCdDwWpP")
_MOST_LEVELS: Final = 50


@dataclass(frozen=True)
class Chars:
    """One character of a class."""

    written: str
    """A class as it is written, `[a-z]` or `\\d`; `.`; or the one character itself."""
    is_class: bool = False

    @cached_property
    def members(self) -> CharacterClass:
        """Return the characters of a class."""
        return _class(self.written)

    def holds(self, char: str) -> bool:
        """Tell whether a character is one of them."""
        if self.is_class:
            return char not in "\r\n" if self.written == "." else ord(char) in self.members
        return char == self.written


@dataclass(frozen=True, slots=True)
class Branches:
    """One of these sequences."""

    choices: "tuple[tuple[Piece, ...], ...]"


@dataclass(frozen=True, slots=True)
class Piece:
    """What comes some times in a row."""

    atom: Chars | Branches
    least: int
    most: int | None


Node: TypeAlias = Branches


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
        return Branches(tuple(choices))

    def _pieces(self) -> Iterator[Piece]:
        while self._next() not in {"", "|", ")"}:
            atom = self._atom()
            least, most = self._quantifier()
            yield Piece(atom, least, most)

    def _atom(self) -> Chars | Branches:
        char = self._take()
        if char == "(":
            node = self.branches()
            if self._next() != ")":
                self.fail(")")
            self.place += 1
            return node
        if char == "[":
            return self._class("[" + self._bracketed())
        if char == ".":
            return Chars(".", is_class=True)
        if char == "\\":
            return self._escaped()
        return Chars(char)

    def _escaped(self) -> Chars:
        char = self._take()
        if char not in _CLASSES:
            return Chars(_ESCAPES.get(char, char))
        return self._class("\\" + char + (self._braced() if char in "pP" else ""))

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

    def _class(self, written: str) -> Chars:
        found = Chars(written, is_class=True)
        try:
            _ = found.members
        except RegexError as error:
            raise ContractError(f"pattern {self._pattern!r}", expected="a character class", found=str(error)) from error
        return found

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
