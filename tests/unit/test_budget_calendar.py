"""Which window of a legacy system is open, also where clocks are changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.budget.calendar import next_change, rate_at, window_at
from contracts.budget.settings import WEEK, LegacySystem

MINUTE = timedelta(minutes=1)
YEARS_MINUTES = 2 * 365 * 24 * 60
SETS_OF_DAYS = [[day for place, day in enumerate(WEEK) if bits >> place & 1] for bits in range(1, 2 ** len(WEEK))]
moments = st.integers(0, YEARS_MINUTES).map(lambda number: datetime(2025, 1, 1, tzinfo=UTC) + number * MINUTE)


def system(*windows: dict[str, Any], zone: str = "Europe/Berlin") -> LegacySystem:
    """Return a system of 10 calls a second with these windows."""
    return LegacySystem.model_validate({"rate": 10, "zone": zone, "windows": windows})


def window(opens: str, closes: str, *days: str, rate: float = 0) -> dict[str, Any]:
    """Return a window; on all days without any."""
    return {"opens": opens, "closes": closes, "rate": rate} | ({"days": days} if days else {})


def open_minutes(of: LegacySystem, day: str) -> list[str]:
    """Return from when to when, in UTC, a window is open within 24 hours of a UTC day's beginning."""
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
    moments = [begin + number * MINUTE for number in range(24 * 60)]
    states = [window_at(of, moment) is not None for moment in moments]
    return [
        f"{moment:%H:%M}{'+' if now else '-'}"
        for moment, before, now in zip(moments[1:], states, states[1:], strict=False)
        if before != now
    ]


def test_a_window_is_open_on_its_days_as_the_clocks_of_its_zone_show() -> None:
    office = system(window("08:00", "17:30", "mon", "tue"))

    assert open_minutes(office, "2026-11-30") == ["07:00+", "16:30-"]  # a Monday in winter
    assert open_minutes(office, "2026-07-07") == ["06:00+", "15:30-"]  # a Tuesday in summer
    assert open_minutes(office, "2026-12-02") == []


def test_one_that_ends_before_it_begins_ends_on_the_next_day() -> None:
    night = system(window("22:00", "06:00", "fri"))

    assert open_minutes(night, "2026-12-04") == ["21:00+"]
    assert open_minutes(night, "2026-12-05") == ["05:00-"]
    assert open_minutes(night, "2026-12-06") == []


def test_one_that_ends_when_it_begins_is_open_for_a_day() -> None:
    assert open_minutes(system(window("06:00", "06:00", "sat")), "2026-12-05") == ["05:00+"]
    assert open_minutes(system(window("06:00", "06:00", "sat")), "2026-12-06") == ["05:00-"]


@pytest.mark.parametrize(
    ("day", "opens", "closes", "found"),
    [
        # Clocks go from 02:00 to 03:00 at 01:00 UTC.
        ("2026-03-29", "02:00", "04:00", ["01:00+", "02:00-"]),
        ("2026-03-29", "02:15", "02:45", []),
        ("2026-03-29", "01:30", "02:30", ["00:30+", "01:00-", "23:30+"]),
        # Clocks go from 03:00 back to 02:00 at 01:00 UTC.
        ("2026-10-25", "02:00", "03:00", ["02:00-"]),
        ("2026-10-25", "02:15", "02:45", ["00:15+", "00:45-", "01:15+", "01:45-"]),
        ("2026-10-25", "01:00", "04:00", ["03:00-"]),
    ],
)
def test_where_clocks_are_changed_a_window_is_what_they_show(
    day: str, opens: str, closes: str, found: list[str]
) -> None:
    assert open_minutes(system(window(opens, closes)), day) == found


def test_the_rate_is_that_of_the_window_and_else_the_system_s() -> None:
    of = system(window("22:00", "06:00", rate=50), window("12:00", "13:00", rate=0), zone="UTC")

    rates = [rate_at(of, datetime(2026, 12, 1, hour, tzinfo=UTC)) for hour in (0, 7, 12, 13, 22)]

    assert rates == [50, 10, 0, 10, 50]


def test_what_changes_next_is_known() -> None:
    office = system(window("08:00", "17:30", "mon"))
    friday = datetime(2026, 12, 4, 12, tzinfo=UTC)

    monday = next_change(office, friday)

    assert monday == datetime(2026, 12, 7, 7, tzinfo=UTC)
    assert next_change(office, datetime(2026, 12, 7, 7, tzinfo=UTC)) == datetime(2026, 12, 7, 16, 30, tzinfo=UTC)
    assert next_change(system(), friday) is None


@given(
    moments,
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.sampled_from(SETS_OF_DAYS),
    st.times(),
    st.times(),
)
def test_until_the_next_change_nothing_changes(
    at: datetime, zone: str, days: list[str], opens: Any, closes: Any
) -> None:
    of = system(window(str(opens.replace(microsecond=0)), str(closes.replace(microsecond=0)), *days), zone=zone)

    change = next_change(of, at)

    if change is None:
        assert (len(days), opens.replace(microsecond=0)) == (len(WEEK), closes.replace(microsecond=0))
        return
    assert window_at(of, change) is not window_at(of, at)
    steps = [at + (change - at) * share / 50 for share in range(50)]
    assert all(window_at(of, step) is window_at(of, at) for step in steps)
