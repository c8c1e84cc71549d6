"""What was told of expected days, in the source's keyed state. Pure.

The key of a day is `expected:` and its ISO date; the key of the whole is `expected:` alone. They change in the
transactions that tell of it, so a restart tells nothing twice.
"""

from collections.abc import Mapping
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

__all__ = ["Book", "Told", "Watched"]

_PREFIX = b"expected:"


class Watched(BaseModel):
    """How far the calendar was watched."""

    # It outlives the release that wrote it, so what a newer one added is no error.
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    began: datetime
    """When the adapter first ran with a calendar."""
    through: date | None = None
    """The last day that is settled: what a changed calendar says of it and of earlier ones is not told any more."""
    events: int = 0
    """How many events were told; their order."""


class Told(BaseModel):
    """What was told of one day."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    day: date
    missing: datetime | None = None
    """When it was told missing."""
    reason: str | None = None
    """Why it was."""
    late: tuple[str, ...] = ()
    """Ids of the ledger's entries that were told late."""


class Book:
    """What was told, as it will be when all that was yielded is published."""

    def __init__(self, state: Mapping[bytes, bytes]) -> None:
        found = {key: value for key, value in state.items() if key.startswith(_PREFIX)}
        whole = found.pop(_PREFIX, None)
        self.watched = None if whole is None else Watched.model_validate_json(whole)
        told = [Told.model_validate_json(value) for value in found.values()]
        self._days = {each.day: each for each in told}

    def __getitem__(self, day: date) -> Told:
        """Return what was told of a day."""
        return self._days.get(day) or Told(day=day)

    @property
    def missing(self) -> list[date]:
        """Return the days that were told missing, oldest first."""
        return sorted(day for day, told in self._days.items() if told.missing is not None)

    def put(self, *changed: Watched | Told) -> dict[bytes, bytes | None]:
        """Remember what is told, and return how the source's state changes."""
        state: dict[bytes, bytes | None] = {}
        for each in changed:
            if isinstance(each, Watched):
                self.watched = each
                state[_PREFIX] = each.model_dump_json().encode()
            else:
                self._days[each.day] = each
                state[_PREFIX + each.day.isoformat().encode()] = each.model_dump_json(exclude_defaults=True).encode()
        return state
