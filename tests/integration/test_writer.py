"""What the pipeline's parts do at their edges, on a broker that is not there or is embedded."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from contracts.errors import BrokerUnavailableError
from contracts.ports import EventBatch, Progress
from events.connection import Connection
from events.pipeline import Pipeline
from events.transaction import TransactionalWriter
from tests.sources import batch


async def test_a_writer_whose_broker_is_not_there_says_so_and_leaves_nothing_open() -> None:
    nowhere = Connection(bootstrap_servers="127.0.0.1:9")

    with pytest.raises(BrokerUnavailableError, match="KafkaConnectionError"):
        await TransactionalWriter("t.numbers", nowhere, patience=timedelta(seconds=5)).__aenter__()


class Once:
    """A plain iterator, which has nothing to close."""

    def __init__(self) -> None:
        self._left = [batch(range(3))]

    def __aiter__(self) -> AsyncIterator[EventBatch]:
        return self

    async def __anext__(self) -> EventBatch:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class FromOutside:
    """A source that imports nothing of ours."""

    name = "numbers"

    def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        del since
        return Once()


async def test_a_source_may_be_any_iterator(embedded: Connection, namespace: str) -> None:
    published = await Pipeline(FromOutside(), embedded, namespace=namespace).run()

    assert published.events == 3
