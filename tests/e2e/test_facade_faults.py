"""Faults under a steady load, without Kafka: which calls fail, and that none is done twice or unaccounted for."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.facade_faults import World, counts, drawn_seed, home, kill_counting, loading, world
from tests.facade_load import Call
from tests.facade_process import Facade
from tests.sources import eventually

KILLS = 15


@pytest.mark.timeout(240)
async def test_workers_that_are_killed_fail_no_calls_but_those_in_flight_to_them(tmp_path: Path) -> None:
    seed = drawn_seed()
    async with world(tmp_path, workers=4) as there, there.running() as facade:
        with loading(tmp_path, there.port, seed=seed) as load:
            await load.more(200)
            connections = await killed_workers(facade, there.port, random.Random(seed))
            await load.more(200)
            calls = load.stop()
        cut_off = [call for call in calls if call.outcome in {"broken", "cut"}]
        by_class = Counter(call.operation for call in cut_off if received(there, call))
        await eventually(lambda: by_class <= Counter(facade.status().lost))
        lost = facade.status().lost
        print(counts(calls, killed=KILLS, connections=connections, lost=lost))

        assert [call for call in calls if call.outcome not in {"answered", "broken", "cut"}] == []
        assert len(cut_off) <= connections
        doubted = {doubt["request_id"] for doubt in there.spooled}
        unsafe = {call.id for call in cut_off if call.operation == "unsafe" and received(there, call)}
        assert unsafe - doubted == set()
        assert_done_once(there, calls)


@pytest.mark.timeout(120)
async def test_a_parent_that_is_killed_takes_no_call_with_it_and_the_next_serves(tmp_path: Path) -> None:
    """Alone, then with its workers: callers see refused or broken connections, and no call that a side got is lost."""
    seed = drawn_seed()
    async with world(tmp_path, delay_ms=60) as there:
        with loading(tmp_path, there.port, seed=seed) as load:
            async with there.running() as facade:
                await load.more(300)
                facade.process.kill()
                await facade.process.wait()
            async with there.running() as facade:
                await load.more(300)
                for pid in (facade.process.pid, *facade.serving()):
                    os.kill(pid, signal.SIGKILL)
                await facade.process.wait()
            async with there.running() as facade:
                await load.more(300)
                calls = load.stop()
                cut_off = [call for call in calls if call.outcome in {"broken", "cut"}]
                at_a_side = [call for call in cut_off if received(there, call)]
                await eventually(lambda: Counter(c.operation for c in at_a_side) <= Counter(facade.status().lost))
                print(counts(calls, cut_off=len(cut_off), received=len(at_a_side), lost=facade.status().lost))
        doubted = {doubt["request_id"] for doubt in there.spooled}

        assert [call for call in calls if call.outcome not in {"answered", "broken", "cut"}] == []
        assert facade.status().lost["unsafe"] == len(doubted) > 0
        assert {call.id for call in at_a_side if call.operation == "unsafe"} - doubted == set()
        assert_done_once(there, calls)


@pytest.mark.timeout(120)
async def test_a_modern_side_that_is_killed_again_and_again_fails_no_call_that_may_be_repeated(tmp_path: Path) -> None:
    seed = drawn_seed()
    drawn = random.Random(seed)
    async with world(tmp_path) as there, there.running():
        with loading(tmp_path, there.port, seed=seed) as load:
            for _ in range(10):
                await there.modern.answers(drawn.randrange(60, 100))
                there.modern.kill()
                await load.more(drawn.randrange(20, 100))
                there.modern.start()
            await there.modern.answers(60)
            calls = load.stop()
        await assert_only_unsafe_calls_failed(there, calls)


@pytest.mark.timeout(120)
async def test_a_call_that_a_hanging_modern_side_may_still_do_is_never_given_to_legacy(tmp_path: Path) -> None:
    seed = drawn_seed()
    async with world(tmp_path, timeout_seconds=0.7) as there, there.running():
        with loading(tmp_path, there.port, seed=seed) as load:
            for _ in range(3):
                await there.modern.answers(60)
                there.modern.hang()
                await asyncio.sleep(1.5)  # longer than the façade waits
                there.modern.go_on()
            await there.modern.answers(60)
            calls = load.stop()
        await assert_only_unsafe_calls_failed(there, calls)
        in_doubt = {call.id for call in calls if call.outcome == "in_doubt" and home(call) == "modern"}
        assert in_doubt
        assert in_doubt & set(there.legacy.received) == set()
        late = in_doubt & set(there.modern.received)
        print(f"{len(late)} of {len(in_doubt)} calls in doubt were done later")
        assert late


@pytest.mark.timeout(120)
async def test_a_dead_legacy_side_is_told_while_it_is_dead_and_only_to_calls_that_need_it(tmp_path: Path) -> None:
    seed = drawn_seed()
    async with world(tmp_path) as there, there.running():
        with loading(tmp_path, there.port, seed=seed) as load:
            await load.more(200)
            away = loop_time()
            there.legacy.kill()
            await load.more(400)
            there.legacy.start()
            back = loop_time()
            await load.more(1_600)
            calls = load.stop()
        failed = [call for call in calls if call.outcome != "answered"]
        pause = 1.0
        print(counts(calls, failed_while_away=len(failed), seconds=round(back - away, 1)))

        assert {home(call) for call in failed} == {"legacy"}
        assert {(call.outcome, call.status) for call in failed if call.outcome != "in_doubt"} <= {
            ("failed", status) for status in (500, 502, 503, 504)
        }
        assert [call for call in failed if call.status == 500 and call.route not in {"find", "change", "pay"}] == []
        assert [call for call in failed if call.ended < away or call.began > back + 3 * pause] == []
        there.assert_unsafe_calls_are_accounted_for(calls, there.spooled)


@pytest.mark.timeout(120)
async def test_a_drained_facade_answers_every_call_that_it_accepted(tmp_path: Path) -> None:
    seed = drawn_seed()
    async with world(tmp_path) as there:
        dropped = 0
        with loading(tmp_path, there.port, seed=seed) as load:
            for _ in range(3):
                async with there.running() as facade:
                    await load.more(300)
                    assert await facade.drain() == 0
                    dropped += facade.status().dropped
            calls = load.stop()
        never_accepted = [call for call in calls if call.outcome == "broken" and call.first]
        print(counts(calls, never_accepted=len(never_accepted)))

        assert [call for call in calls if call.outcome != "answered" and call not in never_accepted] == []
        assert len(never_accepted) < 24, "a caller who comes too late is refused, not kept waiting"
        assert [call for call in never_accepted if received(there, call)] == []
        assert there.spooled == []
        assert dropped == len(calls) - len(never_accepted), "without Kafka, decision records are counted at the end"
        assert_done_once(there, calls)


@pytest.mark.timeout(120)
async def test_what_comes_in_doubt_while_the_facade_drains_is_recorded_once(tmp_path: Path) -> None:
    seed = drawn_seed()
    async with world(tmp_path, timeout_seconds=0.7) as there:
        with loading(tmp_path, there.port, seed=seed) as load:
            for _ in range(2):
                async with there.running() as facade:
                    await there.modern.answers(60)
                    there.modern.hang()
                    await load.more(20)
                    assert await facade.drain() == 0
                    there.modern.go_on()
                    assert "worker failed" not in facade.log
            calls = load.stop()
        in_doubt = sum(call.outcome == "in_doubt" for call in calls)
        print(counts(calls, in_doubt_records=len(there.spooled)))

        assert in_doubt
        assert [call for call in calls if call.outcome == "broken" and not call.first] == []
        accepted = [call for call in calls if call.outcome != "broken"]
        there.assert_unsafe_calls_are_accounted_for(accepted, there.spooled)


async def killed_workers(facade: Facade, port: int, drawn: random.Random) -> int:
    """Kill workers, one at a time while others serve, and return how many connections they had."""
    killed, connections = set[int](), 0
    while len(killed) < KILLS:
        await eventually(lambda: len(facade.serving() - killed) >= 3)
        victim = drawn.choice(sorted(facade.serving() - killed))
        connections += kill_counting(victim, port)
        killed.add(victim)
        await asyncio.sleep(drawn.uniform(0.2, 0.6))  # a kill must come at any instant
    await eventually(lambda: len(facade.serving() - killed) == 4)
    return connections


async def assert_only_unsafe_calls_failed(there: World, calls: Sequence[Call]) -> None:
    owed = [call for call in calls if call.operation == "idempotent" and call.side == "legacy" != home(call)]
    told = [call for call in calls if call.outcome == "in_doubt"]
    await eventually(lambda: len(there.spooled) >= len(owed) + len(told))
    print(counts(calls, owed=len(owed), in_doubt=len(told)))

    assert [call for call in calls if call.operation != "unsafe" and call.outcome != "answered"] == []
    assert [call for call in calls if call.outcome == "failed"] == []
    there.assert_unsafe_calls_are_accounted_for(calls, there.spooled)
    there.assert_writes_that_legacy_took_over_are_owed(calls, there.spooled)


def assert_done_once(there: World, calls: Sequence[Call]) -> None:
    """No unsafe call came to the sides twice, and every answer is of a side that gave it, for the right person."""
    legacy, modern = there.legacy.received, there.modern.received
    assert [call for call in calls if call.operation == "unsafe" and legacy[call.id] + modern[call.id] > 1] == []
    assert [call for call in calls if call.outcome == "answered" and call.side != home(call)] == []


def received(there: World, call: Call) -> bool:
    return there.legacy.received[call.id] + there.modern.received[call.id] > 0


def loop_time() -> float:
    return asyncio.get_running_loop().time()
