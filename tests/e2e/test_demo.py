"""`banyan demo` as its user runs it: every count holds, and what does not hold ends the process otherwise."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.demo.extract import RECORD_LENGTH, make
from hub.demo.story import Tally

BANYAN = Path(sys.executable).with_name("banyan")
WITHOUT_ITS_SERVICE = """
import sys
from hub.cli import main
from hub.demo import stage, story

start = stage._process
stage._process = lambda module, *arguments: start("this" if module == "hub.demo.view" else module, *arguments)
story._RECEIVE_SECONDS = 1
sys.argv = ["banyan", "demo", "--json"]
main()
"""
HOLDS = Tally(source="s", read=10, published=8, received=8, lost=0, doubled=0, dead=2, planted=2)


def run(*command: str | Path, cwd: Path) -> tuple[int, dict[str, Any], str]:
    """Run a command among settings that would break it if it read them; return code, tallies and what it told."""
    (cwd / "banyan.yaml").write_text("namespase: x\n")
    environ = {**os.environ, "BANYAN_NAMESPACE": "prod", "BANYAN_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    ran = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=100)
    return ran.returncode, {tally["source"]: tally for tally in json.loads(ran.stdout)}, ran.stderr


def test_the_demo_loses_and_doubles_nothing(tmp_path: Path) -> None:
    code, tallies, told = run(BANYAN, "demo", "--json", cwd=tmp_path)

    assert code == 0, told
    assert tallies == {
        "residents": {
            "source": "residents",
            "read": 217,
            "published": 217,
            "received": 217,
            "lost": 0,
            "doubled": 0,
            "dead": 0,
            "planted": 0,
        },
        "benefits": {
            "source": "benefits",
            "read": 2000,
            "published": 1994,
            "received": 1994,
            "lost": 0,
            "doubled": 0,
            "dead": 6,
            "planted": 6,
        },
    }
    assert "Embedded broker: in memory only" in told
    assert told.count("holds") == 2
    assert "201 residents and 1,994 payments" in told
    assert told.count("send ") >= 2
    assert told.count("process demo.") >= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["banyan.yaml"]


def test_the_demo_tells_what_a_service_that_does_not_run_has_lost(tmp_path: Path) -> None:
    code, tallies, told = run(sys.executable, "-c", WITHOUT_ITS_SERVICE, cwd=tmp_path)

    assert code == 1
    assert {source: (tally["received"], tally["lost"]) for source, tally in tallies.items()} == {
        "residents": (0, 217),
        "benefits": (0, 1994),
    }
    assert told.count("fails") == 2
    assert "Traceback" not in told


@pytest.mark.parametrize("off", ["read", "published", "received", "lost", "doubled", "dead", "planted"])
def test_one_count_that_is_off_does_not_hold(off: str) -> None:
    assert HOLDS.holds
    assert not replace(HOLDS, **{off: getattr(HOLDS, off) + 1}).holds


def test_the_file_is_the_same_in_every_run_and_tells_what_was_planted() -> None:
    extract = make(50, planted=3)

    assert len(extract.data) == 50 * RECORD_LENGTH
    assert (extract.records, extract.planted) == (50, 3)
    assert make(50, planted=3) == extract
    clean = make(50).data
    damaged = [
        n
        for n in range(0, len(clean), RECORD_LENGTH)
        if clean[n : n + RECORD_LENGTH] != extract.data[n : n + RECORD_LENGTH]
    ]
    assert len(damaged) == 3
