"""Rulesets from their topic: followed as changes come, kept as a local copy, by which a façade starts without Kafka."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import final

import structlog

from contracts.errors import ConfigError, UnavailableError
from contracts.ports import Log
from routers.rulesets.chain import Chain
from routers.rulesets.copy import LocalCopy
from routers.rulesets.log import Following, Update, follow, newest
from routers.rulesets.packing import pack, pack_snapshot
from routers.rulesets.ruleset import Ruleset

__all__ = ["RulesetTopic", "opened"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@final
class RulesetTopic:
    """Follows the topic for ever; without Kafka, the last ruleset stays in force.

    Args:
        log: Reads the topic.
        topic: Its whole name.
        copy: The local copy.
    """

    def __init__(self, log: Log, topic: str, *, copy: Path) -> None:
        self._log, self._topic = log, topic
        self._copy = opened(copy)
        self._manifests = list(self._copy.manifests)
        self._changed = asyncio.Condition()
        self.ruleset: Ruleset = self._copy.ruleset
        """The one in force; the copy's is older where the disk did not take it."""
        self.problems: tuple[str, ...] = ()
        """Why the topic can't be followed."""

    @property
    def source(self) -> str:
        """Return where it comes from, for people."""
        return f"topic {self._topic}"

    def snapshot(self) -> bytes:
        """Return the ruleset in force as a whole."""
        return pack_snapshot(self.ruleset, self._manifests)

    async def caught_up(self) -> None:
        """Wait until what is in the topic now is in force; not where Kafka is away."""
        try:
            there = await newest(self._log, self._topic, known=Chain(self._copy.ruleset, self._copy.manifests))
        except UnavailableError:
            return
        async with self._changed:
            await self._changed.wait_for(lambda: self.ruleset.version >= there.ruleset.version)

    async def run(self, tell: Callable[[bytes, int], None]) -> None:
        """Follow the topic; tells each change and its version when it is in the local copy."""

        async def accept(update: Update) -> None:
            self.ruleset = update.ruleset
            self._manifests.append(update.change.manifest)
            tell(pack(update.change), update.ruleset.version)
            async with self._changed:
                self._changed.notify_all()

        await follow(self._log, self._topic, self._copy, on_change=accept, tell=self._goes)

    def _goes(self, following: Following) -> None:
        self.problems = () if following.trouble is None else (f"the ruleset may be old: {following.trouble}",)


def opened(path: Path) -> LocalCopy:
    """Return a local copy; a damaged one is set aside, since it can be had anew from where it came."""
    try:
        return LocalCopy(path)
    except ConfigError as error:
        _log.error("the local copy of the ruleset is set aside", problems=error.problems)
        path.rename(path.with_suffix(".damaged"))
        return LocalCopy(path)
