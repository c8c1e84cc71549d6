"""A value at a path of a nested record."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

__all__ = ["at"]


def at(record: Mapping[str, Any], path: Iterable[str]) -> Any:  # noqa: ANN401 - text or a typed value
    """Return what stands at a path of a record; None where it is absent.

    >>> at({"person": {"number": "7"}}, ["person", "number"])
    '7'
    """
    found: Any = record
    for step in path:
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, Any]", found).get(step)
    return found
