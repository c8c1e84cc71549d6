"""The façade beside its peers: calls a second and CPU microseconds a call, on one core, in interleaved rounds.

`python -m bench.facade`; `--only banyan`, `--without envoy`, `--rounds 9`, `--profile perf` as you like. The proxies
run on one core, wrk and the backend on another. Banyan is the whole product: `banyan facade run` with one worker and
its parent, a ruleset, counters, decision records to a broker, 1 % spans to the local store.
"""

import argparse
import http.client
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from bench.facade_peers import CONTENDERS, SALT, SHARE, Contender, Key, Running, backend
from bench.load import Load, load
from bench.machine import Processes, cpu_seconds, facts, family, missing, program
from contracts.keys import bucket
from events.embedded import EmbeddedKafka

SECONDS, WARM_UP_SECONDS = 2, 1
PROFILE_SECONDS = 8
SAMPLE = 300
"""Calls by which each contender shows that it splits as it should."""
WHEELS = {"envoy": "envoy", "granian": "granian"}
PROGRAMS = {"haproxy": "haproxy", "nginx": "nginx"}
BARS = {"haproxy": 0.40, "envoy": 1.0, "granian": 3.0}
"""Banyan's calls per CPU-second beside each, at least."""
COLUMNS = (
    "contender", "calls/s", "lowest", "highest", "core", "CPU us", "p50 ms", "p99 ms", "calls/s is", "CPU is", "failed",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Measured:
    """A contender with its rounds."""

    contender: Contender
    running: Running
    loads: list[Load] = field(default_factory=list[Load])
    cpu_us: list[float] = field(default_factory=list[float])

    def round(self, cores: str) -> None:
        """Measure once."""
        pids = family(self.running.pid)
        before = cpu_seconds(pids)
        found = load(self.running.port, self.contender.key, seconds=SECONDS, cores=cores).done()
        self.cpu_us.append((cpu_seconds(pids) - before) / max(1, found.requests) * 1e6)
        self.loads.append(found)


def refusals(contenders: Sequence[Contender]) -> list[str]:
    """Return what has to be installed first."""
    engines = {contender.engine for contender in contenders}
    found = missing(["wrk", "nginx", "taskset", *(PROGRAMS[each] for each in sorted(engines & PROGRAMS.keys()))])
    wheels = {module for engine, module in WHEELS.items() if engine in engines}
    wheels |= {"aiohttp"} if "granian" in engines else set()
    absent = sorted(name for name in wheels if importlib.util.find_spec(name) is None)
    return found + [f"{name} is missing: pip install --require-hashes -r requirements-bench.lock" for name in absent]


def check_split(contender: Contender, port: int) -> None:
    """Ask some calls, and see that the right side answers."""
    connection, modern = http.client.HTTPConnection("127.0.0.1", port, timeout=10), 0
    for number in range(SAMPLE):
        key = f"{number * 163:08d}"
        body = (
            '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:r="urn:example:registry">'
            f"<soap:Body><r:ChangeAddress><residentId>{key}</residentId></r:ChangeAddress></soap:Body></soap:Envelope>"
        )
        headers = {"Content-Type": "text/xml", "SOAPAction": '"urn:example:registry/ChangeAddress"'}
        if contender.key == "header":
            headers["X-Citizen"] = key
        connection.request("POST", "/registry", body, headers)
        answer = connection.getresponse()
        answer.read()
        side = answer.getheader("X-Side")
        modern += side == "modern"
        expected = "modern" if bucket(key, SALT) < SHARE else "legacy"
        if answer.status != 200 or (contender.same_split and side != expected):  # noqa: PLR2004 - OK
            raise RuntimeError(f"{contender.name} ({contender.key}): {answer.status} from {side}, expected {expected}")
    connection.close()
    if not 0.03 * SAMPLE < modern < 0.25 * SAMPLE:
        raise RuntimeError(f"{contender.name} ({contender.key}): {modern} of {SAMPLE} calls went to modern")


def measure(contenders: Sequence[Contender], *, rounds: int, profile: bool, console: Console) -> list[Measured]:
    """Run all, in turns."""
    proxy, other = _cores()
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as name, EmbeddedKafka() as kafka:
        folder = Path(name)
        with Processes(folder) as processes:
            behind, all_measured = backend(processes, folder, cores=other), list[Measured]()
            for number, contender in enumerate(contenders):
                running = contender.start(
                    processes, folder / f"{number}-{contender.engine}", cores=proxy, behind=behind,
                    kafka=kafka.bootstrap_servers,
                )  # fmt: skip
                check_split(contender, running.port)
                load(running.port, contender.key, seconds=WARM_UP_SECONDS, cores=other).done()
                all_measured.append(Measured(contender=contender, running=running))
            if profile:
                _profile(all_measured, other, console)
                return []
            for _ in range(rounds):
                for measured in all_measured:
                    measured.round(other)
            return all_measured


def _cores() -> tuple[str, str]:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:  # noqa: PLR2004 - one for the proxy, one for all else
        sys.exit("bench.facade needs two cores: one for the proxy, one for load and backend")
    return str(cores[0]), ",".join(map(str, cores[1:3]))


def _profile(all_measured: Sequence[Measured], cores: str, console: Console) -> None:
    """Record where the time goes in each, and print the shares by library and by function."""
    with tempfile.TemporaryDirectory() as folder:
        for measured in all_measured:
            data, pids = f"{folder}/perf.data", ",".join(map(str, family(measured.running.pid)))
            recorder = [program("perf"), "record", "-q", "-g", "-F", "499", "-p", pids, "-o", data]
            loading = load(measured.running.port, measured.contender.key, seconds=PROFILE_SECONDS, cores=cores)
            subprocess.run([*recorder, "--", "sleep", str(PROFILE_SECONDS - 1)], check=True)
            console.print(f"{measured.contender.name}, {measured.contender.key}: {loading.done().rate:,.0f} calls/s")
            for sort in ("pid,dso", "dso,symbol"):
                options = ["--no-children", "-g", "none", "--percent-limit", "0.5", "--sort", sort, "-i", data]
                subprocess.run(
                    [program("perf"), "report", "--stdio", "-q", *options], check=False, stderr=subprocess.DEVNULL
                )


def report(console: Console, key: Key, all_measured: Sequence[Measured]) -> bool:
    """Print one workload, and tell whether the bars were met."""
    where = "a header" if key == "header" else "the Body"
    table = Table(title=f"façade: 2 KB SOAP POST, 32 connections, key from {where}")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "contender" else "right")
    base = _first(all_measured, "haproxy")
    for each in all_measured:
        rates, loads = [load.rate for load in each.loads], each.loads
        used = statistics.median(rate * cpu / 1e6 for rate, cpu in zip(rates, each.cpu_us, strict=True))
        ratios = [""] * 2 if base is None else [f"{_ratio(each, base, by):.2f}x" for by in ("calls", "CPU")]
        table.add_row(
            each.contender.name,
            *(f"{n:,.0f}" for n in (statistics.median(rates), min(rates), max(rates))),
            f"{used:.0%}",
            f"{statistics.median(each.cpu_us):.1f}",
            *(f"{statistics.median(x):.2f}" for x in ([y.p50_ms for y in loads], [y.p99_ms for y in loads])),
            *ratios,
            str(sum(load.failed for load in loads)),
        )
    console.print(table)
    return _bars(console, all_measured) and not any(x.failed for each in all_measured for x in each.loads)


def _bars(console: Console, all_measured: Sequence[Measured]) -> bool:
    met, ours = True, _first(all_measured, "banyan")
    for engine, bar in BARS.items():
        peer = _first(all_measured, engine)
        if peer is None or ours is None:
            continue
        ratio = _ratio(ours, peer, "CPU")
        met &= ratio >= bar
        console.print(
            f"banyan is {ratio:.2f}x {peer.contender.name} in calls per CPU-second (bar {bar:.2f}x): "
            f"{'met' if ratio >= bar else 'MISSED'}"
        )
    return met


def _first(all_measured: Sequence[Measured], engine: str) -> Measured | None:
    return next((each for each in all_measured if each.contender.engine == engine), None)


def _ratio(ours: Measured, theirs: Measured, by: Literal["calls", "CPU"]) -> float:
    """Return the median of the ratios in the same rounds: what disturbs the machine disturbs both.

    Where load and backend share a busy core, the fastest proxies wait for them, and calls per second flatter the
    others; calls per CPU-second do not.
    """
    if by == "CPU":
        return statistics.median(other / mine for mine, other in zip(ours.cpu_us, theirs.cpu_us, strict=True))
    pairs = zip(ours.loads, theirs.loads, strict=True)
    return statistics.median(mine.rate / other.rate for mine, other in pairs)


def main() -> None:
    """Measure what the command line asks for; the exit code tells whether the bars were met."""
    engines = sorted({contender.engine for contender in CONTENDERS})
    parser = argparse.ArgumentParser(prog="python -m bench.facade", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=engines, default=engines)
    parser.add_argument("--without", nargs="+", choices=engines, default=[])
    parser.add_argument("--key", choices=["header", "body"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", choices=["perf"])
    given = parser.parse_args()
    chosen = [c for c in CONTENDERS if c.engine in given.only and c.engine not in given.without]
    chosen = [c for c in chosen if given.key in {None, c.key}]
    if absent := refusals(chosen) + (missing(["perf"]) if given.profile else []):
        sys.exit("\n".join([*absent, "or leave a peer out: --without NAME"]))
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(facts())
    found = measure(chosen, rounds=given.rounds, profile=given.profile is not None, console=console)
    keys: tuple[Key, ...] = ("header", "body")
    by_key: dict[Key, list[Measured]] = {key: [each for each in found if each.contender.key == key] for key in keys}
    met = [report(console, key, measured) for key, measured in by_key.items() if measured]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
