"""What `bench.decode` reads: two layouts of our own, and files of them that take seconds to make.

`WIDE` is the hard case, nothing but numbers of every usage, sign and size; `NARROW` is what most extracts look like.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from contracts.legacy.copybook import RowCodec, parse
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.number import scaled

__all__ = ["NARROW", "WIDE", "Field", "Form", "make"]

DISTINCT: Final = 4096
"""Records that are made one by one; the file repeats them, in another order each time."""
ODD_FIELDS: Final = 100
"""One of so many fields that may be blank or X'00' is, in the file with odd ones."""
BAD_RECORDS: Final = 1024
"""One of so many records has a number that is none, in the file with odd ones."""
_INT64_DIGITS: Final = 18
_WORDS: Final = ("ACCOUNT", "BALANCE", "CITY", "CREDIT", "DAILY", "FARNKRAUT", "MOOSWEG", "PAYEE", "POSTED", "RATE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One line of a copybook."""

    name: str | None
    picture: str
    plain: str | None = None
    """How the same bytes are described to peers that do not know the picture: with a sign, or as a FILLER."""

    def line(self, *, is_plain: bool) -> str:
        """Return its text."""
        picture = self.plain if is_plain and self.plain else self.picture
        name = self.name if picture == self.picture or "X" not in picture else None
        return f"           05  {name or 'FILLER':<18}{picture}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A layout, and what is asked for it."""

    name: str
    fields: Sequence[Field]
    length: int
    bars: tuple[int, int]
    """MB/s that decoding had to reach first, and has to reach now."""

    def copybook(self, *, is_plain: bool = False) -> str:
        """Return its copybook."""
        lines = [f"       01  {self.name.upper()}.", *(each.line(is_plain=is_plain) for each in self.fields)]
        return "\n".join(lines) + "\n"

    def spec(self, copybook: Path) -> dict[str, object]:
        """Return the description of a file: each field has a policy."""
        policies: dict[str, dict[str, str]] = {}
        for item in parse(self.copybook()).walk():
            if item.name and item.kind is Kind.TEXT:
                policies[item.name] = {"blank": "keep", "low": "null", "high": "error"}
            elif item.name and item.kind is not Kind.GROUP:
                policies[item.name] = {"blank": "null"} if item.usage == "display" else {}
        return {"copybook": str(copybook), "policies": policies}


def _point(whole: int, places: int) -> str:
    return f"9({whole})" + "V" * bool(places) + "9" * places


def _wide() -> Iterator[Field]:
    """Yield 168 fields, of each usage as many as test files of other tools have."""
    sizes = (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 15, 17, 18)
    long = (3, 4, 5, 7, 9, 11, 13, 15, 17, 18, 19, 21, 24, 29)
    yield Field(name="ID", picture="PIC 9(9) COMP", plain="PIC S9(9) COMP")
    for usage, drawn, kinds in (("DISPLAY", long, (12, 12, 12, 11)), ("COMP-3", long, (14,) * 4)):
        yield from _numbers(usage, drawn, kinds)
    yield from _numbers("COMP", sizes, (13, 14, 13, 13))
    for name, side in (("LEADING", "LEADING"), ("TRAILING", "TRAILING")):
        for at, picture in enumerate(("S9(9)", "S9(7)V99"), 1):
            separate = f"PIC {picture} SIGN {side} SEPARATE"
            yield Field(name=f"{name}-{at}", picture=separate, plain="PIC X(10)")
    for at, (picture, size) in enumerate((("S9(3).99", 6), ("S9(5).9(4)", 10), ("9(5).99", 8), ("9(4).9(4)", 9)), 1):
        yield Field(name=f"POINTED-{at}", picture=f"PIC {picture}", plain=f"PIC X({size})")
    yield Field(name="RATE-SINGLE", picture="COMP-1", plain="PIC X(4)")
    yield Field(name="RATE-DOUBLE", picture="COMP-2", plain="PIC X(8)")


def _numbers(usage: str, sizes: Sequence[int], kinds: Sequence[int]) -> Iterator[Field]:
    """Yield so many fields unsigned, signed, with places, and with both."""
    for kind, count in enumerate(kinds):
        sign, has_places = "S" * (kind % 2), kind > 1
        for at in range(count):
            digits = sizes[at % len(sizes)]
            places = min(digits - 1, 2 + at % 3) if has_places else 0
            name = f"{usage.replace('-', '')}-{kind + 1}-{at + 1:02}"
            picture, clause = _point(digits - places, places), f" {usage}" * (usage != "DISPLAY")
            plain = f"PIC S{picture}{clause}" if clause else None
            if digits > _INT64_DIGITS:
                plain = f"PIC X({digits // 2 + 1 if clause else digits})"
            yield Field(name=name, picture=f"PIC {sign}{picture}{clause}", plain=plain)


def _form(name: str, fields: Sequence[Field], *, length: int, bars: tuple[int, int]) -> Form:
    """Return a form whose last text has the bytes that are left."""
    known = parse(Form(name=name, fields=fields, length=0, bars=bars).copybook()).length
    whole = (*fields, Field(name="REMARK" if name == "wide" else None, picture=f"PIC X({length - known})"))
    return Form(name=name, fields=whole, length=length, bars=bars)


WIDE: Final = _form("wide", tuple(_wide()), length=1341, bars=(20, 25))
NARROW: Final = _form(
    "narrow",
    [
        Field(name="PAYMENT-ID", picture="PIC X(16)"),
        Field(name="KIND", picture="PIC X(2)"),
        Field(name="CATEGORY", picture="PIC 9(4)"),
        Field(name="BRANCH", picture="PIC 9(6) COMP-3", plain="PIC S9(6) COMP-3"),
        Field(name="AMOUNT", picture="PIC S9(9)V99"),
        Field(name="FEE", picture="PIC S9(5)V99 COMP-3"),
        Field(name="BALANCE", picture="PIC S9(13)V99 COMP-3"),
        Field(name="PAYEE-NAME", picture="PIC X(60)"),
        Field(name="PAYEE-CITY", picture="PIC X(40)"),
        Field(name="NARRATIVE", picture="PIC X(120)"),
        Field(name="ACCOUNT", picture="PIC X(22)"),
        Field(name="ORDERED", picture="PIC X(26)"),
        Field(name="ENTRY-NO", picture="PIC S9(9) COMP"),
    ],
    length=350,
    bars=(80, 100),
)


def make(form: Form, path: Path, *, size: int, has_odd: bool = False) -> int:
    """Write a file of at least so many bytes, drawn alike each time, and return its records.

    Args:
        form: The layout.
        path: The file.
        size: Bytes.
        has_odd: Whether there are blank and X'00' fields, and bad records; else all is plain.
    """
    codec = RowCodec(parse(form.copybook()))
    draw = Random(form.name)  # noqa: S311 - no secret
    fields = [item for item in codec.layout.walk() if item.name and item.kind is not Kind.GROUP]
    made = (codec.encode({item.name or "": _value(item, draw) for item in fields}) for _ in range(DISTINCT))
    records = np.frombuffer(b"".join(made), np.uint8).reshape(DISTINCT, form.length).copy()
    if has_odd:
        _spoil(records, fields, draw)
    shuffle, written = np.random.default_rng(1), 0
    with path.open("wb") as file:
        while written < size:
            written += file.write(records[shuffle.permutation(DISTINCT)].tobytes())
    return written // form.length


def _spoil(records: np.ndarray[tuple[int, int], np.dtype[np.uint8]], fields: Sequence[Item], draw: Random) -> None:
    for item in fields:
        if item.usage != "display":
            continue
        rows = draw.sample(range(DISTINCT), DISTINCT // ODD_FIELDS)
        records[rows, item.offset : item.offset + item.length] = 0 if item.kind is Kind.TEXT else 0x40
    packed = next(item for item in fields if item.kind is Kind.PACKED)
    records[draw.sample(range(DISTINCT), DISTINCT // BAD_RECORDS), packed.offset] = 0xFF


def _value(item: Item, draw: Random) -> str | int | float | Decimal:
    if item.kind is Kind.TEXT:
        words = " ".join(draw.choices(_WORDS, k=1 + item.length // 9))
        return words[: draw.randint(1, item.length)].strip()
    if item.kind is Kind.FLOAT:
        return draw.gauss(0, 1000)
    number = draw.randrange(10 ** draw.randint(1, item.digits))
    return scaled(-number if item.signed and draw.random() < 0.5 else number, item.scale)  # noqa: PLR2004 - one half
