"""Servers of six stacks that are not ours, with the same residents; each is ended by whoever started it."""

import os
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.error import URLError
from urllib.request import urlopen

from hub.local_kafka.state import free_ports
from tests import jaxws_server
from tests.interop import builds
from tests.interop.builds import CONTRACT, HERE
from tests.interop.residents import Residents
from tests.npm import installed
from tests.soap_clients import callers
from tests.soap_clients.world import write_residents

__all__ = ["ENCODED", "LITERAL", "STACKS", "Pair", "Peer", "Register", "Stack"]

_SECONDS = 30.0


class Register(Protocol):
    """The residents of a server."""

    def put(self, number: str, name: str, *, city: str = "Altfeigen") -> None:
        """Add a resident, or change one."""
        ...

    def delete(self, number: str) -> None:
        """Remove a resident."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server that runs."""

    address: str
    """`http://host:port/path` of the service."""
    wsdl: str
    """Where its contract is: an address, or a file."""
    residents: Register

    @property
    def host(self) -> str:
        """Return its `host:port`."""
        return self.address.split("/")[2]

    @property
    def path(self) -> str:
        """Return the path of its service."""
        return "/" + self.address.split("/", 3)[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One that servers can be started of."""

    name: str
    start: Callable[[Path], AbstractContextManager[Peer]]
    """Starts one with its files in a folder."""
    version: Callable[[], str]
    unavailable: Callable[[], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A legacy side and its modern twin, both of one stack."""

    stack: Stack
    legacy: Peer
    modern: Peer
    contract: Path
    """The folder into which `banyan wsdl import` took the contract of the legacy side."""


@contextmanager
def _jaxws(folder: Path, *, project: Path = jaxws_server.REFERENCE) -> Generator[Peer]:
    file = folder / "residents.xml"
    write_residents(file)
    with jaxws_server.running(file, project=project) as server:
        yield Peer(address=server.address, wsdl=server.wsdl, residents=server)


def _cxf(folder: Path) -> AbstractContextManager[Peer]:
    return _jaxws(folder, project=jaxws_server.CXF)


def _residents(folder: Path) -> Residents:
    residents = Residents(folder / "residents.tsv")
    residents.fill()
    return residents


@contextmanager
def _php(folder: Path) -> Generator[Peer]:
    residents = _residents(folder)
    [port] = free_ports(1)
    script = HERE / "php" / "registry.php"
    environ = {"RESIDENTS": str(residents.file), "CONTRACT": str(CONTRACT)}
    address = f"http://127.0.0.1:{port}/registry"
    with (folder / "log").open("wb") as log:
        command = ["php", "-S", f"127.0.0.1:{port}", "-t", str(folder), str(script)]
        with subprocess.Popen(command, env={**os.environ, **environ}, stdout=log, stderr=log) as process:
            try:
                _await(address + "?wsdl", process)
                yield Peer(address=address, wsdl=address + "?wsdl", residents=residents)
            finally:
                process.terminate()


@contextmanager
def _program(command: Sequence[str], residents: Residents, wsdl: str | None, **environ: str) -> Generator[Peer]:
    """Run a server that prints its address, and ends when its input does."""
    with subprocess.Popen(
        command, env={**os.environ, **environ}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError(f"{command[0]} has no pipes")
        try:
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError(f"{command[0]} did not start; its output says why")
            yield Peer(address=address, wsdl=wsdl or address + "?wsdl", residents=residents)
        finally:
            process.stdin.close()
            process.wait(timeout=_SECONDS)


def _node(folder: Path) -> AbstractContextManager[Peer]:
    residents = _residents(folder)
    modules = str(installed(Path(callers.__file__).parent) / "node_modules")
    command = ["node", str(HERE / "node" / "registry.js"), str(CONTRACT), str(residents.file)]
    return _program(command, residents, None, NODE_PATH=modules)


def _gsoap(folder: Path) -> AbstractContextManager[Peer]:
    residents = _residents(folder)
    # What it makes of a contract does not serve it.
    return _program([str(builds.gsoap()), "serve", str(residents.file)], residents, str(CONTRACT))


def _axis(folder: Path) -> AbstractContextManager[Peer]:
    residents = _residents(folder)
    classes = ":".join(map(str, [*builds.AXIS_JARS, builds.axis()]))
    command = ["java", f"-Dresidents={residents.file}", "-cp", classes, "org.banyan.testing.axis.Main"]
    return _program([*command, str(HERE / "axis" / "server-config.wsdd")], residents, None)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - the server that was started here
                return
        except URLError:
            time.sleep(0.02)
    raise RuntimeError(f"no server at {url}")


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def _debian(package: str) -> str:
    return _said("dpkg-query", "-W", "-f=${Version}", package)


def _in_pom(project: Path) -> str:
    return (project / "pom.xml").read_text().split("<dependency>")[1].split("<version>")[1].split("<")[0]


LITERAL = (
    Stack(
        name="jaxws-ri",
        start=_jaxws,
        version=lambda: _in_pom(jaxws_server.REFERENCE),
        unavailable=jaxws_server.unavailable,
    ),
    Stack(
        name="cxf",
        start=_cxf,
        version=lambda: _in_pom(jaxws_server.CXF),
        unavailable=lambda: jaxws_server.unavailable(jaxws_server.CXF),
    ),
    Stack(
        name="php",
        start=_php,
        version=lambda: _said("php", "-r", "echo PHP_VERSION;"),
        unavailable=callers.unavailable,
    ),
    Stack(name="node-soap", start=_node, version=lambda: "1.13.0", unavailable=callers.unavailable),
    Stack(
        name="gsoap",
        start=_gsoap,
        version=lambda: _debian("gsoap"),
        unavailable=lambda: builds.missing("wsdl2h", "soapcpp2", "g++"),
    ),
)
"""Those that speak document/literal."""
ENCODED = Stack(
    name="axis",
    start=_axis,
    version=lambda: _debian("libaxis-java"),
    unavailable=lambda: builds.missing("java", "javac", files=builds.AXIS_JARS),
)
"""The one that speaks rpc/encoded."""
STACKS = (*LITERAL, ENCODED)
