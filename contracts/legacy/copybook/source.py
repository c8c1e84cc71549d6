"""Copybook source text as sentences of words, each word with its line and column.

Fixed reference format: columns 1-6 hold sequence numbers, column 7 the indicator, columns 8-72 the text,
and what follows is ignored. Free format: text everywhere (Enterprise COBOL Language Reference, "Reference
format"; ISO/IEC 1989, "Reference format"). Tabs stand for blanks up to the next column after a multiple of 8.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from contracts.errors import ContractError

__all__ = ["Form", "Line", "Word", "lines", "says_decimal_comma", "words"]

_INDICATOR, _TEXT_END = 6, 72
_MOST_JOINED = 1 << 14
"""Characters of a line with those that continue it: far more than any literal has."""
_LITERAL = r"""(?:[XNGZB]|NX)?(?:"(?:[^"]|"")*"|'(?:[^']|'')*')"""
_WORD = re.compile(
    rf"""(?P<literal>{_LITERAL})
      | (?P<pseudo>==)
      | (?P<end>\.(?=\s|$|==))
      | (?P<separator>[,;](?=\s|$)|\s+)
      | (?P<word>(?:(?!==)[^\s.,;"']|[.,;](?=\S)(?!==))+)""",
    re.VERBOSE | re.IGNORECASE,
)
_OPEN = re.compile(r"""(?:[^"'*]|\*(?!>)|"[^"]*"|'[^']*')*(?P<rest>["'*]?)""")
_LISTING = re.compile(r"\s*(?:EJECT|SKIP[123]|TITLE\b.*)\s*\.?\s*", re.IGNORECASE)
_DIRECTIVE = re.compile(r"\s*(?:(?:PROCESS|CBL)\b|>>|\$SET\b)", re.IGNORECASE)
_FREE = re.compile(r" {0,5}\d{1,2} +(?=[\w-]*[A-Za-z])[\w-]+|\s*\d{1,2} +[\w-]+.*\*>|\*>|>>|\s*>>\s*SOURCE.*FREE")
_FREE_DIRECTIVE = re.compile(r"\s*(?:>>\s*SOURCE|\$\s*SET\s+SOURCEFORMAT)\b.*\bFREE\b", re.IGNORECASE)
_DIVISION = re.compile(r"(?:ID|IDENTIFICATION|ENVIRONMENT|DATA|PROCEDURE)\s+DIVISION\b", re.IGNORECASE)

_DECIMAL_COMMA = re.compile(r"\bDECIMAL-POINT\s+(?:IS\s+)?COMMA\b", re.IGNORECASE)


class Form(StrEnum):
    """The reference format of a source text."""

    FIXED = "fixed"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word, literal or picture of a copybook, and where it stands (both count from 1)."""

    text: str
    line: int
    column: int
    member: str | None = None
    """The copied member that it stands in; None is the text itself."""

    @property
    def upper(self) -> str:
        """Return the text as keywords are compared: in upper case, but a literal as it is."""
        return self.text if self.is_literal else self.text.upper()

    @property
    def is_literal(self) -> bool:
        """Tell whether it is a quoted literal."""
        return self.text[-1] in "\"'"

    def error(self, expected: str, *, at: int = 0) -> ContractError:
        """Return the error that this word, from its character `at` on, is not what was expected."""
        member = f" {self.member}" if self.member else ""
        where = f"copybook{member} line {self.line}, column {self.column + at}"
        return ContractError(where, found=repr(self.text[at:]), expected=expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The text of a line, with the lines that continue it; where each character stands."""

    text: str
    places: tuple[tuple[int, int], ...]
    """Line and column of each character, and of the end."""
    member: str | None = None

    def word(self, start: int, end: int | None = None) -> Word:
        """Return what stands between two characters as a word."""
        line, column = self.places[start]
        return Word(text=self.text[start:end], line=line, column=column, member=self.member)


def words(text: str, *, form: Form | None = None, member: str | None = None) -> Iterator[Word]:
    r"""Yield the words of a copybook; a period that ends a sentence is one of them.

    Of a whole program, only the data division counts.

    >>> [word.text for word in words("       01  A.\n           05  B PIC X(3).")]
    ['01', 'A', '.', '05', 'B', 'PIC', 'X(3)', '.']

    Args:
        text: The source.
        form: Its reference format; None looks at the first entry: where a level number stands before column 7,
            the text is free.
        member: The name of the copied member that this is.

    Raises:
        ContractError: A literal is not closed, or column 7 holds what is no indicator.
    """
    starts = True
    for line in lines(text, form=form, member=member):
        for word in _words_of(line, starts=starts):
            starts = word.text == "."
            yield word


def _words_of(line: Line, *, starts: bool) -> Iterator[Word]:
    at = 0
    while at < len(line.text):
        if line.text.startswith("*>", at) or (starts and line.text.startswith("*", at)):
            return
        found = _WORD.match(line.text, at)
        if found is None:
            raise line.word(at).error("a literal that ends on its line, or is continued (- in column 7)")
        if not found["separator"]:
            yield line.word(at, found.end())
            starts = False
        at = found.end()


def lines(text: str, *, form: Form | None = None, member: str | None = None) -> Iterator[Line]:
    """Yield the lines that hold text, continued ones joined; comments and listing controls are left out.

    Raises:
        ContractError: As `words` does.
    """
    source = [line.expandtabs(8) for line in re.split(r"\r\n|\r|\n", text.removesuffix("\x1a"))]
    chosen = form or _recognized(source)
    joined: Line | None = None
    for start, number, line in _of_data_division(source, chosen):
        is_continued = chosen is Form.FIXED and line[_INDICATOR : _INDICATOR + 1] == "-"
        this = _line(line, number, start, member=member)
        if is_continued and joined is not None:
            joined = _continued(joined, this)
            if len(joined.text) > _MOST_JOINED:
                raise this.word(0).error(f"at most {_MOST_JOINED} characters of lines that continue each other")
            continue
        if joined is not None:
            yield joined
        joined = this
    if joined is not None:
        yield joined


def says_decimal_comma(text: str, *, form: Form | None = None) -> bool:
    """Tell whether a whole program has DECIMAL-POINT IS COMMA before its data division."""
    source = [line.expandtabs(8) for line in re.split(r"\r\n|\r|\n", text)]
    chosen, before = form or _recognized(source), ""
    for number, line in enumerate(source, start=1):
        start, shown = _text(line, number, chosen, checked=False)
        division = _DIVISION.match(shown[start:].lstrip())
        if division and division[0].upper().startswith("DATA"):
            return bool(_DECIMAL_COMMA.search(before))
        before += shown[start:].partition("*>")[0] + " "
    return False


def _recognized(source: list[str]) -> Form:
    for line in source:
        if _FREE_DIRECTIVE.match(line):
            return Form.FREE
        if line.strip() and line[_INDICATOR : _INDICATOR + 1] not in ("*", "/"):
            return Form.FREE if _FREE.match(line) or _DIVISION.match(line) else Form.FIXED
    return Form.FIXED


def _of_data_division(source: list[str], form: Form) -> Iterator[tuple[int, int, str]]:
    """Yield where the text of a line starts, its number, and the line."""
    wanted = True
    for number, line in enumerate(source, start=1):
        start, text = _text(line, number, form, checked=wanted)
        division = _DIVISION.match(text, start + len(text[start:]) - len(text[start:].lstrip()))
        if division:
            wanted = division[0].upper().startswith("DATA")
            if division[0].upper().startswith("PROCEDURE"):
                return
        elif wanted and text[start:].strip() and not _LISTING.fullmatch(text, start):
            yield start, number, text


def _text(line: str, number: int, form: Form, *, checked: bool) -> tuple[int, str]:
    """Return where the text of a line starts, and the line without what follows the text; comments are empty."""
    if _DIRECTIVE.match(line):
        return 0, ""
    if form is Form.FREE:
        return 0, line
    indicator = line[_INDICATOR : _INDICATOR + 1]
    if indicator in ("*", "/", "D", "d", "$"):
        return 0, ""
    if indicator.isdigit() and not line[:_INDICATOR].strip():
        return _INDICATOR, line[:_TEXT_END]  # a level number that begins a column early cannot be an indicator
    if checked and indicator not in ("", " ", "-"):
        word = Word(text=line, line=number, column=1)
        raise word.error("a blank, *, /, D or - in column 7", at=_INDICATOR)
    return _INDICATOR + 1, line[:_TEXT_END]


def _line(line: str, number: int, start: int, *, member: str | None) -> Line:
    places = tuple((number, column) for column in range(start + 1, len(line) + 2))
    return Line(text=line[start:], places=places, member=member)


def _continued(first: Line, second: Line) -> Line:
    """Join a line and the one that continues it (Language Reference, "Continuation lines")."""
    skipped = len(second.text) - len(second.text.lstrip())
    if _is_open(first.text):
        line, column = first.places[-1]
        missing = max(0, _TEXT_END + 1 - column)
        head = first.text + " " * missing
        places = first.places[:-1] + tuple((line, column + each) for each in range(missing))
        skipped += 1  # the quotation mark that opens it again
    else:
        head = first.text.rstrip()
        places = first.places[: len(head)]
    return Line(text=head + second.text[skipped:], places=places + second.places[skipped:], member=first.member)


def _is_open(text: str) -> bool:
    found = _OPEN.match(text)
    return found is not None and found["rest"] in ("'", '"') and found["rest"] != ""
