"""The event that ends a file: how much of it there is, on each partition and in all."""

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from contracts.event import Event, Public

__all__ = ["FileDelivered"]


class FileDelivered(Event):
    """A file was delivered: all that it became is on this topic's partition, before this event.

    Each partition of each topic that the file's events go to gets one, also where no event of it is. It is the last
    of the file there: with `partition_events` a reader knows whether it has them all.
    """

    type = "org.banyan.file.delivered.v1"
    topic = "*"

    source: Public[str]
    """Name of the source that read the file."""
    delivery: Public[str]
    """What was delivered, for ever and unique in the source; the CloudEvents attribute `file` of its events."""
    sha256: Public[str]
    """Hash of its content, in hex."""
    file: Public[str]
    """Its name, without the folder."""
    business_date: Public[date | None] = None
    """Its business date, where one is declared."""
    sequence: Public[int | None] = None
    """Its sequence number, where one is declared."""
    partition: Public[int]
    """The partition that this event is on."""
    partitions: Public[int]
    """Partitions of this topic; each has such an event."""
    partition_events: Public[int]
    """Events of the file on this partition."""
    events: Public[int]
    """Events of the file on all partitions of all topics."""
    records: Public[int]
    """Records of the file."""
    dead_letters: Public[int]
    """What of the file could not become an event."""
    totals: Public[Mapping[str, str]] = Field(default_factory=dict)
    """Declared control totals of the file by name, decimals as text; none where none are declared."""
