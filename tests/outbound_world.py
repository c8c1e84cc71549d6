"""Payments that go to a bank as files: description, events, and a receiver who takes what is complete."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from adapters.outbound import Ledger, LocalFolder, Outbound, OutboundSpec
from adapters.outbound.ends import checks_of
from adapters.outbound.folder import Folder, Staged
from contracts.event import Event, Personal, Public
from contracts.file_description import ends_of, layout_of
from contracts.legacy.framing import Role
from contracts.legacy.reconciliation import Report, reconcile
from contracts.legacy.record_file import RecordFile, Refused

NOW = datetime(2026, 11, 28, 17, 30, tzinfo=UTC)

COPYBOOK = """\
       01  HEAD.
           05  KIND          PIC X.
           05  RUN           PIC 9(4).
           05  MADE-ON       PIC 9(8).
           05  FILLER        PIC X(20).
       01  PAYMENT.
           05  KIND          PIC X.
           05  PAYMENT-ID    PIC 9(8).
           05  RESIDENT      PIC X(10).
           05  AMOUNT        PIC S9(7)V99 COMP-3.
           05  PAID-ON       PIC 9(8).
           05  FILLER        PIC X.
       01  TAIL.
           05  KIND          PIC X.
           05  RUN           PIC 9(4).
           05  HOW-MANY      PIC 9(7).
           05  TOTAL         PIC S9(11)V99 COMP-3.
           05  KEYS          PIC 9(6).
           05  FILLER        PIC X(8).
"""


class PaymentOrdered(Event):
    """A payment was ordered."""

    type = "org.example.payment.ordered.v1"
    topic = "payments"
    payment_id: Public[int]
    resident_id: Personal[str]
    kind: Public[str] = "pension"
    amount: Personal[Decimal] = Decimal("1.25")
    paid_on: Public[date | None] = date(2026, 11, 30)


SPEC: Mapping[str, Any] = {
    "name": "payments-to-bank",
    "events": [
        {
            "model": "tests.outbound_world:PaymentOrdered",
            "fields": {
                "KIND": {"from": "kind", "codes": {"pension": "P", "housing": "H"}},
                "PAYMENT-ID": "payment_id",
                "RESIDENT": {"from": "resident_id", "format": "0>10"},
                "AMOUNT": "amount",
                "PAID-ON": {"from": "paid_on", "format": "%Y%m%d", "default": 0},
            },
        }
    ],
    "file": {
        "copybook": "payments.cpy",
        "record": "PAYMENT",
        "header": "HEAD",
        "trailer": "TAIL",
        "framing": {"recfm": "FB", "header_records": 1, "trailer_records": 1},
        "checks": [{"check": "same", "field": "header.RUN", "equals": "trailer.RUN"}],
    },
    "header": {
        "KIND": {"constant": "A"},
        "RUN": "sequence",
        "MADE-ON": {"value": "business_date", "format": "%Y%m%d"},
    },
    "trailer": {
        "KIND": {"constant": "Z"},
        "RUN": "sequence",
        "HOW-MANY": "records",
        "TOTAL": {"sum": "AMOUNT"},
        "KEYS": {"hash": "RESIDENT", "digits": 6},
    },
    "file_name": "PAY.D{business_date:%Y%m%d}.S{sequence:04d}",
    "folder": "out",
    "done_file": ".done",
}


def described(folder: Path, changes: Mapping[str, Any] | None = None) -> OutboundSpec:
    """Return the description, with its copybook and its folder in a folder."""
    if not (folder / "payments.cpy").exists():  # another process may be reading it
        (folder / "payments.cpy").write_text(COPYBOOK)
    (folder / "out").mkdir(exist_ok=True)
    values: dict[str, Any] = {**SPEC, "folder": folder / "out", **(changes or {})}
    values["file"] = {**values["file"], "copybook": folder / "payments.cpy"}
    return OutboundSpec.model_validate(values)


def folder_of(spec: OutboundSpec) -> Path:
    """Return the folder of this machine that files go to."""
    assert isinstance(spec.folder, Path)
    return spec.folder


def built(folder: Path, spec: OutboundSpec, *, to: Folder | None = None, now: datetime = NOW) -> Outbound:
    """Put it together, as after a start of the process."""
    ledger = Ledger(folder / "ledger.sqlite", now=NOW)
    place = LocalFolder(folder_of(spec)) if to is None else to
    layout, ends = layout_of(spec.file), ends_of(spec.file)
    return Outbound(spec, layout, ends, ledger=ledger, folder=place, clock=lambda: now)


def payment(number: int, **values: Any) -> PaymentOrdered:
    return PaymentOrdered(payment_id=number, resident_id=str(1000 + number), **values)


def collect(outbound: Outbound, events: Iterable[Event]) -> None:
    """Collect in a transaction of its own, as the subscriber does."""
    identified = [(("/banyan/test", f"p:{event.model_dump()['payment_id']}"), event) for event in events]
    with closing(sqlite3.connect(outbound.ledger.path)) as connection, connection:
        outbound.collect(connection, identified)


@dataclass
class Receiver:
    """Who takes what is complete, and reads it."""

    spec: OutboundSpec
    taken: dict[str, bytes] = field(default_factory=dict[str, bytes])
    twice: list[str] = field(default_factory=list[str])

    def take(self) -> Sequence[int]:
        """Take each file whose done file is there, remove both, and return the payments of all that were taken."""
        for done in sorted(folder_of(self.spec).glob("[!.]*.done")):
            data = done.with_suffix("")
            if data.name in self.taken:
                self.twice.append(data.name)
            self.taken[data.name] = data.read_bytes()
            data.unlink()
            done.unlink()
        return self.numbers

    def parts(self, name: str) -> list[tuple[Role, Mapping[str, Any]]]:
        """Return the records of a file, which can all be read."""
        file = RecordFile(self.spec.file, layout_of(self.spec.file), ends_of(self.spec.file))
        parts = list(file.parts(BytesIO(self.taken[name])))
        assert not [value for _, value in parts if isinstance(value, Refused)]
        return [(role, value) for role, value in parts if not isinstance(value, Refused)]

    def report(self, name: str) -> Report:
        """Reconcile a file by what its description promises."""
        file = RecordFile(self.spec.file, layout_of(self.spec.file), ends_of(self.spec.file))
        return reconcile((*self.spec.file.checks, *checks_of(self.spec)), file.parts(BytesIO(self.taken[name])))

    @property
    def numbers(self) -> Sequence[int]:
        """Return the payments of all files, in the order of the files."""
        return [
            value["PAYMENT-ID"] for name in sorted(self.taken) for role, value in self.parts(name) if role is Role.DATA
        ]


class KilledError(BaseException):
    """The process died here."""


class Breaking:
    """A folder where the process dies before or after one of its steps."""

    def __init__(self, folder: Folder, *, after: float) -> None:
        self._folder, self._left = folder, after

    def step(self) -> None:
        self._left -= 0.5
        if self._left == 0:
            raise KilledError

    def stage(self, name: str, pieces: Iterable[bytes]) -> Staged:
        self.step()
        staged = self._folder.stage(name, pieces)
        self.step()
        return staged

    def staged(self, name: str) -> BinaryIO:
        return self._folder.staged(name)

    def release(self, name: str) -> None:
        self.step()
        self._folder.release(name)
        self.step()

    def close(self) -> None:
        self._folder.close()


DEATHS = [(half / 2, ".done") for half in range(1, 9)] + [(half / 2, None) for half in range(1, 5)]
"""Before and after each step: with a done file two are staged and two released."""
