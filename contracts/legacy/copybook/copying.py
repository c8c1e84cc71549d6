"""COPY and EXEC SQL INCLUDE: the text of other members, with REPLACING; then REPLACE, over all of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from contracts.errors import ContractError
from contracts.legacy.copybook.replacing import Replacement, read_replacements, replaced, statement, with_replace
from contracts.legacy.copybook.source import Form, Word, words

__all__ = ["Resolver", "expand"]

_MOST_WORDS, _MOST_NESTED = 1 << 18, 32
_DECLARES = (("DECLARE",), ("BEGIN", "DECLARE"), ("END", "DECLARE"))
"""How statements of SQL begin that say nothing about a record: tables, cursors, and where host variables stand."""
_OF_DB2 = ("SQLCA", "SQLDA")
"""Members that the precompiler brings itself."""


class Resolver(Protocol):
    """Finds the text of a member that a copybook copies; reading it is the caller's business."""

    def __call__(self, name: str, library: str | None, /) -> str | None:
        """Return a member's text, or None where there is no such member."""
        ...


def expand(
    source: Iterable[Word], resolver: Resolver | None, *, form: Form | None = None, within: tuple[str, ...] = ()
) -> Iterator[Word]:
    """Yield words, each COPY or EXEC SQL INCLUDE replaced by the words of its member, and REPLACE done over all.

    Args:
        source: Words, as `words` yields them.
        resolver: Finds members; None refuses every COPY.
        form: The reference format of members; None looks at each.
        within: The members that are being copied.

    Raises:
        ContractError: A member is not found or copies itself, or the statement is not understood.
    """
    yield from with_replace(_expanded(source, _Copying(resolver=resolver, form=form), within))


@dataclass(slots=True, kw_only=True)
class _Copying:
    """What holds for a copybook and all that it copies, directly or not."""

    resolver: Resolver | None
    form: Form | None
    words: int = 0
    """How many words and members there were so far."""

    def count(self, word: Word) -> None:
        """Refuse members that multiply: a few lines of COPY can stand for billions."""
        self.words += 1
        if self.words > _MOST_WORDS:
            raise word.error(f"at most {_MOST_WORDS} words, with all that is copied")


def _expanded(source: Iterable[Word], copying: _Copying, within: tuple[str, ...]) -> Iterator[Word]:
    remaining = iter(source)
    previous, is_included = ".", False
    for word in remaining:
        copying.count(word)
        if is_included and word.text == ".":
            is_included = False  # it ends EXEC SQL, and may be left out
            continue
        is_included = False
        if word.upper == "COPY" and previous not in ("PIC", "PICTURE", "IS"):
            name, replacements = _parsed(word, list(statement(remaining, word)))
            yield from replaced(list(_member(name, copying, within)), replacements)
            previous = "."
        elif word.upper in ("EXEC", "EXECUTE") and previous == ".":
            included, is_included = _included(word, remaining), True
            yield from () if included is None else _member(included, copying, within)
        else:
            previous = word.upper
            yield word


def _included(first: Word, remaining: Iterator[Word]) -> "_Member | None":
    """Read EXEC SQL up to END-EXEC, and return what it includes; None where that says nothing about records."""
    words: list[Word] = []
    for word in remaining:
        if word.upper == "END-EXEC":
            break
        words.append(word)
    else:
        raise first.error("END-EXEC after EXEC SQL")
    said = tuple(word.upper for word in words)
    if said[:2] == ("SQL", "INCLUDE") and len(words) == 3:  # noqa: PLR2004 - SQL INCLUDE and a name
        return _Member(word=first, name=words[2].text.strip("\"'").upper(), library=None, statement="EXEC SQL INCLUDE")
    if said[:1] == ("SQL",) and any(said[1 : 1 + len(each)] == each for each in _DECLARES):
        return None
    raise first.error("SQL INCLUDE a member, or a declaration, after EXEC")


def _parsed(copy: Word, operands: list[Word]) -> tuple["_Member", list[Replacement]]:
    if not operands:
        raise copy.error("the name of a member after COPY")
    name = operands.pop(0).text.strip("\"'").upper()
    replacements: list[Replacement] = []
    for at, word in enumerate(operands):
        if word.upper == "REPLACING":
            replacements = read_replacements(operands[at + 1 :], word)
            del operands[at:]
            break
    library: str | None = None
    if len(operands) > 1 and operands[0].upper in ("OF", "IN"):
        library = operands[1].text.strip("\"'").upper()
        del operands[:2]
    if operands and operands[0].upper == "SUPPRESS":
        del operands[0]
    if operands:
        raise operands[0].error("OF or IN a library, SUPPRESS, REPLACING or a period")
    return _Member(word=copy, name=name, library=library, statement="COPY"), replacements


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A member that is copied, and the statement that says so."""

    word: Word
    name: str
    library: str | None
    statement: str

    def error(self, expected: str) -> ContractError:
        """Return the error that the statement can't be done."""
        return replace(self.word, text=f"{self.statement} {self.name}").error(expected)


def _member(member: _Member, copying: _Copying, within: tuple[str, ...]) -> Iterator[Word]:
    """Yield the words of a member, with all that it copies."""
    if len(within) >= _MOST_NESTED:
        raise member.error(f"at most {_MOST_NESTED} members that copy each other")
    if member.name in within:
        raise member.error("a member that does not copy itself")
    text = copying.resolver(member.name, member.library) if copying.resolver else None
    if text is None and member.statement != "COPY" and member.name in _OF_DB2:
        return
    if text is None:
        raise member.error("a member that is there")
    yield from _expanded(words(text, form=copying.form, member=member.name), copying, (*within, member.name))
