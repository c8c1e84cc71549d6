"""A process that takes a snapshot of a register over HTTP and kills itself in a given phase of a transaction.

`python -m tests.kafka.soap_snapshot_victim BOOTSTRAP NAMESPACE URL REQUEST MARKER PHASE TRANSACTION DELAY_MS`
"""

import asyncio
import os
import sys

from events.connection import Connection
from events.pipeline import Limits, Pipeline
from tests.kafka.victim import Probe
from tests.register import LISTED, register_adapter


async def main(arguments: list[str]) -> None:
    """Publish all that is left, or die on the way."""
    bootstrap, namespace, url, request, marker, phase, transaction, delay_ms = arguments
    descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    adapter = register_adapter(None, None, "offset", endpoint=url, interval=0.05).configured(
        {"snapshot": {"operation": "List", "items": "ListResponse/entry", "request": request, **LISTED["offset"]}}
    )
    pipeline = Pipeline(
        adapter,
        Connection(bootstrap_servers=bootstrap),
        namespace=namespace,
        # A transaction for each chunk, so that there are many places to die in.
        limits=Limits(transaction_events=1),
        probe=Probe(descriptor, phase, int(transaction), float(delay_ms) / 1000),
    )
    await pipeline.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
