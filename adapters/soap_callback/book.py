"""Which messages and nonces were taken: keyed state that expires. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from typing import Final

__all__ = ["Book", "Taken"]

_MOST_FORGOTTEN: Final = 5000
"""At a time, so that no batch is much larger than its events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is known of a message or a nonce; its JSON is the state's value."""

    until: float
    """Unix time from which it need not be known."""
    position: str = ""
    """Position of its event."""
    digest: str = ""
    """Hash of its content."""
    fault: str = ""
    """What it was answered, where it was dead-lettered."""


class Book:
    """All that is remembered. A key is a hash: nothing of a message is in it."""

    def __init__(self, state: Mapping[bytes, bytes]) -> None:
        self._taken = {key: Taken(**json.loads(value)) for key, value in state.items()}
        self._ends = [(taken.until, key) for key, taken in self._taken.items()]
        heapify(self._ends)
        self._changes: dict[bytes, bytes | None] = {}

    def find(self, key: bytes, now: datetime) -> Taken | None:
        """Return what is known; None where it never was, or is not any more."""
        found = self._taken.get(key)
        return None if found is None or found.until <= now.timestamp() else found

    def put(self, key: bytes, taken: Taken) -> None:
        """Remember it, from the next batch on in the state."""
        self._taken[key] = taken
        heappush(self._ends, (taken.until, key))
        self._changes[key] = json.dumps(asdict(taken), separators=(",", ":")).encode()

    def changes(self, now: datetime) -> dict[bytes, bytes | None]:
        """Return how the state changes since this was last asked, and forget what has expired."""
        for _ in range(_MOST_FORGOTTEN):
            if not self._ends or self._ends[0][0] > now.astimezone(UTC).timestamp():
                break
            until, key = heappop(self._ends)
            if (taken := self._taken.get(key)) is not None and taken.until <= until:
                del self._taken[key]
                self._changes[key] = None
        changes, self._changes = self._changes, {}
        return changes
