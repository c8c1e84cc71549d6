"""What the ledger has of full extracts: published, held with the way on, and duplicates."""

from pathlib import Path
from typing import Any

import pytest

from contracts.ports import EventBatch
from tests import adapter_suite
from tests.accounts import deliver, folder_in, make, progress
from tests.payments import entries

ALL = {f"A{n}": n for n in range(20)}
GUARDED: dict[str, Any] = {"max_deleted_share": 0.1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that extracts arrive in, beside the copybook."""
    return folder_in(tmp_path)


def outcomes(batches: list[EventBatch]) -> dict[str, str]:
    """Return the outcome of each file."""
    return {name: each.outcome for name, each in entries(batches).items()}


async def test_a_held_extract_is_in_the_ledger_with_the_way_on_and_is_published_once_accepted(folder: Path) -> None:
    deliver(folder, 1, ALL)
    path = deliver(folder, 2, dict(list(ALL.items())[10:]))
    held = await adapter_suite.read(make(folder, **GUARDED), progress([]))
    entry = entries(held)["ACCOUNTS.D02"]

    source = make(folder, **GUARDED).accepting(path, "branch 7 was closed")
    rest = await adapter_suite.read(source, progress(held))
    after = entries([*held, *rest])["ACCOUNTS.D02"]

    assert outcomes(held) == {"ACCOUNTS.D01": "published", "ACCOUNTS.D02": "held"}
    assert "held by max_deleted_share" in (entry.reason or "")
    assert f"{entry.sha256}: TEXT to the setting accept" in (entry.next_step or "")
    assert (after.id, after.outcome, after.reason, after.next_step) == (entry.id, "published", None, None)
    assert after.policy == "accepted: branch 7 was closed"
    assert await adapter_suite.read(source, progress([*held, *rest])) == []


async def test_content_that_comes_back_after_other_content_is_another_extract(folder: Path) -> None:
    deliver(folder, 1, {"A": 1})
    deliver(folder, 2, {"A": 2})
    deliver(folder, 3, {"A": 1})

    batches = await adapter_suite.read(make(folder), progress([]))

    assert outcomes(batches) == {f"ACCOUNTS.D0{day}": "published" for day in (1, 2, 3)}
    assert len({each.stream for each in batches}) == len(batches)


async def test_an_older_extract_is_held_even_where_late_ones_are_published(folder: Path) -> None:
    deliver(folder, 2, {"A": 2})
    first = await adapter_suite.read(make(folder), progress([]))
    path = deliver(folder, 1, {"A": 1})

    late = await adapter_suite.read(make(folder, {"late": "publish"}).accepting(path, "I want it"), progress(first))

    entry = entries([*first, *late])["ACCOUNTS.D01"]
    assert (entry.outcome, entry.policy) == ("held", "older_extract: hold")
    assert (entry.next_step or "").startswith("take it away")
