"""A folder on another machine that files go to: SFTP, FTP, S3 and what else fsspec knows.

A file is made on this machine first, sent under its temporary name, and renamed there. A store of objects has no
rename, but a copy that appears whole under the file's own name; the temporary one is deleted after it. If the process
dies between the two and the receiver takes the file in that moment, it is handed over again.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import BinaryIO, cast, final

from adapters._place import Remote
from adapters._server import BLOCK_BYTES, Server
from adapters.outbound.folder import MARK, STAGED, Staged
from contracts.errors import FileHeldError, LegacyUnavailableError

__all__ = ["RemoteFolder"]


@final
class RemoteFolder:
    """A folder that fsspec reaches. Fulfils `Folder`. Connected from when it is first used until it is closed.

    Each call raises `ConfigError` where it is refused for good: a wrong password, an unknown host.

    Args:
        address: The folder, which has to be there: `sftp://host/in`.
        remote: How it is reached.
        system: What errors call it.
    """

    def __init__(self, address: str, remote: Remote, *, system: str) -> None:
        self._address, self._remote, self._system = address, remote, system
        self._server: Server | None = None
        self._sent: dict[str, Staged] = {}

    def stage(self, name: str, pieces: Iterable[bytes]) -> Staged:
        """Send a file under a temporary name, and make sure that all of it is there; see the port."""
        server, sha256 = self._connected(), hashlib.sha256()
        with server.translated(), tempfile.TemporaryFile(dir=self._remote.spool) as spool:
            for piece in pieces:
                spool.write(piece)
                sha256.update(piece)
            staged = Staged(sha256=sha256.hexdigest(), size=spool.tell())
            spool.seek(0)
            server.send(cast("BinaryIO", spool), _below(server, STAGED.format(name)))
            server.send(BytesIO(), _below(server, MARK))
            self._require_size(server, STAGED.format(name), staged.size)
        self._sent[name] = staged
        return staged

    def staged(self, name: str) -> BinaryIO:
        """Fetch what was staged, for reading; it is what was sent."""
        server, sent = self._connected(), self._sent[name]
        with server.translated():
            spool = cast("BinaryIO", tempfile.TemporaryFile(dir=self._remote.spool))  # noqa: SIM115 - the caller closes it
            server.copy(_below(server, STAGED.format(name)), spool, size_bytes=sent.size)
            sha256 = hashlib.sha256()
            spool.seek(0)
            while block := spool.read(BLOCK_BYTES):
                sha256.update(block)
            spool.seek(0)
        if sha256.hexdigest() != sent.sha256:
            spool.close()
            raise self._unavailable(server, f"{name} has other bytes there than were sent")
        return spool

    def release(self, name: str) -> None:
        """Give a staged file its name; nothing where that has happened already; see the port."""
        server, staged = self._connected(), STAGED.format(name)
        with server.translated():
            sizes = _sizes(server)
            if MARK not in sizes:
                raise self._unavailable(server, f"another folder, or one that hides names with a dot: no {MARK}")
            if staged not in sizes:
                return
            if name in sizes and not self._is_a_copy(server, name, sizes):
                raise FileHeldError(name, expected="no file of its name", found="one that is not written over")
            server.rename(_below(server, staged), _below(server, name))

    def close(self) -> None:
        """Disconnect; the next call connects again."""
        if self._server is not None:
            self._server.disconnect()
        self._server = None
        self._sent.clear()

    def _connected(self) -> Server:
        if self._server is None:
            self._server = Server(self._address, self._remote, system=self._system)
        return self._server

    def _require_size(self, server: Server, name: str, size: int) -> None:
        found = _sizes(server).get(name)
        if found != size:
            raise self._unavailable(server, f"of {size} bytes that were sent, {found or 'none'} are there")

    def _is_a_copy(self, server: Server, name: str, sizes: Mapping[str, int]) -> bool:
        """Tell whether a store of objects has copied the file, and only its temporary name is left."""
        staged = STAGED.format(name)
        if not server.is_object_store or sizes[staged] != sizes[name]:
            return False
        return server.sha256(_below(server, staged)) == server.sha256(_below(server, name))

    def _unavailable(self, server: Server, reason: str) -> LegacyUnavailableError:
        return LegacyUnavailableError(self._system, reason=f"{server.shown}: {reason}")


def _below(server: Server, name: str) -> str:
    return f"{server.folder.rstrip('/')}/{name}"


def _sizes(server: Server) -> dict[str, int]:
    """Return the files of the folder: one look, so that what it says is of one moment."""
    server.fs.invalidate_cache()
    return {
        str(info["name"]).rpartition("/")[2]: int(info["size"] or 0)
        for info in server.fs.ls(server.folder, detail=True)
    }
