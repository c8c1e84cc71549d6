"""Expected files: what is told when they are missing or late, once, and what is told when they are not."""

from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from observability.testing import recorded_metrics, recorded_spans
from tests import adapter_suite
from tests.nights import EXPECTED, Night, at, brief
from tests.payments import entries, folder_in, make, put, records


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that files arrive in."""
    return folder_in(tmp_path)


def outcome(name: str) -> dict[str, Any]:
    """Return the attributes of a measurement."""
    return {"banyan.source": "benefits", "banyan.outcome": name}


async def test_a_missing_file_is_told_once_after_the_grace(folder: Path) -> None:
    night = Night(folder)

    assert await night.looks("12 05:00", "12 07:00", "12 07:29") == []
    (event,) = await night.looks("12 07:30", "12 07:31", "12 12:00")
    assert event == {
        "what": "missing",
        "id": "expected:benefits:2026-01-12:missing",
        "adapter": "benefits",
        "day": "2026-01-12",
        "file": "BENEFITS.*",
        "opens": "2026-01-12T05:00:00Z",
        "closes": "2026-01-12T07:00:00Z",
        "overdue": "2026-01-12T07:30:00Z",
        "expected": 1,
        "published": 0,
        "put_aside": 0,
        "reason": "none",
    }
    assert await night.looks("12 12:01", "13 04:00") == []
    assert night.adapter.missing == ["2026-01-12"]


async def test_a_file_that_comes_after_all_is_told_late(folder: Path) -> None:
    night = Night(folder)
    await night.looks("12 05:00", "12 07:30")

    (event,) = await night.looks("12 08:00", night.file("12", "12 09:15"), "12 09:16")

    entry = entries(night.batches)["BENEFITS.D20260112"]
    assert event == {
        "what": "late",
        "id": f"expected:benefits:2026-01-12:late:{entry.id}",
        "adapter": "benefits",
        "day": "2026-01-12",
        "file": "BENEFITS.D20260112",
        "sha256": entry.sha256,
        "closes": "2026-01-12T07:00:00Z",
        "arrived": "2026-01-12T09:15:00Z",
        "late_by": "PT2H15M",
        "was_missing": True,
        "lacking": 0,
    }
    assert (entry.standing, entry.late_by, str(entry.counts_for)) == ("late", timedelta(minutes=135), "2026-01-12")
    assert night.adapter.missing == []
    assert await night.looks("12 09:17") == []


async def test_a_file_within_the_grace_is_late_and_not_missing(folder: Path) -> None:
    night = Night(folder)

    told = await night.looks("12 05:00", night.file("12", "12 07:10"), "12 07:30", "12 08:00")

    assert [(each["what"], each["late_by"], each["was_missing"]) for each in told] == [("late", "PT10M", False)]


async def test_files_in_time_tell_nothing_and_are_counted(folder: Path) -> None:
    night = Night(folder)

    with recorded_metrics() as metrics:
        told = await night.looks(
            "12 00:00", night.file("12", "12 06:00"), "12 08:00", night.file("13", "13 01:00"), "13 08:00"
        )

    assert told == []
    assert [entry.standing for entry in entries(night.batches).values()] == ["on time", "early"]
    assert metrics.value("banyan.files.expected", outcome("on_time")) == 1
    assert metrics.value("banyan.files.expected", outcome("early")) == 1
    assert metrics.value("banyan.files.missing", {"banyan.source": "benefits"}) == 0


async def test_what_is_missed_while_it_was_down_is_told_once_for_each_day(folder: Path) -> None:
    night = Night(folder)
    await night.looks("12 05:00", night.file("12", "12 06:00"), "12 08:00")
    put(folder / "BENEFITS.D20260113", records(5), at("13 06:30"))

    told = await night.looks("19 12:00", "19 12:01")

    # The 13th was in time by its time of modification, since nobody looked; the 17th and 18th are a weekend.
    assert brief(told) == [("missing", "14"), ("missing", "15"), ("missing", "16"), ("missing", "19")]
    assert entries(night.batches)["BENEFITS.D20260113"].standing == "on time"
    assert await night.looks("19 12:02") == []


async def test_a_time_of_modification_counts_only_for_what_was_there_at_the_start(folder: Path) -> None:
    night = Night(folder)
    preserved = ("12 09:00", lambda: put(folder / "BENEFITS.D20260112", records(1), at("12 06:00")))

    told = await night.looks("12 05:00", "12 07:10", preserved, "12 09:01")

    assert [(each["what"], each["late_by"]) for each in told] == [("late", "PT2H")]


async def test_days_before_the_first_run_are_not_told_unless_declared(folder: Path) -> None:
    first, declared = Night(folder), Night(folder, {**EXPECTED, "since": "2026-01-08"})

    assert brief(await first.looks("12 12:00")) == []
    assert brief(await declared.looks("12 12:00")) == [("missing", "08"), ("missing", "09"), ("missing", "12")]


async def test_no_more_than_a_year_is_told(folder: Path) -> None:
    night = Night(folder, {**EXPECTED, "since": "1999-01-01"})

    told = await night.looks("12 12:00")

    assert 255 <= len(told) <= 263
    assert min(each["day"] for each in told) == "2025-01-13"


async def test_another_calendar_tells_nothing_of_days_that_are_settled(folder: Path) -> None:
    night = Night(folder)
    await night.looks("12 05:00", night.file("12", "12 06:00"), "12 08:00")

    night.restart(expected={**EXPECTED, "files": 2})

    assert brief(await night.looks("12 09:00", "13 08:00")) == [("missing", "13")]


async def test_too_few_files_are_told_with_how_many_came(folder: Path) -> None:
    night = Night(folder, {**EXPECTED, "files": 2}, business_date=None)

    told = await night.looks("12 05:00", night.file("12", "12 06:00"), "12 08:00")

    assert [(each["expected"], each["published"], each["reason"]) for each in told] == [(2, 1, "too few")]


async def test_without_a_business_date_files_count_by_when_they_come(folder: Path) -> None:
    night = Night(folder, business_date=None)

    told = await night.looks(
        "12 00:00",
        night.file("01", "12 06:00"),
        night.file("02", "12 09:00"),
        "13 08:00",
        night.file("03", "13 09:00"),
        night.file("04", "14 05:00"),
        "14 08:00",
    )

    assert brief(told) == [("missing", "13"), ("late", "13")]
    standing = {
        each.file[-2:]: (each.standing, each.counts_for and each.counts_for.day)
        for each in entries(night.batches).values()
    }
    assert standing == {"01": ("on time", 12), "02": ("unexpected", None), "03": ("late", 13), "04": ("on time", 14)}


async def test_a_file_out_of_bounds_is_held_told_missing_and_let_through(folder: Path) -> None:
    night = Night(folder, {**EXPECTED, "min_records": 2, "max_bytes": 5})

    told = await night.looks("12 05:00", night.file("12", "12 06:00"), "12 08:00")

    held = entries(night.batches)["BENEFITS.D20260112"]
    assert held.outcome == "held"
    assert held.reason == (
        "BENEFITS.D20260112: held by max_bytes, min_records: "
        "expected at most 5 bytes and at least 2 records, found 11 bytes, 1 records"
    )
    assert held.sha256 is not None
    assert f"add {held.sha256[:12]} to the setting accept" in (held.next_step or "")
    assert [(each["what"], each["put_aside"], each["reason"]) for each in told] == [("missing", 1, "put aside")]

    night.restart(accept={held.sha256: "first week of the office, ticket 4711"})
    told = await night.looks("12 10:00")

    entry = entries(night.batches)["BENEFITS.D20260112"]
    assert [(each["what"], each["late_by"], each["was_missing"]) for each in told] == [("late", "PT3H", True)]
    assert (entry.outcome, entry.policy) == (
        "published",
        "max_bytes, min_records: accepted first week of the office, ticket 4711",
    )


async def test_a_file_within_its_bounds_is_published(folder: Path) -> None:
    put(folder / "BENEFITS.A", records(2))
    bounds = {"min_records": 2, "max_records": 2, "min_bytes": 22, "max_bytes": 22}

    batches = await adapter_suite.read(make(folder, {"expected": bounds}))

    assert [entry.outcome for entry in entries(batches).values()] == ["published"]
    assert not [each for each in batches if each.stream.startswith("expected:")]


async def test_a_location_that_does_not_answer_is_told_after_some_patience(folder: Path) -> None:
    night = Night(folder)
    await night.looks("12 05:00")
    back = night.moves(folder.with_name("away"))

    assert await night.looks("12 07:30") == []
    assert [each["reason"] for each in await night.looks("12 07:31")] == ["unreachable"]

    back()
    assert brief(await night.looks("12 07:32", night.file("12", "12 08:00"))) == [("late", "12")]


async def test_a_file_that_comes_to_rest_at_the_start_is_not_missing(folder: Path) -> None:
    night = Night(folder, stable_for=120, poll_interval=10)
    await night.looks("12 05:00")
    put(folder / "BENEFITS.D20260112", records(1), at("12 06:00"))

    assert await night.looks("12 08:00", "12 08:01", "12 08:02", "12 08:03") == []


async def test_what_is_told_is_seen_in_logs_spans_and_metrics(folder: Path) -> None:
    night = Night(folder)

    with capture_logs() as logs, recorded_spans() as spans, recorded_metrics() as metrics:
        await night.looks("12 05:00", "12 07:30", night.file("12", "12 09:00"))

    warned = [(each["event"], each["day"], each["reason"]) for each in logs if each["log_level"] == "warning"]
    assert warned == [("delivery missing", "2026-01-12", "none"), ("delivery late", "2026-01-12", "2:00:00 late")]
    expect = [span for span in spans if span.name == "expect benefits"]
    contexts = [span.get_span_context() for span in expect]
    assert [dict(span.attributes or {})["banyan.outcome"] for span in expect] == ["missing", "late"]
    traces = [format(context.trace_id, "032x") for context in contexts if context]
    events = [each for each in night.batches if each.stream == "expected:benefits" and each.events]
    assert [(each.traceparent or "").split("-")[1] for each in events] == traces
    assert metrics.value("banyan.files.expected", outcome("missing")) == 1
    assert metrics.value("banyan.files.expected", outcome("late")) == 1


@pytest.mark.parametrize("promise", adapter_suite.ABOUT_EXAMPLES, ids=lambda promise: str(promise.__name__))
async def test_an_adapter_that_expects_files_keeps_every_promise(folder: Path, promise: Callable[[Any], Any]) -> None:
    put(folder / "BENEFITS.D20260113", records(3), at("13 06:00"))
    put(folder / "BENEFITS.D20260114", records(4), at("14 09:00"))
    expected = {**EXPECTED, "since": "2026-01-12"}
    adapter = make(
        folder, {"business_date": r"\.D(\d{8})$", "expected": expected}, now=lambda: at("15 12:00").astimezone(UTC)
    )

    await promise(adapter)
