"""Rejected records of compared extracts are tried again, where they are still what the newest extract has."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters import batch
from contracts.errors import ConfigError
from contracts.ports import DeadLetter, EventBatch, Progress, Rejected
from tests.accounts import (
    MAPPING,
    WHOLE,
    Account,
    AccountClosed,
    AccountOpened,
    applied,
    changed,
    deliver,
    folder_in,
    make,
    progress,
    published,
    read,
)

BROKEN: Any = {**MAPPING, "status": ("STATUS", {"C": "closed"})}
REASON = "the code table was mended"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that extracts arrive in, beside the copybook."""
    return folder_in(tmp_path)


def rejected(batches: Sequence[EventBatch]) -> list[Rejected]:
    """Return the dead letters as they come back."""
    return [_back(each.stream, letter) for each in batches for letter in each.dead]


def _back(stream: str, letter: DeadLetter) -> Rejected:
    offset = letter.attributes.get("offset")
    at = None if offset is None else int(offset)
    return Rejected(stream=stream, position=letter.position, value=letter.value or b"", offset=at)


async def again(
    source: batch.Adapter, letters: Sequence[Rejected], since: Sequence[EventBatch]
) -> tuple[list[EventBatch], list[Mapping[str, object]]]:
    """Try letters again, and return the batches and what was logged."""
    with capture_logs() as logs:
        return await read(source.redriving(letters, REASON), since), list(logs)


def images(since: Progress) -> dict[bytes, bytes]:
    """Return what is kept of each key."""
    return {key: value for key, value in since.state.items() if key.startswith(b"image:")}


async def test_what_is_tried_again_becomes_the_change_that_it_would_have_been(folder: Path) -> None:
    deliver(folder, 1, {"A1": 100, "B2": 200})
    begun = await read(make(folder, mapping=BROKEN))
    assert published(begun) == []
    never_broken = await read(make(folder))

    found, _ = await again(make(folder), rejected(begun), begun)

    assert published(found) == published(never_broken)
    assert images(progress([*begun, *found])) == images(progress(never_broken))


async def test_it_is_published_once_and_the_next_extract_goes_on_from_it(folder: Path) -> None:
    deliver(folder, 1, {"A1": 100})
    begun = await read(make(folder, mapping=BROKEN))
    deliver(folder, 2, {"A1": 150})

    found, _ = await again(make(folder), rejected(begun), begun)
    rest, _ = await again(make(folder), rejected(begun), [*begun, *found])

    assert changed(found) == [("created", "A1", None, 100), ("updated", "A1", 100, 150)]
    assert rest == []


async def test_a_record_that_another_one_followed_is_not_published_any_more(folder: Path) -> None:
    deliver(folder, 1, {"A1": 100, "B2": 200, "C3": 300})
    begun = await read(make(folder, mapping=BROKEN))
    deliver(folder, 2, {"A1": 150, "B2": 200})
    begun += await read(make(folder), begun)

    found, logs = await again(make(folder), rejected(begun), begun)

    assert changed(begun) == [("created", "A1", None, 150)]
    assert changed(found) == [("created", "B2", None, 200)]
    assert [log["position"] for log in logs if log["event"] == "record superseded"] == [
        letter.position for letter in rejected(begun) if b"\xc1\xf1" in letter.value or b"\xc3\xf3" in letter.value
    ]
    assert applied({}, [*begun, *found]) == {"A1": 150, "B2": 200}
    assert (await again(make(folder), rejected(begun), [*begun, *found]))[0] == []


@pytest.mark.parametrize("between", [{"A1": 150, "B2": 1}, {"B2": 1}], ids=["changed", "deleted"])
async def test_a_record_that_was_published_from_a_later_extract_changes_nothing(
    folder: Path, between: dict[str, int]
) -> None:
    deliver(folder, 1, {"A1": 100})
    begun = await read(make(folder, mapping=BROKEN))
    deliver(folder, 2, between)
    begun += await read(make(folder), begun)
    deliver(folder, 3, {"A1": 100, "B2": 1})
    begun += await read(make(folder), begun)

    found, logs = await again(make(folder), rejected(begun), begun)

    assert changed(found) == []
    assert [log["event"] for log in logs if log["log_level"] == "warning"][-1] == "record superseded"


@pytest.mark.parametrize("events", [WHOLE, None], ids=["images with records", "images without"])
async def test_of_two_letters_of_one_record_one_is_published(folder: Path, events: batch.Changes | None) -> None:
    for day, balance in enumerate([100, 150, 100], start=1):
        deliver(folder, day, {"A1": balance})
    begun = await read(make(folder, mapping=BROKEN, events=events))

    found, _ = await again(make(folder, events=events), rejected(begun), begun)

    assert [key for _, _, key, _ in published(found)] == ["A1"]


def small(balance: Decimal) -> Decimal:
    """Take no balance of 2.00 and more."""
    if balance >= 2:
        raise ValueError
    return balance


async def test_a_delete_is_tried_again_unless_the_key_came_back(folder: Path) -> None:
    events = batch.Changes(created=AccountOpened, updated=AccountOpened, deleted=AccountClosed)
    mended = {"number": "NUMBER", "balance": "BALANCE"}
    broken = {**mended, "balance": ("BALANCE", small)}
    deliver(folder, 1, {"A1": 100, "B2": 250, "C3": 300})
    begun = await read(make(folder, mapping=mended, events=events))
    deliver(folder, 2, {"A1": 100})
    begun += await read(make(folder, mapping=broken, events=events), begun)
    assert [row[2] for row in published(begun)] == ["A1", "B2", "C3"]
    deliver(folder, 3, {"A1": 100, "C3": 300})
    begun += await read(make(folder, mapping=mended, events=events), begun)

    letters = rejected(begun)
    found, logs = await again(make(folder, mapping=mended, events=events), letters, begun)

    told = [(event_id, key, data) for event_id, _, key, data in published(found)]
    first = letters[0]
    assert told == [
        (f"{first.stream}:{first.position}", "B2", {"number": "B2", "balance": "2.50", "change": "deleted"})
    ]
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["record superseded"]


async def test_what_is_still_bad_is_told_and_tried_again_the_next_time(folder: Path) -> None:
    deliver(folder, 1, {"A1": -1, "B2": 200})
    begun = await read(make(folder, mapping=BROKEN))
    source = make(folder).redriving(rejected(begun), REASON)

    found = await read(source, begun)

    assert (source.still_rejected, changed(found)) == (1, [("created", "B2", None, 200)])
    repeated = make(folder).redriving(rejected(begun), REASON)
    assert (await read(repeated, [*begun, *found]), repeated.still_rejected) == ([], 1)


async def test_images_of_other_fields_say_nothing_of_a_record(folder: Path) -> None:
    deliver(folder, 1, {"A1": 100})
    begun = await read(make(folder, mapping=BROKEN))

    with pytest.raises(ConfigError, match=r"redrive: .*images of the same key and fields"):
        await again(make(folder, ignore=["STATUS"]), rejected(begun), begun)


async def test_a_record_of_before_extracts_were_compared_is_refused(folder: Path) -> None:
    path = deliver(folder, 1, {"A1": 100})
    plain = {"name": "accounts", "path": path, "copybook": folder.parent / "accounts.cpy", "once": True}
    config = batch.Config.model_validate({**plain, "stable_for": 0, "dead_letter_share": 1})
    begun = await read(batch.Adapter(config, model=Account, key="number", mapping=BROKEN))

    with pytest.raises(ConfigError, match="was published before extracts were compared"):
        await again(make(folder), rejected(begun), begun)


async def test_a_record_of_another_length_is_refused(folder: Path) -> None:
    deliver(folder, 1, {"A1": 100})
    begun = await read(make(folder, mapping=BROKEN))
    [letter] = rejected(begun)

    with pytest.raises(ConfigError, match="000000000000: expected a record of 23 bytes"):
        await again(make(folder), [replace(letter, value=letter.value[1:])], begun)


@pytest.mark.parametrize("events", [WHOLE, None], ids=["records kept", "digests alone"])
async def test_a_record_that_was_published_since_is_not_published_again(
    folder: Path, events: batch.Changes | None
) -> None:
    """Rejected, then changed, and then as it was when it was rejected."""
    begun: list[EventBatch] = []
    for day, cents, mapping in ((1, 100, BROKEN), (2, 150, MAPPING), (3, 100, MAPPING)):
        deliver(folder, day, {"A1": cents})
        begun += await read(make(folder, mapping=mapping, events=events), begun)

    found, logs = await again(make(folder, events=events), rejected(begun), begun)

    assert published(found) == []
    assert [log["event"] for log in logs if str(log["event"]).startswith("record")] == ["record superseded"]
