"""What REPLACING of COPY, and REPLACE, put instead of words (Language Reference, "REPLACE statement")."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from contracts.legacy.copybook.source import Word

__all__ = ["Replacement", "read_replacements", "replaced", "statement", "with_replace"]

_PARTS = ("LEADING", "TRAILING")
_MOST_WORDS, _MOST_REPLACED, _MOST_LETTERS = 1 << 18, 1000, 1 << 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """Words, and what stands instead of them."""

    old: tuple[str, ...]
    new: tuple[Word, ...]
    part: str | None = None
    """LEADING or TRAILING: only this end of a word is replaced."""


def with_replace(source: Iterable[Word]) -> Iterator[Word]:
    """Yield words as REPLACE statements among them say, each up to the next, or to REPLACE OFF.

    Raises:
        ContractError: A statement is not understood, or there are too many words then.
    """
    remaining, count = iter(source), 0
    replacements: list[Replacement] = []
    while True:
        found = list(_until_replace(remaining))
        words = found[:-1] if found and found[-1].upper == "REPLACE" else found
        for word in replaced(words, replacements):
            count += 1
            if count > _MOST_WORDS:
                raise word.error(f"at most {_MOST_WORDS} words, with all that REPLACE makes of them")
            yield word
        if words is found:
            return
        replacements = _operands(found[-1], list(statement(remaining, found[-1])))


def _until_replace(remaining: Iterator[Word]) -> Iterator[Word]:
    """Yield words up to a REPLACE that begins a sentence, and it."""
    previous = "."
    for word in remaining:
        yield word
        if word.upper == "REPLACE" and previous == ".":
            return
        previous = word.text


def _operands(clause: Word, operands: list[Word]) -> list[Replacement]:
    if [word.upper for word in operands] == ["OFF"]:
        return []
    if not operands or not any(word.text == "==" for word in operands[:2]):
        raise clause.error("pseudo-text to replace (==), or OFF, after REPLACE")
    return read_replacements(operands, clause)


def statement(remaining: Iterator[Word], first: Word) -> Iterator[Word]:
    """Yield the operands of a statement, up to the period that ends it; one in pseudo-text does not.

    Raises:
        ContractError: There is none.
    """
    opened: Word | None = None
    for word in remaining:
        if word.text == "." and opened is None:
            return
        if word.text == "==":
            opened = word if opened is None else None
        yield word
    if opened is not None:
        raise opened.error("pseudo-text that ends with ==")
    raise first.error(f"a period after {first.upper} and its operands")


def read_replacements(operands: Iterable[Word], clause: Word) -> list[Replacement]:
    """Return what is to be replaced, and by what.

    Raises:
        ContractError: Something is missing, or there is too much.
    """
    found = list(_replacements(deque(operands), clause))
    if len(found) > _MOST_REPLACED:
        raise clause.error(f"at most {_MOST_REPLACED} replacements")
    return found


def _replacements(operands: deque[Word], clause: Word) -> Iterator[Replacement]:
    last = clause
    while operands:
        part = operands.popleft().upper if operands[0].upper in _PARTS else None
        old = _operand(operands, last)
        if not operands or operands[0].upper != "BY" or not old:
            raise (operands[0] if operands else last).error("something to replace, BY and something instead")
        last = operands.popleft()
        new = _operand(operands, last)
        yield Replacement(old=tuple(word.upper for word in old), new=tuple(new), part=part)


def _operand(operands: deque[Word], before: Word) -> list[Word]:
    """Remove one operand, pseudo-text or a word, and return its words."""
    if not operands:
        raise before.error("an operand after it")
    first = operands.popleft()
    if first.text != "==":
        return [first]
    found: list[Word] = []
    while operands:
        word = operands.popleft()
        if word.text == "==":
            return found
        found.append(word)
    raise first.error("pseudo-text that ends with ==")


def replaced(text: list[Word], replacements: list[Replacement]) -> Iterator[Word]:
    """Yield words with all replacements.

    Raises:
        ContractError: A word becomes too long.
    """
    if not replacements:
        yield from text
        return
    at = 0
    while at < len(text):
        for each in replacements:
            size = len(each.old)
            if (
                each.part is None
                and text[at].upper == each.old[0]
                and tuple(word.upper for word in text[at : at + size]) == each.old
            ):
                yield from (replace(new, line=text[at].line, column=text[at].column) for new in each.new)
                at += size
                break
        else:
            yield _partly(text[at], replacements)
            at += 1


def _partly(word: Word, replacements: list[Replacement]) -> Word:
    """Replace a part of a word: an end of it, or a tag such as :PREFIX: inside it."""
    text = word.text
    if word.is_literal:
        return word
    for each in replacements:
        if len(each.old) != 1 or len(each.new) > 1:
            continue
        old, new = each.old[0], each.new[0].text if each.new else ""
        if each.part == "LEADING" and text.upper().startswith(old):
            text = new + text[len(old) :]
        elif each.part == "TRAILING" and text.upper().endswith(old):
            text = text[: -len(old)] + new
        elif each.part is None and not (old[0].isalnum() or old[-1].isalnum()):
            text = new.join(re.split(re.escape(old), text, flags=re.IGNORECASE))
        if len(text) > _MOST_LETTERS:
            raise word.error(f"at most {_MOST_LETTERS} characters after REPLACING")
    return replace(word, text=text)
