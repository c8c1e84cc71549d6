"""A SOAP reply of 10,000 records to values in Python, beside zeep and others: `python -m bench.reply`.

Every contender reads the same 4 MB in a process of its own, in turns; CPU time counts. Banyan reads a stream of typed
records with all checks on and hashes each; zeep, xsdata, xmltodict and lxml's objectify get the bytes as a whole, and
check no facets. Prints a JSON object; the exit code is 1 where a bar is missed.
"""

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.machine import facts
from bench.reply_peers import CONTENDERS, WSDL, Contender, reply

RECORDS: Final = 10_000
ROUNDS: Final = 5
TIMES_ZEEP: Final = 4.0
"""How many times as fast as zeep is asked for."""
STALL_MS: Final = 10.0
"""What 99 % of the event loop's turns may wait at most while a reply is read beside it."""
GROWTH_MIB: Final = 4.0
"""What four times as many records may need more; flat, but for what an allocator keeps."""
_TICK_S: Final = 0.001


def measured(contender: str, records: int) -> dict[str, float]:
    """Read once, and return what it took; asked of a process of its own."""
    data = reply(records)
    read = CONTENDERS[contender]()
    _ = read(reply(10))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    found = read(data)
    spent = time.process_time() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if found != records:
        raise SystemExit(f"{contender} found {found} of {records} records")
    return {"cpu_ms": spent * 1000, "grown_mib": grown, "stall_ms": asyncio.run(_stall(read, data))}


async def _stall(read: Contender, data: bytes) -> float:
    """Return the 99th percentile of how late the loop's turns are while another thread reads."""
    reading = asyncio.get_running_loop().run_in_executor(None, read, data)
    late: list[float] = []
    while not reading.done():
        began = time.perf_counter()
        await asyncio.sleep(_TICK_S)
        late.append(time.perf_counter() - began - _TICK_S)
    await reading
    return statistics.quantiles(late, n=100)[-1] * 1000 if len(late) > 1 else 0.0


def run(contender: str, records: int, folder: str) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "bench.reply", contender, str(records)]
    path = os.pathsep.join((folder, *sys.path))
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path}
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure, and print the medians."""
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
        _generate(Path(folder))
        found: dict[str, list[dict[str, float]]] = {contender: [] for contender in CONTENDERS}
        for _ in range(ROUNDS):
            for contender, figures in found.items():
                figures.append(run(contender, RECORDS, folder))
        larger = [run("banyan", 4 * RECORDS, folder)["grown_mib"] for _ in range(3)]
    cpu = {contender: statistics.median(each["cpu_ms"] for each in figures) for contender, figures in found.items()}
    memory = {name: statistics.median(each["grown_mib"] for each in figures) for name, figures in found.items()}
    stall = statistics.median(each["stall_ms"] for each in found["banyan"])
    growth = statistics.median(larger) - memory["banyan"]
    met = cpu["zeep"] / cpu["banyan"] >= TIMES_ZEEP and stall <= STALL_MS and growth <= GROWTH_MIB
    print(
        json.dumps(
            {
                "records": RECORDS,
                "bytes": len(reply(RECORDS)),
                "cpu_ms": {name: round(value, 1) for name, value in cpu.items()},
                "banyan_is": {name: f"{value / cpu['banyan']:.2f}x" for name, value in cpu.items() if name != "banyan"},
                "grown_mib": {name: round(value, 1) for name, value in memory.items()},
                "banyan_grown_mib_with_four_times_as_many": round(statistics.median(larger), 1),
                "stall_p99_ms": {n: round(statistics.median(e["stall_ms"] for e in f), 1) for n, f in found.items()},
                "bars": f"zeep {TIMES_ZEEP}x, stall {STALL_MS} ms, {GROWTH_MIB} MiB more for four times as many",
                "met": met,
                "machine": facts(),
            },
            indent=2,
        )
    )
    sys.exit(0 if met else 1)


def _generate(folder: Path) -> None:
    """Let xsdata write its classes of the contract."""
    environ = {**os.environ, "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))}
    command = [sys.executable, "-m", "xsdata", "generate", str(WSDL), "--package", "registry"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=120, env=environ)


if __name__ == "__main__":
    main()
