"""One contender publishes the same events once: `python -m bench.publish CONTENDER BOOTSTRAP FILE`.

Banyan reads a file of 200-byte records with 15 fields, decodes, maps, validates and publishes them with
their CloudEvents headers in transactions. The peers are handed the finished values and headers and only
send them, without a transaction: what Banyan does more is counted against it.

Prints a JSON object: events, CPU seconds of this process, seconds.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker
from faststream.kafka.opentelemetry import KafkaTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider

from contracts.ports import Progress, Source
from events.connection import Connection
from events.envelope import Header, encode_columns
from events.pipeline import Pipeline
from events.topics import ensure, event_topic
from hub.demo.adapters.benefits import adapter

Event = tuple[bytes, bytes, list[Header]]
WINDOW = 10_000
"""Messages that a peer has under way before it waits for them."""


def source(file: Path) -> Source:
    """Return the batch adapter on a file."""
    return adapter.configured({"path": file, "once": True, "stable_for": 0})


async def finished(read: Source) -> list[Event]:
    """Return what Banyan would send: key, value and headers of each event."""
    return [
        (key, value or b"", headers)
        async for batch in read.read(Progress())
        for columns in batch.events
        for key, value, headers in encode_columns(
            columns, source="/banyan/b/benefits", stream=batch.stream, traceparent=None
        )
    ]


async def banyan(connection: Connection, namespace: str, file: Path) -> tuple[int, float, float]:
    """Publish through the pipeline."""
    pipeline = Pipeline(source(file), connection, namespace=namespace)
    cpu, began = time.process_time(), time.perf_counter()
    published = await pipeline.run()
    return published.events, time.process_time() - cpu, time.perf_counter() - began


async def _in_windows(
    events: list[Event], send: Callable[[Event], Awaitable[Awaitable[object]]]
) -> tuple[int, float, float]:
    cpu, began = time.process_time(), time.perf_counter()
    for start in range(0, len(events), WINDOW):
        await asyncio.gather(*[await send(event) for event in events[start : start + WINDOW]])
    return len(events), time.process_time() - cpu, time.perf_counter() - began


async def aiokafka(connection: Connection, namespace: str, file: Path) -> tuple[int, float, float]:
    """Publish with aiokafka's `send`, gathered."""
    events = await finished(source(file))
    topic = event_topic(namespace, "benefits").name
    async with AIOKafkaProducer(**connection.producer_options(), enable_idempotence=True, linger_ms=5) as producer:

        async def send(event: Event) -> Awaitable[object]:
            key, value, headers = event
            return await producer.send(topic, value, key=key, headers=headers)

        return await _in_windows(events, send)


async def faststream(connection: Connection, namespace: str, file: Path) -> tuple[int, float, float]:
    """Publish with FastStream's `publish(no_confirm=True)`, gathered."""
    return await _faststream(connection, namespace, await finished(source(file)), telemetry=False)


async def faststream_telemetry(connection: Connection, namespace: str, file: Path) -> tuple[int, float, float]:
    """Publish with FastStream and its telemetry middleware: SDK provider, no exporter."""
    return await _faststream(connection, namespace, await finished(source(file)), telemetry=True)


async def _faststream(
    connection: Connection, namespace: str, events: list[Event], *, telemetry: bool
) -> tuple[int, float, float]:
    middlewares = [KafkaTelemetryMiddleware(tracer_provider=TracerProvider())] if telemetry else []
    broker = KafkaBroker(
        connection.bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=1_000_000,
        allow_auto_create_topics=False,
        middlewares=middlewares,
        logger=None,
    )
    topic = event_topic(namespace, "benefits").name
    ready = [(k, v, {name: (raw or b"").decode() for name, raw in headers}) for k, v, headers in events]
    await broker.start()
    cpu, began = time.process_time(), time.perf_counter()
    for start in range(0, len(ready), WINDOW):
        window = ready[start : start + WINDOW]
        sent = [await broker.publish(v, topic, key=k, headers=h, no_confirm=True) for k, v, h in window]
        await asyncio.gather(*sent)
    spent = time.process_time() - cpu, time.perf_counter() - began
    await broker.stop()
    return len(ready), *spent


CONTENDERS = {
    "banyan": banyan,
    "aiokafka send": aiokafka,
    "faststream publish": faststream,
    "faststream publish, telemetry": faststream_telemetry,
}


async def main(contender: str, bootstrap: str, file: Path) -> None:
    """Publish, and print the figures."""
    connection, namespace = Connection(bootstrap_servers=bootstrap), f"bench-{uuid.uuid4().hex[:8]}"
    await ensure(connection, [event_topic(namespace, "benefits")])
    events, cpu_s, wall_s = await CONTENDERS[contender](connection, namespace, file)
    print(json.dumps({"events": events, "cpu_s": cpu_s, "wall_s": wall_s}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
