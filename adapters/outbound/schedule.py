"""When a file ends and the next begins. Pure: the time is given."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Cut", "Due"]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}, such as Europe/Berlin") from error
    return name


def _clock(given: object) -> object:
    """Refuse numbers: YAML reads 18:00 without quotes as one."""
    if isinstance(given, int | float):
        raise ValueError('expected a time of the day in quotes: "18:00"')  # noqa: TRY004 - pydantic takes this one
    return given


Clock = Annotated[time, BeforeValidator(_clock)]


class Due(BaseModel):
    """A cut that is due."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    """When it was to be; later cuts count from there."""
    business_date: date
    """The date of that moment in the zone of the cut."""


class Cut(BaseModel):
    """When a file ends; whichever comes first. Without any of it, on demand alone: `banyan outbound cut`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    at: tuple[Clock, ...] = ()
    """Times of the day, in `zone`: `["06:00", "18:00"]`. One that was missed is made up for once, with its own
    business date."""
    every: Annotated[timedelta, Field(gt=timedelta(0))] | None = None
    """So long after the cut before: `PT1H`."""
    records: int | None = Field(default=None, ge=1, le=10_000_000)
    """As soon as so many records are waiting; a file has at most so many, whatever else ends it."""
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """Time zone of `at` and of the business date."""
    empty: Literal["leave-out", "write"] = "leave-out"
    """What is cut at its time when no record is waiting: no file, or one of header and trailer alone."""

    def due(self, now: datetime, since: datetime) -> Due | None:
        """Return the newest cut that was due after `since` and not after `now`; both have a zone."""
        today = self.business_date(now)
        days = (today - timedelta(days=1), today)
        planned = (datetime.combine(day, each, ZoneInfo(self.zone)) for day in days for each in self.at)
        moments = [moment for moment in planned if since < moment <= now]
        if self.every is not None and since + self.every <= now:
            moments.append(now)
        if not moments:
            return None
        return Due(at=max(moments).astimezone(UTC), business_date=self.business_date(max(moments)))

    def business_date(self, moment: datetime) -> date:
        """Return the date of a moment in the zone."""
        return moment.astimezone(ZoneInfo(self.zone)).date()
