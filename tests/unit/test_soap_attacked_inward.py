"""What an attack on calls that come in found: tokens that stretch, a Body beside the Body, callers that hold places."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters import soap_callback
from adapters.soap_callback.example import OrderPlaced
from contracts.errors import BrokerUnavailableError
from contracts.legacy.soap.envelope import body_of
from contracts.legacy.soap.security import add_username_token
from contracts.legacy.xml import parse
from contracts.ports import LogRecord, Progress
from routers.facade.process.spool import unpack_bytes
from tests.shop import TOKEN, called, order, shop, signed
from tests.unit.test_facade_intercepts import Kafka, World
from tests.unit.test_soap_authentication import EMPTY, NOW, WSSE, WSU, reason


@pytest.mark.parametrize("tail", [b" ", b"\n", "\N{NO-BREAK SPACE}".encode(), b"2"])
def test_what_ends_a_nonce_can_not_begin_its_created(tail: bytes) -> None:
    root, nonce = parse(EMPTY), b"0123456789abcdef" + tail
    add_username_token(root, "shop", "secret", kind="digest", now=NOW, nonce=nonce, valid_for=timedelta(minutes=5))
    assert reason(root) == "taken"

    [said], [created] = list(root.iter(f"{WSSE}Nonce")), list(root.iter(f"{WSU}Created"))[-1:]
    said.text = base64.b64encode(nonce[: -len(tail)]).decode()
    created.text = tail.decode() + (created.text or "")

    assert reason(root) in {"malformed", "password"}


def test_a_header_of_another_namespace_is_none() -> None:
    root = parse(EMPTY)
    add_username_token(root, "shop", "secret", kind="digest", now=NOW, nonce=b"n" * 16, valid_for=None)
    root[0].tag = "{urn:evil}Header"

    assert reason(root) == "missing"


def test_the_body_is_that_of_the_envelope_and_no_other_of_its_name() -> None:
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    root = parse(f"<s:Envelope xmlns:s='{soap}'><z:Body xmlns:z='urn:z'/><s:Body><a/></s:Body></s:Envelope>".encode())

    assert [child.tag for child in body_of(root)] == ["a"]


async def answered(adapter: soap_callback.Adapter, *messages: bytes) -> list[int]:
    """Call one after the other while all that is read is published; return the statuses."""

    async def publish() -> None:
        async for batch in adapter.read(Progress()):
            adapter.published(batch.stream, batch.checkpoint)

    async with adapter.listening():
        publishing = asyncio.create_task(publish())
        while (await called(adapter.url.rstrip("/") + "/health", b"")).status == 503:
            await asyncio.sleep(0.01)
        statuses = [(await called(adapter.url, each)).status for each in messages]
        publishing.cancel()
        await asyncio.wait({publishing})
    return statuses


async def test_a_message_that_is_no_event_by_its_mapping_is_answered() -> None:
    def none(_call: Any) -> OrderPlaced | None:
        return None

    config = soap_callback.Config.model_validate({**dict(shop().config), "answer_within": timedelta(seconds=3)})
    adapter = soap_callback.Adapter(config, model=OrderPlaced, key="order_id", mapping=none)

    assert await answered(adapter, order("A-1"), order("A-1"), order("A-2")) == [200, 200, 200]


async def test_the_nonce_of_a_message_that_is_refused_for_its_content_is_spent() -> None:
    nonce, now = b"0123456789abcdef", datetime.now(UTC)
    bad, good = (signed(order("A-1", cents), nonce, created=now) for cents in ("many", 100))

    assert await answered(shop(token=TOKEN), bad, good) == [500, 500]
    assert await answered(shop(token=TOKEN), good) == [200]


async def test_the_nonce_of_a_message_that_its_mapping_refuses_is_spent() -> None:
    nonce, now = b"0123456789abcdef", datetime.now(UTC)
    adapter = soap_callback.Adapter(
        shop(token=TOKEN).config,
        model=OrderPlaced,
        key="order_id",
        mapping={"order_id": ("number", {"A-1": "A-1"}), "cents": "cents"},
    )
    unknown, known = (signed(order(number), nonce, created=now) for number in ("B-1", "A-1"))

    assert await answered(adapter, unknown, known) == [500, 500]


async def test_a_reply_may_have_a_value_in_an_attribute() -> None:
    adapter = shop()
    assert adapter.config.reply is not None
    quoted = adapter.configured({"reply": adapter.config.reply.replace(">", ' note="{number}">', 1)})

    assert await answered(quoted, order('A"1')) == [200]


async def raw(url: str, *sent: bytes) -> bytes:
    """Send bytes to a server, and return what comes until it ends the connection."""
    host, _, port = url.partition("//")[2].partition("/")[0].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for each in sent:
            writer.write(each)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b"reset"
    finally:
        writer.close()


async def test_a_trailer_without_an_end_is_refused_and_trailers_change_nothing() -> None:
    adapter = shop(read_within=timedelta(seconds=5))
    async with adapter.listening():
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
        head += b"1\r\na\r\n0\r\nX: "
        long = await asyncio.wait_for(raw(adapter.url, head, *[b"y" * 60_000] * 8), 20)
        short = await asyncio.wait_for(
            raw(adapter.url, head.replace(b"X: ", b"Content-Type: text/plain\r\nConnection: close\r\n\r\n")), 20
        )

    assert long.startswith((b"HTTP/1.1 400", b"reset"))
    assert b" 415 " not in short.split(b"\r\n", 1)[0], "the type is the one of the head"


async def test_who_does_not_read_its_answers_holds_no_place() -> None:
    adapter = shop(read_within=timedelta(seconds=1), most_connections=1)
    async with adapter.listening():
        host, _, port = adapter.url.partition("//")[2].partition("/")[0].partition(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(b"GET /?wsdl HTTP/1.1\r\nHost: x\r\n\r\n" * 3_000)
        async with asyncio.timeout(30):
            while await _asked(adapter.url) != 200:
                await asyncio.sleep(0.2)
        writer.close()


async def _asked(url: str) -> int:
    found = await raw(url, b"GET /?wsdl HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return int(found.split(b" ", 2)[1]) if found.startswith(b"HTTP/1.1 ") else 0


class Refusing(Kafka):
    """Does not let us write to one topic."""

    async def append(self, topic: str, records: Any) -> None:
        if topic == "t.b/b":
            raise BrokerUnavailableError("kafka", reason="TopicAuthorizationFailedError")
        await super().append(topic, records)


async def test_a_topic_that_refuses_us_stops_no_other_and_doubles_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.kafka = Refusing()
    for number in range(3):
        world.tell("a", (4 * number + 1, b"1"), until=4 * number + 2)
        world.tell("a", (4 * number + 3, b"2"), until=4 * number + 4, route="b/b")
        await world.send()

    assert world.kafka.bodies == [b"1"] * 3
    assert (world.intercepts.dropped, world.intercepts.sent, world.intercepts.kept) == (3, 3, 0)
    aside = [record for path in (tmp_path / "captured").glob("*.damaged") for record in _records(path)]
    assert len(aside) >= 1


def _records(path: Path) -> list[LogRecord]:
    return list(unpack_bytes(path.read_bytes()))
