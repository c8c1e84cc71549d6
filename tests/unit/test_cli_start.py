"""A command starts with what it needs: the others' clients, codecs and exporters are not imported for it."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_group

from hub.cli.lazy import Lazy
from hub.cli.root import app
from tests.command_line import BANYAN, banyan

COPYBOOK = Path(__file__).parents[2] / "hub" / "demo" / "benefits.cpy"
HEAVY = {"aiokafka", "confluent_kafka", "cryptography", "fsspec", "lxml", "opentelemetry.sdk", "pyarrow", "zeep"}
RUN = """
import sys
sys.argv = ["banyan", *{arguments}]
from hub.cli import main
try:
    main()
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    """Run a command in a process of its own, and return the modules that it has imported."""
    code = RUN.format(arguments=list(arguments))
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(ran.stderr.split())


def stands(group: TyperGroup, *path: str) -> Iterator[tuple[str, Lazy]]:
    """Yield the commands that are imported late, below a group and by their whole name."""
    for name, command in group.commands.items():
        if isinstance(command, Lazy):
            yield " ".join((*path, name)), command
            if isinstance(loaded := command.load(), TyperGroup):
                yield from stands(loaded, *path, name)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["key", "bucket", "7", "--salt", "s"]])
def test_a_command_without_records_imports_no_arrays_and_no_clients(arguments: list[str]) -> None:
    assert imported(*arguments) & (HEAVY | {"numpy"}) == set()


@pytest.mark.parametrize("arguments", [["--help"], ["inspect", str(COPYBOOK)], ["diff", str(COPYBOOK), str(COPYBOOK)]])
def test_a_command_on_copybooks_imports_no_clients(arguments: list[str]) -> None:
    assert imported("copybook", *arguments) & HEAVY == set()


def test_what_should_not_be_imported_is_imported_by_those_that_need_it() -> None:
    assert {"aiokafka", "opentelemetry.sdk"} <= imported("events", "tail", "--help")


def test_a_list_says_of_a_command_what_that_says_of_itself() -> None:
    told = {name: (stand.help, stand.load().help or "") for name, stand in stands(get_group(app))}

    assert len(told) > 15
    assert {name: both for name, both in told.items() if not both[1].startswith(both[0] or "?")} == {}


def test_a_command_keeps_its_options_and_its_errors() -> None:
    shown = banyan("copybook", "sniff", "--help")

    assert shown.out.startswith("Usage: banyan copybook sniff [OPTIONS] {FILE} {COPYBOOK}")
    assert banyan("copybook", "sniff", "nothing.dat", str(COPYBOOK)).code == 2
    assert banyan("copybook", "snif").code == 2


def test_the_version_is_told() -> None:
    assert banyan("--version").out == f"banyan {version('banyan-hub')}\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("banyan in", ["in-doubt"]),
        ("banyan copybook r", ["reconcile"]),
        ("banyan copybook inspect --dia", ["--dialect"]),
        ("banyan copybook decode --rdw-a", ["--rdw-adjust"]),
    ],
)
def test_a_shell_completes_commands_that_are_not_imported_yet(typed: str, completed: list[str]) -> None:
    asked = {"_BANYAN_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}

    ran = subprocess.run([BANYAN], env=asked, capture_output=True, text=True, check=True, timeout=60)

    assert ran.stdout.split() == completed
