"""Callers of a process that is killed in every phase, into a real Kafka: each message once, each answer true."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from events.connection import Connection
from events.envelope import identity
from tests.facade_faults import free_port
from tests.settled import committed_records
from tests.shop import call, order, signed

CALLERS, ORDERS, KILLS = 4, 6, 4
PHASES = ("after commit", "during commit", "during recovery", "before commit")
LONGEST_DELAY_MS = {"during send": 4.0, "during commit": 4.0, "during recovery": 200.0}


def started(where: list[object], *, phase: str, transaction: int, delay_ms: float) -> subprocess.Popen[bytes]:
    every = [*where, phase, transaction, delay_ms]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.kafka.soap_callback_victim", *map(str, every)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


class Caller(threading.Thread):
    """Places orders, each until it is taken, with a new token for each try."""

    def __init__(self, number: int, url: str) -> None:
        super().__init__(daemon=True)
        self.number, self.url = number, url
        self.answers: dict[str, bytes] = {}
        self.tries = 0

    def run(self) -> None:
        """Go on until all are taken."""
        for each in range(ORDERS):
            name = f"{self.number}-{each}"
            while name not in self.answers:
                self.tries += 1
                try:
                    answer = call(self.url, signed(order(name), os.urandom(16)))
                except OSError:  # it was killed, and has not come back yet
                    time.sleep(0.05)
                    continue
                assert answer.status in {200, 503}, answer
                if answer.status == 200:
                    self.answers[name] = answer.body
                time.sleep(0.1)


@pytest.mark.timeout(400)
async def test_a_message_is_one_event_however_often_its_taker_is_killed(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("BANYAN_TEST_SEED") or time.time_ns() % 1_000_000)
    print(f"\nseed {seed} (BANYAN_TEST_SEED={seed} draws the same)")
    draw, port = random.Random(seed), free_port()
    url = f"http://127.0.0.1:{port}/"
    where: list[object] = [kafka.bootstrap_servers, namespace, port, tmp_path / "marker"]
    callers = [Caller(number, url) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    codes = list[int]()
    for number in range(KILLS):
        phase = PHASES[number % len(PHASES)]
        delay_ms = draw.uniform(0.1, LONGEST_DELAY_MS.get(phase, 0.1))
        codes.append(started(where, phase=phase, transaction=0, delay_ms=delay_ms).wait(60))
    last = started(where, phase="none", transaction=0, delay_ms=0)
    for caller in callers:
        caller.join(120)
    again = call(url, signed(order("0-0"), os.urandom(16)))
    last.terminate()

    assert codes == [-9] * KILLS
    assert last.wait(30) == 0
    names = {f"{caller}-{each}" for caller in range(CALLERS) for each in range(ORDERS)}
    answers = {name: body for caller in callers for name, body in caller.answers.items()}
    assert answers.keys() == names
    assert again.body == answers["0-0"], "the answer to a message that comes again is the same"
    assert all(f">{name}<".encode() in body for name, body in answers.items())
    records = await committed_records(kafka, f"{namespace}.orders")
    told = [json.loads(record.value or b"")["order_id"] for record in records]
    assert sorted(told) == sorted(names), "each message is one event"
    assert len({identity(record.headers) for record in records}) == len(records)
    assert sum(caller.tries for caller in callers) > len(names), "nobody had to try again: nothing was tested"
