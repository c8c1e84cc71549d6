"""The end of a file is told on every partition of its topics, also where nothing of it is."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from contracts.file_end import FileDelivered
from contracts.ports import EventBatch, FilePart, LogRecord, Progress
from events.claim import counts
from events.connection import Connection
from events.envelope import Envelope, decode
from events.log import committed, latest
from events.pipeline import Limits, Pipeline
from events.topics import event_topic
from tests.payments import MODIFIED, folder_in, make, put, records, stream_of
from tests.sources import AT, STREAM, Numbers, batch

PARTITIONS = range(4)


class File:
    """Yields the batches of one file that are left."""

    name = "numbers"

    def __init__(self, *batches: EventBatch) -> None:
        self._batches = batches

    async def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        """Yield them."""
        for each in self._batches:
            if each.checkpoint != since.checkpoints.get(each.stream):
                yield each


def part(*topics: str, is_last: bool = False) -> FilePart:
    return FilePart(
        name="N\udcff1", sha256="ab" * 32, topics=topics, records=20, time=AT, totals={"sum": "12.50"}, is_last=is_last
    )


async def told(connection: Connection, namespace: str, topic: str) -> tuple[list[LogRecord], list[FileDelivered]]:
    """Return a topic's records, and the ends among them."""
    found = [record async for record in committed(connection, event_topic(namespace, topic).name)]
    ends = [each for each in found if dict(each.headers)["ce_type"] == FileDelivered.type.encode()]
    return found, [FileDelivered.model_validate_json(each.value or b"") for each in ends]


def envelopes(found: Sequence[LogRecord]) -> list[Envelope]:
    return [decode(each.headers, each.value) for each in found]


async def test_each_partition_of_each_topic_gets_an_end_with_its_own_count(
    embedded: Connection, namespace: str
) -> None:
    first = replace(batch(range(3), more=True), file=part("numbers", "other"))
    last = replace(batch(range(3, 20), dead=(5,)), file=part("numbers", "other", is_last=True))

    published = await Pipeline(File(first, last), embedded, namespace=namespace).run()

    found, ends = await told(embedded, namespace, "numbers")
    _, others = await told(embedded, namespace, "other")
    at = [each.partition for each in found if each.key and not each.key.startswith(b"numbers:end")]
    assert [(end.partition, end.partition_events) for end in sorted(ends, key=lambda e: e.partition)] == [
        (place, at.count(place)) for place in PARTITIONS
    ]
    assert sorted((end.partition, end.partition_events) for end in others) == [(place, 0) for place in PARTITIONS]
    assert {(e.events, e.records, e.dead_letters, e.partitions) for e in [*ends, *others]} == {(19, 20, 1, 4)}
    assert {(e.source, e.delivery, e.file, e.totals["sum"]) for e in ends} == {
        ("numbers", STREAM, "N\\udcff1", "12.50")
    }
    assert published.events == 19
    assert {each.file for each in envelopes(found)} == {STREAM}


async def test_the_ids_of_ends_differ_from_topic_to_topic_and_their_key_is_no_persons(
    embedded: Connection, namespace: str
) -> None:
    last = replace(batch(range(2)), file=part("numbers", "other", is_last=True))

    await Pipeline(File(last), embedded, namespace=namespace).run()

    every = [each for topic in ("numbers", "other") for each in (await told(embedded, namespace, topic))[0]]
    ends = [each for each in every if dict(each.headers)["ce_type"] == FileDelivered.type.encode()]
    assert {each.id for each in envelopes(ends)} == {
        f"{STREAM}:end-{topic}-{place}" for topic in ("numbers", "other") for place in PARTITIONS
    }
    assert all(each.key == each_.id.encode() for each, each_ in zip(ends, envelopes(ends), strict=True))
    assert {each.partitionkey for each in envelopes(ends)} == {None}
    assert {each.time for each in envelopes(ends)} == {AT}


async def test_counts_are_in_kafka_between_two_transactions_and_gone_with_the_end(
    embedded: Connection, namespace: str
) -> None:
    first = replace(batch(range(3)), file=part("numbers"))
    last = replace(batch(range(3, 10), dead=(9,)), file=part("numbers", is_last=True))
    state = f"{namespace}.state.numbers"

    await Pipeline(File(first), embedded, namespace=namespace).run()
    between = counts(await latest(embedded, state))
    await Pipeline(File(last), embedded, namespace=namespace).run()

    _, ends = await told(embedded, namespace, "numbers")
    assert (between[STREAM].events, between[STREAM].dead) == (3, 0)
    assert {(end.events, end.dead_letters) for end in ends} == {(9, 1)}
    assert sum(end.partition_events for end in ends) == 9
    assert counts(await latest(embedded, state)) == {}


async def test_an_event_that_is_too_large_is_a_dead_letter_in_the_count_too(
    embedded: Connection, namespace: str
) -> None:
    made = batch(range(3))
    large = replace(made.events[0], values=[b"{}", b"x" * 1_000_000, b"{}"])
    last = replace(made, events=[large], file=part("numbers", is_last=True))

    await Pipeline(File(last), embedded, namespace=namespace).run()

    _, ends = await told(embedded, namespace, "numbers")
    assert {(end.events, end.dead_letters) for end in ends} == {(2, 1)}
    assert sum(end.partition_events for end in ends) == 2


async def test_a_file_whose_beginning_was_not_counted_gets_no_end_and_no_mark(
    embedded: Connection, namespace: str
) -> None:
    """As when it was begun without: a count that is not true would be worse than none."""
    await Pipeline(File(batch(range(3))), embedded, namespace=namespace).run()
    last = replace(batch(range(3, 10)), file=part("numbers", is_last=True))

    with capture_logs() as logs:
        await Pipeline(File(last), embedded, namespace=namespace).run()

    found, ends = await told(embedded, namespace, "numbers")
    assert (len(found), ends) == (10, [])
    assert {each.file for each in envelopes(found)} == {None}
    assert [log["stream"] for log in logs if log["event"] == "file without an end"] == [STREAM]


async def test_what_is_no_file_has_neither_mark_nor_end(embedded: Connection, namespace: str) -> None:
    await Pipeline(Numbers(30), embedded, namespace=namespace).run()

    found, ends = await told(embedded, namespace, "numbers")
    assert (len(found), ends) == (30, [])
    assert {each.file for each in envelopes(found)} == {None}


async def test_a_batch_file_ends_with_its_facts_an_empty_one_too(
    embedded: Connection, namespace: str, tmp_path: Path
) -> None:
    folder, data = folder_in(tmp_path), records(30, bad=[4])
    put(folder / "BENEFITS.D20260131.N7", data, MODIFIED)
    put(folder / "BENEFITS.D20260131.N8", b"", MODIFIED)
    declared = {"business_date": r"\.D(\d{8})", "sequence": r"\.N(\d+)$", "chunk_records": 10}

    await Pipeline(make(folder, declared), embedded, namespace=namespace, limits=Limits(transaction_events=1)).run()

    _, ends = await told(embedded, namespace, "benefits")
    facts = {(e.file, str(e.business_date), e.sequence, e.events, e.records, e.dead_letters) for e in ends}
    assert facts == {
        ("BENEFITS.D20260131.N7", "2026-01-31", 7, 29, 30, 1),
        ("BENEFITS.D20260131.N8", "2026-01-31", 8, 0, 0, 0),
    }
    assert len(ends) == 8
    assert {e.delivery.startswith(stream_of(data)) for e in ends if e.sequence == 7} == {True}


@pytest.mark.parametrize(
    ("limits", "transactions"),
    [
        (Limits(), 1),
        (Limits(transaction_events=15), 2),
        (Limits(transaction_bytes=1), 3),
        (Limits(transaction_time=timedelta(microseconds=1)), 3),
    ],
)
async def test_a_file_is_one_transaction_up_to_a_bound(
    embedded: Connection, namespace: str, tmp_path: Path, limits: Limits, transactions: int
) -> None:
    folder = folder_in(tmp_path)
    put(folder / "BENEFITS.1", records(30), MODIFIED)

    published = await Pipeline(make(folder, {"chunk_records": 10}), embedded, namespace=namespace, limits=limits).run()

    assert (published.events, published.transactions) == (30, transactions)


async def test_ends_can_be_declined(embedded: Connection, namespace: str, tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    put(folder / "BENEFITS.1", records(5), MODIFIED)

    await Pipeline(make(folder, {"end_of_file": False}), embedded, namespace=namespace).run()

    found, ends = await told(embedded, namespace, "benefits")
    assert (len(found), ends) == (5, [])
