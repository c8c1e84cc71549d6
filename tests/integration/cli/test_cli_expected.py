"""The command line: which files are expected, and what became of each day."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import yaml

from events.embedded import EmbeddedKafka
from hub.health import read
from tests.command_line import FILE, World, write
from tests.payments import put

TODAY = datetime.now(UTC).date()
LATE, LOST, SOON = (TODAY + timedelta(days=days) for days in (-3, -2, 2))


@pytest.fixture(scope="module")
def expecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world where one file was late, one is missing, and one is to come."""
    with EmbeddedKafka() as connection:
        folder = tmp_path_factory.mktemp("expecting")
        world = write(folder, connection, batch=FILE.format(kind="batch"), soap=FILE.format(kind="soap"))
        incoming = folder / "in"
        incoming.mkdir()
        put(incoming / f"RESIDENTS.D{LATE:%Y%m%d}", b"\x40" * 40, datetime.combine(LATE, time(9, 30), UTC))
        settings = folder / "banyan.yaml"
        document = yaml.safe_load(settings.read_text())
        document["adapters"]["config"] = {
            "residents-file": {
                "path": str(incoming / "RESIDENTS.*"),
                "stable_for": 0,
                "dead_letter_share": 1,
                "business_date": r"\.D(\d{8})$",
                "expected": {
                    "calendar": {"dates": [LATE, LOST, SOON]},
                    "window": {"opens": "05:00", "closes": "07:00"},
                    "grace": "PT1H",
                    "since": LATE,
                },
            }
        }
        settings.write_text(yaml.safe_dump(document))
        yield world


def moment(day: date, hour: int) -> str:
    """Return a time of a day as JSON has it."""
    return datetime.combine(day, time(hour), UTC).isoformat()


def test_the_calendar_is_shown_whether_or_not_the_adapter_ever_ran(expecting: World) -> None:
    rows = expecting.run("file", "expected", "--json").json

    assert [row["day"] for row in rows] == [str(LATE), str(LOST), str(SOON)]


def test_an_adapter_tells_once_and_the_calendar_shows_it(expecting: World) -> None:
    ran = expecting.run("adapter", "run", "residents-file", "--once", "--json").json["residents-file"]
    again = expecting.run("adapter", "run", "residents-file", "--once", "--json").json["residents-file"]

    assert (ran["events"], ran["topics"]) == (2, {"cli.deliveries": 2})
    assert again["events"] == 0
    told = expecting.run("events", "tail", "deliveries", "--json").lines
    assert {each["type"] for each in told} == {"org.banyan.file.late.v1", "org.banyan.file.missing.v1"}
    assert {each["id"].split(":")[1] for each in told} == {"residents-file"}

    rows = {row["day"]: row for row in expecting.run("file", "expected", "residents-file", "--json").json}
    late, lost, soon = (rows[str(day)] for day in (LATE, LOST, SOON))
    assert (late["state"], late["late_by_seconds"], late["files"][0]["standing"]) == ("late", 9000, "late")
    assert (late["opens"], late["closes"], late["overdue"]) == (moment(LATE, 5), moment(LATE, 7), moment(LATE, 8))
    assert (lost["state"], lost["reason"], lost["published"], lost["expected"]) == ("missing", "none", 0, 1)
    assert (soon["state"], soon["told_missing"], soon["files"]) == ("planned", None, [])

    lines = expecting.run("file", "expected").out.splitlines()
    assert lines[1].split() == [
        *("residents-file", str(LATE), "late", "1", "of", "1", f"{LATE:%m-%d}", "05:00", "to"),
        *(f"{LATE:%m-%d}", "07:00", "UTC", "2:30", "h", f"RESIDENTS.D{LATE:%Y%m%d}"),
    ]
    assert len(expecting.run("file", "expected", "--days", "2", "--json").json) == 2
    (entry,) = expecting.run("file", "list", "--json").json
    assert (entry["standing"], entry["late_by"], entry["counts_for"]) == ("late", "PT2H30M", str(LATE))
    assert expecting.run("health").code == 0
    assert read(expecting.folder / "data" / "health.json").sources["residents-file"].missing == (str(LOST),)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nobody", "no adapter 'nobody'; there are: members, residents-file"),
        ("members", "members: expects no files; set `expected` with a `window`"),
    ],
)
def test_what_is_not_expected_is_told(expecting: World, name: str, problem: str) -> None:
    ran = expecting.run("file", "expected", name)

    assert (ran.code, ran.err) == (2, f"banyan: {problem}\n")


def test_settings_that_do_not_fit_are_named(expecting: World, tmp_path: Path) -> None:
    document = yaml.safe_load((expecting.folder / "banyan.yaml").read_text())
    document["adapters"]["config"]["residents-file"]["expected"] = {"window": {"closes": "07:00"}, "zone": "Mars/Base"}
    (tmp_path / "banyan.yaml").write_text(json.dumps(document, default=str))

    ran = World(tmp_path, expecting.connection).run("file", "expected")

    assert ran.code == 2
    assert "adapters.config.residents-file.expected.zone: there is no time zone 'Mars/Base'" in ran.err
