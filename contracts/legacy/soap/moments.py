"""Dates, times and durations of XML Schema as values: equal values are equal, whatever their zone and zeros.

Years of any length and all digits of a fraction are kept, which `datetime` can't.
"""

import re
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.errors import ConfigError

__all__ = ["Duration", "Moment", "Zone", "apart", "duration", "filled", "moment", "order", "partial", "zone"]

Zone: TypeAlias = Callable[["int | None"], "int | None"]
"""Returns the seconds east of UTC at a local time (seconds since year 1; None for a time of any day); None where that
can't be known."""

_DAY: Final = 86_400
_ERA_DAYS: Final = 146_097
_BEFORE_YEAR_1: Final = 306
_DECEMBER, _FEBRUARY, _SHORT, _LONG = 12, 2, 30, 31
_LEAST_YEAR_DIGITS: Final = 4
_MOST_ZONE: Final = 14 * 60
_ZONE: Final = r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
_DATE: Final = r"(?P<year>-?[0-9]{4,18})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_TIME: Final = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
_MOMENTS: Final = {
    "dateTime": re.compile(f"{_DATE}T{_TIME}{_ZONE}"),
    "date": re.compile(_DATE + _ZONE),
    "time": re.compile(_TIME + _ZONE),
}
_PARTIAL: Final = {
    "gYearMonth": re.compile(r"(?P<core>-?[0-9]{4,18}-[0-9]{2})" + _ZONE),
    "gYear": re.compile(r"(?P<core>-?[0-9]{4,18})" + _ZONE),
    "gMonthDay": re.compile(r"(?P<core>--[0-9]{2}-[0-9]{2})" + _ZONE),
    "gDay": re.compile(r"(?P<core>---[0-9]{2})" + _ZONE),
    "gMonth": re.compile(r"(?P<core>--[0-9]{2})(?:--)?" + _ZONE),
}
_FILLED: Final = {
    "gYearMonth": ("", "-01"),
    "gYear": ("", "-01-01"),
    "gMonthDay": ("1972", ""),
    "gDay": ("1972-01", ""),
    "gMonth": ("1972", "-01"),
}
"""What makes a date of a part of one, so that parts have an order; 1972 has a 29th of February."""
_STARTS: Final = ((1696, 9), (1697, 2), (1903, 3), (1903, 7))
"""Years and months at which durations are compared (XML Schema part 2, 3.2.6.2)."""
_DURATION: Final = re.compile(
    r"(?P<sign>-?)P(?=.)(?:(?P<years>[0-9]{1,18})Y)?(?:(?P<months>[0-9]{1,18})M)?(?:(?P<days>[0-9]{1,18})D)?"
    r"(?:T(?=.)(?:(?P<hours>[0-9]{1,18})H)?(?:(?P<minutes>[0-9]{1,18})M)?"
    r"(?:(?P<seconds>[0-9]{1,18})(?:\.(?P<fraction>[0-9]+))?S)?)?"
)


class Moment(NamedTuple):
    """A point in time, in UTC where it has a zone."""

    kind: str
    has_zone: bool
    seconds: int
    """Since midnight of the first day of year 1; for `time`, since midnight."""
    fraction: str
    """Digits of the fraction, without zeros at the end."""


class Duration(NamedTuple):
    """A duration: months and seconds can't be turned into each other."""

    months: int
    seconds: int
    fraction: str
    is_negative: bool


def moment(kind: str, text: str, default: Zone | None = None) -> Moment | None:
    """Read a `dateTime`, `date` or `time`; None where it is none.

    >>> moment("dateTime", "2020-01-01T12:00:00.50Z") == moment("dateTime", "2020-01-01T13:00:00.5+01:00")
    True
    >>> moment("dateTime", "2019-12-31T24:00:00") == moment("dateTime", "2020-01-01T00:00:00")
    True
    """
    found = _MOMENTS[kind].fullmatch(text)
    if found is None:
        return None
    given = found.groupdict()
    days = 0 if kind == "time" else _days(given)
    seconds = 0 if kind == "date" else _seconds(given)
    offset = _offset(given["zone"])
    if days is None or seconds is None or isinstance(offset, str):
        return None
    local = days * _DAY + seconds
    if offset is None and default is not None:
        offset = default(None if kind == "time" else local)
    seconds = local - (offset or 0)
    fraction = (given.get("fraction") or "").rstrip("0")
    return Moment(kind, offset is not None, seconds % _DAY if kind == "time" else seconds, fraction)


def partial(kind: str, text: str) -> Hashable | None:
    """Read a `gYear` and its like; None where it is none.

    >>> partial("gYear", "2020Z") == partial("gYear", "2020+00:00")
    True
    """
    found = _PARTIAL[kind].fullmatch(text)
    offset = None if found is None else _offset(found["zone"])
    return None if found is None or isinstance(offset, str) else (kind, found["core"], offset)


def duration(text: str) -> Duration | None:
    """Read a duration; None where it is none.

    >>> duration("P1Y") == duration("P12M"), duration("P1D") == duration("PT24H"), duration("P1M") == duration("P30D")
    (True, True, False)
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    given = {name: int(found[name] or 0) for name in ("years", "months", "days", "hours", "minutes", "seconds")}
    months = given["years"] * 12 + given["months"]
    seconds = given["days"] * _DAY + given["hours"] * 3600 + given["minutes"] * 60 + given["seconds"]
    fraction = (found["fraction"] or "").rstrip("0")
    is_negative = bool(found["sign"]) and bool(months or seconds or fraction)
    return Duration(months, seconds, fraction, is_negative)


def order(left: "Moment | Duration", right: "Moment | Duration") -> int | None:
    """Return which comes first: below zero where the left does, above where the right does; None where nobody can say.

    >>> one, other = duration("P1M"), duration("P30D")
    >>> one and other and order(one, other), one and order(one, Duration(0, 32 * 86400, "", False))
    (None, -1)
    """
    if isinstance(left, Moment) and isinstance(right, Moment):
        between = _exact(left) - _exact(right)
        # With a zone and without one, it may be up to 14 hours earlier or later (3.2.7.4).
        return _sign(between) if left.has_zone == right.has_zone or abs(between) > _MOST_ZONE * 60 else None
    if isinstance(left, Duration) and isinstance(right, Duration):
        found = {_sign(_ended(left, start) - _ended(right, start)) for start in _STARTS}
        return found.pop() if len(found) == 1 else None
    return None


def filled(kind: str, text: str) -> Moment | None:
    """Read a `gYear` and its like as the date that it begins with; None where it is none."""
    found = _PARTIAL[kind].fullmatch(text)
    before, after = _FILLED[kind]
    if found is None:
        return None
    core = found["core"]
    if kind == "gDay":
        core = core[2:]
    elif before:
        core = core[1:]
    return moment("date", f"{before}{core}{after}{found['zone'] or ''}")


def _sign(value: Decimal) -> int:
    return (value > 0) - (value < 0)


def _ended(length: Duration, start: tuple[int, int]) -> Decimal:
    """Return when a duration ends that begins with a month."""
    sign = -1 if length.is_negative else 1
    year, month = divmod(start[0] * 12 + start[1] - 1 + sign * length.months, 12)
    days = _days({"year": str(year), "month": str(month + 1), "day": "1"}) or 0
    return days * _DAY + sign * _exact(length)


def zone(name: str) -> Zone:
    """Return a zone by its offset (`Z`, `+01:00`) or its name (`Europe/Vienna`).

    Raises:
        ConfigError: There is no such zone.
    """
    offset = _offset(name) if re.fullmatch(_ZONE, name) else "no offset"
    if isinstance(offset, int):
        return lambda _: offset
    try:
        region = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        problem = f"default_zone: expected Z, an offset like +01:00 or a name like Europe/Vienna, found {name!r}"
        raise ConfigError([problem]) from error
    return lambda seconds: _in_region(region, seconds)


def apart(left: Moment | Duration, right: Moment | Duration) -> Decimal | None:
    """Return the seconds between two moments or durations; None where they can't be compared."""
    if isinstance(left, Moment) and isinstance(right, Moment):
        if (left.kind, left.has_zone) != (right.kind, right.has_zone):
            return None
        between = abs(_exact(left) - _exact(right))
        return min(between, _DAY - between) if left.kind == "time" else between
    if isinstance(left, Duration) and isinstance(right, Duration):
        months = [-each.months if each.is_negative else each.months for each in (left, right)]
        signed = [-_exact(each) if each.is_negative else _exact(each) for each in (left, right)]
        return abs(signed[0] - signed[1]) if months[0] == months[1] else None
    return None


def _exact(value: Moment | Duration) -> Decimal:
    return Decimal(f"{value.seconds}.{value.fraction[:100] or 0}")


def _in_region(region: ZoneInfo, seconds: int | None) -> int | None:
    if seconds is None:
        return None
    try:
        local = datetime(1, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None
    offset = local.replace(tzinfo=region).utcoffset()
    return None if offset is None else int(offset.total_seconds())


def _days(given: dict[str, str | None]) -> int | None:
    year, month, day = (int(given[name] or 0) for name in ("year", "month", "day"))
    if not 1 <= month <= _DECEMBER or not 1 <= day <= _month_length(year, month):
        return None
    # Days of the Gregorian calendar for any year, counted in eras of 400 years that begin in March.
    year -= month <= _FEBRUARY
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > _FEBRUARY else 9)) + 2) // 5 + day - 1
    return era * _ERA_DAYS + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _BEFORE_YEAR_1


def _month_length(year: int, month: int) -> int:
    if month == _FEBRUARY:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return _SHORT if month in {4, 6, 9, 11} else _LONG


def _seconds(given: dict[str, str | None]) -> int | None:
    hour, minute, second = (int(given[name] or 0) for name in ("hour", "minute", "second"))
    total = hour * 3600 + minute * 60 + second
    is_end = total == _DAY and not (given["fraction"] or "").rstrip("0")
    if minute >= 60 or second >= 60 or (hour >= 24 and not is_end):  # noqa: PLR2004 - as clocks have them
        return None
    return total


def _offset(text: str | None) -> int | str | None:
    """Return seconds east of UTC, None without a zone, the text where it is none."""
    if not text:
        return None
    if text == "Z":
        return 0
    hours, minutes = int(text[1:3]), int(text[4:6])
    if minutes >= 60 or hours * 60 + minutes > _MOST_ZONE:  # noqa: PLR2004 - as clocks have them
        return text
    seconds = (hours * 60 + minutes) * 60
    return -seconds if text[0] == "-" else seconds
