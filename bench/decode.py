"""Files of records to files of JSON lines, on one core, beside peers: `python -m bench.decode [MEGABYTES]`.

Two layouts of our own (`bench.decode_files`), every check and a policy for each field on; from a file on the disk to
one, in a process of its own each time; contenders in turns, medians of their CPU time. What one record takes is told
as a contender's start, and does not count. `banyan, odd` has a file with blank fields, X'00' and bad records, which the
peers do not take; a file of 2 GB tells the memory. What Banyan writes is compared with its row codec, record by record,
at the file's start. Prints tables, and a JSON object at the end; the exit code is 1 when a bar is missed.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.decode_files import NARROW, WIDE, Form, make
from bench.decode_peers import Contender, Job, banyan, contenders
from bench.machine import facts
from contracts.legacy.copybook import parse
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.record_file import RecordFile

ROUNDS: Final = 5
MEGABYTES: Final = 512
LARGE_BYTES: Final = 2 * 10**9
COMPARED: Final = 2000
"""Records whose lines are compared with those of the row codec."""
MOST_MB: Final = 256
"""Memory that decoding may take at its peak, whatever the file's size."""
FREE_BYTES: Final = 12 * 10**9
DEAD_LETTERS: Final = 3

Rates = dict[str, list["Spent"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one run took."""

    cpu_s: float
    start_s: float
    """CPU time that one record takes, of which the rest has its own."""
    peak_mb: int
    size: int
    """Bytes that were read."""

    @property
    def rate(self) -> float:
        """Return MB per second of CPU time after the start."""
        return self.size / (self.cpu_s - self.start_s) / 1e6


def run(contender: Contender, job: Job) -> Spent:
    """Run a contender once on the first record of a file, and once on all of it."""
    start, _ = spent(contender, sliced(job, job.length))
    cpu, peak = spent(contender, job)
    return Spent(cpu_s=cpu, start_s=start, peak_mb=peak, size=job.data.stat().st_size)


def spent(contender: Contender, job: Job) -> tuple[float, int]:
    """Run a contender, and return its CPU time and its peak memory in MB.

    Raises:
        SystemExit: It failed.
    """
    command = contender.command(job)
    with job.lines.open("wb") as lines, tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=lines, stderr=told)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, DEAD_LETTERS):
            told.seek(0)
            raise SystemExit(f"{contender.name} ended with {process.returncode}: {told.read().decode()[-2000:]}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def described(form: Form, folder: Path, data: Path) -> Job:
    """Write what describes a file beside it."""
    copybook, plain, spec = (folder / f"{form.name}.{end}" for end in ("cpy", "plain.cpy", "yaml"))
    copybook.write_text(form.copybook(), encoding="ascii")
    plain.write_text(form.copybook(is_plain=True), encoding="ascii")
    spec.write_text(json.dumps(form.spec(copybook)), encoding="ascii")  # JSON is YAML
    lines = folder / f"{form.name}.jsonl"
    return Job(data=data, copybook=copybook, plain=plain, spec=spec, length=form.length, lines=lines)


def sliced(job: Job, most: int | None) -> Job:
    """Return a job on the first records of its file, where it may not have all."""
    if most is None or most >= job.data.stat().st_size:
        return job
    part = job.data.with_name(f"{job.data.name}.{most}")
    if not part.exists():
        with job.data.open("rb") as file:
            part.write_bytes(file.read(most // job.length * job.length))
    return replace(job, data=part)


def counted(path: Path) -> int:
    """Return the lines of a file."""
    with path.open("rb") as file:
        return sum(part.count(b"\n") for part in iter(lambda: file.read(2**20), b""))


def check(form: Form, job: Job) -> int:
    """Compare the lines of Banyan with those of its row codec, and return how many lines and dead letters there are.

    Raises:
        SystemExit: They differ.
    """
    file = RecordFile(FileSpec.model_validate(form.spec(job.copybook)), parse(form.copybook()))
    with job.data.open("rb") as data, job.lines.open("rb") as lines:
        values = islice(file.decode(data), COMPARED)
        expected = [RecordFile.line(value) + b"\n" for value in values if isinstance(value, dict)]
        if list(islice(lines, len(expected))) != expected:
            raise SystemExit(f"{form.name}: the lines are not those of the row codec")
    return counted(job.lines) + counted(job.lines.with_suffix(".quarantine"))


def measured(form: Form, folder: Path, size: int, peers: Sequence[Contender]) -> Rates:
    """Run all contenders on a file of a form in turns, and Banyan on one with odd fields."""
    plain, odd = (folder / f"{form.name}.{kind}" for kind in ("data", "odd"))
    records = make(form, plain, size=size)
    make(form, odd, size=size, has_odd=True)
    job = described(form, folder, plain)
    turns = [(each, sliced(job, each.most_bytes)) for each in peers]
    turns.append((Contender(name="banyan, odd", command=banyan), replace(job, data=odd)))
    rates: Rates = {each.name: [] for each, _ in turns}
    for _ in range(ROUNDS):
        for each, its in turns:
            rates[each.name].append(run(each, its))
            whole = check(form, its) if each.command is banyan else counted(its.lines)
            if whole != its.data.stat().st_size // form.length:
                raise SystemExit(f"{each.name}: {whole} lines and dead letters of {records} records")
    for path in (*folder.glob(f"{plain.name}*"), odd, job.lines):
        path.unlink()
    return rates


def large(folder: Path) -> Spent:
    """Decode a file of 2 GB to nowhere, and return what it took; its dead letters, if any, are not kept."""
    data = folder / "large.data"
    make(NARROW, data, size=LARGE_BYTES)
    job = replace(described(NARROW, folder, data), lines=Path(os.devnull))
    begin = [sys.executable, "-c", "from hub.cli import main; main()", "copybook", "decode", "--spec", str(job.spec)]
    return run(Contender(name="banyan", command=lambda its: [*begin, str(its.data)]), job)


def report(form: Form, rates: Rates, tell: Callable[[object], None]) -> dict[str, float]:
    """Print a form's medians, and return them."""
    medians = {name: statistics.median(each.rate for each in found) for name, found in rates.items()}
    first, bar = form.bars
    records = f"{form.name}: {len(form.fields)} fields, {form.length:,} bytes, to JSON lines"
    table = Table(title=f"{records}\nMB per CPU-second, median of {ROUNDS} rounds; bars {first}, then {bar}")
    for column in ("contender", "MB/s", "lowest", "highest", "banyan is", "MB read", "start s", "peak MB"):
        table.add_column(column, justify="left" if column == "contender" else "right")
    for name, found in rates.items():
        cpu = [each.rate for each in found]
        figures = [f"{rate:,.1f}" for rate in (medians[name], min(cpu), max(cpu))]
        ratio = "" if name.startswith("banyan") else f"{medians['banyan'] / medians[name]:.2f}x"
        start = statistics.median(each.start_s for each in found)
        size, peak = f"{found[0].size / 1e6:,.0f}", f"{max(each.peak_mb for each in found):,}"
        table.add_row(name, *figures, ratio, size, f"{start:.2f}", peak)
    tell(table)
    return medians


def main() -> None:
    """Measure, print, and end with 1 where a bar is missed."""
    size = (int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES) * 10**6
    console = Console()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    peers = contenders(console.print)
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < FREE_BYTES:
            raise SystemExit(f"{folder}: {FREE_BYTES / 1e9:.0f} GB have to be free for the files")
        for form in (WIDE, NARROW):
            figures[form.name] = report(form, measured(form, folder, size, peers), console.print)
        whole = large(folder)
    console.print(f"a file of {whole.size / 1e9:.1f} GB: {whole.peak_mb} MB at the peak, bar {MOST_MB}; {facts()}")
    met = all(figures[form.name]["banyan"] >= form.bars[1] for form in (WIDE, NARROW)) and whole.peak_mb <= MOST_MB
    rounded = {form: {name: round(rate, 1) for name, rate in rates.items()} for form, rates in figures.items()}
    print(json.dumps({**rounded, "peak_mb_of_2_gb": whole.peak_mb, "met": met}))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
