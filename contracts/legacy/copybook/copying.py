"""COPY statements: the text of other members, with REPLACING."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from contracts.legacy.copybook.source import Form, Word, words

__all__ = ["Resolver", "expand"]

_PARTS = ("LEADING", "TRAILING")
_MOST_WORDS, _MOST_NESTED, _MOST_REPLACED, _MOST_LETTERS = 1 << 18, 32, 1000, 1 << 12


class Resolver(Protocol):
    """Finds the text of a member that a copybook copies; reading it is the caller's business."""

    def __call__(self, name: str, library: str | None, /) -> str | None:
        """Return a member's text, or None where there is no such member."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replacement:
    old: tuple[str, ...]
    new: tuple[Word, ...]
    part: str | None = None
    """LEADING or TRAILING: only this end of a word is replaced."""


def expand(
    source: Iterable[Word], resolver: Resolver | None, *, form: Form | None = None, within: tuple[str, ...] = ()
) -> Iterator[Word]:
    """Yield words, each COPY statement replaced by the words of its member.

    Args:
        source: Words, as `words` yields them.
        resolver: Finds members; None refuses every COPY.
        form: The reference format of members; None looks at each.
        within: The members that are being copied.

    Raises:
        ContractError: A member is not found or copies itself, or the statement is not understood.
    """
    yield from _expanded(source, _Copying(resolver=resolver, form=form), within)


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
    previous = "."
    for word in remaining:
        copying.count(word)
        if word.upper != "COPY" or previous in ("PIC", "PICTURE", "IS"):
            previous = word.upper
            yield word
            continue
        statement = list(_until_period(remaining, word))
        name, replacements = _parsed(word, statement)
        text = _member(word, name, statement, resolver=copying.resolver, within=within)
        member = words(text, form=copying.form, member=name)
        yield from _replaced(list(_expanded(member, copying, (*within, name))), replacements)
        previous = "."


def _until_period(remaining: Iterator[Word], copy: Word) -> Iterator[Word]:
    for word in remaining:
        if word.text == ".":
            return
        yield word
    raise copy.error("a period after COPY and its operands")


def _parsed(copy: Word, statement: list[Word]) -> tuple[str, list[_Replacement]]:
    if not statement:
        raise copy.error("the name of a member after COPY")
    name = statement.pop(0)
    replacements: list[_Replacement] = []
    for at, word in enumerate(statement):
        if word.upper == "REPLACING":
            replacements = list(_replacements(deque(statement[at + 1 :]), word))
            del statement[at:]
            if len(replacements) > _MOST_REPLACED:
                raise word.error(f"at most {_MOST_REPLACED} replacements")
            break
    return name.text.strip("\"'").upper(), replacements


def _member(
    copy: Word, name: str, options: Sequence[Word], *, resolver: Resolver | None, within: tuple[str, ...]
) -> str:
    library: str | None = None
    rest = list(options)
    if len(rest) > 1 and rest[0].upper in ("OF", "IN"):
        library = rest[1].text.strip("\"'").upper()
        del rest[:2]
    if rest and rest[0].upper == "SUPPRESS":
        del rest[0]
    if rest:
        raise rest[0].error("OF or IN a library, SUPPRESS, REPLACING or a period")
    if len(within) >= _MOST_NESTED:
        raise replace(copy, text=f"COPY {name}").error(f"at most {_MOST_NESTED} members that copy each other")
    if name in within:
        raise replace(copy, text=f"COPY {name}").error("a member that does not copy itself")
    text = resolver(name, library) if resolver else None
    if text is None:
        raise replace(copy, text=f"COPY {name}").error("a member that is there")
    return text


def _replacements(operands: deque[Word], clause: Word) -> Iterator[_Replacement]:
    last = clause
    while operands:
        part = operands.popleft().upper if operands[0].upper in _PARTS else None
        old = _operand(operands, last)
        if not operands or operands[0].upper != "BY" or not old:
            raise (operands[0] if operands else last).error("something to replace, BY and something instead")
        last = operands.popleft()
        new = _operand(operands, last)
        yield _Replacement(old=tuple(word.upper for word in old), new=tuple(new), part=part)


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


def _replaced(text: list[Word], replacements: list[_Replacement]) -> Iterator[Word]:
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


def _partly(word: Word, replacements: list[_Replacement]) -> Word:
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
