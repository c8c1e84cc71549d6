"""What a parent works with besides its workers; `hub` puts it together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.ports import Budget
from routers.facade.accounting.tally import Tally
from routers.facade.process.feed import Feed
from routers.facade.process.spool import Spool
from routers.rulesets.ruleset import Ruleset

__all__ = ["Parts", "Rulesets"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a parent is made of, besides its workers."""

    rulesets: Rulesets
    feed: Feed
    spool: Spool
    tally: Tally
    budgets: Mapping[str, Budget] = field(default_factory=dict[str, Budget])
    """Legacy system -> where the calls to backends that are it are counted."""
