"""A record from a line of JSON. Pure."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from contracts.errors import RecordError
from contracts.legacy.copybook import Record
from contracts.legacy.copybook.item import Item

__all__ = ["parsed", "restored"]

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:E[+-]?\d+)?", re.ASCII | re.IGNORECASE)
"""What `decode` writes, and no more of what Python would take for a decimal."""


def parsed(line: bytes) -> Record:
    """Return the object that stands in a line.

    Raises:
        RecordError: There is none.
    """
    try:
        # Decimals that stand there as numbers keep all their digits.
        values: object = json.loads(line, parse_float=Decimal, parse_constant=_refused, object_pairs_hook=_once)
    except ValueError as error:
        raise RecordError("line", expected=f"a JSON object: {error}", code="json") from None
    except InvalidOperation:
        raise RecordError("line", expected="a JSON object without exponents beyond all bounds", code="json") from None
    if not isinstance(values, dict):
        raise RecordError("line", expected="a JSON object", code="json")
    return cast("Record", values)


def restored(known: Mapping[str | None, Item], values: Mapping[str, Any]) -> Record:
    """Return values as the codec takes them: JSON has no decimals, so they stand there as text.

    Args:
        known: The items by their names.
        values: What stands in a line.

    Raises:
        RecordError: A number is none.
    """
    return {name: _value(known.get(name), value) for name, value in values.items()}


def _value(item: Item | None, value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if item is None or value is None:
        return value
    if isinstance(value, list):
        return [_value(item, each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return restored({child.name: child for child in item.children}, cast("dict[str, Any]", value))
    if isinstance(value, str) and item.kind.is_number:
        return value if any(each.name == value for each in item.conditions) else _number(item, value)
    return value


def _number(item: Item, text: str) -> Decimal:
    try:
        if _NUMBER.fullmatch(text):
            return Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds
        pass
    raise RecordError(item.label, expected="a number", code="value")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name stands twice in it")
    return values


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
