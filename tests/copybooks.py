"""Copybooks and values that hypothesis makes up."""

from dataclasses import dataclass
from typing import Any

from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.legacy.copybook import Layout, parse
from contracts.legacy.copybook.dialect import DIALECTS
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.number import scaled

__all__ = ["FORMS", "QUICK", "Made", "changed", "entries", "filled", "indented", "layouts", "value_of"]

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Making a failing layout smaller takes longer than a test may."""

TEXTS = ("PIC X({n})", "PIC A({n})", "PIC X({n}) JUSTIFIED RIGHT", "PIC XBX({n})/9")
NUMBERS = (
    "PIC 9({n})",
    "PIC S9({n})",
    "PIC S9({n})V9({m})",
    "PIC SV9({n})",
    "PIC 9({n})PP",
    "PIC VPP9({n})",
    "PIC S9({n})V9({m}) COMP-3",
    "PIC 9({n}) COMP-3",
    "PIC S9({n})PPP COMP-3",
    "PIC S9({n}) COMP",
    "PIC 9({n})V9({m}) BINARY",
    "PIC S9({n}) COMP SYNC",
    "PIC S9({n})V9({m}) COMP-5 SYNC",
    "PIC 9({n}) COMP-5",
    "PIC S9({n}) SIGN LEADING",
    "PIC S9({n})V9({m}) SIGN LEADING SEPARATE",
    "PIC S9({n}) SIGN TRAILING SEPARATE",
    "PIC 9({n}) BLANK WHEN ZERO",
)
EDITED = (
    "PIC Z({n})9.9({m})-",
    "PIC +(3)9.99",
    "PIC -(4)9",
    "PIC $$,$$9.99CR",
    "PIC $Z,ZZ9.99DB",
    "PIC ***,**9.99",
    "PIC 99/99/9999",
    "PIC 9B99B0",
    "PIC +9({n})",
    "PIC Z({n}).99",
    "PIC ZZZ",
    "PIC -9.9({m})",
    "PIC 9(4).99+",
)
FLOATS = ("COMP-1", "COMP-2")
FORMS = (*TEXTS, *NUMBERS, *NUMBERS, *EDITED, *FLOATS)
_ALPHABET = "ABCXYZabc 019.,"


@dataclass(slots=True)
class Made:
    """Names that are still free, and the forms of fields that are used."""

    count: int = 0
    forms: tuple[str, ...] = FORMS
    in_tables: tuple[str, ...] = FORMS
    """Those that are used in tables."""

    def name(self) -> str:
        """Return one."""
        self.count += 1
        return f"F{self.count}"


@st.composite
def _clauses(draw: st.DrawFn, forms: tuple[str, ...]) -> str:
    form = draw(st.sampled_from(forms))
    return form.format(n=draw(st.integers(1, 9)), m=draw(st.integers(1, 4)))


@st.composite
def entries(
    draw: st.DrawFn, made: Made, level: int = 5, depth: int = 2, *, in_table: bool = False
) -> list[tuple[int, str]]:
    """Draw the entries of a group: levels, and what follows them without the period."""
    found: list[tuple[int, str]] = []
    for _ in range(draw(st.integers(1, 4))):
        name = made.name()
        occurs = draw(st.sampled_from(["", "", "", " OCCURS 2", " OCCURS 3 TIMES"]))
        if depth and draw(st.booleans()):
            found += [
                (level, f"{name}{occurs}"),
                *draw(entries(made, level + 5, depth - 1, in_table=in_table or bool(occurs))),
            ]
        elif draw(st.integers(0, 9)) == 0:
            found.append((level, f"FILLER PIC X({draw(st.integers(1, 5))})"))
        else:
            found.append(
                (level, f"{name} {draw(_clauses(made.in_tables if in_table or occurs else made.forms))}{occurs}")
            )
    return found


def indented(lines: list[tuple[int, str]]) -> str:
    """Return entries as the text of a copybook."""
    return "".join(f"           {level:02d}  {rest}.\n" for level, rest in lines)


def value_of(item: Item) -> SearchStrategy[object]:
    """Draw a value that an item can hold, in the one way that decoding gives."""
    match item.kind:
        case Kind.TEXT if item.symbols:
            return st.text(_ALPHABET, min_size=item.characters - 3, max_size=item.characters - 3).map(_spread)
        case Kind.TEXT:
            text = st.text(
                _ALPHABET.replace("019.,", "") if item.picture[0] in "Aa" else _ALPHABET, max_size=item.length
            )
            return text.map(lambda text: text.lstrip(" ") if item.justified else text.rstrip(" "))
        case Kind.FLOAT:
            return st.integers(-8000, 8000).map(lambda number: number / 8)
        case _:
            least = -(10**item.digits) + 1 if item.signed else 0
            # A binary number whose bytes are all blanks can't be told from blanks, which are no number by default.
            blanks = {int.from_bytes(byte * item.length, "big") for byte in (b"\x40", b"\x20")}
            is_binary = item.kind is Kind.BINARY
            whole = st.integers(least, 10**item.digits - 1).filter(lambda number: not is_binary or number not in blanks)
            return whole.map(lambda number: scaled(number, item.scale))


def _spread(text: str) -> str:
    """Put the insertions of XBX(n)/9 into its characters."""
    text = text.replace(" ", "A")
    return f"{text[0]} {text[1:]}/7"


@st.composite
def layouts(draw: st.DrawFn, forms: tuple[str, ...] = FORMS) -> Layout:
    """Draw a layout of records of one length; a group of it may be redefined."""
    made = Made(forms=forms, in_tables=forms)
    lines = draw(entries(made))
    if draw(st.booleans()):
        first = made.name()
        lines = [
            (5, first),
            *draw(entries(made, 10, 1)),
            (5, f"{made.name()} REDEFINES {first}"),
            (10, "VIEW PIC X(4)"),
            *lines,
        ]
    text = "       01  R.\n" + indented(lines)
    return parse(text, dialect=draw(st.sampled_from(list(DIALECTS.values()))))


def filled(data: st.DataObject, item: Item) -> Any:
    """Draw the values of an item, in as many occurrences as it has."""
    if item.occurs:
        return [_one(data, item) for _ in range(item.occurs.most)]
    return _one(data, item)


def _one(data: st.DataObject, item: Item) -> Any:
    if item.kind is not Kind.GROUP:
        return data.draw(value_of(item))
    children = [child for child in item.children if child.name and not child.redefines]
    return {child.name: filled(data, child) for child in children}


def changed(record: bytes, changes: dict[int, int]) -> bytes:
    """Return a record with some bytes changed."""
    return bytes(changes.get(index, byte) for index, byte in enumerate(record))
