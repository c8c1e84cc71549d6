"""File servers on loopback, each with a folder of its own: FTP, SFTP, S3 and Azure, as real as they get here."""

import asyncio
import base64
import importlib
import logging
import os
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import fsspec
import pytest
from moto.server import ThreadedMotoServer

from tests.npm import installed

USER, PASSWORD = "banyan", "hush-hush"
_AZURITE = Path(__file__).parent / "azurite"
AZURE_ACCOUNT, AZURE_KEY = "banyan", base64.b64encode(b"no secret of anybody").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileServer:
    """A server, and how it is reached."""

    url: str
    """Address of the folder, without a user."""
    remote: dict[str, Any] = field(default_factory=dict[str, Any])
    """What an adapter's `remote` has to say."""


@contextmanager
def ftp_server(folder: Path) -> Generator[FileServer, None, None]:
    """Serve a folder by FTP."""
    logging.getLogger("pyftpdlib").setLevel(logging.ERROR)
    authorizers, handlers, servers = (_of_pyftpdlib(name) for name in ("authorizers", "handlers", "servers"))
    authorizer = authorizers.DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder), perm="elradfmwMT")
    handler: Any = type("Handler", (handlers.FTPHandler,), {"authorizer": authorizer})
    server = servers.ThreadedFTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.05}, daemon=True)
    thread.start()
    try:
        yield FileServer(
            url=f"ftp://127.0.0.1:{server.address[1]}", remote={"username": USER, "password": PASSWORD, "timeout": 5}
        )
    finally:
        server.close_all()
        thread.join(5)


def _of_pyftpdlib(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it stands on asyncore, as long as Python has that
        return importlib.import_module(f"pyftpdlib.{name}")


class _Password(asyncssh.SSHServer):
    """Knows one user, and all of its connections."""

    def __init__(self, connections: list[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return bool(username)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@contextmanager
def sftp_server(folder: Path, keys: Path) -> Generator[FileServer, None, None]:
    """Serve a folder by SFTP; `keys` gets the server's known-hosts file."""
    # Its options have no types.
    host_key: asyncssh.SSHKey = asyncssh.generate_private_key("ssh-ed25519")  # pyright: ignore[reportUnknownMemberType]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    connections: list[asyncssh.SSHServerConnection] = []

    def served(channel: Any) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(folder))

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: _Password(connections),
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            sftp_factory=served,
            gss_host=None,
        )

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    known = keys / "known_hosts"
    public = host_key.export_public_key().decode().split()
    known.write_text(f"[127.0.0.1]:{acceptor.get_port()} {public[0]} {public[1]}\n")

    async def end() -> None:
        acceptor.close()
        for connection in connections:
            connection.abort()
        await acceptor.wait_closed()
        await asyncio.sleep(0.05)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        loop.stop()

    try:
        yield FileServer(
            url=f"sftp://127.0.0.1:{acceptor.get_port()}",
            remote={"username": USER, "password": PASSWORD, "known_hosts": known, "timeout": 5},
        )
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop)
        thread.join(10)
        loop.close()


@contextmanager
def s3_server() -> Generator[FileServer, None, None]:
    """Serve an empty S3, in memory."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield FileServer(
            url="s3://",
            remote={
                "options": {"endpoint_url": f"http://{host}:{port}", "client_kwargs": {"region_name": "eu-central-1"}},
                "secrets": {"key": USER, "secret": PASSWORD},
            },
        )
    finally:
        server.stop()


@contextmanager
def s3_store(server: FileServer) -> Generator[Any, None, None]:
    """Open an S3 as fsspec's file system, which remembers nothing of what it lists."""
    options = {**server.remote["options"], **server.remote["secrets"]}
    store: Any = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False, **options)
    try:
        yield store
    finally:
        store.close_session(store.loop, store.s3)


@contextmanager
def azure_server(folder: Path) -> Generator[FileServer, None, None]:
    """Serve an empty Azure Blob Storage with Microsoft's Azurite; skips where that can't be installed."""
    if shutil.which("node") is None:
        pytest.skip("Azure: no node on the path")
    try:
        program = installed(_AZURITE) / "node_modules" / ".bin" / "azurite-blob"
    except ConnectionError as error:
        pytest.skip(f"Azure: {error}")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    told = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck"]
    command = [str(program), *told, "--silent", "--disableTelemetry"]
    environ = {**os.environ, "AZURITE_ACCOUNTS": f"{AZURE_ACCOUNT}:{AZURE_KEY}"}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=environ) as served:
        try:
            _reachable(port)
            yield FileServer(url=f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}", remote=_azure(port))
        finally:
            served.terminate()


def _azure(port: int) -> dict[str, Any]:
    told = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": AZURE_ACCOUNT,
        "AccountKey": AZURE_KEY,
        "BlobEndpoint": f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}",
    }
    return {"secrets": {"connection_string": ";".join(f"{name}={value}" for name, value in told.items())}}


def _reachable(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
