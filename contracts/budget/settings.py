"""What an operations team says about how much a legacy system bears."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_serializer, field_validator, model_validator

from contracts.ports import Purpose

__all__ = ["WEEK", "Adaptation", "CalendarWindow", "LegacySystem", "Priorities", "Weekday"]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

WEEK: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RATE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(s|min|h)\s*")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3600}
_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY
_MINUTES: Final = 1_440
_TEN_O_CLOCK: Final = 36_000


def _a_second(value: object) -> object:
    """Return calls per second of `300/min`; what is no text is calls per second already."""
    if not isinstance(value, str):
        return value
    found = _RATE.fullmatch(value)
    if found is None:
        raise ValueError(f"expected calls per second, or such as 5/s, 300/min or 1000/h, found {value!r}")
    return float(found[1]) / _SECONDS[found[2]]


def _wall(value: object) -> object:
    """Return the time of day that YAML 1.1 took for a number to the base of 60, as it does with 22:00."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    seconds = value * 60 if value < _MINUTES else value
    if not 0 <= seconds < _DAY or _MINUTES <= value < _TEN_O_CLOCK:
        raise ValueError("expected a time of day from 00:00 to 23:59, such as '06:30'; midnight is '00:00'")
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60)


Rate = Annotated[float, BeforeValidator(_a_second), Ge(0), Le(1_000_000)]
Wall = Annotated[time, BeforeValidator(_wall)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Priorities(_Model):
    """Who goes first while several wait: one with 8 gets eight calls for each one of another with 1.

    So none waits for ever, but where it is declared with 0.
    """

    retry: Annotated[float, Ge(0), Le(1000)] = 8
    """Calls that are tried again: what they belong to is under way, and waits."""
    poll: Annotated[float, Ge(0), Le(1000)] = 4
    """Calls that ask what has changed."""
    shadow: Annotated[float, Ge(0), Le(1000)] = 2
    """Calls whose answers are only compared."""
    snapshot: Annotated[float, Ge(0), Le(1000)] = 1
    """Calls that read everything; 0 lets them go only while nobody else waits."""

    @property
    def weights(self) -> Mapping[Purpose, float]:
        """Return them by purpose, in the order in which those with 0 go."""
        return {"retry": self.retry, "poll": self.poll, "shadow": self.shadow, "snapshot": self.snapshot}


class CalendarWindow(_Model):
    """A time of the week with a rate of its own."""

    days: Annotated[frozenset[Weekday], Field(min_length=1)] = frozenset(WEEK)
    """The days on which it opens: `[mon, tue]`; each day by default."""
    opens: Wall
    """Beginning, as the clocks in `zone` show it: `'22:00'`."""
    closes: Wall
    """End. One that is not after `opens` is on the next day."""
    rate: Rate
    """Calls per second, or such as `300/min`, while it is open; 0 lets nobody call but live traffic."""

    @field_validator("opens", "closes")
    @classmethod
    def _check_zone(cls, wall: time) -> time:
        if wall.tzinfo is not None:
            raise ValueError("is a time of day as the clocks show it, without a zone of its own; set `zone`")
        return wall

    @field_serializer("days")
    def _in_order(self, days: frozenset[Weekday]) -> list[Weekday]:
        return sorted(days, key=WEEK.index)  # the fingerprint of all processes has to be the same

    @property
    def name(self) -> str:
        """Return days and times, for people."""
        days = ",".join(day for day in WEEK if day in self.days) if len(self.days) < len(WEEK) else "daily"
        return f"{days} {self.opens:%H:%M}-{self.closes:%H:%M}"

    @property
    def wraps(self) -> bool:
        """Tell whether it ends on the day after it began."""
        return self.closes <= self.opens

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield from when to when it is open in a week, in seconds of it; what passes its end begins it, too."""
        for day in self.days:
            begin = WEEK.index(day) * _DAY + _second(self.opens)
            length = (_second(self.closes) - _second(self.opens)) % _DAY or _DAY
            yield begin, min(begin + length, _WEEK)
            if begin + length > _WEEK:
                yield 0, begin + length - _WEEK


class Adaptation(_Model):
    """How the rate follows what the system bears: cut when it answers slowly or fails, back little by little."""

    latency: Annotated[timedelta, Gt(timedelta(0)), Le(timedelta(hours=1))] | None = None
    """The rate is cut when more than one answer of 20 takes longer (its 95th percentile); never without it."""
    failures: Annotated[float, Ge(0), Le(1)] = 0.2
    """The rate is cut when a larger share of the calls fails; 1 takes failures as they are."""
    cut: Annotated[float, Gt(0), Le(0.95)] = 0.5
    """What is left of the rate after a cut."""
    recovery: Annotated[timedelta, Gt(timedelta(0)), Le(timedelta(days=7))] = timedelta(minutes=5)
    """How long it takes from nothing back to the full rate, in equal steps."""
    floor: Annotated[float, Gt(0), Le(1)] = 0.1
    """Share of the rate that is never cut."""


class LegacySystem(_Model):
    """How often one legacy system is called on this machine, besides its live traffic."""

    rate: Annotated[Rate, Gt(0)]
    """Most calls per second, or such as `300/min`, live traffic included: that is counted, and never refused."""
    burst: Annotated[int, Ge(1), Le(1_000_000)] | None = None
    """Most calls at once after a pause; by default as many as a second has, at least one."""
    reserve: Rate = 0
    """Calls per second that are kept free for live traffic, whether it comes or not."""
    priorities: Priorities = Priorities()
    """Who goes first while several wait."""
    zone: str = "UTC"
    """Time zone of the windows, by its IANA name: `Europe/Berlin`."""
    windows: tuple[CalendarWindow, ...] = ()
    """Times of the week with a rate of their own; `rate` counts at all others."""
    adaptation: Adaptation | None = Adaptation()
    """How the rate follows what the system bears; none keeps it as it is."""
    processes: Annotated[int, Ge(1), Le(256)] = 4
    """Most processes that call the system. While none of them can lead, each draws on a fixed part of the rate, one
    divided by this; a further one waits."""

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
        problems = [*self._reserved(), *self._overlaps()]
        if not any(self.priorities.weights.values()):
            problems.append("priorities: all are 0; give those that must not wait for ever more than that")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def most_at_once(self) -> int:
        """Return the burst."""
        return max(1, int(self.rate)) if self.burst is None else self.burst

    @cached_property
    def place(self) -> ZoneInfo:
        """Return the time zone."""
        return ZoneInfo(self.zone)

    @cached_property
    def fingerprint(self) -> str:
        """Return what tells two settings apart."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def _reserved(self) -> Iterator[str]:
        if self.reserve >= self.rate:
            yield f"reserve: {self.reserve:g}/s leaves nothing of the rate of {self.rate:g}/s; choose less"
        for window in self.windows:
            if 0 < window.rate <= self.reserve:
                yield (
                    f"windows: the reserve of {self.reserve:g}/s leaves nothing of {window.rate:g}/s in {window.name}; "
                    "choose more, or 0 where only live traffic is meant"
                )

    def _overlaps(self) -> Iterator[str]:
        spans = sorted((begin, end, window.name) for window in self.windows for begin, end in window.spans())
        for (_, end, one), (begin, _, other) in pairwise(spans):
            if begin < end:
                day, second = WEEK[begin // _DAY], begin % _DAY
                at = f"{day} {second // 3600:02}:{second // 60 % 60:02}"
                yield f"windows: {one} and {other} overlap on {at}; end one where the other begins"
                return


def _second(wall: time) -> int:
    return wall.hour * 3600 + wall.minute * 60 + wall.second
