"""A file as it was seen once."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Self

__all__ = ["Candidate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file as it was seen once: two that are equal looked the same."""

    path: PurePath
    size_bytes: int
    modified_ns: int
    version: str
    """What else differs when another file has the name: the inode, or what a remote store says (an ETag)."""

    @classmethod
    def of(cls, path: PurePath, stat: os.stat_result) -> Self:
        """Return what a local file's status says."""
        return cls(path=path, size_bytes=stat.st_size, modified_ns=stat.st_mtime_ns, version=str(stat.st_ino))

    @property
    def name(self) -> str:
        """Return its name, without the folder."""
        return self.path.name

    @property
    def modified(self) -> datetime:
        """Return when it was last modified, to the microsecond."""
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.modified_ns // 1000)
