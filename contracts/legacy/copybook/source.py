"""Copybook source text as sentences of words, each word with its line and column.

Fixed reference format: columns 1-6 hold sequence numbers, column 7 the indicator, columns 8-72 the text,
and what follows is ignored (Enterprise COBOL Language Reference, "Reference format").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.errors import ContractError

__all__ = ["Sentence", "Word", "sentences"]

_INDICATOR, _TEXT_END = 6, 72
_WORD = re.compile(
    r"""(?P<literal>[xX]?(?:"(?:[^"]|"")*"|'(?:[^']|'')*'))
      | (?P<end>\.(?=\s|$))
      | (?P<separator>[,;](?=\s|$)|\s+)
      | (?P<word>(?:[^\s.,;"']|[.,;](?=\S))+)""",
    re.VERBOSE,
)
_LISTING = re.compile(r"\s*(?:EJECT|SKIP[123])\s*\.?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word, literal or picture of a copybook, and where it stands (both count from 1)."""

    text: str
    line: int
    column: int

    def error(self, expected: str, *, at: int = 0) -> ContractError:
        """Return the error that this word, from its character `at` on, is not what was expected."""
        where = f"copybook line {self.line}, column {self.column + at}"
        return ContractError(where, found=repr(self.text[at:]), expected=expected)


Sentence = tuple[Word, ...]
"""The words of one entry, without the period that ends it; never empty."""


def sentences(text: str) -> Iterator[Sentence]:
    r"""Yield the entries of a copybook in fixed reference format.

    >>> [[word.text for word in entry] for entry in sentences("       01  A.\n           05  B PIC X(3).")]
    [['01', 'A'], ['05', 'B', 'PIC', 'X(3)']]

    Raises:
        ContractError: A line is continued, holds a tab or an open literal; the last entry has no period.
    """
    entry: list[Word] = []
    for word in _words(text):
        if word.text != ".":
            entry.append(word)
        elif entry:
            yield tuple(entry)
            entry = []
    if entry:
        raise entry[-1].error("a period after it")


def _words(text: str) -> Iterator[Word]:
    for number, line in enumerate(text.splitlines(), start=1):
        if "\t" in line:
            raise Word(text=line, line=number, column=1).error("blanks, not a tab", at=line.index("\t"))
        if _is_text(line, number):
            yield from _words_of(line[:_TEXT_END], number)


def _is_text(line: str, number: int) -> bool:
    indicator = line[_INDICATOR : _INDICATOR + 1]
    if indicator not in ("", " ", "*", "/"):
        word = Word(text=line, line=number, column=1)
        raise word.error("a blank or * in column 7 (continued and debugging lines are not supported)", at=_INDICATOR)
    return indicator == " " and not _LISTING.fullmatch(line, _INDICATOR, min(len(line), _TEXT_END))


def _words_of(line: str, number: int) -> Iterator[Word]:
    at = _INDICATOR + 1
    while at < len(line):
        found = _WORD.match(line, at)
        if found is None:
            raise Word(text=line, line=number, column=1).error("a literal that ends on its line", at=at)
        if found["word"] and found["word"].startswith("*>"):
            return
        if not found["separator"]:
            yield Word(text=found[0], line=number, column=at + 1)
        at = found.end()
