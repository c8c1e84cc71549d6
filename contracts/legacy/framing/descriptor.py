"""Descriptor words: the four bytes before a record, a segment or a block that tell how long it is."""

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ConfigError, FramingCode, FramingError
from contracts.legacy.framing.source import Source
from contracts.legacy.framing.spec import ByteOrder, Framing

__all__ = ["WORD_BYTES", "Block", "Word", "chain", "fault", "incomplete", "sizes"]

WORD_BYTES: Final = 4
_STRUCT: Final = {"big": Struct(">I"), "little": Struct("<I")}
_LONG_BLOCK: Final = 0x8000_0000
_SPAN_MASK: Final = 0xFCFF
_PLAIN_MASK: Final = 0xFFFF
_LONGEST: Final = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """How record (or segment) descriptor words are read: length in the high half, other bits zero."""

    order: ByteOrder
    bias: int
    """What makes the whole length, the word included, of the length in the word."""
    least: int
    """The shortest whole length that is right."""
    most: int
    """The longest whole length that is right."""
    reserved: int = _PLAIN_MASK
    """The bits that must be zero."""

    @classmethod
    def of(cls, framing: Framing, *, spanned: bool = False) -> "Word":
        """Return the words of a framing; a segment may be shorter, and longer than no word can tell."""
        bias = framing.rdw_adjust + (0 if framing.rdw_includes_header else WORD_BYTES)
        least = 1 if spanned else framing.min_record_bytes
        most = min(_LONGEST + max(0, bias), framing.longest + WORD_BYTES)
        return cls(
            order=framing.rdw,
            bias=bias,
            least=max(WORD_BYTES + least, bias),
            most=_LONGEST + abs(bias) if spanned else most,
            reserved=_SPAN_MASK if spanned else _PLAIN_MASK,
        )

    @property
    def unpack(self) -> Callable[[bytes, int], tuple[Any, ...]]:
        """Return what reads a word at a place, as a number of 32 bits."""
        return _STRUCT[self.order].unpack_from

    def pack(self, size: int, code: int = 0) -> bytes:
        """Return the word of a record of this whole length.

        Raises:
            ValueError: No word can tell it; the text says what was expected.
        """
        length = size - self.bias
        if not (0 <= length <= _LONGEST and self.least <= size <= self.most):
            raise ValueError(f"a record of {self.least - WORD_BYTES} to {self.most - WORD_BYTES} bytes")
        return _STRUCT[self.order].pack(length << 16 | code << 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """How block descriptor words are read."""

    order: ByteOrder
    bias: int
    most: int

    @classmethod
    def of(cls, framing: Framing) -> "Block":
        """Return the words of a framing."""
        bias = framing.bdw_adjust + (0 if framing.bdw_includes_header else WORD_BYTES)
        return cls(order=framing.block_order or "big", bias=bias, most=framing.max_block_bytes)

    def size(self, data: bytes, at: int) -> int | None:
        """Return the whole length of the block that begins there, or None where its word can't be right."""
        word = int(_STRUCT[self.order].unpack_from(data, at)[0])
        if word & _LONG_BLOCK:
            size = (word & ~_LONG_BLOCK) + self.bias
        else:
            size = (word >> 16) + self.bias if not word & _PLAIN_MASK else 0
        return size if WORD_BYTES < size <= self.most else None

    def pack(self, size: int) -> bytes:
        """Return the word of a block of this whole length; 31 bits where 15 are not enough.

        Raises:
            ConfigError: The adjustment leaves no length that a word can hold.
        """
        length = size - self.bias
        if not 0 <= length < _LONG_BLOCK:
            raise ConfigError([f"bdw_adjust: no descriptor word can tell a block of {size} bytes"])
        short = length < _LONG_BLOCK >> 16
        return _STRUCT[self.order].pack(length << 16 if short else length | _LONG_BLOCK)


def chain(data: bytes, bounds: tuple[int, int], word: Word, *, into: list[int]) -> int:
    """Append where each whole record between two bounds begins.

    Returns where the chain stopped: at the end, at a record that the end cuts, or at a word that can't be right.
    """
    at, end = bounds
    last = end - WORD_BYTES
    unpack, bias, least, most, reserved = word.unpack, word.bias, word.least, word.most, word.reserved
    append = into.append
    while at <= last:
        value = unpack(data, at)[0]
        size = (value >> 16) + bias
        if value & reserved or not least <= size <= most or at + size > end:
            break
        append(at)
        at += size
    return at


def sizes(data: NDArray[np.uint8], starts: NDArray[np.int64], word: Word) -> NDArray[np.int64]:
    """Return the whole lengths that the words at these places tell."""
    high, low = (0, 1) if word.order == "big" else (3, 2)
    return (data[starts + high].astype(np.int64) << 8 | data[starts + low]) + word.bias


def fault(source: Source, bounds: tuple[int, int], word: Word, *, ordinal: int) -> FramingError | None:
    """Say why a chain stopped at the first bound; None where that is the second, the end of the window or a block."""
    at, end = bounds
    found = source.data[at : min(at + WORD_BYTES, end)]
    problem = _problem(source.data, bounds, word)
    if problem is None:
        return None
    code, expected = problem
    return FramingError(code, offset=source.base + at, ordinal=ordinal, expected=expected, found=found.hex() or "none")


def incomplete(source: Source, bounds: tuple[int, int], word: Word) -> bool:
    """Tell whether a chain stopped only since the window ends inside a record."""
    problem = None if source.ended else _problem(source.data, bounds, word)
    return problem is not None and problem[0] == "truncated"


def _problem(data: bytes, bounds: tuple[int, int], word: Word) -> tuple[FramingCode, str] | None:
    at, end = bounds
    if at == end:
        return None
    if end - at < WORD_BYTES:
        return "truncated", "a record descriptor word of 4 bytes"
    value = int(word.unpack(data, at)[0])
    size = (value >> 16) + word.bias
    if value & word.reserved:
        return "reserved", f"a record descriptor word with zeros in the bits {word.reserved:08x}"
    if not word.least <= size <= word.most:
        return "length", f"the descriptor word of a record of {word.least} to {word.most} bytes, itself included"
    return "truncated", f"a record of {size} bytes, of which {end - at} are there"
