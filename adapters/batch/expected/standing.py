"""For which expected day a file counts, and whether it is in time. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from adapters.batch.expected.calendar import REACH, Occurrence, occurrences
from adapters.batch.expected.settings import LONGEST_SHIFT, Expected

__all__ = ["Placed", "Standing", "place"]

Standing = Literal["on time", "early", "late", "unexpected"]

_AHEAD = timedelta(days=11)
"""A window opens at most ten days before its business date, in any zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A file among the expected ones."""

    standing: Standing
    occurrence: Occurrence | None = None
    """What it counts for; none where it is unexpected."""
    late_by: timedelta | None = None
    """Since the window's end."""


def place(
    expected: Expected, at: datetime, business_date: date | None, *, lacks: Callable[[Occurrence], bool]
) -> Placed:
    """Return for which day a file counts that came at this time.

    With a business date it is the day of that date. Without one it is the first open window that lacks files,
    else the newest closed one that does, else an open one, which then has more than it needs.

    Args:
        expected: What is declared, with a window.
        at: When the file came, with a zone.
        business_date: That of the file.
        lacks: Tells whether a day still lacks files.
    """
    found = _by_arrival(expected, at, lacks) if business_date is None else _by_date(expected, business_date)
    if found is None:
        return Placed(standing="unexpected")
    if at > found.closes:
        return Placed(standing="late", occurrence=found, late_by=at - found.closes)
    return Placed(standing="early" if at < found.opens else "on time", occurrence=found)


def _by_date(expected: Expected, day: date) -> Occurrence | None:
    near = list(occurrences(expected, day - LONGEST_SHIFT, day + LONGEST_SHIFT))
    own = next((each for each in near if each.day == day), None)
    return own or next((each for each in near if each.planned == day), None)


def _by_arrival(expected: Expected, at: datetime, lacks: Callable[[Occurrence], bool]) -> Occurrence | None:
    today = at.astimezone(ZoneInfo(expected.zone)).date()
    near = occurrences(expected, today - REACH, today + _AHEAD)
    begun = [each for each in near if each.opens - expected.early <= at]
    still_open = [each for each in begun if at <= each.overdue]
    closed = [each for each in begun if at > each.overdue]
    wanting = next(filter(lacks, still_open), None) or next(filter(lacks, reversed(closed)), None)
    return wanting or next(iter(still_open), None)
