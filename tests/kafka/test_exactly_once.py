"""Exactly once from a source into Kafka, with the process killed in every phase of a transaction."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from events.connection import Connection
from events.envelope import identity
from tests.settled import committed_records

TOTAL, CHUNK = 100_000, 300
KILLS = 50
AT_LEAST = 5
# What the last marker of a run is when it died in that phase.
PROOF = {
    "before begin": "ready",
    "during send": "sending",
    "before commit": "committing",
    "during commit": "committing",
    "after commit": "committed",
    "during recovery": "recovering",
}
# A kill that comes too late for its phase is drawn earlier the next time: machines differ.
LONGEST_DELAY_MS = {"during send": 4.0, "during commit": 4.0, "during recovery": 200.0}


def drawn(seed: int) -> list[str]:
    """Draw the phases: each at least five times, fifty in all."""
    draw = random.Random(seed)
    phases = list(PROOF) * AT_LEAST
    phases += draw.choices(list(PROOF), k=KILLS - len(phases))
    draw.shuffle(phases)
    return phases


def run(
    bootstrap: str, namespace: str, marker: Path, *, phase: str, transaction: int, delay_ms: float
) -> tuple[int, str]:
    """Run the victim; return its exit code and the phase that its last marker proves."""
    marker.unlink(missing_ok=True)
    arguments = [bootstrap, namespace, TOTAL, CHUNK, marker, phase, transaction, delay_ms]
    process = subprocess.run(
        [sys.executable, "-m", "tests.kafka.victim", *map(str, arguments)],
        check=False,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    marks = [mark for mark in marker.read_text().split() if mark != "killed"]
    return process.returncode, marks[-1]


@pytest.mark.timeout(400)
async def test_fifty_kills_in_all_phases_lose_nothing_and_double_nothing(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    """One flow of 100,000 records; the process is killed at least fifty times, each in a proven phase."""
    seed = int(os.environ.get("BANYAN_TEST_SEED") or time.time_ns() % 1_000_000)
    print(f"\nseed {seed} (BANYAN_TEST_SEED={seed} draws the same)")
    draw, hits, began = random.Random(seed), Counter[str](), time.monotonic()
    wanted, longest = drawn(seed), dict(LONGEST_DELAY_MS)
    where = (kafka.bootstrap_servers, namespace, tmp_path / "marker")
    for _ in range(3 * KILLS):
        if not wanted:
            break
        phase = wanted[-1]
        transaction, delay_ms = draw.randint(0, 2), draw.uniform(0.1, longest.get(phase, 0.1))
        code, last = run(*where, phase=phase, transaction=transaction, delay_ms=delay_ms)
        assert code == -9, f"the victim ended by itself with {code} instead of in {phase}"
        if last == PROOF[phase]:
            hits[wanted.pop()] += 1
        else:
            longest[phase] = max(0.1, longest[phase] * 0.7)

    code, last = run(*where, phase="none", transaction=0, delay_ms=0)
    print(f"kills by phase {dict(hits)}, {time.monotonic() - began:.0f} s")

    assert (code, last) == (0, "committed")
    assert not wanted
    assert hits.total() >= KILLS
    assert min(hits.values()) >= AT_LEAST
    ids = [identity(record.headers)[1] for record in await committed_records(kafka, f"{namespace}.numbers")]
    assert len(ids) == TOTAL, "nothing is lost and nothing is doubled"
    assert set(ids) == {f"numbers:{number:012d}" for number in range(TOTAL)}
