"""A process that publishes files of payments or of trees, and kills itself at a given step of a given file.

`python -m tests.kafka.file_victim KIND BOOTSTRAP NAMESPACE FOLDER MARKER PHASE TRANSACTION DELAY_MS EVENTS`
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from adapters import batch
from events.connection import Connection
from events.pipeline import Limits, Pipeline
from tests import customers, payments
from tests.kafka.victim import Probe

ADAPTERS: dict[str, Callable[[Path], batch.Adapter]] = {
    "payments": lambda folder: payments.make(folder, {"chunk_records": 40}),
    "trees": lambda folder: customers.make(folder, {"chunk_records": 5}, mapping=customers.shaped),
}


async def main(arguments: list[str]) -> None:
    """Publish all files, in transactions that take another chunk until they hold so many events, or die on the way."""
    kind, bootstrap, namespace, folder, marker, phase, transaction, delay_ms, events = arguments
    descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pipeline = Pipeline(
        ADAPTERS[kind](Path(folder)),
        Connection(bootstrap_servers=bootstrap),
        namespace=namespace,
        limits=Limits(transaction_events=int(events)),
        probe=Probe(descriptor, phase, int(transaction), float(delay_ms) / 1000),
    )
    await pipeline.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
