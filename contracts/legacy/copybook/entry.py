"""One data description entry, as a value."""

from dataclasses import dataclass
from enum import StrEnum

from contracts.legacy.copybook.picture import Picture
from contracts.legacy.copybook.source import Word

__all__ = ["Condition", "Entry", "Literal", "Occurs", "Renames", "Sign", "Usage", "written"]


class Usage(StrEnum):
    """How an item is stored."""

    DISPLAY = "display"
    """One byte for each character or digit."""
    BINARY = "binary"
    """COMP, COMP-4: big-endian two's complement."""
    NATIVE = "native"
    """COMP-5: two's complement in the machine's byte order, and in all of its range."""
    BYTES = "bytes"
    """COMP-X: big-endian and unsigned, in as many bytes as the picture has X or its digits need."""
    PACKED = "packed"
    """COMP-3: two digits in a byte; the last nibble is the sign."""
    UNSIGNED_PACKED = "unsigned-packed"
    """COMP-6: two digits in a byte and no sign."""
    FLOAT = "float"
    """COMP-1: 4 bytes."""
    DOUBLE = "double"
    """COMP-2: 8 bytes."""
    NATIONAL = "national"
    """UTF-16: two bytes for each character or digit."""
    DBCS = "dbcs"
    """DISPLAY-1: two bytes for each character, of a double-byte code page."""
    INDEX = "index"
    POINTER = "pointer"
    PROCEDURE_POINTER = "procedure-pointer"
    FUNCTION_POINTER = "function-pointer"


class Sign(StrEnum):
    """Where the sign of a number in DISPLAY is."""

    TRAILING = "trailing"
    """In the zone of the last digit."""
    LEADING = "leading"
    """In the zone of the first digit."""
    TRAILING_SEPARATE = "trailing separate"
    LEADING_SEPARATE = "leading separate"

    @property
    def is_separate(self) -> bool:
        """Tell whether the sign takes a character of its own."""
        return self in (Sign.TRAILING_SEPARATE, Sign.LEADING_SEPARATE)

    @property
    def is_leading(self) -> bool:
        """Tell whether the sign is in front."""
        return self in (Sign.LEADING, Sign.LEADING_SEPARATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A literal of a VALUE clause."""

    text: str
    """Characters, hexadecimal digits, a number as written, or the name of a figurative constant in the singular."""
    kind: str
    """`text`, `hex`, `number` or `figurative`."""
    repeated: bool = False
    """ALL: fills its item."""


def written(literal: Literal) -> str:
    """Return a literal as COBOL writes it.

    >>> written(Literal(text="O'K", kind="text", repeated=True))
    "ALL 'O''K'"
    """
    if literal.kind in ("number", "figurative"):
        return literal.text
    quoted = "'" + literal.text.replace("'", "''") + "'"
    return ("ALL " if literal.repeated else "") + ("X" if literal.kind == "hex" else "") + quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition name (level 88): it holds while its item has one of the values."""

    name: str
    ranges: tuple[tuple[Literal, Literal | None], ...]
    """Single values, and ranges from the first to the second, both included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurs:
    """How often an item stands in its group."""

    least: int
    most: int
    depending_on: tuple[Word, ...] = ()
    """The name of the counter, then the groups that qualify it; none for a fixed count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renames:
    """A level 66 entry: another name for a run of items."""

    name: str
    word: Word
    first: tuple[Word, ...]
    last: tuple[Word, ...] = ()
    """Names with what qualifies them; no last is the first alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a copybook: a group with children, or an elementary item."""

    level: int
    name: str | None
    """In upper case; None is FILLER."""
    word: Word
    """Where it stands: its level number."""
    picture: Picture | None = None
    picture_text: str = ""
    decimal_comma: bool = False
    """Whether comma and point have changed their places in the picture."""
    usage: Usage | None = None
    """As written at this entry; None where it is not."""
    sign: Sign | None = None
    sync: bool = False
    justified: bool = False
    blank_when_zero: bool = False
    redefines: Word | None = None
    occurs: Occurs | None = None
    value: Literal | None = None
    conditions: tuple[Condition, ...] = ()
    children: tuple["Entry", ...] = ()
    renames: tuple[Renames, ...] = ()
    """At the top of a record: its level 66 entries."""
