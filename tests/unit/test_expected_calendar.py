"""On which days a delivery is expected, and when its window is open."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.batch.expected.calendar import days, occurrences
from adapters.batch.expected.settings import Calendar, Expected, Window

DAY = timedelta(days=1)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

dates = st.dates(date(2023, 1, 1), date(2029, 12, 31))
holidays = st.frozensets(st.dates(date(2023, 1, 1), date(2029, 12, 31)), max_size=8)
calendars = st.builds(
    Calendar,
    working_week=st.frozensets(st.sampled_from(NAMES), min_size=1),
    holidays=holidays,
    weekdays=st.none() | st.frozensets(st.sampled_from(NAMES)),
    days_of_month=st.frozensets(st.sampled_from([-28, -2, -1, 1, 15, 29, 30, 31]), max_size=3),
    working_days=st.frozensets(st.sampled_from([-3, -1, 1, 2, 20]), max_size=2),
    dates=st.frozensets(dates, max_size=3),
    shift=st.sampled_from(["skip", "previous", "next"]),
)
walls = st.times().map(lambda wall: wall.replace(microsecond=0))
windows = st.builds(Window, opens=walls, closes=walls, days_after=st.integers(-10, 10)) | st.builds(
    Window, opens=walls, closes=walls, working_days_after=st.integers(0, 10)
)


def planned(calendar: Calendar, first: str, last: str) -> list[str]:
    """Return the expected days as text."""
    return [str(day) for day, _ in days(calendar, date.fromisoformat(first), date.fromisoformat(last))]


def window(day: str, opens: str, closes: str, zone: str = "Europe/Berlin", **more: int) -> tuple[str, str]:
    """Return when the window of a day opens and closes, in UTC."""
    declared = Window.model_validate({"opens": opens, "closes": closes, **more})
    calendar = Calendar(dates=frozenset({date.fromisoformat(day)}))
    (found,) = occurrences(
        Expected(window=declared, zone=zone, calendar=calendar), date.fromisoformat(day), date.fromisoformat(day)
    )
    return f"{found.opens:%m-%d %H:%M}", f"{found.closes:%m-%d %H:%M}"


def test_without_more_it_is_each_working_day() -> None:
    calendar = Calendar(holidays=frozenset({date(2026, 12, 25)}))

    assert planned(calendar, "2026-12-23", "2026-12-29") == ["2026-12-23", "2026-12-24", "2026-12-28", "2026-12-29"]


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        # Friday, 1 May 2026 is a holiday; 31 May is a Sunday.
        ("skip", ["2026-04-30", "2026-06-01"]),
        ("previous", ["2026-04-30", "2026-05-29", "2026-06-01"]),
        ("next", ["2026-04-30", "2026-05-04", "2026-06-01"]),
    ],
)
def test_first_and_last_of_the_month_are_shifted(shift: str, expected: list[str]) -> None:
    calendar = Calendar.model_validate({"days_of_month": [1, -1], "holidays": ["2026-05-01"], "shift": shift})

    assert planned(calendar, "2026-04-30", "2026-06-01") == expected


def test_a_holiday_shifts_a_day_of_the_week_and_a_weekend_does_not() -> None:
    calendar = Calendar.model_validate({"weekdays": ["thu", "sat"], "holidays": ["2026-01-01"], "shift": "previous"})

    assert planned(calendar, "2025-12-29", "2026-01-10") == ["2025-12-31", "2026-01-03", "2026-01-08", "2026-01-10"]


def test_working_days_are_counted_from_both_ends() -> None:
    calendar = Calendar.model_validate({"working_days": [1, -1], "holidays": ["2026-01-01", "2025-12-31"]})

    assert planned(calendar, "2025-12-01", "2026-01-31") == ["2025-12-01", "2025-12-30", "2026-01-02", "2026-01-30"]


@pytest.mark.parametrize(("year", "last"), [(2027, "2027-02-28"), (2028, "2028-02-29"), (2100, "2100-02-28")])
def test_the_last_day_of_february_is_there_in_every_year(year: int, last: str) -> None:
    calendar = Calendar.model_validate({"days_of_month": [-1], "working_week": NAMES, "shift": "skip"})

    assert planned(calendar, f"{year}-02-01", f"{year}-03-01") == [last]


def test_a_day_that_a_month_does_not_have_is_not_expected() -> None:
    calendar = Calendar.model_validate({"days_of_month": [30], "working_week": NAMES, "shift": "skip"})

    assert planned(calendar, "2027-01-30", "2027-03-30") == ["2027-01-30", "2027-03-30"]


def test_a_file_may_bear_the_day_before_the_shift() -> None:
    calendar = Calendar.model_validate({"days_of_month": [-1], "shift": "next"})

    assert list(days(calendar, date(2026, 5, 1), date(2026, 6, 30))) == [
        (date(2026, 6, 1), date(2026, 5, 31)),
        (date(2026, 6, 30), date(2026, 6, 30)),
    ]


def test_a_window_crosses_midnight() -> None:
    assert window("2026-01-15", "22:00", "02:00") == ("01-15 21:00", "01-16 01:00")
    assert window("2026-12-31", "22:00", "02:00") == ("12-31 21:00", "01-01 01:00")


def test_a_window_is_days_after_the_business_date() -> None:
    assert window("2026-01-16", "05:00", "07:00", days_after=1) == ("01-17 04:00", "01-17 06:00")
    assert window("2026-01-16", "05:00", "07:00", working_days_after=1) == ("01-19 04:00", "01-19 06:00")
    assert window("2026-01-16", "05:00", "07:00", days_after=-1) == ("01-15 04:00", "01-15 06:00")


def test_clocks_that_go_forward_lose_no_window() -> None:
    # 2026-03-29 has no 02:00 to 03:00 in Berlin; in UTC the change is at 01:00.
    assert window("2026-03-29", "02:10", "02:50") == ("03-29 00:10", "03-29 01:50")
    assert window("2026-03-29", "01:00", "03:00") == ("03-29 00:00", "03-29 01:00")


def test_clocks_that_go_back_make_a_window_longer() -> None:
    # 2026-10-25 has 02:00 to 03:00 twice.
    assert window("2026-10-25", "02:10", "02:50") == ("10-25 00:10", "10-25 01:50")


@settings(deadline=None, max_examples=50)
@given(calendars, dates, st.integers(0, 70), st.integers(0, 70))
def test_days_are_the_same_in_one_piece_and_in_two(calendar: Calendar, first: date, one: int, two: int) -> None:
    middle = first + one * DAY
    last = middle + (two + 1) * DAY

    whole = list(days(calendar, first, last))

    assert whole == [*days(calendar, first, middle), *days(calendar, middle + DAY, last)]
    assert whole == sorted(set(whole))
    assert all(first <= day <= last for day, _ in whole)
    assert len({day for day, _ in whole}) == len(whole)


@settings(deadline=None, max_examples=50)
@given(calendars, dates)
def test_nothing_is_expected_on_a_holiday(calendar: Calendar, first: date) -> None:
    assert not calendar.holidays & {day for day, _ in days(calendar, first, first + 60 * DAY)}


@settings(deadline=None, max_examples=50)
@given(calendars, dates)
def test_what_is_shifted_was_planned_for_a_day_off_and_comes_on_the_nearest_working_day(
    calendar: Calendar, first: date
) -> None:
    for day, plan in days(calendar, first, first + 60 * DAY):
        if day != plan:
            between = [
                min(day, plan) + n * DAY for n in range(abs(day - plan).days + 1) if min(day, plan) + n * DAY != day
            ]
            assert calendar.is_working_day(day)
            assert not any(map(calendar.is_working_day, between))
            assert (day > plan) == (calendar.shift == "next")


@settings(deadline=None, max_examples=50)
@given(calendars, windows, st.sampled_from(ZONES), dates)
def test_windows_open_before_they_close_in_every_zone(
    calendar: Calendar, window: Window, zone: str, first: date
) -> None:
    expected = Expected(calendar=calendar, window=window, zone=zone, grace=timedelta(minutes=5))

    found = list(occurrences(expected, first, first + 40 * DAY))

    assert all(each.opens < each.closes < each.overdue for each in found)
    assert all(one.overdue <= other.overdue for one, other in pairwise(found))
    assert all(each.closes - each.opens <= timedelta(hours=26) for each in found)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(ZONES), dates, walls, st.integers(1, 86_399))
def test_a_moment_within_the_wall_clock_window_is_within_the_window(
    zone: str, day: date, opens: time, seconds: int
) -> None:
    closes = (datetime.combine(day, opens) + timedelta(seconds=seconds)).time()
    expected = Expected(calendar=Calendar(dates=frozenset({day})), window=Window(opens=opens, closes=closes), zone=zone)

    (found,) = occurrences(expected, day, day)

    for fold in (0, 1):
        wall = datetime.combine(day, opens, ZoneInfo(zone)) + timedelta(seconds=seconds // 2)
        assert found.opens <= wall.replace(fold=fold).astimezone(UTC) <= found.closes


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"window": {"closes": "07:00"}, "zone": "Europe/Atlantis"}, "there is no time zone 'Europe/Atlantis' here"),
        ({"window": {"closes": "07:00"}, "zone": "../etc/passwd"}, "there is no time zone"),
        ({"window": {"closes": "07:00Z"}}, "without a zone of its own; set `zone`"),
        ({"window": {"closes": "07:00", "days_after": 1, "working_days_after": 1}}, "not both"),
        ({"grace": 60, "files": 2}, "files needs window; grace needs window"),
        ({"min_bytes": 2, "max_bytes": 1, "min_records": 2, "max_records": 1}, "min_bytes is above max_bytes; min_rec"),
        ({"window": {"closes": "07:00"}, "calendar": {"days_of_month": [-1]}}, "days_of_month needs shift"),
        ({"window": {"closes": "07:00"}, "calendar": {"working_days": [0]}}, "there is no day 0"),
        ({"window": {"closes": "07:00"}, "calendar": {"weekdays": ["monday"]}}, "calendar.weekdays"),
        ({"window": {"closes": "07:00"}, "calendar": {"holidays": ["2026-02-30"]}}, "calendar.holidays"),
        ({"window": {"closes": "07:00"}, "calender": {}}, "calender"),
    ],
)
def test_settings_that_do_not_fit_are_told(declared: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Expected.model_validate(declared)

    assert said in str(raised.value)


def test_holidays_that_leave_no_working_day_are_refused() -> None:
    month = [str(date(2026, 1, 1) + n * DAY) for n in range(45)]

    with pytest.raises(ValidationError, match="leave no working day within 31 days of 2026-01-01"):
        Calendar.model_validate({"holidays": month, "shift": "next"})
