"""How fast files are cut into records, on one core: `python -m bench.framing [MEGABYTES]`.

Records of 350 bytes (30 to 350 where they vary), from memory, formats in turns; medians of several rounds. Prints a
table, and a JSON object at the end. The time is that of the process: reading, every check, and the columns of each
batch; no record becomes an object.
"""

import io
import json
import random
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from contracts.legacy.framing import Framing, read, write

ROUNDS = 5
MEGABYTES = 64
FORMATS: Mapping[str, Mapping[str, Any]] = {
    "F": {"recfm": "F", "lrecl": 350},
    "V": {"recfm": "V"},
    "VB": {"recfm": "VB"},
    "VBS": {"recfm": "VBS"},
    "LS": {"recfm": "LS", "trailing_blanks": "keep"},
    "LS padded": {"recfm": "LS", "lrecl": 350},
    "V, lengths vary": {"recfm": "V"},
    "V, gzip": {"recfm": "V", "compression": "gzip"},
    "length field": {"recfm": "none", "length_field": {"offset": 0, "length": 2, "expression": "+2"}},
}
AT_LEAST = {"F": 1000, "V": 200, "VB": 200, "VBS": 80}
"""MB/s that are asked for: several times what decoding takes, so that framing never limits."""


def file(name: str, megabytes: int) -> bytes:
    """Return a file of a format, drawn alike each time."""
    draw = random.Random(name)  # noqa: S311 - no secret
    bodies = [bytes(draw.choices(range(0x40, 0xFF), k=350)) for _ in range(1000)]
    if "vary" in name or name == "LS padded":
        bodies = [body[: draw.randint(30, 350)] for body in bodies]
    if name == "length field":
        bodies = [(len(body) - 2).to_bytes(2, "big") + body[2:] for body in bodies]
    times = megabytes * 2**20 // sum(map(len, bodies))
    return b"".join(write((body for _ in range(times) for body in bodies), Framing(**FORMATS[name])))


def measured(framing: Framing, data: bytes) -> tuple[float, int, int]:
    """Return seconds of the process, records, and bytes without the compression."""
    began = time.process_time()
    records, place = 0, 0
    for batch in read(io.BytesIO(data), framing):
        records, place = records + len(batch), batch.next.offset
    return time.process_time() - began, records, place


def main() -> None:
    """Measure each format, and print it; the exit code is 1 when one missed its bar."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES
    figures: dict[str, dict[str, float]] = {}
    files = {name: file(name, megabytes) for name in FORMATS}
    spent: dict[str, list[tuple[float, int, int]]] = {name: [] for name in FORMATS}
    for _ in range(ROUNDS):
        for name, data in files.items():
            spent[name].append(measured(Framing(**FORMATS[name]), data))
    table = Table(title=f"files of {megabytes} MB to records, one core, median of {ROUNDS} rounds")
    for column in ("format", "MB/s", "lowest", "highest", "records/s", "bar"):
        table.add_column(column, justify="left" if column == "format" else "right")
    for name, rounds in spent.items():
        rates = [size / seconds / 1e6 for seconds, _, size in rounds]
        records = statistics.median(count / seconds for seconds, count, _ in rounds)
        figures[name] = {"mb_per_s": round(statistics.median(rates)), "records_per_s": round(records)}
        shown = [f"{rate:,.0f}" for rate in (statistics.median(rates), min(rates), max(rates), records)]
        table.add_row(name, *shown, str(AT_LEAST.get(name, "")))
    Console().print(table)
    met = all(figures[name]["mb_per_s"] >= least for name, least in AT_LEAST.items())
    print(json.dumps({**figures, "met": met}))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
