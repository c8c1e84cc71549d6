"""How far the captured calls have become events: for each partition, which record is next, and which call in it."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

__all__ = ["Place", "Places"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is next in one partition."""

    offset: int = 0
    call: int = 0
    """How many calls of that record are done."""


@dataclass(slots=True)
class Places:
    """What is next in all partitions; its JSON is the stream's checkpoint."""

    by_partition: dict[int, Place] = field(default_factory=dict[int, Place])

    @classmethod
    def read(cls, checkpoint: bytes | None) -> Self:
        """Read a checkpoint; without one, all is to be read.

        >>> Places.read(Places({0: Place(offset=7, call=2)}).to_bytes()).by_partition
        {0: Place(offset=7, call=2)}
        """
        found: dict[str, Any] = json.loads(checkpoint or b"{}")
        return cls({int(partition): Place(offset=o, call=c) for partition, (o, c) in found.items()})

    def to_bytes(self) -> bytes:
        """Return its JSON."""
        return json.dumps({str(p): [each.offset, each.call] for p, each in self.by_partition.items()}).encode()

    @property
    def after(self) -> dict[int, int]:
        """Return the last offset that need not be read again, by partition."""
        return {partition: place.offset - 1 for partition, place in self.by_partition.items()}
