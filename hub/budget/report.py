"""How the budget of a legacy system is, as its leader tells people."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from contracts.ports import Purpose

__all__ = ["BudgetReport", "MemberReport"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class MemberReport(_Model):
    """One process that draws on it, or counts live calls."""

    name: str
    """What the process is: `pipeline`, `facade`."""
    pid: int
    """Its process."""
    leased: int
    """Calls that it was granted and may still make."""
    waiting: int
    """Calls that it waits for."""
    granted: int
    """Calls that it was granted since it came."""
    live: int
    """Live calls that it counted since it came."""
    other_settings: bool = False
    """Whether it has other settings of this system than the leader."""


class BudgetReport(_Model):
    """The budget of one system."""

    system: str
    """Its name in the settings."""
    leader: int
    """The process that leads."""
    rate: float
    """Calls per second that all but live traffic may make now, when there is none of that."""
    calendar_rate: float
    """Calls per second of this time of the week, live traffic included."""
    share: float
    """What is left of the rate after cuts."""
    window: str | None = None
    """The window that is open."""
    changes: datetime | None = None
    """When another window, or none, opens next."""
    burst: int
    """Most calls at once."""
    there: float
    """Calls that would be granted at once; fewer than none where live traffic took them."""
    live_rate: float
    """Live calls per second of late."""
    granted: int
    """Calls that this leader granted."""
    waiting: Mapping[Purpose, int] = {}
    """Calls that are waited for, by purpose."""
    last_cut: datetime | None = None
    """When the rate was cut last."""
    why: str | None = None
    """Why it was."""
    members: tuple[MemberReport, ...] = ()
    """The processes that are connected."""
