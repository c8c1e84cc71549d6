"""The ledger of deliveries: what arrived when and under which name, and what became of it. Pure.

Its entries are the source's keyed state, written in the same transactions as the events. The key is
`delivery:` and the entry's id: sha256, business date and sequence, as in the stream of its records.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.batch.delivery import Checkpoint, Delivery, checkpoints_of, rank
from adapters.batch.expected.standing import Standing
from contracts.ports import EventBatch, Progress

__all__ = ["STREAM", "Entry", "Ledger", "Outcome", "batch", "duplicate_id", "entries_in", "entry_id", "unread_id"]

_PREFIX = b"delivery:"
STREAM = "deliveries"
"""The stream of what is only told of, such as a duplicate; its checkpoint says nothing."""

Outcome = Literal["in progress", "published", "duplicate", "held", "quarantined"]


class Entry(BaseModel):
    """One delivery."""

    # An entry outlives the release that wrote it, so what a newer one added is no error.
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    id: str
    """Sha256, business date and sequence; of a file that could not be read, `unread:` and a hash of its name."""
    file: str
    """Its name, without the folder."""
    sha256: str | None = None
    """Hash of its content; none where it could not be read as a whole."""
    size_bytes: int = 0
    records: int | None = None
    """Records of the file; none where that is not known."""
    business_date: date | None = None
    sequence: int | None = None
    arrived: datetime
    """When it was first seen complete."""
    modified: datetime | None = None
    """Its time of modification, as its location says."""
    proof: str = ""
    """How it was proved complete."""
    policy: str = ""
    """What was applied to it: `correction: publish`."""
    outcome: Outcome
    read: int = 0
    """Records that became events or dead letters in Kafka."""
    dead_letters: int = 0
    copybook: str | None = None
    """SHA-256 of the copybook that it was read with."""
    checks: tuple[str, ...] = ()
    """What was reconciled before anything of it was published, and what was found."""
    totals: Mapping[str, str] = Field(default_factory=dict[str, str])
    """What was counted and added up then: `sum of AMOUNT` -> `190.00`. The end of the file tells it to its readers."""
    same_as: str | None = None
    """Name under which the same content was delivered before."""
    reason: str | None = None
    """Why it is held or quarantined."""
    next_step: str | None = None
    """What to do about it."""
    ended: datetime | None = None
    """When it was read to its end, or put aside."""
    counts_for: date | None = None
    """The expected day that it counts for."""
    due: datetime | None = None
    """End of that day's window."""
    standing: Standing | None = None
    """Whether it was in time; none where nothing is expected."""
    late_by: timedelta | None = None
    """How long after the window's end it came, or was let through where its day was told missing."""
    trace_id: str | None = None
    """The trace of its reading, for `banyan trace`."""

    @property
    def key(self) -> bytes:
        """Return the key in the source's state."""
        return _PREFIX + self.id.encode()

    @property
    def is_delivered(self) -> bool:
        """Tell whether records of it are in Kafka, or all that it had (none)."""
        return self.outcome in {"in progress", "published"} or self.read > 0

    def to_bytes(self) -> bytes:
        """Return its JSON."""
        return self.model_dump_json(exclude_defaults=True).encode()


class Ledger:
    """The entries as they will be when all that was yielded is published."""

    def __init__(self, since: Progress) -> None:
        self._entries = {entry.id: entry for entry in entries_in(since.state)}
        for stream, checkpoint in checkpoints_of(since.checkpoints).items():
            entry = _from_checkpoint(stream, checkpoint)
            self._entries.setdefault(entry.id, entry)

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries, in no order."""
        return iter(self._entries.values())

    def get(self, entry_id: str) -> Entry | None:
        """Return an entry, where there is one."""
        return self._entries.get(entry_id)

    def put(self, entry: Entry) -> dict[bytes, bytes | None]:
        """Remember an entry, and return how the source's state changes; not at all where that says nothing new."""
        before = self._entries.get(entry.id)
        changed: dict[bytes, bytes | None] = {}
        if before is None or _told(before) != _told(entry):
            self._entries[entry.id] = entry
            changed[entry.key] = entry.to_bytes()
        unread = self._entries.pop(unread_id(entry.file), None) if entry.sha256 is not None else None
        return changed if unread is None else {**changed, unread.key: None}

    def same_content(self, delivery: Delivery) -> list[Entry]:
        """Return the delivered entries of the same content, business date and sequence."""
        return [
            each
            for each in self
            if each.is_delivered
            and each.sha256 == delivery.sha256
            and (each.business_date, each.sequence) == (delivery.business_date, delivery.sequence)
        ]

    def same_name(self, delivery: Delivery) -> list[Entry]:
        """Return the delivered entries of the same name, business date and sequence, and of other content."""
        return [
            each
            for each in self
            if each.is_delivered
            and each.file == delivery.file
            and each.sha256 != delivery.sha256
            and (each.business_date, each.sequence) == (delivery.business_date, delivery.sequence)
        ]

    def newest(self) -> Entry | None:
        """Return the delivered entry of the newest business date and sequence."""
        delivered = [each for each in self if each.is_delivered]
        return max(delivered, key=lambda each: rank(each.business_date, each.sequence), default=None)


def batch(state: Mapping[bytes, bytes | None], *, traceparent: str | None) -> EventBatch:
    """Return a batch that changes the ledger alone."""
    return EventBatch(stream=STREAM, checkpoint=b"{}", state=state, traceparent=traceparent)


def entries_in(state: Mapping[bytes, bytes]) -> list[Entry]:
    """Return the entries in a source's state."""
    return [Entry.model_validate_json(value) for key, value in state.items() if key.startswith(_PREFIX)]


def entry_id(delivery: Delivery) -> str:
    """Return the id of a delivery's entry."""
    return delivery.stream.partition(":")[2]


def unread_id(file: str) -> str:
    """Return the id of the entry of a file whose content is not known."""
    return f"unread:{_short(file)}"


def duplicate_id(delivery: Delivery) -> str:
    """Return the id of the entry of a duplicate: that of what it repeats, and a hash of its name."""
    return f"{entry_id(delivery)}:again-{_short(delivery.file)}"


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _told(entry: Entry) -> Entry:
    """Return what is worth another record: when it was seen again, and in which trace, is not."""
    never = datetime.min.replace(tzinfo=UTC)
    return entry.model_copy(update={"arrived": never, "ended": None, "late_by": None, "trace_id": None})


def _from_checkpoint(stream: str, checkpoint: Checkpoint) -> Entry:
    """Return what is known of a delivery from before there was a ledger."""
    _, sha256, *parts = stream.split(":")
    dates = [date.fromisoformat(part) for part in parts if len(part) == 10 and part[4] == "-"]  # noqa: PLR2004 - an ISO date
    numbers = [int(part[1:]) for part in parts if part.startswith("s")]
    return Entry(
        id=stream.partition(":")[2],
        file=checkpoint.file,
        sha256=sha256,
        records=checkpoint.records,
        business_date=dates[0] if dates else None,
        sequence=numbers[0] if numbers else None,
        arrived=checkpoint.modified,
        modified=checkpoint.modified,
        outcome="published" if checkpoint.done else "in progress",
        read=checkpoint.next,
    )
