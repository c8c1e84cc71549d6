"""The file that `Adapter.example()` reads: data of our own."""

import atexit
import shutil
import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from adapters.batch.config import Config
from contracts.event import Event, Personal, Public
from contracts.legacy.copybook import Codec, parse
from contracts.mapping import Table

__all__ = ["MAPPING", "ResidentRegistered", "write"]

COPYBOOK = """\
      * One resident of the town of Example.
       01  RESIDENT-RECORD.
           05  RES-ID            PIC 9(8).
           05  RES-NAME          PIC X(20).
           05  RES-STATUS        PIC X.
           05  RES-BALANCE       PIC S9(7)V99 COMP-3.
           05  FILLER            PIC X(6).
"""
RECORDS = 25
_BALANCE = slice(29, 34)


class ResidentRegistered(Event):
    """Somebody was entered into the register of residents."""

    type = "org.example.resident.registered.v1"
    topic = "residents"
    resident_id: Personal[int]
    """Number in the register."""
    name: Personal[str]
    """Full name."""
    status: Public[str]
    """`active` or `closed`."""
    balance: Personal[Decimal]
    """Fees due, in euro."""


MAPPING: Table = {
    "resident_id": "RES-ID",
    "name": "RES-NAME",
    "status": ("RES-STATUS", {"A": "active", "C": "closed"}),
    "balance": "RES-BALANCE",
}


def write() -> Config:
    """Write copybook and data file into a folder that goes when this process ends; return how to read them once."""
    folder = Path(tempfile.mkdtemp(prefix="banyan-batch-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copybook = folder / "residents.cpy"
    copybook.write_text(COPYBOOK)
    codec = Codec(parse(COPYBOOK))
    records = (
        {"RES-ID": number, "RES-NAME": f"RESIDENT {number}", "RES-STATUS": "AC"[number % 2], "RES-BALANCE": number}
        for number in range(1, RECORDS + 1)
    )
    data = bytearray(codec.encode(records))
    data[_BALANCE] = b"\x40" * 5
    (folder / "RESIDENTS.D20260131").write_bytes(data)
    return Config(
        name="residents-file", path=folder / "RESIDENTS.*", copybook=copybook, stable_for=timedelta(0), once=True
    )
