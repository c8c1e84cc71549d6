"""PICTURE strings: what they say about one elementary item."""

import re
from dataclasses import dataclass

from contracts.legacy.copybook.source import Word

__all__ = ["MAX_DIGITS", "Picture", "parse_picture"]

MAX_DIGITS = 31
"""Digits of a number under ARITH(EXTEND), the most that Enterprise COBOL takes."""
_MAX_SIZE = 1 << 24
_SYMBOL = re.compile(r"([A-Z0-9])(?:\((\d+)\))?", re.IGNORECASE)
_EXPECTED = "a picture of X, A, 9, S and V (edited pictures and P are not supported)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture: `size` characters of text, or `digits` of which `scale` stand behind the decimal point."""

    size: int
    """Characters: of the text, or one for each digit."""
    digits: int = 0
    """Digits of a number; 0 is text."""
    scale: int = 0
    signed: bool = False


def parse_picture(word: Word) -> Picture:
    """Read a picture string.

    >>> parse_picture(Word(text="S9(10)V99", line=1, column=1))
    Picture(size=12, digits=12, scale=2, signed=True)

    Raises:
        ContractError: It is edited, mixes what does not mix, or is too long.
    """
    symbols = list(_symbols(word))
    counts = {symbol: sum(n for s, n, _ in symbols if s == symbol) for symbol in "XA9"}
    size = sum(counts.values())
    if not 0 < size <= _MAX_SIZE:
        raise word.error(f"a picture of 1 to {_MAX_SIZE} characters")
    if counts["X"] or counts["A"]:
        _refuse(word, symbols, forbidden="SV")
        return Picture(size=size)
    return _numeric(word, symbols, size)


def _symbols(word: Word) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    at = 0
    while at < len(word.text):
        match = _SYMBOL.match(word.text, at)
        if match is None or match[1].upper() not in "XA9SV":
            raise word.error(_EXPECTED, at=at)
        found.append((match[1].upper(), int(match[2] or 1), at))
        at = match.end()
    return found


def _numeric(word: Word, symbols: list[tuple[str, int, int]], size: int) -> Picture:
    if size > MAX_DIGITS:
        raise word.error(f"at most {MAX_DIGITS} digits")
    signed = symbols[0][0] == "S"
    digits = symbols[1:] if signed else symbols
    _refuse(word, digits, forbidden="S")
    points = [index for index, (symbol, _, _) in enumerate(digits) if symbol == "V"]
    if len(points) > 1:
        raise word.error("one V", at=digits[points[1]][2])
    scale = sum(n for _, n, _ in digits[points[0] + 1 :]) if points else 0
    return Picture(size=size, digits=size, scale=scale, signed=signed)


def _refuse(word: Word, symbols: list[tuple[str, int, int]], *, forbidden: str) -> None:
    for symbol, _, at in symbols:
        if symbol in forbidden:
            raise word.error("S at the start of a number and V inside one, nowhere else", at=at)
