"""What is known of each item: the keyed state of a polled operation. Pure.

An item gets a surrogate number when it is first seen, and a version that grows with each change. Both
together are the position of an event, so an id holds no personal key, is the same on re-reading, and is
never used twice: the version of an item that was deleted and came back goes on.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from contracts.identifiers import ordinal
from contracts.ports import Progress

__all__ = ["Checkpoint", "Ledger", "Mark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known of one item. Its JSON is the state's value."""

    n: int
    """Surrogate number."""
    v: int = 0
    """Version: how many changes were seen."""
    h: str | None = None
    """Hash of its content; None where it is deleted."""
    m: str | None = None
    """When it was last modified, as the legacy system says."""
    k: str | None = None
    """Key of its newest event; None where none was published."""
    e: str | None = None
    """Hash of its newest event; None where none was published, or it was refused or deleted since."""

    @property
    def position(self) -> str:
        """Return the position of this version in the stream."""
        return f"{self.n}.{self.v}"

    @property
    def sequence(self) -> str:
        """Return the CloudEvents `sequence` of this version."""
        return ordinal(self.v)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a polled operation goes on. Its JSON is the stream's checkpoint."""

    next: int = 1
    """The next surrogate number."""
    watermark: datetime | None = None
    """Newest last-modified seen."""
    full: datetime | None = None
    """When everything was last listed, where that is not done every time."""

    def to_bytes(self) -> bytes:
        """Return its JSON."""
        return _json({"next": self.next, "watermark": _iso(self.watermark), "full": _iso(self.full)})

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Checkpoint":
        """Return the one whose JSON this is; the very first one for None.

        >>> Checkpoint.from_bytes(Checkpoint(next=7).to_bytes())
        Checkpoint(next=7, watermark=None, full=None)
        """
        if data is None:
            return cls()
        found: dict[str, Any] = json.loads(data)
        return cls(next=found["next"], watermark=_moment(found["watermark"]), full=_moment(found["full"]))


class Ledger:
    """The state as it will be when all that was yielded is published."""

    def __init__(self, since: Progress, stream: str) -> None:
        self.checkpoint = Checkpoint.from_bytes(since.checkpoints.get(stream))
        self._state = dict(since.state)
        self._alive = sum(mark.h is not None for mark in map(_mark, self._state.values()))
        self._seen: set[bytes] = set()

    @property
    def alive(self) -> int:
        """Return how many items are known and not deleted."""
        return self._alive

    def begin(self) -> None:
        """Forget which items were seen: a new listing begins."""
        self._seen.clear()

    def changed(self, key: bytes, digest: str) -> Mark | None:
        """Remember an item's new version and return its mark; None where it has not changed."""
        self._seen.add(key)
        data = self._state.get(key)
        mark = _mark(data) if data is not None else None
        if mark is None:
            mark = Mark(n=self.checkpoint.next)
            self.checkpoint = replace(self.checkpoint, next=mark.n + 1)
        elif mark.h == digest:
            return None
        mark = replace(mark, v=mark.v + 1, h=digest)
        # At once: the same listing may have the item twice.
        self.put(key, mark)
        return mark

    def missing(self) -> list[tuple[bytes, Mark]]:
        """Return the items that are known and were not seen, with the marks of their deletion to put."""
        absent = ((key, _mark(data)) for key, data in self._state.items() if key not in self._seen)
        return [(key, replace(mark, v=mark.v + 1, h=None, e=None)) for key, mark in absent if mark.h is not None]

    def put(self, key: bytes, mark: Mark) -> bytes | None:
        """Remember a mark, and return it as the state's new value; None forgets the item.

        What is gone without ever having been published is forgotten: nobody knows its versions.
        """
        before = self._state.pop(key, None)
        self._alive += (mark.h is not None) - (before is not None and _mark(before).h is not None)
        if mark.h is None and mark.k is None:
            return None
        self._state[key] = _json(asdict(mark))
        return self._state[key]


def _mark(data: bytes) -> Mark:
    return Mark(**json.loads(data))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
