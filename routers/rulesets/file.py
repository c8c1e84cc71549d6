"""Rulesets from a YAML file that people edit: each good edit is the next ruleset, a bad one changes nothing."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final
from uuid import uuid4

import structlog

from contracts.errors import ConfigError
from routers.rulesets.capability import Capability
from routers.rulesets.chain import propose
from routers.rulesets.document import RulesetDocument, read_rules
from routers.rulesets.packing import pack, pack_snapshot
from routers.rulesets.redraw import mark, undeclared
from routers.rulesets.ruleset import Ruleset
from routers.rulesets.topic import opened

__all__ = ["RulesetFile", "refusals"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

LOOK_SECONDS: Final = 0.2
_REASON_CHARACTERS: Final = 2_000


@final
class RulesetFile:
    """Watches a file, and keeps the last good one as a local copy, by which it also starts.

    Args:
        file: What people edit.
        copy: The local copy.
        backends: Names that routes may use.
    """

    def __init__(self, file: Path, *, copy: Path, backends: Collection[str]) -> None:
        self._file, self._backends = file, backends
        self._copy = opened(copy)
        self._known = asyncio.Event()
        self.problems: tuple[str, ...] = ()
        """Why the file as it is now is not in force."""

    @property
    def ruleset(self) -> Ruleset:
        """Return the one in force."""
        return self._copy.ruleset

    @property
    def source(self) -> str:
        """Return where it comes from, for people."""
        return str(self._file)

    def snapshot(self) -> bytes:
        """Return the ruleset in force as a whole."""
        return pack_snapshot(self._copy.ruleset, self._copy.manifests)

    async def caught_up(self) -> None:
        """Wait until the file was read once."""
        await self._known.wait()

    async def run(self, tell: Callable[[bytes, int], None]) -> None:
        """Follow the file; tells each change and its version when it is in the local copy."""
        before: object = None
        while True:
            now = self._state()
            if now != before:
                before = now
                await self._read(tell)
                self._known.set()
            await asyncio.sleep(LOOK_SECONDS)

    def _state(self) -> object:
        """Return what differs after an edit; also a change within the clock's tick has another size or inode."""
        try:
            found = self._file.stat()
        except OSError as error:
            return error.errno
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns

    async def _read(self, tell: Callable[[bytes, int], None]) -> None:
        try:
            document = await asyncio.to_thread(read_rules, self._file, backends=self._backends)
        except ConfigError as error:
            self.problems = error.problems
            _log.error(
                "the rules are wrong; the last good ones stay", version=self.ruleset.version, problems=error.problems
            )
            return
        self.problems = tuple(refusals(self._file, self.ruleset.capabilities, document))
        if self.problems:
            _log.error("the rules would draw people anew; the last ones stay", problems=self.problems)
            return
        for warning in document.warnings:
            _log.warning("rules", warning=warning)
        change = propose(
            self.ruleset,
            document.capabilities,
            author="file",
            reason=_reason(self._file, self.ruleset, document),
            at=datetime.now(UTC),
            change_id=uuid4().hex,
        )
        if change is None:
            return
        try:
            self._copy.append(change, change.after(self.ruleset))
        except OSError as error:
            self.problems = (f"{self._copy.path}: can't be written: {error.strerror}",)
            _log.error("the ruleset stays as it is", problems=self.problems)
            return
        if self._copy.is_heavy:
            self._copy.compact()
        tell(pack(change), self.ruleset.version)


def refusals(file: Path, in_force: Mapping[str, Capability], document: RulesetDocument) -> list[str]:
    """Return why an edit without a mistake is not taken over all the same: it would draw people anew."""
    return [
        f"{file}: {each.effect}; take it back or, if it is meant, add `{each.declaration}`"
        for each in undeclared(in_force, document.capabilities, declared=document.redraws)
    ]


def _reason(file: Path, before: Ruleset, document: RulesetDocument) -> str:
    """Return what history says of an edit: also why people were drawn anew, where they were."""
    there = before.capabilities
    meant = (
        f"; {name} drawn anew: {each.reason}"
        for name, each in document.redraws.items()
        if name in there and each.replaces == mark(there[name])
    )
    return f"{file.name} was edited{''.join(meant)}"[:_REASON_CHARACTERS]
