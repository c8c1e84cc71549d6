"""Made-up copybooks with values that a COBOL compiler fills, and what must agree with it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.legacy.copybook import Options, RowCodec, Unnamed, parse
from contracts.legacy.copybook.dialect import GNUCOBOL_IBM
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.number import scaled, unscaled
from tests.cobol import compiled, literal, moves
from tests.copybooks import FORMS as FORMS_OF_ALL
from tests.copybooks import Made, entries, indented, value_of

__all__ = ["DIALECT", "Filled", "agree", "batches"]

DIALECT: Final = replace(GNUCOBOL_IBM, ascii_minus="{}")
"""As cobc -std=ibm -fsign=ebcdic: digits in ASCII, signs as EBCDIC's translated."""
FORMS: Final = tuple(form for form in FORMS_OF_ALL if "P COMP-3" not in form)
"""GnuCOBOL 3.1 stores packed numbers with P wrongly: its own DISPLAY shows another number than was moved.

And it does not align all occurrences of synchronized items alike, so these are left out of tables here.
"""
_CONDITION: Final = 88
_SWAPPED: Final = str.maketrans(".,", ",.")
_HELD: Final = "HELD-"
"""What the names of the tables begin with that tell which conditions held."""
_COMPARED: Final = (Kind.TEXT, Kind.ZONED, Kind.PACKED, Kind.BINARY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A record: its copybook, and its values."""

    name: str
    text: str
    codec: RowCodec
    values: Any
    conditions: tuple[str, ...]
    """The condition names, in the order of their flags."""
    decimal_comma: bool

    @property
    def statements(self) -> Iterator[str]:
        """Yield what fills the record, and then tells which condition names hold."""
        yield from moves(self.codec.layout, self.values, decimal_comma=self.decimal_comma)
        for index, condition in enumerate(self.conditions, start=1):
            yield f'IF {condition} MOVE "Y" TO {_HELD}{self.name}({index})'

    def flags(self, held: list[str]) -> dict[str, list[str]]:
        """Return the values of the table that tells which conditions held, where there is one."""
        return {_HELD + self.name: held} if self.conditions else {}


@st.composite
def batches(draw: st.DrawFn, size: int = 25) -> list[Filled]:
    """Draw the records of one program: it takes a second to compile, so it holds many."""
    made = Made(forms=FORMS, in_tables=tuple(form for form in FORMS if "SYNC" not in form))
    has_comma = draw(st.booleans())
    return [draw(_filled(made, f"R{number}", decimal_comma=has_comma)) for number in range(size)]


@st.composite
def _filled(draw: st.DrawFn, made: Made, name: str, *, decimal_comma: bool) -> Filled:
    lines = draw(entries(made))
    if decimal_comma:
        lines = [(level, rest.translate(_SWAPPED)) for level, rest in lines]
    plain = parse(f"       01  {name}.\n" + indented(lines), dialect=DIALECT, decimal_comma=decimal_comma)
    conditions = {item.name: draw(_conditions(made, item)) for item in plain.fields if _is_compared(item)}
    lines = [each for line in lines for each in (line, *conditions.get(line[1].partition(" ")[0], []))]
    names = tuple(rest.partition(" ")[0] for level, rest in lines if level == _CONDITION)
    if names:
        lines.append((5, f"{_HELD}{name} PIC X OCCURS {len(names)}"))
    text = f"       01  {name}.\n" + indented(lines)
    layout = parse(text, dialect=DIALECT, decimal_comma=decimal_comma)
    codec = RowCodec(layout, Options(code_page="ascii"))
    return Filled(
        name=name,
        text=text,
        codec=codec,
        values=_values(draw, layout.items[0]),
        conditions=names,
        decimal_comma=decimal_comma,
    )


def agree(folder: Path, batch: list[Filled]) -> tuple[int, int]:
    """Compile and run a program, and make sure that we agree; return how many fields and condition names it had.

    Raises:
        AssertionError: A layout, a value, the bytes of a record or a condition name is another.
    """
    made = [(each.name, each.text, list(each.statements)) for each in batch]
    records = compiled(folder, made, decimal_comma=any(each.decimal_comma for each in batch))
    for each, (length, found) in zip(batch, records, strict=True):
        codec, record = each.codec, found[:length]
        assert codec.layout.length == length, each.text
        values = codec.decode(record)
        held = values.pop(_HELD + each.name, [])
        assert {**values, **each.flags([])} == {**each.values, **each.flags([])}, each.text
        assert codec.encode({**values, **each.flags(held)}) == record, each.text
        _agree_on_names(each, record, held)
    return sum(len(each.codec.layout.fields) for each in batch), sum(len(each.conditions) for each in batch)


def _agree_on_names(each: Filled, record: bytes, held: list[str]) -> None:
    names = [name for name, flag in zip(each.conditions, held, strict=True) if flag == "Y"]
    assert list(each.codec.conditions(record)) == names, each.text
    if each.conditions:
        naming = RowCodec(each.codec.layout, replace(each.codec.options, conditions={"all": Unnamed.VALUE}))
        told = naming.decode(record)
        assert naming.encode(told, record) == record, each.text
        firsts = [found for item in naming.layout.fields if (found := _first(item, names))]
        assert [name for name in _texts(told) if name in each.conditions] == firsts, each.text


def _first(item: Item, held: list[str]) -> str | None:
    return next((condition.name for condition in item.conditions if condition.name in held), None)


def _texts(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for each in cast("dict[str, object]", value).values():
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _is_compared(item: Item) -> bool:
    # GnuCOBOL forgets BLANK WHEN ZERO of an item that has condition names: it moves zeros to it.
    return item.kind in _COMPARED and not (item.symbols or item.dimensions or item.blank_when_zero)


@st.composite
def _conditions(draw: st.DrawFn, made: Made, item: Item) -> list[tuple[int, str]]:
    """Draw condition names of a field: values and ranges, with literals on a line of their own."""
    found: list[tuple[int, str]] = []
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        ranges = [draw(_range(item)) for _ in range(draw(st.integers(1, 2)))]
        found.append((_CONDITION, f"{made.name()} VALUE\n" + "\n".join(f"           {each}" for each in ranges)))
    return found


@st.composite
def _range(draw: st.DrawFn, item: Item) -> str:
    figurative = "ZERO" if item.kind.is_number else draw(st.sampled_from(["SPACES", 'ALL "A"', "ZERO"]))
    choices = [
        st.just(figurative),
        value_of(item).map(lambda value: literal(value, item, decimal_comma=item.decimal_comma)),
    ]
    if not item.kind.is_number:
        return draw(st.one_of(choices))
    pairs = st.tuples(_number_of(item), _number_of(item)).filter(lambda pair: pair[0] < pair[1])
    choices.append(pairs.map(lambda pair: _through(pair, item)))
    return draw(st.one_of(choices))


def _through(pair: tuple[Decimal, Decimal], item: Item) -> str:
    return " THRU ".join(literal(each, item, decimal_comma=item.decimal_comma) for each in pair)


def _number_of(item: Item) -> SearchStrategy[Decimal]:
    return value_of(item).map(lambda value: Decimal(str(value)))


def _values(draw: st.DrawFn, item: Item) -> Any:
    return {child.name: _occurrences(draw, child) for child in item.children if child.name}


def _occurrences(draw: st.DrawFn, item: Item) -> Any:
    if item.occurs:
        return ["" if (item.name or "").startswith(_HELD) else _one(draw, item) for _ in range(item.occurs.most)]
    return _one(draw, item)


def _one(draw: st.DrawFn, item: Item) -> Any:
    return _values(draw, item) if item.kind is Kind.GROUP else draw(_value(item))


def _value(item: Item) -> SearchStrategy[object]:
    """Draw a value, now and then one that a condition name stands for."""
    literals = [low for each in item.conditions for low, _ in each.ranges if low.kind == "number"]
    near = [scaled(number, item.scale) for each in literals if (number := unscaled(Decimal(each.text), item.scale))]
    texts = [low.text for each in item.conditions for low, _ in each.ranges if low.kind == "text" and not low.repeated]
    if item.kind is Kind.TEXT and texts:
        return st.one_of(value_of(item), st.sampled_from(texts))
    return st.one_of(value_of(item), st.sampled_from(near)) if near else value_of(item)
