"""The garbage collector as a worker wants it: by the clock, and never through the rules.

A call leaves no circles behind, so all that the collector's own counts see is how many calls are in flight: to look
every 700 objects costs a twentieth of all. Counted in hundreds of thousands, though, the few circles that a library
leaves each second pile up for hours, with all that hangs on them.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import Final

__all__ = ["COLLECT_SECONDS", "collect_for_ever", "settle"]

COLLECT_SECONDS: Final = 60.0
"""How long garbage stays at most; with a thousand calls in flight, to look takes some milliseconds."""


def settle() -> None:
    """Take all that is there for lasting: the collector does not walk through 100,000 rules while calls wait."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


async def collect_for_ever(version: Callable[[], int], *, every: float = COLLECT_SECONDS) -> None:
    """Collect again and again.

    Args:
        version: Returns that of the ruleset in force; a new one is walked through once.
        every: Seconds.
    """
    settled = version()
    while True:
        await asyncio.sleep(every)
        found = version()
        if found == settled:
            gc.collect()
        else:
            settle()
            settled = found
