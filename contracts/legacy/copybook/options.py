"""What a layout does not say about records: code pages, floats, tables that vary, and what blanks mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

__all__ = ["OddBytes", "Options", "Policy", "Segments", "Trim", "Unnamed"]


class OddBytes(StrEnum):
    """What bytes that are all alike mean in a field."""

    ERROR = "error"
    NULL = "null"
    KEEP = "keep"
    """Nothing special: they are the value that they spell, if it is one."""


class Unnamed(StrEnum):
    """What a field becomes for whose value no condition name (level 88) holds."""

    ERROR = "error"
    NULL = "null"
    VALUE = "value"
    """The value itself; one that reads like a name that does not hold is an error."""


class Trim(StrEnum):
    """Where blanks of text are cut off."""

    RIGHT = "right"
    LEFT = "left"
    BOTH = "both"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a field means that is nothing but blanks, X'00' or X'FF'; None is the default of its kind.

    By default text keeps all three. A number of blanks is an error, unless its picture shows zero so; one of
    X'00' or X'FF' is what it spells in binary and floating point, and an error elsewhere.
    """

    blank: OddBytes | None = None
    low: OddBytes | None = None
    high: OddBytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Which of several items that redefine each other a record has, by the value of a field."""

    field: str
    """The name of the field, or its path joined with dots."""
    groups: Mapping[str, str]
    """Value of the field, as text -> name or path of the item; nothing is none of them. `*` is every other value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How records of a layout are read and written."""

    code_page: str = "cp037"
    """By the name of Python's codec, or of the package `ebcdic`; also ascii, utf-8 and others with single digits."""
    pages: Mapping[str, str] = field(default_factory=dict[str, str])
    """Field, by name or path -> its own code page."""
    national: str = "utf-16-be"
    """The codec of NATIONAL items."""
    dbcs: str | None = None
    """The codec of the double bytes of DISPLAY-1 items, and between shift-out and shift-in in text; None refuses
    both, but where the code page is a mixed one."""
    floats: Literal["ibm", "ieee"] | None = None
    """Format of COMP-1 and COMP-2; None is the dialect's."""
    float_order: Literal["big", "little"] | None = None
    """Byte order of floats; None is the dialect's."""
    tables: Literal["shift", "max"] = "shift"
    """Whether tables with a counter take the room of their occurrences, or always of the most."""
    trim: Trim = Trim.RIGHT
    is_nul_filled: bool = False
    """Whether X'00' at the end of text only fills it, as blanks do; else it is text."""
    policies: Mapping[str, Policy] = field(default_factory=dict[str, Policy])
    """Field, by name or path -> its policy."""
    conditions: Mapping[str, Unnamed] = field(default_factory=dict[str, Unnamed])
    """Field, by name or path -> its value is the first condition name (level 88) that holds, and what it is where none
    does. `all` is every other field with condition names; counters and fields that tell segments keep their values."""
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    """Counter, by name or path -> what its values, as text, mean as counts."""
    segments: tuple[Segments, ...] = ()
    """Fields that tell which of several items that redefine each other a record has."""
    is_trimmed: bool = False
    """Whether records may lack blanks at the end, as lines of text do."""
    drop_rest: bool = False
    """Whether bytes after the last item are ignored; else only blanks and X'00' are."""
