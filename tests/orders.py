"""Orders in files of every format, and how an adapter reads them; shared by the tests of described files."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters import batch
from contracts.event import Event, Personal, Public
from contracts.file_description import layout_of
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import write
from contracts.legacy.record_file import RecordFile
from contracts.ports import EventBatch

COPYBOOK = """\
       01  ORDER-HEADER.
           05  HD-DATE           PIC X(8).
           05  HD-COUNT          PIC 9(4).
       01  ORDER-RECORD.
           05  KIND              PIC X.
               88  IS-FIRST      VALUE 'A'.
               88  IS-SECOND     VALUE 'B' THRU 'D'.
           05  RESIDENT          PIC X(6).
           05  GOODS.
               10  LINES         PIC 9(2).
               10  AMOUNT        PIC S9(5)V99 COMP-3.
           05  ITEMS OCCURS 0 TO 5 DEPENDING ON LINES.
               10  ITEM          PIC X(4).
       01  ORDER-TRAILER.
           05  TR-COUNT          PIC 9(6).
           05  TR-TOTAL          PIC S9(9)V99 COMP-3.
"""
FRAMINGS: list[dict[str, Any]] = [
    {"recfm": "V"},
    {"recfm": "V", "rdw": "little", "rdw_includes_header": False},
    {"recfm": "VB", "block_bytes": 90},
    {"recfm": "VBS", "block_bytes": 60},
    {"recfm": "VB", "block_bytes": 90, "compression": "gzip"},
]


class OrderPlaced(Event):
    type = "org.example.order.placed.v1"
    topic = "orders"
    resident_id: Personal[str]
    kind: Public[str]
    amount: Personal[Decimal]
    items: Public[list[str]]


MAPPING = {"resident_id": "RESIDENT", "kind": "KIND", "amount": "AMOUNT", "items": "ITEM"}
CHECKS = [
    {"check": "count", "equals": "trailer.TR-COUNT"},
    {"check": "sum", "field": "AMOUNT", "equals": "trailer.TR-TOTAL"},
    {"check": "same", "field": "header.HD-COUNT", "equals": "trailer.TR-COUNT", "on_break": "quarantine"},
]


def folder_in(path: Path) -> Path:
    """Make and return the folder that files arrive in, beside the copybook."""
    (path / "orders.cpy").write_text(COPYBOOK)
    (path / "in").mkdir()
    return path / "in"


def spec(folder: Path, framing: Mapping[str, Any] | None = None, **more: Any) -> FileSpec:
    """Return the description of a file of orders between a header and a trailer."""
    around = {"recfm": "V", "header_records": 1, "trailer_records": 1, **(framing or {})}
    values = {"copybook": folder.parent / "orders.cpy", "framing": around, "checks": CHECKS, **more}
    return FileSpec.model_validate(
        {"record": "ORDER-RECORD", "header": "ORDER-HEADER", "trailer": "ORDER-TRAILER", **values}
    )


def order(number: int) -> dict[str, Any]:
    """Return an order with none to three items."""
    items = [{"ITEM": f"I{each}"} for each in range(number % 4)]
    goods = {"LINES": len(items), "AMOUNT": Decimal(number)}
    return {"KIND": "AB"[number % 2], "RESIDENT": f"R{number}", "GOODS": goods, "ITEMS": items}


def encoded(
    found: FileSpec, count: int, *, bad: int | None = None, trailer: Mapping[str, object] | None = None
) -> bytes:
    """Return a file of so many orders between a header and a trailer that tell the truth unless told otherwise."""
    total = Decimal(sum(range(count)))
    ends = [
        (name, {"HD-DATE": "20260131", "HD-COUNT": count} if name == found.header else values)
        for name, values in (
            (found.header, {}),
            (found.trailer, {"TR-COUNT": count, "TR-TOTAL": total, **(trailer or {})}),
        )
    ]
    header, tail = (
        RecordFile(found, layout_of(found.model_copy(update={"record": name}))).codec.encode(values)
        for name, values in ends
    )
    data = RecordFile(found, layout_of(found))
    records = [data.codec.encode(order(number)) for number in range(count)]
    if bad is not None:
        records[bad] = records[bad][:9] + b"@@@@" + records[bad][13:]
    return b"".join(write(iter([header, *records, tail]), found.framing))


def make(
    folder: Path, found: FileSpec | Path, changes: Mapping[str, object] | None = None, **parts: Any
) -> batch.Adapter:
    """Return an adapter that reads what is there now."""
    config = {"name": "orders", "path": folder / "ORDERS.*", "file": found, "stable_for": 0, "once": True}
    arguments: dict[str, Any] = {"model": OrderPlaced, "key": "resident_id", "mapping": MAPPING, **parts}
    return batch.Adapter(batch.Config.model_validate({**config, **(changes or {})}), **arguments)


def published(batches: list[EventBatch]) -> Iterator[tuple[str, Any]]:
    """Yield position and data of each event."""
    for each in batches:
        for columns in each.events:
            for position, value in zip(columns.positions, columns.values, strict=True):
                yield position, json.loads(value or b"null")


def expected(count: int) -> list[tuple[str, Any]]:
    """Return what so many orders become."""
    return [
        (
            f"{number + 1:012d}",
            {
                "resident_id": f"R{number}",
                "kind": "AB"[number % 2],
                "amount": f"{number}.00",
                "items": [f"I{each}" for each in range(number % 4)],
            },
        )
        for number in range(count)
    ]
