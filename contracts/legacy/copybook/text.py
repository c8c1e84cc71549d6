"""Text: characters of a code page, of UTF-16, and of double-byte pages between shift-out and shift-in."""

import codecs
import re
from collections.abc import Callable
from typing import TypeAlias

from contracts.errors import ContractError
from contracts.legacy.copybook.item import Item
from contracts.legacy.copybook.options import Trim
from contracts.legacy.copybook.page import CodePage

__all__ = ["TextDecode", "TextEncode", "dbcs", "national", "single", "trimmed"]

TextDecode: TypeAlias = Callable[[bytes], str | None]
TextEncode: TypeAlias = Callable[[str], bytes | None]
_SHIFTED = re.compile(rb"\x0e(?:[\x41-\xfe]{2}|\x40\x40)+\x0f")
"""Double bytes between shift-out and shift-in; what they mean is not known where no codec is told."""
_SHIFT_OUT, _SHIFT_IN = b"\x0e", b"\x0f"


def trimmed(text: str, trim: Trim, *, justified: bool) -> str:
    """Cut blanks off; a justified item has its filling at the left."""
    match trim:
        case Trim.NONE:
            return text
        case Trim.BOTH:
            return text.strip(" ")
        case Trim.LEFT:
            return text.lstrip(" ")
        case Trim.RIGHT:
            return text.lstrip(" ") if justified else text.rstrip(" ")


def single(item: Item, page: CodePage, *, double: str | None) -> tuple[TextDecode, TextEncode]:
    """Return how text of one byte a character is read and written; with shifts where a double-byte codec is told."""
    blank = bytes([page.blank])

    def decode(raw: bytes) -> str | None:
        if _SHIFT_OUT in raw and page.is_ebcdic:
            if double:
                return _mixed(raw, page, double)
            if _SHIFTED.search(raw):
                return None
        return page.decode(raw)

    def encode(text: str) -> bytes | None:
        raw = page.encode(text)
        if raw is None and page.is_ebcdic and double:
            raw = _shifted(text, page, double)
        if raw is not None and page.is_ebcdic and _SHIFT_OUT in raw and decode(raw) != text:
            return None  # control characters that would be read back as shifts
        return _filled(raw, item, blank)

    return decode, encode


def national(item: Item, codec: str) -> tuple[TextDecode, TextEncode]:
    """Return how text in UTF-16 is read and written.

    Raises:
        ContractError: There is no such codec, or its characters have no two bytes.
    """
    if len(" ".encode(_known(codec))) != 2:  # noqa: PLR2004 - bytes of a character, without a byte order mark
        raise ContractError("code page of national items", found=repr(codec), expected="utf-16-be or utf-16-le")
    return _two_bytes(item, _known(codec), blank=" ".encode(codec), strips=False)


def dbcs(item: Item, codec: str | None, page: CodePage) -> tuple[TextDecode, TextEncode]:
    """Return how text of two bytes a character is read and written.

    Raises:
        ContractError: No codec is told, or there is none of that name.
    """
    if codec is None:
        where = f"copybook line {item.line}"
        raise ContractError(where, found=item.picture, expected="a codec for double-byte characters (option dbcs)")
    blank = bytes([page.blank]) * 2 if page.is_ebcdic else " ".encode(_known(codec))
    if len(" ".encode(_known(codec))) > 2:  # noqa: PLR2004 - bytes of a character
        expected = "a codec of two bytes a character, without a byte order mark"
        raise ContractError("code page of double-byte items", found=repr(codec), expected=expected)
    return _two_bytes(item, _known(codec), blank=blank, strips=page.is_ebcdic)


def _two_bytes(item: Item, codec: str, *, blank: bytes, strips: bool) -> tuple[TextDecode, TextEncode]:
    def decode(raw: bytes) -> str | None:
        # Two EBCDIC blanks are no character of the codec, but what fills the item.
        while strips and raw.endswith(blank):
            raw = raw[: -len(blank)]
        return _read(raw, codec)

    def encode(text: str) -> bytes | None:
        return _filled(_write(text, codec), item, blank)

    return decode, encode


def _filled(raw: bytes | None, item: Item, blank: bytes) -> bytes | None:
    if raw is None or len(raw) > item.length:
        return None
    filling = (blank * item.length)[: item.length - len(raw)]
    return filling + raw if item.justified else raw + filling


def _mixed(raw: bytes, page: CodePage, double: str) -> str | None:
    """Read text in which double bytes stand between shift-out and shift-in."""
    first, *rest = raw.split(_SHIFT_OUT)
    found = [page.decode(first)]
    for part in rest:
        inside, closed, after = part.partition(_SHIFT_IN)
        if not closed:
            return None
        found += [_read(inside, double), page.decode(after)]
    return None if None in found else "".join(each for each in found if each is not None)


def _shifted(text: str, page: CodePage, double: str) -> bytes | None:
    """Write text with shift-out and shift-in around the characters that the page lacks."""
    raw = bytearray()
    inside = False
    for character in text:
        one = page.encode(character)
        two = _write(character, double) if one is None else None
        if one is None and (two is None or len(two) % 2):
            return None
        if inside != (one is None):
            raw += _SHIFT_IN if inside else _SHIFT_OUT
            inside = not inside
        raw += one or two or b""
    return bytes(raw + (_SHIFT_IN if inside else b""))


def _read(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeError:
        return None


def _write(text: str, codec: str) -> bytes | None:
    try:
        return text.encode(codec)
    except UnicodeError:
        return None


def _known(codec: str) -> str:
    try:
        " ".encode(codec)  # some codecs are none of text
        return codecs.lookup(codec).name
    except (LookupError, UnicodeError) as error:
        raise ContractError("code page", found=repr(codec), expected="a codec that Python knows") from error
