"""What FastStream gives to a service through the kit, and what it can't do to it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
from aiokafka import AIOKafkaConsumer
from faststream import BaseMiddleware, Context, Depends
from faststream.kafka import KafkaBroker, TestKafkaBroker
from faststream.specification import AsyncAPI
from pydantic import ValidationError

from contracts.errors import BrokerUnavailableError, EnvelopeError
from events.batch_subscriber import BatchSubscriber
from events.connection import Connection
from events.dead_letter import context_of
from events.delivery import Delivered
from events.inbox import SqliteInbox, SqliteTransaction
from events.receiver import Receiver
from events.subscriber import Subscriber
from events.subscription import Subscription
from tests.subscriber_world import Ended, Granted, World, event, until

NOWHERE = Connection(bootstrap_servers="127.0.0.1:1")
HEADERS = {name: value.decode() for name, value in event(1).headers if value is not None}


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[SqliteInbox]:
    opened = SqliteInbox(tmp_path / "inbox.db", "view")
    yield opened
    opened.close()


@pytest.fixture
def subscriber(inbox: SqliteInbox) -> Subscriber:
    return Subscriber(NOWHERE, group="view", namespace="prod", inbox=inbox)


async def test_in_memory_a_handler_gets_model_transaction_and_what_it_depends_on(subscriber: Subscriber) -> None:
    seen: list[Any] = []

    def office() -> str:
        return "office 7"

    @subscriber.on(Granted)
    async def grant(
        delivered: Delivered[Granted],
        tx: SqliteTransaction,
        place: Annotated[str, Depends(office)],
        broker: Annotated[KafkaBroker, Context("broker")],
    ) -> None:
        rows = tx.connection.execute("SELECT count(*) FROM banyan_inbox").fetchone()
        seen.append((delivered.data, rows[0], place, broker is subscriber.broker))

    @subscriber.on(Ended)
    async def end(delivered: Delivered[Ended], _: SqliteTransaction) -> None:
        seen.append(delivered.data)

    async with TestKafkaBroker(subscriber.broker) as broker:
        await broker.publish(Granted(number=1), "prod.benefits", headers=HEADERS)
        await broker.publish(Granted(number=1), "prod.benefits", headers=HEADERS)
        await broker.publish(Ended(number=2), "prod.benefits", headers=HEADERS | {"ce_type": Ended.type, "ce_id": "2"})
        await broker.publish(None, "prod.benefits", key=b"a", headers=HEADERS | {"ce_type": Ended.type, "ce_id": "3"})
        await broker.publish(b"", "prod.benefits", headers=HEADERS | {"ce_type": "org.example.other.v1"})

    assert seen == [(Granted(number=1), 1, "office 7", True), Ended(number=2), None]


async def test_in_memory_errors_reach_whoever_publishes_and_nothing_is_claimed(subscriber: Subscriber) -> None:
    tries: list[int] = []

    @subscriber.on(Granted)
    async def grant(_: Delivered[Granted], __: SqliteTransaction) -> None:
        tries.append(1)
        raise ZeroDivisionError

    async with TestKafkaBroker(subscriber.broker) as broker:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await broker.publish(Granted(number=1), "prod.benefits", headers=HEADERS)
        with pytest.raises(EnvelopeError):
            await broker.publish(Granted(number=1), "prod.benefits")
        with pytest.raises(ValidationError):
            await broker.publish({"number": "x"}, "prod.benefits", headers=HEADERS)

    assert tries == [1, 1]


def test_the_documentation_has_topics_and_payloads(subscriber: Subscriber) -> None:
    @subscriber.on(Granted)
    async def grant(_: Delivered[Granted], __: SqliteTransaction) -> None: ...

    document = AsyncAPI(subscriber.broker).to_specification().to_jsonable()

    assert "prod.benefits" in str(document["channels"])
    assert "Granted" in document["components"]["schemas"]


def test_a_handler_can_not_be_declared_after_the_broker_is_made(subscriber: Subscriber) -> None:
    @subscriber.on(Granted)
    async def grant(_: Delivered[Granted], __: SqliteTransaction) -> None: ...

    _ = subscriber.broker

    with pytest.raises(RuntimeError, match="before"):
        subscriber.on(Granted)(grant)


async def test_a_broker_that_does_not_answer_is_named_at_the_start(inbox: SqliteInbox) -> None:
    for kind in (Subscriber, BatchSubscriber):
        subscriber = kind(NOWHERE, group="view", namespace="prod", inbox=inbox)

        async def handle(*_: Any) -> None: ...

        subscriber.on(Granted)(handle)
        with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1"):
            await subscriber.run(asyncio.Event())


async def test_what_faststream_loses_before_the_handler_is_tried_again_and_dead_lettered(
    embedded: Connection, namespace: str, inbox: SqliteInbox
) -> None:
    class Faulty(BaseMiddleware[Any, Any]):
        async def on_receive(self) -> None:
            if b'"number": 1}' in self.msg.value:
                raise ZeroDivisionError

    world = World(embedded, namespace, "one by one", inbox)
    await world.publish(event(1), event(2))
    subscriber = world.subscriber()
    assert isinstance(subscriber, Subscriber)
    subscriber.broker.add_middleware(Faulty)
    stop = asyncio.Event()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(subscriber.run(stop))
        await until(lambda: world.seen)
        stop.set()

    [letter] = await world.dead()
    assert (context_of(letter)["offset"], context_of(letter)["attempts"]) == ("0", "3")
    assert world.seen == [2]


async def test_a_service_may_have_other_subscribers_of_faststream_beside(
    embedded: Connection, namespace: str, inbox: SqliteInbox
) -> None:
    world = World(embedded, namespace, "one by one", inbox)
    subscriber = world.subscriber()
    assert isinstance(subscriber, Subscriber)
    seen: list[str] = []

    @subscriber.broker.subscriber(f"{namespace}.letters")
    async def read(body: str) -> None:
        seen.append(body)

    async with TestKafkaBroker(subscriber.broker) as broker:
        await broker.publish("hello", f"{namespace}.letters")

    assert seen == ["hello"]


def test_no_option_can_overrule_what_the_promises_rest_on(inbox: SqliteInbox) -> None:
    made: dict[str, Any] = {}

    def make(**options: Any) -> AIOKafkaConsumer:
        made.update(options)
        return cast("AIOKafkaConsumer", None)

    receiver = Receiver(NOWHERE, Subscription(namespace="prod", group="view"), inbox=inbox)
    receiver.connect(make, enable_auto_commit=True, isolation_level="read_uncommitted", group_id="other")

    assert {name: made[name] for name in ("enable_auto_commit", "isolation_level", "group_id")} == {
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        "group_id": "prod.view",
    }
