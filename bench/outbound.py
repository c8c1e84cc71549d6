"""Outbound files: events to a file with header, trailer and totals, beside a plain loop: `python -m bench.outbound`.

20,000 events become records of 120 bytes of EBCDIC with packed decimals. Banyan writes each into its ledger, durably
and once, cuts the file, adds up its totals, puts it under a temporary name, reads it back, reconciles and renames it.
The plain loop encodes the same values with the same codec and writes them to a file, and does nothing of the rest.
Contenders run in turns in one process; CPU time counts. Prints a JSON object.
"""

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.outbound import Ledger, LocalFolder, Outbound, OutboundSpec
from contracts.event import Event, Personal, Public
from contracts.file_description import ends_of, layout_of

EVENTS, BATCH = 20_000, 5_000
ROUNDS = 5
COPYBOOK = """\
       01  HEAD.
           05  KIND        PIC X.
           05  RUN         PIC 9(6).
           05  FILLER      PIC X(113).
       01  PAYMENT.
           05  KIND        PIC X.
           05  PAYMENT-ID  PIC 9(10).
           05  RESIDENT    PIC X(10).
           05  NAME        PIC X(40).
           05  AMOUNT      PIC S9(9)V99 COMP-3.
           05  PAID-ON     PIC 9(8).
           05  PURPOSE     PIC X(45).
       01  TAIL.
           05  KIND        PIC X.
           05  HOW-MANY    PIC 9(9).
           05  TOTAL       PIC S9(13)V99 COMP-3.
           05  FILLER      PIC X(102).
"""


class Paid(Event):
    """A payment was made."""

    type = "org.example.bench.paid.v1"
    topic = "paid"
    payment_id: Public[int]
    resident_id: Personal[str]
    name: Personal[str]
    amount: Personal[Decimal]
    paid_on: Public[date]
    purpose: Personal[str]


def described(folder: Path, *, verify: bool) -> OutboundSpec:
    """Return the description of the file."""
    (folder / "paid.cpy").write_text(COPYBOOK, encoding="utf-8")
    (folder / "out").mkdir()
    values: dict[str, Any] = {
        "name": "paid",
        "events": [
            {
                "model": Paid,
                "fields": {
                    "KIND": {"constant": "P"},
                    "PAYMENT-ID": "payment_id",
                    "RESIDENT": {"from": "resident_id", "format": "0>10"},
                    "NAME": "name",
                    "AMOUNT": "amount",
                    "PAID-ON": {"from": "paid_on", "format": "%Y%m%d"},
                    "PURPOSE": "purpose",
                },
            }
        ],
        "file": {
            "copybook": folder / "paid.cpy",
            "record": "PAYMENT",
            "header": "HEAD",
            "trailer": "TAIL",
            "encoding": "cp1141",
            "framing": {"recfm": "FB", "header_records": 1, "trailer_records": 1},
        },
        "header": {"KIND": {"constant": "H"}, "RUN": "sequence"},
        "trailer": {"KIND": {"constant": "T"}, "HOW-MANY": "records", "TOTAL": {"sum": "AMOUNT"}},
        "file_name": "PAID.{sequence}",
        "folder": folder / "out",
        "done_file": ".done",
        "verify": verify,
    }
    return OutboundSpec.model_validate(values)


def ours(events: Sequence[Paid], folder: Path, *, verify: bool = True) -> int:
    """Collect, cut and hand over as `banyan run` does; return the bytes of the file."""
    spec = described(folder, verify=verify)
    ledger = Ledger(folder / "ledger.sqlite", now=datetime.now(UTC))
    place = LocalFolder(folder / "out")
    outbound = Outbound(spec, layout_of(spec.file), ends_of(spec.file), ledger=ledger, folder=place)
    for at in range(0, len(events), BATCH):
        identified = [(("/bench", str(event.payment_id)), event) for event in events[at : at + BATCH]]
        with closing(sqlite3.connect(ledger.path)) as connection, connection:
            outbound.collect(connection, identified)
    outbound.cut()
    [file] = outbound.deliver()
    return file.size or 0


def unverified(events: Sequence[Paid], folder: Path) -> int:
    """Do the same, but for reading the file back."""
    return ours(events, folder, verify=False)


def plain(events: Sequence[Paid], folder: Path) -> int:
    """Encode each event and write it: without header, totals, numbers, ledger, or a second look."""
    spec = described(folder, verify=False)
    codec = spec.file.codec(layout_of(spec.file))
    with (folder / "out" / "PAID").open("wb") as file:
        for event in events:
            values = {
                "KIND": "P",
                "PAYMENT-ID": event.payment_id,
                "RESIDENT": f"{event.resident_id:0>10}",
                "NAME": event.name,
                "AMOUNT": event.amount,
                "PAID-ON": int(f"{event.paid_on:%Y%m%d}"),
                "PURPOSE": event.purpose,
            }
            file.write(codec.encode(values))
        return file.tell()


def measured(contender: Callable[[Sequence[Paid], Path], int], events: Sequence[Paid]) -> tuple[float, float]:
    """Return records and megabytes per second of CPU time."""
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
        began = time.process_time()
        size = contender(events, Path(folder))
        spent = time.process_time() - began
    if size // 120 - EVENTS not in {0, 2}:
        raise SystemExit(f"{contender.__name__} wrote {size} bytes")
    return EVENTS / spent, size / spent / 1e6


def main() -> None:
    """Measure, and print the medians."""
    events = [
        Paid(
            payment_id=number,
            resident_id=str(number * 7919 % 10**10),
            name=f"Resident {number} of Somewhere",
            amount=Decimal(number * 31 % 10**9) / 100,
            paid_on=date(2026, 11, 1 + number % 28),
            purpose=f"benefit of November 2026, case {number}",
        )
        for number in range(EVENTS)
    ]
    contenders = {"banyan": ours, "banyan, not read back": unverified, "plain loop of the codec": plain}
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, contender in contenders.items():
            rates[name].append(measured(contender, events))
    medians = {
        name: [statistics.median(column) for column in zip(*found, strict=True)] for name, found in rates.items()
    }
    figures = {
        "records_per_cpu_s": {name: round(found[0]) for name, found in medians.items()},
        "mb_per_cpu_s": {name: round(found[1], 2) for name, found in medians.items()},
        "lowest_and_highest": {name: [round(min(found)[0]), round(max(found)[0])] for name, found in rates.items()},
        "banyan_is": round(medians["banyan"][0] / medians["plain loop of the codec"][0], 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
