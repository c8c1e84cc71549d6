"""Code pages: which character each byte is."""

import codecs
from dataclasses import dataclass
from typing import Final, Self

import ebcdic
import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.legacy.copybook.mixed import Mixed, mixed

__all__ = ["CodePage"]

_EBCDIC_ZERO, _ASCII_ZERO = 0xF0, 0x30
_EXPECTED = (
    "an EBCDIC code page such as cp037, cp273, cp500, cp1140 or the mixed cp939, or an ASCII one such as ascii, "
    "cp1252, latin-1 or utf-8"
)
_MIXED: Final = frozenset({"930", "1390", "939", "1399", "933", "1364", "935", "1388", "937", "1371"})
"""IBM's mixed pages of Japanese, Korean and Chinese, by their numbers."""
_PACKAGED: Final = frozenset(ebcdic.codec_names)
"""Importing the package has registered its codecs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePage:
    """A code page, as Python's codec of that name defines it, or the one of the package `ebcdic`."""

    name: str
    is_ebcdic: bool
    """Whether digits are F0 to F9; they are 30 to 39 elsewhere."""
    is_single: bool
    """Whether every byte is a character; not in UTF-8."""
    blank: int
    """The byte of a blank."""
    undefined: NDArray[np.bool_]
    """For each of the 256 bytes, whether no character is defined for it."""
    double: str | None = None
    """Codec of the double bytes between shift-out and shift-in, where the page is a mixed one."""

    @property
    def label(self) -> str:
        """Return its name as people know it."""
        return self.name.removesuffix("_single")

    @classmethod
    def load(cls, name: str) -> Self:
        """Look a code page up.

        Raises:
            ContractError: There is no such codec, or digits are no single bytes in it, or the system lacks it.
        """
        both = _mixed(name)
        try:
            canonical = codecs.lookup(both.single if both else name).name
            characters = [bytes([byte]).decode(canonical, "replace") for byte in range(256)]
        except (LookupError, UnicodeError) as error:
            raise ContractError("code page", found=repr(name), expected=_EXPECTED) from error
        digits = list("0123456789")
        is_ebcdic = characters[_EBCDIC_ZERO : _EBCDIC_ZERO + 10] == digits
        is_ascii = characters[_ASCII_ZERO : _ASCII_ZERO + 10] == digits and characters[0x20] == " "
        is_single = canonical != "utf-8"
        if (
            not (is_ebcdic or is_ascii)
            or characters[0] != "\0"
            or (is_single and not both and _is_multibyte(canonical))
        ):
            raise ContractError("code page", found=repr(name), expected=_EXPECTED)
        undefined = np.array([character == "\ufffd" and is_single for character in characters])
        return cls(
            name=canonical,
            is_ebcdic=is_ebcdic,
            is_single=is_single,
            blank=characters.index(" "),
            undefined=undefined,
            double=both.double if both else None,
        )

    def decode(self, raw: bytes) -> str | None:
        """Return the characters of bytes, or None where one is not defined."""
        try:
            text = raw.decode(self.name)
        except UnicodeError:
            return None
        return None if "\ufffd" in text and self.is_single else text

    def encode(self, text: str) -> bytes | None:
        """Return the bytes of characters, or None where the page lacks one."""
        try:
            return text.encode(self.name)
        except UnicodeError:
            return None


def _mixed(name: str) -> Mixed | None:
    """Return the codecs of a mixed page; None where the name is of none.

    Raises:
        ContractError: This system does not have it.
    """
    number = name.lower().removeprefix("cp").removeprefix("ibm").strip("-_ ")
    if number not in _MIXED:
        return None
    found = mixed(number)
    if found is None:
        expected = f"a C library whose iconv has IBM{number}, as glibc's has (Debian: libc6, libc-bin)"
        raise ContractError("code page", found=repr(name), expected=expected)
    return found


def _is_multibyte(name: str) -> bool:
    """Tell whether a codec reads some characters from two bytes; it keeps the first of them back."""
    decoder = codecs.getincrementaldecoder(name)("replace")
    found: list[str] = []
    for byte in range(256):
        found.append(decoder.decode(bytes([byte])))
        decoder.reset()
    return "" in found
