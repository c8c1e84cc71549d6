"""What waits for its file: kept once, read in order, bounded in memory."""

import resource
from collections.abc import Iterator

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from events.delivery import Record
from events.envelope import Header
from events.waiting_files import CACHE_KIB, File, WaitingFiles

HERE, THERE = TopicPartition("prod.benefits", 1), TopicPartition("prod.benefits", 2)
ONE, OTHER = (b"/banyan/prod/benefits", b"file:1"), (b"/banyan/prod/benefits", b"file:2")


def record(
    offset: int, *, key: bytes | None = b"a", value: bytes | None = b"{}", headers: tuple[Header, ...] = ()
) -> Record:
    return ConsumerRecord(
        HERE.topic, HERE.partition, offset, 17, 0, key, value, None, len(key or b"") if key is not None else -1,
        len(value) if value is not None else -1, headers,
    )  # fmt: skip


@pytest.fixture
def files() -> Iterator[WaitingFiles]:
    made = WaitingFiles()
    yield made
    made.close()


def offsets(files: WaitingFiles, file: File, *, most: int = 2) -> list[list[int]]:
    return [[each.offset for each in some] for some in files.records(HERE, file, most=most)]


@given(
    key=st.none() | st.binary(),
    value=st.none() | st.binary(),
    headers=st.lists(st.tuples(st.text(), st.none() | st.binary())).map(tuple),
)
def test_a_record_comes_back_as_it_was(key: bytes | None, value: bytes | None, headers: tuple[Header, ...]) -> None:
    files, kept = WaitingFiles(), record(7, key=key, value=value, headers=headers)
    files.keep(HERE, ONE, [(kept, True)])

    [[found]] = files.records(HERE, ONE, most=10)
    files.close()

    assert found == kept


def test_what_is_kept_twice_is_there_once_and_in_order(files: WaitingFiles) -> None:
    files.keep(HERE, ONE, [(record(4), True), (record(9), True)])
    files.keep(HERE, ONE, [(record(2), True), (record(4), True), (record(6), True)])

    assert files.count(HERE, ONE) == 4
    assert offsets(files, ONE) == [[2, 4], [6, 9]]
    assert files.first(HERE) == 2


def test_what_nobody_wants_is_counted_and_not_read(files: WaitingFiles) -> None:
    files.keep(HERE, ONE, [(record(1), True), (record(2), False), (record(3), True)])

    assert files.count(HERE, ONE) == 3
    assert offsets(files, ONE) == [[1], [3]]


def test_files_and_partitions_are_apart(files: WaitingFiles) -> None:
    files.keep(HERE, ONE, [(record(5), True)])
    files.keep(HERE, OTHER, [(record(3), True)])
    files.keep(THERE, ONE, [(record(1), True)])

    assert (files.first(HERE), files.first(THERE)) == (3, 1)
    files.drop(HERE, OTHER)
    assert (files.first(HERE), files.count(HERE, OTHER), files.count(HERE, ONE)) == (5, 0, 1)
    files.drop(HERE, ONE)
    assert (files.first(HERE), files.count(THERE, ONE)) == (None, 1)


def test_a_key_is_held_by_what_waits_on_its_partition_and_by_what_waits_behind(files: WaitingFiles) -> None:
    files.keep(HERE, ONE, [(record(1, key=b"a"), False)])
    files.follow(HERE, record(2, key=b"a"))

    assert files.is_held(HERE, b"a", by_files=True)
    assert not files.is_held(HERE, b"b")
    assert not files.is_held(HERE, None)
    assert not files.is_held(THERE, b"a")
    files.drop(HERE, ONE)
    assert files.is_held(HERE, b"a")
    assert not files.is_held(HERE, b"a", by_files=True)
    [behind] = files.behind(HERE, most=10)
    files.pass_on(HERE, behind)
    assert not files.is_held(HERE, b"a")
    assert files.first(HERE) is None


def test_what_is_behind_and_goes_on_waiting_is_first(files: WaitingFiles) -> None:
    for offset in (2, 4, 6):
        files.follow(HERE, record(offset))

    files.pass_on(HERE, [record(2)])

    assert files.first(HERE) == 4


def test_cleared_nothing_is_left(files: WaitingFiles) -> None:
    files.keep(HERE, ONE, [(record(1), True)])
    files.clear()

    assert (files.first(HERE), files.count(HERE, ONE), offsets(files, ONE)) == (None, 0, [])
    files.keep(HERE, ONE, [(record(8), True)])
    assert offsets(files, ONE) == [[8]]


def test_more_than_the_cache_is_on_disk(files: WaitingFiles) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    value = bytes(100_000)
    for offset in range(2000):  # 200 MB
        files.keep(HERE, ONE, [(record(offset, value=value), True)])

    assert sum(len(some) for some in files.records(HERE, ONE, most=50)) == 2000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3 * CACHE_KIB
