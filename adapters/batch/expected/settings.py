"""What an integration engineer says about the deliveries that have to come."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from functools import cached_property
from itertools import chain
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["LONGEST_SHIFT", "Calendar", "Expected", "Window"]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

LONGEST_SHIFT = timedelta(days=38)
"""The next working day is nearer: a month of holidays, and the rest of a week."""

_NAMES: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_LONGEST_HOLIDAYS = timedelta(days=31)


class Calendar(BaseModel):
    """On which days a delivery is expected.

    Without any of `weekdays`, `days_of_month`, `working_days` and `dates`, on each working day; a day that more
    than one of them names is expected once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    working_week: Annotated[frozenset[Weekday], Field(min_length=1)] = frozenset(_NAMES[:5])
    """The days of the week that are worked on, unless they are holidays: `mon` to `fri` by default."""
    holidays: frozenset[date] = frozenset()
    """Days that are not worked on. A list of dates; in an adapter file it may be computed, or read from a file."""
    weekdays: frozenset[Weekday] | None = None
    """Days of the week: `[tue, sat]`."""
    days_of_month: frozenset[Annotated[int, Field(ge=-28, le=31)]] = frozenset()
    """Days of the month; -1 is its last one, whatever its length, and -2 the one before. A month that has no such day
    has no such delivery."""
    working_days: frozenset[Annotated[int, Field(ge=-23, le=31)]] = frozenset()
    """Working days of the month: 1 is its first one, -1 its last."""
    dates: frozenset[date] = frozenset()
    """Days by date."""
    shift: Literal["skip", "previous", "next"] = "skip"
    """What becomes of the delivery of a day that is a holiday, and of one of `days_of_month` that is not in the working
    week: there is none, or it comes on the working day before or after. It has to be said with `days_of_month`."""

    @field_validator("days_of_month", "working_days")
    @classmethod
    def _check_number(cls, numbers: frozenset[int]) -> frozenset[int]:
        if 0 in numbers:
            raise ValueError("there is no day 0; 1 is the first one and -1 the last")
        return numbers

    @model_validator(mode="after")
    def _check_shift(self) -> Self:
        if self.days_of_month and "shift" not in self.model_fields_set:
            raise ValueError("days_of_month needs shift, since such a day may be a Sunday: skip, previous or next")
        for holiday in sorted(self.holidays):
            for found in (self.working_day(holiday, "previous"), self.working_day(holiday, "next")):
                if found is None or abs(found - holiday) > _LONGEST_HOLIDAYS:
                    raise ValueError(f"holidays leave no working day within {_LONGEST_HOLIDAYS.days} days of {holiday}")
        return self

    @cached_property
    def _working_week(self) -> frozenset[int]:
        return frozenset(map(_NAMES.index, self.working_week))

    def is_working_day(self, day: date) -> bool:
        """Tell whether a day is worked on."""
        return day.weekday() in self._working_week and day not in self.holidays

    def is_on_weekday(self, day: date) -> bool:
        """Tell whether it is one of `weekdays`."""
        return self.weekdays is not None and _NAMES[day.weekday()] in self.weekdays

    def working_day(self, day: date, direction: Literal["previous", "next"]) -> date | None:
        """Return the first working day before or after a day; None where there is none nearby."""
        step = _DAY if direction == "next" else -_DAY
        days = (day + step * number for number in range(1, LONGEST_SHIFT.days + 1))
        return next(filter(self.is_working_day, days), None)


class Window(BaseModel):
    """When on an expected day the files arrive."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    opens: time = time.min
    """Beginning, as the clocks in `zone` show it: `22:00`; what comes before is early."""
    closes: time
    """End: what comes after is late. One that is not after `opens` is on the next day."""
    days_after: int = Field(default=0, ge=-10, le=10)
    """Days from the business date to the day that the window opens: 1 where Monday's file comes on Tuesday."""
    working_days_after: int = Field(default=0, ge=0, le=10)
    """The same in working days: 1 where Friday's file comes on Monday."""

    @field_validator("opens", "closes")
    @classmethod
    def _check_zone(cls, wall: time) -> time:
        if wall.tzinfo is not None:
            raise ValueError("is a time of day as the clocks show it, without a zone of its own; set `zone`")
        return wall

    @model_validator(mode="after")
    def _check_days(self) -> Self:
        if self.days_after and self.working_days_after:
            raise ValueError("give days_after or working_days_after, not both")
        return self


class Expected(BaseModel):
    """Which deliveries have to come, and how large they are."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    calendar: Calendar = Calendar()
    """On which days."""
    window: Window | None = None
    """When on such a day. Without it no delivery is missing or late, and only the bounds below count."""
    zone: str = "UTC"
    """Time zone of window and days, by its IANA name: `Europe/Berlin`."""
    grace: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=31))] = timedelta(0)
    """How long after the window's end a delivery is late before it is missing."""
    early: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=31))] = timedelta(0)
    """How long before the window opens a file without a business date counts for it. With a business date it counts
    whenever it comes."""
    files: int = Field(default=1, ge=1, le=10_000)
    """Files of one day."""
    since: date | None = None
    """The first day that is watched; by default none that closed before the adapter first ran with this."""
    min_bytes: int | None = Field(default=None, ge=0)
    """A smaller file is held."""
    max_bytes: int | None = Field(default=None, ge=0)
    """A larger file is held."""
    min_records: int | None = Field(default=None, ge=0)
    """A file with fewer records is held."""
    max_records: int | None = Field(default=None, ge=0)
    """A file with more records is held."""

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"there is no time zone {zone!r} here; expected one such as Europe/Berlin") from error
        return zone

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        problems = list(chain(self._backwards(), self._idle()))
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _backwards(self) -> Iterator[str]:
        bounds = {"bytes": (self.min_bytes, self.max_bytes), "records": (self.min_records, self.max_records)}
        for what, (least, most) in bounds.items():
            if least is not None and most is not None and least > most:
                yield f"min_{what} is above max_{what}"

    def _idle(self) -> Iterator[str]:
        if self.window is None:
            for name in sorted({"calendar", "grace", "early", "files", "since"} & self.model_fields_set):
                yield f"{name} needs window"
