"""The local copy of the ruleset: what a façade serves by when Kafka can't be asked, also after a restart.

One file of JSON lines, appended and flushed to the disk change by change, and written anew as one snapshot when
the changes outweigh it. A last line that was cut off by a crash is dropped and told; any other damage is an error.
"""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import ConfigError, RecordError
from routers.rulesets.chain import Chain, Change, Manifest
from routers.rulesets.packing import pack, pack_snapshot, unpack, unpack_newest, unpack_snapshot
from routers.rulesets.ruleset import EMPTY, Ruleset

__all__ = ["FILE", "Loaded", "LocalCopy", "load", "newest"]

FILE: Final = "ruleset.jsonl"
"""Its name in the data folder of the settings."""

_WORTH_BYTES: Final = 1024 * 1024
_SNAPSHOT: Final = b'{"snapshot":'


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a file holds."""

    ruleset: Ruleset
    manifests: tuple[Manifest, ...]
    snapshot_bytes: int
    change_bytes: int
    torn_bytes: int
    """Of a last line that is not whole: a crash came in between."""


def load(path: Path) -> Loaded:
    """Read a local copy; one that is not there is empty.

    Raises:
        ConfigError: It can't be read, or is damaged.
    """
    lines, torn = _lines(path)
    chain, snapshot_bytes = Chain(), 0
    for number, line in enumerate(lines, start=1):
        with _located(path, number):
            if _is_snapshot(number, line):
                chain, snapshot_bytes = Chain(*unpack_snapshot(line)), len(line) + 1
            else:
                chain.accept(unpack(line))
    return Loaded(
        ruleset=chain.ruleset,
        manifests=tuple(chain.manifests),
        snapshot_bytes=snapshot_bytes,
        change_bytes=sum(map(len, lines)) + len(lines) - snapshot_bytes,
        torn_bytes=len(torn),
    )


def newest(path: Path) -> Ruleset:
    """Return the ruleset of a local copy; its history, which only grows, is verified, and not kept meanwhile.

    Raises:
        ConfigError: It can't be read, or is damaged.
    """
    ruleset = EMPTY
    for number, line in enumerate(_lines(path)[0], start=1):
        with _located(path, number):
            ruleset = unpack_newest(line) if _is_snapshot(number, line) else unpack(line).after(ruleset)
    return ruleset


def _lines(path: Path) -> tuple[list[bytes], bytes]:
    """Return the lines of a file, and what is there of one that is not whole."""
    try:
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise ConfigError([f"{path}: can't be read: {error.strerror}"]) from error
    *lines, torn = data.split(b"\n")
    return lines, torn


def _is_snapshot(number: int, line: bytes) -> bool:
    return number == 1 and line.startswith(_SNAPSHOT)


@contextmanager
def _located(path: Path, number: int) -> Generator[None]:
    """Say in which line the damage is."""
    try:
        yield
    except (RecordError, ValueError) as error:
        said = str(error) if isinstance(error, RecordError) else "expected the change after the one before"
        fix = "remove the file, and the ruleset is read from its topic again"
        raise ConfigError([f"{path}:{number}: the local copy of the ruleset is damaged: {said}; {fix}"]) from None


class LocalCopy:
    """One process's own copy; nobody else writes the file meanwhile.

    Promise: what `append` returned from is there after a crash; what it did not is there whole or not at all.
    """

    def __init__(self, path: Path) -> None:
        """Read what is there.

        Raises:
            ConfigError: It is damaged.
        """
        loaded = load(path)
        self.path = path
        self.ruleset: Ruleset = loaded.ruleset
        self.manifests = list(loaded.manifests)
        self.torn_bytes = loaded.torn_bytes
        """Dropped from the end of the file, because a crash had cut them off."""
        self._snapshot_bytes, self._change_bytes = loaded.snapshot_bytes, loaded.change_bytes
        if self.torn_bytes:
            os.truncate(path, loaded.snapshot_bytes + loaded.change_bytes)

    def append(self, change: Change, after: Ruleset) -> None:
        """Keep a change, and the ruleset that it makes.

        Raises:
            OSError: The disk does not take it; the copy stays as it was.
            ValueError: It does not follow the ruleset of this copy.
        """
        if not change.follows(self.ruleset) or after.hash != change.hash:
            raise ValueError(f"change {change.manifest.change} does not follow ruleset {self.ruleset.version}")
        line = pack(change) + b"\n"
        if self.ruleset is EMPTY:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._write(self.path, line, append=True)
        except OSError:
            if self.path.exists():
                os.truncate(self.path, self._snapshot_bytes + self._change_bytes)
            raise
        self._change_bytes += len(line)
        self.ruleset = after
        self.manifests.append(change.manifest)

    @property
    def is_heavy(self) -> bool:
        """Tell whether the changes outweigh the ruleset, so that `compact` is worth its while."""
        return self._change_bytes > max(_WORTH_BYTES, self._snapshot_bytes)

    def compact(self) -> None:
        """Write the file anew as one snapshot; takes about a second for 100,000 capabilities."""
        self.replace(self.ruleset, self.manifests)

    def replace(self, ruleset: Ruleset, manifests: Sequence[Manifest]) -> None:
        """Write the file anew with another ruleset and its history.

        Raises:
            OSError: The disk does not take it; the copy stays as it was.
        """
        line = pack_snapshot(ruleset, manifests) + b"\n"
        new = self.path.with_name(f"{self.path.name}.new")
        self._write(new, line, append=False)
        new.replace(self.path)
        _sync_folder(self.path.parent)
        self.ruleset, self.manifests = ruleset, list(manifests)
        self._snapshot_bytes, self._change_bytes = len(line), 0

    def _write(self, path: Path, line: bytes, *, append: bool) -> None:
        is_new = not path.exists()
        with path.open("ab" if append else "wb") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlast a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
