"""A location on another machine, through fsspec: SFTP, FTP, S3, Azure, GCS and what else it knows.

What it knows only with a further package says so: that package is no dependency of ours.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, Any, Final, cast

from adapters._place import Remote
from adapters._server import Server
from adapters.batch.candidate import Candidate
from adapters.batch.location import Reader
from contracts.errors import FileChangedError, LegacyUnavailableError

__all__ = ["FileSystem"]

_CHECKSUMS: Final = ("ETag", "etag", "md5Hash", "crc32c", "content_md5")
_TIMES: Final = ("mtime", "LastModified", "last_modified", "updated", "modify", "modified", "created")


class FileSystem:
    """A folder that fsspec reaches. Fulfils `Location`.

    A file is copied once, into a file without a name, and read from there: so its bytes can't change any more,
    and what identifies it is what is published.

    Raises:
        ConfigError: The address is of no known kind, or its package is not installed, or we are refused there.
        LegacyUnavailableError: Nobody answers.
    """

    def __init__(self, folder: str, remote: Remote, *, system: str) -> None:
        self._remote, self._system = remote, system
        self._lock = threading.Lock()
        self._is_closed = False
        self._first_seen: dict[tuple[str, int, str], int] = {}
        self._server = Server(folder, remote, system=system)
        self._fs, self._folder = self._server.fs, self._server.folder

    def find(self) -> Mapping[str, Candidate]:
        """Return the files of the folder; see the port."""
        with self._calling():
            self._fs.invalidate_cache()
            listed = self._listed()
            found = [self._candidate(info) for info in listed if info.get("type") in {"file", "link", None}]
        return {candidate.name: candidate for candidate in found}

    def _listed(self) -> list[dict[str, Any]]:
        try:
            return self._fs.ls(self._folder, detail=True)
        except FileNotFoundError:
            # A store of objects has no folders: one without files and none are the same.
            if self._server.is_object_store and self._fs.exists(self._folder.partition("/")[0]):
                return []
            raise

    @contextmanager
    def opened(self, candidate: Candidate) -> Generator[Reader, None, None]:
        """Copy a file, make sure that it was not changed meanwhile, and open the copy for the block."""
        with ExitStack() as stack:
            with self._calling():
                spool = stack.enter_context(tempfile.TemporaryFile(dir=self._remote.spool, buffering=0))
                self._refuse_other(candidate, copied_bytes=candidate.size_bytes)
                sha256 = self._copy(candidate, spool)
                self._refuse_other(candidate, copied_bytes=spool.tell())
            yield _Copy(spool.fileno(), candidate, sha256)

    def tail(self, candidate: Candidate, size_bytes: int) -> bytes:
        """Return the last bytes of a file; see the port."""
        start = max(0, candidate.size_bytes - size_bytes)
        with self._calling():
            return self._fs.cat_file(str(candidate.path), start=start) if candidate.size_bytes else b""

    def checksum(self, candidate: Candidate) -> str | None:
        """Return the store's own checksum of a file; see the port."""
        with self._calling():
            info = self._info(candidate)
        settings: dict[str, Any] = info.get("content_settings") or {}
        return next(
            (f"{name} {found[name]}" for found in (info, settings) for name in _CHECKSUMS if found.get(name)), None
        )

    def move(self, candidate: Candidate, folder: str) -> None:
        """Move a file into another folder of the same place; see the port."""
        with self._calling():
            self._fs.mv(str(candidate.path), f"{folder.rstrip('/')}/{candidate.name}")

    def close(self) -> None:
        """Disconnect, at once or when the call that is under way has ended."""
        self._is_closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._server.disconnect()
            finally:
                self._lock.release()

    @contextmanager
    def _calling(self) -> Generator[None, None, None]:
        with self._lock:
            try:
                self._go_on()
                with self._server.translated():
                    yield
            finally:
                if self._is_closed:
                    self._server.disconnect()

    def _go_on(self) -> None:
        if self._is_closed:
            raise LegacyUnavailableError(self._system, reason=f"{self._server.shown}: closed")

    def _copy(self, candidate: Candidate, spool: IO[bytes]) -> str:
        into = _Hashing(spool, self._go_on)
        self._server.copy(str(candidate.path), cast("IO[bytes]", into), size_bytes=candidate.size_bytes)
        return into.digest.hexdigest()

    def _refuse_other(self, candidate: Candidate, *, copied_bytes: int) -> None:
        now = self._candidate(self._info(candidate))
        if now != candidate or copied_bytes != candidate.size_bytes:
            found = f"{max(now.size_bytes, copied_bytes)} bytes, modified {now.modified:%F %T}"
            raise FileChangedError(candidate.name, found=found)

    def _info(self, candidate: Candidate) -> dict[str, Any]:
        self._fs.invalidate_cache()
        try:
            return self._fs.info(str(candidate.path))
        except FileNotFoundError as error:
            raise FileChangedError(candidate.name, found="none of the name any more") from error

    def _candidate(self, info: Mapping[str, Any]) -> Candidate:
        name, size = str(info["name"]), int(info["size"])
        version = next((str(info[key]) for key in (*_CHECKSUMS, "generation", "ino") if info.get(key)), "")
        modified = next((ns for key in _TIMES if (ns := _nanoseconds(info.get(key))) is not None), None)
        if modified is None:
            now = int(datetime.now(UTC).timestamp()) * 1_000_000_000
            modified = self._first_seen.setdefault((name, size, version), now)
        return Candidate(path=PurePosixPath(name), size_bytes=size, modified_ns=modified, version=version)


class _Copy:
    """The copy of a remote file."""

    def __init__(self, descriptor: int, candidate: Candidate, sha256: str) -> None:
        self._descriptor, self._sha256 = descriptor, sha256
        self.candidate = candidate

    def read(self, offset: int, size_bytes: int) -> bytes:
        return os.pread(self._descriptor, size_bytes, offset)

    def sha256(self) -> str:
        return self._sha256


class _Hashing:
    """Writes into a file, hashes what it writes, and stops when it is told to."""

    def __init__(self, file: IO[bytes], going_on: Callable[[], None]) -> None:
        self._file, self._going_on = file, going_on
        self.digest = hashlib.sha256()

    def read(self) -> bytes:
        """Return nothing: fsspec takes for a file what has these three."""
        return b""

    def tell(self) -> int:
        return self._file.tell()

    def write(self, block: bytes) -> int:
        self._going_on()
        self.digest.update(block)
        self._file.write(block)
        return len(block)

    def close(self) -> None:
        """Leave the file open: it is read next."""


def _nanoseconds(told: object) -> int | None:
    """Return a time of modification as nanoseconds since 1970; None where there is none that is understood.

    >>> _nanoseconds("20260131010203")
    1769821323000000000
    """
    moment = told
    if isinstance(told, str):
        moment = None
        with suppress(ValueError):
            moment = datetime.fromisoformat(told)
        with suppress(ValueError):  # FTP's own way; Python takes it for a date with a wrong time
            moment = datetime.strptime(told.partition(".")[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    if isinstance(moment, (int, float)) and not isinstance(moment, bool):
        return round(moment * 1_000_000) * 1000  # no float has more digits
    if not isinstance(moment, datetime):
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (int(zoned.timestamp()) * 1_000_000 + zoned.microsecond) * 1000
