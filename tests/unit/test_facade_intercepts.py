"""Captured calls in the parent: their order, where they are kept, and what is said of them when they can't be."""

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import BrokerUnavailableError
from contracts.intercepted import head, unpack
from contracts.ports import LogRecord
from routers.facade.process import intercepts as module
from routers.facade.process import runs
from routers.facade.process.intercepts import Intercepts, captured_spool
from routers.facade.process.runs import read_run, records_of
from routers.facade.process.spool import pack_bytes, unpack_bytes
from routers.facade.serving.caller import Caller
from tests.facade_wire import Tap
from tests.facade_world import facade

FACTS = (
    b'{"request_id":"r1234567","ended_ns":5,"traceparent":"00-aa-bb-01","request_bytes":3,"reply_bytes":4,'
    b'"route":"a/b","operation":null,"side":"legacy","backend":"old","status":200,"outcome":"answered","version":7,'
    b'"request_type":"text/xml","request_coding":"","action":"","reply_type":"","reply_coding":""}'
)


def told(*calls: tuple[int, bytes], route: str = "a/b") -> bytes:
    """Return what a worker tells of calls, each the moment of its end and its request."""
    packed = [head(ended, len(FACTS), len(body), 0) + FACTS + body for ended, body in calls]
    return f"{route} {len(calls)} {calls[0][0]} {calls[-1][0]}\n".encode() + b"".join(packed)


class Kafka:
    """The `Log` port as far as it is asked: takes records, or not."""

    def __init__(self) -> None:
        self.records: list[tuple[str, LogRecord]] = []
        self.reason: str | None = None
        self.go = asyncio.Event()
        self.go.set()

    async def append(self, topic: str, records: Sequence[LogRecord]) -> None:
        await self.go.wait()
        if self.reason is not None:
            raise BrokerUnavailableError("kafka", reason=self.reason)
        self.records += [(topic, record) for record in records]

    @property
    def bodies(self) -> list[bytes | None]:
        """Return the requests of all calls, in the order in which they came."""
        return [call.request for _, record in self.records for call in unpack(record.value or b"")]

    def read(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    async def latest(self, topic: str) -> Any:
        raise NotImplementedError(topic)


class World:
    """What is under test, and what became of it."""

    def __init__(self, folder: Path, **bounds: int) -> None:
        self.counted: list[tuple[str | None, str, int]] = []
        self.safe: list[str] = []
        self.kafka, self.spool = Kafka(), captured_spool(folder / "captured")
        self.intercepts = Intercepts(
            self.spool,
            topic=lambda route: f"t.{route}",
            count=self._count,
            **({"spool_bytes": 10**9} | bounds),
        )

    def _count(self, route: str | None, outcome: str, calls: int) -> None:
        self.counted.append((route, outcome, calls))

    def tell(self, name: str, *calls: tuple[int, bytes], until: int, route: str = "a/b") -> None:
        """Let a worker tell calls, and that these are all until a moment."""
        if calls:
            self.intercepts.captured(name, told(*calls, route=route))
        self.intercepts.told(name, until, lambda: self.safe.append(f"{name}{until}"))

    async def send(self) -> None:
        async def at_once(appending: Awaitable[None]) -> None:
            await appending

        await self.intercepts.send(self.kafka, at_once)

    @property
    def on_disk(self) -> list[bytes | None]:
        """Return the requests of all calls on the disk, in their order."""
        records = [record for batch in self.spool.batches() for record in self.spool.read(batch)]
        return [call.request for record in records for call in unpack(record.value or b"")]


async def test_the_calls_of_all_workers_come_in_the_order_in_which_they_ended(tmp_path: Path) -> None:
    """Else who changes something twice, by two workers, would see the first change win."""
    world = World(tmp_path)
    await world.send()
    world.tell("a", until=0)
    world.tell("b", (20, b"2"), (40, b"4"), until=45)
    await world.send()
    before = world.kafka.bodies
    world.tell("a", (10, b"1"), (30, b"3"), until=35)
    world.tell("a", until=50)
    await world.send()

    assert before == []
    assert world.kafka.bodies == [b"1", b"2", b"3", b"4"]
    assert {topic for topic, _ in world.kafka.records} == {"t.a/b"}
    assert {record.key for _, record in world.kafka.records} == {b"a/b"}


async def test_a_worker_that_is_silent_or_gone_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    await world.send()
    world.tell("a", until=0)
    world.tell("b", (20, b"2"), until=25)
    monkeypatch.setattr(module, "SILENT_SECONDS", -1.0)
    world.tell("b", (30, b"3"), until=35)
    await world.send()
    silent = world.kafka.bodies
    monkeypatch.setattr(module, "SILENT_SECONDS", 60.0)
    world.tell("a", until=36)
    world.tell("b", (40, b"4"), until=45)
    world.intercepts.left("a", captured=0)
    await world.send()

    assert silent == [b"2", b"3"]
    assert world.kafka.bodies == [b"2", b"3", b"4"]


async def test_a_worker_is_told_that_its_calls_are_safe_when_kafka_has_them_and_not_before(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.send()
    world.kafka.go.clear()
    world.tell("a", (1, b"1"), until=2)
    sending = asyncio.create_task(world.send())
    await asyncio.sleep(0.01)
    world.tell("a", until=3)
    before = list(world.safe)
    world.kafka.go.set()
    await sending

    assert (before, world.safe) == ([], ["a2", "a3"])
    assert (world.intercepts.sent, world.intercepts.kept) == (1, 0)
    assert world.on_disk == []


async def test_while_kafka_is_away_calls_wait_on_the_disk_and_go_out_in_their_order(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.tell("a", (1, b"1"), until=2)
    first = (world.on_disk, list(world.safe), world.intercepts.kept)
    await world.send()
    world.kafka.reason = "closed"
    world.tell("a", (3, b"3"), until=4)
    with pytest.raises(BrokerUnavailableError):
        await world.send()
    world.intercepts.away()
    world.tell("a", (5, b"5"), until=6)
    waiting = world.on_disk
    world.kafka.reason = None
    again = World(tmp_path)
    left_over = again.intercepts.left_over
    await again.send()

    assert first == ([b"1"], ["a2"], 1)
    assert (waiting, world.safe) == ([b"3", b"5"], ["a2", "a4", "a6"])
    assert left_over == {"a/b"}
    assert (again.kafka.bodies, again.on_disk) == ([b"3", b"5"], [])


@pytest.mark.parametrize("fails", [False, True])
async def test_what_is_being_sent_when_memory_is_full_keeps_its_place(tmp_path: Path, fails: bool) -> None:  # noqa: FBT001
    """Two calls are more than memory may hold: what comes while the first is sent goes to the disk, and behind it."""
    world = World(tmp_path, memory_bytes=600)
    await world.send()
    world.kafka.go.clear()
    world.tell("a", (1, b"1"), until=2)
    sending = asyncio.create_task(world.send())
    await asyncio.sleep(0.01)
    world.tell("a", (3, b"3"), until=4)
    world.tell("a", (5, b"5"), until=6)
    in_between = world.on_disk
    world.kafka.reason = "closed" if fails else None
    world.kafka.go.set()
    if fails:
        with pytest.raises(BrokerUnavailableError):
            await sending
        world.intercepts.away()
        assert world.on_disk == [b"1", b"3", b"5"]
        world.kafka.reason = None
        await world.send()
    else:
        await sending

    assert in_between == [b"3", b"5"]
    assert world.kafka.bodies == [b"1", b"3", b"5"]
    assert world.on_disk == []
    assert set(world.safe) == {"a2", "a4", "a6"}


async def test_what_has_no_room_on_the_disk_is_dropped_and_counted(tmp_path: Path) -> None:
    world = World(tmp_path, spool_bytes=2_000)
    for number in range(10):
        world.tell("a", (number, b"x" * 300), until=number)

    kept = len(world.on_disk)
    assert 0 < kept < 10
    assert world.intercepts.dropped == 10 - kept
    assert world.counted == [(None, "dropped", 1)] * (10 - kept)
    assert len(world.safe) == 10

    await world.send()
    world.intercepts.away()
    world.tell("a", (99, b"there is room again"), until=99)

    assert world.on_disk == [b"there is room again"]


async def test_a_disk_that_takes_nothing_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path, __: Path) -> None:
        raise OSError(28, "No space left on device")

    world = World(tmp_path)
    monkeypatch.setattr(Path, "rename", full)
    world.tell("a", (1, b"1"), until=2)

    assert (world.counted, world.safe) == ([(None, "dropped", 1)], ["a2"])


@pytest.mark.parametrize("from_disk", [False, True])
async def test_what_kafka_refuses_for_its_size_is_set_aside_and_stops_nothing(tmp_path: Path, from_disk: bool) -> None:  # noqa: FBT001
    world = World(tmp_path)
    if not from_disk:
        await world.send()
    world.tell("a", (1, b"1"), until=2)
    world.kafka.reason = "MessageSizeTooLargeError"
    await world.send()
    world.kafka.reason = None
    world.tell("a", (3, b"3"), until=4)
    await world.send()

    assert world.kafka.bodies == [b"3"]
    assert (world.intercepts.dropped, world.intercepts.kept) == (1, 0)
    assert world.counted == [(None, "dropped", 1)]
    assert [each.suffix for each in (tmp_path / "captured").iterdir()] == [".damaged"]
    assert world.safe == ["a2", "a4"]


def test_nobody_else_may_look_into_what_waits_on_the_disk(tmp_path: Path) -> None:
    captured_spool(tmp_path / "data" / "captured")

    assert (tmp_path / "data" / "captured").stat().st_mode & 0o777 == 0o700


def test_calls_that_a_killed_worker_took_along_are_counted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.tell("a", (1, b"1"), (2, b"2"), until=3)
    world.intercepts.left("a", captured=7)
    world.tell("b", (4, b"4"), until=5)
    world.intercepts.left("b", captured=1)

    assert world.counted == [(None, "lost", 5)]


def test_a_pack_is_cut_before_it_is_too_long_for_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PACK_BYTES", 1_000)
    calls = [(number, b"x" * 200) for number in range(7)] + [(7, b"y" * 5_000)]
    route, one = read_run(told(*calls[::2]))
    _, other = read_run(told(*calls[1::2]))

    records = records_of({route: [one, other]})

    lengths = [len(record.value or b"") for record in records]
    assert max(lengths[:-1]) <= 1_000 < lengths[-1]
    assert [call.request for record in records for call in unpack(record.value or b"")] == [body for _, body in calls]
    assert unpack_bytes(pack_bytes(records)) == records


@pytest.mark.parametrize("cut", [1, 7, 9, 30])
def test_records_of_the_disk_that_are_cut_are_damaged(cut: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        unpack_bytes(pack_bytes([LogRecord(key=b"a/b", value=b"x" * 40)])[:-cut])


async def test_a_connection_that_comes_after_all_was_closed_gets_no_call_of_which_nobody_would_tell(
    tmp_path: Path,
) -> None:
    tap = Tap()
    async with facade(tmp_path, legacy=tap.side) as world:
        loop, [listener] = asyncio.get_running_loop(), world.server.settings.listeners.values()
        # As one that the kernel has accepted while the listener was being closed.
        late = await loop.create_server(lambda: Caller(world.server, "main", listener), "127.0.0.1", 0)
        await world.server.close()
        reader, writer = await asyncio.open_connection(*late.sockets[0].getsockname()[:2])
        writer.write(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(10):
            said = await reader.read()
        writer.close()
        late.close()

    assert said.startswith(b"HTTP/1.1 503 ")
    assert tap.requests == []
