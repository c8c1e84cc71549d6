"""Full extracts to created, updated and deleted events: what is published, and where a new read goes on."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from contracts.errors import LegacyUnavailableError
from contracts.identifiers import ordinal
from contracts.ports import EventBatch, Progress
from observability.testing import recorded_metrics
from tests import adapter_suite
from tests.accounts import (
    FILLER,
    LENGTH,
    applied,
    at,
    changed,
    deliver,
    extract,
    folder_in,
    make,
    published,
    read,
)
from tests.payments import put, stream_of

FIRST = {"A1": 100, "B2": 200, "C3": 300}
SECOND = {"C3": 300, "A1": 150, "D4": 400}
ACCOUNTS = st.dictionaries(st.sampled_from(["A", "B", "C", "D", "E", "F"]), st.integers(0, 2), max_size=6)
PER_EXAMPLE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that extracts arrive in, beside the copybook."""
    return folder_in(tmp_path)


def last_extract(batches: Sequence[EventBatch]) -> list[EventBatch]:
    """Return the batches of the extract that came last."""
    return [each for each in batches if each.stream == batches[-1].stream]


def counts_of(last: EventBatch) -> dict[str, int]:
    """Return what an extract's last checkpoint counted, without zeros."""
    return {name: count for name, count in json.loads(last.checkpoint)["counts"].items() if count}


def emptied(folder: Path) -> Path:
    """Return the folder, without what another example left there."""
    for path in folder.iterdir():
        path.unlink()
    return folder


async def test_extracts_become_what_changed_with_before_and_after(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    deliver(folder, 2, SECOND)

    batches = await read(make(folder))

    assert changed(batches) == [
        ("created", "A1", None, 100),
        ("created", "B2", None, 200),
        ("created", "C3", None, 300),
        ("deleted", "B2", 200, None),
        ("updated", "A1", 100, 150),
        ("created", "D4", None, 400),
    ]
    first, deletes, rest = batches
    assert [each.more for each in batches] == [False, True, False]
    assert first.stream == f"{stream_of(extract(FIRST))}:20260201T010203456789"
    assert (deletes.stream, counts_of(rest)) == (
        rest.stream,
        {"created": 1, "updated": 1, "deleted": 1, "unchanged": 1},
    )


async def test_a_delete_has_the_position_after_the_last_record_and_a_sequence_before_the_first(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    deliver(folder, 2, {"D4": 1})

    second = last_extract(await read(make(folder)))

    order = "20260202T010203456789-"
    assert [row[:2] for row in published(second)] == [
        (f"{second[0].stream}:{ordinal(1)}", f"{order}0-{ordinal(1)}"),
        (f"{second[0].stream}:{ordinal(2)}", f"{order}0-{ordinal(2)}"),
        (f"{second[0].stream}:{ordinal(3)}", f"{order}0-{ordinal(3)}"),
        (f"{second[0].stream}:{ordinal(0)}", f"{order}1-{ordinal(0)}"),
    ]


@PER_EXAMPLE
@given(nights=st.lists(ACCOUNTS, min_size=1, max_size=4), size=st.integers(1, 4), draw=st.randoms())
def test_the_changes_of_each_night_lead_from_one_extract_to_the_next(
    folder: Path, nights: list[dict[str, int]], size: int, draw: Any
) -> None:
    emptied(folder)
    batches: list[EventBatch] = []
    state: dict[str, int] = {}
    for day, accounts in enumerate(nights, start=1):
        rows = list(accounts.items())
        draw.shuffle(rows)
        deliver(folder, day, extract(rows))

        new = asyncio.run(read(make(folder, {"chunk_records": size}), batches))

        state = applied(state, new)
        assert state == accounts
        batches += new
    sequences = [sequence for _, sequence, _, _ in published(batches)]
    assert all(earlier < later for earlier, later in pairwise(sequences))
    ids = [id_ for id_, *_ in published(batches)]
    assert len(set(ids)) == len(ids)


@PER_EXAMPLE
@given(
    first=ACCOUNTS,
    second=ACCOUNTS,
    bad=st.sets(st.sampled_from(["A", "B", "C"])),
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kept=st.sampled_from([0, 1 << 24]),
)
def test_after_a_kill_at_any_chunk_exactly_the_rest_is_read(
    folder: Path,
    first: dict[str, int],
    second: dict[str, int],
    bad: set[str],
    sizes: tuple[int, int],
    kept: int,
) -> None:
    emptied(folder)
    deliver(folder, 1, first)
    deliver(folder, 2, {key: -1 if key in bad else cents for key, cents in second.items()})

    def rest(size: int, since: Sequence[EventBatch] = ()) -> list[EventBatch]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("adapters.batch.snapshot.delivery._KEPT_BYTES", kept)
            return asyncio.run(read(make(folder, {"chunk_records": size, "dead_letter_share": 0.9999}), since))

    with capture_logs():
        batches = rest(sizes[0])
        for count in range(len(batches) + 1):
            again = rest(sizes[1], batches[:count])
            assert published([*batches[:count], *again]) == published(batches)
            assert letters([*batches[:count], *again]) == letters(batches)
            assert counted(again) == counted(batches[count:])


def letters(batches: Sequence[EventBatch]) -> list[object]:
    """Return all dead letters, with their streams."""
    return [(each.stream, letter) for each in batches for letter in each.dead]


def counted(batches: Sequence[EventBatch]) -> list[object]:
    """Return the counts that the checkpoint of each finished extract tells."""
    checkpoints = [json.loads(each.checkpoint) for each in batches]
    return [(each["counts"], each["deletes"]) for each in checkpoints if each["done"]]


async def test_a_killed_extract_that_was_put_there_again_goes_on_with_the_ids_it_began_with(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    batches = await read(make(folder, {"chunk_records": 1}))
    (folder / "ACCOUNTS.D01").unlink()
    put(folder / "ACCOUNTS.D01.COPY", extract(FIRST), at(5))

    rest = await read(make(folder, {"chunk_records": 1}), batches[:1])

    assert published(rest) == published(batches[1:])


async def test_the_same_extract_again_publishes_nothing(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    batches = await read(make(folder))

    assert await read(make(folder), batches) == []
    deliver(folder, 2, FIRST)
    with capture_logs() as logs:
        assert await read(make(folder), batches) == []
    assert [log["same_as"] for log in logs if log["event"] == "duplicate delivery"] == ["ACCOUNTS.D01"]


async def test_the_same_records_in_another_order_or_with_other_filler_are_counted_and_publish_nothing(
    folder: Path,
) -> None:
    deliver(folder, 1, FIRST)
    other = bytearray(extract([*reversed(FIRST.items())], extracted=20260202))
    other[FILLER] = b"\0\1"
    deliver(folder, 2, bytes(other))

    _, second = await read(make(folder))

    images = [key for key in second.state if key.startswith(b"image:")]
    assert (second.events, images, second.dead) == ([], [], [])
    assert counts_of(second) == {"unchanged": 3}


async def test_content_that_comes_back_after_other_content_is_another_extract(folder: Path) -> None:
    for day, accounts in enumerate((FIRST, SECOND, FIRST), start=1):
        deliver(folder, day, accounts)

    batches = await read(make(folder))

    assert applied({}, batches) == FIRST
    ids = [id_ for id_, *_ in published(batches)]
    assert len(set(ids)) == len(ids)


async def test_with_a_business_date_the_date_decides_which_extract_is_later(folder: Path) -> None:
    dated = {"business_date": r"\.D(\d{8})$"}
    put(folder / "ACCOUNTS.D20260102", extract(SECOND), at(1))
    put(folder / "ACCOUNTS.D20260101", extract(FIRST), at(2))

    batches = await read(make(folder, dated))
    put(folder / "ACCOUNTS.D20260102", extract(FIRST), at(3))
    correction = await read(make(folder, dated), batches)

    assert applied({}, batches) == SECOND
    assert applied(SECOND, correction) == FIRST


async def test_an_older_extract_is_held_by_name(folder: Path) -> None:
    deliver(folder, 2, SECOND)
    batches = await read(make(folder))
    deliver(folder, 1, FIRST)
    source = make(folder)

    with capture_logs() as logs:
        assert await read(source, batches) == []

    assert source.held == 1
    assert [log["reason"] for log in logs if log["event"] == "file held"] == [
        (
            "ACCOUNTS.D01: held by older_extract: expected an extract later than ACCOUNTS.D02 of "
            "2026-02-02 01:02:03, found one of 2026-02-01 01:02:03"
        )
    ]


async def test_an_older_extract_that_was_read_in_its_time_is_no_trouble(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    deliver(folder, 2, SECOND)
    batches = await read(make(folder))
    put(folder / "COPY", extract(FIRST), at(1)).rename(folder / "ACCOUNTS.COPY")
    source = make(folder)

    assert (await read(source, batches), source.held) == ([], 0)


async def test_a_newer_extract_takes_over_from_one_that_was_not_finished(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    some = (await read(make(folder, {"chunk_records": 1})))[:2]
    (folder / "ACCOUNTS.D01").unlink()
    deliver(folder, 2, SECOND)

    rest = await read(make(folder), some)

    assert applied({}, [*some, *rest]) == SECOND


async def test_a_bad_record_is_dead_lettered_once_and_changes_nothing_of_what_was_published(folder: Path) -> None:
    deliver(folder, 1, {"A1": 100})
    bad = {"A1": -1, "B2": -1}
    deliver(folder, 2, bad)
    deliver(folder, 3, extract(bad) + extract({"C3": 1}))
    deliver(folder, 4, {"A1": 120, "C3": 1})

    batches = await read(make(folder))

    first, second, third, *fourth = batches
    assert [(letter.position, letter.value) for letter in second.dead] == [
        (ordinal(0), extract({"A1": -1})),
        (ordinal(1), extract({"B2": -1})),
    ]
    assert second.dead[1].attributes["offset"] == str(LENGTH)
    assert second.dead[0].reason == "BALANCE: expected a signed packed number of 7 digits at byte 11"
    assert (first.dead, second.events, third.dead) == ([], [], [])
    # What never became an event goes without one, and what did is compared with what was published.
    assert changed([third, *fourth]) == [("created", "C3", None, 1), ("updated", "A1", 100, 120)]
    assert applied({}, batches) == {"A1": 120, "C3": 1}


async def test_a_key_whose_sign_is_written_in_another_way_is_the_same(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    other = bytearray(extract(FIRST))
    for at_ in range(1, len(other), LENGTH):
        other[at_] = other[at_] & 0xF0 | 0xF
    deliver(folder, 2, bytes(other))

    _, second = await read(make(folder))

    assert {change for change, *_ in changed([second])} == {"updated"}


async def test_records_and_images_are_counted_and_kept(folder: Path) -> None:
    deliver(folder, 1, FIRST)

    with recorded_metrics() as found:
        (only,) = await read(make(folder))

    assert found.value("banyan.records.read", {"banyan.source": "accounts"}) == 3
    images = [key for key in only.state if key.startswith(b"image:")]
    assert sorted(images) == sorted(b"image:" + extract({key: 1})[:8] for key in FIRST)


async def test_originals_are_archived_before_anything_is_published(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    kept: list[bytes] = []

    class Archive:
        def put_blocks(self, blocks: Iterable[bytes], sha256: str) -> None:
            kept.append(b"".join(blocks))
            assert hashlib.sha256(kept[-1]).hexdigest() == sha256

    source = make(folder)
    source.keep_originals(Archive())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async for _ in source.read(Progress()):
        break

    assert kept == [extract(FIRST)]


async def test_the_laws_of_every_adapter_hold(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    deliver(folder, 2, {"A1": -1, "C3": 5, "D4": 4})
    source = make(folder, {"chunk_records": 1})

    for law in adapter_suite.ABOUT_EXAMPLES:
        await law(source)


async def test_an_extract_that_can_not_be_read_is_read_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(folder, 1, FIRST)

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("adapters.batch.location.os.pread", broken)
        with pytest.raises(LegacyUnavailableError):
            await read(make(folder))

    assert applied({}, await read(make(folder))) == FIRST
