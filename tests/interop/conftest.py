"""Two servers of each stack, started once for all tests that use them, and the table of what held."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.command_line import BANYAN
from tests.interop.peers import STACKS, Pair, Stack

_HELD = pytest.StashKey[list[tuple[str, str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_HELD] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what held: server, client, what."""
    order = [stack.name for stack in STACKS]
    told: list[tuple[str, str, str]] = config.stash[_HELD]
    rows = sorted(dict.fromkeys(told), key=lambda row: order.index(row[0]))
    versions = {stack.name: stack.version() for stack in STACKS if any(row[0] == stack.name for row in rows)}
    terminalreporter.section("what held")
    terminalreporter.write_line(f"{'server':26}{'client':14}what")
    for server, client, what in rows:
        terminalreporter.write_line(f"{server + ' ' + versions[server]:26}{client:14}{what}")


@pytest.fixture(scope="session")
def held(request: pytest.FixtureRequest) -> Callable[[Pair, str, str], None]:
    """Tell what held between a server and a client."""
    rows = request.config.stash[_HELD]
    return lambda pair, client, what: rows.append((pair.stack.name, client, what))


@pytest.fixture(scope="session", params=STACKS, ids=lambda stack: stack.name)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two servers of a stack that run, and the contract of one; skips where the stack is missing."""
    stack: Stack = request.param
    if (reason := stack.unavailable()) is not None:
        pytest.skip(reason)
    one, other, contract = (tmp_path_factory.mktemp(f"{stack.name}-{name}") for name in ("legacy", "modern", "wsdl"))
    with stack.start(one) as legacy, stack.start(other) as modern:
        done = subprocess.run(
            [BANYAN, "wsdl", "import", legacy.wsdl, "--into", str(contract)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield Pair(stack=stack, legacy=legacy, modern=modern, contract=contract)
