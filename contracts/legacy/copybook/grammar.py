"""Copybook text to a tree of items.

Understood: level numbers, names and FILLER, PICTURE, USAGE (of groups too), VALUE and level 88. The last
two take no room in a record and are not kept. Everything else is refused where it stands.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from contracts.legacy.copybook.picture import Picture, parse_picture
from contracts.legacy.copybook.source import Sentence, Word, sentences

__all__ = ["Item", "Usage", "parse_items"]


class Usage(StrEnum):
    """How an item is stored."""

    DISPLAY = "display"
    """One byte for each character or digit."""
    BINARY = "binary"
    """Big-endian two's complement in 2, 4 or 8 bytes."""
    PACKED = "packed"
    """Two digits in a byte; the last nibble is the sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a copybook: a group (with children) or an elementary item (with a picture)."""

    level: int
    name: str | None
    """In upper case; None is FILLER."""
    word: Word
    """Where it stands: its level number."""
    picture: Picture | None = None
    usage: Usage | None = None
    """As written at this entry; None where it is not."""
    children: tuple["Item", ...] = ()


_USAGES: Final = {
    "DISPLAY": Usage.DISPLAY,
    **dict.fromkeys(("BINARY", "COMP", "COMP-4", "COMPUTATIONAL", "COMPUTATIONAL-4"), Usage.BINARY),
    **dict.fromkeys(("PACKED-DECIMAL", "COMP-3", "COMPUTATIONAL-3"), Usage.PACKED),
}
_NAME = re.compile(r"(?=[A-Z0-9-]*[A-Z])[A-Z0-9](?:[A-Z0-9-]*[A-Z0-9])?")
_CLAUSES: Final = ("PICTURE", "PIC", "USAGE", *_USAGES, "VALUE", "VALUES")
_EXPECTED: Final = "PICTURE, USAGE (DISPLAY, BINARY, PACKED-DECIMAL or a COMP of theirs), VALUE or a period"
_MAX_LEVEL, _CONDITION = 49, 88


def parse_items(text: str) -> tuple[Item, ...]:
    """Read a copybook in fixed reference format and return its topmost items.

    Raises:
        ContractError: The text has something that is not understood; names line, column and what was expected.
    """
    entries = [entry for sentence in sentences(text) if (entry := _entry(sentence))]
    items: list[Item] = []
    while entries:
        items.append(_take(entries))
    return tuple(items)


def _take(entries: list[Item]) -> Item:
    """Remove the first item and all that is below it, and return it with its children."""
    item = entries.pop(0)
    children: list[Item] = []
    while entries and entries[0].level > item.level:
        if children and entries[0].level != children[0].level:
            raise entries[0].word.error(f"level {children[0].level:02d}, as its siblings have, or one above")
        children.append(_take(entries))
    if children and item.picture:
        raise children[0].word.error("no item below one that has a picture")
    if not children and not item.picture:
        raise item.word.error(f"a picture, or items below {item.name or 'FILLER'}")
    return replace(item, children=tuple(children))


def _entry(sentence: Sentence) -> Item | None:
    level, *rest = sentence
    number = int(level.text) if level.text.isascii() and level.text.isdigit() else 0
    if number == _CONDITION:
        _check_condition(rest, level)
        return None
    if not 1 <= number <= _MAX_LEVEL:
        raise level.error("a level number, 01 to 49 or 88 (text begins in column 8; 66 and 77 are not supported)")
    name = _name(rest)
    clauses = _clauses(rest)
    return Item(level=number, name=name, word=level, picture=clauses.picture, usage=clauses.usage)


def _name(words: list[Word]) -> str | None:
    """Remove the name, which may be left out, and return it."""
    if not words or words[0].text.upper() in _CLAUSES:
        return None
    word = words.pop(0)
    if word.text.upper() == "FILLER":
        return None
    if not _NAME.fullmatch(word.text.upper()):
        raise word.error("a name of letters, digits and hyphens, or FILLER")
    return word.text.upper()


def _check_condition(words: list[Word], level: Word) -> None:
    if _name(words) is None or not words or words[0].text.upper() not in ("VALUE", "VALUES"):
        raise level.error("a condition name and its VALUE after 88")


@dataclass(slots=True, kw_only=True)
class _Clauses:
    picture: Picture | None = None
    usage: Usage | None = None


def _clauses(words: list[Word]) -> _Clauses:
    found = _Clauses()
    while words:
        word = words.pop(0)
        if word.text.upper() in _USAGES:
            words.insert(0, word)
            _usage(found, words, word)
        elif word.text.upper() in _READERS:
            _READERS[word.text.upper()](found, words, word)
        else:
            raise word.error(_EXPECTED)
    return found


def _picture(found: _Clauses, words: list[Word], clause: Word) -> None:
    if found.picture:
        raise clause.error("one picture")
    found.picture = parse_picture(_after(words, clause, optional=("IS",)))


def _usage(found: _Clauses, words: list[Word], clause: Word) -> None:
    word = _after(words, clause, optional=("IS",))
    if found.usage or word.text.upper() not in _USAGES:
        raise word.error("one usage of " + ", ".join(_USAGES))
    found.usage = _USAGES[word.text.upper()]


def _value(_found: _Clauses, words: list[Word], clause: Word) -> None:
    _after(words, clause, optional=("IS", "ARE", "ALL"))


def _after(words: list[Word], clause: Word, *, optional: tuple[str, ...]) -> Word:
    """Remove the operand of a clause, and the optional words before it, and return it."""
    while words and words[0].text.upper() in optional:
        words.pop(0)
    if not words:
        raise clause.error("something after it")
    return words.pop(0)


_READERS: Final[Mapping[str, Callable[[_Clauses, list[Word], Word], None]]] = {
    **dict.fromkeys(("PIC", "PICTURE"), _picture),
    "USAGE": _usage,
    **dict.fromkeys(("VALUE", "VALUES"), _value),
}
