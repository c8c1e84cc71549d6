"""One contender reads the same events once: `python -m bench.subscribe CONTENDER BOOTSTRAP FILE`.

Banyan's subscriber suppresses duplicates by an inbox on disk, in one transaction per batch, and commits
offsets after it. The peers only read and count: what Banyan does more is counted against it.

Prints a JSON object: events, CPU seconds of this process, seconds.
"""

import asyncio
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from bench.publish import source
from contracts.benefit import BenefitPaid
from contracts.ports import InboxTransaction
from events.batch_subscriber import BatchSubscriber
from events.connection import Connection
from events.delivery import Delivered
from events.inbox import SqliteInbox
from events.pipeline import Pipeline
from events.topics import event_topic

GROUP = "bench"
BATCH = 2_000


class Count:
    """Counts events, and tells when all are there; the clock starts with the first."""

    def __init__(self, total: int) -> None:
        self._total, self._seen, self._cpu, self._began = total, 0, 0.0, 0.0
        self.done = asyncio.Event()

    def start(self) -> None:
        """Start the clock."""
        self._cpu, self._began = time.process_time(), time.perf_counter()

    def add(self, events: int) -> None:
        """Count events that were handled."""
        self._seen += events
        if self._seen >= self._total:
            self.done.set()

    def figures(self) -> tuple[int, float, float]:
        """Return events, CPU seconds and seconds since the start."""
        return self._seen, time.process_time() - self._cpu, time.perf_counter() - self._began


async def banyan(connection: Connection, namespace: str, count: Count, folder: Path) -> None:
    """Handle raw events in batches, idempotently."""
    await _banyan(connection, namespace, count, folder, raw=True)


async def banyan_typed(connection: Connection, namespace: str, count: Count, folder: Path) -> None:
    """Handle events as models that were checked against the contract, in batches, idempotently."""
    await _banyan(connection, namespace, count, folder, raw=False)


async def _banyan(connection: Connection, namespace: str, count: Count, folder: Path, *, raw: bool) -> None:
    inbox = SqliteInbox(folder / "inbox.sqlite", GROUP)
    subscriber = BatchSubscriber(connection, group=GROUP, namespace=namespace, inbox=inbox)

    async def handle(events: Sequence[Delivered[object]], _tx: InboxTransaction) -> None:
        count.add(len(events))

    if raw:
        subscriber.on(BenefitPaid, raw=True)(handle)
    else:
        subscriber.on(BenefitPaid)(handle)
    count.start()
    await subscriber.run(count.done)
    inbox.close()


async def aiokafka(connection: Connection, namespace: str, count: Count, _folder: Path) -> None:
    """Read with aiokafka's `getmany`; duplicates are handled twice."""
    consumer = AIOKafkaConsumer(
        event_topic(namespace, "benefits").name,
        **connection.consumer_options(),
        group_id=GROUP,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    count.start()
    while not count.done.is_set():
        fetched = await consumer.getmany(timeout_ms=200, max_records=BATCH)
        count.add(sum(map(len, fetched.values())))
        await consumer.commit()
    await consumer.stop()


async def faststream(connection: Connection, namespace: str, count: Count, _folder: Path) -> None:
    """Read with FastStream's batch subscriber; duplicates are handled twice."""
    broker = KafkaBroker(connection.bootstrap_servers, logger=None)

    @broker.subscriber(
        event_topic(namespace, "benefits").name,
        group_id=GROUP,
        batch=True,
        max_records=BATCH,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.ACK,
        no_reply=True,
    )
    async def handle(events: list[Any]) -> None:
        count.add(len(events))

    count.start()
    await broker.start()
    await count.done.wait()
    await broker.stop()


CONTENDERS = {
    "banyan": banyan,
    "banyan, typed": banyan_typed,
    "aiokafka getmany": aiokafka,
    "faststream batch": faststream,
}


async def main(contender: str, bootstrap: str, file: Path) -> None:
    """Publish what is to be read, read it, and print the figures."""
    connection, namespace = Connection(bootstrap_servers=bootstrap), f"bench-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        published = await Pipeline(source(file), connection, namespace=namespace).run()
        count = Count(published.events)
        await CONTENDERS[contender](connection, namespace, count, folder)
        events, cpu_s, wall_s = count.figures()
    print(json.dumps({"events": events, "cpu_s": cpu_s, "wall_s": wall_s}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
