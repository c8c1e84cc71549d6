"""Text for a regular expression of XML Schema."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from elementpath.regex import CharacterClass

from contracts.errors import ContractError
from contracts.legacy.soap.pattern import Chars, Node, Piece
from contracts.legacy.soap.sample.draw import Draw

__all__ = ["write"]

_USUAL: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.,:/@+"
_SURROGATES: Final = range(0xD800, 0xE000)
_FIRST: Final = 32
"""Below are control characters, most of which XML can't hold."""


def write(node: Node, draw: Draw, *, growth: int) -> str:
    """Return a text that fits.

    Args:
        node: The pattern.
        draw: Decides what it leaves open.
        growth: Most repetitions beyond the least, where the pattern bounds them by more or by nothing.

    >>> from contracts.legacy.soap.pattern import parse
    >>> write(parse("[A-C]{2}-([0-9]+|x)"), Draw.of(1), growth=2)
    'CA-x'
    """
    branch = draw.pick(node.choices, "branch")
    return "".join(_piece(piece, draw.at(place), growth) for place, piece in enumerate(branch))


def _piece(piece: Piece, draw: Draw, growth: int) -> str:
    most = piece.least + growth if piece.most is None else min(piece.most, piece.least + growth)
    times = draw.between(piece.least, most, "times")
    atom = piece.atom
    if isinstance(atom, Chars):
        return "".join(draw.pick(_choices(atom), str(number)) for number in range(times))
    return "".join(write(atom, draw.at(number), growth=growth) for number in range(times))


@lru_cache(maxsize=4096)
def _choices(chars: Chars) -> str:
    """Return characters of a class: the usual ones among them, else the first few that it has."""
    if not chars.is_class:
        return chars.written
    usual = "".join(filter(chars.holds, _USUAL))
    found = usual or "".join(_some(chars.members))
    if not found:
        raise ContractError("pattern", expected=f"a character that {chars.written} allows", found="none")
    return found


def _some(members: CharacterClass) -> Iterator[str]:
    points = (point for point in range(0x10000) if point in members and point not in _SURROGATES)
    printable = [point for _, point in zip(range(100), points, strict=False)]
    later = [point for point in printable if point >= _FIRST]
    return (chr(point) for point in (later or [point for point in printable if chr(point) in "\t\n\r"])[:20])
