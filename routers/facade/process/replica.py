"""The ruleset of a worker: the local copy that its parent keeps, and then each change as it comes."""

from collections.abc import Collection
from pathlib import Path
from typing import final

import structlog

from contracts.errors import ConfigError
from routers.rulesets.copy import newest
from routers.rulesets.packing import unpack, unpack_newest
from routers.rulesets.ruleset import EMPTY, Ruleset

__all__ = ["Replica"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@final
class Replica:
    """Follows the parent; a change that it can't take is made up for from the local copy."""

    def __init__(self, copy: Path) -> None:
        self._copy = copy
        self.ruleset: Ruleset = EMPTY

    def load(self) -> None:
        """Take over the local copy; without one, or with a damaged one, what is in force stays."""
        try:
            ruleset = newest(self._copy)
        except ConfigError as error:
            _log.error("the ruleset stays as it is", problems=error.problems, version=self.ruleset.version)
            return
        if ruleset.version >= self.ruleset.version:
            self.ruleset = ruleset

    def apply(self, packed: bytes) -> Collection[str] | None:
        """Take over a change; returns the capabilities that differ, none where it is old, None for all."""
        change = unpack(packed)
        if change.manifest.version <= self.ruleset.version:
            return ()
        if not change.follows(self.ruleset):
            self.load()
            return None
        self.ruleset = change.after(self.ruleset)
        return change.records.keys()

    def restore(self, packed: bytes) -> None:
        """Take over a whole ruleset."""
        ruleset = unpack_newest(packed)
        if ruleset.version >= self.ruleset.version:
            self.ruleset = ruleset
