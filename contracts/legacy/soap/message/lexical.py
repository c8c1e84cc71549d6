"""The built-in types of XML Schema as Python values (XML Schema part 2, section 3); text that is none is refused.

| XML Schema | Python |
|---|---|
| `string`, `anyURI`, `duration`, `gYear` and its kin | `str` |
| `boolean` | `bool` |
| `decimal` | `Decimal` |
| `integer` and what is derived from it | `int` |
| `float`, `double` | `float` |
| `dateTime`, `date`, `time` | `datetime`, `date`, `time` |
| `base64Binary`, `hexBinary` | `bytes` |

More than six digits of a second, and the zone of a date, are kept by `ExactDateTime`, `ExactTime` and `ZonedDate`.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Final, Self, TypeAlias, TypeVar

__all__ = ["ATOMIC", "Atomic", "Convert", "ExactDateTime", "ExactTime", "ZonedDate", "collapse"]

Atomic: TypeAlias = "str | bool | int | float | Decimal | datetime | date | time | bytes"
Convert: TypeAlias = Callable[[str], Atomic]
"""Reads text whose blanks are collapsed already; raises ValueError with what was expected."""

_ZONE: Final = r"(?P<zone>Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_DATE: Final = r"(?P<date>-?(?:[1-9][0-9]{3,}|0[0-9]{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))"
_TIME: Final = r"(?P<time>(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]|24:00:00)(?:\.(?P<fraction>[0-9]+))?"
_is_date_time: Final = re.compile(f"{_DATE}T{_TIME}{_ZONE}").fullmatch
_is_date: Final = re.compile(_DATE + _ZONE).fullmatch
_is_time: Final = re.compile(_TIME + _ZONE).fullmatch
_is_decimal: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)").fullmatch
_is_integer: Final = re.compile(r"[+-]?[0-9]+").fullmatch
_is_float: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?").fullmatch
_is_duration: Final = re.compile(
    r"-?P(?=.)(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?(?:T(?=.)(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?"
).fullmatch
_MICROSECONDS: Final = 6
_MIDNIGHT: Final = "24:00:00"
_Moment = TypeVar("_Moment", datetime, time)
_collapsible: Final = re.compile(r"[\t\n\r ]+")
_is_loose: Final = re.compile(r"[\t\n\r]|  |^ | $").search


class ExactDateTime(datetime):
    """A moment with more digits of a second than a `datetime` holds: it is cut there, and `lexical` has all."""

    lexical: str

    @classmethod
    def of(cls, moment: datetime, lexical: str) -> Self:
        """Return one."""
        found = cls.combine(moment.date(), moment.timetz())
        found.lexical = lexical
        return found


class ExactTime(time):
    """A time of day with more digits of a second than a `time` holds: it is cut there, and `lexical` has all."""

    lexical: str

    @classmethod
    def of(cls, moment: time, lexical: str) -> Self:
        """Return one."""
        found = cls(moment.hour, moment.minute, moment.second, moment.microsecond, moment.tzinfo)
        found.lexical = lexical
        return found


class ZonedDate(date):
    """A date that says in which zone it is one."""

    zone: tzinfo

    @classmethod
    def of(cls, day: date, zone: tzinfo) -> Self:
        """Return one."""
        found = cls(day.year, day.month, day.day)
        found.zone = zone
        return found


def collapse(text: str) -> str:
    """Return text with its blanks collapsed (facet whiteSpace).

    >>> collapse(" a  b ")
    'a b'
    """
    return text if _is_loose(text) is None else _collapsible.sub(" ", text).strip(" ")


def _date_time(text: str) -> datetime:
    if (found := _is_date_time(text)) is None:
        raise ValueError("a dateTime such as 2020-12-31T23:59:59Z")
    clock, fraction = found.group("time", "fraction")
    try:
        if clock == _MIDNIGHT:
            return _midnight(datetime.fromisoformat(text.replace(_MIDNIGHT, "00:00:00")), fraction) + timedelta(days=1)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise ValueError("a day that there is, of the years 1 to 9999") from error
    return ExactDateTime.of(moment, text) if _is_longer(fraction) else moment


def _date(text: str) -> date:
    if (found := _is_date(text)) is None:
        raise ValueError("a date such as 2020-12-31")
    day, zone = _day(found["date"]), _zone(found["zone"])
    return day if zone is None else ZonedDate.of(day, zone)


def _time(text: str) -> time:
    if (found := _is_time(text)) is None:
        raise ValueError("a time such as 23:59:59")
    clock, fraction = found.group("time", "fraction")
    if clock == _MIDNIGHT:
        return _midnight(time.fromisoformat(text.replace(_MIDNIGHT, "00:00:00")), fraction)
    moment = time.fromisoformat(text)
    return ExactTime.of(moment, text) if _is_longer(fraction) else moment


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("a day that there is, of the years 1 to 9999") from error


def _midnight(moment: _Moment, fraction: str | None) -> _Moment:
    if (fraction or "").strip("0"):
        raise ValueError("nothing behind 24:00:00")
    return moment


def _is_longer(fraction: str | None) -> bool:
    """Tell whether a fraction of a second has more digits than Python keeps."""
    return fraction is not None and len(fraction) > _MICROSECONDS and len(fraction.rstrip("0")) > _MICROSECONDS


def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:]))
    return timezone(-offset if text[0] == "-" else offset)


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text]
    except KeyError:
        raise ValueError("true, false, 1 or 0") from None


_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


def _decimal(text: str) -> Decimal:
    if _is_decimal(text) is None:
        raise ValueError("a decimal such as -12.50")
    return Decimal(text)


def _integer(text: str) -> int:
    if _is_integer(text) is None:
        raise ValueError("an integer")
    return int(text)


def _float(text: str) -> float:
    if _is_float(text) is not None:
        return float(text)
    special = {"INF": math.inf, "+INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
    if text in special:
        return special[text]
    raise ValueError("a number such as 1.5E3, INF or NaN")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(_collapsible.sub("", text), validate=True)
    except ValueError as error:
        raise ValueError("base64") from error


def _hex(text: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except (binascii.Error, ValueError) as error:
        raise ValueError("an even number of hex digits") from error


def _duration(text: str) -> str:
    if _is_duration(text) is None:
        raise ValueError("a duration such as P1Y2M3DT4H5M6.7S")
    return text


def _text(text: str) -> str:
    return text


def _like(pattern: str, example: str) -> Convert:
    fits = re.compile(pattern + _ZONE).fullmatch

    def convert(text: str) -> str:
        if fits(text) is None:
            raise ValueError(f"a value such as {example}")
        return text

    return convert


ATOMIC: Final[Mapping[str, Convert]] = {
    "string": _text,
    "anyURI": _text,
    "QName": _text,
    "NOTATION": _text,
    "anySimpleType": _text,
    "anyAtomicType": _text,
    "boolean": _boolean,
    "decimal": _decimal,
    "integer": _integer,
    "float": _float,
    "double": _float,
    "dateTime": _date_time,
    "date": _date,
    "time": _time,
    "duration": _duration,
    "base64Binary": _base64,
    "hexBinary": _hex,
    "gYear": _like(r"-?(?:[1-9][0-9]{3,}|0[0-9]{3})", "2020"),
    "gYearMonth": _like(r"-?(?:[1-9][0-9]{3,}|0[0-9]{3})-(?:0[1-9]|1[0-2])", "2020-12"),
    "gMonth": _like(r"--(?:0[1-9]|1[0-2])", "--12"),
    "gDay": _like(r"---(?:0[1-9]|[12][0-9]|3[01])", "---31"),
    "gMonthDay": _like(r"--(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])", "--12-31"),
}
"""By the name of the primitive type (and `integer`); what is derived is checked by its facets."""
