"""Condition names (level 88): which of them hold for a value."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from contracts.legacy.copybook.entry import Condition, Literal
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.number import unscaled
from contracts.legacy.copybook.page import CodePage

__all__ = ["Holding", "bytes_of", "compile_conditions", "figure_of", "incomparable"]

Test: TypeAlias = Callable[[bytes, object], bool]

_AS_NUMBERS: Final = (Kind.ZONED, Kind.PACKED, Kind.BINARY, Kind.FLOAT, Kind.NATIONAL_NUMBER, Kind.ADDRESS)
"""Kinds whose values are compared as numbers; what is edited is compared as the characters that show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The condition names of one item."""

    tests: tuple[tuple[str, tuple[Test, ...]], ...]

    def names(self, raw: bytes, value: object, subscripts: Sequence[int]) -> Iterator[str]:
        """Yield the names that hold for a field; in tables with subscripts, as COBOL writes them: NAME(2)."""
        suffix = f"({', '.join(map(str, subscripts))})" if subscripts else ""
        for name, tests in self.tests:
            if any(test(raw, value) for test in tests):
                yield name + suffix


def compile_conditions(item: Item, page: CodePage) -> Holding | None:
    """Compile the condition names of an item; None where it has none.

    Numbers are compared as numbers, all else byte by byte in the order of the code page, as COBOL does.
    """
    if not item.conditions:
        return None
    return Holding(tests=tuple((each.name, tuple(_tests(each, item, page))) for each in item.conditions))


def incomparable(condition: Condition, item: Item, page: CodePage) -> Literal | None:
    """Return a literal of a condition name that no value of its item can be compared with, or None."""
    literals = (literal for pair in condition.ranges for literal in pair if literal is not None)
    return next((each for each in literals if _side(each, item, page) is None), None)


def figure_of(literal: Literal, item: Item) -> Decimal | None:
    """Return the number that a literal is for an item that holds numbers; None where it is none."""
    if item.kind not in _AS_NUMBERS:
        return None
    if literal.kind == "number":
        return Decimal(literal.text)
    return Decimal(0) if literal.kind == "figurative" and literal.text == "ZERO" else None


def bytes_of(literal: Literal, item: Item, page: CodePage) -> bytes | None:
    """Return the bytes that a field holds when it equals a literal; None where the page lacks its characters."""
    blank = bytes([page.blank])
    match literal.kind:
        case "figurative":
            fills = {"SPACE": blank, "ZERO": page.encode("0"), "QUOTE": page.encode('"'), "HIGH-VALUE": b"\xff"}
            raw = fills.get(literal.text, b"\0")
        case "hex":
            raw = bytes.fromhex(literal.text)
        case _:
            raw = page.encode(literal.text) if item.kind is not Kind.NATIONAL else literal.text.encode("utf-16-be")
            blank = blank if item.kind is not Kind.NATIONAL else " ".encode("utf-16-be")
    if not raw:
        return None
    if literal.repeated:
        return (raw * item.length)[: item.length]
    while len(raw) > item.length and raw.endswith(blank):
        raw = raw[: -len(blank)]  # what is shorter is compared as if blanks followed it
    return (raw + blank * item.length)[: max(item.length, len(raw))]


def _side(literal: Literal, item: Item, page: CodePage) -> Decimal | bytes | None:
    """Return what is compared: a number, or bytes; None where nothing can be."""
    figure = figure_of(literal, item)
    if figure is not None:
        return figure
    if item.kind in _AS_NUMBERS and (item.kind is not Kind.ZONED or item.scale or literal.kind == "number"):
        return None  # COBOL compares with text what has a character for each digit and no decimal point
    return bytes_of(literal, item, page)


def _tests(condition: Condition, item: Item, page: CodePage) -> Iterator[Test]:
    for low, high in condition.ranges:
        match _side(low, item, page), _side(high or low, item, page):
            case (Decimal() as first, Decimal() as last):
                yield _numbers(first, last)
            case (bytes() as first, bytes() as last):
                yield _texts(first, last, _digits(item, page) if item.kind is Kind.ZONED else None)
            case _:
                pass


def _numbers(first: Decimal, last: Decimal) -> Test:
    return lambda _raw, value: isinstance(value, int | float | Decimal) and first <= value <= last


def _texts(first: bytes, last: bytes, shown: Callable[[object], bytes | None] | None) -> Test:
    if shown is None:
        return lambda raw, _value: first <= raw <= last
    return lambda raw, value: first <= (shown(value) or raw) <= last


def _digits(item: Item, page: CodePage) -> Callable[[object], bytes | None]:
    """Return how a number is compared with text: its digits without a sign."""

    def shown(value: object) -> bytes | None:
        number = unscaled(value, item.scale)
        return None if number is None else page.encode(f"{abs(number):0{item.digits}d}")

    return shown
