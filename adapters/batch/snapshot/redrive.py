"""Tries rejected records of compared extracts again, where they still are what the newest extract has of their key."""

from dataclasses import dataclass, field

from pydantic import ValidationError

from adapters.batch.chunk import Shape
from adapters.batch.delivery import Delivery
from adapters.batch.snapshot.comparison import Comparison
from adapters.batch.snapshot.history import ExtractCheckpoint, History
from adapters.batch.snapshot.image import Image, state_key
from adapters.batch.snapshot.records import Found
from adapters.batch.snapshot.step import Made, Row, Stepper
from contracts.errors import ConfigError, FileHeldError
from contracts.ports import Progress, Rejected

__all__ = ["Retrial"]


@dataclass(slots=True, kw_only=True)
class Retrial:
    """What the rejected records of one source become now."""

    shape: Shape
    comparison: Comparison
    since: Progress
    _images: dict[bytes, bytes | None] = field(default_factory=dict[bytes, bytes | None], init=False)
    """Images that earlier records changed."""

    def made(self, letter: Rejected, *, at: int) -> Made | None:
        """Return what a record becomes; None where its key has another record since, is gone, or was published so.

        Args:
            letter: The record.
            at: Its position, as a number.

        Raises:
            ConfigError: The record is of no extract, or images are of other keys and fields than now.
        """
        checkpoint = self._checkpoint(letter)
        delivery = Delivery(
            file=checkpoint.file,
            sha256=checkpoint.sha256,
            business_date=checkpoint.business_date,
            modified=checkpoint.modified,
            size_bytes=0,
            sequence=checkpoint.sequence,
            is_extract=True,
        )
        self._require_images(delivery)
        cut = self.comparison.cut
        if len(letter.value) != cut.length:
            raise ConfigError([f"redrive: {letter.position}: expected a record of {cut.length} bytes"])
        key, digest = state_key(cut.keys(letter.value).tobytes()), cut.digests(letter.value)
        known = self._image(key)
        stepper = Stepper(self.shape, self.comparison.events, delivery, behind=at)
        if at >= checkpoint.first + checkpoint.records:
            return None if known is not None else self._deleted(stepper, key, letter.value)
        if known is None or known.digest != digest or not known.is_rejected:
            return None
        found = Found(ordinal=at, offset=letter.offset or 0, record=letter.value)
        made = stepper.present([Row(found=found, state_key=key, digest=digest, before=known)])
        if made.events:
            self._images |= made.state
        return made

    @staticmethod
    def _deleted(stepper: Stepper, key: bytes, record: bytes) -> Made:
        made = stepper.deleted({key: Image(digest=b"", event_key=key, record=record)}, first=0)
        return Made(events=made.events, dead=made.dead)

    def _image(self, key: bytes) -> Image | None:
        data = self._images[key] if key in self._images else self.since.state.get(key)
        return None if data is None else Image.from_bytes(data)

    def _checkpoint(self, letter: Rejected) -> ExtractCheckpoint:
        try:
            return ExtractCheckpoint.model_validate_json(self.since.checkpoints[letter.stream])
        except ValidationError:
            problem = f"redrive: {letter.stream} was published before extracts were compared"
            raise ConfigError([problem]) from None

    def _require_images(self, delivery: Delivery) -> None:
        keeps = self.comparison.events.keeps_records
        try:
            History(self.since.checkpoints).check(delivery, self.comparison.cut, keeps_records=keeps, accepted=None)
        except FileHeldError as error:
            raise ConfigError([f"redrive: {error}"]) from error
