"""A file of several transactions, killed at random within: each partition has one end, and its count is true."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.file_end import FileDelivered
from contracts.ports import LogRecord
from events.claim import counts
from events.connection import Connection
from events.envelope import decode
from events.log import latest
from events.topics import ensure, event_topic, state_topic
from tests.kafka.test_file_kills import run
from tests.payments import MODIFIED, folder_in, put, records, stream_of
from tests.settled import committed_records, committed_state

RECORDS, BAD = 400, (7, 399)
DATA = records(RECORDS, bad=BAD)
KILLS = ("during send", "before commit", "during commit", "after commit", "during recovery", "before begin")
STARTS = 60


def is_end(record: LogRecord) -> bool:
    """Tell an end from the file's other events."""
    return dict(record.headers)["ce_type"] == FileDelivered.type.encode()


def check(found: Sequence[LogRecord], *, partitions: int) -> None:
    """Compare ends and events of one file."""
    stream = stream_of(DATA)
    ids = Counter(decode(each.headers, each.value).id for each in found if not is_end(each))
    assert ids == Counter(f"{stream}:{number:012d}" for number in range(RECORDS) if number not in BAD)
    ends = {each.partition: FileDelivered.model_validate_json(each.value or b"") for each in found if is_end(each)}
    assert sorted(each.partition for each in found if is_end(each)) == list(range(partitions)), "not one end each"
    events = Counter(each.partition for each in found if not is_end(each))
    assert {place: end.partition_events for place, end in ends.items()} == {n: events[n] for n in range(partitions)}
    assert {(e.events, e.records, e.dead_letters, e.delivery) for e in ends.values()} == {
        (RECORDS - len(BAD), RECORDS, len(BAD), stream)
    }
    for place in range(partitions):
        assert is_end(max((r for r in found if r.partition == place), key=lambda r: r.offset)), "the end is not last"


@pytest.mark.timeout(400)
async def test_killed_anywhere_in_a_file_its_ends_tell_the_truth_and_nothing_comes_twice(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    """Ten transactions: each chunk of 40 records is one of its own."""
    # The state's too: it is read although the first kill may come before the victim has made it.
    await ensure(kafka, [event_topic(namespace, "benefits"), state_topic(namespace, "benefits")])
    folder = folder_in(tmp_path)
    put(folder / "BENEFITS.1", DATA, MODIFIED)
    seed = random.randrange(1 << 32)
    draw = random.Random(seed)
    hits, nexts = Counter[str](), list[int]()
    for _ in range(STARTS):
        phase, transaction = draw.choice(KILLS), draw.randrange(3)
        code, _ = run(kafka.bootstrap_servers, namespace, folder, phase=phase, transaction=transaction, events=1)
        checkpoints = await (latest if code else committed_state)(kafka, f"{namespace}.state.benefits")
        found = checkpoints.get(f"checkpoint:{stream_of(DATA)}".encode())
        nexts.append(json.loads(found.value or b"{}")["next"] if found else 0)
        if code == 0:
            break
        assert code == -9, f"the victim ended by itself with {code} (seed {seed})"
        hits[phase] += 1
    print(f"seed {seed}, kills by phase {dict(hits)}, next record after each start {nexts}")

    assert nexts == sorted(nexts)
    assert nexts[-1] == RECORDS, f"not published in {STARTS} starts (seed {seed})"
    assert len(set(nexts)) > 3, f"killed in too few places (seed {seed})"
    every = await committed_records(kafka, f"{namespace}.benefits")
    check(every, partitions=4)
    assert counts(await committed_state(kafka, f"{namespace}.state.benefits")) == {}
