"""The pipeline on a real broker: fencing, recovery, bounds, draining."""

import asyncio
from datetime import timedelta

import pytest

from contracts.errors import ContractError, FencedError, LegacyUnavailableError
from contracts.ports import Columns, EventBatch
from events.claim import progress
from events.connection import Connection
from events.dead_letter import context_of, original_headers
from events.envelope import decode
from events.health import State
from events.pipeline import Limits, Pipeline
from events.publisher import MAX_EVENT_BYTES
from tests.settled import committed_records, committed_state
from tests.sources import AT, Fed, Numbers, batch, eventually

QUICK = Limits(longest_wait=timedelta(milliseconds=50), patience=timedelta(seconds=20))


async def numbers(connection: Connection, namespace: str) -> list[int]:
    found = [
        int(decode(r.headers, r.value).id.split(":")[1])
        for r in await committed_records(connection, f"{namespace}.numbers")
    ]
    return sorted(found)


async def test_events_checkpoint_state_and_dead_letters_are_there_together(kafka: Connection, namespace: str) -> None:
    published = await Pipeline(Numbers(300, dead=(7, 150)), kafka, namespace=namespace).run()

    state = progress(await committed_state(kafka, f"{namespace}.state.numbers"))
    dead = await committed_records(kafka, f"{namespace}.dead-letters.numbers")
    assert (published.events, published.dead) == (298, 2)
    assert published.by_topic == {f"{namespace}.numbers": 298}
    assert state.checkpoints == {"numbers": b'{"next": 300}'}
    assert state.state == {b"last": b"299"}
    assert sorted(record.value or b"" for record in dead) == [b"raw 150", b"raw 7"]
    assert await numbers(kafka, namespace) == [n for n in range(300) if n not in (7, 150)]


async def test_a_dead_letter_says_where_it_came_from(kafka: Connection, namespace: str) -> None:
    await Pipeline(Numbers(1, dead=(0,)), kafka, namespace=namespace).run()

    [dead] = await committed_records(kafka, f"{namespace}.dead-letters.numbers")
    context = context_of(dead)
    assert context["owner"] == "numbers"
    assert context["stream"] == "numbers"
    assert context["position"] == "000000000000"
    assert context["reason"] == "expected an even number"
    assert original_headers(dead.headers) == []


async def test_a_second_run_goes_on_where_the_first_one_ended(kafka: Connection, namespace: str) -> None:
    await Pipeline(Numbers(120), kafka, namespace=namespace).run()
    again = Numbers(200)

    published = await Pipeline(again, kafka, namespace=namespace).run()

    assert published.events == 80
    assert again.progress[0].checkpoints == {"numbers": b'{"next": 120}'}
    assert await numbers(kafka, namespace) == list(range(200))


async def test_batches_of_one_unit_are_one_transaction_within_the_limits(kafka: Connection, namespace: str) -> None:
    whole = await Pipeline(Numbers(1000, joined=True), kafka, namespace=namespace).run()
    limits = Limits(transaction_events=300)
    parts = await Pipeline(Numbers(2000, joined=True), kafka, namespace=namespace, limits=limits).run()

    assert (whole.events, whole.transactions) == (1000, 1)
    assert (parts.events, parts.transactions) == (1000, 4)


async def test_a_slow_source_does_not_hold_a_transaction_open(kafka: Connection, namespace: str) -> None:
    source = Fed()
    limits = Limits(transaction_time=timedelta(milliseconds=200))
    pipeline = Pipeline(source, kafka, namespace=namespace, limits=limits)
    running = asyncio.create_task(pipeline.run())

    source.feed(batch(range(10), more=True))
    await eventually(lambda: pipeline.published.transactions == 1)
    source.feed(batch(range(10, 20)))
    await eventually(lambda: pipeline.published.events == 20)
    pipeline.stop()

    assert (await running).transactions == 2


async def test_the_newest_instance_wins_and_the_stale_one_says_why_it_stopped(
    kafka: Connection, namespace: str
) -> None:
    old, new = Fed(), Fed()
    stale = Pipeline(old, kafka, namespace=namespace, limits=QUICK)
    running = asyncio.create_task(stale.run())
    old.feed(batch(range(10)))
    await eventually(lambda: stale.published.events == 10)

    newest = Pipeline(new, kafka, namespace=namespace, limits=QUICK)
    newer_running = asyncio.create_task(newest.run())
    await eventually(lambda: newest.health.state is State.WAITING)
    old.feed(batch(range(10, 20)))
    with pytest.raises(FencedError, match=f"instance {stale.instance} stopped.*{newest.instance}"):
        await running
    new.feed(batch(range(10, 15)))
    await eventually(lambda: newest.published.events == 5)
    newest.stop()
    await newer_running

    assert stale.published.events == 10, "after it was fenced it published nothing"
    assert await numbers(kafka, namespace) == list(range(15))
    assert new.progress[0].checkpoints == {"numbers": b'{"next": 10}'}


async def test_two_instances_that_start_at_once_end_with_one(kafka: Connection, namespace: str) -> None:
    feeds = [Fed(), Fed()]
    pipelines = [Pipeline(feed, kafka, namespace=namespace, limits=QUICK) for feed in feeds]
    running = [asyncio.create_task(pipeline.run()) for pipeline in pipelines]
    for _ in range(20):
        for feed, pipeline in zip(feeds, pipelines, strict=True):
            if pipeline.health.state is State.WAITING:
                feed.feed(EventBatch(stream="numbers", checkpoint=b"{}", state={b"x": b"y"}))
        await asyncio.sleep(0.1)

    for pipeline in pipelines:
        pipeline.stop()
    ends = await asyncio.gather(*running, return_exceptions=True)
    assert sum(isinstance(end, FencedError) for end in ends) == 1, ends


async def test_a_transaction_that_kafka_gave_up_on_is_published_again(kafka: Connection, namespace: str) -> None:
    """It is refused like a fenced one, but the last claim is its own, so it goes on from the progress."""
    limits = Limits(patience=timedelta(seconds=2), transaction_time=timedelta(seconds=30), longest_wait=timedelta(0))
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace, limits=limits)
    running = asyncio.create_task(pipeline.run())

    source.feed(batch(range(10), more=True))
    await asyncio.sleep(15)  # Kafka looks for transactions that are too old every ten seconds
    source.feed(batch(range(10, 20)))
    await eventually(lambda: len(source.progress) == 2)
    source.feed(batch(range(20)))
    await eventually(lambda: pipeline.published.events == 20)
    pipeline.stop()
    await running

    assert source.progress[1].checkpoints == {}
    assert await numbers(kafka, namespace) == list(range(20))


async def test_a_legacy_failure_is_waited_out_and_read_again(kafka: Connection, namespace: str) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace, limits=QUICK)
    running = asyncio.create_task(pipeline.run())

    source.feed(batch(range(10)))
    source.feed(LegacyUnavailableError("registry", reason="timed out"))
    source.feed(batch(range(10, 20)))
    await eventually(lambda: pipeline.published.events == 20)
    pipeline.stop()
    await running

    assert len(source.progress) == 2
    assert source.progress[1].checkpoints == {"numbers": b'{"next": 10}'}
    assert await numbers(kafka, namespace) == list(range(20))


async def test_a_source_that_fails_for_good_ends_the_pipeline_and_leaves_no_half(
    kafka: Connection, namespace: str
) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace, limits=QUICK)
    source.feed(batch(range(10), more=True))
    source.feed(ContractError("line 3", found="X(", expected="X(n)"))

    with pytest.raises(ContractError):
        await pipeline.run()

    assert await numbers(kafka, namespace) == []
    assert progress(await committed_state(kafka, f"{namespace}.state.numbers")).checkpoints == {}


async def test_a_stop_commits_what_was_sent_and_leaves(kafka: Connection, namespace: str) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    await eventually(lambda: pipeline.health.state is State.WAITING)

    source.feed(batch(range(10), more=True))
    await eventually(lambda: pipeline.health.state is State.PUBLISHING)
    pipeline.stop()

    assert (await running).events == 10
    assert await numbers(kafka, namespace) == list(range(10))
    assert pipeline.health.state is State.STOPPED


async def test_a_heartbeat_publishes_nothing_but_is_progress(kafka: Connection, namespace: str) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    source.feed(batch(range(10)))
    await eventually(lambda: pipeline.published.events == 10)
    before = pipeline.health.progressed_at

    source.feed(EventBatch(stream="numbers", checkpoint=b'{"next": 10}'))
    await eventually(lambda: pipeline.health.progressed_at > before)
    pipeline.stop()

    assert (await running).transactions == 1


async def test_an_event_that_is_too_large_is_dead_lettered_and_the_rest_goes_on(
    kafka: Connection, namespace: str
) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    large = b"x" * (MAX_EVENT_BYTES + 1)

    source.feed(
        EventBatch(
            stream="numbers",
            checkpoint=b"1",
            events=[
                Columns(
                    topic="numbers",
                    type="t.v1",
                    dataschema="urn:t",
                    time=AT,
                    keys=[b"a", b"b", b"c"],
                    positions=["0", "1", "2"],
                    sequences=["0", "1", "2"],
                    values=[b"{}", large, None],
                )
            ],
        )
    )
    await eventually(lambda: pipeline.published.transactions == 1)
    pipeline.stop()
    await running

    [dead] = await committed_records(kafka, f"{namespace}.dead-letters.numbers")
    assert dead.value == large
    assert context_of(dead)["reason"] == "expected an event of at most 900,000 bytes, found 900,004"
    assert await numbers(kafka, namespace) == [0, 2]


async def test_more_records_than_a_batch_holds_all_arrive_in_order(kafka: Connection, namespace: str) -> None:
    source = Fed()
    pipeline = Pipeline(source, kafka, namespace=namespace)
    source.feed(batch(range(60_000)))
    running = asyncio.create_task(pipeline.run())
    await eventually(lambda: pipeline.published.events == 60_000)
    pipeline.stop()
    await running

    by_key: dict[bytes | None, list[str]] = {}
    for record in await committed_records(kafka, f"{namespace}.numbers"):
        by_key.setdefault(record.key, []).append(decode(record.headers, record.value).sequence or "")
    assert sum(map(len, by_key.values())) == 60_000
    assert all(sequence == sorted(sequence) for sequence in by_key.values())
