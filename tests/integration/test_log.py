"""The log on a broker: what was appended is read in order, and the newest record of each key is known."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from contracts.errors import BrokerUnavailableError
from contracts.ports import Log, LogRecord
from events.connection import Connection
from events.log import KafkaLog, committed, latest
from events.topics import Topic

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
async def log(embedded: Connection) -> AsyncIterator[KafkaLog]:
    async with KafkaLog(embedded) as opened:
        yield opened


def record(key: str | None, value: str | None, *, days: int = 0) -> LogRecord:
    """Return a record that is some days old."""
    return LogRecord(
        key=None if key is None else key.encode(),
        value=None if value is None else value.encode(),
        timestamp_ms=int((NOW - timedelta(days=days)).timestamp() * 1000),
    )


async def values(log: Log, topic: str, *, since: datetime | None = None) -> list[bytes | None]:
    """Return what is in the log."""
    return [found.value async for found in log.read(topic, since=since)]


async def test_what_was_appended_is_read_as_it_was(log: KafkaLog, namespace: str) -> None:
    headers = (("ce_id", b"1"), ("none", None), ("ce_id", b"2"))

    await log.append(namespace, [LogRecord(key=b"k", value=b"v", headers=headers, timestamp_ms=1_700_000_000_000)])

    [found] = [found async for found in log.read(namespace)]
    assert (found.key, found.value, found.headers) == (b"k", b"v", headers)
    assert (found.offset, found.timestamp_ms) == (0, 1_700_000_000_000)


async def test_a_record_without_a_time_gets_that_of_its_appending(log: KafkaLog, namespace: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)

    await log.append(namespace, [LogRecord(key=b"k", value=b"v")])

    assert await values(log, namespace, since=before) == [b"v"]


async def test_each_key_keeps_its_order_over_many_appends(log: KafkaLog, namespace: str) -> None:
    for start in range(0, 300, 50):
        await log.append(namespace, [record(str(number % 7), str(number)) for number in range(start, start + 50)])

    by_key: dict[bytes | None, list[int]] = {}
    async for found in log.read(namespace):
        by_key.setdefault(found.key, []).append(int(found.value or b""))

    assert sum(map(len, by_key.values())) == 300
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


async def test_an_empty_topic_ends_at_once(log: KafkaLog, namespace: str) -> None:
    assert await values(log, namespace) == []
    assert await log.latest(namespace) == {}


async def test_nothing_is_appended_where_there_are_no_records(log: KafkaLog, namespace: str) -> None:
    await log.append(namespace, [])

    assert await values(log, namespace) == []


async def test_reading_begins_at_a_point_in_time(log: KafkaLog, namespace: str) -> None:
    await log.append(namespace, [record("k", "old", days=9), record("k", "new", days=1), record("other", "newest")])

    since = NOW - timedelta(days=2)

    assert set(await values(log, namespace, since=since)) == {b"new", b"newest"}
    assert await values(log, namespace, since=NOW + timedelta(days=1)) == []


async def test_reading_ends_at_what_was_there_when_it_began(log: KafkaLog, namespace: str) -> None:
    await log.append(namespace, [record("k", "first"), record("k", "second")])

    seen: list[bytes | None] = []
    async for found in log.read(namespace):
        seen.append(found.value)
        await log.append(namespace, [record("k", "later")])

    assert seen == [b"first", b"second"]


async def test_following_goes_on_with_what_comes_later(log: KafkaLog, namespace: str) -> None:
    await log.append(namespace, [record("k", "first")])

    async with asyncio.timeout(30), aclosing(log.read(namespace, follow=True)) as records:
        first = await anext(records)
        await log.append(namespace, [record("k", "second")])
        second = await anext(records)

    assert (first.value, second.value) == (b"first", b"second")


async def test_the_newest_record_of_each_key_is_known(log: KafkaLog, namespace: str) -> None:
    await log.append(namespace, [record("a", "1"), record("b", "1"), record("a", "2"), record(None, "no key")])

    newest = await log.latest(namespace)

    assert {key: found.value for key, found in newest.items()} == {b"a": b"2", b"b": b"1"}


async def test_a_tombstone_removes_its_key_until_it_comes_back(log: KafkaLog, namespace: str) -> None:
    await log.append(namespace, [record("a", "1"), record("b", "1"), record("a", None), record("b", None)])
    await log.append(namespace, [record("b", "2"), record("never there", None)])

    newest = await log.latest(namespace)

    assert {key: found.value for key, found in newest.items()} == {b"b": b"2"}


async def test_readers_see_tombstones_as_records(log: KafkaLog, namespace: str) -> None:
    await log.append(namespace, [record("a", "1"), record("a", None)])

    assert await values(log, namespace) == [b"1", None]


async def test_a_log_that_is_not_open_says_so(embedded: Connection, namespace: str) -> None:
    log = KafkaLog(embedded, topics=[Topic(name=namespace)])

    with pytest.raises(RuntimeError, match="open only within"):
        await log.append(namespace, [record("k", "v")])


async def test_a_log_that_was_closed_says_so(embedded: Connection, namespace: str) -> None:
    async with KafkaLog(embedded) as log:
        pass

    with pytest.raises(RuntimeError, match="open only within"):
        async with asyncio.timeout(5):
            await log.append(namespace, [record("k", "after")])


async def test_a_broker_that_is_not_there_is_told() -> None:
    nowhere = Connection(bootstrap_servers="127.0.0.1:1", request_timeout=timedelta(seconds=1), embedded=True)

    with pytest.raises(BrokerUnavailableError, match="embedded Kafka: not available"):
        await KafkaLog(nowhere).__aenter__()
    with pytest.raises(BrokerUnavailableError):
        await latest(nowhere, "t")
    with pytest.raises(BrokerUnavailableError):
        await anext(committed(nowhere, "t"))
