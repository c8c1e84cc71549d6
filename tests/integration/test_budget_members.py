"""Members of a budget: who leads, what becomes of draws, what is refused."""

import asyncio
import os
import socket
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.budget.reign import LEASE_SECONDS, Reign
from contracts.budget.settings import LegacySystem
from contracts.errors import ConfigError
from hub.budget.clock import Clock
from hub.budget.folder import Folder, known
from hub.budget.messages import ASKED_BYTES, Asked, Hello
from observability import fields
from observability.testing import recorded_metrics
from tests.budget_bound import excess
from tests.budget_world import drawing, joined, told, until

SYSTEM = LegacySystem(rate=50, burst=5)
HELLO = Asked(hello=Hello(name="stranger", pid=1, settings="")).line()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The folder of a budget."""
    return tmp_path / "budget" / "crm"


async def said_to(path: Path, said: bytes, *, seconds: float) -> bytes:
    """Say something to the leader, and return what it answers until it cuts off."""
    reader, writer = await asyncio.open_unix_connection(path / "socket")
    writer.write(said)
    try:
        return await asyncio.wait_for(reader.read(), seconds)
    finally:
        writer.close()


async def test_members_share_the_rate(path: Path) -> None:
    async with joined(path, SYSTEM) as one, joined(path, SYSTEM) as other:
        async with drawing(one, "poll") as ones, drawing(other, "poll") as others:
            await until(lambda: min(len(ones), len(others)) >= 30)
        report = await told(path)

    assert excess([*ones, *others], rate=50, burst=5) <= 0
    assert abs(len(ones) - len(others)) <= 5
    assert report.rate == report.calendar_rate == 50
    assert [member.name for member in report.members] == ["test", "test"]
    assert sum(member.granted for member in report.members) >= len(ones) + len(others)
    assert not any(member.leased or member.waiting or member.other_settings for member in report.members)


async def test_the_files_are_for_this_user_alone(path: Path) -> None:
    async with joined(path, SYSTEM):
        await told(path)
        found = await asyncio.to_thread(lambda: [path, *path.iterdir()])
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in found}

    assert modes == {"crm": 0o700, "lead": 0o600, "reign": 0o600, "socket": 0o600}
    assert list(known(path.parent)) == ["crm"]


def test_a_folder_that_others_may_write_to_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    path.chmod(0o777)

    with pytest.raises(ConfigError, match=r"budget_folder: others may write to .*crm; let it be of this user alone"):
        Folder(path).made()


def test_a_folder_that_can_t_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match=r"budget_folder: .*: Not a directory; choose a folder that this user"):
        Folder(tmp_path / "file" / "crm").made()
    with pytest.raises(ConfigError, match=r"is too long for a socket; choose a folder with a shorter path"):
        Folder(tmp_path / ("long" * 20) / "crm")


async def test_what_a_dead_leader_left_behind_stops_nobody(path: Path) -> None:
    folder = Folder(path).made()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder.socket))
    (path / "reign").write_bytes(b"garbage")

    async with joined(path, SYSTEM) as member:
        await asyncio.wait_for(member.draw("poll"), 2)


async def test_a_new_leader_waits_until_the_last_one_s_reign_is_over(path: Path) -> None:
    now = time.monotonic()
    Folder(path).made().proclaim(Reign(until=now + 1.5, share=0.5))

    async with joined(path, SYSTEM) as member:
        await asyncio.wait_for(member.draw("poll"), 4)
        report = await told(path)

    assert time.monotonic() > now + 1.5
    assert report.share == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("seconds", [1e9, float("nan"), float("inf")])
async def test_a_reign_of_before_the_machine_started_is_none(path: Path, seconds: float) -> None:
    Folder(path).made().proclaim(Reign(until=time.monotonic() + seconds))

    async with joined(path, SYSTEM) as member:
        await asyncio.wait_for(member.draw("poll"), 1.5)


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\xff\xfe\n",
        b'{"ask": {"poll": 1}}\n',
        HELLO + b'{"ask": {"poll": -1}}\n',
        HELLO + b'{"ask": {"live": 1}}\n',
        HELLO + b'{"ask": {"poll": 1e99}}\n',
        HELLO + b'{"live": 99999999999}\n',
        HELLO + b'{"grant": 1}\n',
        HELLO + b"[" * 3_000 + b"\n",
        HELLO + b'{"ask":' + b" " * ASKED_BYTES,
        b'{"hello": {"name": "' + b"x" * 5_000 + b'", "pid": 1, "settings": ""}}\n',
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_who_says_what_is_no_message_is_cut_off(path: Path, said: bytes) -> None:
    async with joined(path, SYSTEM) as member, drawing(member, "poll") as draws:
        await until(lambda: len(draws) >= 3)

        assert await said_to(path, said, seconds=2) == b""
        before = len(draws)
        await until(lambda: len(draws) >= before + 20)


async def test_who_does_not_answer_for_what_it_is_granted_gets_no_more(path: Path) -> None:
    """It may be stopped; what it waits for would be lost for the others."""
    async with joined(path, SYSTEM) as member, drawing(member, "poll") as draws:
        await until(lambda: len(draws) >= 3)
        said = await said_to(path, HELLO + b'{"ask": {"poll": 5000}}\n', seconds=LEASE_SECONDS + 1)
        before = len(draws)
        await asyncio.sleep(1)
        assert len(draws) - before >= 35

    assert 1 <= said.count(b"\n") <= 50 * LEASE_SECONDS


async def test_a_draw_that_is_cancelled_waits_no_more(path: Path) -> None:
    slow = LegacySystem(rate=2, burst=1)
    async with joined(path, slow) as member:
        await member.draw("poll")
        draws = [asyncio.create_task(member.draw("snapshot")) for _ in range(20)]
        await asyncio.sleep(0.1)
        assert (await told(path)).waiting["snapshot"] >= 19
        for draw in draws:
            draw.cancel()
        await asyncio.gather(*draws, return_exceptions=True)
        await asyncio.sleep(0.1)
        report = await told(path)
        began = time.monotonic()
        await member.draw("retry")

    assert sum(report.waiting.values()) == 0
    assert time.monotonic() - began < 1.5


async def test_purposes_get_their_weights_across_members(path: Path) -> None:
    async with (
        joined(path, SYSTEM) as one,
        joined(path, SYSTEM) as other,
        drawing(one, "snapshot", callers=20) as low,
        drawing(other, "poll", callers=20) as high,
    ):
        await until(lambda: len(low) + len(high) >= 5)
        lows, highs = len(low), len(high)
        await until(lambda: len(high) >= highs + 60)

    assert (len(low) - lows) * 3 <= len(high) - highs <= (len(low) - lows) * 5 + 5


async def test_live_traffic_makes_polls_slow_down(path: Path) -> None:
    async with (
        joined(path, SYSTEM) as member,
        joined(path, SYSTEM, process="facade") as facade,
        drawing(member, "poll") as draws,
    ):
        await until(lambda: len(draws) >= 50)
        before, began = len(draws), time.monotonic()
        for _ in range(15):
            facade.counted(8)
            await asyncio.sleep(0.2)
        polled = (len(draws) - before) / (time.monotonic() - began)
        report = await told(path)

    assert polled < 50 - 40 * 0.6
    assert report.live_rate > 5
    assert {each.name: each.live > 80 for each in report.members} == {"test": False, "facade": True}


async def test_a_system_that_fails_is_called_less_and_the_reason_is_told(path: Path) -> None:
    async with joined(path, SYSTEM) as member:
        for _ in range(40):
            member.answered(timedelta(seconds=1), failed=True)
        await asyncio.sleep(1)
        report = await told(path)

    assert 0.5 <= report.share < 0.6
    assert report.rate == pytest.approx(50 * report.share)
    assert report.why == "40 of 40 calls failed"
    assert report.last_cut is not None
    assert timedelta(0) <= datetime.now(UTC) - report.last_cut < timedelta(seconds=3)


async def test_while_a_window_lets_nobody_call_draws_wait(path: Path) -> None:
    night = {"opens": "22:00", "closes": "06:00", "rate": 0}
    system = LegacySystem.model_validate({"rate": 50, "windows": [night]})
    shown = datetime(2026, 12, 1, 5, 59, tzinfo=UTC)
    clock = Clock(at=lambda: shown)
    with recorded_metrics() as metrics:
        async with joined(path, system, clock=clock) as member, drawing(member, "poll") as draws:
            await asyncio.sleep(1)
            closed = await told(path)
            assert not draws

            shown = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
            await until(lambda: len(draws) >= 5, seconds=3)
            opened = await told(path)
        counted = metrics.value(fields.BANYAN_BUDGET_CLOSED, {"banyan.system": "crm", "banyan.purpose": "poll"})

    assert (closed.window, closed.rate) == ("daily 22:00-06:00", 0)
    assert closed.changes == datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
    assert (opened.window, opened.rate) == (None, 50)
    assert counted == 3


@pytest.mark.parametrize("gone", ["lead", "socket", "reign"])
async def test_a_file_that_somebody_removes_is_made_anew(path: Path, gone: str) -> None:
    async with joined(path, SYSTEM) as one, drawing(one, "poll") as ones:
        await until(lambda: len(ones) >= 3)
        (path / gone).unlink()
        async with joined(path, SYSTEM) as other, drawing(other, "poll") as others:
            await until(lambda: len(others) >= 20)
            before = len(ones)
            await until(lambda: len(ones) >= before + 5)

    assert excess([*ones, *others], rate=50, burst=5) <= 0
    assert (path / gone).exists()


async def test_other_settings_are_told(path: Path) -> None:
    async with joined(path, SYSTEM) as one:
        await one.draw("poll")
        async with joined(path, LegacySystem(rate=60)) as other:
            await asyncio.wait_for(other.draw("poll"), 2)
            report = await told(path)

    assert [member.other_settings for member in report.members] == [False, True]
    assert report.rate == 50


def test_as_many_processes_as_declared_have_a_place(path: Path) -> None:
    folders = [Folder(path).made() for _ in range(3)]

    places = [folder.place(2) for folder in folders]

    assert [place and place[0] for place in places] == [0, 1, None]
    assert places[0] is not None
    places[0][1].release()
    assert (folders[2].place(2) or [None])[0] == 0


async def test_without_a_leader_each_draws_on_its_slice_and_it_is_counted(path: Path) -> None:
    """Somebody has the lock, and says nothing."""
    system = LegacySystem(rate=40, burst=4, processes=2)
    lock = Folder(path).made().lead()
    assert lock is not None
    with recorded_metrics() as metrics:
        async with (
            joined(path, system) as one,
            joined(path, system) as other,
            joined(path, system) as third,
            drawing(one, "poll") as ones,
            drawing(other, "retry") as others,
            drawing(third, "poll") as thirds,
        ):
            await until(lambda: len(ones) + len(others) + len(thirds) >= 40)
            slices = sorted(map(len, (ones, others, thirds)))
            lock.release()
            await until(lambda: min(map(len, (ones, others, thirds))) >= 10)
        counted = metrics.value(fields.BANYAN_BUDGET_ALONE, {"banyan.system": "crm"})

    assert slices[0] == 0
    assert slices[1] >= 15
    assert excess([*ones, *others, *thirds], rate=40, burst=4) <= 0
    assert counted == 3
    assert (await asyncio.to_thread(os.listdir, path)).count("place-0") == 1


async def test_after_a_leader_that_ends_the_next_one_grants_when_its_grants_are_over(path: Path) -> None:
    async with joined(path, SYSTEM) as other:
        async with joined(path, SYSTEM) as one, drawing(one, "poll") as draws:
            await until(lambda: len(draws) >= 3)
        ended = time.monotonic()
        await asyncio.wait_for(other.draw("poll"), 5)

    assert time.monotonic() - ended < LEASE_SECONDS + 1


async def test_a_leader_that_was_held_up_begins_anew(path: Path) -> None:
    """Its clock stands in for a process that was stopped: it goes on three seconds later."""
    held_up = 0.0
    clock = Clock(seconds=lambda: time.monotonic() + held_up)
    async with joined(path, LegacySystem(rate=50, burst=100), clock=clock) as member, drawing(member, "poll") as draws:
        await until(lambda: len(draws) >= 20)
        held_up = 3.0
        before, began = len(draws), time.monotonic()
        await until(lambda: len(draws) >= before + 20, seconds=3)
        took = time.monotonic() - began

    assert len(draws) - before <= 50 * took + 1, "the burst of the time between must not be there"
