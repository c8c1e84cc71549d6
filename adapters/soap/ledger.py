"""What is known of each item: the keyed state of a polled operation. Pure.

An item gets a surrogate number when it is first seen, and a version that grows with each change. Both
together are the position of an event, so an id holds no personal key, is the same on re-reading, and is
never used twice: the version of an item that was deleted and came back goes on.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import JsonValue

from adapters.soap.seen import Numbers, packed, unpacked
from contracts.identifiers import ordinal
from contracts.ports import Progress

__all__ = ["Checkpoint", "Ledger", "Mark", "Running"]

_SEEN: Final = b"\0seen."
"""Begins the keys of what a snapshot has seen; no item has such a key, since XML has no such character."""
_POLLED: Final = b"p"
_LISTED: Final = b"l"


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
    r: bool = False
    """Whether this version was refused: it is tried again, since what it is mapped by may be mended."""

    @property
    def position(self) -> str:
        """Return the position of this version in the stream."""
        return f"{self.n}.{self.v}"

    @property
    def sequence(self) -> str:
        """Return the CloudEvents `sequence` of this version."""
        return ordinal(self.v)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A snapshot that is under way."""

    begun: datetime
    moved: datetime
    """When its newest chunk was read."""
    how: str
    """The listing that the cursor belongs to."""
    cursor: Mapping[str, JsonValue] | None
    """Where the next chunk begins; None where all are read."""
    chunks: int = 0
    """How many were read."""
    items: int = 0
    """How many items were in them; what was read again counts again."""
    known: int = 0
    """How many items were known at its begin."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return what JSON has of it."""
        return {**asdict(self), "begun": self.begun.isoformat(), "moved": self.moved.isoformat()}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Running":
        """Return the one that this was made of."""
        begun, moved = (datetime.fromisoformat(found[name]) for name in ("begun", "moved"))
        return replace(cls(**found), begun=begun, moved=moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a polled operation goes on. Its JSON is the stream's checkpoint."""

    next: int = 1
    """The next surrogate number."""
    watermark: datetime | None = None
    """Newest last-modified seen."""
    full: datetime | None = None
    """When everything was last listed, where that is not done every time."""
    snapshot: Running | None = None
    """The snapshot that is under way."""
    asked: str | None = None
    """What the request said that the newest snapshot on demand was begun for."""

    def to_bytes(self) -> bytes:
        """Return its JSON."""
        running = None if self.snapshot is None else self.snapshot.to_json()
        optional = {"snapshot": running, "asked": self.asked}
        known = {"next": self.next, "watermark": _iso(self.watermark), "full": _iso(self.full)}
        return _json(known | {name: value for name, value in optional.items() if value is not None})

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Checkpoint":
        """Return the one whose JSON this is; the very first one for None.

        >>> Checkpoint.from_bytes(Checkpoint(next=7).to_bytes())
        Checkpoint(next=7, watermark=None, full=None, snapshot=None, asked=None)
        """
        if data is None:
            return cls()
        found: dict[str, Any] = json.loads(data)
        running = found.get("snapshot")
        return cls(
            next=found["next"],
            watermark=_moment(found["watermark"]),
            full=_moment(found["full"]),
            snapshot=None if running is None else Running.from_json(running),
            asked=found.get("asked"),
        )


class Ledger:
    """The state as it will be when all that was yielded is published."""

    def __init__(self, since: Progress, stream: str) -> None:
        self.checkpoint = Checkpoint.from_bytes(since.checkpoints.get(stream))
        self._state = {key: value for key, value in since.state.items() if not key.startswith(_SEEN)}
        self._alive = sum(mark.h is not None for mark in map(_mark, self._state.values()))
        self._seen = Numbers()
        self._now: list[int] = []
        """Numbers of the items seen since this was last asked for."""
        self._listed, self._polled = Numbers(), Numbers()
        self._records = {key: value for key, value in since.state.items() if key.startswith(_SEEN)}
        for value in self._records.values():
            self._add(unpacked(value[1:]), polled=value[:1] == _POLLED)

    @property
    def alive(self) -> int:
        """Return how many items are known and not deleted."""
        return self._alive

    @property
    def greatest(self) -> int:
        """Return the greatest key among those that are numbers; -1 where there is none."""
        return max((int(key) for key in self._state if key.isdigit()), default=-1)

    def begin(self) -> None:
        """Forget which items were seen: a new listing begins."""
        self._seen.clear()

    def known(self, key: bytes) -> Mark | None:
        """Return what is known of an item."""
        data = self._state.get(key)
        return None if data is None else _mark(data)

    def saw(self, number: int) -> None:
        """Remember that the item with this number is there."""
        self._seen.add(number)
        if self.checkpoint.snapshot is not None:
            self._now.append(number)

    def changed(self, key: bytes, digest: str, *, known: Mark | None) -> Mark | None:
        """Remember an item's new version and return its mark; None where it has not changed."""
        mark = known
        if mark is None:
            mark = Mark(n=self.checkpoint.next)
            self.checkpoint = replace(self.checkpoint, next=mark.n + 1)
        self.saw(mark.n)
        if mark.h == digest:
            return None
        mark = replace(mark, v=mark.v + 1, h=digest, r=False)
        # At once: the same listing may have the item twice.
        self.put(key, mark)
        return mark

    def missing(self, *, in_snapshot: bool = False) -> list[tuple[bytes, Mark]]:
        """Return the items that are known and were not seen, with the marks of their deletion to put.

        With `in_snapshot`, those that neither the snapshot under way nor any poll since its begin has seen.
        """
        seen = self._listed if in_snapshot else self._seen
        marks = ((key, _mark(data)) for key, data in self._state.items())
        absent = ((key, mark) for key, mark in marks if mark.h and mark.n not in seen)
        return [(key, replace(mark, v=mark.v + 1, h=None, e=None, r=False)) for key, mark in absent]

    def event_keys(self, without: Collection[bytes]) -> set[str]:
        """Return the keys of the newest events of all items that are there, but for these."""
        marks = ((key, _mark(data)) for key, data in self._state.items() if key not in without)
        return {mark.k for _, mark in marks if mark.h is not None and mark.k is not None}

    def put(self, key: bytes, mark: Mark) -> bytes | None:
        """Remember a mark, and return it as the state's new value; None forgets the item.

        What is gone without ever having been published is forgotten: nobody knows its versions.
        """
        before = self._state.pop(key, None)
        self._alive += (mark.h is not None) - (before is not None and _mark(before).h is not None)
        if mark.h is None and mark.k is None:
            return None
        found = asdict(mark)
        self._state[key] = _json(found if mark.r else {name: each for name, each in found.items() if name != "r"})
        return self._state[key]

    def polled(self, number: int) -> bool:
        """Tell whether a poll has seen this item since the snapshot under way began."""
        return number in self._polled

    def seen_meanwhile(self, *, polled: bool) -> dict[bytes, bytes | None]:
        """Return what the state is to keep of the items that were seen now; nothing without a snapshot under way."""
        new, self._now = self._add(self._now, polled=polled), []
        if not new:
            return {}
        key = _SEEN + str(len(self._records)).encode()
        self._records[key] = (_POLLED if polled else _LISTED) + packed(new)
        return {key: self._records[key]}

    def run(self, snapshot: Running | None) -> dict[bytes, bytes | None]:
        """Begin a snapshot, or end one; return how the state forgets what the one before has seen."""
        forgotten: dict[bytes, bytes | None] = dict.fromkeys(self._records)
        self._records.clear()
        self._listed.clear()
        self._polled.clear()
        self.checkpoint = replace(self.checkpoint, snapshot=snapshot)
        return forgotten

    def _add(self, numbers: Iterable[int], *, polled: bool) -> list[int]:
        """Add what was seen; return what is new."""
        into = self._polled if polled else self._listed
        new = [number for number in numbers if into.add(number)]
        if polled:
            for number in new:
                self._listed.add(number)
        return new


def _mark(data: bytes) -> Mark:
    return Mark(**json.loads(data))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
