"""`banyan demo` as its user runs it: every count holds, and what does not hold ends the process otherwise."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from events.envelope import Envelope
from hub.demo.callers import Caller, Round
from hub.demo.evidence import Channels, Evidence, Outage, Rehearsed, Tally, Traced
from hub.demo.extract import RECORD_LENGTH, make
from hub.demo.modern import Modern
from hub.demo.registry import Registry, Resident, serve

BANYAN = Path(sys.executable).with_name("banyan")
WITHOUT_ITS_SERVICE = """
import sys
from hub.cli import main
from hub.demo import story
from hub.demo.part import Part

start = Part.__init__

def init(self, module, *arguments, log):
    start(self, "this" if module == "hub.demo.view" else module, *arguments, log=log)

Part.__init__ = init
story._RECEIVE_SECONDS = 1
sys.argv = ["banyan", "demo", "--json"]
main()
"""
HOLDS = Tally(source="s", read=10, published=8, received=8, lost=0, doubled=0, dead=2, planted=2)
ONE_SIDE = Channels(
    source="25 %",
    share=2_500,
    residents=198,
    calls=603,
    unanswered=0,
    soap=46,
    batch=46,
    records=2_000,
    modern_records=460,
    apart=0,
    both=0,
    unexplained=0,
)
REHEARSED = Rehearsed(source="rehearsal", items=3, events=3, dead=0)
KILLED = Outage(source="k", calls=9, failed=0, wrong=0, again=1, fell_back=2, owed=1, older=1)


def run(*command: str | Path, cwd: Path) -> tuple[int, dict[str, Any], str]:
    """Run a command among settings that would break it if it read them; return code, evidence and what it told."""
    (cwd / "banyan.yaml").write_text("namespase: x\n")
    environ = {**os.environ, "BANYAN_NAMESPACE": "prod", "BANYAN_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    ran = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=100)
    return ran.returncode, {found["source"]: found for found in json.loads(ran.stdout)}, ran.stderr


def tally(source: str, *, read: int, planted: int = 0) -> dict[str, object]:
    """Return the counts of a source of which nothing was lost."""
    good = read - planted
    counts = {"read": read, "published": good, "received": good, "lost": 0, "doubled": 0}
    return {"source": source, **counts, "dead": planted, "planted": planted}


def test_the_demo_loses_and_doubles_nothing_and_moves_everybody(tmp_path: Path) -> None:
    code, found, told = run(BANYAN, "demo", "--json", cwd=tmp_path)

    assert code == 0, told
    assert found["rehearsal"] == {"source": "rehearsal", "items": 50, "events": 50, "dead": 0}
    assert found["residents"] == tally("residents", read=217)
    assert found["benefits"] == tally("benefits", read=2000, planted=6)
    assert found["modern"] == tally("modern", read=found["modern"]["read"])
    on_modern = {share: (found[share]["soap"], found[share]["batch"]) for share in ("0 %", "25 %", "100 %")}
    assert on_modern == {"0 %": (0, 0), "25 %": (46, 46), "100 %": (198, 198)}
    assert [found[killed]["failed"] for killed in ("the modern side", "each worker")] == [0, 0]
    assert found["the modern side"]["fell_back"] > 0
    assert set(found["trace"]["services"]) == {"caller", "facade", "modern", "resident-view"}
    assert "Embedded broker: in memory only" in told
    assert told.count("holds") == 8
    assert "201 residents and 1,994 payments" in told
    assert "process demo.benefits" in told
    assert "process demo.residents" in told
    assert "Traceback" not in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["banyan.yaml"]


def test_the_demo_tells_what_a_service_that_does_not_run_has_lost(tmp_path: Path) -> None:
    code, found, told = run(sys.executable, "-c", WITHOUT_ITS_SERVICE, cwd=tmp_path)

    assert code == 1
    lost = {
        source: (found[source]["received"], found[source]["lost"]) for source in ("residents", "benefits", "modern")
    }
    assert lost == {"residents": (0, 217), "benefits": (0, 1994), "modern": (0, found["modern"]["read"])}
    assert "resident-view" not in found["trace"]["services"]
    assert told.count("fails") == 3, told
    assert "Traceback" not in told


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_of_the_demo_stays_when_it_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    mark = f"TMPDIR={tmp_path}"
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with (
        heeding(signal.SIGINT),
        subprocess.Popen([BANYAN, "demo"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as demo,
    ):
        wait_until(lambda: any(tmp_path.glob("banyan-demo-*/ruleset.jsonl")))
        assert len(marked(mark)) > 5
        demo.send_signal(number)
        _, told = demo.communicate(timeout=60)

    assert demo.returncode != 0
    assert b"Traceback" not in told
    wait_until(lambda: not marked(mark))
    assert number is signal.SIGKILL or not list(tmp_path.iterdir())


@contextmanager
def heeding(number: signal.Signals) -> Generator[None]:
    """Let processes heed a signal that are started meanwhile: a job in the background is started to ignore Ctrl-C."""
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def wait_until(condition: Any) -> None:
    async def turns() -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.1)

    asyncio.run(turns())


def marked(mark: str) -> list[str]:
    """Return the processes that live in this environment."""
    return [
        process.name for process in Path("/proc").glob("[0-9]*") if mark.encode() in environ_of(process).split(b"\0")
    ]


def environ_of(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return b""


@pytest.mark.parametrize("off", ["read", "published", "received", "lost", "doubled", "dead", "planted"])
def test_one_count_that_is_off_does_not_hold(off: str) -> None:
    assert HOLDS.holds
    assert not replace(HOLDS, **{off: getattr(HOLDS, off) + 1}).holds


@pytest.mark.parametrize(
    "off",
    [
        replace(ONE_SIDE, unanswered=1),
        replace(ONE_SIDE, apart=1),
        replace(ONE_SIDE, both=1),
        replace(ONE_SIDE, unexplained=1),
        replace(ONE_SIDE, calls=0),
        replace(ONE_SIDE, batch=47),
        replace(ONE_SIDE, soap=110, batch=110),
        replace(ONE_SIDE, share=0),
        replace(ONE_SIDE, share=10_000),
        replace(KILLED, failed=1),
        replace(KILLED, wrong=1),
        replace(KILLED, again=0, fell_back=0),
        Traced(source="trace", services=("caller",), expected=("caller", "modern")),
        replace(REHEARSED, events=2),
        replace(REHEARSED, dead=1),
        replace(REHEARSED, items=0, events=0),
    ],
)
def test_what_is_off_in_the_second_half_does_not_hold(off: Evidence) -> None:
    assert ONE_SIDE.holds
    assert KILLED.holds
    assert REHEARSED.holds
    assert not off.holds


def test_the_file_is_the_same_in_every_run_and_tells_what_was_planted() -> None:
    extract = make(50, planted=3)

    assert len(extract.data) == 50 * RECORD_LENGTH
    assert (extract.records, extract.planted) == (50, 3)
    assert extract.residents[:2] == ["0000000001", "0000000002"]
    assert make(50, planted=3) == extract
    clean = make(50).data
    damaged = [
        n
        for n in range(0, len(clean), RECORD_LENGTH)
        if clean[n : n + RECORD_LENGTH] != extract.data[n : n + RECORD_LENGTH]
    ]
    assert len(damaged) == 3


def recorded(number: int, *, street: str, at: datetime, event: str) -> Envelope:
    """Return an event of the legacy registry."""
    data = {
        "resident_id": str(number),
        "name": "Corvina Distelfink",
        "street": street,
        "city": "Luftwurz",
        "born": None,
        "status": "active",
    }
    source = "/banyan/demo/residents"
    return Envelope(id=event, source=source, type="t", data=json.dumps(data).encode(), time=at, subject=str(number))


@pytest.fixture
def modern(tmp_path: Path) -> Iterator[Modern]:
    with closing(Modern(tmp_path / "modern.sqlite")) as store:
        store.take(recorded(42, street="Moosweg 1", at=datetime(2026, 1, 1, tzinfo=UTC), event="e1"))
        yield store


def test_the_modern_side_tells_a_change_once_until_it_was_sent(modern: Modern) -> None:
    moved = [modern.settle("00000042", "Moosweg 2", "Luftwurz") for _ in range(2)]

    assert moved[0] == moved[1] == modern.get("00000042")
    [(number, key, value, *_)] = modern.unsent()
    assert (key, json.loads(value)["street"]) == ("42", "Moosweg 2")
    modern.sent([number])
    assert not modern.unsent()
    assert modern.settle("00000043", "Moosweg 2", "Luftwurz") is None


def test_the_modern_side_takes_an_event_once_and_keeps_what_is_newer(modern: Modern) -> None:
    late = datetime(2200, 1, 1, tzinfo=UTC)
    modern.settle("00000042", "Moosweg 2", "Luftwurz")
    modern.take(recorded(42, street="Moosweg 3", at=datetime(2026, 1, 2, tzinfo=UTC), event="e2"))
    assert [resident.street for resident in modern.listed()] == ["Moosweg 2"]

    modern.take(recorded(42, street="Moosweg 4", at=late, event="e3"))
    modern.take(Envelope(id="e3", source="s", type="t", data=None, subject="42"))
    assert [resident.street for resident in modern.listed(late)] == ["Moosweg 4"]

    modern.take(Envelope(id="e4", source="s", type="t", data=None, subject="42"))
    assert modern.listed() == []


class Liar(Registry):
    """Answers with somebody else, or with what was so before."""

    def __init__(self) -> None:
        super().__init__(count=2)
        self.lies: list[Resident | None] = []

    def get(self, number: str) -> Resident | None:
        return self.lies.pop() if self.lies else super().get(number)


async def test_a_caller_finds_out_wrong_answers_old_answers_and_faults() -> None:
    registry, result = Liar(), Round()
    with serve(registry) as address:
        caller = Caller(address, 0)
        await caller.visit("00000001", act="first", street="Moosweg 9", result=result)
        assert (result.calls, result.answered) == (3, 3)

        before = Registry(count=2).get("00000001")
        registry.lies = [None, before, registry.get("00000002")]
        for _ in range(2):
            await caller.visit("00000001", act="second", street="Moosweg 9", result=result)
        caller.close()

    assert (result.wrong, result.older, result.failed, result.again) == (1, 1, 1, 0)
    assert result.told == ["GetResident: 500"]


async def test_a_caller_without_anybody_to_call_gives_up() -> None:
    result = Round()
    with serve(Registry(count=1)) as address:
        pass

    await Caller(address, 0).move("00000001", act="act", street="Moosweg 9", result=result)

    assert (result.failed, result.again) == (1, 5)
