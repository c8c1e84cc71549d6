"""A façade, both sides and their callers, all in processes of their own; and what must hold of all calls afterwards."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from contracts.ports import LogRecord
from routers.decision import decide
from routers.facade.process.spool import Spool
from routers.rulesets.capability import Capability
from routers.rulesets.ruleset import EMPTY
from tests import facade_load
from tests.facade_load import CAPABILITY, Call
from tests.facade_process import Facade, running_facade

__all__ = ["RULES", "Load", "Side", "World", "counts", "drawn_seed", "home", "kill_counting", "loading", "world"]

_PATIENCE_SECONDS = 30.0

RULES: Mapping[str, Any] = {"capabilities": {"people": CAPABILITY}}
_RULESET = EMPTY.changed({"people": Capability.model_validate(CAPABILITY)}, version=1, hash_="0" * 64)


@final
class Side:
    """A backend in a process of its own, on a port that stays."""

    def __init__(self, name: str, folder: Path, *, delay_ms: int) -> None:
        self.name, self.port = name, free_port()
        self._notes, self._delay_ms = folder / f"{name}.notes", delay_ms
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self._process = _spawn("side", self.name, self.port, self._notes, self._delay_ms)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            _end(self._process, signal.SIGKILL)

    def hang(self) -> None:
        """Let it do nothing; the system still takes connections and bytes for it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it do what it has been asked meanwhile."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def answers(self, calls: int) -> None:
        """Wait until it has answered so many more calls; for a while after a fault it is left alone."""
        goal = self.answered.total() + calls
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self.answered.total() < goal:
                await asyncio.sleep(0.05)

    @property
    def received(self) -> Counter[str]:
        """Return how often it received each call, by id."""
        return Counter(self._noted("R"))

    @property
    def answered(self) -> Counter[str]:
        """Return how often it answered each call, by id; the answer need not have left it."""
        return Counter(self._noted("A"))

    def _noted(self, what: str) -> Iterator[str]:
        for line in self._notes.read_text().splitlines():
            kind, _, call = line.partition(" ")
            if kind == what:
                yield call


@final
class Load:
    """Callers in a process of their own."""

    def __init__(self, notes: Path, process: subprocess.Popen[bytes]) -> None:
        self._notes, self._process = notes, process

    @property
    def count(self) -> int:
        """Return how many calls have ended."""
        return self._notes.read_bytes().count(b"\n")

    async def more(self, calls: int) -> None:
        """Wait until so many more calls have ended."""
        goal = self.count + calls
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self.count < goal:
                await asyncio.sleep(0.05)

    def stop(self) -> Sequence[Call]:
        """Let the callers end the calls that they have begun, and return all calls."""
        _end(self._process, signal.SIGTERM)
        return [Call(**json.loads(line)) for line in self._notes.read_text().splitlines()]


@contextmanager
def loading(folder: Path, port: int, *, seed: int, rate: int = 400, connections: int = 24) -> Generator[Load]:
    """Call a port steadily until the block ends."""
    notes = folder / "calls"
    notes.touch(exist_ok=False)
    process = _spawn("load", port, notes, seed, rate, connections)
    try:
        yield Load(notes, process)
    finally:
        _end(process, signal.SIGTERM)


def free_port() -> int:
    """Return a port below those that the system gives to connections.

    Else somebody who tries in vain to connect to the port of a dead server might in the end be given the very same
    port for his own end, and would be connected with himself.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


def _spawn(*arguments: object) -> subprocess.Popen[bytes]:
    """Start a process of `facade_load`; it ends when this process does."""
    command = [sys.executable, facade_load.__file__, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def _end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


@dataclass(kw_only=True)
class World:
    """Two sides that run, and all that a façade before them is told."""

    folder: Path
    port: int
    legacy: Side
    modern: Side
    facade: Mapping[str, Any]
    settings: Mapping[str, Any]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Facade]:
        """Run the façade until the block ends; the next one is on the same port, with the same folder."""
        async with running_facade(self.folder, facade=self.facade, rules=RULES, **self.settings) as facade:
            yield facade

    @property
    def spooled(self) -> Sequence[Mapping[str, Any]]:
        """Return the in-doubt records on the disk."""
        spool, kept = Spool(self.folder / "data" / "facade" / "in-doubt"), list[LogRecord]()
        for batch in spool.batches():
            with suppress(FileNotFoundError):  # it is in Kafka meanwhile
                kept += spool.read(batch)
        return [json.loads(record.value or b"") for record in kept]

    def assert_unsafe_calls_are_accounted_for(self, calls: Sequence[Call], doubts: Iterable[Mapping[str, Any]]) -> None:
        """Compare what callers were told of unsafe calls with what the sides did, and with the in-doubt records."""
        legacy, modern = self.legacy.received, self.modern.received
        doubted = Counter(doubt["request_id"] for doubt in doubts if doubt["class"] == "unsafe")
        unsafe = [call for call in calls if call.operation == "unsafe"]
        told = [call.id for call in unsafe if call.outcome == "in_doubt"]

        assert doubted == Counter(told)
        assert {call.id for call in unsafe if legacy[call.id] + modern[call.id] > 1} == set()
        answers = {"legacy": self.legacy.answered, "modern": self.modern.answered}
        assert [call for call in unsafe if call.outcome == "answered" and answers[call.side][call.id] != 1] == []
        assert [call for call in unsafe if call.outcome not in {"answered", "in_doubt", "failed"}] == []
        received_and_failed = [
            call for call in unsafe if call.outcome == "failed" and legacy[call.id] + modern[call.id]
        ]
        assert received_and_failed == []

    def assert_writes_that_legacy_took_over_are_owed(
        self, calls: Sequence[Call], doubts: Iterable[Mapping[str, Any]]
    ) -> None:
        """Every idempotent write of a person on the modern side that legacy answered has a record, and no other."""
        owed = Counter(doubt["request_id"] for doubt in doubts if doubt["class"] == "idempotent")
        taken = [call.id for call in calls if call.operation == "idempotent" and call.side == "legacy" != home(call)]
        assert owed == Counter(taken)


@asynccontextmanager
async def world(
    folder: Path,
    *,
    workers: int = 2,
    timeout_seconds: float = 10,
    delay_ms: int = 15,
    settings: Mapping[str, Any] | None = None,
    **facade: Any,
) -> AsyncGenerator[World]:
    """Start both sides; they are gone when the block ends."""
    sides = {name: Side(name, folder, delay_ms=delay_ms) for name in ("legacy", "modern")}
    port = free_port()
    told = {
        "listeners": {"main": {"address": f"127.0.0.1:{port}", "legacy": "legacy"}},
        "backends": {
            name: {"url": f"http://127.0.0.1:{side.port}", "timeout": timeout_seconds} for name, side in sides.items()
        },
        "workers": workers,
        **facade,
    }
    try:
        for side in sides.values():
            side.start()
        yield World(folder=folder, port=port, facade=told, settings=settings or {}, **sides)
    finally:
        for side in sides.values():
            side.kill()


def home(call: Call) -> str:
    """Return the side that the rules give a call to."""
    return str(decide(_RULESET, f"people/{call.route}", call.key).side)


def counts(calls: Collection[Call], **more: object) -> str:
    """Return how many calls ended how, for people."""
    ended = Counter(f"{call.operation} {call.outcome}{f' by {call.side}' if call.side else ''}" for call in calls)
    facts = ", ".join(f"{name}: {count}" for name, count in sorted(ended.items()))
    return f"{len(calls)} calls: {facts}" + "".join(f"; {name} {value}" for name, value in more.items())


def drawn_seed() -> int:
    """Return the seed of a test and tell it; BANYAN_TEST_SEED gives the same again."""
    seed = int(os.environ.get("BANYAN_TEST_SEED") or random.randrange(2**32))
    print(f"seed {seed} (again with BANYAN_TEST_SEED={seed})")
    return seed


def _connections_of(pid: int, port: int) -> int:
    """Return how many connections of callers a worker has accepted."""
    folder, held = Path(f"/proc/{pid}/fd"), set[str]()
    for entry in folder.iterdir():
        with suppress(FileNotFoundError):  # the worker closes others meanwhile
            held.add(entry.readlink().name.removeprefix("socket:[").removesuffix("]"))
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    local = f":{port:04X}"
    listens = "0A"
    return sum(line[1].endswith(local) and line[3] != listens and line[9] in held for line in lines)


def kill_counting(pid: int, port: int) -> int:
    """Kill a worker, and return how many connections of callers it had right before."""
    connections = _connections_of(pid, port)
    os.kill(pid, signal.SIGKILL)
    return connections
