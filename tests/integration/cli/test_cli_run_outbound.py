"""`banyan run` sends outbound files beside the adapters, and `banyan health` tells how they are."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.outbound import CutFile
from contracts.errors import BrokerUnavailableError, ConfigError, LegacyUnavailableError
from events.batch_subscriber import BatchSubscriber
from events.connection import Connection
from hub import sending, wiring
from hub.health import read
from hub.sending import Sender
from hub.settings import Settings
from tests.command_line import BANYAN, NAMESPACE, World
from tests.integration.test_outbound import publish, sent
from tests.outbound_world import COPYBOOK, SPEC, built, collect, described, payment
from tests.sources import eventually

ROOT = Path(__file__).parents[3]


@pytest.fixture
def files(world: World) -> Path:
    """Let the hub of two adapters send payments, too, two a file."""
    folder = world.folder / "files"
    (folder / "out").mkdir(parents=True)
    (folder / "payments.cpy").write_text(COPYBOOK)
    (folder / "bank.yaml").write_text(yaml.safe_dump({**SPEC, "cut": {"records": 2}}))
    settings = yaml.safe_load((world.folder / "banyan.yaml").read_text())
    (world.folder / "banyan.yaml").write_text(yaml.safe_dump({**settings, "outbound": [str(folder)]}))
    return folder


@contextmanager
def running(world: World, *names: str) -> Generator["subprocess.Popen[str]", None, None]:
    """Run the hub in a process of its own."""
    environ = {**os.environ, "BANYAN_CONFIG": str(world.folder / "banyan.yaml"), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [BANYAN, "run", *names, "--json"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    """Wait until something holds, as long as the process runs."""
    patience = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < patience
        time.sleep(0.1)


def told(world: World) -> Any:
    """Return what `banyan health` tells of the outbound file; none before there is a report of it."""
    ran = world.run("health", "--json")
    return ran.json["outbound"].get("payments-to-bank") if ran.out else None


def test_a_run_has_adapters_and_outbound_files(world: World, files: Path) -> None:
    asyncio.run(publish(world.connection, NAMESPACE, [sent(payment(number), number) for number in range(3)]))

    with running(world) as process:
        until(lambda: [*(files / "out").glob("PAY.*.done")], process)
        until(lambda: told(world) and told(world)["delivered"] and told(world)["waiting"] == 1, process)
        health, shown = told(world), world.run("health").out
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert (health["ok"], health["state"], health["late"]) == (True, "collecting", [])
    assert health["file"] == next((files / "out").glob("PAY.*.done")).stem
    assert "payments-to-bank" in shown
    assert "residents-file" in shown
    ran = json.loads(out)
    assert ran["payments-to-bank"] == {"files": 1, "records": 2}
    assert (ran["members"]["events"], ran["residents-file"]["events"]) == (2, 24)


def test_a_run_of_some_is_of_these_alone(world: World, files: Path) -> None:
    assert list(world.run("run", "members", "--json").json) == ["members"]

    with running(world, "payments-to-bank") as process:
        until(lambda: told(world), process)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)

    assert (process.returncode, json.loads(out)) == (0, {"payments-to-bank": {"files": 0, "records": 0}})
    assert files.is_dir()


def test_a_name_that_is_none_of_both_is_told_with_all(world: World, files: Path) -> None:
    ran = world.run("run", "nobody")

    assert (ran.code, files.is_dir()) == (2, True)
    assert ran.err == "banyan: no adapter 'nobody'; there are: members, residents-file, payments-to-bank\n"


def test_an_adapter_and_an_outbound_file_of_one_name_are_refused(world: World, files: Path) -> None:
    (files / "bank.yaml").write_text(yaml.safe_dump({**SPEC, "name": "members"}))

    ran = world.run("run")

    assert ran.code == 2
    assert ran.err == "banyan: 'members' is an adapter and an outbound file; name one of them otherwise\n"


@pytest.fixture
def sender(embedded: Connection, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sender:
    monkeypatch.setattr(sending, "TEND_SECONDS", 0.02)
    monkeypatch.setattr(sending, "PAUSE_AFTER_ERROR", 0.02)
    given = Settings(namespace=namespace, kafka=embedded, data=tmp_path)
    return Sender(given, built(tmp_path, described(tmp_path, {"cut": {"records": 1}})))


async def test_a_file_that_is_kept_back_is_told_until_it_is_not(sender: Sender, tmp_path: Path) -> None:
    """The hub is well all the same: to start it again would help nobody."""
    collect(sender.outbound, [payment(1)])
    (tmp_path / "out").rename(tmp_path / "away")
    health = tmp_path / "health.json"

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(wiring.run({}, {"payments-to-bank": sender}, health=health))
        await eventually(lambda: sender.told().state == "kept back")
        kept = sender.told()
        (tmp_path / "away").rename(tmp_path / "out")
        await eventually(lambda: sender.told().delivered is not None)
        sender.stop()

    assert (kept.ok, kept.delivered) == (True, None)
    assert (kept.error or "").startswith(LegacyUnavailableError.__name__)
    report = read(health)
    assert report.problems(report.at) == []
    assert report.outbound["payments-to-bank"].state == "stopped"


async def test_kafka_that_is_away_at_the_start_is_waited_for(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSE_AFTER_ERROR", 0.3)
    tries: list[BatchSubscriber] = []
    real = BatchSubscriber.run

    async def away_once(self: BatchSubscriber, stop: asyncio.Event) -> None:
        tries.append(self)
        if len(tries) == 1:
            raise BrokerUnavailableError("kafka", reason="gone")
        await real(self, stop)

    monkeypatch.setattr(BatchSubscriber, "run", away_once)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sender.run())
        await eventually(lambda: sender.told().state == "backing off")
        away = sender.told()
        await eventually(lambda: sender.told().state == "collecting")
        sender.stop()

    assert (len(tries), away.ok, away.error) == (2, True, "BrokerUnavailableError: kafka: not available: gone")


async def test_one_that_fails_for_good_is_told_and_stops_no_other(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(before: datetime) -> None:
        raise OSError(f"disk, {before}")

    monkeypatch.setattr(sender.outbound.ledger, "purge", broken)
    health = tmp_path / "health.json"

    failed = await wiring.run({}, {"payments-to-bank": sender}, health=health)

    report = read(health)
    assert [type(error) for error in failed.values()] == [OSError]
    assert report.problems(report.at) == ["payments-to-bank: failed: OSError"]


async def test_a_password_that_is_refused_is_not_tried_again(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def refused() -> list[CutFile]:
        tries.append(1)
        raise ConfigError(["bank: AuthenticationException"])

    monkeypatch.setattr(sender.outbound, "tend", refused)

    with pytest.raises(ConfigError):
        await sender.run()

    assert (len(tries), sender.told().state, sender.told().ok) == (1, "failed", False)


async def test_answers_that_are_overdue_are_told(embedded: Connection, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    acknowledgement = {
        "path": tmp_path / "in" / "ACK.*",
        "file": {"copybook": tmp_path / "payments.cpy", "record": "HEAD", "framing": {"recfm": "FB"}},
        "sequence": "RUN",
        "status": "KIND",
        "accepted": ["A"],
        "within": "PT0.001S",
    }
    outbound = built(tmp_path, described(tmp_path, {"acknowledgement": acknowledgement}))
    collect(outbound, [payment(1)])
    outbound.cut()
    [file] = outbound.deliver()
    late = Sender(Settings(namespace=namespace, kafka=embedded, data=tmp_path), outbound)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(late.run())
        await eventually(lambda: bool(late.told().late))
        late.stop()

    assert (late.told().late, late.told().ok) == ((file.name,), True)
