"""A process that publishes files of trees, and kills itself at a given step.

`python -m tests.kafka.tree_victim BOOTSTRAP NAMESPACE FOLDER MARKER PHASE TRANSACTION DELAY_MS EVENTS`
"""

import asyncio
import os
import sys
from pathlib import Path

from events.connection import Connection
from events.pipeline import Limits, Pipeline
from tests.customers import make, shaped
from tests.kafka.victim import Probe


async def main(arguments: list[str]) -> None:
    """Publish all files, in chunks of a few records and transactions of a few trees, or die on the way."""
    bootstrap, namespace, folder, marker, phase, transaction, delay_ms, events = arguments
    descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pipeline = Pipeline(
        make(Path(folder), {"chunk_records": 5}, mapping=shaped),
        Connection(bootstrap_servers=bootstrap),
        namespace=namespace,
        limits=Limits(transaction_events=int(events)),
        probe=Probe(descriptor, phase, int(transaction), float(delay_ms) / 1000),
    )
    await pipeline.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
