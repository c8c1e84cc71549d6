"""What interception costs: the façade that keeps every call beside the one that only passes them on, in one run.

`python -m bench.intercept`; `--rounds 15` for steadier medians. As in `bench.facade`: the whole product on one core,
parent included, wrk and the backend on another; 2 KB SOAP POSTs, the key in the Body. Every call is captured, put on
the disk and sent to a broker. There may be a third contender that captures another route than the one that is called.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from typing_extensions import override

from bench.facade import WARM_UP_SECONDS, Measured, check_split
from bench.facade_peers import Contender, Running, backend
from bench.load import load
from bench.machine import Processes, facts, missing
from events.embedded import EmbeddedKafka
from routers.facade.process.report import Report, read

BAR = 0.90
"""Calls per CPU-second with interception beside those without, at least."""
DRAIN_SECONDS = 30
COLUMNS = (
    "contender", "calls/s", "lowest", "highest", "core", "CPU us", "p50 ms", "p99 ms", "calls/s is", "CPU is", "failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Facade(Contender):
    """Banyan, which captures the calls of a route, or of none."""

    route: str | None = None

    @override
    def _banyan(self, folder: Path, values: Mapping[str, str]) -> list[str]:
        command = Contender._banyan(self, folder, values)  # noqa: SLF001 - its own kind
        if self.route is not None:
            with (folder / "banyan.yaml").open("a", encoding="utf-8") as settings:
                settings.write(f"  intercept: {{routes: {{{self.route}: {{}}}}}}\n")
        return command


CONTENDERS = (
    Facade(name="pass-through", engine="banyan", key="body"),
    Facade(name="interception of another route", engine="banyan", key="body", route="address-changes/other"),
    Facade(name="interception", engine="banyan", key="body", route="address-changes/change"),
)


def measure(rounds: int) -> tuple[list[Measured], Report]:
    """Run all, in turns; return what the one that intercepts told in the end."""
    proxy, other = (str(core) for core in sorted(os.sched_getaffinity(0))[:2])
    with (
        tempfile.TemporaryDirectory(prefix="banyan-bench-") as name,
        EmbeddedKafka() as kafka,
        Processes(folder := Path(name)) as processes,
    ):
        behind, found = backend(processes, folder, cores=other), list[Measured]()
        for number, contender in enumerate(CONTENDERS):
            place = folder / str(number)
            running = contender.start(processes, place, cores=proxy, behind=behind, kafka=kafka.bootstrap_servers)
            _warm(contender, running, other)
            found.append(Measured(contender=contender, running=running))
        for number in range(rounds):
            # Whoever comes first in one round comes last in the next.
            for measured in found[:: 1 if number % 2 else -1]:
                measured.round(other)
        return found, _settled(folder / str(len(CONTENDERS) - 1))


def _warm(contender: Contender, running: Running, cores: str) -> None:
    check_split(contender, running.port)
    load(running.port, contender.key, seconds=WARM_UP_SECONDS, cores=cores).done()


def _settled(folder: Path) -> Report:
    """Return the report of a façade when all that it captured is in Kafka."""
    until = time.monotonic() + DRAIN_SECONDS
    while True:
        time.sleep(3)
        report = read(folder / "data" / "facade.json")
        if not report.captured_kept or time.monotonic() > until:
            return report


def report(console: Console, found: Sequence[Measured], told: Report) -> bool:
    """Print what was measured, and tell whether the bar was met and nothing was dropped."""
    table = Table(title="façade: 2 KB SOAP POST, 32 connections, key from the Body; medians of interleaved rounds")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "contender" else "right")
    base = found[0]
    for each in found:
        rates, loads = [load.rate for load in each.loads], each.loads
        used = statistics.median(rate * cpu / 1e6 for rate, cpu in zip(rates, each.cpu_us, strict=True))
        table.add_row(
            each.contender.name,
            *(f"{n:,.0f}" for n in (statistics.median(rates), min(rates), max(rates))),
            f"{used:.0%}",
            f"{statistics.median(each.cpu_us):.1f}",
            *(f"{statistics.median(x):.2f}" for x in ([y.p50_ms for y in loads], [y.p99_ms for y in loads])),
            *(f"{ratio:.2f}x" for ratio in _ratios(each, base)),
            str(sum(load.failed for load in loads)),
        )
    console.print(table)
    calls = sum(load.requests for load in found[-1].loads)
    console.print(
        f"captured: {told.captured_sent:,} calls in Kafka, {told.captured_kept:,} on the disk, "
        f"{told.captured_dropped:,} dropped; {calls:,} were measured, besides those of the warm-up"
    )
    _, cpu = _ratios(found[-1], base)
    met = cpu >= BAR and told.captured_dropped == 0 and told.captured_sent >= calls
    console.print(
        f"with interception {cpu:.2f}x the calls per CPU-second (bar {BAR:.2f}x): {'met' if met else 'MISSED'}"
    )
    return met and not any(load.failed for each in found for load in each.loads)


def _ratios(each: Measured, base: Measured) -> tuple[float, float]:
    """Return calls a second and calls per CPU-second beside another's, each the median of the rounds' ratios."""
    calls = [mine.rate / other.rate for mine, other in zip(each.loads, base.loads, strict=True)]
    cpu = [other / mine for mine, other in zip(each.cpu_us, base.cpu_us, strict=True)]
    return statistics.median(calls), statistics.median(cpu)


def main() -> None:
    """Measure; the exit code tells whether the bar was met."""
    parser = argparse.ArgumentParser(prog="python -m bench.intercept", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds: int = parser.parse_args().rounds
    if absent := missing(["wrk", "nginx", "taskset"]):
        sys.exit("\n".join(absent))
    if len(os.sched_getaffinity(0)) < 2:  # noqa: PLR2004 - one for the façade, one for all else
        sys.exit("bench.intercept needs two cores: one for the façade, one for load and backend")
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(facts())
    found, told = measure(rounds)
    sys.exit(0 if report(console, found, told) else 1)


if __name__ == "__main__":
    main()
