"""What a call leaves behind: nothing that only the collector would find."""

import gc
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

import pytest

from tests.facade_wire import post, soap_rules
from tests.facade_world import facade
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
