import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import BrokerUnavailableError, ConfigError
from contracts.ports import Log, LogRecord
from routers.facade.accounting.tally import Tally
from routers.facade.process import member
from routers.facade.process.feed import Feed
from routers.facade.process.messages import Files, Start
from routers.facade.process.parent import Parent
from routers.facade.process.parts import Parts
from routers.facade.process.report import read
from routers.facade.process.spool import Spool
from routers.facade.settings import FacadeSettings
from routers.rulesets.ruleset import EMPTY, Ruleset
from tests.facade_worker import COMMAND
from tests.sources import eventually


class Kafka:
    """A log in memory, which may be away."""

    def __init__(self) -> None:
        self.away = False
        self.records: dict[str, list[LogRecord]] = {"decisions": [], "in-doubt": []}

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Log]:
        self._there()
        yield self

    async def append(self, topic: str, records: Sequence[LogRecord]) -> None:
        self._there()
        self.records[topic] += records

    def read(self, topic: str, *, since: datetime | None = None, follow: bool = False) -> AsyncIterator[LogRecord]:
        raise NotImplementedError

    async def latest(self, topic: str) -> Mapping[bytes, LogRecord]:
        raise NotImplementedError

    def _there(self) -> None:
        if self.away:
            raise BrokerUnavailableError("kafka", reason="away")


class Rulesets:
    """Versions without rules, as the test gives them out."""

    source, problems = "the test", ()

    def __init__(self, copy: Path) -> None:
        self._copy = copy
        self.ruleset = EMPTY
        self._tell: Callable[[bytes, int], None] | None = None

    def snapshot(self) -> bytes:
        return b"%d" % self.ruleset.version

    async def caught_up(self) -> None: ...

    async def run(self, tell: Callable[[bytes, int], None]) -> None:
        self._tell = tell
        await asyncio.Event().wait()

    def change(self, version: int, *, disk_is_full: bool = False) -> None:
        self.ruleset = Ruleset(version=version, hash="0" * 64)
        if not disk_is_full:
            self._copy.write_text(str(version))
        assert self._tell is not None
        self._tell(b"%d" % version, version)


class Facade:
    """A parent with stand-ins around it, and a caller."""

    def __init__(self, folder: Path, *, workers: int = 2, **settings: Any) -> None:
        self.folder = folder / "facade"
        self.kafka = Kafka()
        self.settings = FacadeSettings.model_validate(
            {
                "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "old"}},
                "backends": {"old": {"url": "http://127.0.0.1:9"}, "new": {"url": "http://127.0.0.1:9"}},
                "workers": workers,
                "limits": {"connections": 16},
                "probes": "127.0.0.1:0",
                **settings,
            }
        )
        self.spool = Spool(self.folder / "in-doubt")
        self.rulesets = Rulesets(self.folder / "ruleset.jsonl")
        self.feed = Feed(self.kafka.open, spool=self.spool, decisions="decisions", in_doubt="in-doubt")
        self.file = folder / "facade.json"
        self.parent = Parent(
            self.settings,
            data=self.folder,
            parts=Parts(rulesets=self.rulesets, feed=self.feed, spool=self.spool, tally=Tally()),
            report_file=self.file,
            make_start=self._start,
            command=COMMAND,
        )

    def _start(self, name: str, sockets: Mapping[str, int]) -> Start:
        return Start(
            name=name, settings=self.settings, sockets=sockets, data=self.folder, ruleset=self.folder / "ruleset.jsonl"
        )

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self.parent.crew.reports() if worker.state == "serving"]

    async def get(self, path: str, *, at: str = "main") -> dict[str, Any]:
        return await get(self.parent.addresses[at], path)


async def get(address: str, path: str) -> dict[str, Any]:
    """Call, and return the JSON that was answered."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % path.encode())
        answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        raise ConnectionResetError
    return {"status": int(head.split()[1]), **json.loads(body)}


@asynccontextmanager
async def running(facade: Facade) -> AsyncGenerator[Facade]:
    task = asyncio.create_task(facade.parent.run())
    try:
        waiting = asyncio.create_task(facade.parent.crew.all_serve.wait())
        await asyncio.wait([task, waiting], timeout=30, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()
        assert facade.pids
        yield facade
    finally:
        facade.parent.drain()
        async with asyncio.timeout(20):
            await task


async def test_two_workers_share_a_listener_and_health_tells_of_them(tmp_path: Path) -> None:
    async with running(Facade(tmp_path)) as facade:
        answers = [await facade.get("/pid") for _ in range(10)]
        ready, live = await facade.get("/readyz", at="probes"), await facade.get("/livez", at="probes")
        await eventually(lambda: len(facade.kafka.records["decisions"]) == 10)
        await eventually(lambda: [worker.state for worker in read(facade.file).workers] == ["serving"] * 2)
        report = read(facade.file)

        assert {answer["pid"] for answer in answers} <= set(facade.pids)
        assert (ready["status"], live["status"]) == (200, 200)
        assert report.addresses == facade.parent.addresses
        assert report.problems(datetime.now(UTC)) == [
            "there is no ruleset: every call is answered by its listener's legacy backend"
        ]
    assert read(facade.file).draining
    assert Files(facade.folder).left_over() == []


async def test_a_ruleset_is_acknowledged_by_every_worker_and_known_to_a_new_one(tmp_path: Path) -> None:
    async with running(Facade(tmp_path)) as facade:
        facade.rulesets.change(7)
        await asyncio.wait_for(facade.parent.everywhere(7), 5)
        assert {(await facade.get("/pid"))["version"] for _ in range(10)} == {7}
        assert 0 < facade.parent.crew.slowest_ms < 1000

        victim = facade.pids[0]
        os.kill(victim, signal.SIGKILL)
        await eventually(lambda: len(facade.pids) == 2 and victim not in facade.pids)

        await asyncio.wait_for(facade.parent.everywhere(7), 5)
        assert [worker.version for worker in facade.parent.crew.reports()] == [7, 7]


async def test_a_new_worker_is_given_the_ruleset_that_the_disk_did_not_take(tmp_path: Path) -> None:
    async with running(Facade(tmp_path, workers=1)) as facade:
        facade.rulesets.change(7)
        facade.rulesets.change(8, disk_is_full=True)
        victim = facade.pids[0]
        os.kill(victim, signal.SIGKILL)
        await eventually(lambda: facade.pids not in ([], [victim]))

        await asyncio.wait_for(facade.parent.everywhere(8), 5)
        assert (await facade.get("/version"))["version"] == 8


async def test_while_one_worker_is_killed_the_other_answers_and_a_third_takes_its_place(tmp_path: Path) -> None:
    async with running(Facade(tmp_path)) as facade:
        victim = facade.pids[0]
        answered, cut = 0, 0
        os.kill(victim, signal.SIGKILL)
        async with asyncio.timeout(20):
            while victim in facade.pids or len(facade.pids) < 2:
                try:
                    await facade.get("/pid")
                    answered += 1
                except OSError:
                    cut += 1
                await asyncio.sleep(0.002)

        assert answered > 10
        assert cut <= 1  # accepted by the dead
        assert sorted(worker.restarts for worker in facade.parent.crew.reports()) == [0, 1]


async def test_an_unsafe_call_of_a_killed_worker_is_in_doubt_in_kafka(tmp_path: Path) -> None:
    async with running(Facade(tmp_path, workers=1)) as facade:
        calling = asyncio.create_task(facade.get("/unsafe"))
        await eventually(lambda: facade.parent.crew.reports()[0].in_flight == 1)
        os.kill(facade.pids[0], signal.SIGKILL)

        with pytest.raises(ConnectionError):
            await calling
        await eventually(lambda: bool(facade.kafka.records["in-doubt"]))
        assert [record.key for record in facade.kafka.records["in-doubt"]] == [b"r1"]
        assert facade.parent.report().lost == {"unsafe": 1}
        await eventually(lambda: len(facade.spool) == 0)


async def test_while_kafka_is_away_what_is_in_doubt_waits_on_the_disk(tmp_path: Path) -> None:
    facade = Facade(tmp_path, workers=1)
    facade.kafka.away = True
    async with running(facade):
        await facade.get("/doubt")
        await eventually(lambda: len(facade.spool) == 1)
        await eventually(lambda: facade.feed.kafka == "away")
        assert "Kafka is away: 1 in-doubt records wait on the disk" in facade.parent.report().problems(
            datetime.now(UTC)
        )
        assert (await facade.get("/readyz", at="probes"))["status"] == 200

    async with running(Facade(tmp_path, workers=1)) as again:
        await eventually(lambda: bool(again.kafka.records["in-doubt"]))
        assert [record.key for record in again.kafka.records["in-doubt"]] == [b"r2"]
        await eventually(lambda: len(again.spool) == 0)


async def test_decision_records_reach_kafka_or_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(Facade(tmp_path, workers=1)) as facade:
        await facade.get("/pid")
        await eventually(lambda: facade.kafka.records["decisions"] == [LogRecord(key=None, value=b"decision")])

        facade.kafka.away = True
        await facade.get("/pid")
        await eventually(lambda: facade.feed.dropped == 1)
        monkeypatch.setattr(facade.feed, "_backlog_bytes", 10)
        for _ in range(3):
            await facade.get("/pid")
        await eventually(lambda: facade.feed.dropped >= 3)


async def test_a_worker_that_hangs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "SILENT_SECONDS", 1.0)
    async with running(Facade(tmp_path, workers=1)) as facade:
        victim = facade.pids[0]
        with pytest.raises(ConnectionError):
            await facade.get("/hang")

        await eventually(lambda: facade.pids not in ([], [victim]))


async def test_a_worker_that_dies_again_and_again_is_tried_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facade = Facade(tmp_path, workers=1)
    monkeypatch.setattr(facade.parent.crew, "_command", (sys.executable, "-c", "raise SystemExit(3)"))
    task = asyncio.create_task(facade.parent.run())

    await eventually(lambda: facade.parent.crew.reports()[0].restarts >= 3)
    assert (await facade.get("/readyz", at="probes")) == {"status": 503, "ok": False, "problems": ["no worker serves"]}
    monkeypatch.setattr(facade.parent.crew, "_command", COMMAND)
    await eventually(lambda: bool(facade.pids))

    facade.parent.drain()
    await task


async def test_draining_finishes_the_calls_in_flight_and_takes_no_more(tmp_path: Path) -> None:
    facade = Facade(tmp_path, workers=1)
    async with running(facade):
        calling = asyncio.create_task(facade.get("/unsafe"))
        await eventually(lambda: facade.parent.crew.reports()[0].in_flight == 1)
        facade.parent.drain()

        ready = await facade.get("/readyz", at="probes")
        assert (ready["status"], ready["problems"]) == (503, ["the façade drains"])
        assert not calling.done()
        (facade.folder / "go").touch()
        assert (await calling)["status"] == 200
    assert facade.kafka.records["in-doubt"] == []
    with pytest.raises(ConnectionError):
        await facade.get("/pid")


async def test_a_second_order_to_stop_ends_at_once_and_tells_what_is_in_doubt(tmp_path: Path) -> None:
    async with running(Facade(tmp_path, workers=1)) as facade:
        calling = asyncio.create_task(facade.get("/unsafe"))
        await eventually(lambda: facade.parent.crew.reports()[0].in_flight == 1)
        facade.parent.drain()
        facade.parent.drain()
        with pytest.raises(ConnectionError):
            await calling

    assert [record.key for record in facade.kafka.records["in-doubt"]] == [b"r1"]


async def test_a_worker_that_does_not_leave_in_time_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routers.facade.process.crew._PATIENCE_SECONDS", 0.2)
    async with running(Facade(tmp_path, workers=1, times={"drain": 0.1})) as facade:
        calling = asyncio.create_task(facade.get("/unsafe"))
        await eventually(lambda: facade.parent.crew.reports()[0].in_flight == 1)
        facade.parent.drain()
        with pytest.raises(ConnectionError):
            await calling
    assert [record.key for record in facade.kafka.records["in-doubt"]] == [b"r1"]


async def test_a_taken_port_and_a_second_facade_are_refused_by_name(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        facade = Facade(tmp_path, listeners={"front": {"address": place, "legacy": "old"}})
        with pytest.raises(ConfigError, match=rf"listeners\.front: {place} is taken by another process"):
            await facade.parent.run()
        probes = Facade(tmp_path, probes=place)
        with pytest.raises(ConfigError, match=rf"probes: {place}"):
            await probes.parent.run()
    async with running(Facade(tmp_path)):
        with pytest.raises(ConfigError, match="another one runs with"):
            await Facade(tmp_path).parent.run()
