"""When a call is answered: not before its event is committed, and never what was not."""

import asyncio
from datetime import UTC, datetime, timedelta

from adapters.soap_callback.book import Book, Taken
from contracts.ports import Progress
from tests.shop import called, order, shop

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


async def test_neither_a_call_nor_its_double_is_answered_before_the_commit() -> None:
    adapter = shop()
    batches = adapter.read(Progress())
    reading = asyncio.ensure_future(anext(batches))
    async with adapter.listening():
        while adapter.url and (await called(adapter.url.rstrip("/") + "/health", b"")).status == 503:
            await asyncio.sleep(0.01)
        calls = [asyncio.create_task(called(adapter.url, order("A-1")))]
        batch = await reading
        following = asyncio.ensure_future(anext(batches))  # as the pipeline asks ahead
        calls.append(asyncio.create_task(called(adapter.url, order("A-1"))))
        await asyncio.sleep(0.3)
        early = [each.done() for each in calls]
        adapter.published("call:another", batch.checkpoint)
        adapter.published(batch.stream, b"another")
        await asyncio.sleep(0.1)
        early += [each.done() for each in calls]
        adapter.published(batch.stream, batch.checkpoint)
        answers = await asyncio.gather(*calls)
        following.cancel()
        await asyncio.wait({following})

    assert not any(early)
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body


async def test_a_call_whose_batch_was_not_committed_is_told_to_come_again_and_is_free() -> None:
    adapter = shop()
    async with adapter.listening():
        for _ in range(2):
            batches = adapter.read(Progress())
            reading = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(0.2)
            calling = asyncio.create_task(called(adapter.url, order("A-1")))
            batch = await reading
            await batches.aclose()
            assert (await calling).status == 503
            assert [len(columns) for columns in batch.events] == [1], "it was taken as new each time"


def test_what_is_remembered_is_forgotten_in_time_and_not_earlier() -> None:
    book = Book({})
    for name, seconds in (("a", 10), ("b", 5)):
        book.put(name.encode(), Taken(until=(NOW + timedelta(seconds=seconds)).timestamp()))
    first = book.changes(NOW)
    again = Book({key: value for key, value in first.items() if value is not None})

    assert set(first) == {b"a", b"b"}
    assert again.find(b"b", NOW + timedelta(seconds=4)) is not None
    assert again.find(b"b", NOW + timedelta(seconds=5)) is None
    assert again.changes(NOW + timedelta(seconds=6)) == {b"b": None}
    assert again.changes(NOW + timedelta(seconds=9)) == {}
