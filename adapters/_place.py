"""Where files are: a local folder, or an address, and how a remote one is reached."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, SecretStr

__all__ = ["Remote", "address_of", "folder_of", "masked", "pattern_of", "place_of"]

_WILD = set("*?[")


class Remote(BaseModel):
    """How a remote location is reached. What is secret comes from the settings of the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    username: str | None = None
    """Who we are, for SFTP and FTP."""
    password: SecretStr | None = None
    """Password, for SFTP and FTP."""
    key_file: Path | None = None
    """Private key, for SFTP."""
    passphrase: SecretStr | None = None
    """Passphrase of the private key."""
    known_hosts: Path | None = None
    """File of the SFTP servers' host keys, as OpenSSH writes it; by default the user's own. A server that is
    not in it is refused."""
    timeout: Annotated[timedelta, Ge(timedelta(seconds=1)), Le(timedelta(hours=1))] = timedelta(seconds=30)
    """Longest silence of an SFTP or FTP server (30 seconds)."""
    options: Mapping[str, Any] = {}
    """Further options of fsspec's file system, by its names: `endpoint_url` of S3, `account_name` of Azure."""
    secrets: Mapping[str, SecretStr] = {}
    """The same for what is secret: `key` and `secret` of S3, `account_key` of Azure."""
    spool: Path | None = None
    """Folder for the one copy of a remote file while it is read or sent; the system's temporary folder by default. The
    copy has no name, and is gone with the process."""

    def hidden(self) -> list[str]:
        """Return what must not be told."""
        own = (self.password, self.passphrase, *self.secrets.values())
        return [value for secret in own if secret is not None and (value := secret.get_secret_value())]


def masked(address: str) -> str:
    """Return an address without its user.

    >>> masked("sftp://user:hush@host/out/A.*")
    'sftp://host/out/A.*'
    """
    scheme, there, rest = address.partition("://")
    if not there:
        return address
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def folder_of(path: Path | str) -> str:
    """Return the folder of a path or address.

    >>> folder_of("sftp://host/out/A.*")
    'sftp://host/out'
    """
    return str(path.parent) if isinstance(path, Path) else path.rpartition("/")[0]


def pattern_of(path: Path | str) -> str:
    """Return the last part of a path or address: a name or a pattern of names."""
    return path.name if isinstance(path, Path) else path.rpartition("/")[2]


def place_of(path: Path | str) -> Path | str:
    """Return an address as it is, and a path of this machine as one.

    Raises:
        ValueError: An address holds a password, a folder a wildcard, or the last part is missing.
    """
    place = address_of(path)
    if _WILD & set(folder_of(place)):
        raise ValueError("wildcards stand in the last part of the path only")
    if not pattern_of(place):
        raise ValueError("the last part of the path names the files")
    return place


def address_of(path: Path | str) -> Path | str:
    """Return an address as it is, and a path of this machine as one.

    >>> address_of("sftp://host/in"), address_of("file:///in")
    ('sftp://host/in', PosixPath('/in'))

    Raises:
        ValueError: An address holds a password.
    """
    text = str(path)
    scheme, there, rest = text.partition("://")
    if ":" in rest.partition("/")[0].rpartition("@")[0]:
        raise ValueError("holds a password; set remote.password instead, by the settings or the environment")
    return text if there and scheme != "file" else Path(rest if there else text)
