"""Somebody publishes an extract that a guard holds, and says why."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from adapters.batch.config import Config
from contracts.errors import ConfigError

__all__ = ["accepting"]


def accepting(config: Config, file: Path, reason: str) -> dict[str, str]:
    """Return the setting `accept` with this file added.

    Raises:
        ConfigError: No extracts are compared, there is no reason, or the file can't be read.
    """
    if config.snapshot is None:
        instead = "of another file put the beginning of its SHA-256 (`banyan file list`) into the setting `accept`"
        raise ConfigError([f"{config.name}: only full extracts (`snapshot`) can be accepted like this; {instead}"])
    if not reason.strip():
        raise ConfigError([f"{config.name}: a reason is needed to accept {file.name}"])
    try:
        with file.open("rb") as data:
            sha256 = hashlib.file_digest(data, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError([f"{config.name}: {file}: {error.strerror}"]) from error
    accept: Mapping[str, str] = {} if isinstance(config.accept, tuple) else config.accept
    return {**accept, sha256: reason}
