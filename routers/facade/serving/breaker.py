"""Leaves a backend alone after failures in a row, and lets one call try again after a pause."""

from collections.abc import Callable
from typing import Literal

from routers.facade.settings import Breaker

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    """Closed lets calls through, open does not, half open has one call trying. Times are seconds of one clock.

    `changed` is told `open` and `closed`.
    """

    __slots__ = ("_changed", "_failures", "_pause", "_threshold", "_trial_until", "_until")

    def __init__(self, settings: Breaker, *, changed: Callable[[str], None] = lambda _: None) -> None:
        self._changed = changed
        self._threshold, self._pause = settings.failures, settings.pause.total_seconds()
        self._failures = 0
        self._until = self._trial_until = 0.0

    def lets_through(self, now: float) -> bool:
        """Tell whether a call may be sent; when the pause is over, the first to ask is the one that tries."""
        if self._failures < self._threshold:
            return True
        if now < self._until or now < self._trial_until:
            return False
        # A trial whose end nobody tells must not keep the breaker open for ever.
        self._trial_until = now + 10 * self._pause
        return True

    def succeeded(self) -> None:
        """Close it."""
        if self._failures:
            was_open = self._failures >= self._threshold
            self._failures, self._trial_until = 0, 0.0
            if was_open:
                self._changed("closed")

    def failed(self, now: float) -> None:
        """Count a failure; one more than enough opens it, and a failed trial opens it again."""
        self._failures += 1
        self._trial_until = 0.0
        if self._failures >= self._threshold:
            self._until = now + self._pause
            if self._failures == self._threshold:
                self._changed("open")

    @property
    def state(self) -> Literal["closed", "open"]:
        """Return the state, for people; half open counts as open."""
        return "closed" if self._failures < self._threshold else "open"
