"""One item of a layout: where it is in the record, and how it is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from contracts.legacy.copybook.entry import Condition, Sign, Usage
from contracts.legacy.copybook.entry import Literal as Value

__all__ = ["Item", "Kind", "Table"]


class Kind(StrEnum):
    """How the bytes of an item are read."""

    GROUP = "group"
    TEXT = "text"
    ZONED = "zoned"
    PACKED = "packed"
    BINARY = "binary"
    FLOAT = "float"
    EDITED = "edited"
    EXTERNAL_FLOAT = "external float"
    NATIONAL = "national"
    NATIONAL_NUMBER = "national number"
    DBCS = "dbcs"
    ADDRESS = "address"
    """Pointers and indexes: whole numbers that mean something to one run of one program."""

    @property
    def is_number(self) -> bool:
        """Tell whether values are numbers."""
        return self not in (Kind.GROUP, Kind.TEXT, Kind.NATIONAL, Kind.DBCS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How often an item stands in its group."""

    least: int
    most: int
    depending_on: str | None = None
    """The name of the counter as written; None is a fixed count."""
    counter: tuple[str, ...] | None = None
    """The path of the counter; None where the count is fixed, or the counter is in no part of this record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A group or an elementary item of a record."""

    level: int
    name: str | None
    """As in the copybook, in upper case; None is FILLER."""
    path: tuple[str, ...]
    """The names from the outermost group down to this item, FILLER groups left out."""
    offset: int
    """First byte in the record, from 0, where every table has its most occurrences; of the first occurrence."""
    length: int
    """Bytes of one occurrence, where every table in it has its most occurrences."""
    kind: Kind
    usage: Usage = Usage.DISPLAY
    picture: str = ""
    """As written; nothing where there is none."""
    characters: int = 0
    """Characters of text and of edited items."""
    digits: int = 0
    """Digits of a number that are stored; 0 is text."""
    scale: int = 0
    """A number is its digits times ten to the power of minus this; negative for P at the right."""
    signed: bool = False
    sign: Sign = Sign.TRAILING
    order: Literal["big", "little"] = "big"
    """Byte order of binary items and floats."""
    floats: Literal["ibm", "ieee"] = "ieee"
    """Format of floats."""
    symbols: str = ""
    """Of an edited picture, as in `Picture`."""
    decimal_comma: bool = False
    """Whether what is edited shows a comma for the point of its symbols, and points for commas."""
    full_range: bool = False
    """Whether a binary number may have more digits than its picture."""
    sync: bool = False
    justified: bool = False
    blank_when_zero: bool = False
    occurs: Table | None = None
    dimensions: tuple[tuple[int, int], ...] = ()
    """Of the tables that the item is in, its own included: most occurrences and the bytes from one to the next."""
    redefines: str | None = None
    """The name of the item whose bytes this one describes again."""
    slack: int = 0
    """Bytes before it that only align it."""
    value: Value | None = None
    conditions: tuple[Condition, ...] = ()
    children: tuple["Item", ...] = ()
    line: int = 0
    """The line of the copybook where it stands."""

    @property
    def label(self) -> str:
        """Return the name for messages."""
        return self.name or "FILLER"

    @property
    def size(self) -> int:
        """Return the bytes of all occurrences."""
        return self.length * (self.occurs.most if self.occurs else 1)

    @property
    def is_variable(self) -> bool:
        """Tell whether its bytes depend on a counter: its own occurrences, or what is in it."""
        return (self.occurs is not None and self.occurs.depending_on is not None) or any(
            child.is_variable for child in self.children
        )

    def walk(self) -> Iterator["Item"]:
        """Yield this item and all that are in it, in the order of the copybook."""
        yield self
        for child in self.children:
            yield from child.walk()
