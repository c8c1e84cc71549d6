"""Where rulesets come from: a port that a file and a topic fulfil."""

from collections.abc import Callable, Sequence
from typing import Protocol

from routers.rulesets.ruleset import Ruleset

__all__ = ["Rulesets"]


class Rulesets(Protocol):
    """Where rulesets come from."""

    @property
    def ruleset(self) -> Ruleset:
        """Return the one in force."""
        ...

    @property
    def source(self) -> str:
        """Return where it comes from, for people."""
        ...

    @property
    def problems(self) -> Sequence[str]:
        """Return why a newer one is not in force."""
        ...

    def snapshot(self) -> bytes:
        """Return the ruleset in force as a whole."""
        ...

    async def caught_up(self) -> None:
        """Wait until the newest is known, which may be for ever."""
        ...

    async def run(self, tell: Callable[[bytes, int], None]) -> None:
        """Keep the local copy up to date, and tell each change and its version after it is there."""
        ...
