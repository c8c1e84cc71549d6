"""The calls that façades captured, for the adapters that make events of them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import final

from contracts.ports import LogRecord
from events.log import KafkaLog
from events.topics import Topic, ensure, intercept_topic
from hub.settings import Settings

__all__ = ["CapturedCalls", "captured_topic"]


def captured_topic(settings: Settings, route: str) -> Topic:
    """Return the topic of a route's captured calls."""
    wanted = None if settings.facade is None else settings.facade.intercept
    if wanted is None:
        return intercept_topic(settings.namespace, route)
    return intercept_topic(settings.namespace, route, retention=wanted.retention)


@final
class CapturedCalls:
    """Fulfils the port `Captured` on Kafka; a topic that is not there yet is made, so whoever comes first may."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def read(self, route: str, *, after: Mapping[int, int], follow: bool = False) -> AsyncGenerator[LogRecord]:
        """Yield the records of a route; see the port."""
        topic, connection = captured_topic(self._settings, route), self._settings.kafka
        await ensure(connection, [topic])
        async with aclosing(KafkaLog(connection).read(topic.name, after=after, follow=follow)) as records:
            async for record in records:
                yield record
