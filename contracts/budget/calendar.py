"""Which window of a legacy system's calendar is open."""

from datetime import UTC, datetime, time, timedelta

from contracts.budget.settings import WEEK, CalendarWindow, LegacySystem

__all__ = ["next_change", "rate_at", "window_at"]

_DAYS = 8
"""A week and the rest of a day: whatever changes has changed by then."""


def window_at(system: LegacySystem, at: datetime) -> CalendarWindow | None:
    """Return the window that is open, by what the clocks of the system's zone show.

    An hour that they show twice is in a window twice, and one that they leave out never.
    """
    local = at.astimezone(system.place)
    today, yesterday = WEEK[local.weekday()], WEEK[local.weekday() - 1]
    return next((w for w in system.windows if _is_open(w, local.time(), today=today, yesterday=yesterday)), None)


def rate_at(system: LegacySystem, at: datetime) -> float:
    """Return the calls per second of this time of the week, before anything is kept free, counted or cut."""
    window = window_at(system, at)
    return system.rate if window is None else window.rate


def next_change(system: LegacySystem, at: datetime) -> datetime | None:
    """Return when another window, or none, is open next; None where that never happens."""
    now, local = window_at(system, at), at.astimezone(system.place)
    walls = {wall for window in system.windows for wall in (window.opens, window.closes)}
    moments = {
        datetime.combine(local.date() + timedelta(days=day), wall.replace(fold=fold), system.place).astimezone(UTC)
        for day in range(-1, _DAYS)
        for wall in walls
        for fold in (0, 1)
    }
    return next((each for each in sorted(moments) if each > at and window_at(system, each) is not now), None)


def _is_open(window: CalendarWindow, wall: time, *, today: str, yesterday: str) -> bool:
    if not window.wraps:
        return today in window.days and window.opens <= wall < window.closes
    return (today in window.days and wall >= window.opens) or (yesterday in window.days and wall < window.closes)
