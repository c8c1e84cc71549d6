"""What time it is, on the two clocks that a budget goes by."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Clock"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The clocks of this machine."""

    seconds: Callable[[], float] = time.monotonic
    """The monotonic one, that all processes of the machine share and that nobody sets: leases and rates go by it."""
    at: Callable[[], datetime] = _utc_now
    """The wall clock, with a zone: windows of the calendar go by it."""
