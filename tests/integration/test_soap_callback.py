"""The legacy system calls: over real HTTP into a broker, answered when it is committed, once each."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zeep
from zeep.wsse import username

from contracts.ports import Progress
from events.connection import Connection
from events.embedded import EmbeddedKafka
from events.log import committed
from events.topics import dead_letter_topic
from tests.shop import TOKEN, called, order, serving, shop, signed

ZEEP: Any = zeep
WSSE: Any = username
TOKEN_OF_ZEEP = WSSE.UsernameToken("shop", "secret", use_digest=True)


@pytest.fixture(scope="module")
def kafka() -> Iterator[Connection]:
    with EmbeddedKafka() as connection:
        yield connection


async def published(kafka: Connection, namespace: str) -> list[tuple[str, int]]:
    records = [record async for record in committed(kafka, f"{namespace}.orders")]
    return [((record.key or b"").decode(), json.loads(record.value or b"")["cents"]) for record in records]


async def ready(url: str) -> None:
    """Wait until calls are taken."""
    for number in range(200):
        if (await called(url, order("ready", number))).status != 503:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("calls are not taken")


async def test_zeep_calls_with_a_digest_and_is_answered_when_its_event_is_committed(kafka: Connection) -> None:
    adapter = shop(token=TOKEN)
    async with serving(adapter, kafka, "zeep"):
        while (await called(adapter.url, signed(order("first"), b"a-nonce"))).status == 503:
            await asyncio.sleep(0.05)

        def by_zeep() -> Any:
            client = ZEEP.Client(adapter.url + "?wsdl", wsse=TOKEN_OF_ZEEP)
            assert client.service._binding_options["address"] == adapter.url
            return client.service.OrderPlaced(number="A-7", cents=1250)

        answer = await asyncio.to_thread(by_zeep)
        there = await published(kafka, "zeep")

    assert answer == "A-7"
    assert ("A-7", 1250) in there


async def test_a_message_without_a_right_token_is_refused_and_learns_nothing(kafka: Connection) -> None:
    adapter = shop(token=TOKEN)
    old = datetime.now(UTC) - timedelta(hours=1)
    async with serving(adapter, kafka, "token"):
        answers = [
            await called(adapter.url, data)
            for data in (
                order("A-1"),
                order("A-1", "nonsense"),
                signed(order("A-1"), b"1", said="guess"),
                signed(order("A-1"), b"2", created=old),
            )
        ]

    assert len({answer.body for answer in answers}) == 1, "the answers tell which part was wrong"
    assert b"not authenticated" in answers[0].body
    assert await published(kafka, "token") == []


async def test_replayed_bytes_are_refused_also_after_a_restart(kafka: Connection) -> None:
    data, answers = signed(order("A-1"), b"only once"), list[int]()
    for _ in range(2):
        adapter = shop(token=TOKEN, message_id=None)
        async with serving(adapter, kafka, "replay"):
            for _ in range(2):
                while (answer := await called(adapter.url, data)).status == 503:
                    await asyncio.sleep(0.05)
                answers.append(answer.status)

    assert answers == [200, 500, 500, 500]
    assert await published(kafka, "replay") == [("A-1", 100)]


async def test_concurrent_duplicates_are_one_event_and_have_the_same_answer(kafka: Connection) -> None:
    adapter = shop()
    async with serving(adapter, kafka, "duplicates"):
        await ready(adapter.url)
        calls = [called(adapter.url, order(f"D-{number % 3}")) for number in range(24)]
        answers = await asyncio.gather(*calls)
        other = await called(adapter.url, order("D-1", 999))

    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 3
    assert (other.status, b"used for another message" in other.body) == (500, True)
    there = await published(kafka, "duplicates")
    assert sorted(key for key, _ in there if key != "ready") == ["D-0", "D-1", "D-2"]


async def test_an_id_is_remembered_over_a_restart_and_forgotten_in_time(kafka: Connection) -> None:
    for _ in range(2):
        adapter = shop(remembered=3)
        async with serving(adapter, kafka, "restart"):
            while (answer := await called(adapter.url, order("R-1"))).status == 503:
                await asyncio.sleep(0.05)
            assert answer.status == 200
    adapter = shop(remembered=3)
    async with serving(adapter, kafka, "restart"):
        await asyncio.sleep(3)
        while (await called(adapter.url, order("R-1"))).status == 503:
            await asyncio.sleep(0.05)

    assert await published(kafka, "restart") == [("R-1", 100), ("R-1", 100)]


async def test_without_kafka_a_call_is_told_to_come_again() -> None:
    with EmbeddedKafka() as connection:
        away = connection
    adapter = shop(retry_after=7)
    async with serving(adapter, away, "away"):
        answer = await called(adapter.url, order("A-1"))
        health = await called(adapter.url, b"")

    assert (answer.status, answer.retry_after) == (503, "7")
    assert b"faultcode>soap:Server<" in answer.body
    assert health.status != 200


async def test_calls_that_wait_when_it_is_drained_are_answered(kafka: Connection) -> None:
    adapter = shop()
    async with serving(adapter, kafka, "drain") as pipeline:
        await ready(adapter.url)
        calls = [asyncio.create_task(called(adapter.url, order(f"W-{number}"))) for number in range(20)]
        await asyncio.sleep(0.02)
        pipeline.stop()
        answers = await asyncio.gather(*calls, return_exceptions=True)

    taken = [a for a in answers if not isinstance(a, BaseException) and a.status == 200]
    there = {key for key, _ in await published(kafka, "drain")}
    for answer in taken:
        assert any(f">{key}<".encode() in answer.body for key in there), "an answer without its event"
    assert {a.status for a in answers if not isinstance(a, BaseException)} <= {200, 503}


@pytest.mark.parametrize(
    ("data", "more", "told"),
    [
        (order("A-1", "many"), {}, b"cents"),
        (order("A-1"), {"action": "urn:banyan:example:shop#OrderCancelled"}, b"OrderCancelled"),
        (order("A-1").replace(b"OrderPlaced", b"OrderLost"), {}, b"OrderPlaced"),
        (b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>', {}, b"nothing"),
        (
            order("A-1").replace(b"OrderPlaced", b"OrderCancelled").replace(b"<cents>100</cents>", b""),
            {},
            b"found one of OrderCancelled",
        ),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + order("A-1"), {}, b"Client"),
        (b"<a" * 400, {}, b"Client"),
        (order("A-1"), {"content_type": "application/json"}, b"Content-Type"),
    ],
)
async def test_a_message_that_the_contract_does_not_allow_is_told_where(
    kafka: Connection, data: bytes, more: dict[str, str], told: bytes
) -> None:
    adapter = shop()
    async with serving(adapter, kafka, "invalid"):
        await ready(adapter.url)
        answer = await called(adapter.url, data, **more)

    assert answer.status in {400, 415, 500}
    assert told in answer.body


async def test_a_bad_message_is_kept_with_its_bytes_where_that_is_declared(kafka: Connection) -> None:
    adapter = shop(invalid="dead-letter")
    data = order("A-1", "many")
    async with serving(adapter, kafka, "letters"):
        await ready(adapter.url)
        answers = [await called(adapter.url, data) for _ in range(2)]

    assert [answer.status for answer in answers] == [500, 500]
    assert answers[0].body == answers[1].body
    assert b"cents" in answers[0].body
    letters = [record async for record in committed(kafka, dead_letter_topic("letters", "shop").name)]
    assert [letter.value for letter in letters] == [data]
    assert b"many" not in b"".join(value or b"" for _, value in letters[0].headers)


async def test_soap_1_2_utf_16_and_one_way_are_spoken(kafka: Connection) -> None:
    adapter, one_way = shop(), shop(name="cancelled", operation="OrderCancelled", reply=None)
    new = order("S-12").replace(
        b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"
    )
    async with serving(adapter, kafka, "versions"):
        await ready(adapter.url)
        answers = [
            await called(adapter.url, new, content_type="application/soap+xml; charset=utf-8"),
            await called(adapter.url, order("S-16").decode().encode("utf-16")),
        ]
    assert [answer.status for answer in answers] == [200, 200]
    assert b"2003/05/soap-envelope" in answers[0].body
    assert await one_way.check() == []


async def test_more_calls_than_may_wait_are_told_to_come_again() -> None:
    adapter = shop(most_waiting=2, answer_within=0.5)
    batches = adapter.read(Progress())
    reading = asyncio.ensure_future(anext(batches))
    async with adapter.listening():
        first = asyncio.create_task(called(adapter.url, order("B-0")))
        await reading
        answers = await asyncio.gather(*(called(adapter.url, order(f"B-{number}")) for number in range(1, 6)), first)
    await batches.aclose()

    assert [answer.status for answer in answers] == [503] * 6, "nothing was committed, so nothing is answered"
