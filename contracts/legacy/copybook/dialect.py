"""What compilers disagree about: sizes and order of binary items, alignment, floats, signs of ASCII digits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from contracts.errors import ContractError

__all__ = ["DIALECTS", "FUJITSU", "GNUCOBOL", "GNUCOBOL_IBM", "MICRO_FOCUS", "ZOS", "Dialect", "dialect_named"]

Sizes = tuple[tuple[int, int], ...]
"""Pairs of most digits and bytes, ascending."""

_WORDS: Final[Sizes] = ((4, 2), (9, 4), (18, 8))
_POWERS: Final[Sizes] = ((2, 1), (4, 2), (9, 4), (18, 8), (38, 16))
_SIGNED_BYTES: Final[Sizes] = ((2, 1), (4, 2), (6, 3), (9, 4), (11, 5), (14, 6), (16, 7), (18, 8))
_UNSIGNED_BYTES: Final[Sizes] = ((2, 1), (4, 2), (7, 3), (9, 4), (12, 5), (14, 6), (16, 7), (19, 8))
# IBM's compiler refuses these; files that tools wrote have as few bytes as hold the digits and a sign.
_BEYOND: Final[Sizes] = tuple((digits, -(-((10**digits - 1).bit_length() + 1) // 8)) for digits in range(19, 39))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a compiler stores what the standard leaves to it."""

    name: str
    signed: Sizes
    """Bytes of signed binary items."""
    unsigned: Sizes
    comp_5: Sizes | None = None
    """Bytes of COMP-5 items, where they differ."""
    native: Literal["big", "little"]
    """Byte order of COMP-5, COMP-1, COMP-2 and pointers; COMP is always big-endian."""
    most_aligned: int
    """SYNC puts binary items on a multiple of their size, at most of this; 0: SYNC does nothing."""
    ibm_slack: bool
    """Whether slack bytes in front of a group's first item stand before the group, a group's SYNC is that of its items,
    and an item of a table is aligned in all its occurrences. GnuCOBOL: in the group, no, and not always."""
    floats: Literal["ibm", "ieee"]
    truncates: bool
    """Whether a COMP item never holds more digits than its picture."""
    pointer: int
    """Bytes of pointers."""
    ascii_minus: Literal["{}", "p-y"]
    """The last digit of a negative number in ASCII: as EBCDIC's translated (}, J to R), or p to y."""

    def binary_bytes(self, digits: int, *, signed: bool, native: bool = False) -> int | None:
        """Return the bytes of a binary item, or None where it has too many digits."""
        sizes = self.signed if signed else self.unsigned
        sizes = (self.comp_5 or sizes) if native else sizes
        return next((size for most, size in sizes if digits <= most), None)

    def most_digits(self, *, signed: bool) -> int:
        """Return the most digits of a binary item."""
        return (self.signed if signed else self.unsigned)[-1][0]


ZOS: Final = Dialect(
    name="zos",
    signed=_WORDS + _BEYOND,
    unsigned=_WORDS + _BEYOND,
    native="big",
    most_aligned=4,
    ibm_slack=True,
    floats="ibm",
    truncates=True,
    pointer=4,
    ascii_minus="{}",
)
"""IBM Enterprise COBOL for z/OS with TRUNC(STD) and LP(32)."""
MICRO_FOCUS: Final = Dialect(
    name="mf",
    signed=_SIGNED_BYTES,
    unsigned=_UNSIGNED_BYTES,
    native="little",
    most_aligned=0,
    ibm_slack=False,
    floats="ieee",
    truncates=False,
    pointer=4,
    ascii_minus="p-y",
)
"""Micro Focus COBOL on x86 without the directive IBMCOMP."""
FUJITSU: Final = Dialect(
    name="fujitsu",
    signed=_WORDS,
    unsigned=_WORDS,
    native="little",
    most_aligned=4,
    ibm_slack=True,
    floats="ieee",
    truncates=False,
    pointer=4,
    ascii_minus="{}",
)
"""Fujitsu NetCOBOL on x86."""
GNUCOBOL: Final = Dialect(
    name="gnucobol",
    signed=_POWERS,
    unsigned=_POWERS,
    native="little",
    most_aligned=8,
    ibm_slack=False,
    floats="ieee",
    truncates=True,
    pointer=8,
    ascii_minus="p-y",
)
"""GnuCOBOL 3 with its default configuration (-std=default) on x86-64."""
GNUCOBOL_IBM: Final = Dialect(
    name="gnucobol-ibm",
    signed=(*_WORDS, (38, 16)),
    unsigned=(*_WORDS, (38, 16)),
    comp_5=_POWERS,
    native="little",
    most_aligned=8,
    ibm_slack=False,
    floats="ieee",
    truncates=False,
    pointer=8,
    ascii_minus="p-y",
)
"""GnuCOBOL 3 with -std=ibm or -std=mvs on x86-64."""

DIALECTS: Final[Mapping[str, Dialect]] = {
    each.name: each for each in (ZOS, MICRO_FOCUS, FUJITSU, GNUCOBOL, GNUCOBOL_IBM)
}


def dialect_named(name: str) -> Dialect:
    """Look a dialect up.

    Raises:
        ContractError: There is none of that name.
    """
    if name not in DIALECTS:
        raise ContractError("dialect", found=repr(name), expected="one of " + ", ".join(DIALECTS))
    return DIALECTS[name]
