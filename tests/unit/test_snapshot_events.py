"""Which events the changes of full extracts become, and what is told where a mapping does not fit."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters import batch
from contracts.errors import ConfigError
from contracts.event import Event, Personal
from contracts.ports import EventBatch
from tests.accounts import (
    CODEC,
    MAPPING,
    WHOLE,
    Account,
    AccountChanged,
    AccountClosed,
    AccountOpened,
    changed,
    columns,
    deliver,
    folder_in,
    make,
    published,
    read,
)

FIRST = {"A1": 100, "B2": 200, "C3": 300}
SECOND = {"C3": 300, "A1": 150, "D4": 400}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that extracts arrive in, beside the copybook."""
    return folder_in(tmp_path)


def last_extract(batches: Sequence[EventBatch]) -> list[EventBatch]:
    """Return the batches of the extract that came last."""
    return [each for each in batches if each.stream == batches[-1].stream]


async def test_by_default_events_tell_what_is_and_a_tombstone_what_is_gone(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    deliver(folder, 2, SECOND)

    batches = await read(make(folder, events=None))

    assert [(key, data and data["balance"]) for *_, key, data in published(batches)] == [
        ("A1", "1.00"), ("B2", "2.00"), ("C3", "3.00"), ("B2", None), ("A1", "1.50"), ("D4", "4.00"),
    ]  # fmt: skip
    assert {each.type for each in columns(batches)} == {Account.type}
    kept = [value for each in batches for key, value in each.state.items() if key.startswith(b"image:") and value]
    assert {len(value) for value in kept} == {16 + 2 + 2}


async def test_each_change_may_have_a_model_of_its_own(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    deliver(folder, 2, SECOND)
    models = batch.Changes(created=AccountOpened, deleted=AccountClosed)

    second = columns(last_extract(await read(make(folder, events=models))))

    assert [(each.type, each.keys, json.loads(each.values[0] or b"")) for each in second] == [
        (AccountClosed.type, [b"B2"], {"number": "B2", "balance": "2.00", "change": "deleted"}),
        (Account.type, [b"A1"], {"number": "A1", "status": "active", "balance": "1.50"}),
        (AccountOpened.type, [b"D4"], {"number": "D4", "balance": "4.00"}),
    ]


async def test_a_function_sees_the_change_as_a_whole(folder: Path) -> None:
    deliver(folder, 1, FIRST)
    deliver(folder, 2, SECOND)

    def fill(record: dict[str, Any]) -> AccountChanged | None:
        if record["change"] == "deleted":
            return None
        sides = {
            side: record[side] and Account(number=record["NUMBER"], status="x", balance=record[side]["BALANCE"])
            for side in ("before", "after")
        }
        return AccountChanged(number=record["NUMBER"], change=record["change"], **sides)

    second = last_extract(await read(make(folder, events=WHOLE, mapping=fill)))

    assert changed(second) == [("updated", "A1", 100, 150), ("created", "D4", None, 400)]


async def test_a_function_without_declared_changes_sees_the_record(folder: Path) -> None:
    deliver(folder, 1, FIRST)

    def fill(record: dict[str, Any]) -> Account:
        return Account(number=record["NUMBER"], status="x", balance=Decimal(len(record)))

    (only,) = await read(make(folder, events=None, mapping=fill))

    assert {data["balance"] for *_, data in published([only])} == {str(len(CODEC.layout.by_name))}


class Half(Event):
    type = "org.example.half.v1"
    topic = "accounts"
    number: Personal[str]
    before: Personal[str]
    change: Personal[int]
    missing: Personal[str]


@pytest.mark.parametrize(
    ("changes", "parts", "problems"),
    [
        ({"snapshot": None}, {}, ["accounts: changes: only full extracts have them; set `snapshot`"]),
        ({}, {"key": ["NUMER"]}, ["accounts: snapshot.key: the copybook has no field 'NUMER'; did you mean NUMBER?"]),
        (
            {},
            {"mapping": {**MAPPING, "city": "STATUS"}},
            ["accounts: mapping: there is no field 'city' in AccountChanged"],
        ),
        (
            {},
            {"events": batch.Changes(deleted=Half)},
            [
                "accounts: mapping: Half needs a value for 'missing'",
                "accounts: Half.change: does not take 'deleted'",
                "accounts: Half.before: expected a model of the record, or the same or None",
            ],
        ),
        (
            {},
            {"mapping": {**MAPPING, "status": "STATE"}},
            ["accounts: mapping: status: there is no legacy field 'STATE'; did you mean STATUS?"],
        ),
    ],
)
async def test_what_does_not_fit_is_told_before_anything_is_read(
    folder: Path, changes: dict[str, object], parts: dict[str, Any], problems: list[str]
) -> None:
    source = make(folder, changes, **parts)

    assert await source.check() == problems
    with pytest.raises(ConfigError):
        await read(source)
