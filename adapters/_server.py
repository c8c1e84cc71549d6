"""A folder on another machine, through fsspec: one connection, whose errors are ours."""

import hashlib
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import IO, Any, BinaryIO, Final

from fsspec.spec import AbstractFileSystem

from adapters._backend import PACKAGES, file_system
from adapters._place import Remote, masked
from contracts.errors import BanyanError, ConfigError, LegacyUnavailableError

__all__ = ["BLOCK_BYTES", "Server"]

BLOCK_BYTES: Final = 1 << 20
_OBJECT_STORES: Final = ("s3fs", "gcsfs", "adlfs")
_REFUSED: Final = ("AuthenticationException", "BadHostKeyException", "_UnknownHostKeyError")
"""Errors of which another try makes nothing better, and may lock an account."""
_NOT_LOGGED_IN: Final = "530"


class Server:
    """A connection to the folder.

    Raises:
        ConfigError: The address is of no known kind, or its package is not installed, or we are refused there.
        LegacyUnavailableError: Nobody answers.
    """

    def __init__(self, folder: str, remote: Remote, *, system: str) -> None:
        self._remote, self._system = remote, system
        self.shown: Final = masked(folder)
        self.scheme: Final = folder.partition("://")[0]
        self.is_object_store: Final = PACKAGES.get(self.scheme) in _OBJECT_STORES
        self.fs: AbstractFileSystem
        with self.translated():
            self.fs, self.folder = file_system(folder, remote, scheme=self.scheme)

    @contextmanager
    def translated(self) -> Generator[None, None, None]:
        """Turn what any of fsspec's file systems raises into our errors, without addresses and secrets."""
        try:
            yield
        except BanyanError:
            raise
        except ImportError as error:
            package = PACKAGES.get(self.scheme, f"that fsspec names for {self.scheme}")
            raise ConfigError(
                [f"{self._system}: {self.scheme}:// needs the package {package}: pip install {package}"]
            ) from error
        except Exception as error:
            reason = f"{self.shown}: {self._said(error)}"
            if _is_final(error):
                raise ConfigError([f"{self._system}: {reason}"]) from error
            raise LegacyUnavailableError(self._system, reason=reason) from error

    def copy(self, path: str, into: IO[bytes], *, size_bytes: int) -> None:
        """Copy a file of the server's into one of ours; raises whatever fsspec's file system does."""
        if self.scheme == "ftp":
            # One transfer: reading by ranges, fsspec would abort one for each.
            self.fs.get_file(path, into)
            return
        with self.fs.open(path, "rb", block_size=8 * BLOCK_BYTES) as file:
            prefetch = getattr(file, "prefetch", None)
            if prefetch is not None:  # or SFTP waits for an answer for each 32 KiB
                prefetch(size_bytes)
            while block := file.read(BLOCK_BYTES):
                into.write(block)

    def send(self, file: BinaryIO, path: str) -> None:
        """Write a file of the server's; raises whatever fsspec's file system does."""
        fs: Any = self.fs
        if self.scheme == "ftp":
            fs.ftp.storbinary(f"STOR {path}", file)  # one transfer: fsspec would append block by block
        elif self.scheme in {"sftp", "ssh"}:
            fs.ftp.putfo(file, path)  # which does not wait for an answer to each block
        else:
            with fs.open(path, "wb") as out:
                shutil.copyfileobj(file, out, BLOCK_BYTES)

    def rename(self, old: str, new: str) -> None:
        """Rename a file, or copy it where there is no rename; raises whatever fsspec's file system does."""
        fs: Any = self.fs
        if self.scheme in {"sftp", "ssh"}:
            fs.ftp.rename(old, new)  # fsspec's own asks for an extension that writes over what is there
        elif self.is_object_store:
            fs.copy(old, new)
            fs.rm_file(old)
        else:
            fs.mv(old, new)

    def sha256(self, path: str) -> str:
        """Return the hash of a file of the server's, in hex; raises whatever fsspec's file system does."""
        digest = hashlib.sha256()
        with self.fs.open(path, "rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def disconnect(self) -> None:
        """End the connection."""
        fs: Any = self.fs
        with suppress(OSError, EOFError):
            if self.scheme in {"sftp", "ssh"}:
                fs.client.close()
            elif self.scheme == "ftp":
                fs.ftp.close()
            elif self.scheme in {"s3", "s3a"}:
                fs.close_session(fs.loop, fs.s3)

    def _said(self, error: Exception) -> str:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error).partition("\n")[0]
        for secret in self._remote.hidden():
            said = said.replace(secret, "***")
        return ": ".join(filter(None, [type(error).__name__, said]))


def _is_final(error: Exception) -> bool:
    is_refused = type(error).__name__ in _REFUSED or str(error).startswith(_NOT_LOGGED_IN)
    return is_refused or (isinstance(error, ValueError) and "rotocol" in str(error))
