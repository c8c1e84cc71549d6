"""A snapshot of a living register into a real Kafka, killed in every phase: it goes on, and says what is true."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adapters.soap.http import Request
from events.connection import Connection
from events.envelope import identity
from tests.register import Register
from tests.settled import committed_records, committed_state

ENTRIES, KILLS = 45, 12
PHASES = ("before begin", "during send", "before commit", "during commit", "after commit", "during recovery")
LONGEST_DELAY_MS = {"during send": 4.0, "during commit": 4.0, "during recovery": 200.0}


@contextmanager
def served(register: Register) -> Generator[str]:
    """Serve a register over HTTP, one call at a time."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                status, body = register.answer(Request(url="", body=data))
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def run(arguments: list[object], folder: Path, *, phase: str, transaction: int, delay_ms: float) -> int:
    """Run the victim and return its exit code."""
    every = [*arguments, folder / "request", folder / "marker", phase, transaction, delay_ms]
    return subprocess.run(
        [sys.executable, "-m", "tests.kafka.soap_snapshot_victim", *map(str, every)],
        check=False,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).returncode


@pytest.mark.timeout(400)
async def test_a_snapshot_that_is_killed_again_and_again_goes_on_and_is_true(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("BANYAN_TEST_SEED") or time.time_ns() % 1_000_000)
    print(f"\nseed {seed} (BANYAN_TEST_SEED={seed} draws the same)")
    draw, codes = random.Random(seed), Counter[int]()
    register = Register(lambda: datetime.now(UTC))
    for number in range(ENTRIES):
        register.put(f"{number:03d}", "Ada")
    register.meanwhile = lambda register: _change(register, draw)
    with served(register) as url:
        where: list[object] = [kafka.bootstrap_servers, namespace, url]
        for number in range(KILLS):
            phase = PHASES[number % len(PHASES)]
            delay_ms = draw.uniform(0.1, LONGEST_DELAY_MS.get(phase, 0.1))
            codes[run(where, tmp_path, phase=phase, transaction=draw.randint(0, 5), delay_ms=delay_ms)] += 1
        running = json.loads((await _checkpoint(kafka, namespace)) or b"{}").get("snapshot")
        register.meanwhile = lambda _register: None
        (tmp_path / "request").write_text("once more, and quiet")

        last = [run(where, tmp_path, phase="none", transaction=0, delay_ms=0) for _ in range(2)]

    assert (last, codes) == ([0, 0], {-9: KILLS})
    assert running is not None, "all of it was read before the last kill"
    assert running["chunks"] > 0, "no chunk was kept over a kill"
    records = await committed_records(kafka, f"{namespace}.entries")
    ids = [identity(record.headers)[1] for record in records]
    assert len(set(ids)) == len(ids), "an event was doubled"
    told = {(record.key or b"").decode(): json.loads(record.value or b"null") for record in records}
    assert {key: value["name"] for key, value in told.items() if value is not None} == register.names
    state = await committed_state(kafka, f"{namespace}.state.register")
    assert not [key for key in state if b"\0" in key], "marks outlive their snapshot"


async def _checkpoint(kafka: Connection, namespace: str) -> bytes | None:
    state = await committed_state(kafka, f"{namespace}.state.register")
    return next((record.value for key, record in state.items() if key.endswith(b"poll:Changes")), None)


def _change(register: Register, draw: random.Random) -> None:
    for _ in range(draw.randint(0, 2)):
        key = f"{draw.randrange(ENTRIES + 20):03d}"
        if draw.random() < 0.4:
            register.delete(key)
        else:
            register.put(key, draw.choice(["Ada", "Grace", "Mary"]), place=draw.randrange(ENTRIES))
