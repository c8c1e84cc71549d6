"""Following the topic and applying to it: through failures, races and what others append."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from contracts.errors import BrokerUnavailableError, ConfigError
from contracts.ports import LogRecord
from events.topics import decision_topic, event_topic, in_doubt_topic, ruleset_topic
from routers.rulesets.chain import Chain
from routers.rulesets.copy import FILE, LocalCopy
from routers.rulesets.log import Following, OvertakenError, Update, apply, follow, newest
from routers.rulesets.ruleset import EMPTY
from tests.rulesets import AT, TOPIC, MemoryLog, capability, change

FIRST = change(EMPTY, {"a": capability(share=1), "b": capability(share=2)})
ONE = FIRST.after(EMPTY)
SECOND = change(ONE, {"a": capability(share=3)}, change_id="2")
TWO = SECOND.after(ONE)


class EnoughError(Exception):
    """Ends a follower, which never ends by itself."""


async def no_wait(seconds: float) -> None:
    assert 0 < seconds <= 10
    await asyncio.sleep(0)


def ending_after(waits: int) -> Callable[[float], Awaitable[None]]:
    """Return a sleep that ends the follower at its so-manieth wait."""
    left = iter(range(waits - 1))

    async def sleep(seconds: float) -> None:
        await no_wait(seconds)
        if next(left, None) is None:
            raise EnoughError

    return sleep


async def followed(log: MemoryLog, copy: LocalCopy, *, waits: int = 1) -> tuple[list[Update], list[Following]]:
    updates, told = list[Update](), list[Following]()

    async def on_change(update: Update) -> None:
        updates.append(update)

    with pytest.raises(EnoughError):
        await follow(
            log, TOPIC, copy, on_change=on_change, tell=told.append, clock=lambda: AT, sleep=ending_after(waits)
        )
    return updates, told


async def test_what_is_applied_is_the_newest() -> None:
    log = MemoryLog(exists=False)

    made = await apply(log, TOPIC, {"a": capability()}, author="ada", reason="start")

    assert made is not None
    assert (await newest(log, TOPIC)).ruleset.hash == made.hash
    assert await apply(log, TOPIC, {"a": capability()}, author="ada", reason="again") is None


async def test_a_topic_that_is_not_there_is_an_empty_one() -> None:
    assert (await newest(MemoryLog(exists=False), TOPIC)).ruleset is EMPTY


async def test_an_older_version_can_be_read() -> None:
    log = MemoryLog([*FIRST.log_records(), *SECOND.log_records()])

    assert (await newest(log, TOPIC, version=1)).ruleset == ONE
    assert (await newest(log, TOPIC, version=9)).ruleset == TWO


@pytest.mark.parametrize("appended", [0, 1, 2])
async def test_an_append_that_fails_half_way_is_repeated_and_counts_once(appended: int) -> None:
    log = MemoryLog()
    log.append_failures = [appended, appended]

    await apply(log, TOPIC, {"a": capability()}, author="ada", reason="r", sleep=no_wait)

    chain = await newest(log, TOPIC)
    assert (chain.ruleset.version, len(log.records)) == (1, 2 + 2 * appended)


async def test_an_append_that_keeps_failing_is_told() -> None:
    log = MemoryLog()
    log.append_failures = [0] * 9

    with pytest.raises(BrokerUnavailableError):
        await apply(log, TOPIC, {"a": capability()}, author="ada", reason="r", sleep=no_wait)

    assert len(log.append_failures) == 6


async def test_who_is_overtaken_is_told_by_whom() -> None:
    log = MemoryLog(FIRST.log_records())
    seen = await newest(log, TOPIC)
    await apply(log, TOPIC, {"a": capability(share=5)}, author="bob", reason="faster")

    with pytest.raises(OvertakenError, match=r"ruleset 2 was applied meanwhile by bob \(faster\)") as caught:
        await apply(log, TOPIC, {"a": capability(share=6)}, author="ada", reason="r", base=seen)

    assert (caught.value.version, caught.value.author, caught.value.retryable) == (2, "bob", False)
    assert (await newest(log, TOPIC)).ruleset.capabilities["a"].share == 5


async def test_of_many_racing_appliers_each_is_applied_or_overtaken() -> None:
    log = MemoryLog()
    seen = [await newest(log, TOPIC) for _ in range(5)]

    ran = await asyncio.gather(
        *(
            apply(log, TOPIC, {"a": capability(share=number)}, author=str(number), reason="r", base=base)
            for number, base in enumerate(seen, start=1)
        ),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in ran) == ["Change", *["OvertakenError"] * 4]
    assert (await newest(log, TOPIC)).ruleset.version == 1


async def test_a_change_that_readers_refuse_is_told() -> None:
    class Losing(MemoryLog):
        async def append(self, topic: str, records: object) -> None:
            """Acknowledge, and lose all of it."""

    with pytest.raises(ConfigError, match="refused by its readers: not there"):
        await apply(Losing(), TOPIC, {"a": capability()}, author="ada", reason="r")


async def test_nothing_is_applied_over_a_ruleset_of_a_newer_banyan() -> None:
    base = Chain(ONE, [FIRST.manifest])
    base.is_blocked = True

    with pytest.raises(ConfigError, match="ruleset 2 was applied by a newer version of Banyan"):
        await apply(MemoryLog(), TOPIC, {}, author="ada", reason="r", base=base)


async def test_each_accepted_change_is_kept_and_handed_on(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / FILE)

    updates, told = await followed(MemoryLog([*FIRST.log_records(), *SECOND.log_records()]), copy)

    assert [(u.ruleset, set(u.changed), u.change) for u in updates] == [
        (ONE, {"a", "b"}, FIRST),
        (TWO, {"a", "b"}, SECOND),
    ]
    assert LocalCopy(copy.path).ruleset == TWO
    assert [(f.version, f.trouble) for f in told] == [
        (0, None),
        (1, None),
        (2, None),
        (2, "Kafka: not available: gone"),
    ]


async def test_a_restart_goes_on_from_the_local_copy(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / FILE)
    copy.append(FIRST, ONE)

    updates, _ = await followed(MemoryLog([*FIRST.log_records(), *SECOND.log_records()]), LocalCopy(copy.path))

    assert [update.ruleset for update in updates] == [TWO]


async def test_while_kafka_is_away_the_last_ruleset_stays_and_reading_is_tried_again(tmp_path: Path) -> None:
    log = MemoryLog([*FIRST.log_records()])
    log.read_failures = 5

    updates, told = await followed(log, LocalCopy(tmp_path / FILE), waits=8)

    assert [update.ruleset for update in updates] == [ONE]
    assert log.reads == 8
    assert [f.trouble for f in told[:2]] == ["Kafka: not available: closed", None]
    assert (told[-1].version, told[-1].since) == (1, AT)


async def test_a_topic_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    _, told = await followed(MemoryLog(exists=False), LocalCopy(tmp_path / FILE), waits=2)

    assert [f.trouble for f in told] == [f"there is no topic {TOPIC}"]


async def test_a_refusal_is_counted_once_however_often_the_topic_is_read(tmp_path: Path) -> None:
    rival = change(ONE, {"a": capability(share=8)}, change_id="rival")
    log = MemoryLog([*FIRST.log_records(), *SECOND.log_records(), *rival.log_records(), LogRecord(key=None, value=b"")])

    _, told = await followed(log, LocalCopy(tmp_path / FILE), waits=3)

    assert told[-1].refused == 2


async def test_a_full_disk_does_not_keep_a_change_from_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, calls = os.fsync, iter(range(1000))

    def full_at_first(number: int) -> None:
        if next(calls) == 0:
            raise OSError(28, "No space left on device")
        sync(number)

    monkeypatch.setattr("os.fsync", full_at_first)
    copy = LocalCopy(tmp_path / FILE)

    updates, _ = await followed(MemoryLog([*FIRST.log_records(), *SECOND.log_records()]), copy, waits=2)

    assert [update.ruleset for update in updates] == [ONE, TWO]
    assert LocalCopy(copy.path).ruleset == TWO


async def test_a_heavy_copy_is_compacted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = change(EMPTY, {"a": capability(description="x" * 1_100_000)})
    copy = LocalCopy(tmp_path / FILE)

    await followed(MemoryLog(large.log_records()), copy)
    compacted = LocalCopy(copy.path)
    monkeypatch.setattr(LocalCopy, "compact", _fail)
    updates, _ = await followed(MemoryLog(large.log_records()), LocalCopy(tmp_path / "other"))

    assert copy.path.read_bytes().startswith(b'{"snapshot":')
    assert compacted.ruleset == large.after(EMPTY)
    assert len(updates) == 1


def _fail(_: LocalCopy) -> None:
    raise OSError(28, "No space left on device")


def test_the_topics_of_decisions_are_kept_as_declared_and_events_may_not_use_their_names() -> None:
    ruleset, decisions, doubts = ruleset_topic("n"), decision_topic("n"), in_doubt_topic("n")

    assert (ruleset.name, ruleset.partitions, ruleset.config["retention.ms"]) == ("n.ruleset", 1, "-1")
    assert (decisions.name, decisions.config["retention.ms"]) == ("n.decisions", str(7 * 24 * 3600 * 1000))
    assert (doubts.name, doubts.config["retention.ms"]) == ("n.in-doubt", "-1")
    for name in ("ruleset", "decisions", "in-doubt"):
        with pytest.raises(ConfigError, match="a topic of the hub's own"):
            event_topic("n", name)
