"""What a parent works with besides its workers; `hub` puts it together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.ports import Budget
from routers.facade.accounting.tally import Tally
from routers.facade.process.feed import Feed
from routers.facade.process.intercepts import Intercepts
from routers.facade.process.spool import Spool
from routers.rulesets.source import Rulesets

__all__ = ["Parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a parent is made of, besides its workers."""

    rulesets: Rulesets
    feed: Feed
    spool: Spool
    tally: Tally
    budgets: Mapping[str, Budget] = field(default_factory=dict[str, Budget])
    """Legacy system -> where the calls to backends that are it are counted."""
    intercepts: Intercepts | None = None
    """None where no calls are captured."""
