"""A place that files are found at: what every kind of it can do, and the local folder."""

import hashlib
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from adapters.batch.candidate import Candidate
from contracts.errors import FileChangedError, LegacyUnavailableError

__all__ = ["BLOCK_BYTES", "Local", "Location", "Reader"]

BLOCK_BYTES: Final = 1 << 20


class Reader(Protocol):
    """The unchanging bytes of one file."""

    @property
    def candidate(self) -> Candidate:
        """Return the file as it was found."""
        ...

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Return bytes of the file.

        Raises:
            FileChangedError: The file is not what it was when it was found.
            LegacyUnavailableError: The file can't be read.
        """
        ...

    def sha256(self) -> str:
        """Return the hash of all its bytes, in hex."""
        ...


class Location(Protocol):
    """A place that files are found at. Its calls block, so they are made in a thread; one at a time.

    Each raises `LegacyUnavailableError` where the place does not answer.
    """

    def find(self) -> Mapping[str, Candidate]:
        """Return the files there by name, done files and the like included."""
        ...

    def opened(self, candidate: Candidate) -> AbstractContextManager[Reader]:
        """Open a file for the block.

        Raises:
            FileChangedError: It is not what it was when it was found.
        """
        ...

    def tail(self, candidate: Candidate, size_bytes: int) -> bytes:
        """Return the last bytes of a file; fewer where it has no more."""
        ...

    def checksum(self, candidate: Candidate) -> str | None:
        """Return the checksum that the place itself keeps of a file's content; None where it keeps none."""
        ...

    def move(self, candidate: Candidate, folder: str) -> None:
        """Move a file into another folder of the same place, which has to be there; its name stays."""
        ...

    def close(self) -> None:
        """Disconnect. A call that is under way in a thread ends soon, with an error."""
        ...


class Local:
    """A local folder, or one that is mounted. Fulfils `Location`."""

    def __init__(self, folder: Path, *, system: str) -> None:
        self._folder, self._system = folder, system
        self._is_closed = False

    def find(self) -> Mapping[str, Candidate]:
        """Return the files of the folder; see the port."""
        found: dict[str, Candidate] = {}
        with _readable(self._system, self._folder), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # it may be renamed meanwhile
                    if entry.is_file():
                        found[entry.name] = Candidate.of(self._folder / entry.name, entry.stat())
        return found

    @contextmanager
    def opened(self, candidate: Candidate) -> Generator[Reader, None, None]:
        """Open a file for the block; what replaces it by name meanwhile is not seen."""
        path = Path(candidate.path)
        with ExitStack() as stack:
            with _readable(self._system, path):
                file = stack.enter_context(path.open("rb", buffering=0))
            yield _OpenFile(file.fileno(), candidate, system=self._system, going_on=self._go_on)

    def tail(self, candidate: Candidate, size_bytes: int) -> bytes:
        """Return the last bytes of a file; see the port."""
        with self.opened(candidate) as reader:
            wanted = min(size_bytes, candidate.size_bytes)
            return reader.read(candidate.size_bytes - wanted, wanted)

    def checksum(self, candidate: Candidate) -> str | None:
        """Return None: a file system keeps no checksum of content."""
        del candidate
        return None

    def move(self, candidate: Candidate, folder: str) -> None:
        """Move a file into another folder; see the port. One of that name there is an error, not overwritten."""
        target = Path(folder) / candidate.name
        with _readable(self._system, Path(candidate.path)):
            # A link fails where the name is taken; a rename would overwrite.
            os.link(candidate.path, target)
            Path(candidate.path).unlink()

    def close(self) -> None:
        """Let a call that is under way in a thread end soon."""
        self._is_closed = True

    def _go_on(self) -> None:
        if self._is_closed:
            raise LegacyUnavailableError(self._system, reason=f"{self._folder}: closed")


class _OpenFile:
    """Reads an open local file, and refuses as soon as it is not what it was when it was found."""

    def __init__(self, descriptor: int, candidate: Candidate, *, system: str, going_on: Callable[[], None]) -> None:
        self._descriptor, self._system, self._going_on = descriptor, system, going_on
        self.candidate = candidate

    def read(self, offset: int, size_bytes: int) -> bytes:
        path = Path(self.candidate.path)
        with _readable(self._system, path):
            data = os.pread(self._descriptor, size_bytes, offset)
            now = Candidate.of(path, os.fstat(self._descriptor))
        if now != self.candidate or len(data) != size_bytes:
            raise FileChangedError(path.name, found=f"{now.size_bytes} bytes, modified {now.modified:%F %T}")
        return data

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for offset in range(0, self.candidate.size_bytes, BLOCK_BYTES):
            self._going_on()
            digest.update(self.read(offset, min(BLOCK_BYTES, self.candidate.size_bytes - offset)))
        return digest.hexdigest()


@contextmanager
def _readable(system: str, path: Path) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise LegacyUnavailableError(system, reason=f"{path}: {error.strerror}") from error
