"""Copybook text to trees of entries.

Understood is every clause of a data description entry that says something about records; of a whole program
its data division. Everything else is refused where it stands.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from contracts.legacy.copybook.clause import Words, read_clauses, read_name, read_ranges
from contracts.legacy.copybook.copying import Resolver, expand
from contracts.legacy.copybook.entry import Condition, Entry, Renames, Usage
from contracts.legacy.copybook.source import Form, Word, words

__all__ = ["STANDALONE", "parse_entries"]

_MAX_LEVEL, _RENAMES, _CONDITION = 49, 66, 88
_LEVEL_DIGITS = 4
STANDALONE = (1, 77)
"""Levels that begin a record of their own."""
_NO_PICTURE = frozenset(
    {
        Usage.FLOAT,
        Usage.DOUBLE,
        Usage.INDEX,
        Usage.POINTER,
        Usage.PROCEDURE_POINTER,
        Usage.FUNCTION_POINTER,
    }
)
_DESCRIPTIONS = ("FD", "SD", "RD", "CD")
_SECTIONS = ("FILE", "WORKING-STORAGE", "LOCAL-STORAGE", "LINKAGE")


def parse_entries(
    text: str, *, form: Form | None = None, resolver: Resolver | None = None, decimal_comma: bool = False
) -> tuple[Entry, ...]:
    """Read a copybook and return its topmost entries.

    Args:
        text: The source; of a whole program its data division is read.
        form: Its reference format; None recognises it.
        resolver: Finds what it copies; None refuses COPY.
        decimal_comma: Whether numbers and pictures have a decimal comma.

    Raises:
        ContractError: The text has something that is not understood; names line, column and what was expected.
    """
    tops: list[_Open] = []
    stack: list[_Open] = []
    for sentence in _sentences(expand(words(text, form=form), resolver, form=form)):
        rest = Words(deque(sentence[1:]), sentence[0], decimal_comma)
        match _level(sentence):
            case None:
                continue
            case level if level == _CONDITION:
                _open(stack, sentence[0]).conditions.append(_condition(rest))
            case level if level == _RENAMES:
                _top(tops, sentence[0]).renames.append(_renames(rest))
            case level:
                _add(_entry(level, rest), tops, stack)
    return tuple(top.closed() for top in tops)


@dataclass(slots=True)
class _Open:
    """An entry to which may still be added."""

    entry: Entry
    children: list["_Open"] = field(default_factory=list["_Open"])
    conditions: list[Condition] = field(default_factory=list[Condition])
    renames: list[Renames] = field(default_factory=list[Renames])

    def closed(self) -> Entry:
        """Return the entry with all that belongs to it."""
        entry = self.entry
        if self.children and (entry.picture or entry.usage in _NO_PICTURE):
            raise self.children[0].entry.word.error("no item below one that has a picture")
        return replace(
            entry,
            children=tuple(child.closed() for child in self.children),
            conditions=tuple(self.conditions),
            renames=tuple(self.renames),
        )


def _add(entry: Entry, tops: list[_Open], stack: list[_Open]) -> None:
    opened = _Open(entry)
    if entry.level in STANDALONE:
        stack.clear()
    while stack and stack[-1].entry.level >= entry.level:
        stack.pop()
    (stack[-1].children if stack else tops).append(opened)
    stack.append(opened)


def _open(stack: list[_Open], word: Word) -> _Open:
    if not stack:
        raise word.error("an item before its condition names")
    return stack[-1]


def _top(tops: list[_Open], word: Word) -> _Open:
    if not tops:
        raise word.error("items before what renames them")
    return tops[-1]


def _sentences(source: Iterable[Word]) -> Iterator[list[Word]]:
    sentence: list[Word] = []
    for word in source:
        if word.text != ".":
            sentence.append(word)
        elif sentence:
            yield sentence
            sentence = []
    if sentence:
        raise sentence[-1].error("a period after it")


def _level(sentence: list[Word]) -> int | None:
    """Return the level number of an entry; None for what else stands in a data division."""
    first = sentence[0]
    if first.text.isascii() and first.text.isdigit():
        number = int(first.text) if len(first.text) <= _LEVEL_DIGITS else 0
        if 1 <= number <= _MAX_LEVEL or number in (*STANDALONE, _RENAMES, _CONDITION):
            return number
    elif first.upper in _DESCRIPTIONS or (len(sentence) == 2 and _is_section(sentence)):  # noqa: PLR2004 - X SECTION
        return None
    raise first.error("a level number, 01 to 49, 66, 77 or 88 (in fixed format, text begins in column 8)")


def _is_section(sentence: list[Word]) -> bool:
    return sentence[0].upper in _SECTIONS and sentence[1].upper == "SECTION"


def _entry(level: int, rest: Words) -> Entry:
    word = rest.last
    name = read_name(rest)
    return Entry(level=level, name=name, word=word, **read_clauses(rest))


def _condition(rest: Words) -> Condition:
    level = rest.last
    name = read_name(rest)
    if name is None or not rest.skip("VALUE", "VALUES"):
        raise level.error("a condition name and its VALUE after 88")
    ranges = tuple(read_ranges(rest))
    if rest.skip("WHEN", "SET", "TO", "FALSE", "IS"):
        list(read_ranges(rest))
    if rest.rest:
        raise rest.rest[0].error("literals, THRU or a period")
    return Condition(name=name, ranges=ranges)


def _renames(rest: Words) -> Renames:
    level = rest.last
    name = read_name(rest)
    if name is None or not rest.skip("RENAMES"):
        raise level.error("a name and RENAMES after 66")
    first = tuple(_qualified(rest))
    last = tuple(_qualified(rest)) if rest.skip("THRU", "THROUGH") else ()
    if rest.rest:
        raise rest.rest[0].error("THRU or a period")
    return Renames(name=name, word=level, first=first, last=last)


def _qualified(rest: Words) -> Iterator[Word]:
    yield rest.take("the name of an item")
    while rest.skip("OF", "IN"):
        yield rest.take("the name of a group")
