"""PICTURE strings: what they say about one elementary item."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from contracts.legacy.copybook.source import Word

__all__ = ["MAX_DIGITS", "Category", "Picture", "floating_of", "parse_picture"]

MAX_DIGITS = 38
"""Digits of a number: what GnuCOBOL takes; Enterprise COBOL with ARITH(EXTEND) takes 31."""
_MAX_SIZE = 1 << 24
_MAX_EDITED = 1 << 15
"""Characters of a picture that is read symbol by symbol; Enterprise COBOL takes 249 where numbers are edited."""
_SYMBOL = re.compile(r"(CR|DB|.)(?:\((\d+)\))?", re.IGNORECASE | re.DOTALL)
_KNOWN = frozenset("ABEGNPSVXZ90/,.+-*$") | {"CR", "DB"}
_EXPECTED = "a picture of A, B, E, G, N, P, S, V, X, Z, 9, 0, /, comma, point, +, -, *, CR, DB and a currency sign"
_EDITED = re.compile(
    r"""(?:(?:[+-]?\$?|\$[+-])                                 # a sign and a currency sign that stay
          (?:(?P<z>[Z*])(?:(?P=z)|9(?!\D*[Z*]))*(?:[.V](?:9*|(?<!9.)(?P=z)*))?
            |9+(?:[.V]9*)? |[.V](?:9+|Z+|\*+) |V?P+(?:9+|[Z*]+9*) |(?:[Z*]*9*)P+V?)
         |(?:[+-]?(?P<f>\$)\$+|\$?(?P<s>[+-])(?P=s)+)           # one that floats
          (?:9*(?:[.V]9*)?|[.V](?:(?P=f)|(?P=s))*|9*P+V?))
        [+cd-]?""",
    re.VERBOSE,
)
"""A picture of an edited number without what is only inserted (Language Reference, "PICTURE symbols", table)."""
_EXTERNAL_FLOAT = re.compile(r"[+-](?=[9.V])(9*)([.V]?)(9*)E[+-]99")


_SWAPPED = {".": ",", ",": "."}


class Category(StrEnum):
    """What kind of data an item holds."""

    ALPHABETIC = "alphabetic"
    ALPHANUMERIC = "alphanumeric"
    ALPHANUMERIC_EDITED = "alphanumeric-edited"
    NUMERIC = "numeric"
    NUMERIC_EDITED = "numeric-edited"
    FLOAT_EDITED = "external-float"
    NATIONAL = "national"
    DBCS = "dbcs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture: `size` characters, or `digits` of which the last `scale` stand behind the decimal point."""

    size: int
    """Characters of the item in storage; S, V and P take none."""
    category: Category = Category.ALPHANUMERIC
    digits: int = 0
    """Digits that are stored; 0 is text."""
    scale: int = 0
    """The number is the stored digits times ten to the power of minus this; negative for P at the right."""
    signed: bool = False
    symbols: str = ""
    """Of an edited picture, its symbols without repeats; CR and DB are c and d, the decimal point is a point."""


def parse_picture(word: Word, *, decimal_comma: bool = False) -> Picture:
    """Read a picture string.

    >>> parse_picture(Word(text="S9(10)V99", line=1, column=1))
    Picture(size=12, category=<Category.NUMERIC: 'numeric'>, digits=12, scale=2, signed=True, symbols='')

    Args:
        word: The picture.
        decimal_comma: Whether comma and point change their places in it.

    Raises:
        ContractError: It mixes what does not mix, or is too long.
    """
    symbols = list(_symbols(word))
    if decimal_comma:
        symbols = [(_SWAPPED.get(symbol, symbol), count, at) for symbol, count, at in symbols]
    if sum(count for _, count, _ in symbols) > _MAX_SIZE:
        raise word.error(f"a picture of 1 to {_MAX_SIZE} characters")
    kinds = {symbol for symbol, _, _ in symbols}
    if len(kinds) > 1 and sum(count for _, count, _ in symbols) > _MAX_EDITED:
        raise word.error(f"at most {_MAX_EDITED} characters in a picture of several symbols")
    picture = _read(word, symbols, kinds)
    if not 0 < picture.size <= _MAX_SIZE:
        raise word.error(f"a picture of 1 to {_MAX_SIZE} characters")
    return picture


def _read(word: Word, symbols: list[tuple[str, int, int]], kinds: set[str]) -> Picture:
    if kinds & {"N", "G"}:
        symbol = "N" if "N" in kinds else "G"
        _refuse(word, symbols, allowed=f"{symbol}B0/")
        return Picture(size=_count(symbols), category=Category.NATIONAL if symbol == "N" else Category.DBCS)
    if kinds & {"X", "A"}:
        return _text(word, symbols, kinds)
    if "E" in kinds:
        return _float(word, symbols)
    if kinds <= {"S", "9", "V", "P"}:
        return _numeric(word, symbols)
    return _edited(word, symbols)


def _symbols(word: Word) -> Iterator[tuple[str, int, int]]:
    """Yield each symbol, how often it stands there, and where."""
    at = 0
    while at < len(word.text):
        match = _SYMBOL.match(word.text, at)
        symbol = match[1].upper() if match else ""
        if unicodedata.category(symbol[:1] or " ") == "Sc":
            symbol = "$"
        if match is None or symbol not in _KNOWN:
            raise word.error(_EXPECTED, at=at)
        if match[2] and (len(match[2]) > len(str(_MAX_SIZE)) or not int(match[2])):
            raise word.error(f"a repeat of 1 to {_MAX_SIZE}", at=at)
        yield symbol, int(match[2] or 1), at
        at = match.end()


def _count(symbols: list[tuple[str, int, int]]) -> int:
    return sum(len(symbol) * count for symbol, count, _ in symbols if symbol not in "SVP")


def _refuse(word: Word, symbols: list[tuple[str, int, int]], *, allowed: str) -> None:
    for symbol, _, at in symbols:
        if symbol not in allowed:
            raise word.error(f"nothing but {' '.join(allowed)} in this picture", at=at)


def _text(word: Word, symbols: list[tuple[str, int, int]], kinds: set[str]) -> Picture:
    _refuse(word, symbols, allowed="AX9B0/")
    category = Category.ALPHABETIC if kinds == {"A"} else Category.ALPHANUMERIC
    if kinds & set("B0/"):
        category = Category.ALPHANUMERIC_EDITED
    return Picture(size=_count(symbols), category=category, symbols=_expanded(symbols) if kinds & set("B0/") else "")


def _float(word: Word, symbols: list[tuple[str, int, int]]) -> Picture:
    expanded = _expanded(symbols)
    match = _EXTERNAL_FLOAT.fullmatch(expanded)
    if match is None:
        raise word.error("an external float such as +9(8).99E-99")
    size = len(expanded.replace("V", ""))
    digits = len(match[1]) + len(match[3])
    if not 0 < digits <= MAX_DIGITS:
        raise word.error(f"1 to {MAX_DIGITS} digits")
    return Picture(
        size=size, category=Category.FLOAT_EDITED, digits=digits, scale=len(match[3]), signed=True, symbols=expanded
    )


def _expanded(symbols: list[tuple[str, int, int]]) -> str:
    return "".join({"CR": "c", "DB": "d"}.get(symbol, symbol) * count for symbol, count, _ in symbols)


def _numeric(word: Word, symbols: list[tuple[str, int, int]]) -> Picture:
    signed = symbols[0][0] == "S"
    rest = symbols[1:] if signed else symbols
    for symbol, count, at in rest:
        if symbol == "S" or (signed and symbols[0][1] > 1) or (symbol == "V" and count > 1):
            raise word.error("S once at the start of a number and V once inside it", at=at)
    points = [at for symbol, _, at in rest if symbol == "V"]
    if len(points) > 1:
        raise word.error("one V", at=points[1])
    digits = sum(count for symbol, count, _ in rest if symbol == "9")
    if sum(count for symbol, count, _ in rest if symbol in "9P") > MAX_DIGITS:
        raise word.error(f"at most {MAX_DIGITS} digits, those that P stands for included")
    return Picture(
        size=digits, category=Category.NUMERIC, digits=digits, scale=_scale(word, _expanded(rest)), signed=signed
    )


def _scale(word: Word, expanded: str) -> int:
    """Return the scale of symbols among 9, V and P, each standing for one digit position."""
    bare = expanded.replace("V", "")
    left, right = len(bare) - len(bare.lstrip("P")), len(bare) - len(bare.rstrip("P"))
    inner = bare.strip("P")
    at = expanded.find("V")
    if "P" in inner or (left and right) or not inner:
        raise word.error("P at one end of the digits")
    if left and at > 0:
        raise word.error("V in front of P, or none", at=word.text.upper().find("V"))
    if right and at >= 0 and at != len(expanded) - 1:
        raise word.error("V behind P, or none", at=word.text.upper().find("V"))
    if right:
        return -right
    if left:
        return len(bare)
    return len(expanded) - 1 - at if at >= 0 else 0


def _edited(word: Word, symbols: list[tuple[str, int, int]]) -> Picture:
    overpunched = symbols[0][0] == "S"
    if overpunched and symbols[-1][0] not in "9Z*":
        raise word.error("a digit at the end of a number with S")
    expanded = _expanded(symbols[1:] if overpunched else symbols)
    _check_edited(word, expanded)
    floating = floating_of(expanded)
    digits = sum(1 for symbol in expanded if symbol in "9Z*") + max(0, expanded.count(floating) - 1 if floating else 0)
    if not 0 < digits <= MAX_DIGITS - expanded.count("P"):
        raise word.error(f"1 to {MAX_DIGITS} digits, those that P stands for included")
    if not _EDITED.fullmatch(re.sub("[B0/,]", "", expanded)):
        raise word.error("a sign, a currency sign, what is suppressed or floats, 9s, and a sign, in this order")
    return Picture(
        size=_count(symbols),
        category=Category.NUMERIC_EDITED,
        digits=digits,
        scale=_edited_scale(expanded, floating),
        signed=overpunched or bool(set(expanded) & set("+-cd")),
        symbols=("S" if overpunched else "") + expanded,
    )


def floating_of(expanded: str) -> str:
    """Return the symbol of an edited picture that floats, or nothing."""
    return next((symbol for symbol in "$+-" if _floats(expanded, symbol)), "")


def _floats(expanded: str, symbol: str) -> bool:
    # +9- never passes the check; two of a kind are a floating string.
    return expanded.count(symbol) > 1


def _edited_scale(expanded: str, floating: str) -> int:
    positions = "9Z*" + floating
    at = max(expanded.find("."), expanded.find("V"))
    if at >= 0:
        return sum(1 for symbol in expanded[at:] if symbol in positions + "P")
    body = expanded.lstrip("+-$")
    if body.startswith("P"):
        return sum(1 for symbol in body if symbol in positions + "P")
    return -body.count("P")


def _check_edited(word: Word, expanded: str) -> None:
    if "S" in expanded:
        raise word.error("S at the start of a number and nowhere else")
    if expanded.count(".") + expanded.count("V") > 1:
        raise word.error("one decimal point")
    signs = {symbol for symbol in "+-cd" if symbol in expanded}
    if len(signs) > 1 or expanded.count("c") + expanded.count("d") > 1:
        raise word.error("one sign: +, -, CR or DB")
    if ("c" in expanded or "d" in expanded) and expanded[-1] not in "cd":
        raise word.error("CR or DB at the end")
    if "Z" in expanded and "*" in expanded:
        raise word.error("Z or *, not both")
    if "9" in expanded and set("Z*") & set(expanded[expanded.find("9") :].split(".", maxsplit=1)[0]):
        raise word.error("Z and * in front of 9")
