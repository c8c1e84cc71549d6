"""A process that publishes numbers and kills itself in a given phase, leaving a marker that proves where.

`python -m tests.kafka.victim BOOTSTRAP NAMESPACE TOTAL CHUNK MARKER PHASE TRANSACTION DELAY_MS`
"""

import asyncio
import os
import signal
import sys
import threading
import time

from events.connection import Connection
from events.pipeline import Limits, Pipeline
from events.publisher import Phase
from tests.sources import Numbers

_BEGINS = {
    "before begin": Phase.READY,
    "during send": Phase.SENDING,
    "before commit": Phase.COMMITTING,
    "during commit": Phase.COMMITTING,
    "after commit": Phase.COMMITTED,
    "during recovery": Phase.RECOVERING,
}


class Probe:
    """Marks each phase in a file, and kills the process in the one it was told."""

    def __init__(self, marker: int, phase: str, transaction: int, delay_s: float) -> None:
        self._marker, self._phase, self._delay_s = marker, phase, delay_s
        self._killing = False
        self._left = 0 if phase == "during recovery" else transaction

    def __call__(self, phase: Phase) -> None:
        os.write(self._marker, f"{phase}\n".encode())
        if self._killing:
            time.sleep(10)  # the kill missed its phase: publish no more until it comes
        if phase is not _BEGINS.get(self._phase):
            return
        if self._left > 0:
            self._left -= 1
            return
        if self._phase.startswith("during"):
            self._killing = True
            threading.Thread(target=self._kill_later, daemon=True).start()
        else:
            os.kill(os.getpid(), signal.SIGKILL)

    def _kill_later(self) -> None:
        time.sleep(self._delay_s)
        os.write(self._marker, b"killed\n")
        os.kill(os.getpid(), signal.SIGKILL)


async def main(arguments: list[str]) -> None:
    """Publish all that is left, or die on the way."""
    bootstrap, namespace, total, chunk, marker, phase, transaction, delay_ms = arguments
    descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pipeline = Pipeline(
        Numbers(int(total), chunk=int(chunk)),
        Connection(bootstrap_servers=bootstrap),
        namespace=namespace,
        limits=Limits(transaction_events=int(chunk)),
        probe=Probe(descriptor, phase, int(transaction), float(delay_ms) / 1000),
    )
    await pipeline.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
