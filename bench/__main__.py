"""`make bench`: every contender in a process of its own, in turns; medians and ratios.

The parts: `publish`, `subscribe` and `file` on one real Kafka, `decide`, `decode`, `divergence`, `facade`, `framing`,
`intercept`, `outbound`, `reply`, `rollout` and `snapshot`; all of them, or those named on the command line.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench import decode_files, file, publish, subscribe
from bench.machine import facts
from hub.demo.extract import make
from hub.local_kafka import LocalKafka

ROUNDS = 5
RECORDS = 100_000
NARROW_BYTES = 350_000_000
"""Of the file of 350-byte records: a million."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Contenders on one Kafka, each run in a process of its own; the first is ours."""

    contenders: Callable[[], Sequence[str]]
    make: Callable[[Path], object]
    """Writes the file that they read."""
    bar: str
    """What is asked for."""
    wanted: Mapping[str, float] = field(default_factory=dict[str, float])
    """Which ratio to a peer is asked for."""


def _benefits(file: Path) -> None:
    file.write_bytes(make(RECORDS).data)


SUITES = {
    "publish": Suite(
        contenders=lambda: tuple(publish.CONTENDERS),
        make=_benefits,
        bar="60,000 events per CPU-second",
        wanted={"faststream publish": 1.5, "faststream publish, telemetry": 5.0},
    ),
    "subscribe": Suite(
        contenders=lambda: tuple(subscribe.CONTENDERS), make=_benefits, bar="50,000 events per CPU-second"
    ),
    "file": Suite(
        contenders=file.contenders,
        make=lambda path: decode_files.make(decode_files.NARROW, path, size=NARROW_BYTES),
        bar="100,000 events/s",
    ),
}
ALONE = ("decide", "decode", "divergence", "facade", "framing", "intercept", "outbound", "reply", "rollout", "snapshot")
"""Modules that measure and tell by themselves, and need no Kafka."""
Rates = dict[str, list[tuple[float, float]]]
"""Contender -> events per CPU-second and per second, a round each."""


def measured(module: str, contender: str, bootstrap: str, file: Path) -> tuple[float, float]:
    """Run a contender once, and return events per CPU-second of its process, and per second."""
    command = [sys.executable, "-m", f"bench.{module}", contender, bootstrap, str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    figures = json.loads(done.stdout.splitlines()[-1])
    return figures["events"] / figures["cpu_s"], figures["events"] / figures["wall_s"]


def main() -> None:
    """Measure the parts that are asked for, and print them; the exit code is 1 when one missed its bar."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parts = (*SUITES, *ALONE)
    parser.add_argument("part", nargs="*", help=f"any of {', '.join(parts)}; all without one")
    chosen: list[str] = parser.parse_args().part or list(parts)
    if unknown := sorted(set(chosen) - set(parts)):
        parser.error(f"no part {', '.join(unknown)}; there are: {', '.join(parts)}")
    if suites := [part for part in SUITES if part in chosen]:
        on_kafka(suites)
    codes = [
        subprocess.run([sys.executable, "-m", f"bench.{part}"], check=False).returncode
        for part in ALONE
        if part in chosen
    ]
    sys.exit(max(codes, default=0))


def on_kafka(suites: Sequence[str]) -> None:
    """Measure suites on a broker of their own."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
        kafka = LocalKafka(Path(folder), brokers=1, tell=console.print)
        try:
            bootstrap = kafka.up()
            for module in suites:
                suite = SUITES[module]
                path = Path(folder) / f"{module.upper()}.D20261121"
                suite.make(path)
                rates: Rates = {contender: [] for contender in suite.contenders()}
                with Progress(console=console, transient=True) as bars:
                    bar = bars.add_task(module, total=ROUNDS * len(rates))
                    for _ in range(ROUNDS):
                        for contender in rates:
                            rates[contender].append(measured(module, contender, bootstrap, path))
                            bars.advance(bar)
                report(console, module, rates)
        finally:
            kafka.down(wipe=True)


def report(console: Console, module: str, rates: Rates) -> None:
    """Print the medians, their spread and Banyan's ratio to each."""
    suite = SUITES[module]
    medians = {contender: statistics.median(cpu for cpu, _ in found) for contender, found in rates.items()}
    ours = medians["banyan"]
    table = Table(title=f"{module}: events per CPU-second of the process, median of {ROUNDS} interleaved runs")
    for column in ("contender", "median", "lowest", "highest", "banyan is", "events/s"):
        table.add_column(column, justify="left" if column == "contender" else "right")
    for contender, found in rates.items():
        goal = f" (bar {suite.wanted[contender]}x)" if contender in suite.wanted else ""
        ratio = "" if contender == "banyan" else f"{ours / medians[contender]:.2f}x{goal}"
        cpu = [rate for rate, _ in found]
        figures = [f"{n:,.0f}" for n in (medians[contender], min(cpu), max(cpu))]
        table.add_row(contender, *figures, ratio, f"{statistics.median(wall for _, wall in found):,.0f}")
    console.print(table)
    console.print(f"bar: {suite.bar}; {facts()}\n")


if __name__ == "__main__":
    main()
