"""No file that is kept names a machine or a registry, and what is installed is pinned by its hash."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MACHINE = re.compile(r"(?<![\w.-])/(?:(?:work|root)/|home/\w|Users/\w)")
REGISTRIES = ("pypi", "pythonhosted", "npmjs", "repo1.maven", "repo.maven", "artifactory", "nexus")
LOCKS = {"requirements.lock": 20, "requirements-dev.lock": 20, "requirements-bench.lock": 10}
"""Lock file -> more than how many entries it must have."""
FILES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split("\n")
KEPT = [name for name in FILES if name and (ROOT / name).is_file()]


def text_of(name: str) -> str:
    """Return a file's text; what is no UTF-8 has no words."""
    return (ROOT / name).read_bytes().decode("utf-8", errors="ignore")


def test_no_file_names_a_place_of_a_machine() -> None:
    found = {name: MACHINE.findall(text_of(name)) for name in KEPT}

    assert {name: places for name, places in found.items() if places} == {}


def test_no_file_names_a_registry() -> None:
    here = Path(__file__).relative_to(ROOT).as_posix()
    hosts = re.compile(rf"^.*\b(?:{'|'.join(map(re.escape, REGISTRIES))})[\w-]*\.\w.*$", re.MULTILINE | re.IGNORECASE)
    found = {name: hosts.findall(text_of(name)) for name in KEPT if name != here}

    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_each_requirement_by_hash_and_holds_no_address(lock: str) -> None:
    text = text_of(lock)
    requirements = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if not entry.startswith("#")]

    assert "://" not in text
    assert "--index" not in text
    assert len(requirements) > LOCKS[lock]
    assert [r.splitlines()[0] for r in requirements if "==" not in r.splitlines()[0] or "--hash=sha256:" not in r] == []


def test_what_runs_is_pinned_alike_in_both_locks() -> None:
    run, development = (set(re.findall(r"^([\w.-]+==[\w.+-]+)", text_of(lock), re.MULTILINE)) for lock in [*LOCKS][:2])

    assert run <= development
    assert not {name.partition("==")[0] for name in run} & {
        "pytest",
        "hypothesis",
        "mypy",
        "coverage",
        "testcontainers",
    }


def test_the_detector_sees_what_it_looks_for() -> None:
    """It would be green for ever if the expression were wrong."""
    place = "/" + "work/main"

    assert MACHINE.search(f'path = "{place}"')
    assert MACHINE.search("cd " + "/home/" + "elfrun")
    assert not MACHINE.search("https://example.org/" + "homes/")
