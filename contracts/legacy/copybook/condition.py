"""Condition names (level 88): which of them hold for a value."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from contracts.legacy.copybook.entry import Condition, Literal
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.page import CodePage

__all__ = ["Holding", "compile_conditions"]

Test: TypeAlias = Callable[[bytes, object], bool]


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
    compiled = _number if item.kind.is_number else _text
    return Holding(tests=tuple((each.name, tuple(compiled(each, item, page))) for each in item.conditions))


def _number(condition: Condition, _item: Item, _page: CodePage) -> Iterator[Test]:
    for low, high in condition.ranges:
        first, last = _figure(low), _figure(high or low)
        if first is not None and last is not None:
            yield _numbers(first, last)


def _numbers(first: Decimal, last: Decimal) -> Test:
    return lambda _raw, value: isinstance(value, int | float | Decimal) and first <= value <= last


def _figure(literal: Literal) -> Decimal | None:
    if literal.kind == "number" or (literal.kind == "text" and literal.text.strip().isdecimal()):
        return Decimal(literal.text)
    return Decimal(0) if literal.kind == "figurative" and literal.text == "ZERO" else None


def _text(condition: Condition, item: Item, page: CodePage) -> Iterator[Test]:
    for low, high in condition.ranges:
        first, last = _bytes(low, item, page), _bytes(high or low, item, page)
        if first is not None and last is not None:
            yield _texts(first, last)


def _texts(first: bytes, last: bytes) -> Test:
    return lambda raw, _value: first <= raw <= last


def _bytes(literal: Literal, item: Item, page: CodePage) -> bytes | None:
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
    return (raw + blank * item.length)[: max(item.length, len(raw))]
