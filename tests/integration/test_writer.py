"""What the pipeline's parts do at their edges, on a broker that is not there or is embedded."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError
from typing_extensions import override

from contracts.errors import BrokerUnavailableError, ConfigError, LegacyUnavailableError
from contracts.ports import EventBatch, LogRecord, Progress
from events import log as log_module
from events.connection import Connection
from events.health import State
from events.log import KafkaLog
from events.pipeline import Limits, Pipeline
from events.topics import event_topic
from events.transaction import TransactionalWriter
from tests.sources import Fed, batch, eventually


async def test_a_writer_whose_broker_is_not_there_says_so_and_leaves_nothing_open() -> None:
    nowhere = Connection(bootstrap_servers="127.0.0.1:9")

    with pytest.raises(BrokerUnavailableError, match="KafkaConnectionError"):
        await TransactionalWriter("t.numbers", nowhere, patience=timedelta(seconds=5)).__aenter__()


class Once:
    """A plain iterator, which has nothing to close."""

    def __init__(self) -> None:
        self._left = [batch(range(3))]

    def __aiter__(self) -> AsyncIterator[EventBatch]:
        return self

    async def __anext__(self) -> EventBatch:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class FromOutside:
    """A source that imports nothing of ours."""

    name = "numbers"

    def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        del since
        return Once()


async def test_a_source_may_be_any_iterator(embedded: Connection, namespace: str) -> None:
    published = await Pipeline(FromOutside(), embedded, namespace=namespace).run()

    assert published.events == 3


class LeftAlone(FromOutside):
    """Says at first when it may be asked again."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    @override
    def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        self.asked.append(time.monotonic())
        if len(self.asked) == 1:
            raise LegacyUnavailableError("crm", reason="left alone", retry_after=timedelta(seconds=0.7))
        return super().read(since)


async def test_a_source_is_not_asked_again_before_it_wants_to(embedded: Connection, namespace: str) -> None:
    source = LeftAlone()
    pipeline = Pipeline(source, embedded, namespace=namespace, limits=Limits(longest_wait=timedelta(0)))

    assert (await pipeline.run()).events == 3
    assert source.asked[1] - source.asked[0] >= 0.7


class Dotted(FromOutside):
    name = "a.b"


def test_a_source_whose_name_could_be_anothers_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"source 'a\.b': expected a name of a-z 0-9 -"):
        Pipeline(Dotted(), Connection(bootstrap_servers="127.0.0.1:9"), namespace="t")


@pytest.mark.parametrize("topic", ["state.numbers", "dead-letters.numbers", "a b", ""])
def test_a_topic_that_is_ours_or_cant_be_is_refused(topic: str) -> None:
    with pytest.raises(ConfigError, match="topic"):
        event_topic("t", topic)


@pytest.fixture
async def silent() -> AsyncIterator[Connection]:
    """Something that takes connections and never answers."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Connection(bootstrap_servers=f"127.0.0.1:{port}", request_timeout=timedelta(seconds=20))


async def test_a_broker_that_does_not_answer_is_given_up_on_within_the_patience(silent: Connection) -> None:
    limits = Limits(patience=timedelta(milliseconds=200), longest_wait=timedelta(milliseconds=100))
    pipeline = Pipeline(FromOutside(), silent, namespace="t", limits=limits)
    running = asyncio.create_task(pipeline.run())

    await eventually(lambda: pipeline.health.failures >= 2)
    pipeline.stop()

    assert (await running).events == 0


async def test_a_stop_does_not_wait_for_a_broker_that_does_not_answer(silent: Connection) -> None:
    pipeline = Pipeline(FromOutside(), silent, namespace="t")
    running = asyncio.create_task(pipeline.run())
    await asyncio.sleep(0.2)

    pipeline.stop()
    async with asyncio.timeout(10):
        assert (await running).events == 0


async def test_a_log_that_is_cancelled_while_it_connects_leaves_nothing_open(silent: Connection) -> None:
    entering = asyncio.create_task(KafkaLog(silent).__aenter__())
    await asyncio.sleep(0.2)

    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering


class Faltering:
    """Hands on one batch more each time it is asked, and fails then; in the end only fails."""

    name = "numbers"

    def __init__(self, batches: int) -> None:
        self.asked, self._batches = 0, batches

    async def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        del since
        self.asked += 1
        if self.asked <= self._batches:
            yield batch(range(self.asked * 10, self.asked * 10 + 1))
            await asyncio.sleep(0.5)  # until what is read ahead of is committed
        raise LegacyUnavailableError("numbers", reason=f"asked {self.asked} times")


async def test_with_bounded_attempts_it_ends_after_so_many_failures_without_a_commit_in_between(
    embedded: Connection, namespace: str
) -> None:
    source = Faltering(batches=3)
    limits = Limits(longest_wait=timedelta(milliseconds=10))
    pipeline = Pipeline(source, embedded, namespace=namespace, limits=limits, attempts=2)

    with pytest.raises(LegacyUnavailableError, match="asked 4 times"):
        await pipeline.run()

    # The third attempt committed, and its failure is the first of those in a row.
    assert (pipeline.published.events, source.asked) == (3, 4)
    assert pipeline.health.state is State.FAILED


async def test_a_batch_that_comes_as_it_is_told_to_stop_is_left_to_the_next_run(
    embedded: Connection, namespace: str
) -> None:
    source = Fed()
    pipeline = Pipeline(source, embedded, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    await eventually(lambda: pipeline.health.state is State.WAITING)
    await asyncio.sleep(0.1)

    source.feed(batch(range(3)))
    pipeline.stop()

    assert (await running).events == 0


async def test_an_append_that_kafka_does_not_take_is_told(embedded: Connection, namespace: str) -> None:
    async with KafkaLog(embedded) as log:
        with pytest.raises(BrokerUnavailableError, match="MessageSizeTooLarge"):
            await log.append(namespace, [LogRecord(key=b"k", value=b"v" * 18_000_000)])


class Mute:
    """A consumer that is told of nothing."""

    async def position(self, partition: TopicPartition) -> int:
        del partition
        return 0

    async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, list[object]]:
        del timeout_ms
        return {}


async def test_a_read_to_the_end_ends_when_nothing_more_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_SILENCE_SECONDS", 0.0)
    consumer = cast("AIOKafkaConsumer", Mute())

    with pytest.raises(KafkaTimeoutError):
        [
            record
            async for record in log_module._until(  # pyright: ignore[reportPrivateUsage]
                consumer, {TopicPartition("t", 0): 5}, follow=False
            )
        ]
