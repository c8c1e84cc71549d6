"""What a call leaves behind: nothing that only the collector would find."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

import pytest

from tests.facade_wire import post, soap_rules
from tests.facade_world import Side, facade
from tests.soap_messages import envelope

CHILD = '<x:o xmlns:x="urn:x"><!-- not plain: {number} --><id>{number}</id></x:o>'
CALLS = 20


@pytest.fixture
def collector() -> Iterator[None]:
    """Stop the collector, as far as a busy worker is concerned: it looks once in 200,000 objects."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def parsers() -> int:
    return sum(isinstance(each, expat.XMLParserType) for each in gc.get_objects())


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("key", ["Body/{urn:x}o/id", "Header/{urn:x}who", "Body/{urn:x}o/@id"])
@pytest.mark.parametrize("body", [CHILD, "<x:other xmlns:x='urn:x'>{number}<!-- --></x:other>", "<x:o", ""])
async def test_no_parser_outlives_its_call(tmp_path: Path, key: str, body: str) -> None:
    """A parser's handlers are methods of what has it; tens of kilobytes hang on that circle."""
    before = parsers()
    async with facade(tmp_path) as world:
        world.use(soap_rules("o", key=key))
        for number in range(CALLS):
            message = envelope(body.format(number=number)).encode()
            await world.exchange(post(message, b"Content-Type: text/xml\r\n"), half_close=True)

    assert parsers() == before


REQUESTS = {
    "plain": post(envelope('<x:o xmlns:x="urn:x"><id>1</id></x:o>').encode(), b"Content-Type: text/xml\r\n"),
    "parsed": post(envelope(CHILD.format(number=1)).encode(), b"Content-Type: text/xml\r\n"),
    "chunked": b"POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "without a route": b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n",
    "refused message": post(b"<broken", b"Content-Type: text/xml\r\n"),
    "refused head": b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "cut off": b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
}


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("fails", [False, True])
async def test_a_call_leaves_no_circle_of_ours(tmp_path: Path, request_: bytes, fails: bool) -> None:  # noqa: FBT001
    """Whoever answers, or does not."""
    modern = Side(conduct=_hangs_up) if fails else None
    async with facade(tmp_path, modern=modern) as world:
        world.use(soap_rules("o", key="Body/{urn:x}o/id"))
        await world.exchange(request_, half_close=True)  # what is learnt of it stays
        gc.collect()
        for _ in range(CALLS):
            await world.exchange(request_, half_close=True)
        found = _only_the_collectors()

    assert found == Counter()


async def _hangs_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def _only_the_collectors() -> Counter[str]:
    """Return what nobody but the collector reaches, by the names of our types; it is kept until the test ends."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return Counter(type(each).__name__ for each in gc.garbage if type(each).__module__.startswith("routers."))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
