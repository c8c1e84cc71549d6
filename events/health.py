"""Health by progress: a pipeline that lives but gets nothing done is not healthy."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

__all__ = ["Health", "State"]

_QUIET_SECONDS = 10.0


class State(StrEnum):
    """What a pipeline does."""

    STARTING = "starting"
    WAITING = "waiting"
    PUBLISHING = "publishing"
    BACKING_OFF = "backing off"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class Health:
    """Health by progress: a thread that lives but gets nothing done is not healthy."""

    clock: Callable[[], float] = time.monotonic
    state: State = State.STARTING
    error: str | None = None
    """Why it backs off, or failed."""
    failures: int = 0
    """Attempts in a row that failed, without anything done in between."""
    progressed_at: float = field(init=False)
    waiting_since: float = field(init=False)

    def __post_init__(self) -> None:
        """Count from now."""
        self.progressed_at = self.waiting_since = self.clock()

    def progress(self) -> None:
        """Note that something was done: a commit, a heartbeat of the source."""
        self.error, self.failures = None, 0
        self.progressed_at = self.clock()

    def waits(self) -> None:
        """Note that the source has nothing now."""
        self.state, self.waiting_since = State.WAITING, self.clock()

    def failed(self, error: BaseException, *, for_good: bool = False) -> None:
        """Note that an attempt failed; one after a long quiet wait is the first of a row."""
        self.failures = 1 if self._waits_quietly() else self.failures + 1
        self.state = State.FAILED if for_good else State.BACKING_OFF
        self.error = f"{type(error).__name__}: {error}"

    def stopped(self) -> None:
        """Note that it ended; one that failed for good stays so."""
        if self.state is not State.FAILED:
            self.state = State.STOPPED

    def ok(self, within: timedelta = timedelta(minutes=1)) -> bool:
        """Tell whether it waits for its source without trouble, or got something done lately."""
        if self.state is State.STOPPED or self._waits_quietly():
            return True
        return self.state is not State.FAILED and self.clock() - self.progressed_at <= within.total_seconds()

    def _waits_quietly(self) -> bool:
        """Tell whether it waits, and not only for a moment between two failures."""
        quiet = not self.failures or self.clock() - self.waiting_since >= _QUIET_SECONDS
        return self.state is State.WAITING and quiet
