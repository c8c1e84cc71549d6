"""Whole files on a real Kafka: from several transactions, while the service is killed, and as members come and go."""

import asyncio
import random
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from events.connection import Connection
from events.pipeline import Limits, Pipeline
from events.topics import dead_letter_topic, ensure, event_topic
from tests.kafka.whole_files_victim import GROUP
from tests.payments import MODIFIED, folder_in, make, put, records, stream_of
from tests.settled import committed_records

VICTIM = Path(__file__).with_name("whole_files_victim.py")
FILES = {f"BENEFITS.{number}": records(200 + number) for number in range(6)}


def handled(database: Path) -> tuple[Counter[tuple[str, int]], dict[tuple[str, int], int], Counter[str]]:
    """Return the events by delivery and partition, what the ends told of them, and how often each event was handled."""
    if not database.is_file():
        return Counter(), {}, Counter()
    with closing(sqlite3.connect(database)) as connection:
        try:
            connection.execute("BEGIN")  # both are of one moment
            paid = connection.execute("SELECT delivery, part, id FROM paid").fetchall()
            ends = connection.execute("SELECT delivery, part, events FROM whole").fetchall()
        except sqlite3.OperationalError:
            return Counter(), {}, Counter()
    assert len(ends) == len({(delivery, part) for delivery, part, _ in ends}), "an end was handled twice"
    return (
        Counter((delivery, part) for delivery, part, _ in paid),
        {(delivery, part): events for delivery, part, events in ends},
        Counter(id_ for *_, id_ in paid),
    )


def check_whole(database: Path) -> int:
    """See that what is handled of files is whole by partition; return how many parts that are."""
    parts, ends, _ = handled(database)
    assert dict(parts) == {part: events for part, events in ends.items() if events}, "a part is not whole"
    return len(ends)


async def reached(database: Path, parts: int) -> None:
    """Wait until so many parts are whole; a member that was killed is waited for by Kafka itself, ten seconds."""
    async with asyncio.timeout(90):
        while check_whole(database) < parts:
            await asyncio.sleep(0.02)


async def publish(kafka: Connection, namespace: str, folder: Path) -> None:
    """Publish all files, each as several transactions."""
    await ensure(kafka, [event_topic(namespace, "benefits")])
    source = make(folder, {"chunk_records": 40})
    await Pipeline(source, kafka, namespace=namespace, limits=Limits(transaction_events=1)).run()


@pytest.mark.timeout(400)
async def test_a_killed_service_has_each_file_whole_or_not_at_all_and_once(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    folder, database = folder_in(tmp_path), tmp_path / "view.db"
    for name, data in FILES.items():
        put(folder / name, data, MODIFIED)
    publishing = asyncio.create_task(publish(kafka, namespace, folder))
    seed = random.randrange(1 << 32)
    draw, seen, killed = random.Random(seed), list[int](), 0
    arguments = [str(VICTIM), kafka.bootstrap_servers, namespace, str(database)]
    total = len(FILES) * 4
    while not seen or seen[-1] < total:
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
        goal = min(total, (seen[-1] if seen else 0) + draw.randint(2, 8))
        try:
            await reached(database, goal)
            await asyncio.sleep(draw.uniform(0, 0.1))
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        killed += 1
        seen.append(check_whole(database))
    await publishing
    print(f"seed {seed}, {killed} kills, whole parts after each {seen}")

    _, ends, times = handled(database)
    assert killed >= 3
    assert set(times.values()) == {1}
    assert times == Counter(
        f"{stream_of(data)}:{number:012d}" for data in FILES.values() for number in range(len(data) // 11)
    )
    assert sum(ends.values()) == sum(len(data) // 11 for data in FILES.values())
    topic = dead_letter_topic(namespace, GROUP)
    assert await committed_records(kafka, topic.name) == []


@pytest.mark.timeout(300)
async def test_members_that_come_and_go_handle_each_file_whole_and_once(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    folder, database = folder_in(tmp_path), tmp_path / "view.db"
    for name, data in FILES.items():
        put(folder / name, data, MODIFIED)
    arguments = [str(VICTIM), kafka.bootstrap_servers, namespace, str(database)]
    await ensure(kafka, [event_topic(namespace, "benefits")])
    members = [await asyncio.create_subprocess_exec(sys.executable, *arguments)]
    try:
        publishing = asyncio.create_task(publish(kafka, namespace, folder))
        await reached(database, 1)
        members.append(await asyncio.create_subprocess_exec(sys.executable, *arguments))
        await publishing
        await reached(database, len(FILES) * 2)
        members[0].kill()
        await reached(database, len(FILES) * 4)
    finally:
        for member in members:
            if member.returncode is None:
                member.kill()
            await member.wait()

    _, _, times = handled(database)
    assert set(times.values()) == {1}
    assert times.total() == sum(len(data) // 11 for data in FILES.values())
