"""What a member makes of the grants of a leader, which a test plays here, line by line."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.budget.reign import Reign
from contracts.budget.settings import LegacySystem
from contracts.ports import Purpose
from hub.budget.folder import Folder
from hub.budget.waiters import Leave, Waiters
from tests.budget_world import joined

SYSTEM = LegacySystem(rate=50)


class Leader:
    """Has the lock, and says what a test wants."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear a member out."""
        self._writer = writer
        while line := await reader.readline():
            self._heard.put_nowait(json.loads(line))
        writer.close()

    async def heard(self) -> dict[str, Any]:
        """Return what the member said next."""
        return await asyncio.wait_for(self._heard.get(), 3)

    def grant(self, lease: int, calls: int, *, seconds: float) -> None:
        """Grant polls until so many seconds from now."""
        granted = {"purpose": "poll", "lease": lease, "calls": calls, "until": time.monotonic() + seconds}
        self.say(json.dumps({"granted": granted}).encode() + b"\n")

    def say(self, line: bytes) -> None:
        """Say anything."""
        assert self._writer is not None
        self._writer.write(line)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The folder of a budget."""
    return tmp_path / "crm"


@asynccontextmanager
async def played(path: Path) -> AsyncGenerator[Leader]:
    """Lead until the block ends, for half a minute at most."""
    folder, leader = Folder(path).made(), Leader()
    lock = folder.lead()
    assert lock is not None
    server = await asyncio.start_unix_server(leader.serve, folder.socket)

    async def prolong() -> None:
        while True:
            folder.proclaim(Reign(until=time.monotonic() + 2))
            await asyncio.sleep(0.5)

    prolonging = asyncio.create_task(prolong())
    try:
        async with server:
            yield leader
    finally:
        prolonging.cancel()
        await asyncio.gather(prolonging, return_exceptions=True)
        lock.release()


async def test_a_grant_that_is_over_is_not_used_but_asked_for_again(path: Path) -> None:
    async with played(path) as leader, joined(path, SYSTEM) as member:
        draw = asyncio.create_task(member.draw("poll"))
        assert set(await leader.heard()) == {"hello"}
        assert await leader.heard() == {"ask": {"poll": 1}}

        leader.grant(1, 1, seconds=-0.1)
        assert await leader.heard() == {"ask": {"poll": 1}}
        assert not draw.done()

        leader.grant(2, 1, seconds=1)
        await asyncio.wait_for(draw, 3)
        assert await leader.heard() == {"used": {"number": 2, "calls": 1}}


async def test_more_than_is_waited_for_is_returned(path: Path) -> None:
    async with played(path) as leader, joined(path, SYSTEM) as member:
        draw = asyncio.create_task(member.draw("poll"))
        assert set(await leader.heard()) == {"hello"}
        assert await leader.heard() == {"ask": {"poll": 1}}

        leader.grant(1, 3, seconds=1)
        await asyncio.wait_for(draw, 3)

        assert await leader.heard() == {"returned": {"number": 1, "calls": 2}}
        assert await leader.heard() == {"used": {"number": 1, "calls": 1}}


async def test_live_calls_and_answers_are_told_together(path: Path) -> None:
    async with played(path) as leader, joined(path, SYSTEM) as member:
        assert set(await leader.heard()) == {"hello"}
        member.counted()
        member.counted(6)

        assert await leader.heard() == {"live": 7}


@pytest.mark.parametrize("line", [b"\xff\n", b'{"granted": {"purpose": "poll"}}\n', b"{}{}\n"])
async def test_a_leader_that_says_what_is_no_message_is_left_and_asked_anew(path: Path, line: bytes) -> None:
    async with played(path) as leader, joined(path, SYSTEM) as member:
        draw = asyncio.create_task(member.draw("poll"))
        assert set(await leader.heard()) == {"hello"}
        assert await leader.heard() == {"ask": {"poll": 1}}

        leader.say(line)
        assert set(await leader.heard()) == {"hello"}
        assert await leader.heard() == {"ask": {"poll": 1}}

        leader.grant(1, 1, seconds=1)
        await asyncio.wait_for(draw, 3)


async def test_who_is_cancelled_is_no_longer_waited_for(path: Path) -> None:
    async with played(path) as leader, joined(path, SYSTEM) as member:
        draws = [asyncio.create_task(member.draw("poll")) for _ in range(2)]
        assert set(await leader.heard()) == {"hello"}
        assert await leader.heard() == {"ask": {"poll": 2}}

        draws[0].cancel()
        assert await leader.heard() == {"drop": {"poll": 1}}

        leader.grant(1, 1, seconds=1)
        await asyncio.wait_for(draws[1], 3)
        assert await leader.heard() == {"used": {"number": 1, "calls": 1}}
        await asyncio.gather(*draws, return_exceptions=True)


async def test_what_is_granted_to_who_is_cancelled_at_that_moment_is_returned(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give = Waiters.give

    def give_and_cancel(waiters: Waiters, purpose: Purpose, leave: Leave) -> bool:
        given = give(waiters, purpose, leave)
        draw.cancel()
        return given

    monkeypatch.setattr(Waiters, "give", give_and_cancel)
    async with played(path) as leader, joined(path, SYSTEM) as member:
        draw = asyncio.create_task(member.draw("poll"))
        assert set(await leader.heard()) == {"hello"}
        assert await leader.heard() == {"ask": {"poll": 1}}

        leader.grant(1, 1, seconds=1)

        assert await leader.heard() == {"returned": {"number": 1, "calls": 1}}
        with pytest.raises(asyncio.CancelledError):
            await draw
