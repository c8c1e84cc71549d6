"""What was in flight is found after a kill at any instant, and nothing else is."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from routers.facade.accounting.inflight import Inflight, InflightCall, create, read
from routers.facade.settings import FacadeSettings
from routers.stage import OperationClass, Side

SAFE, IDEMPOTENT, UNSAFE = OperationClass
KILLS, SECONDS = 300, 12.0


def settings(connections: int = 8) -> FacadeSettings:
    return FacadeSettings.model_validate(
        {
            "listeners": {"soap": {"address": "127.0.0.1:0", "legacy": "old"}},
            "backends": {name: {"url": "http://127.0.0.1:9"} for name in ("old", "new")},
            "limits": {"connections": connections},
        }
    )


@pytest.fixture
def calls(path: Path) -> Iterator[Inflight]:
    opened = Inflight(path)
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(tmp_path / "0-1.inflight", settings())
    return tmp_path / "0-1.inflight"


def test_an_unsafe_call_that_was_sent_is_found_with_all_that_is_known(path: Path, calls: Inflight) -> None:
    slot = calls.begin("r-1", "addresses/change", UNSAFE, "k1:8c55b48269f7c7d2")
    calls.sent(slot, Side.MODERN, "new")

    [call] = read(path)
    assert call == InflightCall(
        operation=UNSAFE,
        request_id="r-1",
        route="addresses/change",
        key_hash="k1:8c55b48269f7c7d2",
        side=Side.MODERN,
        backend="new",
    )
    assert call.in_doubt


def test_a_call_that_was_not_sent_is_not_in_doubt(path: Path, calls: Inflight) -> None:
    calls.begin("r-1", None, UNSAFE, None)

    [call] = read(path)
    assert (call.side, call.backend, call.route, call.key_hash, call.in_doubt) == (None, None, None, None, False)


def test_a_second_attempt_replaces_the_first(path: Path, calls: Inflight) -> None:
    slot = calls.begin("r-1", "addresses/change", UNSAFE, None)
    calls.sent(slot, Side.MODERN, "new")
    calls.sent(slot, Side.LEGACY, "old")

    [call] = read(path)
    assert (call.request_id, call.side, call.backend) == ("r-1", Side.LEGACY, "old")


def test_a_call_that_ended_is_gone_and_its_slot_is_used_again(path: Path, calls: Inflight) -> None:
    slot = calls.begin("r-1", "a-route/with-a-long-name", UNSAFE, None)
    calls.end(slot)

    assert read(path) == []
    assert calls.begin("r-2", None, UNSAFE, None) == slot
    assert [call.request_id for call in read(path)] == ["r-2"]


@pytest.mark.parametrize("operation", [SAFE, IDEMPOTENT])
def test_a_call_that_may_be_repeated_is_only_counted(path: Path, calls: Inflight, operation: OperationClass) -> None:
    calls.sent(calls.begin("r-1", "addresses/change", operation, "k1:0"), Side.LEGACY, "old")

    [call] = read(path)
    assert (call.operation, call.request_id, call.route, call.in_doubt) == (operation, None, None, False)


def test_more_calls_than_connections_find_room(path: Path, calls: Inflight) -> None:
    slots = [calls.begin(f"r-{n}", "addresses/change", UNSAFE, None) for n in range(50)]
    for slot in slots:
        calls.sent(slot, Side.LEGACY, "old")
    for slot in slots[:40]:
        calls.end(slot)

    assert len(set(slots)) == 50
    assert sorted(call.request_id or "" for call in read(path)) == [f"r-{n}" for n in range(40, 50)]
    assert calls.begin("r-50", None, SAFE, None) in slots[:40]


def test_an_id_that_is_too_long_loses_its_end_and_no_more(path: Path, calls: Inflight) -> None:
    calls.sent(calls.begin("ü" * 5000, "addresses/change", UNSAFE, "k1:0"), Side.LEGACY, "old")
    calls.begin("next", None, UNSAFE, None)

    first, second = sorted(read(path), key=lambda call: call.side is None)
    assert (first.route, first.key_hash, first.backend) == ("addresses/change", "k1:0", "old")
    assert (first.request_id or "").startswith("ü" * 200)
    assert second.request_id == "next"


def test_a_backend_that_the_settings_do_not_have_is_left_open(path: Path, calls: Inflight) -> None:
    calls.sent(calls.begin("r-1", None, UNSAFE, None), Side.MODERN, "elsewhere")

    [call] = read(path)
    assert (call.side, call.backend, call.in_doubt) == (Side.MODERN, None, True)


def test_a_file_that_was_not_made_to_its_end_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "zeros").write_bytes(bytes(8192))

    assert read(tmp_path / "empty") == read(tmp_path / "zeros") == []


def test_the_file_is_locked_while_its_worker_lives_even_when_it_grew(path: Path, calls: Inflight) -> None:
    for n in range(20):
        calls.begin(f"r-{n}", None, SAFE, None)

    with pytest.raises(BlockingIOError):
        Inflight(path)
    calls.close()
    Inflight(path).close()
    assert len(read(path)) == 20


def work(path: Path, told: int, seed: int) -> None:
    """Begin, send and end calls, and tell of each step, until killed: what is told counts, not what was meant."""
    calls, draw, number = Inflight(path), random.Random(seed), 0
    open_calls: list[tuple[int, str]] = []
    while True:
        number += 1
        name = f"{number}"
        os.write(told, f"begin {name}\n".encode())
        slot = calls.begin(name, "addresses/change", UNSAFE, "k1:0")
        calls.sent(slot, Side.MODERN, "new")
        if draw.random() < 0.3:
            calls.sent(slot, Side.LEGACY, "old")
        os.write(told, f"socket {name}\n".encode())
        other = calls.begin("-", None, SAFE, None)
        calls.sent(other, Side.LEGACY, "old")
        calls.end(other)
        open_calls.append((slot, name))
        while len(open_calls) > draw.randrange(12):
            slot, name = open_calls.pop(draw.randrange(len(open_calls)))
            os.write(told, f"ending {name}\n".encode())
            calls.end(slot)
            os.write(told, f"ended {name}\n".encode())


def killed(path: Path, draw: random.Random) -> dict[str, set[str]]:
    """Kill a process at work, and return what it told: step -> the calls that came so far."""
    listening, told = os.pipe()
    seed = draw.randrange(1 << 30)
    pid = os.fork()
    if pid == 0:
        try:
            os.close(listening)
            work(path, told, seed)
        finally:
            os._exit(1)
    os.close(told)
    # The pipe is small: reading goes on until the kill, or the process would wait for us at one of few places.
    data = bytearray(os.read(listening, 1))
    until = time.perf_counter() + draw.random() * 0.01
    while time.perf_counter() < until:
        data += os.read(listening, 65536)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    while more := os.read(listening, 65536):
        data += more
    os.close(listening)
    steps: dict[str, set[str]] = {"begin": set(), "socket": set(), "ending": set(), "ended": set()}
    for line in data.decode().splitlines():
        step, name = line.split()
        steps[step].add(name)
    return steps


def kill_again_and_again(path: Path, seed: int) -> tuple[int, int]:
    """Return how many kills there were, and how many calls were in doubt after them."""
    draw, until, kills, found = random.Random(seed), time.monotonic() + SECONDS, 0, 0
    while kills < KILLS and time.monotonic() < until:
        create(path, settings(connections=4))  # so few that it grows at work
        steps = killed(path, draw)
        doubted = {call.request_id or "" for call in read(path) if call.in_doubt}
        lost = (steps["socket"] - steps["ending"]) - doubted
        invented = doubted - (steps["begin"] - steps["ended"])
        if lost or invented:
            sys.exit(f"kill {kills}: lost {sorted(lost)}, invented {sorted(invented)}")
        kills, found = kills + 1, found + len(doubted)
    return kills, found


def test_a_kill_at_any_instant_loses_no_call_that_was_sent_and_invents_none(tmp_path: Path) -> None:
    """In a process without threads, from which it is safe to fork: this file, run as a program."""
    seed = random.SystemRandom().randrange(1 << 32)
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, __file__, str(tmp_path / "0-1.inflight"), str(seed)]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert ran.returncode == 0, f"seed {seed}: {ran.stderr}"
    kills, found = map(int, ran.stdout.split())
    print(f"seed {seed}: {kills} kills, {found} calls in doubt")
    assert kills > 50
    assert found > 0


if __name__ == "__main__":
    print(*kill_again_and_again(Path(sys.argv[1]), int(sys.argv[2])))
