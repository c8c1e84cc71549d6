"""A file's events are handed on whole, in one transaction, or not at all."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.file_end import FileDelivered
from events.batch_subscriber import BatchSubscriber
from events.connection import Connection
from events.dead_letter import context_of
from events.delivery import Delivered
from events.inbox import SqliteInbox, SqliteTransaction
from tests.subscriber_world import QUICK, Ended, Granted, Sent, Way, World, event, number, until
from tests.whole_files import end, part


@dataclass
class Whole:
    """A group that wants whole files, and the calls of its handlers."""

    world: World
    calls: list[list[int]] = field(default_factory=list[list[int]])
    files: list[FileDelivered | None] = field(default_factory=list[FileDelivered | None])
    failures: int = 0
    """How often the handler will fail."""
    poison: int | None = None
    """What it always fails on."""

    async def handle(self, events: Sequence[Delivered[Any]], tx: SqliteTransaction) -> None:
        numbers = [number(each) for each in events]
        tx.connection.executemany("INSERT INTO benefit VALUES (?)", [(each,) for each in numbers])
        self.files += [each.file for each in events]
        self.calls.append(numbers)
        if self.poison in numbers:
            raise ValueError
        if self.failures:
            self.failures -= 1
            raise ValueError

    async def see_end(self, events: Sequence[Delivered[FileDelivered]], _: SqliteTransaction) -> None:
        self.calls.append([-1 for _ in events])

    @property
    def seen(self) -> list[int]:
        return [number for call in self.calls for number in call]

    async def written(self) -> list[int]:
        async with self.world.inbox.transaction() as tx:
            return [row[0] for row in tx.connection.execute("SELECT number FROM benefit ORDER BY rowid")]

    @asynccontextmanager
    async def running(self, *, ends: bool = False) -> AsyncGenerator[None, None]:
        async with self.world.inbox.transaction() as tx:
            tx.connection.execute("CREATE TABLE IF NOT EXISTS benefit (number INTEGER)")
        world = self.world
        subscriber = BatchSubscriber(
            world.connection,
            group=world.group,
            namespace=world.namespace,
            inbox=world.inbox,
            retry=QUICK,
            whole_files=True,
        )
        subscriber.on(Granted)(self.handle)
        if ends:
            subscriber.on(FileDelivered)(self.see_end)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(subscriber.run(stop))
            try:
                yield
            finally:
                stop.set()


@pytest.fixture
def whole(embedded: Connection, namespace: str, tmp_path: Path) -> Iterator[Whole]:
    inbox = SqliteInbox(tmp_path / "inbox.db", World.group)
    yield Whole(World(embedded, namespace, "in batches", inbox))
    inbox.close()


async def test_a_file_is_handed_on_when_its_end_was_read_and_not_before(whole: Whole) -> None:
    await whole.world.publish(*part("f1", 1, 2, 3), event(100, key=b"other"))
    async with whole.running():
        await until(lambda: 100 in whole.seen)
        before = list(whole.seen)
        await whole.world.publish(*part("f1", 4, 5), end("f1", 5))
        await until(lambda: 5 in whole.seen)

    assert before == [100], "what is no part of a file passes"
    assert whole.calls[1:] == [[1, 2, 3, 4, 5]]
    assert {(each.file, each.events, each.totals["amount"]) for each in whole.files if each} == {("f1.DAT", 5, "12.50")}
    assert await whole.world.committed() == 7


async def test_nothing_that_waits_is_committed_and_it_is_read_again_after_a_restart(whole: Whole) -> None:
    await whole.world.publish(event(99), *part("f1", 1, 2), event(100, key=b"other"))
    async with whole.running():
        await until(lambda: len(whole.seen) == 2)
    committed = await whole.world.committed()
    await whole.world.publish(*part("f1", 3), end("f1", 3))
    async with whole.running():
        await until(lambda: 3 in whole.seen)

    assert committed == 1
    assert whole.seen == [99, 100, 1, 2, 3]
    assert whole.calls[-1] == [1, 2, 3]
    assert await whole.world.committed() == 6


async def test_files_of_several_partitions_end_each_for_itself(whole: Whole) -> None:
    await whole.world.publish(*part("f1", 1, 2), *part("f1", 10, 11, partition=1), end("f1", 2, partition=1))
    async with whole.running():
        await until(lambda: 11 in whole.seen)
        await whole.world.publish(end("f1", 2), end("f1", 0, partition=2))
        await until(lambda: 2 in whole.seen)

    assert whole.calls == [[10, 11], [1, 2]]


async def test_interleaved_files_are_each_whole_and_in_the_order_of_their_ends(whole: Whole) -> None:
    first, second = part("f1", 1, 2), part("f2", 11, 12)
    await whole.world.publish(first[0], second[0], first[1], end("f1", 2), second[1], end("f2", 2))
    async with whole.running():
        await until(lambda: 12 in whole.seen)

    assert whole.calls == [[1, 2], [11, 12]]
    assert await whole.world.committed() == 6


async def test_an_event_of_a_key_that_waits_comes_after_the_file(whole: Whole) -> None:
    await whole.world.publish(
        *part("f1", 1, key=b"a"), event(100, key=b"a"), event(101, key=b"b"), event(102, key=b"a"), *part("f2", 11)
    )
    async with whole.running():
        await until(lambda: 101 in whole.seen)
        before = list(whole.seen)
        await whole.world.publish(end("f1", 1))
        await until(lambda: 1 in whole.seen)
        await asyncio.sleep(0.3)
        between = list(whole.seen)
        await whole.world.publish(end("f2", 1))
        await until(lambda: 102 in whole.seen)

    assert before == [101]
    assert between == [101, 1], "the other file has the key, too"
    assert whole.seen == [101, 1, 11, 100, 102]
    assert await whole.world.committed() == 7


@pytest.mark.parametrize("told", [2, 3], ids=["whole", "incomplete"])
async def test_poison_behind_a_file_is_dead_lettered_in_the_end_and_the_partition_goes_on(
    whole: Whole, told: int
) -> None:
    whole.poison = 666
    behind = [event(666, key=b"a"), event(101, key=b"b"), event(102, key=b"a")]
    await whole.world.publish(*part("f1", 1), *behind, *part("f1", 2), end("f1", told), event(100))
    async with whole.running():
        await until(lambda: 100 in whole.seen)

    letters = [context_of(letter) for letter in await whole.world.dead()]
    assert [(each["offset"], each["attempts"]) for each in letters if each["error"] == "ValueError"] == [("1", "3")]
    assert len(letters) == (1 if told == 2 else 4), "the incomplete file once, with its end"
    assert await whole.written() == ([101, 1, 2, 102, 100] if told == 2 else [101, 102, 100])
    assert await whole.world.committed() == 7


async def test_types_that_nobody_wants_are_counted(whole: Whole) -> None:
    await whole.world.publish(*part("f1", 1), *part("f1", 2, model=Ended), *part("f1", 3), end("f1", 3))
    async with whole.running():
        await until(lambda: whole.seen)

    assert whole.calls == [[1, 3]]
    assert not await whole.world.dead()


@pytest.mark.parametrize(("published", "told"), [(2, 3), (3, 2), (0, 1)])
async def test_another_count_than_the_end_tells_dead_letters_the_file_and_says_so(
    whole: Whole, published: int, told: int
) -> None:
    await whole.world.publish(*part("f1", *range(published)), end("f1", told), event(100))
    with capture_logs() as logs:
        async with whole.running():
            await until(lambda: 100 in whole.seen)

    letters = await whole.world.dead()
    reasons = {(context_of(letter)["error"], context_of(letter)["reason"]) for letter in letters}
    assert whole.seen == [100]
    assert len(letters) == published + 1, "the end, too"
    assert reasons == {
        (
            "FileIncompleteError",
            f"f1.DAT: expected {told} events on partition 0 of {whole.world.topic}, found {published}",
        )
    }
    assert [(log["file"], log["events"]) for log in logs if log["event"] == "file dead-lettered"] == [
        ("f1.DAT", published)
    ]
    assert await whole.world.committed() == published + 2


async def test_a_handler_that_fails_gets_the_whole_file_again(whole: Whole) -> None:
    whole.failures = 2
    await whole.world.publish(*part("f1", 1, 2, 3), end("f1", 3), event(100))
    async with whole.running():
        await until(lambda: 100 in whole.seen)

    assert whole.calls == [[1, 2, 3]] * 3 + [[100]]
    assert await whole.written() == [1, 2, 3, 100]
    assert not await whole.world.dead()


async def test_after_the_last_attempt_all_of_the_file_is_dead_lettered(whole: Whole) -> None:
    whole.failures = QUICK.attempts
    await whole.world.publish(*part("f1", 1, 2, 3), end("f1", 3), event(100))
    async with whole.running():
        await until(lambda: 100 in whole.seen)

    letters = await whole.world.dead()
    assert len(whole.calls) == QUICK.attempts + 1
    assert await whole.written() == [100]
    assert sorted((context_of(each)["offset"], context_of(each)["error"]) for each in letters) == [
        (str(offset), "ValueError") for offset in range(4)
    ]


async def test_a_record_of_a_file_that_no_retry_can_help_is_dead_lettered_alone(whole: Whole) -> None:
    await whole.world.publish(*part("f1", 1), *part("f1", 2, value=b"no JSON"), *part("f1", 3), end("f1", 3))
    async with whole.running():
        await until(lambda: whole.seen)

    [letter] = await whole.world.dead()
    assert whole.calls == [[1, 3]]
    assert (letter.value, context_of(letter)["offset"]) == (b"no JSON", "1")


async def test_a_file_that_was_handled_is_not_handled_again_however_it_comes(whole: Whole) -> None:
    await whole.world.publish(*part("f1", 1, 2), end("f1", 2))
    async with whole.running():
        await until(lambda: 2 in whole.seen)
    await whole.world.publish(*part("f1", 2), end("f1", 2), event(100))
    async with whole.running():
        await until(lambda: 100 in whole.seen)

    assert whole.seen == [1, 2, 100]
    assert not await whole.world.dead(), "its end is known: it is no mismatch that half of it came again"


async def test_events_that_were_handled_before_one_by_one_are_not_handled_again(whole: Whole) -> None:
    await whole.world.publish(*part("f1", 1, 2, 3), end("f1", 3))
    async with whole.world.inbox.transaction() as tx:
        await tx.claim([("/banyan/test/benefits", "nightly:2")])
    async with whole.running():
        await until(lambda: whole.seen)

    assert whole.calls == [[1, 3]]


async def test_a_handler_of_the_end_is_called_after_its_file(whole: Whole) -> None:
    await whole.world.publish(*part("f1", 1, 2), end("f1", 2), end("f1", 0, partition=1))
    async with whole.running(ends=True):
        await until(lambda: whole.seen.count(-1) == 2)

    assert [call for call in whole.calls if call != [-1]] == [[1, 2]]
    assert whole.calls[whole.calls.index([1, 2]) + 1] == [-1]


async def test_many_events_come_in_calls_of_one_transaction(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.whole_receiver.MOST_EVENTS", 10)
    await whole.world.publish(*part("f1", *range(25)), end("f1", 25), together=True)
    async with whole.running():
        await until(lambda: 24 in whole.seen)

    assert [len(call) for call in whole.calls] == [10, 10, 5]
    assert whole.seen == list(range(25))


async def test_when_the_inbox_does_not_answer_the_file_waits(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    await whole.world.publish(*part("f1", 1, 2), end("f1", 2))
    async with whole.running():
        works, tries = whole.world.inbox.transaction, list[int]()

        def fails() -> Any:
            tries.append(1)
            if len(tries) <= 2 * QUICK.attempts:
                raise OSError("database is locked")
            return works()

        monkeypatch.setattr(whole.world.inbox, "transaction", fails)
        await until(lambda: whole.seen)
        monkeypatch.undo()

    assert whole.calls == [[1, 2]]
    assert not await whole.world.dead()


async def test_an_end_without_data_is_dead_lettered(whole: Whole) -> None:
    headers = end("f1", 2).headers
    await whole.world.publish(Sent(key=b"e", value=None, headers=headers), event(100))
    async with whole.running():
        await until(lambda: whole.seen)

    [letter] = await whole.world.dead()
    assert context_of(letter)["error"] == "EnvelopeError"


@pytest.mark.parametrize("way", ["one by one", "in batches"])
async def test_a_plain_subscriber_may_handle_ends_and_need_not(whole: Whole, way: Way) -> None:
    world, ends = whole.world, list[int]()
    world.way = way
    await world.publish(*part("f1", 1), end("f1", 1), *part("f1", 2))

    async def note(delivered: Delivered[Any], _: SqliteTransaction) -> None:
        assert isinstance(delivered.data, FileDelivered)
        ends.append(delivered.data.partition_events)

    async with world.running():
        await until(lambda: len(world.seen) == 2)
    await world.publish(*part("f2", 3), end("f2", 7), *part("f2", 4))
    async with world.running({Granted: world.see, FileDelivered: note}):
        await until(lambda: len(world.seen) == 4)

    assert (world.seen, ends) == ([1, 2, 3, 4], [7])
    assert not await world.dead()
