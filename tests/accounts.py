"""Full extracts of accounts of our own, and how tests read, compare and apply them; shared by the snapshot tests."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from adapters import batch
from contracts.event import Event, Personal, Public
from contracts.legacy.copybook import Codec, parse
from contracts.ports import Columns, EventBatch, Progress
from tests import adapter_suite
from tests.payments import MODIFIED, of_files, put

COPYBOOK = """\
       01  ACCOUNT.
           05  BRANCH            PIC S9(3) COMP-3.
           05  NUMBER            PIC X(6).
           05  STATUS            PIC X.
           05  FILLER            PIC X(2).
           05  BALANCE           PIC S9(5)V99 COMP-3.
           05  EXTRACTED         PIC 9(8).
"""
CODEC = Codec(parse(COPYBOOK))
LENGTH = 23
BALANCE = slice(11, 15)
FILLER = slice(9, 11)

Accounts = dict[str, int]
"""Balance in cents by account number; a number below 0 is no legible balance."""


class Account(Event):
    """An account as it is."""

    type = "org.example.account.recorded.v1"
    topic = "accounts"
    number: Personal[str]
    status: Public[str]
    balance: Personal[Decimal]


class AccountOpened(Event):
    type = "org.example.account.opened.v1"
    topic = "accounts"
    number: Personal[str]
    balance: Personal[Decimal]


class AccountClosed(Event):
    type = "org.example.account.closed.v1"
    topic = "accounts"
    number: Personal[str]
    balance: Personal[Decimal]
    change: Public[Literal["deleted"]]


class AccountChanged(Event):
    type = "org.example.account.changed.v1"
    topic = "accounts"
    number: Personal[str]
    change: Public[Literal["created", "updated", "deleted"]]
    before: Personal[Account | None]
    after: Personal[Account | None]


MAPPING = {"number": "NUMBER", "status": ("STATUS", {"A": "active", "C": "closed"}), "balance": "BALANCE"}
WHOLE = batch.Changes(created=AccountChanged, updated=AccountChanged, deleted=AccountChanged)


def extract(accounts: Accounts | list[tuple[str, int]], *, extracted: int = 0) -> bytes:
    """Encode a full extract, in the order given."""
    rows = list(accounts.items()) if isinstance(accounts, dict) else accounts
    return b"".join(_record(number, cents, extracted) for number, cents in rows)


def _record(number: str, cents: int, extracted: int) -> bytes:
    values = {
        "BRANCH": 1,
        "NUMBER": number,
        "STATUS": "A",
        "BALANCE": Decimal(abs(cents)) / 100,
        "EXTRACTED": extracted,
    }
    record = bytearray(CODEC.encode([values]))
    if cents < 0:
        record[BALANCE] = b"@" * 4
    return bytes(record)


def folder_in(path: Path) -> Path:
    """Make and return the folder that extracts arrive in, beside the copybook."""
    (path / "accounts.cpy").write_text(COPYBOOK)
    (path / "in").mkdir()
    return path / "in"


def deliver(folder: Path, day: int, accounts: Accounts | list[tuple[str, int]] | bytes) -> Path:
    """Put the extract of a day into the folder."""
    data = accounts if isinstance(accounts, bytes) else extract(accounts)
    return put(folder / f"ACCOUNTS.D{day:02d}", data, at(day))


def at(day: int) -> datetime:
    """Return when the extract of a day is made."""
    return MODIFIED + timedelta(days=day)


def make(
    folder: Path,
    changes: Mapping[str, object] | None = None,
    *,
    events: batch.Changes | None = WHOLE,
    model: type[Event] = Account,
    mapping: Any = MAPPING,
    **snapshot: Any,
) -> batch.Adapter:
    """Return an adapter that compares the extracts that are there now; no guard of it trips by itself."""
    wide = {"max_deleted_share": 1, "max_shrink_share": 1, "min_records": 0}
    config: dict[str, Any] = {
        "name": "accounts",
        "path": folder / "ACCOUNTS.*",
        "copybook": folder.parent / "accounts.cpy",
        "stable_for": 0,
        "once": True,
        "dead_letter_share": 1,
        "snapshot": {"key": ["BRANCH", "NUMBER"], "ignore": ["EXTRACTED"], **wide, **snapshot},
    }
    chosen = batch.Config.model_validate({**config, **(changes or {})})
    return batch.Adapter(chosen, model=model, key="number", mapping=mapping, changes=events)


async def read(source: batch.Adapter, since: Sequence[EventBatch] = ()) -> list[EventBatch]:
    """Return all batches of extracts that follow published ones; what only the ledger tells is left out."""
    return of_files(await adapter_suite.read(source, progress(since)))


def progress(batches: Sequence[EventBatch]) -> Progress:
    """Return how far it is once these are published."""
    return adapter_suite.progress(batches)


def columns(batches: Sequence[EventBatch]) -> list[Columns]:
    """Return the columns of all batches."""
    return [each for batch_ in batches for each in batch_.events]


def published(batches: Sequence[EventBatch]) -> list[tuple[str, str, str, Any]]:
    """Return id, sequence, key and data of each event."""
    return [
        (f"{each.stream}:{position}", sequence, key.decode(), None if value is None else json.loads(value))
        for each in batches
        for c in each.events
        for position, sequence, key, value in zip(c.positions, c.sequences, c.keys, c.values, strict=True)
    ]


def changed(batches: Sequence[EventBatch]) -> list[tuple[str, str, int | None, int | None]]:
    """Return change, key and both balances in cents, of each `AccountChanged`."""
    return [
        (str(data["change"]), key, _cents(data["before"]), _cents(data["after"]))
        for _, _, key, data in published(batches)
    ]


def applied(accounts: Accounts, batches: Sequence[EventBatch]) -> dict[str, int]:
    """Return the accounts after the changes; each must begin where the last one ended."""
    found = dict(accounts)
    for change, key, before, after in changed(batches):
        assert found.get(key) == before, f"{change} {key}: before is {before}, but it was {found.get(key)}"
        assert (change == "created") == (before is None)
        assert (change == "deleted") == (after is None)
        if after is None:
            del found[key]
        else:
            found[key] = after
    return found


def _cents(account: dict[str, str] | None) -> int | None:
    return None if account is None else int(Decimal(account["balance"]) * 100)
