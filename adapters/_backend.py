"""The file systems of fsspec's that files come from and go to, and how each is connected to."""

import importlib
import types
from collections.abc import Mapping
from typing import Any, Final

from fsspec.core import url_to_fs
from fsspec.spec import AbstractFileSystem

from adapters._place import Remote

__all__ = ["PACKAGES", "file_system"]

PACKAGES: Final = {
    "abfs": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "s3": "s3fs",
    "s3a": "s3fs",
    "sftp": "paramiko",
    "smb": "smbprotocol",
    "ssh": "paramiko",
}
"""Scheme of an address -> the package that has to be installed for it."""


def file_system(folder: str, remote: Remote, *, scheme: str) -> tuple[AbstractFileSystem, str]:
    """Connect, and return a file system and the folder as it names it. Raises whatever fsspec's file system does."""
    secrets = {name: secret.get_secret_value() for name, secret in remote.secrets.items()}
    options = {**remote.options, **secrets}
    if scheme in {"sftp", "ssh"}:
        return _sftp(folder, remote, options)
    if scheme == "ftp":
        options = {"timeout": remote.timeout.total_seconds(), **options, **_login(remote)}
    # An instance that is shared would go on where another one's connection was lost.
    return url_to_fs(folder, skip_instance_cache=True, **options)


def _login(remote: Remote) -> dict[str, Any]:
    password = remote.password.get_secret_value() if remote.password else None
    return {name: value for name, value in (("username", remote.username), ("password", password)) if value}


def _sftp(folder: str, remote: Remote, options: Mapping[str, Any]) -> tuple[AbstractFileSystem, str]:
    """Return fsspec's file system for SFTP, but one that connects to known hosts only."""
    paramiko: Any = importlib.import_module("paramiko")
    base: Any = importlib.import_module("fsspec.implementations.sftp").SFTPFileSystem

    def connect(self: Any) -> None:  # noqa: ANN401 - fsspec's and paramiko's have no types
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys(None if remote.known_hosts is None else str(remote.known_hosts))
        self.client.set_missing_host_key_policy(_Unknown())
        try:
            self.client.connect(self.host, **self.ssh_kwargs)
            self.ftp = self.client.open_sftp()
        except BaseException:
            self.client.close()
            raise
        self.ftp.get_channel().settimeout(seconds)

    seconds = remote.timeout.total_seconds()
    known: Any = types.new_class(
        "KnownSftp", (base,), exec_body=lambda body: body.update(_connect=connect, cachable=False)
    )
    address: dict[str, Any] = known._get_kwargs_from_urls(folder)  # noqa: SLF001 - fsspec's own reading of addresses
    given = {"timeout": seconds, "banner_timeout": seconds, "auth_timeout": seconds, **address, **options}
    if remote.key_file is not None:
        given |= {"key_filename": str(remote.key_file), "look_for_keys": False, "allow_agent": False}
    if remote.passphrase is not None:
        given["passphrase"] = remote.passphrase.get_secret_value()
    return known(**{**given, **_login(remote)}), known._strip_protocol(folder)  # noqa: SLF001 - the same


class _UnknownHostKeyError(Exception):
    """The server is not in the file of known hosts."""


class _Unknown:
    """Refuses a server that is not in the file of known hosts."""

    def missing_host_key(self, client: object, hostname: str, key: Any) -> None:  # noqa: ANN401 - paramiko's, without types
        del client
        raise _UnknownHostKeyError(f"{hostname} with {key.get_name()} is not in the file of known hosts")
