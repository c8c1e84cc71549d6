"""The adapter of the narrow file of `bench.decode_files`: in a module, so that other processes can load it."""

import tempfile
from decimal import Decimal
from pathlib import Path

from adapters import batch
from bench.decode_files import NARROW
from contracts.event import Event, Personal, Public, Sensitive

__all__ = ["EntryPosted", "adapter"]


class EntryPosted(Event):
    """An entry of the narrow file: all of its fields."""

    type = "org.example.entry.posted.v1"
    topic = "entries"

    payment_id: Public[str]
    kind: Public[str]
    category: Public[int]
    branch: Public[int]
    amount: Sensitive[Decimal]
    fee: Sensitive[Decimal]
    balance: Sensitive[Decimal]
    payee_name: Personal[str]
    payee_city: Personal[str]
    narrative: Personal[str]
    account: Personal[str]
    ordered: Public[str]
    entry_no: Public[int]


def _copybook() -> Path:
    path = Path(tempfile.gettempdir()) / "banyan-bench-narrow.cpy"
    path.write_text(NARROW.copybook())
    return path


adapter = batch.Adapter(
    batch.Config(name="entries", path=Path("NARROW"), copybook=_copybook(), record_length=NARROW.length, once=True),
    model=EntryPosted,
    key="account",
    mapping={name: name.upper().replace("_", "-") for name in EntryPosted.model_fields},
)
