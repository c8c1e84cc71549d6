"""Exactly once from files into Kafka, with the process killed at each step between two files and in them."""

import json
import os
import subprocess
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest

from adapters.batch.ledger import entries_in
from contracts.legacy.record_file import Refused
from events.claim import progress
from events.connection import Connection
from events.envelope import identity
from tests import customers
from tests.kafka.test_exactly_once import PROOF
from tests.payments import MODIFIED, folder_in, put, records, stream_of
from tests.settled import committed_records, committed_state
from tests.trees import described, framed, seen
from tests.trees import records as records_of

FILES = {"BENEFITS.1": records(90), "BENEFITS.2": records(100), "BENEFITS.3": records(90), "BENEFITS.4": b"xyz"}
"""The third is the first again, the fourth is none."""
KILLS = [
    # After the first file is published and before the second is begun, then within the second; the duplicate and
    # the held file are transactions, too.
    "after commit",
    "before begin",
    "during send",
    "before commit",
    "during recovery",
    "during commit",
    "after commit",
    "before commit",
]


def run(
    bootstrap: str,
    namespace: str,
    folder: Path,
    *,
    phase: str,
    transaction: int = 0,
    events: int = 200_000,
    kind: str = "payments",
) -> tuple[int, list[str]]:
    """Run the victim, with this bound of a transaction; return its exit code and its markers."""
    marker = folder.parent / "marker"
    marker.unlink(missing_ok=True)
    arguments = [bootstrap, namespace, folder, marker, phase, transaction, 0.5, events]
    process = subprocess.run(
        [sys.executable, "-m", "tests.kafka.file_victim", kind, *map(str, arguments)],
        check=False,
        capture_output=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return process.returncode, [mark for mark in marker.read_text().split() if mark != "killed"]


@pytest.mark.timeout(400)
async def test_kills_between_two_files_lose_nothing_and_double_nothing(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    folder = folder_in(tmp_path)
    for name, data in FILES.items():
        put(folder / name, data, MODIFIED)
    hits = Counter[str]()
    for phase in KILLS:
        code, marks = run(kafka.bootstrap_servers, namespace, folder, phase=phase)
        if code == 0:  # the kill came too late, and all is published
            break
        assert code == -9, f"the victim ended by itself with {code} instead of in {phase}"
        print(f"{phase}: {' '.join(marks)}", flush=True)
        hits[phase] += marks[-1] == PROOF[phase]
    code, _ = run(kafka.bootstrap_servers, namespace, folder, phase="none")

    assert code == 0
    print(f"kills by phase {dict(hits)}")
    assert hits["after commit"] >= 1, "no kill fell between two files"
    assert hits.total() >= len(KILLS) // 2
    ids = Counter([identity(record.headers)[1] for record in await committed_records(kafka, f"{namespace}.benefits")])
    ends = {id_ for id_ in ids if ":end-" in id_}
    assert {(ids.pop(id_), id_.rpartition("-")[0]) for id_ in ends} == {
        (1, f"{stream_of(data)}:end-benefits") for data in (records(90), records(100))
    }
    assert ids == Counter(
        f"{stream_of(data)}:{number:012d}"
        for data, count in ((records(90), 90), (records(100), 100))
        for number in range(count)
    )
    ledger = entries_in(progress(await committed_state(kafka, f"{namespace}.state.benefits")).state)
    assert sorted((each.file, each.outcome, each.read) for each in ledger) == [
        ("BENEFITS.1", "published", 90),
        ("BENEFITS.2", "published", 100),
        ("BENEFITS.3", "duplicate", 0),
        ("BENEFITS.4", "held", 0),
    ]


@pytest.mark.timeout(400)
async def test_kills_within_a_file_of_trees_cut_none_and_double_none(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    kinds = "CATTKABCKATCACBCAAT" * 8
    folder, data = customers.folder_in(tmp_path), framed(records_of(kinds))
    put(folder / "C.1", data, MODIFIED)
    hits = Counter[str]()
    for phase in KILLS:
        code, marks = run(
            kafka.bootstrap_servers, namespace, folder, phase=phase, transaction=1, events=4, kind="trees"
        )
        if code == 0:
            break
        assert code == -9, f"the victim ended by itself with {code} instead of in {phase}"
        hits[phase] += marks[-1] == PROOF[phase]
    code, _ = run(kafka.bootstrap_servers, namespace, folder, phase="none", kind="trees")

    assert code == 0
    print(f"kills by phase {dict(hits)}")
    assert hits.total() >= len(KILLS) // 2
    found = [
        (identity(record.headers)[1], json.loads(record.value or b"")["shape"])
        for record in await committed_records(kafka, f"{namespace}.customers")
        if ":end-" not in identity(record.headers)[1]
    ]
    whole = [value for value in described().decode(BytesIO(data)) if not isinstance(value, Refused)]
    assert sorted(found) == [(f"{stream_of(data)}:{tree['SEQ']:012d}", seen(tree)) for tree in whole]
