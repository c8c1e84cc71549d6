"""The façade and Kafka under a steady load: away and back, decision records one a call, a hundred rulesets."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ConfigError, UnavailableError
from events.connection import Connection
from events.log import KafkaLog
from events.topics import decision_topic, in_doubt_topic, ruleset_topic
from routers.decision_record import DecisionRecord, decode
from routers.facade.ended import Outcome
from routers.rulesets.capability import Capability
from routers.rulesets.chain import Chain
from routers.rulesets.log import apply
from routers.stage import Side as Chosen
from tests.brokers import NONE, local_kafka
from tests.command_line import BANYAN
from tests.facade_faults import counts, drawn_seed, home, loading, world
from tests.facade_load import CAPABILITY, Call
from tests.facade_process import Facade
from tests.sources import eventually

RULESETS = 100


@pytest.mark.timeout(180)
async def test_every_call_has_its_decision_record_and_can_be_explained(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    seed = drawn_seed()
    settings = {"kafka": kafka.model_dump(mode="json"), "namespace": namespace}
    async with world(tmp_path, settings=settings, delay_ms=60) as there, there.running() as facade:
        await eventually(lambda: facade.status().kafka == "connected")
        with loading(tmp_path, there.port, seed=seed) as load:
            for _ in range(3):
                await there.modern.answers(100)
                there.modern.kill()
                await load.more(50)
                there.modern.start()
            await there.modern.answers(100)
            calls = load.stop()
        records = await decided(kafka, namespace, calls=len(calls))
        await eventually(lambda: facade.status().in_doubt_kept == 0)
        doubts = await doubted(kafka, namespace)
        found = {record.request_id: record for record in records}
        explained = [await why(facade, call) for call in one_of_each(calls)]
        print(counts(calls, decision_records=len(records), in_doubt_records=len(doubts)))

        assert len(records) == len(calls)
        assert set(found) == {call.id for call in calls}
        assert [call for call in calls if not agrees(call, found[call.id])] == []
        assert facade.status().dropped == 0
        there.assert_unsafe_calls_are_accounted_for(calls, doubts)
        there.assert_writes_that_legacy_took_over_are_owed(calls, doubts)
        assert "That side answered" in explained[0]
        assert "legacy answered instead" in explained[1]
        assert "whether it was done is not known" in explained[2]
        assert "It is in doubt since" in explained[2]


@pytest.mark.timeout(300)
async def test_while_kafka_is_away_calls_go_on_and_what_is_in_doubt_reaches_it_afterwards_once(
    namespace: str, tmp_path: Path
) -> None:
    """Away from the start, back, and killed under load: doubts arrive once each, decision records or their count."""
    seed = drawn_seed()
    with local_kafka(tmp_path / "kafka", brokers=1) as local:
        if local is None:
            pytest.skip(NONE)
        connection = Connection(bootstrap_servers=local.bootstrap)
        local.kill(1)
        settings = {"kafka": connection.model_dump(mode="json"), "namespace": namespace}
        async with world(tmp_path, settings=settings) as there, there.running() as facade:
            await eventually(lambda: facade.status().kafka == "away")
            with loading(tmp_path, there.port, seed=seed, rate=200) as load:
                for place in range(3):
                    await there.modern.answers(100)
                    there.modern.kill()
                    await load.more(50)
                    there.modern.start()
                    if place == 0:
                        await eventually(lambda: facade.status().in_doubt_kept == len(there.spooled) > 0)
                        await asyncio.to_thread(local.start, 1)
                        await eventually(lambda: facade.status().kafka == "connected")
                        local.kill(1)
                await load.more(200)
                calls = load.stop()
            await asyncio.to_thread(local.start, 1)
            await eventually(lambda: facade.status().kafka == "connected" and not there.spooled, seconds=60)
            doubts = await doubted(connection, namespace)
            records = await decided(connection, namespace, calls=len(calls) - facade.status().dropped)
            await eventually(lambda: len(records) + facade.status().dropped >= len(calls))
            dropped = facade.status().dropped
        print(counts(calls, delivered=len(records), dropped=dropped, in_doubt_records=len(doubts)))

        assert [call for call in calls if call.outcome not in {"answered", "in_doubt"}] == []
        there.assert_unsafe_calls_are_accounted_for(calls, doubts)
        there.assert_writes_that_legacy_took_over_are_owed(calls, doubts)
        assert max(Counter(record.request_id for record in records).values()) == 1
        # An append of which Kafka did not say in time that it has it counts as dropped, and may be there all the same.
        assert len(calls) - dropped <= len(records) <= len(calls)


@pytest.mark.timeout(300)
async def test_a_hundred_rulesets_fail_no_call_and_each_call_was_decided_by_one_in_force(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    seed = drawn_seed()
    drawn, topic = random.Random(seed), ruleset_topic(namespace)
    settings = {"kafka": kafka.model_dump(mode="json"), "namespace": namespace}
    async with KafkaLog(kafka, topics=[topic]) as log, world(tmp_path, settings=settings, ruleset=None) as there:
        chain, shares = Chain(), [0, 5_000]
        await apply(log, topic.name, with_share(shares[-1]), author="ada", reason="at first", base=chain)
        async with there.running() as facade:
            await eventually(lambda: facade.status().kafka == "connected")
            with loading(tmp_path, there.port, seed=seed) as load:
                await load.more(100)
                for number in range(RULESETS):
                    shares.append((shares[-1] + drawn.randrange(1, 10_000)) % 10_000)
                    await apply(log, topic.name, with_share(shares[-1]), author="ada", reason=f"{number}", base=chain)
                last = chain.ruleset.version
                await eventually(lambda: {worker.version for worker in facade.status().workers} == {last})
                calls = load.stop()
            records = await decided(kafka, namespace, calls=len(calls))
            slowest_ms = facade.status().ruleset.slowest_ms
        print(counts(calls, rulesets=last, slowest_ms=slowest_ms))

        assert last == RULESETS + 1
        assert [call for call in calls if call.outcome != "answered"] == []
        assert len(records) == len(calls)
        assert {record.version for record in records} <= set(range(1, last + 1))
        assert len({record.version for record in records}) > RULESETS / 2
        assert [record for record in records if record.side != by(record, shares)] == []
        assert 0 < slowest_ms < 3_000


async def decided(kafka: Connection, namespace: str, *, calls: int) -> Sequence[DecisionRecord]:
    """Return the decision records, when there are as many as calls, or some time has passed."""
    records: list[DecisionRecord] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(15):
            while len(records) < calls:
                records = [
                    record for value in await values(kafka, decision_topic(namespace).name) for record in decode(value)
                ]
    return records


async def doubted(kafka: Connection, namespace: str) -> Sequence[Mapping[str, Any]]:
    return [json.loads(value) for value in await values(kafka, in_doubt_topic(namespace).name)]


async def values(kafka: Connection, topic: str) -> Sequence[bytes]:
    try:
        return [record.value or b"" async for record in KafkaLog(kafka).read(topic)]
    except (ConfigError, UnavailableError):
        return []


async def why(facade: Facade, call: Call) -> str:
    """Ask the command line."""
    process = await asyncio.create_subprocess_exec(
        BANYAN, "--config", facade.config, "route", "why", call.id, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return " ".join(told.decode().split())


def one_of_each(calls: Sequence[Call]) -> Sequence[Call]:
    """Return a call that was answered, one that fell back, and one that is in doubt."""
    return (
        next(call for call in calls if call.side == "modern"),
        next(call for call in calls if call.side == "legacy" != home(call)),
        next(call for call in calls if call.outcome == "in_doubt"),
    )


def agrees(call: Call, record: DecisionRecord) -> bool:
    """Tell whether a record says what the caller saw."""
    if call.outcome == "in_doubt":
        outcome = Outcome.IN_DOUBT
    else:
        outcome = Outcome.ANSWERED if call.side == home(call) else Outcome.FELL_BACK
    said = record.route, str(record.side), record.outcome, record.status
    return said == (f"people/{call.route}", home(call), outcome, call.status)


def with_share(share: int) -> Mapping[str, Capability]:
    return {"people": Capability.model_validate({**CAPABILITY, "share": share})}


def by(record: DecisionRecord, shares: Sequence[int]) -> Chosen:
    """Return the side that the ruleset which a record names gives its bucket to."""
    assert record.bucket is not None
    return Chosen.MODERN if record.bucket < shares[record.version] else Chosen.LEGACY
