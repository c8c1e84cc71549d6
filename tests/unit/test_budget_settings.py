"""What is said of a legacy system, and what of it is refused."""

from datetime import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.budget.settings import CalendarWindow, LegacySystem, Priorities
from contracts.document import read

NO_DAYS = list[str]()
NIGHT = {"opens": "22:00", "closes": "06:00", "rate": 50}


def refused(**given: Any) -> str:
    """Return why settings are refused."""
    with pytest.raises(ValidationError) as caught:
        LegacySystem.model_validate({"rate": 10, **given})
    return str(caught.value)


@pytest.mark.parametrize(
    ("said", "rate"), [("5/s", 5), ("300/min", 5), ("1800/h", 0.5), ("2.5 / s", 2.5), (7, 7), (0.25, 0.25)]
)
def test_a_rate_is_per_second_minute_or_hour(said: object, rate: float) -> None:
    assert LegacySystem.model_validate({"rate": said}).rate == rate


@pytest.mark.parametrize("said", ["5", "5/d", "-1/s", "fast", "", 0, -1, "0/s", 10_000_000])
def test_another_rate_is_refused(said: object) -> None:
    with pytest.raises(ValidationError, match="rate"):
        LegacySystem.model_validate({"rate": said})


def test_a_refused_rate_says_how_one_is_written() -> None:
    assert "expected calls per second, or such as 5/s, 300/min or 1000/h, found '5/d'" in refused(rate="5/d")


@pytest.mark.parametrize(("rate", "burst"), [("90/min", 1), ("20/s", 20), ("1/h", 1), (2.9, 2)])
def test_a_burst_is_a_second_s_worth_where_nobody_says_otherwise(rate: object, burst: int) -> None:
    assert LegacySystem.model_validate({"rate": rate}).most_at_once == burst
    assert LegacySystem.model_validate({"rate": rate, "burst": 3}).most_at_once == 3


def test_times_of_day_are_read_as_yaml_1_1_writes_them(tmp_path: Path) -> None:
    """Without quotes, 22:00 is the number 1320 there, and 06:00 a text."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "window: {opens: 22:00, closes: 06:00, rate: 1}\nother: {opens: 12:30:30, closes: '13:00', rate: 1}"
    )
    values = read(file, what="settings").values

    window = CalendarWindow.model_validate(values["window"])
    other = CalendarWindow.model_validate(values["other"])

    assert (window.opens, window.closes) == (time(22), time(6))
    assert (other.opens, other.closes) == (time(12, 30, 30), time(13))


@pytest.mark.parametrize("wall", ["24:00", 1440, "22:00+01:00", -1, 90_000, 2_000, "late"])
def test_another_time_of_day_is_refused(wall: object) -> None:
    assert "windows.0.opens" in refused(windows=[NIGHT | {"opens": wall}])


@pytest.mark.parametrize(
    ("windows", "overlap"),
    [
        ([NIGHT, {"opens": "05:00", "closes": "07:00", "rate": 1}], "daily 22:00-06:00 and daily 05:00-07:00"),
        (
            [NIGHT | {"days": ["sun"]}, {"days": ["mon"], "opens": "00:00", "closes": "01:00", "rate": 1}],
            "on mon 00:00",
        ),
        ([NIGHT, NIGHT], "overlap on"),
        ([{"opens": "08:00", "closes": "08:00", "rate": 1}, NIGHT | {"days": ["wed"]}], "on wed 22:00"),
    ],
)
def test_windows_that_overlap_are_refused_with_the_place(windows: list[dict[str, Any]], overlap: str) -> None:
    problem = refused(windows=windows)

    assert overlap in problem
    assert "end one where the other begins" in problem


def test_windows_that_touch_are_none_that_overlap() -> None:
    windows = [NIGHT, {"opens": "06:00", "closes": "22:00", "rate": 0}]

    system = LegacySystem.model_validate({"rate": 1, "windows": windows})

    assert [window.name for window in system.windows] == ["daily 22:00-06:00", "daily 06:00-22:00"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"reserve": "10/s"}, "reserve: 10/s leaves nothing of the rate of 10/s; choose less"),
        ({"reserve": 5, "windows": [NIGHT | {"rate": "5/s"}]}, "leaves nothing of 5/s in daily 22:00-06:00"),
        ({"zone": "Europe/Atlantis"}, "there is no time zone 'Europe/Atlantis' here; expected one such as"),
        ({"priorities": {"retry": 0, "poll": 0, "shadow": 0, "snapshot": 0}}, "priorities: all are 0"),
        ({"priorities": {"live": 1}}, "priorities.live"),
        ({"adaptation": {"floor": 0}}, "adaptation.floor"),
        ({"adaptation": {"cut": 1}}, "adaptation.cut"),
        ({"processes": 0}, "processes"),
        ({"burst": 0}, "burst"),
        ({"windows": [NIGHT | {"days": NO_DAYS}]}, "windows.0.days"),
        ({"windows": [NIGHT | {"days": ["tues"]}]}, "windows.0.days"),
    ],
)
def test_nonsense_is_refused_with_its_field(given: dict[str, Any], problem: str) -> None:
    assert problem in refused(**given)


def test_a_window_of_nobody_goes_with_a_reserve() -> None:
    assert LegacySystem.model_validate({"rate": 9, "reserve": 5, "windows": [NIGHT | {"rate": 0}]}).windows


def test_a_retry_goes_before_a_poll_a_shadow_and_a_snapshot() -> None:
    weights = Priorities().weights

    assert sorted(weights, key=lambda purpose: -weights[purpose]) == ["retry", "poll", "shadow", "snapshot"]
    assert all(weights.values())


def test_the_fingerprint_is_that_of_what_is_said() -> None:
    """In whatever order the days of a window stand in this process's memory."""
    one, same = (
        LegacySystem.model_validate({"rate": rate, "windows": [NIGHT | {"days": days}]})
        for rate, days in ((5, ["mon", "tue", "sun"]), ("300/min", ["sun", "tue", "mon"]))
    )

    assert one.fingerprint == same.fingerprint != LegacySystem(rate=5).fingerprint
