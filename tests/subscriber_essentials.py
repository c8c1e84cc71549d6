"""What both subscribers promise, written once for every broker: a class to inherit, with one fixture to give."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.event import Event
from events.connection import Connection
from events.dead_letter import context_of, original_headers
from events.delivery import Delivered
from events.envelope import Header
from events.inbox import SqliteInbox, SqliteTransaction
from events.retry import Retry
from observability.testing import recorded_metrics, recorded_spans
from tests.subscriber_world import QUICK, Ended, Granted, Way, World, event, number, until


class SubscriberEssentials:
    """What a service rests on. Inherit it, and give the fixture `connection`."""

    @pytest.fixture(params=["one by one", "in batches"])
    def way(self, request: pytest.FixtureRequest) -> Way:
        found: Way = request.param
        return found

    @pytest.fixture
    def connection(self) -> Connection:
        raise NotImplementedError

    @pytest.fixture
    def world(self, connection: Connection, namespace: str, way: Way, tmp_path: Path) -> Generator[World]:
        inbox = SqliteInbox(tmp_path / "inbox.db", World.group)
        yield World(connection, namespace, way, inbox)
        inbox.close()

    async def test_events_come_in_order(self, world: World) -> None:
        await world.publish(*(event(index) for index in range(50)))

        async with world.running():
            await until(lambda: len(world.seen) == 50)

        assert world.seen == list(range(50))

    async def test_the_offset_is_committed_when_it_stops(self, world: World) -> None:
        await world.publish(*(event(index) for index in range(5)))

        async with world.running():
            await until(lambda: len(world.seen) == 5)

        assert await world.committed() == 5

    async def test_a_tombstone_has_no_data_but_an_empty_value_is_no_tombstone(self, world: World) -> None:
        await world.publish(event(1, value=None), event(2, value=b""), event(3))

        async with world.running():
            await until(lambda: len(world.seen) == 2)

        [letter] = await world.dead()
        assert world.seen == [None, 3]
        assert world.handled[0].envelope.data is None
        assert letter.value == b""

    async def test_duplicates_are_suppressed(self, world: World) -> None:
        await world.publish(event(1), event(1), event(2), event(1))

        with recorded_metrics() as metrics:
            async with world.running():
                await until(lambda: metrics.value("messaging.client.consumed.messages") == 4)

        assert world.seen == [1, 2]
        assert metrics.value("banyan.duplicates.suppressed") == 2

    async def test_headers_that_are_null_double_or_no_text_lose_nothing(self, world: World) -> None:
        odd: list[Header] = [("x", None), ("x", b"\xff\xfe"), ("x", b"again"), ("correlation_id", None)]
        await world.publish(event(1), event(2, more=odd), event(3, more=[("message_id", b"\xc3\x28")]), event(4))

        async with world.running():
            await until(lambda: len(world.seen) == 4)

        assert world.seen == [1, 2, 3, 4]
        assert list(world.handled[1].record.headers)[-4:] == odd
        assert not await world.dead()

    async def test_a_handler_that_fails_twice_gets_the_event_again(self, world: World) -> None:
        await world.publish(event(1), event(2), event(3))
        failures: list[int] = []

        async def fails_twice(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            if number(delivered) == 2 and len(failures) < 2:
                failures.append(number(delivered))
                raise ValueError("not yet")
            await world.see(delivered, tx)

        async with world.running({Granted: fails_twice}, retry=Retry(attempts=9, first=QUICK.first)):
            await until(lambda: 3 in world.seen)

        assert list(dict.fromkeys(world.seen)) == [1, 2, 3]
        assert failures == [2, 2]
        assert not await world.dead()

    async def test_a_poison_event_is_dead_lettered_as_it_arrived_and_the_rest_goes_on(self, world: World) -> None:
        odd: list[Header] = [("x", None), ("x", b"\xff\xfe"), ("x", b"again")]
        poison = event(2, more=odd, key=b"\x00\xff", value=b'{ "number":2 }')
        await world.publish(event(1), poison, event(3))
        calls: list[int] = []

        async def refuses_two(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            if number(delivered) == 2:
                calls.append(2)
                raise ValueError("resident 12345 is not known")
            await world.see(delivered, tx)

        async with world.running({Granted: refuses_two}):
            await until(lambda: 3 in world.seen)

        [letter] = await world.dead()
        context = context_of(letter)
        assert (letter.key, letter.value, original_headers(letter.headers)) == (
            poison.key,
            poison.value,
            list(poison.headers),
        )
        assert {name: context[name] for name in ("topic", "partition", "offset", "group", "attempts", "error")} == {
            "topic": world.topic,
            "partition": "0",
            "offset": "1",
            "group": world.group,
            "attempts": "3",
            "error": "ValueError",
        }
        assert "12345" not in str(letter.headers)
        assert await world.committed() == 3

    async def test_other_partitions_flow_while_one_waits(self, world: World) -> None:
        await world.publish(event(1), *(event(index, partition=1, key=b"b") for index in range(10, 20)))
        patience = Retry(attempts=2, first=timedelta(minutes=1))

        async def refuses_one(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            if number(delivered) == 1:
                raise ValueError
            await world.see(delivered, tx)

        async with world.running({Granted: refuses_one}, retry=patience):
            await until(lambda: len(world.seen) == 10)
            await world.publish(event(2), event(20, partition=1, key=b"b"))
            await until(lambda: 20 in world.seen)

        assert world.seen == [*range(10, 21)]
        assert await world.committed(0) is None
        assert not await world.dead()

    async def test_data_that_violate_the_contract_are_dead_lettered_without_their_values(self, world: World) -> None:
        secret = b'{"number": "secret-1", "secret-2": "secret-3", "resident": {"secret-4": 1}}'
        await world.publish(event(1, value=secret), event(2, value=b"secret-5"), event(3))

        with recorded_spans() as spans:
            async with world.running():
                await until(lambda: world.seen)

        reasons = [context_of(letter)["reason"] for letter in await world.dead()]
        assert reasons == [
            "number: int_parsing; resident: string_type; *: extra_forbidden",
            "data: json_invalid",
        ]
        assert "secret" not in "".join(span.to_json() for span in spans)

    async def test_several_types_of_a_topic_keep_their_order(self, world: World) -> None:
        models: list[type[Event]] = [Granted, Ended, Granted, Granted, Ended]
        await world.publish(*(event(index, model=model) for index, model in enumerate(models)))
        kinds: list[type[Event]] = []

        async def note(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
            kinds.append(delivered.model)
            await world.see(delivered, tx)

        async with world.running({Granted: note, Ended: note}):
            await until(lambda: len(world.seen) == 5)

        assert (world.seen, kinds) == ([0, 1, 2, 3, 4], models)

    async def test_a_new_group_begins_at_a_point_in_time(self, world: World) -> None:
        noon = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)  # within the topic's retention
        at = [int((noon + timedelta(minutes=minute)).timestamp() * 1000) for minute in (-2, -1, 0, 1)]
        recent = [event(index, timestamp_ms=ms) for index, ms in enumerate(at)]
        await world.publish(*recent, event(9, partition=1, key=b"b", timestamp_ms=at[0]))

        async with world.running(since=noon):
            await until(lambda: len(world.seen) == 2)
            await world.publish(event(10, partition=1, key=b"b", timestamp_ms=at[3]))
            await until(lambda: len(world.seen) == 3)
        async with world.running(since=noon - timedelta(hours=1)):
            await world.publish(event(11))
            await until(lambda: 11 in world.seen)

        assert world.seen == [2, 3, 10, 11]
