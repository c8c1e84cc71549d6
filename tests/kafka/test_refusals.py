"""What goes wrong within a transaction: refused, cancelled, malformed, too large. Nothing is lost or doubled."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from contracts.errors import BrokerRefusedError, BrokerUnavailableError, ContractError, LegacyUnavailableError
from contracts.ports import Columns, DeadLetter, EventBatch, Progress
from events.claim import progress
from events.connection import Connection
from events.dead_letter import context_of
from events.health import State
from events.pipeline import Limits, Pipeline
from events.publisher import MAX_EVENT_BYTES, Phase
from events.transaction import TransactionalWriter
from tests.settled import committed_records, committed_state
from tests.sources import AT, Fed, batch, eventually

QUICK = Limits(longest_wait=timedelta(milliseconds=50), patience=timedelta(seconds=20))
VALID: dict[str, object] = {
    "topic": "numbers",
    "type": "t.v1",
    "dataschema": "urn:t",
    "time": AT,
    "keys": [b"a", b"b", b"c"],
    "positions": ["0", "1", "2"],
    "sequences": ["0", "1", "2"],
    "values": [b"{}", b"{}", b"{}"],
}


def columns(**changes: object) -> Columns:
    return Columns(**(VALID | changes))  # type: ignore[arg-type]


def one(**changes: object) -> Columns:
    return columns(**({"keys": [b"a"], "positions": ["0"], "sequences": ["0"], "values": [b"{}"]} | changes))


async def checkpoints(kafka: Connection, namespace: str) -> dict[str, bytes]:
    return dict(progress(await committed_state(kafka, f"{namespace}.state.numbers")).checkpoints)


@pytest.mark.parametrize(
    "ragged",
    [{"values": [b"{}"]}, {"positions": ["0"]}, {"sequences": ["0"]}, {"time": [AT]}, {"keys": [b"a"]}],
    ids=lambda changes: next(iter(changes)),
)
async def test_columns_of_unequal_length_are_refused_and_lose_nothing(
    kafka: Connection, namespace: str, ragged: dict[str, object]
) -> None:
    source = Fed()
    source.feed(EventBatch(stream="numbers", checkpoint=b"1", events=[columns(**ragged)]))

    with pytest.raises(ContractError, match="expected columns of equal length"):
        await Pipeline(source, kafka, namespace=namespace).run()

    assert await checkpoints(kafka, namespace) == {}


async def test_a_refusal_between_two_batches_of_a_transaction_is_recovered_from(
    kafka: Connection, namespace: str
) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace, limits=QUICK)
    running = asyncio.create_task(pipeline.run())
    source.feed(batch(range(10), more=True, topic="one"))
    await eventually(lambda: pipeline.health.state is State.PUBLISHING)
    await asyncio.sleep(0.5)

    async with TransactionalWriter(f"{namespace}.numbers", kafka, patience=timedelta(seconds=20)):
        source.feed(batch(range(10, 20), more=True, topic="two"))
        await asyncio.sleep(0.5)
    source.feed(batch(range(20, 30), more=True, topic="two"))
    await eventually(lambda: len(source.progress) == 2)
    source.feed(batch(range(10), topic="one"))
    await eventually(lambda: pipeline.published.events == 10)
    pipeline.stop()
    await running

    assert source.progress[1].checkpoints == {}
    assert len(await committed_records(kafka, f"{namespace}.one")) == 10


def senders() -> list[str]:
    """Return what aiokafka's producers still have running."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith(("Sender", "MessageAccumulator"))]


@pytest.mark.parametrize("delay", [0, 0.001, 0.003])
async def test_a_cancel_in_a_commit_is_a_cancel_and_leaves_nothing_running(
    kafka: Connection, namespace: str, delay: float
) -> None:
    committing = asyncio.Event()
    source = Fed()
    pipeline = Pipeline(
        source, kafka, namespace=namespace, probe=lambda phase: committing.set() if phase is Phase.COMMITTING else None
    )
    running = asyncio.create_task(pipeline.run())
    source.feed(batch(range(10)))
    await committing.wait()
    await asyncio.sleep(delay)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert senders() == []


async def test_a_cancel_while_it_waits_for_the_first_batch_is_a_cancel(kafka: Connection, namespace: str) -> None:
    pipeline = Pipeline(Fed(), kafka, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    await eventually(lambda: pipeline.health.state is State.WAITING)
    await asyncio.sleep(0.1)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_pauses_grow_while_the_legacy_system_is_away(kafka: Connection, namespace: str) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    for _ in range(100):
        source.feed(LegacyUnavailableError("registry", reason="down"))
    await asyncio.sleep(10)

    assert 2 <= len(source.progress) <= 6
    assert pipeline.health.failures >= 2
    assert not pipeline.health.ok(timedelta(seconds=5))
    pipeline.stop()
    await running


async def test_a_key_that_makes_an_event_too_large_is_dead_lettered(kafka: Connection, namespace: str) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    source.feed(
        EventBatch(
            stream="numbers",
            checkpoint=b"1",
            events=[one(keys=[b"k" * 60_000], values=[b"v" * (MAX_EVENT_BYTES - 20_000)])],
        )
    )
    await eventually(lambda: pipeline.published.dead == 1)
    pipeline.stop()

    assert (await running).events == 0


UNSENDABLE = [
    pytest.param({"state": {b"s": b"v" * 2_000_000}}, id="state"),
    pytest.param({"events": [one(values=[b"v" * 18_000_000])]}, id="event"),
    pytest.param(
        {"dead": [DeadLetter(position="0", value=b"v" * 18_000_000, reason="r", error="E")]}, id="dead letter"
    ),
]


@pytest.mark.parametrize("content", UNSENDABLE)
async def test_what_kafka_never_takes_stops_the_source_and_moves_no_checkpoint(
    kafka: Connection, namespace: str, content: dict[str, object]
) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace, limits=QUICK)
    source.feed(EventBatch(stream="numbers", checkpoint=b"1", **content))  # type: ignore[arg-type]

    with pytest.raises(BrokerRefusedError, match="MessageSizeTooLarge"):
        await pipeline.run()

    assert pipeline.health.state is State.FAILED
    assert await checkpoints(kafka, namespace) == {}


async def test_a_file_name_that_is_not_utf8_is_shown_by_its_codes(kafka: Connection, namespace: str) -> None:
    letter = DeadLetter(position="0", value=b"v", reason="r", error="E", attributes={"file": "caf\udce9.dat"})
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    source.feed(EventBatch(stream="numbers", checkpoint=b"1", dead=[letter]))
    await eventually(lambda: pipeline.published.dead == 1)
    pipeline.stop()
    await running

    [dead] = await committed_records(kafka, f"{namespace}.dead-letters.numbers")
    assert context_of(dead)["file"] == r"caf\udce9.dat"


class BadlyClosed:
    """Raises in its own cleaning up."""

    name = "numbers"

    def __init__(self) -> None:
        self.reads = 0

    async def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        """Yield, and fail when closed."""
        del since
        self.reads += 1
        try:
            yield batch(range(10))
            await asyncio.sleep(3600)
        finally:
            raise ValueError("close failed")


async def test_an_error_in_closing_the_source_does_not_hide_one_that_can_be_waited_out(
    kafka: Connection, namespace: str
) -> None:
    lost: list[Phase] = []

    def lose_the_first(phase: Phase) -> None:
        if phase is Phase.SENDING and not lost:
            lost.append(phase)
            raise BrokerUnavailableError("kafka", reason="lost")

    source = BadlyClosed()
    pipeline = Pipeline(source, kafka, namespace=namespace, limits=QUICK, probe=lose_the_first)
    running = asyncio.create_task(pipeline.run())
    await eventually(lambda: pipeline.published.events == 10)
    pipeline.stop()

    assert (await running).events == 10
    assert source.reads == 2


async def test_a_source_that_fails_as_it_is_told_to_stop_is_heard(kafka: Connection, namespace: str) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    await eventually(lambda: pipeline.health.state is State.WAITING)
    await asyncio.sleep(0.1)

    source.feed(ContractError("line 3", found="X(", expected="X(n)"))
    pipeline.stop()

    with pytest.raises(ContractError):
        await running
