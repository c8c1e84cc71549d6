"""One round of `make fuzz`."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from contracts.errors import BanyanError

__all__ = ["Target", "Trial", "WrongError"]

_MOST_SECONDS: Final = 5.0
"""Of one target, in processor time; what is in these rounds takes less than a tenth of that."""


class WrongError(Exception):
    """Something came out that must not."""


@dataclass(slots=True)
class Trial:
    """Its draw, what was counted, and what went in."""

    rng: random.Random
    counts: Counter[str]
    inputs: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def target(self, name: str) -> "Target":
        """Count how a target ends: refused by an error of ours, or not; and see that it ends soon."""
        return Target(name, self.counts)


class Target:
    """What is tried; an error of ours ends it, and goes no further."""

    def __init__(self, name: str, counts: Counter[str]) -> None:
        self._name, self._counts = name, counts
        self._begun = 0.0

    def __enter__(self) -> None:
        """Begin."""
        self._begun = time.process_time()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Count, and look at the clock."""
        is_ours = isinstance(error, BanyanError)
        if error is None or is_ours:
            why = str(getattr(error, "code", "") or getattr(error, "reason", ""))
            told = f"{type(error).__name__} {why if why.isidentifier() else ''}".rstrip()
            outcome = "taken" if error is None else f"refused: {told}"
            self._counts[f"{self._name} {outcome}"] += 1
            if (spent := time.process_time() - self._begun) > _MOST_SECONDS:
                raise WrongError(f"{self._name} took {spent:.1f} s")
        return is_ours
