"""A group's offsets: where it begins, and what of it is handled.

Offsets are committed after handling, explicitly and for the partitions that moved; never "all positions", as
a position is what was fetched and not what was handled.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError

from contracts.errors import BrokerUnavailableError
from events.connection import Connection

__all__ = ["Offsets", "begin_at"]

COMMIT_EVERY = 1000
COMMIT_AFTER = timedelta(seconds=1)
COMMIT_PATIENCE = timedelta(seconds=10)
SCAN_MS = 200

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Offsets:
    """What was handled and not committed yet; committed every 1000 records, and after a second."""

    def __init__(self) -> None:
        self._handled: dict[TopicPartition, int] = {}
        self._count = 0
        self._committed_at = time.monotonic()

    @property
    def due(self) -> bool:
        """Tell whether something is to be committed now."""
        late = time.monotonic() - self._committed_at >= COMMIT_AFTER.total_seconds()
        return bool(self._handled) and (late or self._count >= COMMIT_EVERY)

    def handled(self, place: TopicPartition, upto: int, *, records: int) -> None:
        """Note that all of a partition before the offset `upto` is handled."""
        self._handled[place] = upto
        self._count += records

    def forget(self) -> None:
        """Forget what is not committed: the partitions are somebody else's now."""
        self._handled.clear()
        self._count = 0

    async def commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commit what was handled; what fails is tried again with the next commit."""
        owned = consumer.assignment()
        pending = {place: offset for place, offset in self._handled.items() if place in owned}
        if not pending:
            return
        self._count, self._committed_at = 0, time.monotonic()
        try:
            async with asyncio.timeout(COMMIT_PATIENCE.total_seconds()):
                await consumer.commit(pending)
        except (KafkaError, TimeoutError) as error:
            _log.warning("offsets not committed; events may come again", error=type(error).__name__)
            return
        for place, offset in pending.items():
            if self._handled.get(place) == offset:
                del self._handled[place]


async def begin_at(connection: Connection, group: str, topics: Sequence[str], *, since: datetime) -> None:
    """Commit, for each partition where the group has no offset yet, that of the first record since then.

    That is what `kafka-consumer-groups --reset-offsets --to-datetime` does, done once: a restart goes on
    from what was committed. When members of the group are active already, it has begun, and nothing is done.

    Raises:
        BrokerUnavailableError: The broker does not answer.
    """
    consumer = AIOKafkaConsumer(**connection.consumer_options(), group_id=group, enable_auto_commit=False)
    try:
        await consumer.start()
        places = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in await consumer._client._wait_on_metadata(topic)  # noqa: SLF001 - no public way for one topic
        ]
        consumer.assign(places)
        new = [place for place in places if await consumer.committed(place) is None]
        if new:
            await consumer.commit(await _offsets_at(consumer, new, since=since, scan=connection.embedded))
    except CommitFailedError:
        _log.info("the group is active and has begun already", group=group)
    except (KafkaError, OSError) as error:
        raise BrokerUnavailableError(connection.name, reason=type(error).__name__) from error
    finally:
        await consumer.stop()


async def _offsets_at(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], *, since: datetime, scan: bool
) -> Mapping[TopicPartition, int]:
    moment = int(since.timestamp() * 1000)
    ends = await consumer.end_offsets(places)
    if scan:
        return await _scanned(consumer, ends, moment)
    found = await consumer.offsets_for_times(dict.fromkeys(places, moment))
    return {place: at.offset if (at := found[place]) else ends[place] for place in places}


async def _scanned(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], moment: int
) -> Mapping[TopicPartition, int]:
    """Look for the time in the records themselves: the embedded broker has no index of them."""
    found = dict(ends)
    await consumer.seek_to_beginning(*ends)
    while await _unread(consumer, ends):
        fetched = await consumer.getmany(timeout_ms=SCAN_MS)
        for place, records in fetched.items():
            first = next((record.offset for record in records if record.timestamp >= moment), ends[place])
            found[place] = min(found[place], first)
    return found


async def _unread(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> Sequence[TopicPartition]:
    return [place for place, end in ends.items() if await consumer.position(place) < end]
