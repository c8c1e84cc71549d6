"""A process that is called by a shop, and kills itself in a given phase of a transaction.

`python -m tests.kafka.soap_callback_victim BOOTSTRAP NAMESPACE PORT MARKER PHASE TRANSACTION DELAY_MS`
"""

import asyncio
import os
import sys

from events.connection import Connection
from events.pipeline import Pipeline
from hub.wiring import draining
from tests.kafka.victim import Probe
from tests.shop import TOKEN, shop


async def main(arguments: list[str]) -> None:
    """Take calls until told to stop, or die on the way."""
    bootstrap, namespace, port, marker, phase, transaction, delay_ms = arguments
    descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pipeline = Pipeline(
        shop(port=int(port), token=TOKEN),
        Connection(bootstrap_servers=bootstrap),
        namespace=namespace,
        probe=Probe(descriptor, phase, int(transaction), float(delay_ms) / 1000),
    )
    with draining(pipeline.stop):
        await pipeline.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
