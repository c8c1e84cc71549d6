"""How long a leader leads, so that nobody grants beside it and nobody believes in one that is gone.

A leader says, before it grants anything, until when it leads, and says so again and again. What it grants is over by
then, and until then nobody else grants. So a process that is stopped or hangs has ended to lead by the clock alone.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["LEASE_SECONDS", "NOBODY", "REIGN_SECONDS", "Reign"]

REIGN_SECONDS: Final = 2.0
"""How long a leader leads after it last said so."""
LEASE_SECONDS: Final = 1.0
"""How long a granted call may wait to be made: so long a process that was stopped keeps others from theirs."""
_TURNS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reign:
    """What the last leader said."""

    until: float
    """When it ends, unless it is prolonged."""
    share: float = 1.0
    """The share of the rate that was not cut."""

    def is_on(self, now: float) -> bool:
        """Tell whether somebody leads; one that is to end much later was said before the machine was started anew."""
        return now < self.until <= now + 2 * REIGN_SECONDS

    def lease_until(self, now: float) -> float:
        """Return until when what is granted now may be used."""
        return min(self.until, now + LEASE_SECONDS)

    def slices_from(self, now: float, *, rate: float) -> float:
        """Return when processes without a leader may use their fixed slices.

        That is two calls' time after its end: turns may be used at their last and next ones at their first moment,
        and with that time between, all are within the budget that the leader granted from.
        """
        return self.until + _TURNS / rate if self.until <= now else now


NOBODY: Final = Reign(until=float("-inf"))
"""Nobody has led yet."""
