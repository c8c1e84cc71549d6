"""The folder in which processes share the budget of one legacy system: two kinds of locks, a socket, and who leads."""

import fcntl
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from contracts.budget.reign import NOBODY, Reign
from contracts.errors import ConfigError

__all__ = ["Folder", "Lock", "known"]

_SOCKET_PATH_BYTES: Final = 107
"""The longest path of a Unix socket on Linux."""
_REIGN: Final = struct.Struct(">dd")
_CHECKED: Final = struct.Struct(">ddI")


@final
class Lock:
    """A file that this process holds locked; the system lets go of it when the process dies, however it does."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    def is_ours(self) -> bool:
        """Tell whether this is still the file that others would lock: somebody may have removed it."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Let another process have it, a child's copy of it included."""
        with suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)


@final
class Folder:
    """What the processes share; for this user alone.

    Raises:
        ConfigError: It can't be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.socket: Final = path / "socket"
        """Where the leader is asked."""
        self._reign: Final = path / "reign"
        if len(os.fsencode(self.socket)) > _SOCKET_PATH_BYTES:
            raise ConfigError(
                [f"budget_folder: {self.socket} is too long for a socket; choose a folder with a shorter path"]
            )

    def made(self) -> "Folder":
        """Make it, where it is not there.

        Raises:
            ConfigError: It can't be made, or others may write there.
        """
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._path.stat()
            (self._path / "lead").touch(mode=0o600)
        except OSError as error:
            problem = f"budget_folder: {self._path}: {error.strerror}; choose a folder that this user may write to"
            raise ConfigError([problem]) from error
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
            problem = f"budget_folder: others may write to {self._path}; let it be of this user alone (chmod 700)"
            raise ConfigError([problem])
        return self

    def lead(self) -> Lock | None:
        """Return the lock of the one who leads; None while another process has it."""
        return _locked(self._path / "lead")

    def is_led(self) -> bool:
        """Tell whether a process has the lock, whether it answers or not."""
        if not self._path.is_dir():
            return False
        lock = self.lead()
        if lock is not None:
            lock.release()
        return lock is None

    def place(self, processes: int) -> tuple[int, Lock] | None:
        """Return a place among so many processes, which nobody else has; None where all are taken."""
        for number in range(processes):
            lock = _locked(self._path / f"place-{number}")
            if lock is not None:
                return number, lock
        return None

    def reign(self) -> Reign:
        """Return until when somebody leads; what can't be read is nobody."""
        for _ in range(2):  # it may be just being written
            try:
                packed = self._reign.read_bytes()
            except OSError:
                return NOBODY
            if len(packed) == _CHECKED.size and zlib.crc32(packed[: _REIGN.size]) == _CHECKED.unpack(packed)[2]:
                until, share, _ = _CHECKED.unpack(packed)
                return Reign(until=until, share=share)
        return NOBODY

    def proclaim(self, reign: Reign) -> None:
        """Say until when this process leads; only who holds the lock may."""
        packed = _REIGN.pack(reign.until, reign.share)
        descriptor = os.open(self._reign, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, packed + struct.pack(">I", zlib.crc32(packed)), 0)
        finally:
            os.close(descriptor)


def _locked(path: Path) -> Lock | None:
    """Return a file locked; None where another process has it, or where it can't be had."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    lock = Lock(path, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.release()
        return None
    if lock.is_ours():
        return lock
    lock.release()  # it was removed in between
    return None


def known(path: Path) -> Iterator[str]:
    """Yield the systems that have a folder there."""
    if path.is_dir():
        yield from sorted(each.name for each in path.iterdir() if (each / "lead").is_file())
