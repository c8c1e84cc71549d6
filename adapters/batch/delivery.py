"""Files as they are found and delivered: what is complete, what it is called, and its unchanging bytes."""

import hashlib
import os
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from adapters.batch.config import Config
from contracts.errors import FileHeldError, LegacyUnavailableError

__all__ = [
    "Candidate",
    "Checkpoint",
    "Delivery",
    "Reader",
    "Watch",
    "business_date",
    "deliver",
    "find",
    "ledger",
    "opened",
]

_HASH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file as it was seen once."""

    path: Path
    size_bytes: int
    modified_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path, stat: os.stat_result) -> Self:
        """Return what a file's status says."""
        return cls(path=path, size_bytes=stat.st_size, modified_ns=stat.st_mtime_ns, inode=stat.st_ino)

    @property
    def modified(self) -> datetime:
        """Return when it was last modified, to the microsecond."""
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.modified_ns // 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivered file: its content, and where declared its business date. Its name is no part of it."""

    file: str
    sha256: str
    business_date: date | None
    modified: datetime
    size_bytes: int

    @property
    def stream(self) -> str:
        """Return the stream that its records are positions of."""
        return f"file:{self.sha256}" + ("" if self.business_date is None else f":{self.business_date}")


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
    records: int
    """Records of the whole file."""
    done: bool
    """Nothing is left."""


def find(config: Config) -> list[Candidate]:
    """Return the files that match, and have their done file where one is due, in no order.

    Raises:
        LegacyUnavailableError: The folder can't be read.
    """
    folder, pattern, suffix = config.path.parent, config.path.name, config.done_file
    with _readable(config.name, folder), os.scandir(folder) as entries:
        names = {entry.name: entry for entry in entries if entry.is_file()}
        return [
            Candidate.of(folder / name, entry.stat())
            for name, entry in names.items()
            if fnmatchcase(name, pattern) and (suffix is None or (name + suffix in names))
        ]


class Watch:
    """Tells which files have been unchanged for long enough.

    A time of modification alone proves nothing: a sender may preserve it while it still copies.
    """

    def __init__(self, config: Config, clock: Callable[[], float]) -> None:
        self._config, self._clock = config, clock
        self._since: dict[Candidate, float] = {}

    def settled(self, seen: Iterable[Candidate]) -> list[Candidate]:
        """Return what is complete, oldest first; files that change or disappear are forgotten."""
        now = self._clock()
        self._since = {candidate: self._since.get(candidate, now) for candidate in seen}
        patience = self._config.stable_for.total_seconds()
        ready = [candidate for candidate, since in self._since.items() if now - since >= patience]
        return sorted(ready, key=lambda c: (business_date(c, self._config) or date.min, c.modified_ns, c.path))


def business_date(candidate: Candidate, config: Config) -> date | None:
    """Return the business date in a file's name, or None without a declared or a legible one."""
    found = re.search(config.business_date, candidate.path.name) if config.business_date else None
    try:
        return None if found is None else datetime.strptime(found[1], config.business_date_format).date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None


class Reader:
    """Reads an open file, and holds it as soon as it is not what it was when it was found."""

    def __init__(self, descriptor: int, candidate: Candidate, *, system: str) -> None:
        self._descriptor, self.candidate, self._system = descriptor, candidate, system

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Return bytes of the file.

        Raises:
            FileHeldError: The file has changed.
            LegacyUnavailableError: The file can't be read.
        """
        with _readable(self._system, self.candidate.path):
            data = os.pread(self._descriptor, size_bytes, offset)
            now = Candidate.of(self.candidate.path, os.fstat(self._descriptor))
        if now != self.candidate or len(data) != size_bytes:
            raise FileHeldError(self.candidate.path.name, expected="a complete file", found="one that changes")
        return data

    def sha256(self) -> str:
        """Return the hash of all its bytes."""
        digest = hashlib.sha256()
        for offset in range(0, self.candidate.size_bytes, _HASH_BYTES):
            digest.update(self.read(offset, min(_HASH_BYTES, self.candidate.size_bytes - offset)))
        return digest.hexdigest()


@contextmanager
def opened(candidate: Candidate, *, system: str) -> Generator[Reader, None, None]:
    """Open a file for the block; what replaces it by name meanwhile is not seen.

    Raises:
        LegacyUnavailableError: It can't be opened.
    """
    with ExitStack() as stack:
        with _readable(system, candidate.path):
            file = stack.enter_context(candidate.path.open("rb", buffering=0))
        yield Reader(file.fileno(), candidate, system=system)


def deliver(reader: Reader, config: Config, *, record_length: int) -> Delivery:
    """Check a file as a whole, before anything is made of its records.

    Raises:
        FileHeldError: It holds no whole number of records, or no business date where one is declared.
    """
    candidate = reader.candidate
    file = candidate.path.name
    if candidate.size_bytes % record_length:
        found = f"{candidate.size_bytes} bytes, {candidate.size_bytes % record_length} too many"
        raise FileHeldError(file, expected=f"records of {record_length} bytes", found=found)
    day = business_date(candidate, config)
    if config.business_date is not None and day is None:
        expected = f"a business date in its name ({config.business_date}, {config.business_date_format})"
        raise FileHeldError(file, expected=expected, found="none")
    return Delivery(
        file=file,
        sha256=reader.sha256(),
        business_date=day,
        modified=candidate.modified,
        size_bytes=candidate.size_bytes,
    )


def ledger(checkpoints: Mapping[str, bytes]) -> dict[str, Checkpoint]:
    """Return how far each delivery has been published, by stream."""
    return {stream: Checkpoint.model_validate_json(data) for stream, data in checkpoints.items()}


@contextmanager
def _readable(system: str, path: Path) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise LegacyUnavailableError(system, reason=f"{path}: {error.strerror}") from error
