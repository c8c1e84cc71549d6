"""Which extracts were read, and whether another one follows them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeAlias

from pydantic import ValidationError

from adapters.batch.delivery import Checkpoint, Delivery
from adapters.batch.snapshot.cut import Cut
from adapters.batch.snapshot.guard import Counts
from contracts.errors import FileHeldError

__all__ = ["Begun", "ExtractCheckpoint", "History", "Known"]

Place: TypeAlias = tuple[date, datetime]


class ExtractCheckpoint(Checkpoint):
    """How far an extract has been published. What is left of it is what it still differs in from the state."""

    business_date: date | None
    fingerprint: str
    """How the records were cut."""
    width: int
    """Bytes of a key."""
    records_kept: bool
    """The state holds the records, and not their digests alone."""
    deletes: int
    """How many deletes were published: the number of the next."""
    counts: Counts
    """What the whole extract changed."""
    accepted: str | None
    """Why somebody published it against the guards."""

    @property
    def place(self) -> Place:
        """Return where it stands in the order of the extracts."""
        return self.business_date or date.min, self.modified


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An extract that is to be read, from its beginning or on from a checkpoint."""

    delivery: Delivery
    checkpoint: ExtractCheckpoint | None

    @property
    def stream(self) -> str:
        """Return the stream of its events.

        The time of modification is part of it: content that comes back after other content is another extract.
        """
        return f"{self.delivery.stream}:{self.delivery.modified:%Y%m%dT%H%M%S%f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An extract that was read before, or whose content stands already."""

    file: str
    """Its name then."""


class History:
    """The extracts that were read, and which of them is in force."""

    def __init__(self, checkpoints: Mapping[str, bytes]) -> None:
        self._read: dict[str, ExtractCheckpoint] = {}
        for stream, data in checkpoints.items():
            try:
                self._read[stream] = ExtractCheckpoint.model_validate_json(data)
            except ValidationError:
                continue  # of a file that was published before extracts were compared

    def add(self, stream: str, checkpoint: ExtractCheckpoint) -> None:
        """Remember how far an extract is."""
        self._read[stream] = checkpoint

    def begin(self, delivery: Delivery) -> Begun | Known:
        """Tell where an extract goes on, or that it was read before.

        Raises:
            FileHeldError: It is older than the one in force.
        """
        newest = max(self._read.values(), key=lambda each: each.place, default=None)
        if newest is None:
            return Begun(delivery=delivery, checkpoint=None)
        if _is(newest, delivery):
            if newest.done:
                return Known(file=newest.file)
            # Name and times go with the delivery: a file that was put there again continues the one begun.
            begun = replace(delivery, file=newest.file, modified=newest.modified)
            return Begun(delivery=begun, checkpoint=newest)
        if (delivery.business_date or date.min, delivery.modified) > newest.place:
            return Begun(delivery=delivery, checkpoint=None)
        known = next((each for each in self._read.values() if each.done and _is(each, delivery)), None)
        if known is not None:
            return Known(file=known.file)
        raise FileHeldError(
            delivery.file,
            rule="older_extract",
            expected=f"an extract later than {newest.file} of {_told(newest.business_date, newest.modified)}",
            found=f"one of {_told(delivery.business_date, delivery.modified)}",
        )

    def check(self, delivery: Delivery, cut: Cut, *, keeps_records: bool, accepted: str | None) -> None:
        """Compare how records are cut now with how those of the state were.

        Raises:
            FileHeldError: They can't be compared, or all would differ and nobody accepted that.
        """
        newest = max(self._read.values(), key=lambda each: each.place, default=None)
        if newest is None:
            return
        expected, found = None, "images of other ones: `key`, `ignore` or the copybook has changed"
        if newest.width != cut.key_bytes or newest.fingerprint.partition(":")[0] != str(cut.length):
            expected = "images of records and keys of the same length; give the source another name to begin anew"
        elif keeps_records and not newest.records_kept:
            expected, found = "images with records, since events show what was before", "digests alone"
        elif newest.fingerprint != cut.fingerprint and accepted is None:
            expected = "images of the same key and fields; accept the file to publish every record that differs"
        if expected is not None:
            raise FileHeldError(delivery.file, rule="other_images", expected=expected, found=found)


def _is(checkpoint: ExtractCheckpoint, delivery: Delivery) -> bool:
    return (checkpoint.sha256, checkpoint.business_date) == (delivery.sha256, delivery.business_date)


def _told(day: date | None, modified: datetime) -> str:
    return f"{modified:%Y-%m-%d %H:%M:%S}" if day is None else f"{day} (modified {modified:%Y-%m-%d %H:%M:%S})"
