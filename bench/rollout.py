"""From a ruleset on its topic to the acknowledgement of all workers, at half load: `python -m bench.rollout`.

With 100 and with 100,000 rules loaded, 100 changes each. Three processes and what they start: this one, wrk as the
callers, and the hub, which is the façade's real parent with two real workers on a topic in memory: a real Kafka adds
the milliseconds of its fetch. Each change touches the capability that is called, and another one.
"""

import argparse
import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench.facade_peers import SALT, Backend, backend
from bench.load import Load, load
from bench.machine import Processes, facts, missing
from contracts.errors import BrokerUnavailableError
from contracts.keys import CanonicalKey
from contracts.ports import Log, LogRecord
from observability import logging
from routers.facade.accounting.tally import Tally
from routers.facade.process.feed import Feed
from routers.facade.process.messages import Start
from routers.facade.process.parent import Parent
from routers.facade.process.parts import Parts
from routers.facade.process.spool import Spool
from routers.facade.settings import FacadeSettings
from routers.rulesets.capability import Capability, KeyExpression, Route
from routers.rulesets.chain import Chain, propose
from routers.rulesets.topic import RulesetTopic

RULES = (100, 100_000)
CHANGES, PACE_SECONDS = 100, 0.2
CALIBRATE_SECONDS, LONGEST_SECONDS = 3, 180
CONNECTIONS = 64
AT_MOST_MS = 250.0
CALLED = "address-changes"


class Topic:
    """A topic in memory, which tells its follower at once."""

    def __init__(self) -> None:
        self._records: list[LogRecord] = []
        self._grown = asyncio.Condition()

    async def append(self, topic: str, records: Sequence[LogRecord]) -> None:
        """Append."""
        del topic
        async with self._grown:
            self._records += records
            self._grown.notify_all()

    async def read(
        self, topic: str, *, since: datetime | None = None, follow: bool = False
    ) -> AsyncIterator[LogRecord]:
        """Yield what is there, and what comes."""
        del topic, since
        at = 0
        while True:
            while at < len(self._records):
                yield self._records[at]
                at += 1
            if not follow:
                return
            async with self._grown:
                while at == len(self._records):
                    await self._grown.wait()

    async def latest(self, topic: str) -> Mapping[bytes, LogRecord]:
        """Return the newest of each key: not needed here."""
        raise NotImplementedError


def capabilities(rules: int) -> dict[str, Capability]:
    """Return the capability that is called, and so many more that one rule each makes all."""
    key = CanonicalKey(type="digits", strip_zeros=True, max_length=10)
    called = Route(
        soap="{urn:example:registry}ChangeAddress", action="urn:example:registry/ChangeAddress",
        key=KeyExpression(header="X-Citizen"), legacy="legacy", modern="modern",
    )  # fmt: skip
    others = {f"capability-{n}": _other(n, key) for n in range(rules - 1)}
    return {CALLED: Capability(salt=SALT, key=key, share=1000, routes={"change": called}), **others}


def _other(number: int, key: CanonicalKey) -> Capability:
    expression = KeyExpression(xpath="Body/residentId")
    route = Route(soap=f"{{urn:example:{number}}}Change", key=expression, legacy="legacy", modern="modern")
    return Capability(salt=f"salt-{number}", key=key, share=number % 10_001, routes={"change": route})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The façade under test."""

    parent: Parent
    topic: Topic
    chain: Chain

    async def change(self, wanted: Mapping[str, Capability], number: int) -> float:
        """Apply a change, and return how many milliseconds it took until every worker decides by it."""
        now = datetime.now(UTC)
        change = propose(self.chain.ruleset, wanted, author="bench", reason="bench", at=now, change_id=str(number))
        if change is None:
            raise RuntimeError("nothing changes")
        records = change.log_records()
        self.chain.accept(change)
        began = time.perf_counter()
        await self.topic.append("ruleset", records)
        await self.parent.everywhere(change.manifest.version)
        return (time.perf_counter() - began) * 1000

    async def changes(self) -> list[float]:
        """Apply many small changes, one after the other."""
        spent, began = list[float](), time.perf_counter()
        for number in range(CHANGES):
            wanted = dict(self.chain.ruleset.capabilities)
            for name in (CALLED, f"capability-{number % (len(wanted) - 1)}"):
                wanted[name] = wanted[name].model_copy(update={"share": (wanted[name].share + 77) % 10_000})
            spent.append(await self.change(wanted, number))
            await asyncio.sleep(max(0.0, began + (number + 1) * PACE_SECONDS - time.perf_counter()))
        return spent


class Away(AbstractAsyncContextManager[Log]):
    """A Kafka that can't be reached: decision records are dropped."""

    async def __aenter__(self) -> Log:
        """Fail."""
        raise BrokerUnavailableError("kafka", reason="this bench has none")

    async def __aexit__(self, *_: object) -> None:
        """Never happens."""


@asynccontextmanager
async def hub(folder: Path, behind: Backend) -> AsyncGenerator[Hub]:
    """Run the façade."""
    sides = {"legacy": behind.legacy, "modern": behind.modern}
    settings = FacadeSettings.model_validate(
        {
            "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "legacy"}},
            "backends": {name: {"url": f"http://127.0.0.1:{port}"} for name, port in sides.items()},
            "workers": 2,
        }
    )
    topic, spool, copy = Topic(), Spool(folder / "in-doubt"), folder / "ruleset.jsonl"
    feed = Feed(Away, spool=spool, decisions="decisions", in_doubt="in-doubt")

    def start(name: str, sockets: Mapping[str, int]) -> Start:
        return Start(name=name, settings=settings, sockets=sockets, data=folder, ruleset=copy, log_level="ERROR")

    rulesets = RulesetTopic(topic, "ruleset", copy=copy)
    parts = Parts(rulesets=rulesets, feed=feed, spool=spool, tally=Tally())
    parent = Parent(settings, data=folder, parts=parts, report_file=folder / "facade.json", make_start=start)
    running = asyncio.create_task(parent.run())
    try:
        async with asyncio.timeout(60):
            await parent.crew.all_serve.wait()
        yield Hub(parent=parent, topic=topic, chain=Chain())
    finally:
        parent.drain()
        await running


async def serve(rules: int, behind: Backend) -> None:
    """Run the façade in this process: tells its port, changes rules when told to, tells what each change took."""
    logging.configure("ERROR")
    with tempfile.TemporaryDirectory(prefix="banyan-rollout-") as name:
        async with hub(Path(name), behind) as running:
            await running.change(capabilities(rules), -1)
            print(json.dumps({"port": int(running.parent.addresses["main"].rpartition(":")[2])}), flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            print(json.dumps(await running.changes()), flush=True)
            await asyncio.to_thread(sys.stdin.readline)


def half_load(port: int) -> tuple[Load, int]:
    """Return the highest load, and how long each connection has to wait between calls for about half of it."""
    wait_ms, most = 0, load(port, "header", seconds=CALIBRATE_SECONDS, cores=None, connections=CONNECTIONS).done()
    cycle_ms, found = CONNECTIONS / (most.rate / 2) * 1000, most
    for _ in range(2):
        wait_ms = max(1, round(wait_ms + cycle_ms - CONNECTIONS / found.rate * 1000))
        found = load(
            port, "header", seconds=CALIBRATE_SECONDS, cores=None, connections=CONNECTIONS, wait_ms=wait_ms
        ).done()
    return most, wait_ms


def measure(rules: int, behind: Backend, console: Console) -> bool:
    """Measure with so many rules, and tell whether all is as asked."""
    command = [sys.executable, "-m", "bench.rollout", "--serve", str(rules), str(behind.legacy), str(behind.modern)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        port = json.loads(process.stdout.readline())["port"]
        most, wait_ms = half_load(port)
        loading = load(port, "header", seconds=LONGEST_SECONDS, cores=None, connections=CONNECTIONS, wait_ms=wait_ms)
        try:
            time.sleep(1)
            process.stdin.write("go\n")
            process.stdin.flush()
            spent: list[float] = json.loads(process.stdout.readline())
            under_load = loading.process.poll() is None
        finally:
            loading.process.send_signal(signal.SIGINT)  # wrk tells what it saw so far
        found = loading.done()
        process.stdin.write("end\n")
    console.print(
        f"{rules:,} rules, {found.rate:,.0f} of {most.rate:,.0f} calls/s: median {statistics.median(spent):.1f} ms, "
        f"slowest {max(spent):.1f} ms of {len(spent)} changes (bar {AT_MOST_MS:g} ms); failed calls {found.failed} of "
        f"{found.requests:,}; p99 {found.p99_ms:.1f} ms{'' if under_load else '; THE LOAD ENDED BEFORE THE CHANGES'}"
    )
    return max(spent) <= AT_MOST_MS and found.failed == 0 and under_load


def main() -> None:
    """Measure; the exit code tells whether all is as asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.rollout", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--serve", nargs=3, type=int, metavar=("RULES", "LEGACY", "MODERN"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        rules, legacy, modern = given.serve
        asyncio.run(serve(rules, Backend(legacy=legacy, modern=modern)))
        return
    if absent := missing(["wrk", "nginx"]):
        sys.exit("\n".join(absent))
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"rollout to 2 workers; {facts()}")
    with tempfile.TemporaryDirectory(prefix="banyan-rollout-") as name, Processes(Path(name)) as processes:
        behind = backend(processes, Path(name), cores=None)
        met = [measure(rules, behind, console) for rules in RULES]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
