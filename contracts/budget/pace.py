"""How fast a legacy system may be called, by how it answers: cut at once, back little by little."""

from dataclasses import dataclass
from typing import Final, final

from contracts.budget.settings import Adaptation

__all__ = ["Answers", "Cut", "Pace"]

ENOUGH: Final = 20
"""Answers by which a system is judged."""
PATIENCE_SECONDS: Final = 30.0
"""After which it is judged by fewer."""
ALONE: Final = 1
"""So many slow or failed calls are chance, whatever their share."""
SLOW_SHARE: Final = 0.05
DEAF_SECONDS: Final = 2.0
"""How long after a cut answers are not judged: they are of calls that were made before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How some calls ended."""

    calls: int = 0
    slow: int = 0
    """Those that took longer than the target."""
    failed: int = 0

    def __add__(self, other: "Answers") -> "Answers":
        """Return both."""
        return Answers(calls=self.calls + other.calls, slow=self.slow + other.slow, failed=self.failed + other.failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A cut of the rate."""

    at: float
    """When, in seconds of the clock that all others are of."""
    why: str
    """For people."""


@final
class Pace:
    """The share of the rate that a system bears, from the floor to 1.

    Args:
        settings: How it is adapted; None never changes it.
        now: When it begins.
        share: What it begins with.
    """

    def __init__(self, settings: Adaptation | None, *, now: float, share: float = 1.0) -> None:
        self._settings = settings
        self._since = self._begun = now
        self._deaf = float("-inf")
        self._answers = Answers()
        self.share = 1.0 if settings is None else min(1.0, max(settings.floor, share))
        """The share of the rate."""
        self.last_cut: Cut | None = None

    def advance(self, now: float) -> None:
        """Give back what has been earned since the last time."""
        settings, passed = self._settings, now - self._since
        if settings is None or passed <= 0:
            return
        self._since = now
        self.share = min(1.0, self.share + passed / settings.recovery.total_seconds())

    def answered(self, answers: Answers, now: float) -> Cut | None:
        """Take how calls ended; returns the cut that this led to."""
        settings = self._settings
        if settings is None or now < self._deaf or not answers.calls:
            return None
        if not self._answers.calls:
            self._begun = now
        self._answers += answers
        if self._answers.calls < ENOUGH and now - self._begun < PATIENCE_SECONDS:
            return None
        judged, self._answers = self._answers, Answers()
        why = _why(settings, judged)
        if why is None:
            return None
        self.share = max(settings.floor, self.share * settings.cut)
        self._deaf = now + max(DEAF_SECONDS, 0.0 if settings.latency is None else settings.latency.total_seconds())
        self.last_cut = Cut(at=now, why=why)
        return self.last_cut


def _why(settings: Adaptation, judged: Answers) -> str | None:
    if judged.failed > max(ALONE, settings.failures * judged.calls):
        return f"{judged.failed} of {judged.calls} calls failed"
    if settings.latency is not None and judged.slow > max(ALONE, SLOW_SHARE * judged.calls):
        return f"{judged.slow} of {judged.calls} calls took longer than {settings.latency.total_seconds():g} s"
    return None
