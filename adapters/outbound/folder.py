"""Where files go: written under a temporary name, and renamed when all is settled.

The temporary names are the proof of how far it came. While one is there, its file has not been handed over; once it is
gone, it has been, whatever the receiver has done with the file since: taken, moved, deleted. So after a crash it is
known what is left to do, and nothing is handed over twice.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol, final

from contracts.errors import FileHeldError, LegacyUnavailableError

__all__ = ["MARK", "STAGED", "Folder", "LocalFolder", "Staged"]

STAGED: Final = ".banyan-{}.tmp"
MARK: Final = ".banyan-outbound"
"""Says that it is the folder where files were staged, and not an empty one where it is mounted otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A file that is whole under its temporary name."""

    sha256: str
    size: int


class Folder(Protocol):
    """A place for files; every step may be repeated after a crash."""

    def stage(self, name: str, pieces: Iterable[bytes]) -> Staged:
        """Write a file under a temporary name; durable when this returns.

        Raises:
            LegacyUnavailableError: The place does not answer, or is full.
        """
        ...

    def staged(self, name: str) -> BinaryIO:
        """Open what was staged, for reading."""
        ...

    def release(self, name: str) -> None:
        """Give a staged file its name; nothing where that has happened already.

        Raises:
            FileHeldError: Another file has the name; it is not written over.
            LegacyUnavailableError: The place does not answer.
        """
        ...

    def close(self) -> None:
        """Let go of what it takes to reach the place; it may be used again."""
        ...


@final
class LocalFolder:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stage(self, name: str, pieces: Iterable[bytes]) -> Staged:
        """Write a file under a temporary name; durable when this returns.

        Raises:
            LegacyUnavailableError: The folder is not there, or is full.
        """
        sha256, size = hashlib.sha256(), 0
        try:
            with self._staged(name).open("wb") as file:
                for piece in pieces:
                    file.write(piece)
                    sha256.update(piece)
                    size += len(piece)
                file.flush()
                os.fsync(file.fileno())
            (self.path / MARK).touch()
            self._sync()
        except OSError as error:
            raise self._unavailable(error) from error
        return Staged(sha256=sha256.hexdigest(), size=size)

    def staged(self, name: str) -> BinaryIO:
        """Open what was staged, for reading.

        Raises:
            LegacyUnavailableError: It can't be read.
        """
        try:
            return self._staged(name).open("rb")
        except OSError as error:
            raise self._unavailable(error) from error

    def release(self, name: str) -> None:
        """Give a staged file its name; nothing where that has happened already.

        Raises:
            FileHeldError: Another file has the name; it is not written over.
            LegacyUnavailableError: The folder is not there.
        """
        try:
            if self._staged(name).exists():
                if (self.path / name).exists():
                    raise FileHeldError(name, expected="no file of its name", found="one that is not written over")
                self._staged(name).rename(self.path / name)
            elif not (self.path / MARK).exists():
                raise LegacyUnavailableError(str(self.path), reason=f"it is another folder: {MARK} is not there")
            self._sync()
        except OSError as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        """Do nothing: a folder of this machine needs no connection."""

    def _staged(self, name: str) -> Path:
        return self.path / STAGED.format(name)

    def _sync(self) -> None:
        """Make renames durable."""
        opened = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    def _unavailable(self, error: OSError) -> LegacyUnavailableError:
        return LegacyUnavailableError(str(self.path), reason=f"{type(error).__name__}: {error.strerror}")
