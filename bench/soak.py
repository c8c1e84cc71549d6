"""The façade for an hour: `make soak`, or `python -m bench.soak SECONDS`.

Mixed load on `banyan facade run` with two workers, while the ruleset changes every few seconds and a worker is killed
every few minutes; memory and descriptors of all processes are sampled. It ends by itself with a verdict: no failed
call but those in flight to a killed worker, and flat memory after the warm-up.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from bench.machine import Processes, facts
from bench.soak_calls import KINDS, Backend, Counts, call_for_ever
from bench.soak_memory import Memory, family_of
from contracts.errors import ConfigError
from events.embedded import EmbeddedKafka
from routers.facade.process.report import Report, read

SECONDS: Final = 3600
CHANGE_SECONDS: Final = 3.0
CALLERS_OF_A_KIND: Final = 4
KILLS: Final = 15
"""At most, and one every four minutes within an hour."""
SETTLE_SECONDS: Final = 3.0
RULES = """
namespaces: {{r: "urn:example:registry"}}
capabilities:
  by-header:
    salt: s1
    share: {share}
    routes:
      read: {{soap: r:Read, key: {{header: X-Citizen}}, class: safe, legacy: legacy, modern: modern}}
  by-body:
    salt: s2
    share: {share}
    routes:
      change: {{soap: r:Change, key: {{xpath: Body/r:Change/id}}, class: unsafe, legacy: legacy, modern: modern}}
  rest:
    salt: s3
    share: {share}
    routes:
      get: {{rest: "GET /residents/{{id}}", key: {{path: id}}, class: safe, legacy: legacy, modern: modern}}
      put: {{rest: "PUT /residents/{{id}}", key: {{path: id}}, class: idempotent, legacy: legacy, modern: modern}}
"""


@dataclass(slots=True, kw_only=True)
class Soak:
    """One run."""

    folder: Path
    seconds: float
    counts: Counts = field(default_factory=Counts)
    kills: int = 0
    changes: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def rules(self, share: int) -> None:
        """Write the rules as an editor does: a new file in the place of the old one."""
        fresh = self.folder / "rules.new"
        fresh.write_text(RULES.format(share=share))
        fresh.replace(self.folder / "rules.yaml")

    def settings(self, *, legacy: int, modern: int, kafka: str) -> None:
        """Write the settings."""
        sides = {"legacy": legacy, "modern": modern}
        settings = {
            "data": str(self.folder / "data"),
            "kafka": {"bootstrap_servers": kafka, "embedded": True},
            "key_secret": "only-for-this-soak",
            "log_level": "WARNING",
            "facade": {
                "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "legacy"}},
                "backends": {name: {"url": f"http://127.0.0.1:{port}"} for name, port in sides.items()},
                "workers": 2,
                "ruleset": str(self.folder / "rules.yaml"),
            },
        }
        (self.folder / "banyan.yaml").write_text(yaml.safe_dump(settings))

    def report(self) -> Report | None:
        """Return what the façade tells; None before it told anything."""
        try:
            return read(self.folder / "data" / "facade.json")
        except ConfigError:
            return None

    async def serving(self) -> Report:
        """Wait until both workers serve."""
        async with asyncio.timeout(60):
            while True:
                found = self.report()
                if found is not None and [worker.state for worker in found.workers] == ["serving"] * 2:
                    return found
                await asyncio.sleep(0.1)

    async def change(self) -> None:
        """Change the ruleset every few seconds."""
        while not self.stop.is_set():
            self.changes += 1
            self.rules(self.changes * 777 % 10_001)
            await self.pause(CHANGE_SECONDS)

    async def kill(self) -> None:
        """Kill the younger worker every few minutes; the other one shows the memory of a whole run."""
        every = max(20.0, self.seconds / (KILLS + 1))
        while not self.stop.is_set():
            await self.pause(every)
            if self.stop.is_set() or (report := self.report()) is None:
                return
            victim = max(report.workers, key=lambda worker: (worker.restarts, worker.number)).pid
            if victim:
                self.kills += 1
                self.counts.killed(time.monotonic())
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)

    async def pause(self, seconds: float) -> None:
        """Wait, or less when the end has come."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)


async def soak(folder: Path, seconds: float) -> bool:
    """Run, print what was found, and tell whether all is well."""
    run = Soak(folder=folder, seconds=seconds)
    async with AsyncExitStack() as stack:
        kafka = stack.enter_context(EmbeddedKafka())
        sides = [await stack.enter_async_context(Backend().serve()) for _ in range(2)]
        run.rules(0)
        run.settings(legacy=sides[0], modern=sides[1], kafka=kafka.bootstrap_servers)
        processes = stack.enter_context(Processes(folder))
        banyan = str(Path(sys.executable).with_name("banyan"))
        parent = processes.start("facade", [banyan, "--config", str(folder / "banyan.yaml"), "facade", "run"])
        report = await run.serving()
        port, memory = int(report.addresses["main"].rpartition(":")[2]), Memory(lambda: family_of(parent, run.report()))
        async with asyncio.TaskGroup() as group:
            for kind in KINDS:
                for number in range(CALLERS_OF_A_KIND):
                    group.create_task(call_for_ever(kind, port, run.counts, run.stop, number=number))
            group.create_task(run.change())
            group.create_task(run.kill())
            group.create_task(memory.sample_for_ever(run.stop, every=max(1.0, seconds / 720)))
            await asyncio.sleep(seconds)
            run.stop.set()
        await asyncio.sleep(SETTLE_SECONDS)  # the report is written every two seconds
        return _verdict(run, memory, run.report())


def _verdict(run: Soak, memory: Memory, report: Report | None) -> bool:
    counts = run.counts
    print(f"{counts.total:,} calls in {run.seconds:g} s: {counts.told()}")
    print(f"{run.changes} changes of the ruleset, {run.kills} workers killed; {counts.reconnected:,} connections")
    print(f"failed near a kill, so in flight to it: {counts.cut}; failed otherwise: {len(counts.failed)}")
    for failure in counts.failed[:10]:
        print(f"  {failure}")
    if report is not None:
        print(
            f"the façade itself: ruleset {report.ruleset.version}, slowest change {report.ruleset.slowest_ms:g} ms, "
            f"lost with workers {dict(report.lost)}, in doubt sent {report.in_doubt_sent}, dropped {report.dropped}"
        )
    flat = memory.verdict()
    well = flat and not counts.failed and counts.cut <= run.kills * counts.callers and report is not None
    print("PASSED" if well else "FAILED")
    return well


def main() -> None:
    """Run for an hour, or as long as the first argument says."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else float(SECONDS)
    print(f"soak of {seconds:g} s; {facts()}")
    with tempfile.TemporaryDirectory(prefix="banyan-soak-") as name:
        well = asyncio.run(soak(Path(name), seconds))
        if not well:
            print((Path(name) / "facade.out").read_text()[-4000:])
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
