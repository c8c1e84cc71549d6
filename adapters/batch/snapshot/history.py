"""Which extracts were read, and whether another one follows them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeAlias

from pydantic import ValidationError

from adapters.batch.delivery import Checkpoint, Delivery, rank
from adapters.batch.snapshot.cut import Cut
from adapters.batch.snapshot.guard import Counts, how_to_accept
from contracts.errors import FileHeldError

__all__ = ["Begun", "ExtractCheckpoint", "History", "Known", "Older"]

Place: TypeAlias = tuple[tuple[date, int], datetime]


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
    sequence: int | None = None

    @property
    def place(self) -> Place:
        """Return where it stands in the order of the extracts."""
        return rank(self.business_date, self.sequence), self.modified


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An extract that is to be read, from its beginning or on from a checkpoint."""

    delivery: Delivery
    checkpoint: ExtractCheckpoint | None

    @property
    def stream(self) -> str:
        """Return the stream of its events."""
        return self.delivery.stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An extract that was read before, or whose content stands already."""

    delivery: Delivery
    """With the time of modification that it had then."""
    file: str
    """Its name then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """An extract that is older than the one in force."""

    delivery: Delivery
    expected: str
    found: str


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

    def begin(self, delivery: Delivery) -> Begun | Known | Older:
        """Tell where an extract goes on, or that it was read before or comes too late."""
        delivery = replace(delivery, is_extract=True)
        newest = max(self._read.values(), key=lambda each: each.place, default=None)
        if newest is None:
            return Begun(delivery=delivery, checkpoint=None)
        if _is(newest, delivery):
            if newest.done:
                return _known(newest, delivery)
            # Name and times go with the delivery: a file that was put there again continues the one begun.
            begun = replace(delivery, file=newest.file, modified=newest.modified)
            return Begun(delivery=begun, checkpoint=newest)
        if (rank(delivery.business_date, delivery.sequence), delivery.modified) > newest.place:
            return Begun(delivery=delivery, checkpoint=None)
        known = next((each for each in self._read.values() if each.done and _is(each, delivery)), None)
        if known is not None:
            return _known(known, delivery)
        return Older(
            delivery=delivery,
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
        next_step = None
        expected, found = None, "images of other ones: `key`, `ignore` or the copybook has changed"
        if newest.width != cut.key_bytes or newest.fingerprint.partition(":")[0] != str(cut.length):
            expected = "images of records and keys of the same length; give the source another name to begin anew"
        elif keeps_records and not newest.records_kept:
            expected, found = "images with records, since events show what was before", "digests alone"
        elif newest.fingerprint != cut.fingerprint and accepted is None:
            expected = "images of the same key and fields; accept the file to publish every record that differs"
            next_step = how_to_accept(delivery)
        if expected is not None:
            raise FileHeldError(delivery.file, rule="other_images", expected=expected, found=found, next_step=next_step)


def _known(checkpoint: ExtractCheckpoint, delivery: Delivery) -> Known:
    return Known(delivery=replace(delivery, modified=checkpoint.modified), file=checkpoint.file)


def _is(checkpoint: ExtractCheckpoint, delivery: Delivery) -> bool:
    before = (checkpoint.sha256, checkpoint.business_date, checkpoint.sequence)
    return before == (delivery.sha256, delivery.business_date, delivery.sequence)


def _told(day: date | None, modified: datetime) -> str:
    return f"{modified:%Y-%m-%d %H:%M:%S}" if day is None else f"{day} (modified {modified:%Y-%m-%d %H:%M:%S})"
