"""How often and how long a subscriber tries again."""

from datetime import timedelta
from random import SystemRandom

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Retry"]

_RANDOM = SystemRandom()


class Retry(BaseModel):
    """Exponential waiting with jitter, a bounded number of times.

    >>> Retry(first=timedelta(seconds=1), longest=timedelta(minutes=1)).delay(1) <= 1
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    attempts: int = Field(default=5, ge=1)
    """How often a handler gets an event before it is dead-lettered."""
    first: timedelta = Field(default=timedelta(seconds=1), ge=timedelta(0))
    """Longest wait after the first failure; doubled after each further one."""
    longest: timedelta = Field(default=timedelta(minutes=1), ge=timedelta(0))
    """Longest wait of all."""

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after so many failures: half of the wait is certain, half is random."""
        doublings = min(failures - 1, 32)
        wait = min(self.first * (1 << doublings), self.longest)
        return wait.total_seconds() * _RANDOM.uniform(0.5, 1)
