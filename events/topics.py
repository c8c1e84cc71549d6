"""Every topic of ours, declared in one place and created with its configuration.

| topic | what | kept |
|---|---|---|
| `{namespace}.{topic}` | events | 7 days, unless declared otherwise |
| `{namespace}.state.{source}` | claim, checkpoints and keyed state of one source | newest per key |
| `{namespace}.dead-letters.{owner}` | what a source or a consumer group could not handle | for ever |
| `{namespace}.ruleset` | the changes of the ruleset, one partition | for ever |
| `{namespace}.decisions` | what was decided on each call, and how it ended; keys as keyed hashes | 7 days |
| `{namespace}.intercepted.{route}` | calls of one route as they passed the façade, bodies and all | 7 days, or as set |
| `{namespace}.in-doubt` | unsafe calls of which nobody knows whether they were done | for ever |
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.errors import BrokerUnavailableError, ConfigError
from events.connection import Connection

__all__ = [
    "Topic",
    "dead_letter_topic",
    "decision_topic",
    "ensure",
    "event_topic",
    "in_doubt_topic",
    "intercept_topic",
    "ruleset_topic",
    "state_topic",
]

_DAY_MS = 24 * 60 * 60 * 1000
_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
_OURS = ("ruleset", "decisions", "in-doubt")
DEAD_LETTER_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic with the configuration that it is created with."""

    name: str
    partitions: int | None = None
    """None is the broker's default."""
    config: Mapping[str, str] = field(default_factory=dict[str, str])


def event_topic(namespace: str, topic: str) -> Topic:
    """Return the topic of events with this logical name.

    Raises:
        ConfigError: Kafka takes no such name, or it is a name of the hub's own topics.
    """
    if not _NAME.fullmatch(topic) or topic.startswith(("state.", "dead-letters.", "intercepted.")):
        raise ConfigError(
            [f"topic {topic!r}: expected A-Z a-z 0-9 . _ -, and not state., dead-letters. or intercepted. at the start"]
        )
    if topic in _OURS:
        raise ConfigError([f"topic {topic!r}: is a topic of the hub's own; choose another name"])
    return Topic(
        name=f"{namespace}.{topic}",
        config={"cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS), "compression.type": "producer"},
    )


def state_topic(namespace: str, source: str) -> Topic:
    """Return the compacted topic that holds a source's claim, checkpoints and keyed state."""
    return Topic(
        name=f"{namespace}.state.{source}",
        partitions=1,
        config={"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "segment.ms": str(_DAY_MS)},
    )


def dead_letter_topic(namespace: str, owner: str) -> Topic:
    """Return the topic of what a source or a consumer group could not handle."""
    return Topic(
        name=f"{namespace}.dead-letters.{owner}",
        config={
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "max.message.bytes": str(DEAD_LETTER_BYTES),
        },
    )


async def ensure(connection: Connection, topics: Sequence[Topic]) -> None:
    """Create the topics that do not exist yet; those that exist keep their configuration.

    On the embedded broker this does nothing: it creates a topic when it is first used, and knows no admin.

    Raises:
        BrokerUnavailableError: The broker does not answer, or refuses.
    """
    if connection.creates_topics_itself:
        return
    wanted = [_new(topic, connection.replication_factor) for topic in topics]
    admin = AIOKafkaAdminClient(**connection.client_options())
    try:
        await admin.start()
        answer = await admin.create_topics(wanted)
    except (KafkaError, OSError) as error:
        raise BrokerUnavailableError(connection.name, reason=type(error).__name__) from error
    finally:
        await admin.close()
    for name, code, *_ in answer.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise BrokerUnavailableError(connection.name, reason=f"topic {name}: {for_code(code).__name__}")


def _new(topic: Topic, copies: int | None) -> NewTopic:
    partitions, factor = topic.partitions or -1, copies or -1
    return NewTopic(
        topic.name,
        num_partitions=partitions,
        replication_factor=factor,
        # None at all, but aiokafka lets the broker choose a number only if this is given.
        replica_assignments={} if -1 in (partitions, factor) else None,
        topic_configs=dict(topic.config),
    )


def ruleset_topic(namespace: str) -> Topic:
    """Return the topic of the ruleset's changes: their order is what decides, so one partition, kept for ever."""
    return Topic(
        name=f"{namespace}.ruleset",
        partitions=1,
        config={"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"},
    )


def decision_topic(namespace: str) -> Topic:
    """Return the topic of what was decided on each call."""
    return Topic(name=f"{namespace}.decisions", config={"cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS)})


def in_doubt_topic(namespace: str) -> Topic:
    """Return the topic of unsafe calls whose outcome is not known."""
    return Topic(
        name=f"{namespace}.in-doubt",
        config={"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"},
    )


def intercept_topic(namespace: str, route: str, *, retention: timedelta = timedelta(days=7)) -> Topic:
    """Return the topic of calls of a route (`capability/route`) as they passed: one partition, for one order."""
    return Topic(
        name=f"{namespace}.intercepted.{route.replace('/', '.')}",
        partitions=1,
        config={
            "cleanup.policy": "delete",
            "retention.ms": str(retention // timedelta(milliseconds=1)),
            "max.message.bytes": str(DEAD_LETTER_BYTES),
        },
    )
