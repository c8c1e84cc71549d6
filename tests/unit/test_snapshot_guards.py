"""The rules that hold a full extract, each tripped, and how one that was held is published all the same."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.errors import ConfigError
from contracts.ports import EventBatch
from tests.accounts import Accounts, applied, changed, deliver, extract, folder_in, make, read

FIRST = {f"A{number}": number for number in range(20)}
DEFAULTS: Mapping[str, Any] = {"max_deleted_share": 0.1, "max_shrink_share": 0.05, "min_records": 1}


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return the folder that extracts arrive in; the first one is there."""
    folder = folder_in(tmp_path)
    deliver(folder, 1, FIRST)
    return folder


async def second(
    folder: Path, accounts: Accounts | list[tuple[str, int]] | bytes, **snapshot: Any
) -> tuple[list[EventBatch], list[str]]:
    """Deliver a second extract; return its batches and why files were held."""
    first = await read(make(folder))
    deliver(folder, 2, accounts)
    with capture_logs() as logs:
        batches = await read(make(folder, **{**DEFAULTS, **snapshot}), first)
    return batches, [log["reason"] for log in logs if log["event"] == "file held"]


def without(count: int) -> dict[str, int]:
    """Return the first extract without so many accounts."""
    return dict(list(FIRST.items())[count:])


async def test_an_empty_extract_is_held_with_every_rule_that_it_trips(folder: Path) -> None:
    batches, (reason,) = await second(folder, b"")

    assert batches == []
    assert reason == (
        "ACCOUNTS.D02: held by min_records, max_deleted_share, max_shrink_share: expected at least 1 records and "
        "at most 10.0% of the known keys deleted and at most 5.0% fewer records than known keys, "
        "found 0 records against 20 known keys: 0 created, 0 updated, 20 deleted, 0 unchanged "
        f"(to publish it all the same: accept sha256 {hashlib.sha256(b'').hexdigest()})"
    )


@pytest.mark.parametrize(
    ("accounts", "snapshot", "rule", "counts"),
    [
        (without(10), {}, "max_deleted_share, max_shrink_share", "10 deleted, 10 unchanged"),
        (without(2), {}, "max_shrink_share", "2 deleted, 18 unchanged"),
        (
            {**without(3), "N1": 1, "N2": 2, "N3": 3},
            {},
            "max_deleted_share",
            "3 created, 0 updated, 3 deleted, 17 unchanged",
        ),
        (dict.fromkeys(FIRST, 7), {"max_updated_share": 0.5}, "max_updated_share", "19 updated"),
        (FIRST | {"N": 1}, {"min_records": 22}, "min_records", "21 records against 20 known keys"),
    ],
)
async def test_a_tripped_guard_holds_the_extract_with_its_counts(
    folder: Path, accounts: dict[str, int], snapshot: dict[str, Any], rule: str, counts: str
) -> None:
    batches, (reason,) = await second(folder, accounts, **snapshot)

    assert batches == []
    assert f"held by {rule}: " in reason
    assert counts in reason


async def test_what_is_within_the_limits_is_published(folder: Path) -> None:
    batches, held = await second(folder, {**without(2), "N1": 1})

    assert held == []
    assert applied(FIRST, batches) == {**without(2), "N1": 1}


async def test_a_half_file_that_breaks_a_record_is_held_for_its_size(folder: Path) -> None:
    batches, (reason,) = await second(folder, extract(FIRST)[:-3])

    assert batches == []
    assert "records of 23 bytes" in reason


async def test_the_extract_after_a_held_one_is_compared_with_the_one_before_it(folder: Path) -> None:
    deliver(folder, 2, without(15))
    deliver(folder, 3, {**FIRST, "A0": 5})
    source = make(folder, **DEFAULTS)

    batches = await read(source)

    assert (source.held, applied({}, batches)) == (1, {**FIRST, "A0": 5})


async def test_a_key_that_stands_twice_holds_the_extract(folder: Path) -> None:
    batches, (reason,) = await second(folder, [*FIRST.items(), ("A3", 1), ("A3", 2)])

    assert batches == []
    assert reason == (
        "ACCOUNTS.D02: held by duplicates: expected one record of each key, "
        "found 2 records whose key stood before; records 3 and 20 have the same"
    )


@pytest.mark.parametrize(("policy", "balance"), [("first", 3), ("last", 2)])
async def test_a_declared_policy_chooses_of_several_records_of_one_key(folder: Path, policy: str, balance: int) -> None:
    twice = [*FIRST.items(), ("A3", 1), ("N", 4), ("A3", 2)]

    batches, held = await second(folder, twice, duplicates=policy)

    assert held == []
    assert applied(FIRST, batches) == {**FIRST, "A3": balance, "N": 4}
    assert json.loads(batches[-1].checkpoint)["counts"]["repeated"] == 2


async def test_an_extract_with_too_many_bad_records_is_held(folder: Path) -> None:
    first = await read(make(folder))
    deliver(folder, 2, {key: -1 if key in {"A1", "A2", "A3"} else cents for key, cents in FIRST.items()})

    with capture_logs() as logs:
        assert await read(make(folder, {"dead_letter_share": 0.1}), first) == []

    (reason,) = [log["reason"] for log in logs if log["event"] == "file held"]
    assert "expected at most 10.0% bad records, found at least 3 of 20; the first: BALANCE" in reason


async def test_an_extract_that_is_accepted_is_published_and_says_why(folder: Path) -> None:
    batches, held = await second(folder, without(10))
    source = make(folder, **DEFAULTS).accepting(folder / "ACCOUNTS.D02", "branch 7 was closed, ticket 4711")

    with capture_logs() as logs:
        accepted = await read(source, await read(make(folder, {"path": folder / "ACCOUNTS.D01"})))

    assert (batches, len(held)) == ([], 1)
    assert applied(FIRST, accepted) == without(10)
    assert json.loads(accepted[-1].checkpoint)["accepted"] == "branch 7 was closed, ticket 4711"
    assert [log["reason"] for log in logs if log["event"] == "file accepted"] == ["branch 7 was closed, ticket 4711"]


async def test_accepting_one_extract_accepts_no_other(folder: Path) -> None:
    deliver(folder, 2, without(10))
    deliver(folder, 3, without(11))
    source = make(folder, **DEFAULTS).accepting(folder / "ACCOUNTS.D03", "known")

    batches = await read(source)

    assert (source.held, applied({}, batches)) == (1, without(11))


@pytest.mark.parametrize(
    ("changes", "file", "reason", "problem"),
    [
        ({"snapshot": None}, "ACCOUNTS.D01", "known", "into the setting `accept`"),
        ({}, "ACCOUNTS.D01", " ", "a reason is needed"),
        ({}, "ACCOUNTS.D09", "known", "No such file"),
    ],
)
async def test_what_can_not_be_accepted_is_told(
    folder: Path, changes: dict[str, object], file: str, reason: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        make(folder, changes).accepting(folder / file, reason)


@pytest.mark.parametrize("accept", [{"abc": "why"}, {"0" * 64: " "}])
async def test_an_acceptance_needs_a_hash_and_a_reason(folder: Path, accept: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        make(folder, {"accept": accept})


async def test_a_guard_does_not_trip_over_what_is_left_after_a_kill(folder: Path) -> None:
    first = await read(make(folder))
    deliver(folder, 2, {**without(2), **{f"N{n}": n for n in range(10)}})
    all_ = await read(make(folder, {"chunk_records": 1}), first)

    strict: Mapping[str, Any] = {**DEFAULTS, "max_deleted_share": 0}
    rest = await read(make(folder, {"chunk_records": 1}, **strict), [*first, *all_[:1]])

    assert changed(rest) == changed(all_[1:])


OTHER = "images of the same key and fields; accept the file to publish every record that differs"
LENGTH = "images of records and keys of the same length; give the source another name to begin anew"


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [({"ignore": []}, OTHER), ({"key": ["NUMBER"]}, LENGTH)],
)
async def test_images_that_were_cut_otherwise_hold_the_extract(
    folder: Path, snapshot: dict[str, Any], expected: str
) -> None:
    batches, (reason,) = await second(folder, {**FIRST, "A0": 1}, **snapshot)

    assert batches == []
    assert f"held by other_images: expected {expected}, found images of other ones" in reason


async def test_records_compared_by_other_fields_are_published_once_that_was_accepted(folder: Path) -> None:
    batches, _ = await second(folder, {**FIRST, "A0": 1}, ignore=[])
    source = make(folder, ignore=[]).accepting(folder / "ACCOUNTS.D02", "the time of the extract matters now")
    with_all = await read(source, await read(make(folder, {"path": folder / "ACCOUNTS.D01"})))

    assert batches == []
    assert len(changed(with_all)) == 20


async def test_events_that_show_what_was_before_need_images_with_records(folder: Path) -> None:
    first = await read(make(folder, events=None))
    deliver(folder, 2, {**FIRST, "A0": 1})

    with capture_logs() as logs:
        assert await read(make(folder), first) == []

    (reason,) = [log["reason"] for log in logs if log["event"] == "file held"]
    assert reason.endswith("images with records, since events show what was before, found digests alone")
