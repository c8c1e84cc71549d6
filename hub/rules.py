"""Which rules are in force, as the command line sees them: a file, the ruleset topic, or the local copy of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from contracts.errors import BrokerUnavailableError, ConfigError
from contracts.ports import LogRecord
from events.log import KafkaLog
from events.topics import decision_topic, in_doubt_topic, ruleset_topic
from hub.settings import Settings
from routers.rulesets.chain import Chain, propose
from routers.rulesets.copy import FILE, load
from routers.rulesets.document import RulesetDocument, read_rules
from routers.rulesets.log import newest
from routers.rulesets.ruleset import EMPTY

__all__ = ["FILE_COPY", "Rules", "current", "decisions", "doubts", "from_file", "in_force", "read_document"]

FILE_COPY: Final = "ruleset-file.jsonl"
"""What a façade with rules in a file runs, in its folder; the copy of the topic is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A ruleset with its history, and where it is from."""

    chain: Chain
    source: str
    stale: str | None = None
    """Why it may be older than what is in force."""
    unlike: str | None = None
    """What a façade runs instead; an edit of its file may not be in force yet, or be refused."""

    def warnings(self) -> list[str]:
        """Return what to say to whoever takes these for the rules in force."""
        told: list[str] = []
        if self.stale is not None:
            told.append(f"this is the local copy {self.source}, which may be old: {self.stale}")
        if self.unlike is not None:
            told.append(f"the façade last ran {self.unlike}, and {self.source} may differ: see `banyan ruleset diff`")
        return told


def read_document(given: Settings, path: Path) -> RulesetDocument:
    """Read a document of capabilities, checked against the backends of the settings where there are any.

    Raises:
        ConfigError: Every mistake.
    """
    return read_rules(path, backends=None if given.facade is None else given.facade.backends)


def from_file(given: Settings, path: Path) -> Rules:
    """Return the rules of a document, as the first version of a chain.

    Raises:
        ConfigError: Every mistake.
    """
    capabilities = read_document(given, path).capabilities
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    change = propose(EMPTY, capabilities, author="file", reason=str(path), at=at, change_id="file")
    chain = Chain()
    if change is not None:
        chain.accept(change)
    return Rules(chain=chain, source=str(path))


async def current(given: Settings, *, version: int | None = None) -> Rules:
    """Return the rules in force: of the settings' file, else of the topic, else of the local copy.

    Args:
        given: The settings.
        version: An older version instead of the newest; only the topic has those.

    Raises:
        ConfigError: There is no such version, or the file is wrong.
        BrokerUnavailableError: Kafka does not answer, and there is no local copy.
    """
    if given.facade is not None and given.facade.ruleset is not None:
        rules = _compared(from_file(given, given.facade.ruleset), given.data / "facade" / FILE_COPY)
    else:
        rules = await _from_topic(given, version)
    if version is not None and rules.chain.ruleset.version != version:
        newest_there = rules.chain.ruleset.version
        raise ConfigError(
            [f"ruleset {version}: {rules.source} has no such version; the newest there is {newest_there}"]
        )
    return rules


def _compared(rules: Rules, copy: Path) -> Rules:
    """Return the rules of a file, with what a façade runs in their place where it differs."""
    if not copy.exists():
        return rules
    try:
        there = load(copy).ruleset
    except ConfigError as error:  # the façade sets it aside when it starts; these are only looked at
        return replace(rules, unlike=f"what can't be read ({' '.join(error.problems)})")
    if there.capabilities == rules.chain.ruleset.capabilities:
        return rules
    return replace(rules, unlike=f"ruleset {there.version} of {copy}")


async def in_force(given: Settings) -> Rules:
    """Return the rules that a façade with these settings runs: of a file it has the last good one as its own copy.

    Raises:
        ConfigError: The copy is damaged.
        BrokerUnavailableError: See `current`.
    """
    if given.facade is None or given.facade.ruleset is None:
        return await current(given)
    copy = given.data / "facade" / FILE_COPY
    if not copy.exists():
        return Rules(chain=Chain(), source=f"{copy}, which no façade has written yet")
    loaded = load(copy)
    return Rules(chain=Chain(loaded.ruleset, loaded.manifests), source=str(copy))


async def _from_topic(given: Settings, version: int | None) -> Rules:
    topic = ruleset_topic(given.namespace).name
    try:
        return Rules(chain=await newest(KafkaLog(given.kafka), topic, version=version), source=topic)
    except BrokerUnavailableError as error:
        copy = given.data / FILE
        if not copy.exists():
            raise
        loaded = load(copy)
        return Rules(chain=Chain(loaded.ruleset, loaded.manifests), source=str(copy), stale=str(error))


async def decisions(given: Settings, *, since: timedelta) -> AsyncIterator[LogRecord]:
    """Yield the records of the decision topic; none where there is no such topic."""
    async for record in _read(given, decision_topic(given.namespace).name, since):
        yield record


async def doubts(given: Settings, *, since: timedelta | None) -> AsyncIterator[LogRecord]:
    """Yield the records of the in-doubt topic, all of them without `since`; none where there is no such topic."""
    async for record in _read(given, in_doubt_topic(given.namespace).name, since):
        yield record


async def _read(given: Settings, topic: str, since: timedelta | None) -> AsyncIterator[LogRecord]:
    moment = None if since is None else datetime.now(UTC) - since
    try:
        async for record in KafkaLog(given.kafka).read(topic, since=moment):
            yield record
    except ConfigError:  # there is no such topic
        return
