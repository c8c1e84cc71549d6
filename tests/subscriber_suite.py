"""What both subscribers promise, written once for every broker: a class to inherit, with one fixture to give."""

import asyncio
import sqlite3
from typing import Any

import pytest

from contracts.errors import BrokerUnavailableError, RecordError
from events.dead_letter import context_of, original_headers
from events.dead_letter_writer import DeadLetterWriter
from events.delivery import Delivered
from events.inbox import SqliteTransaction
from events.log import committed
from events.topics import Topic, ensure
from observability.masking import KeyHash
from observability.testing import recorded_spans
from tests.subscriber_essentials import SubscriberEssentials
from tests.subscriber_world import QUICK, SECONDS, TRACEPARENT, Ended, Granted, Sent, World, event, number, until


class SubscriberSuite(SubscriberEssentials):
    """All of it."""

    async def test_the_offset_is_committed_while_it_runs(self, world: World) -> None:
        await world.publish(event(1))

        async with world.running(), asyncio.timeout(SECONDS):
            while await world.committed() != 1:
                await asyncio.sleep(0.1)

    async def test_stopping_finishes_the_current_event_and_takes_no_other(self, world: World) -> None:
        await world.publish(event(1), event(2, partition=1, key=b"b"))
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            begun.set()
            await go_on.wait()
            await world.see(delivered, tx)

        async with world.running({Granted: slow}) as stop:
            await begun.wait()
            stop.set()
            go_on.set()

        assert len(world.seen) == 1
        assert sorted([await world.committed(0) or 0, await world.committed(1) or 0]) == [0, 1]

    async def test_what_was_handled_but_not_committed_is_suppressed_when_it_comes_again(self, world: World) -> None:
        await world.publish(event(1), event(2))
        async with world.inbox.transaction() as tx:
            await tx.claim([("/banyan/test/benefits", "nightly:1")])

        async with world.running():
            await until(lambda: world.seen)

        assert world.seen == [2]
        assert await world.committed() == 2

    async def test_a_cancelled_handler_is_rolled_back_and_its_event_comes_again(self, world: World) -> None:
        await world.publish(event(1))
        begun = asyncio.Event()

        async def hangs(_: Delivered[Any], tx: SqliteTransaction) -> None:
            tx.connection.execute("CREATE TABLE half_done (number INTEGER)")
            begun.set()
            await asyncio.Event().wait()

        crashed = asyncio.create_task(world.subscriber({Granted: hangs}).run(asyncio.Event()))
        await begun.wait()
        crashed.cancel()
        await asyncio.wait([crashed], timeout=SECONDS)
        async with world.running():
            await until(lambda: world.seen)
        async with world.inbox.transaction() as tx:
            with pytest.raises(sqlite3.OperationalError, match="no such table"):
                tx.connection.execute("SELECT * FROM half_done")

        assert crashed.cancelled()
        assert world.seen == [1]

    async def test_a_handler_that_is_cancelled_from_within_is_tried_again(self, world: World) -> None:
        await world.publish(event(1))
        tries: list[int] = []

        async def gives_up(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            tries.append(1)
            if len(tries) == 1:
                raise asyncio.CancelledError
            await world.see(delivered, tx)

        async with world.running({Granted: gives_up}):
            await until(lambda: world.seen)

        assert world.seen == [1]

    async def test_an_error_that_says_it_is_final_is_not_tried_again(self, world: World) -> None:
        await world.publish(event(1), event(2))

        async def refuses_one(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            if number(delivered) == 1:
                raise RecordError("benefit", expected="a kind that we know")
            await world.see(delivered, tx)

        async with world.running({Granted: refuses_one}):
            await until(lambda: world.seen)

        context = context_of((await world.dead())[0])
        assert (context["attempts"], context["reason"]) == ("1", "benefit: expected a kind that we know")

    async def test_a_record_that_is_no_event_is_dead_lettered_at_once(self, world: World) -> None:
        no_event = Sent(value=b"hello", headers=[("x", b"\xff")])
        nothing = Sent(key=None, value=None, headers=[("ce_type", None)])
        structured = Sent(value=b"{}", headers=[("content-type", b"application/cloudevents+json")])
        no_id = Sent(value=b'{"number": 1}', headers=[("ce_type", Granted.type.encode()), ("ce_specversion", b"1.0")])
        refused = [no_event, nothing, structured, no_id]
        await world.publish(*refused, event(1))

        async with world.running():
            await until(lambda: world.seen)

        letters = await world.dead()
        found = {(letter.key, letter.value, tuple(original_headers(letter.headers))) for letter in letters}
        contexts = [context_of(letter) for letter in letters]
        assert found == {(sent.key, sent.value, tuple(sent.headers)) for sent in refused}
        assert {(context["error"], context["attempts"]) for context in contexts} == {("EnvelopeError", "0")}

    async def test_events_of_other_types_are_skipped(self, world: World) -> None:
        await world.publish(event(1, model=Ended), event(2), event(3, model=Ended))

        async with world.running():
            await until(lambda: world.seen)

        assert world.seen == [2]
        assert not await world.dead()

    async def test_a_reply_to_header_is_ignored(self, world: World) -> None:
        victim = Topic(name=f"{world.namespace}.victim")
        await ensure(world.connection, [victim])
        await world.publish(event(1, more=[("reply_to", victim.name.encode()), ("correlation_id", b"1")]))

        async def answers(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            await world.see(delivered, tx)
            return {"answer": 1}  # type: ignore[return-value]

        async with world.running({Granted: answers}):
            await until(lambda: world.seen)

        assert [record async for record in committed(world.connection, victim.name)] == []

    async def test_what_the_handler_writes_is_there_with_the_claim_or_not_at_all(self, world: World) -> None:
        await world.publish(event(1), event(2))
        async with world.inbox.transaction() as tx:
            tx.connection.execute("CREATE TABLE benefit (number INTEGER)")
        failed: list[int] = []

        async def writes(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            tx.connection.execute("INSERT INTO benefit VALUES (?)", (number(delivered),))
            if not failed:
                failed.append(1)
                raise ValueError
            await world.see(delivered, tx)

        async with world.running({Granted: writes}):
            await until(lambda: 2 in world.seen)
        async with world.inbox.transaction() as tx:
            rows = tx.connection.execute("SELECT number FROM benefit").fetchall()

        assert rows == [(1,), (2,)]

    async def test_when_the_inbox_does_not_answer_events_wait_and_none_is_dead_lettered(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await world.publish(event(1))
        works = world.inbox.transaction
        tries: list[int] = []

        def fails() -> Any:
            tries.append(1)
            if len(tries) <= 2 * QUICK.attempts:
                raise sqlite3.OperationalError("database is locked")
            return works()

        monkeypatch.setattr(world.inbox, "transaction", fails)
        async with world.running():
            await until(lambda: world.seen)

        assert world.seen == [1]
        assert not await world.dead()

    async def test_when_dead_letters_can_not_be_written_the_offset_does_not_move(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await world.publish(event(1, value=b"no JSON"), event(2))
        works = DeadLetterWriter.write
        tries: list[int | None] = []

        async def fails(writer: DeadLetterWriter, letters: Any) -> None:
            tries.append(await world.committed())
            if len(tries) < 4:
                raise BrokerUnavailableError("Kafka", reason="RequestTimedOutError")
            await works(writer, letters)

        monkeypatch.setattr(DeadLetterWriter, "write", fails)
        async with world.running():
            await until(lambda: world.seen)

        assert tries == [None] * 4
        assert len(await world.dead()) == 1

    async def test_handling_is_a_span_that_follows_the_publisher_and_shows_no_key(self, world: World) -> None:
        await world.publish(event(1, key=b"000012345"))
        key_hash = KeyHash(b"only-for-this-test")

        with recorded_spans() as spans:
            async with world.running(key_hash=key_hash):
                await until(lambda: world.seen)

        [span] = [span for span in spans if span.name == f"process {world.topic}"]
        attributes = span.attributes or {}
        parent = span.parent if world.way == "one by one" else span.links[0].context
        assert parent is not None
        assert f"{parent.trace_id:032x}" == TRACEPARENT.split("-")[1]
        assert attributes["messaging.consumer.group.name"] == world.group_id
        assert attributes.get("banyan.key.hash") == (key_hash(b"000012345") if world.way == "one by one" else None)
        assert "000012345" not in span.to_json()
