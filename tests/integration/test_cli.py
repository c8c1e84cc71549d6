"""The command line: what each command prints, and by which code it ends."""

import asyncio
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer
import xxhash
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contracts.errors import BrokerUnavailableError, ConfigError, FencedError, LegacyFaultError
from contracts.keys import BUCKETS
from contracts.ports import LogRecord
from events.connection import Connection
from events.embedded import EmbeddedKafka
from events.log import KafkaLog
from events.topics import event_topic
from hub import discovery
from hub.cli import root

BANYAN = Path(sys.executable).with_name("banyan")
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "keys.md"
NAMESPACE = "cli"
FILE = "from adapters import {kind}\n\nadapter = {kind}.Adapter.example()\n"
FAILING = """
class Adapter:
    name = "failing"

    def configured(self, changes):
        return self

    async def check(self):
        return ["expected a registry, found none"]

    async def read(self, since):
        raise RuntimeError("Elfrun Igelkott is no number")
        yield


adapter = Adapter()
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the document that it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Return the JSON lines that it printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class World:
    """A settings file of two example adapters on an embedded broker."""

    folder: Path
    connection: Connection

    def run(self, *arguments: str, **environ: str) -> Ran:
        """Run a command with the settings of this world."""
        return banyan("--config", str(self.folder / "banyan.yaml"), *arguments, **environ)


def banyan(*arguments: str, **environ: str) -> Ran:
    """Run a command as the console script does, but in this process, where it takes milliseconds."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in {"COLUMNS": "500", **environ}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["banyan", *arguments])
        patch.setattr(sys.modules["__main__"], "__package__", None)  # else `python -m pytest` is the program's name
        with pytest.raises(SystemExit) as ended:
            root.main()
    return Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def write(folder: Path, connection: Connection, **adapters: str) -> World:
    """Write adapter files and settings."""
    (folder / "adapters").mkdir()
    for name, text in adapters.items():
        (folder / "adapters" / f"{name}.py").write_text(text)
    settings = {
        "namespace": NAMESPACE,
        "kafka": {"bootstrap_servers": connection.bootstrap_servers, "embedded": True},
        "adapters": {"files": [str(folder / "adapters")]},
        "archive": {"url": str(folder / "archive")},
        "data": str(folder / "data"),
    }
    (folder / "banyan.yaml").write_text(yaml.safe_dump(settings))
    return World(folder, connection)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands set up the logging of their process, which is this one."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with EmbeddedKafka() as connection:
        yield write(tmp_path, connection, batch=FILE.format(kind="batch"), soap=FILE.format(kind="soap"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose adapters have published what they have."""
    with EmbeddedKafka() as connection:
        folder = tmp_path_factory.mktemp("published")
        there = write(folder, connection, batch=FILE.format(kind="batch"), soap=FILE.format(kind="soap"))
        for name in ("residents-file", "members"):
            assert there.run("adapter", "run", name, "--once").code == 0
        yield there


async def append(connection: Connection, topic: str, records: Sequence[LogRecord]) -> None:
    """Write records as somebody else might."""
    async with KafkaLog(connection) as log:
        await log.append(topic, records)


def commands() -> list[Sequence[str]]:
    """Return every command with its groups."""

    def below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        for name, inner in getattr(command, "commands", {}).items():
            yield from below(inner, (*path, name))

    return list(below(typer.main.get_command(root.app), ()))


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_says_what_it_does(path: Sequence[str]) -> None:
    ran = banyan(*path, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.lstrip().startswith(" ".join(["Usage: banyan", *path]))
    assert re.search(r"\n  \S.*[.:;)]", ran.out)


def test_the_console_script_is_ours() -> None:
    ran = subprocess.run([BANYAN, "--help"], capture_output=True, text=True, check=True, timeout=60)

    assert ran.stdout.lstrip().startswith("Usage: banyan")


def test_the_console_script_ends_with_2_and_a_sentence_for_each_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "banyan.yaml").write_text("namespase: x\nlog_level: y\n")

    ran = subprocess.run(
        [BANYAN, "adapter", "list"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert [line.split(": ")[:2] for line in sorted(ran.stderr.splitlines())] == [
        ["banyan", "banyan.yaml:1"],
        ["banyan", "banyan.yaml:2"],
    ]


@pytest.mark.parametrize("arguments", [["nonsense"], ["adapter", "run"], ["key", "bucket", "1"], ["run", "--once"]])
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    ran = banyan(*arguments)

    assert ran.code == 2
    assert "Usage: banyan" in ran.err


@given(key=st.text(st.characters(exclude_categories=["Cs", "Cc"])).filter(lambda key: key[:1] != "-"))
def test_a_bucket_is_what_the_formula_says(key: str) -> None:
    expected = xxhash.xxh32(f"{key}:benefits-2026".encode(), seed=0).intdigest() % 10_000

    assert banyan("key", "bucket", "--salt", "benefits-2026", key, "--json").json == {key: expected}
    assert 0 <= expected < BUCKETS


def test_buckets_agree_with_the_published_vectors() -> None:
    rows = re.findall(
        r"^\| (\(empty\)|`[^`]+`) \| `([^`]+)` \| (\d+) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE
    )
    vectors = [("" if key == "(empty)" else key.strip("`"), salt, int(bucket)) for key, salt, bucket in rows]

    assert len(vectors) >= 5
    for key, salt, bucket in vectors:
        assert banyan("key", "bucket", "--salt", salt, key, "--json").json == {key: bucket}


def test_keys_are_shown_as_they_are_whatever_brackets_and_colons_they_have() -> None:
    ran = banyan("key", "bucket", "--salt", "a", "[/x]", "[red]y", ":key:", "1")

    assert [line.split()[0] for line in ran.out.splitlines()] == ["key", "[/x]", "[red]y", ":key:", "1"]


@pytest.mark.parametrize("salt", ["", "a b", "ä", "a:b"])
def test_a_salt_that_is_none_ends_with_2(salt: str) -> None:
    ran = banyan("key", "bucket", "--salt", salt, "12345")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"banyan: --salt: salt {salt!r}: expected one or more of A-Z a-z 0-9 . _ -\n"


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
    assert banyan("run").err == "banyan: no adapters to run; name files in adapters.files\n"
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

    assert first.json == {
        "residents-file": {"events": 24, "dead_letters": 1, "transactions": 1, "topics": {"cli.residents": 24}}
    }
    assert second.json == {"residents-file": {"events": 0, "dead_letters": 0, "transactions": 0, "topics": {}}}
    assert len(list((world.folder / "archive").rglob("*/*"))) >= 1


def test_a_run_says_its_counts_to_people(world: World) -> None:
    ran = world.run("run", "members", "residents-file")

    assert [line.split() for line in ran.out.splitlines()[1:]] == [
        ["members", "2", "0", "1"],
        ["residents-file", "24", "1", "1"],
    ]
    assert (ran.code, ran.err) == (0, "")


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


def test_once_is_refused_where_an_adapter_can_not_end(world: World) -> None:
    refusing = FAILING.replace("return self", "raise ValueError('unknown')")
    (world.folder / "adapters" / "failing.py").write_text(refusing)

    ran = world.run("adapter", "run", "failing", "--once")

    assert (ran.code, ran.err) == (2, "banyan: failing: --once: it can't end by itself; it has no setting `once`\n")


def test_events_are_masked(published: World) -> None:
    found = published.run("events", "tail", "residents", "--json").lines

    assert len(found) == 24
    assert {event["key"] for event in found} == {"***"}
    assert [event["data"] for event in found if event["data"]["status"] not in {"active", "closed"}] == []
    assert {event["data"]["name"] for event in found} == {event["data"]["balance"] for event in found} == {"***"}
    assert all(event["id"].startswith("file:") and event["source"] == "/banyan/cli/residents-file" for event in found)
    assert "RESIDENT 7" not in published.run("events", "tail", "residents").out


def test_events_are_shown_whole_where_that_is_asked_for(published: World) -> None:
    found = published.run("events", "tail", "residents", "--unmask", "--json").lines

    assert {event["key"] for event in found} == {str(number) for number in range(2, 26)}
    assert {json.loads(event["data"])["name"] for event in found} == {f"RESIDENT {number}" for number in range(2, 26)}
    assert "RESIDENT 7" in published.run("events", "tail", "residents", "--unmask").out


def test_tail_ends_after_so_many(published: World) -> None:
    assert len(published.run("events", "tail", "residents", "--limit", "3").out.splitlines()) == 3
    assert len(published.run("events", "tail", "members", "-n", "1", "--follow", "--json").lines) == 1
    assert published.run("events", "tail", "residents", "--limit", "0").code == 2


def test_events_of_an_unknown_contract_are_masked_whole(world: World) -> None:
    attributes = {"specversion": "1.0", "id": "1", "source": "/x", "type": "org.example.secret.v1"}
    foreign = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    resident = [*foreign[:3], ("ce_type", b"org.example.resident.registered.v1")]
    records = [
        LogRecord(key=b"42", value=b'{"name":"Elfrun"}', headers=foreign),
        LogRecord(key=b"42", value=None, headers=foreign),
        LogRecord(key=b"42", value=b"Elfrun", headers=[("content-type", b"text/plain")]),
        LogRecord(key=b"42", value=b'{"name":"Elfrun"}', headers=resident),
    ]
    asyncio.run(append(world.connection, event_topic(NAMESPACE, "foreign").name, records))

    first, second, third, fourth = world.run("events", "tail", "foreign", "--json").lines

    assert first["data"] == "*** (17 bytes)"
    assert second["data"] is None
    assert third["type"] == "no CloudEvent"
    assert re.fullmatch(r"\*\*\* \(\d fields against the contract\)", fourth["data"])
    assert "Elfrun" not in str([first, second, third, fourth])


def test_dead_letters_are_listed_without_their_content(published: World) -> None:
    [letter] = published.run("dlq", "list", "--json").json

    assert (letter["owner"], letter["error"], letter["bytes"]) == ("residents-file", "RecordError", 40)
    assert letter["reason"].startswith("RES-BALANCE: expected")
    assert published.run("dlq", "list", "residents-file", "--json").json == [letter]
    assert letter["reason"] in published.run("dlq", "list").out


def test_a_dead_letter_shows_its_bytes_only_where_that_is_asked_for(published: World) -> None:
    [letter] = published.run("dlq", "list", "--json").json
    show = ("dlq", "show", "residents-file", letter["id"])

    masked, whole = published.run(*show, "--json").json, published.run(*show, "--unmask", "--json").json

    raw = bytes.fromhex(whole["value"])
    assert "RESIDENT 1" in raw.decode("cp037")
    assert re.fullmatch(r"\*\*\* \(40 bytes, sha256 [0-9a-f]{16}\)", masked["value"])
    assert masked["key"] == "***"
    assert raw.hex()[:16] not in published.run(*show).out
    assert whole["value"] in published.run(*show, "--unmask").out


def test_unknown_dead_letters_end_with_2(published: World) -> None:
    assert (
        published.run("dlq", "list", "nobody").err
        == "banyan: 'nobody' has no dead letters; there are: residents-file\n"
    )
    assert published.run("dlq", "show", "residents-file", "9:9").code == 2


def test_no_dead_letters_are_told(world: World) -> None:
    assert world.run("dlq", "list").out == "no dead letters\n"


def test_the_last_trace_and_one_by_its_id_are_shown(published: World) -> None:
    last = published.run("trace", "--last", "--json")
    found = published.run("events", "tail", "residents", "--limit", "1", "--json").lines[0]
    trace_id = found["traceparent"].split("-")[1]

    one = published.run("trace", trace_id)

    assert (last.code, one.code) == (0, 0)
    assert last.json
    assert f"Trace {trace_id}" in one.out
    assert "send residents-file" in one.out
    assert "RESIDENT 7" not in one.out


def test_a_trace_is_named_by_one_way(published: World) -> None:
    for arguments in (["trace"], ["trace", "0" * 32, "--last"]):
        assert published.run(*arguments).err == "banyan: trace: give a trace id, or --last\n"
    assert "is not stored in" in published.run("trace", "0" * 32).err


def test_where_no_traces_are_that_is_told(world: World) -> None:
    ran = world.run("trace", "--last")

    assert (ran.code, ran.err) == (2, f"banyan: trace: no traces are stored yet in {world.folder}/data/traces.sqlite\n")


def test_a_broker_that_is_not_there_ends_with_1(published: World) -> None:
    nowhere = {"BANYAN_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "BANYAN_KAFKA__REQUEST_TIMEOUT": "1"}

    for command in (["events", "tail", "residents"], ["dlq", "list"]):
        ran = published.run(*command, **nowhere)
        assert (ran.code, ran.out) == (1, "")
        assert "embedded Kafka: not available" in ran.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError(["first", "second"]), 2, "banyan: first\nbanyan: second\n"),
        (FencedError("a", instance="1", newer="2"), 3, "banyan: a: instance 1 stopped: "),
        (BrokerUnavailableError("Kafka", reason="closed"), 1, "banyan: Kafka: not available: closed\n"),
        (LegacyFaultError("registry", code="Client", text="Elfrun"), 1, "banyan: registry: fault Client\n"),
    ],
)
def test_an_error_ends_the_process_with_its_code(
    error: Exception, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command() -> None:
        raise error

    monkeypatch.setattr(root, "app", command)

    ran = banyan()

    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(said)


def test_what_ends_well_ends_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root, "app", lambda: None)

    assert banyan() == Ran(0, "", "")


def test_an_adapter_that_was_fenced_ends_with_3_and_one_that_failed_besides_with_1(world: World) -> None:
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

    assert world.run("run", "a", "members").code == 3
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

    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["members"]["events"] == 2


def test_progress_is_shown_on_a_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def terminal(*, stderr: bool) -> Console:
        return Console(stderr=stderr, force_terminal=True, width=80)

    monkeypatch.setattr("hub.cli.adapter.Console", terminal)

    ran = world.run("adapter", "run", "members", "--once", "--json")

    assert ran.json["members"]["events"] == 2
    assert "members: 2 events published" in ran.err
