"""The ports: what the parts know of each other, and nothing else.

`adapters`, `events` and `routers` never import each other; they meet here, and `hub` wires them. A class
from outside fulfils a port by its shape: it need not import us.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import BinaryIO, Literal, Protocol, TypeAlias, runtime_checkable

__all__ = [
    "Answering",
    "Archive",
    "Budget",
    "Captured",
    "Columns",
    "DeadLetter",
    "EventBatch",
    "FilePart",
    "Inbox",
    "InboxTransaction",
    "Log",
    "LogRecord",
    "Progress",
    "Purpose",
    "Rejected",
    "Source",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Events of one type for one topic, as columns of equal length.

    What all of them share stands once; nothing here is per event that need not be.
    """

    topic: str
    """Logical name; the namespace is put before it when it is published."""
    type: str
    """CloudEvents `type`, past tense: `org.example.resident.renamed.v1`."""
    dataschema: str
    """CloudEvents `dataschema`: the URI of the schema that every value fulfils."""
    time: datetime | Sequence[datetime]
    """When it happened at the legacy side, one for all or one each, with a zone."""
    keys: Sequence[bytes]
    """Partition key and CloudEvents `subject` and `partitionkey`: the canonical key, UTF-8."""
    positions: Sequence[str]
    """Position in the stream: stable when the source is read again, and never used twice."""
    sequences: Sequence[str]
    """CloudEvents `sequence`: grows in lexicographic order for the events of one key."""
    values: Sequence[bytes | None]
    """Encoded data (JSON); None is a tombstone: the key is gone."""

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Something that could not become an event, kept as it was."""

    position: str
    """Position in the stream, as in `Columns.positions`."""
    value: bytes | None
    """The original bytes."""
    reason: str
    """What was expected, where, and what was found; no personal data."""
    error: str
    """Name of the error class."""
    key: bytes | None = None
    """The original key, where there was one."""
    headers: Sequence[tuple[str, bytes | None]] = ()
    """The original headers, where there were any: their order, doubles and null values are kept."""
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where it came from: file, record ordinal, byte offset and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A dead letter of a source, as it is brought back to be tried again."""

    stream: str
    """The stream that it was read from."""
    position: str
    """Its position there; an event that it becomes now has the id that it would have had."""
    value: bytes
    """The original bytes."""
    offset: int | None = None
    """Where it is in its file, in bytes."""
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    """What its dead letter says besides, as in `DeadLetter.attributes`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """The file that a batch is part of. Where every batch of its stream names it, the file is published as one fact.

    Its events carry the stream as the CloudEvents attribute `file`, they are counted by partition, and with the last
    batch each partition of its topics gets a `contracts.file_end.FileDelivered`.
    """

    name: str
    """Without the folder."""
    sha256: str
    """Hash of its content, in hex."""
    topics: Sequence[str]
    """Logical names of all topics that its events may go to: each gets an end, even where no event went there."""
    records: int
    """Records of the whole file."""
    time: datetime
    """When it was delivered, with a zone: the time of its end."""
    business_date: date | None = None
    sequence: int | None = None
    totals: Mapping[str, str] = field(default_factory=dict[str, str])
    """Declared control totals by name, decimals as text."""
    is_last: bool = False
    """Nothing of the file follows this batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBatch:
    """What a source publishes as one atomic fact: events, checkpoint, state and dead letters."""

    stream: str
    """The stream of the source that this belongs to: a delivered file, a polled operation."""
    checkpoint: bytes
    """Resumes the stream right after this batch; JSON by convention, opaque to all but the source."""
    events: Sequence[Columns] = ()
    state: Mapping[bytes, bytes | None] = field(default_factory=dict[bytes, bytes | None])
    """Changes of the source's keyed state; None removes a key."""
    dead: Sequence[DeadLetter] = ()
    more: bool = False
    """More of the same unit follows at once; the pipeline may join it into the same transaction."""
    traceparent: str | None = None
    """W3C trace context of the step that read this batch: a file's chunk, a poll."""
    file: FilePart | None = None
    """The file that this is part of, where its readers are told of its end."""

    @property
    def size_bytes(self) -> int:
        """Return the bytes of values and keys, which bound what is held in memory."""
        events = sum(len(v or b"") for c in self.events for v in c.values)
        keys = sum(len(k) for c in self.events for k in c.keys)
        state = sum(len(k) + len(v or b"") for k, v in self.state.items())
        return events + keys + state + sum(len(d.value or b"") for d in self.dead) + len(self.checkpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a source has been published, as Kafka tells it after older instances were fenced."""

    checkpoints: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """The newest checkpoint of each stream."""
    state: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    """The source's keyed state."""


class Source(Protocol):
    """An adapter: reads one legacy system and yields event batches."""

    @property
    def name(self) -> str:
        """Return the name of this source; it is in event sources, topics and transactional ids."""
        ...

    def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        """Yield batches that continue right after `since`.

        Each batch is published before the next is asked for, or soon after; a batch that was yielded but
        not published is asked for again by a new `read` with an older `since`. The iterator ends when
        the source is exhausted (`once`) and never ends otherwise.

        Raises:
            UnavailableError: The legacy system does not answer; the pipeline reads again later.
        """
        ...


@runtime_checkable
class Answering(Protocol):
    """A source that is called, and answers only when what it was told is published."""

    def listening(self) -> AbstractAsyncContextManager[None]:
        """Listen until the block ends, whether anybody reads or not; then answer those who wait, and end."""
        ...

    def published(self, stream: str, checkpoint: bytes) -> None:
        """Take that every batch up to the one with this checkpoint is committed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One record of a topic."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    partition: int = 0
    offset: int = -1
    """Unknown (-1) before it is appended."""
    timestamp_ms: int = -1


class Log(Protocol):
    """How routers and hub use Kafka: append, read from, latest per key."""

    async def append(self, topic: str, records: Sequence[LogRecord]) -> None:
        """Append durably (acknowledged by all replicas in sync), in order for each key.

        Raises:
            BrokerUnavailableError: Not all were acknowledged; some may be in the log.
        """
        ...

    def read(self, topic: str, *, since: datetime | None = None, follow: bool = False) -> AsyncIterator[LogRecord]:
        """Yield committed records from the beginning, or from a point in time.

        Ends at what was committed when the call began, or follows.
        """
        ...

    async def latest(self, topic: str) -> Mapping[bytes, LogRecord]:
        """Return the newest committed record of each key; keys whose newest is a tombstone are left out."""
        ...


class Captured(Protocol):
    """Calls that façades kept as they passed."""

    def read(self, route: str, *, after: Mapping[int, int], follow: bool = False) -> AsyncIterator[LogRecord]:
        """Yield the committed records of a route (`capability/route`), each a pack of `contracts.intercepted`.

        Begins in each partition with what follows the offset that `after` has for it, or with what is left of the
        beginning. Ends at what was committed when the call began, or follows.

        Raises:
            BrokerUnavailableError: Kafka does not answer.
        """
        ...


class Archive(Protocol):
    """Original bytes by their sha256."""

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their sha256 in hex; the same bytes are kept once."""
        ...

    def put_blocks(self, blocks: Iterable[bytes], sha256: str) -> None:
        """Keep bytes of any number, that come in blocks and have this sha256, with bounded memory.

        Raises:
            ValueError: They have another; nothing is kept.
        """
        ...

    def opened(self, sha256: str) -> AbstractContextManager[BinaryIO]:
        """Open the bytes for the block as a stream that can be sought in, with bounded memory.

        Raises:
            KeyError: Nothing with that hash is kept, or not any more.
        """
        ...

    def get(self, sha256: str) -> bytes:
        """Return the bytes.

        Raises:
            KeyError: Nothing with that hash is kept, or not any more.
        """
        ...

    def __contains__(self, sha256: str) -> bool:
        """Tell whether bytes with that hash are kept."""
        ...

    def purge(self, older_than: timedelta) -> int:
        """Remove what was put longer ago than that, and return how many."""
        ...


class InboxTransaction(Protocol):
    """One transaction of the idempotent receiver."""

    async def claim(self, events: Sequence[tuple[str, str]]) -> Sequence[bool]:
        """Tell for each (source, id) whether it is new, and remember it with this transaction."""
        ...


Purpose: TypeAlias = Literal["poll", "retry", "shadow", "snapshot"]
"""Why a legacy system is called besides its live traffic."""


class Budget(Protocol):
    """The one rate budget of a legacy system, on which all draw that call it besides its live traffic."""

    async def draw(self, purpose: Purpose) -> None:
        """Wait until one call may be made."""
        ...

    def counted(self, calls: int = 1) -> None:
        """Take that live calls were made; they are never held up, and leave less for the others."""
        ...

    def answered(self, took: timedelta, *, failed: bool = False) -> None:
        """Take how long the system took for a call, or until it failed; a slow one is called less."""
        ...


class Inbox(Protocol):
    """Remembers which events a service has handled.

    Where `transaction` is the service's own database transaction, handling is exactly once.
    """

    def transaction(self) -> AbstractAsyncContextManager[InboxTransaction]:
        """Open a transaction: committed when the block ends, rolled back when it raises."""
        ...
