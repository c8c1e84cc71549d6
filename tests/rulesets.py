"""Capabilities, changes and a log in memory, for the tests of rulesets."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.errors import BrokerUnavailableError, ConfigError
from contracts.keys import CanonicalKey
from contracts.ports import LogRecord
from routers.rulesets.capability import Capability, Route
from routers.rulesets.chain import Change, propose
from routers.rulesets.ruleset import Ruleset

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
DIGITS = CanonicalKey(type="digits", strip_zeros=True, max_length=10)
TOPIC = "test.ruleset"


def capability(salt: str = "benefits-2026", **fields: Any) -> Capability:
    """Return a capability with one route, `pay`, of a batch record."""
    return Capability.model_validate({"salt": salt, "key": DIGITS, "routes": {"pay": Route(record="pay")}, **fields})


def change(before: Ruleset, wanted: Mapping[str, Capability], *, by: str = "ada", change_id: str = "1") -> Change:
    """Return the change between both."""
    made = propose(before, wanted, author=by, reason="because", at=AT, change_id=change_id)
    assert made is not None
    return made


class MemoryLog:
    """The `Log` port in memory; `failures` are raised one by one before anything else is done."""

    def __init__(self, records: Sequence[LogRecord] = (), *, exists: bool = True) -> None:
        self.records = list(records)
        self.exists = exists
        self.append_failures: list[int] = []
        """Each fails an append, after so many records of it were appended."""
        self.read_failures = 0
        self.reads = 0

    async def append(self, topic: str, records: Sequence[LogRecord]) -> None:
        assert topic == TOPIC
        self.exists = True
        if self.append_failures:
            self.records += records[: self.append_failures.pop(0)]
            raise BrokerUnavailableError("Kafka", reason="closed")
        self.records += records

    async def read(
        self, topic: str, *, since: datetime | None = None, follow: bool = False
    ) -> AsyncGenerator[LogRecord]:
        """Yield what is there; a reader that follows is cut off at the end, as by a broker that goes."""
        assert (topic, since) == (TOPIC, None)
        self.reads += 1
        if not self.exists:
            raise ConfigError([f"there is no topic {topic}"])
        if self.read_failures:
            self.read_failures -= 1
            raise BrokerUnavailableError("Kafka", reason="closed")
        for record in list(self.records):
            yield record
        if follow:
            raise BrokerUnavailableError("Kafka", reason="gone")

    async def latest(self, topic: str) -> Mapping[bytes, LogRecord]:
        """Nobody here asks for it."""
        raise NotImplementedError(topic)
