"""IBM's mixed code pages, whose double bytes stand between shift-out and shift-in, as the system's iconv has them.

Neither Python nor the package `ebcdic` has them; glibc does. It is asked once for each byte and each pair of bytes that
a page may have, and the answers are kept: what is in a file never comes to it.
"""

import codecs
import ctypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, final

__all__ = ["Mixed", "mixed"]

_SHIFT_OUT, _SHIFT_IN = 0x0E, 0x0F
_PAIR_BYTES: Final = range(0x41, 0xFF)
_BLANK: Final = b"\x40\x40"
_NONE: Final = "\ufffe"
_ROOM: Final = 64
_FAILED: Final = ctypes.c_size_t(-1).value


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """The two codecs of a mixed page, by the names that Python knows them by from now on."""

    single: str
    double: str
    """Of the double bytes, without shift-out and shift-in."""


@cache
def mixed(number: str) -> Mixed | None:
    """Return the codecs of a page, by IBM's number; None where this system does not have it."""
    iconv = _Iconv.of(f"IBM{number}")
    if iconv is None:
        return None
    found = Mixed(single=f"ibm{number}_single", double=f"ibm{number}_double")
    known = {found.single: _single(found.single, iconv), found.double: _double(found.double, iconv)}
    codecs.register(known.get)
    return found


@final
class _Iconv:
    """One page of the C library, to and from Unicode."""

    def __init__(self, page: str) -> None:
        library: Any = ctypes.CDLL(None)
        self._call, opened = library.iconv, library.iconv_open
        opened.restype, opened.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
        self._call.restype, self._call.argtypes = ctypes.c_size_t, [ctypes.c_void_p] * 5
        self._ways = [opened(to.encode(), of.encode()) for to, of in (("UTF-8", page), (page, "UTF-8"))]
        if any(way in (None, _FAILED) for way in self._ways):
            raise LookupError(page)

    @classmethod
    def of(cls, page: str) -> "_Iconv | None":
        """Return a page, or None where there is no iconv, or not this page."""
        try:
            return cls(page)
        except (AttributeError, LookupError, OSError):
            return None

    def decode(self, raw: bytes) -> str | None:
        """Return the characters of some bytes; None where they are none."""
        found = self._converted(self._ways[0], raw)
        return None if found is None else found.decode()

    def encode(self, text: str) -> bytes | None:
        """Return the bytes of some characters; None where the page lacks one."""
        return self._converted(self._ways[1], text.encode())

    def _converted(self, way: int, given: bytes) -> bytes | None:
        source, room = ctypes.create_string_buffer(given, len(given)), ctypes.create_string_buffer(_ROOM)
        at, to = ctypes.c_void_p(ctypes.addressof(source)), ctypes.c_void_p(ctypes.addressof(room))
        size, left = ctypes.c_size_t(len(given)), ctypes.c_size_t(_ROOM)
        self._call(way, None, None, None, None)  # as at the beginning of a text
        told = self._call(way, *map(ctypes.addressof, (at, size, to, left)))
        if told == _FAILED or self._call(way, None, None, *map(ctypes.addressof, (to, left))) == _FAILED:
            return None
        return room.raw[: _ROOM - left.value]


def _single(name: str, iconv: _Iconv) -> codecs.CodecInfo:
    characters = [chr(byte) if byte in (_SHIFT_OUT, _SHIFT_IN) else iconv.decode(bytes([byte])) for byte in range(256)]
    table = "".join(each if each is not None and len(each) == 1 else _NONE for each in characters)
    back = codecs.charmap_build(table)
    read: Any = codecs.charmap_decode  # it takes a table of characters, too, which its type does not say
    return codecs.CodecInfo(
        name=name,
        encode=lambda text, errors="strict": codecs.charmap_encode(text, errors, back),
        decode=lambda raw, errors="strict": read(bytes(raw), errors, table),
    )


def _double(name: str, iconv: _Iconv) -> codecs.CodecInfo:
    table = dict(_pairs(iconv))
    back: dict[str, bytes] = {}
    for pair, text in table.items():
        # Where several pairs are one character, the page itself says which one it is written as.
        back[text] = pair if text not in back else (iconv.encode(text) or b"")[1:-1] or pair
    back[" "] = _BLANK
    return codecs.CodecInfo(name=name, encode=_encoder(name, back), decode=_decoder(name, table))


def _pairs(iconv: _Iconv) -> Iterator[tuple[bytes, str]]:
    for pair in (_BLANK, *(bytes([high, low]) for high in _PAIR_BYTES for low in _PAIR_BYTES)):
        text = iconv.decode(bytes([_SHIFT_OUT]) + pair + bytes([_SHIFT_IN]))
        if text:
            yield pair, text


def _decoder(name: str, table: Mapping[bytes, str]) -> Callable[..., tuple[str, int]]:
    def decode(raw: bytes, errors: str = "strict") -> tuple[str, int]:
        del errors
        given = bytes(raw)
        found: list[str] = []
        for at in range(0, len(given), 2):
            text = table.get(given[at : at + 2])
            if text is None:
                raise UnicodeDecodeError(name, given, at, at + 2, "no character of the page")
            found.append(text)
        return "".join(found), len(given)

    return decode


def _encoder(name: str, back: Mapping[str, bytes]) -> Callable[..., tuple[bytes, int]]:
    def encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
        del errors
        found, at = bytearray(), 0
        while at < len(text):
            size = 2 if text[at : at + 2] in back and at + 1 < len(text) else 1
            pair = back.get(text[at : at + size])
            if pair is None:
                raise UnicodeEncodeError(name, text, at, at + 1, "not in the page")
            found += pair
            at += size
        return bytes(found), len(text)

    return encode
