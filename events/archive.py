"""The `Archive` port: original bytes by their sha256, in a folder or an object store, encrypted if wanted.

Re-drive, lineage and dead letters of files rest on it. Bytes are kept once, under `ab/cdef…`; what is
written is complete or not there, since it is moved into place after it was written.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryFile
from typing import IO, BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from fsspec.core import url_to_fs
from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from contracts.errors import ConfigError

__all__ = ["ArchiveSettings", "FileArchive"]

_NONCE_BYTES, _TAG_BYTES = 12, 16
_BLOCK_BYTES = 1 << 20
_OURS = re.compile(r"/([0-9a-f]{2}/[0-9a-f]{62}|incoming/[0-9a-f]{32})$")
"""What we put below the archive's folder; whatever else is there is not ours to remove."""


class ArchiveSettings(BaseModel):
    """Where the archive is, how long it keeps, and by which key it is encrypted."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: str
    """A folder, or any address that fsspec knows: `file:///var/lib/banyan`, `s3://bucket/banyan`."""
    keep: timedelta = timedelta(days=400)
    """How long bytes are kept; `purge` removes older ones."""
    key: SecretStr | None = None
    """AES-256-GCM key, 64 hex digits; without one nothing is encrypted."""

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not _is_hex_256(key.get_secret_value()):
            raise ValueError("expected 64 hex digits")
        return key


def _is_hex_256(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 32  # noqa: PLR2004 - bytes of AES-256
    except ValueError:
        return False


def _is_sha256(name: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", name) is not None


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def _told(blocks: Iterable[bytes], digest: _Digest) -> Iterator[bytes]:
    for block in blocks:
        digest.update(block)
        yield block


def _require(found: str, sha256: str) -> None:
    if found != sha256:
        raise ValueError(f"expected bytes of sha256 {sha256}, found {found}")


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_BLOCK_BYTES):
        yield block


class FileArchive:
    """Keeps bytes in a file system of fsspec's.

    Nothing is promised about who else can read the store; encrypt where that matters. The sha256 is of the
    original bytes, and is bound to the encrypted ones, so bytes moved under another name are refused.

    Raises:
        ConfigError: The address is of no known kind, or can't be used.
    """

    def __init__(self, settings: ArchiveSettings) -> None:
        self._key = bytes.fromhex(settings.key.get_secret_value()) if settings.key else None
        try:
            self._fs, self._root = url_to_fs(settings.url)
            self._fs.makedirs(self._root, exist_ok=True)
        except (ValueError, ImportError, OSError) as error:
            # Not the address, which may hold a password.
            raise ConfigError([f"archive.url: can't be used: {error}"]) from error

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their sha256 in hex.

        The same bytes are kept once; to put them again renews their age, and mends what was damaged.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        self.put_blocks([data], sha256)
        return sha256

    def put_blocks(self, blocks: Iterable[bytes], sha256: str) -> None:
        """Keep bytes that come in blocks and have this sha256; see the port."""
        path, temporary = self._path(sha256), f"{self._root}/incoming/{uuid.uuid4().hex}"
        self._fs.makedirs(self._parent(path), exist_ok=True)
        self._fs.makedirs(self._parent(temporary), exist_ok=True)
        digest = hashlib.sha256()
        try:
            with self._fs.open(temporary, "wb") as file:
                for block in self._sealed_blocks(_told(blocks, digest), sha256):
                    file.write(block)
            _require(digest.hexdigest(), sha256)
        except BaseException:
            with suppress(FileNotFoundError):
                self._fs.rm_file(temporary)
            raise
        self._fs.mv(temporary, path)

    @contextmanager
    def opened(self, sha256: str) -> Generator[BinaryIO]:
        """Open the bytes for the block; see the port. They are decrypted and compared with their hash before."""
        digest = hashlib.sha256()
        with TemporaryFile() as plain:
            try:
                with self._fs.open(self._path(sha256), "rb") as file:
                    for block in _told(self._opened_blocks(file, sha256), digest):
                        plain.write(block)
            except FileNotFoundError:
                raise KeyError(sha256) from None
            if digest.hexdigest() != sha256:
                raise ConfigError([f"archive: {sha256}: the bytes are not those that were put; is a key missing?"])
            plain.seek(0)
            yield plain

    def get(self, sha256: str) -> bytes:
        """Return the bytes.

        Raises:
            KeyError: Nothing with that hash is kept, or not any more.
            ConfigError: They were encrypted by another key, or changed.
        """
        with self.opened(sha256) as file:
            return file.read()

    def __contains__(self, sha256: str) -> bool:
        """Tell whether bytes with that hash are kept."""
        return _is_sha256(sha256) and self._fs.exists(self._path(sha256))

    def purge(self, older_than: timedelta) -> int:
        """Remove what was put longer ago than that, and return how many."""
        limit = datetime.now(UTC) - older_than
        ours = [path for path in self._fs.find(self._root) if _OURS.search(path)]
        found = [path for path in ours if self._modified(path) < limit]
        for path in found:
            self._fs.rm_file(path)
        return len(found)

    def _path(self, sha256: str) -> str:
        if not _is_sha256(sha256):
            raise KeyError(sha256)
        return f"{self._root}/{sha256[:2]}/{sha256[2:]}"

    def _parent(self, path: str) -> str:
        return path.rpartition("/")[0]

    def _modified(self, path: str) -> datetime:
        modified = self._fs.modified(path)
        return modified if modified.tzinfo else modified.replace(tzinfo=UTC)

    def _sealed_blocks(self, blocks: Iterable[bytes], sha256: str) -> Iterator[bytes]:
        """Yield nonce, encrypted bytes and tag; without a key, the bytes themselves."""
        if self._key is None:
            yield from blocks
            return
        nonce = os.urandom(_NONCE_BYTES)
        sealing = Cipher(AES(self._key), GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(sha256.encode())
        yield nonce
        yield from map(sealing.update, blocks)
        yield sealing.finalize() + sealing.tag

    def _opened_blocks(self, file: IO[bytes], sha256: str) -> Iterator[bytes]:
        """Yield the bytes that were sealed; that they were not changed is known only at the end."""
        if self._key is None:
            yield from _blocks(file)
            return
        opening = Cipher(AES(self._key), GCM(file.read(_NONCE_BYTES).ljust(_NONCE_BYTES, b"\0"))).decryptor()
        opening.authenticate_additional_data(sha256.encode())
        held = b""
        for block in _blocks(file):
            held += block
            yield opening.update(held[:-_TAG_BYTES])
            held = held[-_TAG_BYTES:]
        try:
            yield opening.finalize_with_tag(held)
        except (InvalidTag, ValueError):  # the latter where even the tag is cut off
            raise ConfigError([f"archive: {sha256}: encrypted by another key, or changed"]) from None
