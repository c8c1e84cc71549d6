"""Which deliveries are expected, and when their windows open and close. Pure."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from adapters.batch.expected.settings import LONGEST_SHIFT, Calendar, Expected, Window

__all__ = ["REACH", "Occurrence", "days", "occurrences"]

REACH = timedelta(days=400)
"""A window opens no further from its business date, whatever is declared; so far back is looked for what is missing."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One day's expected delivery. Times are in UTC."""

    day: date
    """The business date."""
    planned: date
    """The day before it was shifted from a holiday; a file may bear either."""
    opens: datetime
    closes: datetime
    overdue: datetime
    """The window's end and the grace: nothing by then is missing."""


def occurrences(expected: Expected, first: date, last: date) -> Iterator[Occurrence]:
    """Yield what is expected of the days from the first to the last, oldest first; nothing without a window."""
    if expected.window is None:
        return
    zone = ZoneInfo(expected.zone)
    for day, planned in days(expected.calendar, first, last):
        begins = _arrival_day(day, expected)
        ends = begins if expected.window.closes > expected.window.opens else begins + _DAY
        closes = max(_moments(ends, expected.window.closes, zone))
        yield Occurrence(
            day=day,
            planned=planned,
            # Where clocks are changed, a time of day may be twice or never: the window is the longest one.
            opens=min(_moments(begins, expected.window.opens, zone)),
            closes=closes,
            overdue=closes + expected.grace,
        )


def days(calendar: Calendar, first: date, last: date) -> Iterator[tuple[date, date]]:
    """Yield the expected days from the first to the last, each with the day that was planned, in order."""
    found: dict[date, date] = {}
    for planned in _dates(first - LONGEST_SHIFT, last + LONGEST_SHIFT):
        day = _shifted(calendar, planned)
        if day is not None and first <= day <= last and found.get(day) != day:
            found[day] = planned  # a day's own delivery goes before one that was shifted there
    yield from sorted(found.items())


def _shifted(calendar: Calendar, planned: date) -> date | None:
    """Return the day on which what is planned for a day is expected; None where nothing is."""
    by_number = _is_numbered(calendar, planned)
    by_name = calendar.is_on_weekday(planned) or planned in calendar.dates
    if not (by_number or by_name or _is_counted(calendar, planned)):
        return None
    if calendar.is_working_day(planned) or (by_name and planned not in calendar.holidays):
        return planned
    return None if calendar.shift == "skip" else calendar.working_day(planned, calendar.shift)


def _is_numbered(calendar: Calendar, day: date) -> bool:
    _, length = monthrange(day.year, day.month)
    return day.day in calendar.days_of_month or day.day - length - 1 in calendar.days_of_month


def _is_counted(calendar: Calendar, day: date) -> bool:
    """Tell whether a day is one of the counted working days; of all, where nothing else is declared."""
    if not calendar.is_working_day(day):
        return False
    if not calendar.working_days:
        return not (calendar.weekdays is not None or calendar.days_of_month or calendar.dates)
    _, length = monthrange(day.year, day.month)
    worked = [n for n in range(1, length + 1) if calendar.is_working_day(day.replace(day=n))]
    place = worked.index(day.day)
    return place + 1 in calendar.working_days or place - len(worked) in calendar.working_days


def _arrival_day(day: date, expected: Expected) -> date:
    window = expected.window or Window(closes=time.max)
    for _ in range(window.working_days_after):
        # The settings see to it that holidays leave a working day nearby.
        day = expected.calendar.working_day(day, "next") or day + _DAY
    return day + window.days_after * _DAY


def _moments(day: date, wall: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first, second = (datetime.combine(day, wall.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
    return first, second


def _dates(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + number * _DAY
