"""Full extracts into a real Kafka: killed in every phase, the changes are published once each, with their ids."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from contracts.file_end import FileDelivered
from events.connection import Connection
from events.envelope import identity
from tests.accounts import deliver, folder_in, make, published, read
from tests.kafka.test_file_ends import is_end
from tests.settled import committed_records

ACCOUNTS, CHUNK, KILLS = 240, 10, 12
PHASES = ("before begin", "during send", "before commit", "during commit", "after commit", "during recovery")
LONGEST_DELAY_MS = {"during send": 4.0, "during commit": 4.0, "during recovery": 200.0}


def nights(draw: random.Random) -> list[dict[str, int]]:
    """Draw three extracts: all new, then a third changed, a tenth gone and as many new, then half gone."""
    first = {f"A{number:05d}": number for number in range(ACCOUNTS)}
    gone = set(draw.sample(sorted(first), ACCOUNTS // 10))
    second = {key: cents + draw.randint(0, 1) for key, cents in first.items() if key not in gone}
    second |= {f"B{number:05d}": number for number in range(ACCOUNTS // 10)}
    third = dict(draw.sample(sorted(second.items()), ACCOUNTS // 2))
    return [first, second, third]


def run(bootstrap: str, namespace: str, folder: Path, *, phase: str, transaction: int, delay_ms: float) -> int:
    """Run the victim and return its exit code."""
    marker = folder.parent / "marker"
    arguments = [bootstrap, namespace, folder, CHUNK, marker, phase, transaction, delay_ms]
    return subprocess.run(
        [sys.executable, "-m", "tests.kafka.snapshot_victim", *map(str, arguments)],
        check=False,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).returncode


@pytest.mark.timeout(400)
async def test_kills_in_all_phases_lose_and_double_no_change(kafka: Connection, namespace: str, tmp_path: Path) -> None:
    """What is in Kafka after many kills is, id by id, what a run without any would have published."""
    seed = int(os.environ.get("BANYAN_TEST_SEED") or time.time_ns() % 1_000_000)
    print(f"\nseed {seed} (BANYAN_TEST_SEED={seed} draws the same)")
    draw, folder, codes = random.Random(seed), folder_in(tmp_path), Counter[int]()
    for day, accounts in enumerate(nights(draw), start=1):
        deliver(folder, day, accounts)
    expected = published(await read(make(folder, {"chunk_records": 7})))
    for number in range(KILLS):
        phase = PHASES[number % len(PHASES)]
        delay_ms = draw.uniform(0.1, LONGEST_DELAY_MS.get(phase, 0.1))
        where = (kafka.bootstrap_servers, namespace, folder)
        codes[run(*where, phase=phase, transaction=draw.randint(0, 3), delay_ms=delay_ms)] += 1

    last = run(kafka.bootstrap_servers, namespace, folder, phase="none", transaction=0, delay_ms=0)

    assert (last, codes) == (0, {-9: KILLS})
    every = await committed_records(kafka, f"{namespace}.accounts")
    records = [record for record in every if not is_end(record)]
    ends = [FileDelivered.model_validate_json(record.value or b"") for record in every if is_end(record)]
    assert Counter(end.delivery for end in ends) == dict.fromkeys((end.delivery for end in ends), ends[0].partitions)
    assert sum(end.partition_events for end in ends) == len(records), "the ends tell another number of events"
    found = {identity(record.headers)[1]: json.loads(record.value or b"null") for record in records}
    assert len(records) == len(found) == len(expected), "nothing is lost and nothing is doubled"
    assert found == {id_: data for id_, _, _, data in expected}
