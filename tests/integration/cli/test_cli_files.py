"""The command line: which files were delivered, and what became of each."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from events.embedded import EmbeddedKafka
from tests.command_line import FILE, World, write
from tests.payments import put


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world where a file was published, one came again, and one was held."""
    with EmbeddedKafka() as connection:
        folder = tmp_path_factory.mktemp("delivered")
        world = write(folder, connection, batch=FILE.format(kind="batch"), soap=FILE.format(kind="soap"))
        incoming = folder / "in"
        incoming.mkdir()
        data = b"\x40" * 40
        put(incoming / "RESIDENTS.D20260131", data)
        put(incoming / "RESIDENTS.D20260201", data)
        put(incoming / "RESIDENTS.D20260202", b"xyz")
        settings = folder / "banyan.yaml"
        document = yaml.safe_load(settings.read_text())
        document["archive"] = {"url": str(folder / "archive")}
        document["adapters"]["config"] = {
            "residents-file": {"path": str(incoming / "RESIDENTS.*"), "stable_for": 0, "dead_letter_share": 1}
        }
        settings.write_text(yaml.safe_dump(document))
        assert world.run("adapter", "run", "residents-file", "--once").code == 1
        yield world


def test_files_are_listed_with_what_became_of_them(delivered: World) -> None:
    listed = delivered.run("file", "list", "--json").json

    assert {row["file"]: (row["outcome"], row["read"], row["same_as"]) for row in listed} == {
        "RESIDENTS.D20260131": ("published", 1, None),
        "RESIDENTS.D20260201": ("duplicate", 0, "RESIDENTS.D20260131"),
        "RESIDENTS.D20260202": ("held", 0, None),
    }
    assert delivered.run("file", "list", "residents-file", "--json").json == listed


def test_a_held_file_is_listed_with_the_reason_and_the_next_step(delivered: World) -> None:
    out = delivered.run("file", "list", "residents-file", COLUMNS="120").out

    assert "RESIDENTS.D20260202: held: expected records of 40 bytes, found 3 bytes, 3 too many" in out
    assert "next step: mend the file or the settings, and start the adapter again; or take the file away" in out


def test_a_delivery_is_shown_by_what_people_have_of_it(delivered: World) -> None:
    (row,) = (each for each in delivered.run("file", "list", "--json").json if each["outcome"] == "published")

    for named in (row["delivery"], row["sha256"], row["stream"]):
        assert delivered.run("file", "show", named, "--json").json == row
    assert row["ledger_offset"] >= 0
    lines = delivered.run("file", "show", row["delivery"]).out.splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [
        ["delivery", row["delivery"]],
        ["adapter", "residents-file"],
        ["file", "RESIDENTS.D20260131"],
        ["sha256", row["sha256"]],
    ]


def test_an_event_is_shown_with_the_record_that_it_was_made_of(delivered: World) -> None:
    (row,) = (each for each in delivered.run("file", "list", "--json").json if each["outcome"] == "published")
    event_id = f"{row['stream']}:000000000000"

    masked = delivered.run("file", "show", event_id, "--json").json
    shown = delivered.run("file", "show", event_id, "--unmask", "--json").json

    assert masked == {**row, "record": 0, "offset": 0, "bytes": 40, "original": "*** (--unmask shows it)"}
    assert shown["original"] == "40" * 40
    assert (shown["fields"], shown["error"][:22]) == (None, "RES-ID: expected an un")


def test_a_record_that_is_not_there_is_told(delivered: World) -> None:
    (row,) = (each for each in delivered.run("file", "list", "--json").json if each["outcome"] == "published")

    ran = delivered.run("file", "show", f"{row['stream']}:000000000007")

    assert (ran.code, ran.err) == (2, "banyan: the file has no record of data 7\n")


def test_without_an_archive_that_is_told(delivered: World) -> None:
    (row,) = (each for each in delivered.run("file", "list", "--json").json if each["outcome"] == "published")

    path = delivered.folder / "banyan.yaml"
    before = path.read_text()
    path.write_text(
        yaml.safe_dump({name: value for name, value in yaml.safe_load(before).items() if name != "archive"})
    )

    try:
        shown = delivered.run("file", "show", f"{row['stream']}:000000000000", "--json").json
    finally:
        path.write_text(before)

    assert shown == {**row, "record": 0, "original": "no archive is configured: archive.url"}


def test_a_mended_record_is_tried_again_by_its_id(delivered: World) -> None:
    (letter,) = delivered.run("dlq", "list", "residents-file", "--json").json

    again = delivered.run(
        "adapter", "run", "residents-file", "--once", "--redrive", letter["id"], "--reason", "a look", "--json"
    )

    assert again.code == 1
    assert again.json["residents-file"]["still_rejected"] == 1
    assert "record still rejected" in again.err
    assert delivered.run("dlq", "list", "residents-file", "--json").json == [letter]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["residents-file", "--redrive", "9:9", "--reason", "x"], "residents-file has no dead letter '9:9'"),
        (["residents-file", "--redrive", "all"], "residents-file: redrive: a reason is needed"),
        (
            ["members", "--redrive", "all", "--reason", "x"],
            "members: --redrive: it reads no files; what its source gives again, mended",
        ),
    ],
)
def test_what_can_not_be_tried_again_is_told(delivered: World, arguments: list[str], problem: str) -> None:
    ran = delivered.run("adapter", "run", *arguments)

    assert ran.code == 2
    assert problem in ran.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["show", "0000"], "there is no delivery '0000'; see `banyan file list`"),
        (["list", "nobody"], "'nobody' has delivered nothing; there are: residents-file"),
    ],
)
def test_what_is_not_there_is_told(delivered: World, arguments: list[str], problem: str) -> None:
    ran = delivered.run("file", *arguments)

    assert (ran.code, ran.err) == (2, f"banyan: {problem}\n")


def test_a_beginning_that_two_deliveries_have_is_told_with_both(delivered: World) -> None:
    rows = delivered.run("file", "list", "--json").json
    published = next(row for row in rows if row["outcome"] == "published")

    ran = delivered.run("file", "show", published["sha256"][:6])

    assert ran.code == 2
    assert f"is one of {published['delivery']} of residents-file, {published['delivery']}:again-" in ran.err
    assert ran.err.endswith("of residents-file: say more of it\n")


def test_an_event_of_a_delivery_whose_name_begins_with_another_s_is_not_ambiguous(delivered: World) -> None:
    (row,) = (each for each in delivered.run("file", "list", "--json").json if each["outcome"] == "duplicate")

    shown = delivered.run("file", "show", f"{row['stream']}:000000000000", "--json").json

    assert (shown["delivery"], shown["record"]) == (row["delivery"], 0)


def test_of_two_adapters_that_read_the_same_file_one_is_named(tmp_path: Path) -> None:
    first = FILE.format(kind="batch")
    with EmbeddedKafka() as connection:
        world = write(tmp_path, connection, batch=first, copy=f"{first.rstrip()}.configured({{'name': 'second'}})\n")
        (tmp_path / "in").mkdir()
        put(tmp_path / "in" / "RESIDENTS.D20260131", b"\x40" * 40)
        settings = tmp_path / "banyan.yaml"
        document = yaml.safe_load(settings.read_text())
        reading = {"path": str(tmp_path / "in" / "RESIDENTS.*"), "stable_for": 0, "dead_letter_share": 1}
        document["adapters"]["config"] = {"residents-file": reading, "second": reading}
        settings.write_text(yaml.safe_dump(document))
        for name in ("residents-file", "second"):
            world.run("adapter", "run", name, "--once")
        row, other = world.run("file", "list", "--json").json
        event_id = f"{row['stream']}:000000000000"

        among = world.run("file", "show", event_id)
        shown = world.run("file", "show", event_id, "--adapter", "second", "--json").json

    assert row["stream"] == other["stream"]
    named = f"{row['delivery']} of residents-file, {row['delivery']} of second"
    assert among.err == f"banyan: {event_id!r} is one of {named}: name the --adapter\n"
    assert (shown["adapter"], shown["record"]) == ("second", 0)


def test_no_deliveries_are_told(tmp_path: Path) -> None:
    with EmbeddedKafka() as connection:
        world = write(tmp_path, connection, batch=FILE.format(kind="batch"), soap=FILE.format(kind="soap"))

        assert world.run("file", "list").out == "no files were delivered\n"
        assert json.loads(world.run("file", "list", "--json").out) == []
