"""How much of each file is on each partition, and the events that say so at its end.

The counts are in the source's state topic, written in the transactions of the events that they count, so they are
right after any crash; the transaction of the end takes them away.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from contracts.file_end import FileDelivered
from contracts.identifiers import ordinal
from contracts.ports import Columns, EventBatch, FilePart
from events.envelope import Header, encode_columns
from events.transaction import Row

__all__ = ["FileCount", "end_rows"]


@dataclass(slots=True)
class FileCount:
    """What was published of one file until now."""

    topics: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    """Events by the logical name of the topic and by partition."""
    dead: int = 0
    """Dead letters."""

    @property
    def events(self) -> int:
        """Return how many events there are on all partitions of all topics."""
        return sum(sum(partitions.values()) for partitions in self.topics.values())

    def add(self, topic: str, sent: Mapping[int, int]) -> None:
        """Count events, given how many went to each partition of a topic."""
        counted = self.topics.setdefault(topic, {})
        for partition, events in sent.items():
            counted[partition] = counted.get(partition, 0) + events

    def to_bytes(self) -> bytes:
        """Return its JSON."""
        return json.dumps({"topics": self.topics, "dead": self.dead}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote."""
        found = json.loads(data)
        topics = {
            topic: {int(partition): events for partition, events in partitions.items()}
            for topic, partitions in found["topics"].items()
        }
        return cls(topics, found["dead"])


def end_rows(
    batch: EventBatch, file: FilePart, count: FileCount, *, topic: str, partitions: int, source: str, name: str
) -> list[Row]:
    """Return the ends of a file on one topic, one for each partition in their order.

    The key is the event's id: Kafka takes no record without one on a compacted topic.
    """
    counted = count.topics.get(topic, {})
    ends = [
        FileDelivered(
            source=name,
            delivery=batch.stream,
            sha256=file.sha256,
            file=file.name.encode("utf-8", "backslashreplace").decode(),
            business_date=file.business_date,
            sequence=file.sequence,
            partition=partition,
            partitions=partitions,
            partition_events=counted.get(partition, 0),
            events=count.events,
            records=file.records,
            dead_letters=count.dead,
            totals=file.totals,
        )
        for partition in range(partitions)
    ]
    positions = [f"end-{topic}-{end.partition}" for end in ends]
    columns = Columns(
        topic=topic,
        type=FileDelivered.type,
        dataschema=FileDelivered.dataschema(),
        time=file.time,
        keys=[f"{batch.stream}:{position}".encode() for position in positions],
        positions=positions,
        sequences=[ordinal(end.partition) for end in ends],
        values=[end.model_dump_json().encode() for end in ends],
    )
    rows = encode_columns(columns, source=source, stream=batch.stream, traceparent=batch.traceparent, is_file=True)
    return [(key, value, _without_partition_key(headers)) for key, value, headers in rows]


def _without_partition_key(headers: list[Header]) -> list[Header]:
    """Leave out what would say that the key chose the partition."""
    return [header for header in headers if header[0] != "ce_partitionkey"]
