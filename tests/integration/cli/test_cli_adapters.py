"""The command line: adapters are listed, checked and run."""

import json
import os
import signal
import subprocess
import time
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from adapters.batch.example import COPYBOOK
from contracts.legacy.copybook import Codec, parse
from events.embedded import EmbeddedKafka
from hub import discovery
from tests.command_line import BANYAN, FAILING, World, banyan, write


def test_adapters_are_listed_with_what_they_publish(world: World) -> None:
    assert world.run("adapter", "list", "--json").json == [
        {
            "name": "members",
            "kind": "soap",
            "publishes": "org.banyan.example.member.registered.v1",
            "topic": "members",
        },
        {
            "name": "residents-file",
            "kind": "batch",
            "publishes": "org.example.resident.registered.v1",
            "topic": "residents",
        },
    ]
    assert [line.split()[:2] for line in world.run("adapter", "list").out.splitlines()] == [
        ["name", "kind"],
        ["members", "soap"],
        ["residents-file", "batch"],
    ]


def test_no_adapters_are_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert banyan("adapter", "list").out == "no adapters; name files in adapters.files\n"
    assert banyan("run").err == "banyan: no adapters to run; name files in adapters.files, or in outbound\n"
    assert banyan("run").code == 2


def test_a_broken_package_is_told_on_standard_error_and_leaves_the_document_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [EntryPoint(name="theirs", value="no_such_package:adapter", group=discovery.GROUP)]

    def entry_points(*, group: str) -> list[EntryPoint]:
        return [point for point in points if point.group == group]

    monkeypatch.setattr(discovery, "entry_points", entry_points)

    ran = world.run("adapter", "list", "--json")

    assert len(ran.json) == 2
    assert "adapter skipped" in ran.err


def test_check_says_ok_for_what_works(world: World) -> None:
    assert world.run("adapter", "check", "--json").json == {"members": [], "residents-file": []}
    assert world.run("adapter", "check", "members").out.split() == ["name", "result", "members", "ok"]


def test_check_ends_with_1_for_what_does_not(world: World) -> None:
    (world.folder / "adapters" / "failing.py").write_text(FAILING)

    ran = world.run("adapter", "check", "--json")

    assert ran.code == 1
    assert ran.json["failing"] == ["expected a registry, found none"]
    assert world.run("adapter", "check").code == 1


@pytest.mark.parametrize("command", [["adapter", "run"], ["adapter", "check"], ["run"]])
def test_an_unknown_adapter_is_told_with_those_that_there_are(world: World, command: list[str]) -> None:
    ran = world.run(*command, "nobody")

    assert (ran.code, ran.err) == (2, "banyan: no adapter 'nobody'; there are: members, residents-file\n")


def test_a_run_publishes_once_and_counts(world: World) -> None:
    first = world.run("adapter", "run", "residents-file", "--once", "--json")
    second = world.run("adapter", "run", "residents-file", "--once", "--json")

    published = {"events": 24, "dead_letters": 1, "transactions": 1, "topics": {"cli.residents": 24}, "held": 0}
    assert first.json == {"residents-file": published}
    assert second.json == {
        "residents-file": {"events": 0, "dead_letters": 0, "transactions": 0, "topics": {}, "held": 0}
    }
    assert len(list((world.folder / "archive").rglob("*/*"))) >= 1


def test_a_run_says_its_counts_to_people(world: World) -> None:
    ran = world.run("run", "members", "residents-file")

    assert [line.split() for line in ran.out.splitlines()[1:]] == [
        ["members", "2", "0", "1", "0"],
        ["residents-file", "24", "1", "1", "0"],
    ]
    told = [json.loads(line) for line in ran.err.splitlines()]
    assert ran.code == 0
    assert sorted((line["event"], line["source"], line["events"], line["dead_letters"]) for line in told) == [
        ("published", "members", 2, 0),
        ("published", "residents-file", 24, 1),
    ]


def test_a_file_that_is_held_is_counted_and_ends_a_run_once_with_1(world: World) -> None:
    (world.folder / "ragged.dat").write_bytes(b"xyz")
    settings = world.folder / "banyan.yaml"
    document = yaml.safe_load(settings.read_text())
    document["adapters"]["config"] = {"residents-file": {"path": str(world.folder / "ragged.dat"), "stable_for": 0}}
    settings.write_text(yaml.safe_dump(document))

    ran = world.run("adapter", "run", "residents-file", "--once", "--json")

    assert ran.code == 1
    assert ran.json["residents-file"]["held"] == 1
    assert "file held" in ran.err


def test_an_extract_that_a_guard_holds_is_published_once_somebody_says_why(world: World) -> None:
    extract = world.folder / "extract.dat"
    settings = world.folder / "banyan.yaml"
    document = yaml.safe_load(settings.read_text())
    snapshot = {"key": ["RES-ID"], "min_records": 9}
    config = {"path": str(extract), "stable_for": 0, "snapshot": snapshot}
    document["adapters"]["config"] = {"residents-file": config}
    settings.write_text(yaml.safe_dump(document))
    run = ("adapter", "run", "residents-file", "--once", "--json")
    extract.write_bytes(batch_records(2))

    held = world.run(*run)
    accepted = world.run(*run, "--accept", str(extract), "--reason", "only two are left")

    assert (held.code, held.json["residents-file"]["held"]) == (1, 1)
    assert "held by min_records" in held.err
    assert accepted.code == 0
    assert accepted.json["residents-file"]["events"] == 2
    assert "only two are left" in accepted.err


def batch_records(count: int) -> bytes:
    """Return residents as the example's copybook has them."""
    rows = [
        {"RES-ID": number, "RES-NAME": f"RESIDENT {number}", "RES-STATUS": "A", "RES-BALANCE": number}
        for number in range(count)
    ]
    return Codec(parse(COPYBOOK)).encode(rows)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("residents-file", "--accept", "gone.dat"), "into the setting `accept`"),
        (("members", "--accept", "gone.dat", "--reason", "x"), "it holds no files that could be accepted"),
        (
            ("members", "--reason", "x"),
            "--reason: it says why a file is accepted (--accept) or a record",
        ),
    ],
)
def test_what_can_not_be_accepted_is_wrong_usage(world: World, arguments: tuple[str, ...], told: str) -> None:
    ran = world.run("adapter", "run", *arguments)

    assert ran.code == 2
    assert told in ran.err


def test_one_that_fails_does_not_stop_the_others_and_its_words_stay_hidden(world: World) -> None:
    (world.folder / "adapters" / "failing.py").write_text(FAILING)

    ran = world.run("run", "--json")

    assert ran.code == 1
    assert {name: counts["events"] for name, counts in ran.json.items()} == {
        "failing": 0,
        "members": 2,
        "residents-file": 24,
    }
    assert "RuntimeError" in ran.err
    assert "failing.py:12 in read" in ran.err
    assert "Igelkott" not in ran.err


AWAY = """
from contracts.errors import LegacyUnavailableError


class Adapter:
    name = "away"
    asked = 0

    def configured(self, changes):
        return self

    async def check(self):
        return []

    async def read(self, since):
        Adapter.asked += 1
        raise LegacyUnavailableError("away", reason=f"asked {Adapter.asked} times")
        yield


adapter = Adapter()
"""


def test_a_run_once_ends_with_1_and_the_reason_where_the_service_stays_away(world: World) -> None:
    (world.folder / "adapters" / "away.py").write_text(AWAY)

    ran = world.run("adapter", "run", "away", "--once", "--json")

    assert ran.code == 1
    assert ran.json["away"]["events"] == 0
    assert ran.err.splitlines()[-1] == "banyan: away: not available: asked 3 times"
    assert world.run("health", "--json").json["sources"]["away"]["state"] == "failed"


def test_once_is_refused_where_an_adapter_can_not_end(world: World) -> None:
    refusing = FAILING.replace("return self", "raise ValueError('unknown')")
    (world.folder / "adapters" / "failing.py").write_text(refusing)

    ran = world.run("adapter", "run", "failing", "--once")

    assert (ran.code, ran.err) == (2, "banyan: failing: --once: it can't end by itself; it has no setting `once`\n")


def test_an_adapter_that_was_fenced_ends_with_4_and_one_that_failed_besides_with_1(world: World) -> None:
    """What failed may be started again; it would end at once where it is fenced."""
    fenced = FAILING.replace(
        'RuntimeError("Elfrun Igelkott is no number")', "FencedError('a', instance='1', newer='2')"
    )
    files = world.folder / "adapters"
    (files / "a.py").write_text("from contracts.errors import FencedError\n" + fenced.replace('"failing"', '"a"'))
    failed = FAILING.replace(
        'RuntimeError("Elfrun Igelkott is no number")', "ContractError('a', found='b', expected='c')"
    )
    (files / "b.py").write_text("from contracts.errors import ContractError\n" + failed.replace('"failing"', '"b"'))

    assert world.run("run", "a", "members").code == 4
    assert world.run("run", "a", "b", "members").code == 1


def test_a_process_that_is_told_to_stop_drains_and_ends_with_0(world: World) -> None:
    """SIGTERM while it waits for its source: what was read is published and counted."""
    config = '{"members": {"once": false, "interval": 0.2}}'
    environ = {**os.environ, "BANYAN_ADAPTERS__CONFIG": config, "BANYAN_CONFIG": str(world.folder / "banyan.yaml")}
    process = subprocess.Popen(
        [BANYAN, "run", "members", "--json"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        patience = time.monotonic() + 60
        while len(world.run("events", "tail", "members", "--json").out.splitlines()) < 2:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < patience
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == 0
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["published"]
    assert json.loads(out)["members"]["events"] == 2


def test_progress_is_shown_on_a_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def terminal(*, stderr: bool) -> Console:
        return Console(stderr=stderr, force_terminal=True, width=80)

    monkeypatch.setattr("hub.cli.adapter.Console", terminal)

    ran = world.run("adapter", "run", "members", "--once", "--json")

    assert ran.json["members"]["events"] == 2
    assert "members: 2 events published" in ran.err


SHOWN = """
from adapters import soap
from adapters.soap.example import CONFIG, Registry
from contracts.event import Event, Personal, Public


class MemberSeen(Event):
    type = "org.banyan.testing.member.seen.v1"
    topic = "members"

    member_id: Public[str]
    name: Personal[str]
    kind: Public[int]


adapter = soap.Adapter(
    CONFIG,
    model=MemberSeen,
    key="member_id",
    mapping={"member_id": "id", "name": "name", "kind": ("id", {"1": 1, "2": 2}.__getitem__)},
    opener=Registry({"1": "Ada", "2": "Grace", "3": "Elfrun"}),
)
"""


def test_check_shows_what_becomes_of_some_records_and_publishes_nothing(tmp_path: Path) -> None:
    with EmbeddedKafka() as connection:
        world = write(tmp_path, connection, soap=SHOWN)

        shown = world.run("adapter", "check", "members", "--show", "2", "--json").json
        table = world.run("adapter", "check", "members", "--show", "9")
        again = world.run("adapter", "check", "members", "--show", "9")

    event = {"type": "org.banyan.testing.member.seen.v1", "topic": "members", "key": "***"}
    data = {"member_id": "1", "name": "***", "kind": 1}
    assert shown["members"]["problems"] == []
    assert shown["members"]["shown"] == [
        {**event, "data": data},
        {**event, "data": data | {"member_id": "2", "kind": 2}},
    ]
    assert (table.code, table.out) == (0, again.out)  # as before: nothing is published, and nothing remembered
    assert "members: dead letter  {'reason': 'kind: expected a value that its converter takes (KeyError)'}" in table.out
    assert "Ada" not in table.out + str(shown)


def test_check_shows_records_of_a_file_too(world: World) -> None:
    shown = world.run("adapter", "check", "--show", "1", "--json").json

    assert [[each["type"] for each in shown[name]["shown"]] for name in ("members", "residents-file")] == [
        ["org.banyan.example.member.registered.v1"],
        ["org.example.resident.registered.v1"],
    ]
    # It was read, and still is what it was to the one that publishes it.
    assert world.run("adapter", "run", "residents-file", "--once", "--json").json["residents-file"]["events"] > 1


def test_what_is_not_well_is_not_read(tmp_path: Path) -> None:
    with EmbeddedKafka() as connection:
        ran = write(tmp_path, connection, failing=FAILING).run("adapter", "check", "--show", "1", "--json")

    assert ran.json == {"failing": {"problems": ["expected a registry, found none"], "shown": []}}
    assert ran.code == 1


def test_what_would_be_done_by_asking_is_not_asked(tmp_path: Path) -> None:
    unsafe = SHOWN.replace("    CONFIG,", '    CONFIG.model_copy(update={"operation_class": "unsafe"}),')
    with EmbeddedKafka() as connection:
        ran = write(tmp_path, connection, soap=unsafe).run("adapter", "check", "--show", "1")

    assert ran.code == 2
    assert "members: --show: the operation is unsafe, and to ask would be to do it" in ran.err
