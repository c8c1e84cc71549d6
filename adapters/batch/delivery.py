"""What is delivered: a file's content with its business date and sequence, and how far it is published."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from adapters.batch.candidate import Candidate
from adapters.batch.config import Config
from adapters.batch.location import Reader
from contracts.errors import FileHeldError

__all__ = ["Checkpoint", "Delivery", "business_date", "check", "checkpoints_of", "deliver", "rank", "sequence"]

_STREAM = "file:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivered file: its content, and where declared its business date and sequence.

    Its name is no part of it, unless the same content under another name is declared to be a delivery.
    """

    file: str
    sha256: str
    business_date: date | None
    modified: datetime
    size_bytes: int
    sequence: int | None = None
    is_named: bool = False
    """The name is part of it."""
    is_extract: bool = False
    """It is compared with the one before. Its time of modification is part of it: content that comes back after other
    content is another extract."""

    @property
    def stream(self) -> str:
        """Return the stream that its records are positions of."""
        parts = [f"{_STREAM}{self.sha256}"]
        parts += [] if self.business_date is None else [f"{self.business_date}"]
        parts += [] if self.sequence is None else [f"s{self.sequence}"]
        parts += [f"n{hashlib.sha256(self.file.encode()).hexdigest()[:8]}"] if self.is_named else []
        parts += [f"{self.modified:%Y%m%dT%H%M%S%f}"] if self.is_extract else []
        return ":".join(parts)


class Checkpoint(BaseModel):
    """How far a delivery has been published."""

    # A checkpoint outlives the release that wrote it, so what a newer one added is no error.
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    sha256: str
    file: str
    """Its name when it was first read."""
    modified: datetime
    """Its time of modification then, so that a file put there again goes on with the same times."""
    next: int
    """Ordinal of the next record."""
    first: int = 0
    """Ordinal of the first record of data: there are so many header records."""
    records: int
    """Data records of the whole file."""
    offset: int | None = None
    """Where the next record begins, in the decompressed file; None in checkpoints of older releases."""
    block_end: int = 0
    """Where the block ends that it is in; 0 where it is in none."""
    done: bool
    """Nothing is left."""

    @property
    def read(self) -> int:
        """Return how many data records have been published."""
        return self.next - self.first


def checkpoints_of(checkpoints: Mapping[str, bytes]) -> dict[str, Checkpoint]:
    """Return how far each delivery has been published, by stream; other streams are left out."""
    files = {stream: data for stream, data in checkpoints.items() if stream.startswith(_STREAM)}
    return {stream: Checkpoint.model_validate_json(data) for stream, data in files.items()}


def business_date(candidate: Candidate, config: Config) -> date | None:
    """Return the business date in a file's name, or None without a declared or a legible one."""
    found = re.search(config.business_date, candidate.name) if config.business_date else None
    try:
        return None if found is None else datetime.strptime(found[1], config.business_date_format).date()  # noqa: DTZ007 - a date has no zone
    except (ValueError, TypeError):
        return None


def sequence(candidate: Candidate, config: Config) -> int | None:
    """Return the sequence number in a file's name, or None without a declared or a legible one."""
    found = re.search(config.sequence, candidate.name) if config.sequence else None
    try:
        return None if found is None else int(found[1])
    except (ValueError, TypeError):
        return None


def rank(day: date | None, number: int | None) -> tuple[date, int]:
    """Return what deliveries are ordered by."""
    return (day or date.min, -1 if number is None else number)


def deliver(reader: Reader, config: Config) -> Delivery:
    """Read all of a file, and return what it delivers.

    Raises:
        FileChangedError: It changes while it is read.
        LegacyUnavailableError: It can't be read.
    """
    candidate = reader.candidate
    return Delivery(
        file=candidate.name,
        sha256=reader.sha256(),
        business_date=business_date(candidate, config),
        sequence=sequence(candidate, config),
        modified=candidate.modified,
        size_bytes=candidate.size_bytes,
    )


def check(delivery: Delivery, config: Config, *, record_length: int | None) -> None:
    """Check a delivery as a whole, before anything is made of its records.

    Args:
        delivery: The delivery.
        config: What is declared of it.
        record_length: Bytes of a record, where a file is nothing but records of one length.

    Raises:
        FileHeldError: It holds no whole number of records, or no business date or sequence where one is declared.
    """
    rest = 0 if record_length is None else delivery.size_bytes % record_length
    if rest:
        found = f"{delivery.size_bytes} bytes, {rest} too many"
        raise FileHeldError(delivery.file, expected=f"records of {record_length} bytes", found=found)
    if config.business_date is not None and delivery.business_date is None:
        expected = f"a business date in its name ({config.business_date}, {config.business_date_format})"
        raise FileHeldError(delivery.file, expected=expected, found="none")
    if config.sequence is not None and delivery.sequence is None:
        raise FileHeldError(delivery.file, expected=f"a sequence in its name ({config.sequence})", found="none")
