"""Payments in a batch file of our own, and how tests read them; shared by the tests of the batch adapter."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from adapters import batch
from adapters.batch.ledger import STREAM, Entry, entries_in
from contracts.event import Event, Personal, Public
from contracts.legacy.copybook import Codec, parse
from contracts.ports import EventBatch, Progress

COPYBOOK = """\
       01  PAYMENT.
           05  RESIDENT          PIC X(6).
           05  KIND              PIC X.
           05  AMOUNT            PIC S9(5)V99 COMP-3.
"""
CODEC = Codec(parse(COPYBOOK))
LENGTH = 11
MODIFIED = datetime(2026, 1, 31, 1, 2, 3, 456789, tzinfo=UTC)
ORDER = "20260131T010203456789-"
"""What the sequences of a file of that time begin with."""


class BenefitPaid(Event):
    type = "org.example.benefit.paid.v1"
    topic = "benefits"
    resident_id: Personal[str]
    kind: Public[str]
    amount: Personal[Decimal]


MAPPING = {"resident_id": "RESIDENT", "kind": "KIND", "amount": "AMOUNT"}


def folder_in(path: Path) -> Path:
    """Make and return the folder that files arrive in, beside the copybook."""
    (path / "payments.cpy").write_text(COPYBOOK)
    (path / "in").mkdir()
    return path / "in"


def records(count: int, *, bad: Sequence[int] = ()) -> bytes:
    """Encode payments of 1.00, 2.00 and so on; the amount of the bad ones is blank."""
    rows = [{"RESIDENT": f"R{n}", "KIND": "A", "AMOUNT": Decimal(n)} for n in range(count)]
    encoded = [CODEC.encode([row]) for row in rows]
    return b"".join(record[:7] + b"@" * 4 if n in bad else record for n, record in enumerate(encoded))


def put(path: Path, data: bytes, modified: datetime = MODIFIED) -> Path:
    """Write a file that was last modified at that time."""
    path.write_bytes(data)
    microseconds = (modified - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    os.utime(path, ns=(microseconds * 1000, microseconds * 1000))
    return path


def stream_of(data: bytes) -> str:
    """Return the stream of a delivery without a business date."""
    return f"file:{sha256(data).hexdigest()}"


def make(
    folder: Path, changes: Mapping[str, object] | None = None, *, mapping: Mapping[str, Any] = MAPPING, **parts: Any
) -> batch.Adapter:
    """Return an adapter that reads what is there now."""
    config: dict[str, Any] = {
        "name": "benefits",
        "path": folder / "BENEFITS.*",
        "copybook": folder.parent / "payments.cpy",
        "stable_for": 0,
        "once": True,
    }
    return batch.Adapter(
        batch.Config.model_validate({**config, **(changes or {})}),
        model=BenefitPaid,
        key="resident_id",
        mapping=mapping,
        **parts,
    )


def progress(batches: Sequence[EventBatch]) -> Progress:
    """Return how far it is once these are published."""
    changes = [change for each in batches for change in each.state.items()]
    state = {key: value for key, value in dict(changes).items() if value is not None}
    return Progress(checkpoints={each.stream: each.checkpoint for each in batches}, state=state)


def of_files(batches: Sequence[EventBatch]) -> list[EventBatch]:
    """Return the batches of records, without those that only tell what became of a file."""
    return [each for each in batches if each.stream != STREAM]


def entries(batches: Sequence[EventBatch]) -> dict[str, Entry]:
    """Return what the ledger has of each file once these are published; by name, a duplicate by `NAME again`."""
    found = entries_in(progress(batches).state)
    return {each.file + (" again" if each.outcome == "duplicate" else ""): each for each in found}


async def read(source: batch.Adapter, since: Progress | None = None) -> list[EventBatch]:
    """Return all batches."""
    return [each async for each in source.read(since or Progress())]


def events(batches: Sequence[EventBatch]) -> Iterator[tuple[object, ...]]:
    """Yield what identifies and makes up each event."""
    for each in batches:
        for c in each.events:
            for row in zip(c.keys, c.positions, c.sequences, c.values, strict=True):
                yield (each.stream, c.topic, c.type, c.dataschema, c.time, *row)


async def collect(found: list[EventBatch], source: batch.Adapter) -> None:
    """Append all batches to a list, which keeps them when the source fails."""
    async for each in source.read(Progress()):
        found.append(each)  # noqa: PERF401 - what came before an error stays
