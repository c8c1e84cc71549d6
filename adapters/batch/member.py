"""A process that makes chunks of records for the one that started it, until that one leaves. See `crew`."""

import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from adapters.batch.chunk import to_chunk
from adapters.batch.recipe import loaded

__all__ = ["main"]


def main(descriptor: int) -> None:
    """Answer each request that comes through a socket; its end is the end.

    Args:
        descriptor: Of the socket.
    """
    # It leaves with its parent, which drains when it is asked to.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Connection(descriptor) as parent, suppress(EOFError, ConnectionError):
        shape = loaded(parent.recv())
        parent.send(shape.format.fingerprint)
        while True:
            delivery, batch, is_wanted = parent.recv()
            chunk = to_chunk(shape, delivery, batch)
            parent.send(chunk if is_wanted else chunk.without_events())


if __name__ == "__main__":
    main(int(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # without the threads that an adapter may have started
