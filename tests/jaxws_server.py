"""Starts a real JAX-WS server (the reference implementation or Apache CXF, from Maven Central) for tests.

It is built once per version of its sources, into the user's cache.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from hub.local_kafka.state import free_ports

__all__ = ["CXF", "REFERENCE", "JaxwsServer", "running", "unavailable"]

REFERENCE = Path(__file__).with_name("jaxws")
"""The Maven project of the reference implementation."""
CXF = Path(__file__).parent / "interop" / "cxf"
"""That of Apache CXF, with the same sources."""
_BUILD_SECONDS = 300
_UNREACHABLE = ("Could not resolve", "Could not transfer", "Could not find artifact", "offline mode")


@dataclass(frozen=True, slots=True, kw_only=True)
class JaxwsServer:
    """A server that runs."""

    address: str
    control: str

    @property
    def wsdl(self) -> str:
        return self.address + "?wsdl"

    def put(self, number: str, name: str, **more: str) -> None:
        self._control(do="put", id=number, name=name, **more)

    def delete(self, number: str) -> None:
        self._control(do="delete", id=number)

    def clear(self) -> None:
        """Forget everybody, and set the clock right."""
        self._control(do="clear")

    def set_clock(self, skew: str) -> None:
        """Let its clock go wrong by an ISO 8601 duration."""
        self._control(do="clock", skew=skew)

    def fail(self, times: int, code: str) -> None:
        """Answer the next calls with a fault of that code, `Server` or `Client`."""
        self._control(**{"do": "fail", "times": str(times), "as": code})

    def _control(self, **asked: str) -> None:
        with urlopen(f"{self.control}?{urlencode(asked)}", timeout=10):  # noqa: S310 - the server that was started here
            pass


@contextmanager
def running(data: Path, *, project: Path = REFERENCE) -> Generator[JaxwsServer, None, None]:
    """Run a server that keeps its residents in a file; the next server with that file has the same ones."""
    built = _build(project)
    command = ["java", "-cp", f"{built / 'classes'}:{built / 'lib'}/*", "org.banyan.testing.Main", str(data)]
    if project == CXF:
        # It logs each fault with its stack.
        command = ["java", f"-Djava.util.logging.config.file={os.devnull}", *command[1:], str(free_ports(1)[0])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        try:
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError("the JAX-WS server did not start; its output says why")
            yield JaxwsServer(address=address, control=process.stdout.readline().strip())
        finally:
            process.stdin.close()
            process.wait(timeout=30)


@cache
def unavailable(project: Path = REFERENCE) -> str | None:
    """Return why there can be no such server here; None where there can be one."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing and not (_target(project) / "classes").is_dir():
        return f"no {' and no '.join(missing)} on the path: the JAX-WS server can't be built"
    try:
        _build(project)
    except ConnectionError as error:
        return str(error)
    return None


def _build(project: Path) -> Path:
    target = _target(project)
    if (target / "classes").is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        building = Path(folder) / "build"
        command = ["mvn", "-B", "-q", "-f", str(project / "pom.xml"), f"-Dbanyan.build={building}", "process-classes"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)
        if any(words in done.stdout for words in _UNREACHABLE):
            raise ConnectionError("Maven can't reach a repository: the JAX-WS server can't be built")
        if done.returncode != 0:
            raise RuntimeError(f"the JAX-WS server does not build:\n{done.stdout}{done.stderr}")
        try:
            building.rename(target)
        except OSError:
            # Another run of the tests was faster; what it built is the same.
            if not (target / "classes").is_dir():
                raise
    return target


def _target(project: Path) -> Path:
    digest = hashlib.sha256()
    for path in sorted([project / "pom.xml", *REFERENCE.rglob("*.java")]):
        digest.update(path.read_bytes())
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "banyan" / f"{project.name}-{digest.hexdigest()[:16]}"
