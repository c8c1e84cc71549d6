"""Leaves another system alone after failures in a row, and lets one call try again after a pause. Pure."""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal, TypeAlias

__all__ = ["BreakerState", "CircuitBreaker"]

BreakerState: TypeAlias = Literal["closed", "open", "half_open"]


class CircuitBreaker:
    """Closed lets calls through, open does not, half open has one call trying. Times are seconds of one clock.

    `changed` is told `open` and `closed`.
    """

    __slots__ = ("_changed", "_failures", "_pause", "_threshold", "_trial", "_trial_until", "_until", "failures")

    def __init__(
        self, *, failures: int, pause: timedelta, changed: Callable[[BreakerState], None] = lambda _: None
    ) -> None:
        self._changed = changed
        self._threshold, self._pause = failures, pause.total_seconds()
        self._failures = 0
        self._until = self._trial_until = 0.0
        self._trial: object = None
        self.failures = 0
        """How often the other system failed, ever."""

    @property
    def in_a_row(self) -> int:
        """Return how often it failed since it last answered."""
        return self._failures

    def lets_through(self, now: float, call: object = None) -> bool:
        """Tell whether a call may be sent; when the pause is over, the first to ask is the one that tries."""
        if self._failures < self._threshold:
            return True
        if now < self._until or now < self._trial_until:
            return False
        # A trial whose end nobody tells must not keep the breaker open for ever.
        self._trial, self._trial_until = call, now + 10 * self._pause
        return True

    def still_lets_through(self, now: float, call: object) -> bool:
        """Tell the same for a call that was let through and waited since; the one that tries still is."""
        return call is self._trial or self.lets_through(now, call)

    def again_at(self, now: float) -> float:
        """Return when it is worth asking again, where it lets nothing through: a pause from now where another tries."""
        return self._until if now < self._until else min(self._trial_until, now + self._pause)

    def given_up(self, call: object) -> None:
        """Take that a call ended without a word on the other system; was it the one that tried, the next one tries."""
        if call is self._trial:
            self._trial, self._trial_until = None, 0.0

    def succeeded(self) -> None:
        """Close it."""
        if self._failures:
            was_open = self._failures >= self._threshold
            self._failures, self._trial, self._trial_until = 0, None, 0.0
            if was_open:
                self._changed("closed")

    def failed(self, now: float) -> None:
        """Count a failure; one more than enough opens it, and a failed trial opens it again."""
        self._failures += 1
        self.failures += 1
        self._trial, self._trial_until = None, 0.0
        if self._failures >= self._threshold:
            self._until = now + self._pause
            if self._failures == self._threshold:
                self._changed("open")

    def state(self, now: float) -> BreakerState:
        """Return the state: half open from the end of the pause until a call has told how the backend is."""
        if self._failures < self._threshold:
            return "closed"
        return "open" if now < self._until else "half_open"
