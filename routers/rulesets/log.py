"""The ruleset topic through the `Log` port: follow it, read its newest, apply a change.

An apply is accepted or overtaken, and every reader agrees on which: see `routers.rulesets.chain`.
"""

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn, final

import structlog

from contracts.errors import BanyanError, ConfigError, UnavailableError
from contracts.ports import Log, LogRecord
from routers.rulesets.capability import Capability
from routers.rulesets.chain import Chain, Change, Refused, propose
from routers.rulesets.copy import LocalCopy
from routers.rulesets.ruleset import Ruleset

__all__ = ["Following", "OvertakenError", "Update", "apply", "follow", "newest"]

Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], datetime]

_SHORTEST: Final = timedelta(milliseconds=100)
_LONGEST: Final = timedelta(seconds=10)
_ATTEMPTS: Final = 3
_logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@final
class OvertakenError(BanyanError):
    """Somebody else's change took the place in the chain; ours has no effect."""

    def __init__(self, version: int, *, author: str, reason: str) -> None:
        self.version, self.author, self.reason = version, author, reason
        super().__init__(
            f"ruleset {version} was applied meanwhile by {author} ({reason}); yours has no effect: "
            "look at the difference again, and repeat"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One accepted change."""

    ruleset: Ruleset
    """The ruleset that it makes."""
    changed: frozenset[str]
    """Names of the capabilities that it adds, changes or removes."""
    change: Change
    """For `pack`, and so for the workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """How following the topic goes."""

    version: int
    """The ruleset in force."""
    trouble: str | None
    """Why the topic can't be read; the last ruleset stays in force."""
    since: datetime
    """When the topic was last read from: without trouble now, with trouble the ruleset may be older than the topic."""
    refused: int
    """Changes that had no effect so far."""


async def newest(log: Log, topic: str, *, version: int | None = None, known: Chain | None = None) -> Chain:
    """Read the topic to its end, or to one version; a topic that does not exist yet is empty.

    Args:
        log: Where it is.
        topic: Its whole name.
        version: Stop there.
        known: Continue this chain.

    Raises:
        BrokerUnavailableError: The broker does not answer.
    """
    chain = known or Chain()
    chain.rewind()
    records = log.read(topic)
    try:
        async for record in records:
            if chain.ruleset.version == version:
                break
            chain.take(record)
    except ConfigError:  # there is no such topic
        return chain
    finally:
        if isinstance(records, AsyncGenerator):
            await records.aclose()
    return chain


async def apply(
    log: Log,
    topic: str,
    wanted: Mapping[str, Capability],
    *,
    author: str,
    reason: str,
    base: Chain | None = None,
    clock: Clock = lambda: datetime.now(UTC),
    sleep: Sleep = asyncio.sleep,
) -> Change | None:
    """Make the wanted capabilities, all of them, the newest ruleset; None where they are already.

    Args:
        log: Open for appending.
        topic: Its whole name.
        wanted: By name; capabilities that are not among them are removed.
        author: Who applies.
        reason: Why.
        base: What the difference was shown against; the newest without it. It is continued.
        clock: Tells the time.
        sleep: Waits between attempts.

    Raises:
        OvertakenError: Somebody else applied another change of `base` first.
        ConfigError: This version of Banyan does not know what the newest ruleset says, or readers refuse the change.
        BrokerUnavailableError: Kafka did not take it in several attempts; whether it is in force shows a new look.
    """
    chain = base or await newest(log, topic)
    if chain.is_blocked:
        after = chain.ruleset.version + 1
        raise ConfigError([f"ruleset {after} was applied by a newer version of Banyan; update this one to apply more"])
    change = propose(chain.ruleset, wanted, author=author, reason=reason, at=clock(), change_id=str(uuid.uuid4()))
    if change is None:
        return None
    await _append(log, topic, change, sleep=sleep)
    await newest(log, topic, known=chain)
    if not chain.knows(change.hash):
        raise _lost(chain, change)
    return change


def _lost(chain: Chain, change: Change) -> BanyanError:
    version = change.manifest.version
    if len(chain.manifests) >= version:
        winner = chain.manifests[version - 1]
        return OvertakenError(version, author=winner.author, reason=winner.reason)
    why = next((refused.why for refused in chain.refused if refused.change == change.manifest.change), "not there")
    return ConfigError([f"ruleset {version}: the change was refused by its readers: {why}; look again, and repeat"])


async def _append(log: Log, topic: str, change: Change, *, sleep: Sleep) -> None:
    """Append, again if need be: what is there twice counts once."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await log.append(topic, change.log_records())
        except UnavailableError:
            if attempt == _ATTEMPTS:
                raise
            await sleep(_pause(attempt))
    return None


async def follow(
    log: Log,
    topic: str,
    copy: LocalCopy,
    *,
    on_change: Callable[[Update], Awaitable[None]],
    tell: Callable[[Following], None] = lambda _: None,
    clock: Clock = lambda: datetime.now(UTC),
    sleep: Sleep = asyncio.sleep,
) -> NoReturn:
    """Follow the topic for ever, from the ruleset of the local copy on; each accepted change is kept, then handed on.

    When the topic can't be read, the last ruleset stays, and reading is tried again after a bounded wait.
    """
    following = _Follower(copy, on_change=on_change, tell=tell, clock=clock)
    failures = 0
    while True:
        records = log.read(topic, follow=True)
        following.chain.rewind()
        trouble = "the log ended"
        try:
            async for record in records:
                failures = 0
                await following.take(record)
        except (UnavailableError, ConfigError) as error:
            trouble = str(error)
        finally:
            if isinstance(records, AsyncGenerator):
                await records.aclose()
        failures += 1
        following.lost(trouble)
        await sleep(_pause(failures))


class _Follower:
    """What follows the topic over all its reconnections."""

    def __init__(
        self,
        copy: LocalCopy,
        *,
        on_change: Callable[[Update], Awaitable[None]],
        tell: Callable[[Following], None],
        clock: Clock,
    ) -> None:
        self.chain = Chain(copy.ruleset, copy.manifests)
        self._copy, self._on_change, self._tell, self._clock = copy, on_change, tell, clock
        self._since, self._refused = clock(), 0
        self._told: str | None = ""

    async def take(self, record: LogRecord) -> None:
        self._since = self._clock()
        self._say(None)
        found = self.chain.take(record)
        if isinstance(found, Refused):
            self._refuse(found)
        elif found is not None:
            await self._accept(found)

    def lost(self, trouble: str) -> None:
        if trouble != self._told:
            _logger.warning("ruleset not followed; the last one stays", reason=trouble, version=self._version)
        self._say(trouble)

    async def _accept(self, change: Change) -> None:
        ruleset = self.chain.ruleset
        try:
            if change.follows(self._copy.ruleset):
                self._copy.append(change, ruleset)
            else:  # the disk did not take the one before
                self._copy.replace(ruleset, self.chain.manifests)
        except OSError as error:
            # A full disk must not keep a roll-back from the workers.
            _logger.error("ruleset not kept locally", reason=type(error).__name__, version=ruleset.version)  # noqa: TRY400 - the reason is enough
        await self._on_change(Update(ruleset=ruleset, changed=frozenset(change.records), change=change))
        self._told = ""
        self._say(None)
        if self._copy.is_heavy:
            await asyncio.to_thread(self._compact)

    def _compact(self) -> None:
        try:
            self._copy.compact()
        except OSError as error:
            _logger.warning("local copy of the ruleset not compacted", reason=type(error).__name__)

    def _refuse(self, refused: Refused) -> None:
        if len(self.chain.refused) > self._refused:  # once: the topic is read from its beginning at each reconnection
            self._refused = len(self.chain.refused)
            _logger.warning(
                "ruleset change refused", reason=refused.why, change=refused.change, version=refused.version
            )

    @property
    def _version(self) -> int:
        return self.chain.ruleset.version

    def _say(self, trouble: str | None) -> None:
        if trouble != self._told:
            self._told = trouble
            self._tell(Following(version=self._version, trouble=trouble, since=self._since, refused=self._refused))


def _pause(failures: int) -> float:
    longest = min(_SHORTEST * 2 ** min(failures, 20), _LONGEST).total_seconds()
    return random.uniform(longest / 2, longest)  # noqa: S311 - it spreads the readers, it hides nothing
