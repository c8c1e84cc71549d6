"""Partitions that wait before they come again, while the others flow."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from events.delivery import reason
from events.retry import Retry

__all__ = ["Waiting"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    offset: int
    attempts: int = 0
    """How often a handler failed on this record."""
    waits: int = 0
    """How often the partition had to wait at this record, for whatever reason."""


class Waiting:
    """Which record each partition is in trouble with; kept in memory only."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._troubles: dict[TopicPartition, _Trouble] = {}
        self._timers: dict[TopicPartition, asyncio.TimerHandle] = {}

    def attempts(self, place: TopicPartition, offset: int) -> int:
        """Return how often a handler failed on this record."""
        return self._trouble(place, offset).attempts

    def suspect(self, place: TopicPartition) -> int | None:
        """Return the offset of the record that a handler failed on, if there is one."""
        trouble = self._troubles.get(place)
        return trouble.offset if trouble is not None and trouble.attempts else None

    def attempted(self, place: TopicPartition, offset: int) -> int:
        """Count one more failure of a handler on this record, and return how many there are."""
        trouble = self._trouble(place, offset)
        self._troubles[place] = replace(trouble, attempts=trouble.attempts + 1)
        return trouble.attempts + 1

    def over(self, place: TopicPartition) -> None:
        """Forget the partition's trouble: the record is handled or dead-lettered."""
        self._troubles.pop(place, None)

    def wait(
        self,
        consumer: AIOKafkaConsumer,
        place: TopicPartition,
        offset: int,
        *,
        error: Exception,
        again_from: int | None = None,
    ) -> None:
        """Let the partition wait because of this record, and come again with it or from another offset."""
        if place not in consumer.assignment():
            return
        trouble = self._trouble(place, offset)
        self._troubles[place] = replace(trouble, waits=trouble.waits + 1)
        delay = self._retry.delay(trouble.waits + 1)
        consumer.pause(place)
        consumer.seek(place, offset if again_from is None else again_from)
        self._timers[place] = asyncio.get_running_loop().call_later(delay, self._resume, consumer, place)
        _log.warning(
            "waiting to try again",
            topic=place.topic,
            partition=place.partition,
            offset=offset,
            error=type(error).__qualname__,
            reason=reason(error),
            seconds=round(delay, 3),
        )

    def assigned(self, consumer: AIOKafkaConsumer, places: Collection[TopicPartition]) -> None:
        """Go on waiting in partitions that came back in a rebalance; forget the others."""
        self._troubles = {place: trouble for place, trouble in self._troubles.items() if place in places}
        for place in list(self._timers):
            if place in places:
                consumer.pause(place)
            else:
                self._timers.pop(place).cancel()

    def stop(self) -> None:
        """Resume nothing any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _trouble(self, place: TopicPartition, offset: int) -> _Trouble:
        known = self._troubles.get(place)
        return known if known is not None and known.offset == offset else _Trouble(offset=offset)

    def _resume(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
        del self._timers[place]
        if place in consumer.assignment():
            consumer.resume(place)
