"""How full extracts are compared, checked and ready to run."""

from dataclasses import dataclass

from adapters.batch.snapshot.changes import ChangeEvents
from adapters.batch.snapshot.cut import Cut
from adapters.batch.snapshot.settings import Snapshot

__all__ = ["Comparison"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that stays the same from extract to extract."""

    snapshot: Snapshot
    cut: Cut
    events: ChangeEvents
