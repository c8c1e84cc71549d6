"""EBCDIC code pages: which character each byte is."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError

__all__ = ["CodePage"]

_ZERO = 0xF0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePage:
    """A single-byte EBCDIC code page, as Python's codec of that name defines it."""

    name: str
    blank: int
    """The byte of a blank."""
    undefined: NDArray[np.bool_]
    """For each of the 256 bytes, whether no character is defined for it."""

    @classmethod
    def load(cls, name: str) -> Self:
        """Look a code page up.

        Raises:
            ContractError: Python has no such codec, or it is no single-byte EBCDIC page.
        """
        expected = "a single-byte EBCDIC code page that Python knows, such as cp037, cp273, cp500 or cp1140"
        try:
            characters = [bytes([byte]).decode(name, "replace") for byte in range(256)]
        except LookupError as error:
            raise ContractError("code page", found=repr(name), expected=expected) from error
        if characters[_ZERO : _ZERO + 10] != list("0123456789") or characters[0] != "\0":
            raise ContractError("code page", found=repr(name), expected=expected)
        undefined = np.array([character == "\ufffd" for character in characters])
        return cls(name=name, blank=characters.index(" "), undefined=undefined)
