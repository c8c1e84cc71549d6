"""The clauses of a data description entry (Enterprise COBOL Language Reference, "Data description entry")."""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.legacy.copybook.entry import Literal, Occurs, Sign, Usage
from contracts.legacy.copybook.picture import parse_picture
from contracts.legacy.copybook.source import Word

__all__ = ["KEYWORDS", "Words", "read_clauses", "read_name", "read_ranges"]

_MAX_COUNT = 1 << 24
_NAME = re.compile(r"(?=[A-Z0-9_-]*[A-Z])[A-Z0-9](?:[A-Z0-9_-]*[A-Z0-9])?")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:E[+-]?\d+)?", re.IGNORECASE)
_FIGURATIVES: Final = {
    **dict.fromkeys(("ZERO", "ZEROS", "ZEROES"), "ZERO"),
    **dict.fromkeys(("SPACE", "SPACES"), "SPACE"),
    **dict.fromkeys(("HIGH-VALUE", "HIGH-VALUES"), "HIGH-VALUE"),
    **dict.fromkeys(("LOW-VALUE", "LOW-VALUES"), "LOW-VALUE"),
    **dict.fromkeys(("QUOTE", "QUOTES"), "QUOTE"),
    **dict.fromkeys(("NULL", "NULLS"), "NULL"),
}
_COMPUTATIONAL: Final = {
    "": Usage.BINARY,
    "-1": Usage.FLOAT,
    "-2": Usage.DOUBLE,
    "-3": Usage.PACKED,
    "-4": Usage.BINARY,
    "-5": Usage.NATIVE,
    "-6": Usage.UNSIGNED_PACKED,
    "-X": Usage.BYTES,
}
USAGES: Final[Mapping[str, Usage]] = {
    "DISPLAY": Usage.DISPLAY,
    "DISPLAY-1": Usage.DBCS,
    "BINARY": Usage.BINARY,
    "PACKED-DECIMAL": Usage.PACKED,
    "NATIONAL": Usage.NATIONAL,
    **{f"{name}{suffix}": usage for name in ("COMP", "COMPUTATIONAL") for suffix, usage in _COMPUTATIONAL.items()},
    **{usage.value.upper(): usage for usage in Usage if usage.value.endswith(("pointer", "index"))},
}
"""Keyword of a USAGE clause -> what it means."""

_POINT: Final = "a point before decimals, or to be told that DECIMAL-POINT IS COMMA (decimal_comma)"
_COMMA: Final = "a comma before decimals, since DECIMAL-POINT IS COMMA"


@dataclass(slots=True)
class Words:
    """The words of an entry that are still to be read."""

    rest: deque[Word]
    last: Word
    decimal_comma: bool = False
    """Whether numbers have a decimal comma, and pictures, too."""

    def peek(self) -> str:
        """Return the next word as keywords are compared, or nothing."""
        return self.rest[0].upper if self.rest else ""

    def take(self, expected: str) -> Word:
        """Remove the next word and return it.

        Raises:
            ContractError: There is none.
        """
        if not self.rest:
            raise self.last.error(f"{expected} after it")
        self.last = self.rest.popleft()
        return self.last

    def skip(self, *optional: str) -> bool:
        """Remove words that may be left out, and tell whether there were any."""
        found = False
        while self.rest and self.peek() in optional:
            self.take("")
            found = True
        return found


@dataclass(slots=True)
class _Found:
    values: dict[str, Any] = field(default_factory=dict[str, Any])

    def put(self, clause: Word, name: str, value: object) -> None:
        if name in self.values:
            raise clause.error(f"one {name.replace('_', ' ')} clause")
        self.values[name] = value


def read_clauses(words: Words) -> dict[str, Any]:
    """Read all clauses of an entry, and return them by the names of `Entry`'s fields.

    Raises:
        ContractError: A word begins no clause, or a clause is incomplete, or stands there twice.
    """
    found = _Found()
    while words.rest:
        word = words.take("")
        reader = _READERS.get(word.upper)
        if reader is None:
            raise word.error(_EXPECTED)
        reader(found, words, word)
    return found.values


def read_name(words: Words) -> str | None:
    """Remove the name, which may be left out, and return it in upper case; FILLER is None.

    Raises:
        ContractError: What stands there is no name.
    """
    if not words.rest or (words.peek() in KEYWORDS and not _is_name_after_all(words)):
        return None
    word = words.take("")
    if word.upper == "FILLER":
        return None
    return _named(word)


def _named(word: Word) -> str:
    if not _NAME.fullmatch(word.upper):
        raise word.error("a name of letters, digits and hyphens, or FILLER")
    return word.upper


def _is_name_after_all(words: Words) -> bool:
    """Tell whether a keyword that compilers do not all reserve is a name here."""
    after = words.rest[1].upper if len(words.rest) > 1 else ""
    return words.peek() == "DATE" and after != "FORMAT"


def read_ranges(words: Words) -> Iterator[tuple[Literal, Literal | None]]:
    """Yield the values and ranges of a VALUE clause, up to a word that is no literal.

    Raises:
        ContractError: There is none, or a range has no end.
    """
    words.skip("IS", "ARE")
    yield _literal(words), _through(words)
    while words.rest and _is_literal(words.rest[0]):
        yield _literal(words), _through(words)


def _through(words: Words) -> Literal | None:
    return _literal(words) if words.skip("THRU", "THROUGH") else None


def _is_literal(word: Word) -> bool:
    return word.is_literal or word.upper in _FIGURATIVES or word.upper == "ALL" or bool(_NUMBER.fullmatch(word.text))


def _literal(words: Words) -> Literal:
    word = words.take("a literal")
    repeated = word.upper == "ALL"
    if repeated:
        word = words.take("a literal")
    if word.upper in _FIGURATIVES:
        return Literal(text=_FIGURATIVES[word.upper], kind="figurative", repeated=True)
    if _NUMBER.fullmatch(word.text):
        if ("." if words.decimal_comma else ",") in word.text:
            raise word.error(_COMMA if words.decimal_comma else _POINT)
        return Literal(text=word.text.replace(",", "."), kind="number")
    if not word.is_literal:
        raise word.error("a literal or a figurative constant")
    prefix, quote, rest = word.text.rpartition(word.text[-1])[0].partition(word.text[-1])
    text = rest.replace(quote * 2, quote)
    if prefix.upper() in ("X", "NX"):
        if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text):
            raise word.error("pairs of hexadecimal digits")
        return Literal(text=text, kind="hex", repeated=repeated)
    return Literal(text=text, kind="text", repeated=repeated)


def _value(found: _Found, words: Words, clause: Word) -> None:
    [(literal, high), *more] = list(read_ranges(words))
    if high or more:
        raise clause.error("one value of an item; several belong to level 88")
    found.put(clause, "value", literal)


def _picture(found: _Found, words: Words, clause: Word) -> None:
    words.skip("IS")
    word = words.take("a picture")
    found.put(clause, "picture", parse_picture(word, decimal_comma=words.decimal_comma))
    found.values["picture_text"] = word.text
    found.values["decimal_comma"] = words.decimal_comma


def _usage(found: _Found, words: Words, _clause: Word) -> None:
    words.skip("IS")
    word = words.take("a usage")
    if word.upper not in USAGES:
        raise word.error("a usage of " + ", ".join(USAGES))
    _usage_word(found, words, word)


def _usage_word(found: _Found, _words: Words, clause: Word) -> None:
    if "usage" in found.values:
        raise clause.error("one usage of " + ", ".join(USAGES))
    found.put(clause, "usage", USAGES[clause.upper])


def _group_usage(found: _Found, words: Words, clause: Word) -> None:
    words.skip("IS")
    if words.take("NATIONAL").upper != "NATIONAL":
        raise words.last.error("NATIONAL")
    found.put(clause, "usage", Usage.NATIONAL)


def _sign(found: _Found, words: Words, clause: Word) -> None:
    if clause.upper == "SIGN":
        words.skip("IS")
        clause = words.take("LEADING or TRAILING")
    if clause.upper not in ("LEADING", "TRAILING"):
        raise clause.error("LEADING or TRAILING")
    separate = words.skip("SEPARATE")
    if separate:
        words.skip("CHARACTER")
    found.put(clause, "sign", Sign(clause.upper.lower() + (" separate" if separate else "")))


def _sync(found: _Found, words: Words, clause: Word) -> None:
    words.skip("LEFT", "RIGHT")
    found.put(clause, "sync", value=True)


def _justified(found: _Found, words: Words, clause: Word) -> None:
    words.skip("RIGHT")
    found.put(clause, "justified", value=True)


def _blank(found: _Found, words: Words, clause: Word) -> None:
    words.skip("WHEN")
    if words.take("ZERO").upper not in ("ZERO", "ZEROS", "ZEROES"):
        raise words.last.error("ZERO")
    found.put(clause, "blank_when_zero", value=True)


def _redefines(found: _Found, words: Words, clause: Word) -> None:
    word = words.take("the name of an item")
    _named(word)
    found.put(clause, "redefines", word)


def _occurs(found: _Found, words: Words, clause: Word) -> None:
    least = most = _number(words)
    is_range = words.skip("TO")
    if is_range:
        most = _number(words)
    words.skip("TIMES")
    counter: tuple[Word, ...] = ()
    while words.peek() in ("DEPENDING", "ASCENDING", "DESCENDING", "INDEXED"):
        keyword = words.take("")
        words.skip("ON", "KEY", "IS", "BY")
        names = tuple(_names(words, is_list=keyword.upper != "DEPENDING"))
        counter = names if keyword.upper == "DEPENDING" else counter
    if is_range and not counter:
        raise clause.error("DEPENDING ON a counter where OCCURS has a range")
    least = least if is_range or not counter else min(1, most)
    if not least <= most or not most:
        raise clause.error("a count of at least 1, and a range that ascends")
    found.put(clause, "occurs", Occurs(least=least, most=most, depending_on=counter))


def _number(words: Words) -> int:
    word = words.take("a number")
    if not (word.text.isascii() and word.text.isdigit()) or len(word.text) > len(str(_MAX_COUNT)):
        raise word.error(f"a number of at most {_MAX_COUNT}")
    return int(word.text)


def _names(words: Words, *, is_list: bool) -> Iterator[Word]:
    yield _name_word(words)
    while words.rest and (words.skip("OF", "IN") or (is_list and words.peek() not in KEYWORDS)):
        yield _name_word(words)


def _name_word(words: Words) -> Word:
    word = words.take("a name")
    _named(word)
    return word


def _date_format(_found: _Found, words: Words, clause: Word) -> None:
    if not words.skip("FORMAT"):
        raise clause.error("DATE FORMAT")
    words.skip("IS")
    words.take("the format of a date")


def _storage(_found: _Found, words: Words, _clause: Word) -> None:
    """Read IS EXTERNAL, IS GLOBAL or VOLATILE: where a program keeps the item is no matter of records."""
    words.skip("EXTERNAL", "GLOBAL", "VOLATILE")


_READERS: Final[Mapping[str, Callable[[_Found, Words, Word], None]]] = {
    **dict.fromkeys(("PIC", "PICTURE"), _picture),
    "USAGE": _usage,
    **dict.fromkeys(USAGES, _usage_word),
    "GROUP-USAGE": _group_usage,
    **dict.fromkeys(("SIGN", "LEADING", "TRAILING"), _sign),
    **dict.fromkeys(("SYNC", "SYNCHRONIZED"), _sync),
    **dict.fromkeys(("JUST", "JUSTIFIED"), _justified),
    "BLANK": _blank,
    "REDEFINES": _redefines,
    "OCCURS": _occurs,
    **dict.fromkeys(("VALUE", "VALUES"), _value),
    "DATE": _date_format,
    **dict.fromkeys(("IS", "EXTERNAL", "GLOBAL", "VOLATILE"), _storage),
}
KEYWORDS: Final = frozenset({*_READERS, "DEPENDING", "ASCENDING", "DESCENDING", "INDEXED", "TIMES", "RENAMES"})
_EXPECTED: Final = (
    "PICTURE, USAGE, SIGN, SYNCHRONIZED, JUSTIFIED, BLANK WHEN ZERO, REDEFINES, OCCURS, VALUE, EXTERNAL, GLOBAL, "
    "a usage or a period"
)
