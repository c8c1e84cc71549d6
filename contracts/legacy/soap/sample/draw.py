"""Decisions that look like chance and are always the same: each follows from the seed and from where it is made.

So a value does not change because another one was added before it, as it would with one stream of random numbers.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

__all__ = ["Draw"]

_T = TypeVar("_T")
_BASIS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Draw:
    """A place at which decisions are made."""

    key: bytes

    @classmethod
    def of(cls, seed: object) -> "Draw":
        """Return the place that all others are below.

        >>> Draw.of(7).at("item", 3).below(100) == Draw.of(7).at("item", 3).below(100)
        True
        """
        return cls(hashlib.blake2b(repr(seed).encode(), digest_size=16).digest())

    def at(self, *steps: str | int) -> "Draw":
        """Return a place below this one."""
        return Draw(hashlib.blake2b(repr(steps).encode(), key=self.key, digest_size=16).digest())

    def below(self, bound: int, what: str = "") -> int:
        """Return a number from 0 to below a bound."""
        return int.from_bytes(self.at(what).key, "big") % bound

    def between(self, low: int, high: int, what: str = "") -> int:
        """Return a number from low to high, both included."""
        return low + self.below(high - low + 1, what)

    def pick(self, choices: Sequence[_T], what: str = "") -> _T:
        """Return one of several."""
        return choices[self.below(len(choices), what)]

    def holds(self, share: float, what: str = "") -> bool:
        """Tell whether something holds that does in a share of the cases (0 to 1)."""
        return self.below(_BASIS, what) < share * _BASIS
