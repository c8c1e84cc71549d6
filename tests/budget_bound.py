"""How calls keep to a budget, for tests."""

from collections.abc import Iterable

__all__ = ["excess"]


def excess(moments: Iterable[float], *, rate: float, burst: float) -> float:
    """Return by how many calls the worst stretch of time is above rate x time + burst; below, it is negative."""
    worst, lowest = float("-inf"), float("inf")
    for count, moment in enumerate(sorted(moments)):
        lowest = min(lowest, count - rate * moment)
        worst = max(worst, count + 1 - rate * moment - lowest)
    return worst - burst
