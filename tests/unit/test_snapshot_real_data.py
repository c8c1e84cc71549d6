"""Two extracts of a published example that differ in one record (BANYAN_TEST_DATA)."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from adapters import batch
from contracts.event import Event, Personal, Public
from tests.accounts import columns, read
from tests.data import real_data
from tests.payments import MODIFIED, put


class CardAccount(Event):
    type = "org.example.card-account.recorded.v1"
    topic = "card-accounts"
    account_id: Personal[str]
    balance: Personal[Decimal]


class CardAccountChanged(Event):
    type = "org.example.card-account.changed.v1"
    topic = "card-accounts"
    account_id: Personal[str]
    change: Public[str]
    before: Personal[CardAccount | None]
    after: Personal[CardAccount | None]


async def test_the_ascii_twin_of_the_carddemo_accounts_differs_in_one_record(tmp_path: Path) -> None:
    accounts = real_data("batch/carddemo/accounts")
    (tmp_path / "in").mkdir()
    # The zoned signs of the twin are the letters of the EBCDIC bytes.
    lines = (accounts / "data.ascii.txt").read_text(encoding="ascii").splitlines()
    twin = b"".join(line.ljust(300).encode("cp037") for line in lines)
    put(tmp_path / "in" / "ACCT.1", (accounts / "data.ebcdic.bin").read_bytes())
    put(tmp_path / "in" / "ACCT.2", twin, MODIFIED.replace(day=28, month=2))
    adapter = batch.Adapter(
        batch.Config(
            name="card-accounts",
            path=tmp_path / "in" / "ACCT.*",
            copybook=accounts / "copybook.cpy",
            stable_for=timedelta(0),
            once=True,
            snapshot=batch.Snapshot(key=("ACCT-ID",)),
        ),
        model=CardAccount,
        key="account_id",
        mapping={"account_id": ("ACCT-ID", str), "balance": "ACCT-CURR-BAL"},
        changes=batch.Changes(created=CardAccountChanged, updated=CardAccountChanged, deleted=CardAccountChanged),
    )

    first, second = await read(adapter)

    assert json.loads(first.checkpoint)["counts"]["created"] == 50
    counts = json.loads(second.checkpoint)["counts"]
    assert counts == {"created": 0, "updated": 1, "deleted": 0, "unchanged": 49, "repeated": 0}
    (only,) = columns([second])
    event = json.loads(only.values[0] or b"")
    assert (event["change"], only.positions) == ("updated", ["000000000048"])
