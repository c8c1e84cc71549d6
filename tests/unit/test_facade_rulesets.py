import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.errors import BrokerUnavailableError
from contracts.ports import LogRecord
from routers.facade.process.replica import Replica
from routers.rulesets.capability import Capability
from routers.rulesets.chain import propose
from routers.rulesets.copy import load
from routers.rulesets.file import RulesetFile
from routers.rulesets.log import apply
from routers.rulesets.packing import pack
from routers.rulesets.ruleset import EMPTY
from routers.rulesets.topic import RulesetTopic
from tests.sources import eventually

RULES = "capabilities:\n  address: {{salt: s1, share: {share}}}\n"


class Topic:
    """A topic in memory, which may be away."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []
        self.away = False

    async def append(self, topic: str, records: Sequence[LogRecord]) -> None:
        assert topic == "t.ruleset"
        self.records += records

    async def read(
        self, topic: str, *, since: datetime | None = None, follow: bool = False
    ) -> AsyncIterator[LogRecord]:
        assert (topic, since) == ("t.ruleset", None)
        at = 0
        while at < len(self.records) or follow or self.away:
            if self.away:
                raise BrokerUnavailableError("kafka", reason="away")
            if at < len(self.records):
                yield self.records[at]
                at += 1
            else:
                await asyncio.sleep(0.01)

    async def latest(self, topic: str) -> Mapping[bytes, LogRecord]:
        raise NotImplementedError

    async def share(self, share: int) -> None:
        wanted = {"address": Capability(salt="s1", share=share)}
        await apply(self, "t.ruleset", wanted, author="ann", reason="test")


async def test_the_topic_is_followed_and_workers_take_each_change(tmp_path: Path) -> None:
    topic, told, replica = Topic(), list[int](), Replica(tmp_path / "copy.jsonl")
    await topic.share(1)
    rulesets = RulesetTopic(topic, "t.ruleset", copy=tmp_path / "copy.jsonl")

    def tell(packed: bytes, version: int) -> None:
        told.append(version)
        assert replica.apply(packed) == {"address"}
        assert replica.apply(packed) == ()

    following = asyncio.create_task(rulesets.run(tell))
    await asyncio.wait_for(rulesets.caught_up(), 5)
    await topic.share(2)
    await eventually(lambda: told == [1, 2])

    assert rulesets.ruleset == replica.ruleset == load(tmp_path / "copy.jsonl").ruleset
    topic.away = True
    await eventually(lambda: bool(rulesets.problems))
    assert "away" in rulesets.problems[0]
    assert rulesets.ruleset.version == 2
    following.cancel()


async def test_without_kafka_the_local_copy_decides_and_nothing_waits(tmp_path: Path) -> None:
    topic = Topic()
    await topic.share(1)
    first = RulesetTopic(topic, "t.ruleset", copy=tmp_path / "copy.jsonl")
    following = asyncio.create_task(first.run(lambda _, __: None))
    await asyncio.wait_for(first.caught_up(), 5)
    following.cancel()

    topic.away = True
    again = RulesetTopic(topic, "t.ruleset", copy=tmp_path / "copy.jsonl")
    await asyncio.wait_for(again.caught_up(), 5)

    assert again.ruleset.version == 1
    assert again.source == "topic t.ruleset"


async def test_a_snapshot_makes_up_for_what_a_worker_missed(tmp_path: Path) -> None:
    topic = Topic()
    for share in (1, 2, 3):
        await topic.share(share)
    rulesets = RulesetTopic(topic, "t.ruleset", copy=tmp_path / "copy.jsonl")
    following = asyncio.create_task(rulesets.run(lambda _, __: None))
    await asyncio.wait_for(rulesets.caught_up(), 5)
    following.cancel()

    replica = Replica(tmp_path / "another.jsonl")
    replica.restore(rulesets.snapshot())
    assert replica.ruleset == rulesets.ruleset


def test_a_worker_that_missed_a_change_reads_the_local_copy(tmp_path: Path) -> None:
    first = propose(EMPTY, {"a": Capability(salt="s")}, author="a", reason="r", at=datetime.now(UTC), change_id="1")
    assert first is not None
    one = first.after(EMPTY)
    second = propose(one, {"a": Capability(salt="t")}, author="a", reason="r", at=datetime.now(UTC), change_id="2")
    assert second is not None
    copy = tmp_path / "copy.jsonl"
    replica = Replica(copy)
    replica.load()
    assert replica.ruleset is EMPTY
    copy.write_bytes(pack(first) + b"\n" + pack(second) + b"\n")

    assert replica.apply(pack(second)) is None
    assert replica.ruleset.version == 2
    copy.write_bytes(b"damaged\n")
    replica.load()
    assert replica.ruleset.version == 2


@pytest.mark.parametrize("damaged", [False, True])
async def test_a_file_is_followed_edit_by_edit_also_after_a_restart(tmp_path: Path, *, damaged: bool) -> None:
    file, copy, told = tmp_path / "rules.yaml", tmp_path / "copy.jsonl", list[int]()
    if damaged:
        copy.write_bytes(b"damaged\n")
    rulesets = RulesetFile(file, copy=copy, backends=())
    following = asyncio.create_task(rulesets.run(lambda _, version: told.append(version)))
    await asyncio.wait_for(rulesets.caught_up(), 5)
    assert rulesets.problems
    assert str(file) == rulesets.source

    file.write_text(RULES.format(share=1))
    await eventually(lambda: told == [1])
    file.write_text(RULES.format(share="much"))
    await eventually(lambda: bool(rulesets.problems))
    file.write_text(RULES.format(share=1) + "# the same\n")
    await eventually(lambda: not rulesets.problems)
    file.write_text(RULES.format(share=2))
    await eventually(lambda: told == [1, 2])
    following.cancel()

    again = RulesetFile(file, copy=copy, backends=())
    assert again.ruleset == rulesets.ruleset
    replica = Replica(copy)
    replica.restore(again.snapshot())
    assert replica.ruleset == again.ruleset


async def test_another_salt_in_a_file_is_refused_until_it_is_declared(tmp_path: Path) -> None:
    """Also after a restart: what is in force is what the façade ran, not what the file said."""
    file, copy, told = tmp_path / "rules.yaml", tmp_path / "copy.jsonl", list[int]()
    file.write_text(RULES.format(share=2500))
    first = RulesetFile(file, copy=copy, backends=())
    following = asyncio.create_task(first.run(lambda _, version: told.append(version)))
    await eventually(lambda: told == [1])
    following.cancel()

    changed = RULES.format(share=2500).replace("s1", "s2")
    file.write_text(changed)
    rulesets = RulesetFile(file, copy=copy, backends=())
    following = asyncio.create_task(rulesets.run(lambda _, version: told.append(version)))
    await eventually(lambda: bool(rulesets.problems))
    [problem] = rulesets.problems
    assert f"{file}: capabilities.address: the salt changes from 's1' to 's2'" in problem
    assert rulesets.ruleset.capabilities["address"].salt == "s1"

    declaration = problem.split("`")[1].replace("...", "it was guessed")
    file.write_text(f"{changed}{declaration}\n")
    await eventually(lambda: told == [1, 2])
    following.cancel()

    assert rulesets.problems == ()
    assert rulesets.ruleset.capabilities["address"].salt == "s2"
    reason = load(copy).manifests[-1].reason
    assert reason == "rules.yaml was edited; address drawn anew: it was guessed"
