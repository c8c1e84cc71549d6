"""The inbox in SQLite: claims, rollbacks, forgetting, threads and processes."""

import asyncio
import multiprocessing
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.inbox import FORGET_AT_LEAST, SqliteInbox

A, B = ("/source", "a"), ("/source", "b")
DAY = timedelta(days=1).total_seconds()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


async def claim(inbox: SqliteInbox, *events: tuple[str, str]) -> list[bool]:
    async with inbox.transaction() as tx:
        return list(await tx.claim(events))


async def fail(inbox: SqliteInbox, *events: tuple[str, str], statement: str = "SELECT 1") -> None:
    async with inbox.transaction() as tx:
        await tx.claim(events)
        tx.connection.execute(statement)
        raise ZeroDivisionError


async def test_an_event_is_new_once() -> None:
    inbox = SqliteInbox(":memory:", "view")

    assert await claim(inbox, A, B, A) == [True, True, False]
    assert await claim(inbox, B, ("/other", "b")) == [False, True]
    assert await claim(inbox) == []
    inbox.close()


async def test_a_rolled_back_transaction_claims_nothing() -> None:
    inbox = SqliteInbox(":memory:", "view")

    with pytest.raises(ZeroDivisionError):
        await fail(inbox, A)

    assert await claim(inbox, A) == [True]
    inbox.close()


async def test_a_cancelled_transaction_claims_nothing() -> None:
    inbox = SqliteInbox(":memory:", "view")
    claimed = asyncio.Event()

    async def hangs() -> None:
        async with inbox.transaction() as tx:
            await tx.claim([A])
            claimed.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hangs())
    await claimed.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert await claim(inbox, A) == [True]
    inbox.close()


async def test_what_the_handler_wrote_is_committed_and_rolled_back_with_the_claim(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "view.db", "view")
    async with inbox.transaction() as tx:
        tx.connection.execute("CREATE TABLE benefit (id TEXT)")
        await tx.claim([A])
        tx.connection.execute("INSERT INTO benefit VALUES ('a')")
    with pytest.raises(ZeroDivisionError):
        await fail(inbox, B, statement="INSERT INTO benefit VALUES ('b')")
    inbox.close()

    again = SqliteInbox(tmp_path / "view.db", "view")
    async with again.transaction() as tx:
        rows = tx.connection.execute("SELECT id FROM benefit").fetchall()

    assert rows == [("a",)]
    assert await claim(again, A, B) == [False, True]
    again.close()


async def test_each_group_remembers_for_itself(tmp_path: Path) -> None:
    one, other = SqliteInbox(tmp_path / "view.db", "one"), SqliteInbox(tmp_path / "view.db", "other")

    assert await claim(one, A) == [True]
    assert await claim(other, A) == [True]
    assert await claim(one, A) == [False]
    one.close()
    other.close()


async def test_an_event_is_remembered_as_long_as_promised_and_forgotten_in_the_end() -> None:
    clock = Clock()
    inbox = SqliteInbox(":memory:", "view", keep=timedelta(days=30), clock=clock)
    old = [("/source", str(number)) for number in range(3 * FORGET_AT_LEAST)]
    await claim(inbox, *old)

    clock.seconds += 30 * DAY + 1
    assert await claim(inbox, B, *old) == [True, *([False] * len(old))]
    clock.seconds += 30 * DAY + 1
    for number in range(5):
        await claim(inbox, ("/source", f"new {number}"))
    async with inbox.transaction() as tx:
        left = tx.connection.execute("SELECT id FROM banyan_inbox ORDER BY id").fetchall()
        generations = tx.connection.execute("SELECT count(*) FROM banyan_inbox_generation").fetchone()

    assert left == [("b",), *((f"new {number}",) for number in range(5))]
    assert generations == (2,)
    assert await claim(inbox, old[0]) == [True]
    inbox.close()


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(st.tuples(st.lists(st.integers(0, 5), max_size=6), st.booleans(), st.integers(0, 2)), max_size=12)
)
def test_claims_are_what_a_set_would_say(steps: list[tuple[list[int], bool, int]]) -> None:
    async def law() -> None:
        clock, remembered = Clock(), dict[tuple[str, str], float]()
        inbox = SqliteInbox(":memory:", "view", keep=timedelta(days=10), clock=clock)
        for numbers, commits, days in steps:
            clock.seconds += days * DAY
            events = [("/source", str(number)) for number in numbers]
            if not commits:
                with pytest.raises(ZeroDivisionError):
                    await fail(inbox, *events)
                continue
            for event, is_new in zip(events, await claim(inbox, *events), strict=True):
                forgettable = clock.seconds - remembered.get(event, clock.seconds) >= 10 * DAY
                assert is_new == (event not in remembered) or forgettable
                if is_new:
                    remembered[event] = clock.seconds
        inbox.close()

    asyncio.run(law())


def _claim_all(path: Path, count: int, results: "multiprocessing.Queue[int]") -> None:
    async def run() -> int:
        inbox = SqliteInbox(path, "view")
        fresh = 0
        for number in range(count):
            fresh += (await claim(inbox, ("/source", str(number))))[0]
        inbox.close()
        return fresh

    results.put(asyncio.run(run()))


def test_of_several_processes_one_gets_each_event(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    processes = [spawn.Process(target=_claim_all, args=(tmp_path / "view.db", 100, results)) for _ in range(3)]

    for process in processes:
        process.start()
    fresh = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()

    assert sum(fresh) == 100


async def test_transactions_of_one_inbox_take_turns() -> None:
    inbox = SqliteInbox(":memory:", "view")

    told = await asyncio.gather(*(claim(inbox, A, ("/source", str(number))) for number in range(10)))

    assert sum(fresh[0] for fresh in told) == 1
    assert all(fresh[1] for fresh in told)
    inbox.close()


async def test_a_locked_database_is_an_error_and_the_inbox_works_again_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.inbox.BUSY_SECONDS", 0.01)
    inbox = SqliteInbox(tmp_path / "view.db", "view")
    other = sqlite3.connect(tmp_path / "view.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await claim(inbox, A)
    other.execute("ROLLBACK")
    other.close()

    assert await claim(inbox, A) == [True]
    inbox.close()


async def test_cancelled_while_it_waits_for_its_turn_it_leaves_nothing_open(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "view.db", "view")
    other = sqlite3.connect(tmp_path / "view.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    waiting = asyncio.create_task(claim(inbox, A))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.sleep(0)
    other.execute("ROLLBACK")
    other.close()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert await claim(inbox, A) == [True]
    inbox.close()
