"""A document of a contract as text, with the places of its tags, so that it can be changed and all else be kept.

The parser of `contracts.legacy.xml` says what an element is and means; this finds where it is written, by the order of
the tags, which is the same in both. So quotes, blanks, comments and the encoding stay as they were.
"""

import codecs
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import Document
from contracts.legacy.xml import Element, local

__all__ = ["Attribute", "Edit", "Markup", "Tag", "edited"]

_MARKS: Final = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_BARE: Final = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
_QUOTED: Final = r"\"[^\"]*\"|'[^']*'"
_TOKEN: Final = re.compile(
    rf"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    rf"|<!DOCTYPE(?>(?:[^\[\]>\"']|{_QUOTED}|\[(?>(?:<!--.*?-->|<\?.*?\?>|{_QUOTED}|[^\]\"'])*)\])*)>"
    rf"|<(/?)([^\s/>!?]+)(?:[^\"'>]|{_QUOTED})*?(/?)>",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(rf"\s+([^\s=/>]+)\s*=\s*({_QUOTED})")
_PROLOG: Final = re.compile(r"\ufeff?(?:<\?xml\s.*?\?>)?", re.DOTALL)


class Edit(NamedTuple):
    """What stands in the place of a piece of text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """Where an attribute is written."""

    start: int
    """With the blanks before it."""
    value: int
    """Behind the opening quote."""
    end: int
    """Behind the closing quote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """Where an element is written."""

    start: int
    inner: int
    """Behind its start tag."""
    close: int
    """Before its end tag; the same as `inner` and `end` of an empty element that has none."""
    end: int
    name: str
    """With its prefix."""
    is_empty: bool
    """It is one tag, `<a/>`."""


class Markup:
    """One document.

    Raises:
        ContractError: Its encoding is not known here, or elements of it come out of entities.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.codec = _codec(document)
        """The Python codec of its bytes."""
        try:
            self.text = document.data.decode(self.codec)
        except (LookupError, UnicodeDecodeError) as error:
            raise ContractError(document.uri, expected="an encoding that is known here", found=self.codec) from error

    @cached_property
    def tags(self) -> Mapping[Element, Tag]:
        """Return where each element is written."""
        elements, opened = self.document.root.iter("*"), list[tuple[Element, re.Match[str]]]()
        found: dict[Element, Tag] = {}
        for token in _TOKEN.finditer(self.text):
            if token[2] is None:
                continue
            if token[1]:
                element, start = opened.pop() if opened else (None, token)
                is_same = start[2] == token[2]
            else:
                element, start = next(elements, None), token
                is_same = element is not None and local(element.tag).rpartition(":")[2] == token[2].rpartition(":")[2]
            if element is None or not is_same:
                raise self._unlike()
            if not token[1] and not token[3]:
                opened.append((element, token))
                continue
            found[element] = _tag(start, token)
        if opened or next(elements, None) is not None:
            raise self._unlike()
        return found

    def attribute(self, element: Element, name: str) -> Attribute | None:
        """Return where an attribute is written, by its name with the prefix; None where it is not."""
        return self.attributes(element).get(name)

    def attributes(self, element: Element) -> dict[str, Attribute]:
        """Return where the attributes are written, namespaces among them."""
        tag = self.tags[element]
        found = _ATTRIBUTE.finditer(self.text, tag.start + 1 + len(tag.name), tag.inner)
        return {each[1]: Attribute(start=each.start(), value=each.start(2) + 1, end=each.end()) for each in found}

    def valued(self, element: Element, name: str, text: str) -> Edit | None:
        """Return the edit that gives an attribute another value, escaped already; None where it has none."""
        there = self.attribute(element, name)
        return None if there is None else Edit(there.value, there.end - 1, text)

    @property
    def begins(self) -> int:
        """Return where what follows byte order mark and declaration begins."""
        found = _PROLOG.match(self.text)
        return 0 if found is None else found.end()

    @property
    def document_type(self) -> Edit | None:
        """Return the edit that takes the document type declaration out; None where there is none."""
        for token in _TOKEN.finditer(self.text):
            if token[2] is not None:
                return None
            if token[0].startswith("<!DOCTYPE"):
                return Edit(token.start(), token.end(), "")
        return None

    def _unlike(self) -> ContractError:
        expected = "elements that are all written in the document itself, none in an entity"
        return ContractError(self.document.uri, expected=expected, found="others")


def edited(text: str, edits: Iterable[Edit], *, start: int = 0, end: int | None = None) -> str:
    """Return a piece of a text after the edits that lie within it; of one within another, the outer one counts.

    >>> edited("abcdef", [Edit(1, 2, "X"), Edit(3, 5, "")])
    'aXcf'
    """
    end = len(text) if end is None else end
    parts, at = list[str](), start
    for edit in sorted(edits, key=lambda each: (each.start, -each.end)):
        if at <= edit.start and edit.end <= end:
            parts += [text[at : edit.start], edit.text]
            at = edit.end
    return "".join([*parts, text[at:end]])


def _tag(start: re.Match[str], last: re.Match[str]) -> Tag:
    is_empty = start is last
    close = last.end() if is_empty else last.start()
    return Tag(
        start=start.start(), inner=start.end(), close=close, end=last.end(), name=start[2], is_empty=is_empty
    )  # fmt: skip


def _codec(document: Document) -> str:
    """Return how the bytes are to be decoded: by byte order mark, by the first octets, or as declared."""
    for mark, codec in _MARKS.items():
        if document.data.startswith(mark):
            return codec
    declared = document.root.getroottree().docinfo.encoding
    return _BARE.get(document.data[:2]) or (declared or "utf-8").lower()
