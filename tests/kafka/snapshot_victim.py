"""A process that publishes what extracts changed and kills itself in a given phase of a transaction.

`python -m tests.kafka.snapshot_victim BOOTSTRAP NAMESPACE FOLDER CHUNK MARKER PHASE TRANSACTION DELAY_MS`
"""

import asyncio
import os
import sys
from pathlib import Path

from events.connection import Connection
from events.pipeline import Limits, Pipeline
from tests.accounts import make
from tests.kafka.victim import Probe


async def main(arguments: list[str]) -> None:
    """Publish all that is left, or die on the way."""
    bootstrap, namespace, folder, chunk, marker, phase, transaction, delay_ms = arguments
    descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pipeline = Pipeline(
        make(Path(folder), {"chunk_records": int(chunk)}),
        Connection(bootstrap_servers=bootstrap),
        namespace=namespace,
        # A transaction for each chunk, so that there are many places to die in.
        limits=Limits(transaction_events=1),
        probe=Probe(descriptor, phase, int(transaction), float(delay_ms) / 1000),
    )
    await pipeline.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
