"""One field of an event's JSON, as a mapping makes it of one legacy field."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.columnar import FieldJson

__all__ = ["Cell", "cell_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A field of an event's JSON, as it is made of a legacy field."""

    name: str
    source: str
    """The legacy field."""
    as_is: frozenset[type]
    """Types of legacy values whose JSON stands there as it is."""
    in_quotes: frozenset[type]
    """Types of legacy values whose JSON stands there in quotes."""
    show: Callable[[object], bytes]
    """Return the JSON of a legacy value; nothing where it is not mapped, or breaks the contract."""
    longest: int | None
    """Bytes of the longest JSON that `show` returns, where that is known."""


def cell_of(
    field: FieldJson, source: str, convert: Callable[[Any], object] | None, *, known: Iterable[object] = ()
) -> Cell:
    """Return how an event's field is made.

    Args:
        field: The event's field.
        source: The legacy field.
        convert: What makes the event's value of the legacy one; None takes it as it is.
        known: All legacy values that it takes, where they are few.
    """
    as_is, in_quotes = frozenset[type](), frozenset[type]()
    if convert is None:
        as_is, in_quotes = field.as_is, field.in_quotes
    elif convert is str and str in field.as_is:
        as_is, in_quotes = frozenset({str, Decimal}), frozenset({int})

    def show(value: object) -> bytes:
        try:
            return field.show(value if convert is None else convert(value))
        except Exception:  # noqa: BLE001 - whatever a converter raises: rows say what is wrong
            return b""

    longest = max(map(len, map(show, known)), default=None)
    return Cell(name=field.name, source=source, as_is=as_is, in_quotes=in_quotes, show=show, longest=longest)
