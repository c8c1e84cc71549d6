"""The time of one worker, read from the system once a tick: deadlines need no finer one, and reading costs."""

import time
from email.utils import formatdate
from typing import Final

__all__ = ["TICK_SECONDS", "Clock"]

TICK_SECONDS: Final = 0.1


class Clock:
    """Seconds of a clock that never goes back, and the date as HTTP writes it; both as of the last tick."""

    __slots__ = ("date", "epoch_ns", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self.date = b""
        self.epoch_ns = 0
        """What is added to `time.perf_counter_ns` for the time since 1970."""
        self.tick()

    def tick(self) -> None:
        """Read the system's clocks."""
        self.now = time.monotonic()
        self.epoch_ns = time.time_ns() - time.perf_counter_ns()
        self.date = formatdate(usegmt=True).encode()
