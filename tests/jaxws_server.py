"""Starts a real JAX-WS server (the reference implementation, from Maven Central) for tests.

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

__all__ = ["JaxwsServer", "running", "unavailable"]

_PROJECT = Path(__file__).with_name("jaxws")
_BUILD_SECONDS = 300
_UNREACHABLE = ("Could not resolve", "Could not transfer", "Could not find artifact", "offline mode")


@dataclass(frozen=True, slots=True, kw_only=True)
class JaxwsServer:
    """A server that runs."""

    address: str

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
        control = self.address.removesuffix("/registry") + "/control?" + urlencode(asked)
        with urlopen(control, timeout=10):  # noqa: S310 - the server that was started here
            pass


@contextmanager
def running(data: Path) -> Generator[JaxwsServer, None, None]:
    """Run a server that keeps its residents in a file; the next server with that file has the same ones."""
    built = _build()
    command = ["java", "-cp", f"{built / 'classes'}:{built / 'lib'}/*", "org.banyan.testing.Main", str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        try:
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError("the JAX-WS server did not start; its output says why")
            yield JaxwsServer(address=address)
        finally:
            process.stdin.close()
            process.wait(timeout=30)


@cache
def unavailable() -> str | None:
    """Return why there can be no such server here; None where there can be one."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing and not (_target() / "classes").is_dir():
        return f"no {' and no '.join(missing)} on the path: the JAX-WS server can't be built"
    try:
        _build()
    except ConnectionError as error:
        return str(error)
    return None


def _build() -> Path:
    target = _target()
    if (target / "classes").is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        building = Path(folder) / "build"
        command = ["mvn", "-B", "-q", "-f", str(_PROJECT / "pom.xml"), f"-Dbanyan.build={building}", "process-classes"]
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


def _target() -> Path:
    digest = hashlib.sha256()
    for path in sorted([_PROJECT / "pom.xml", *_PROJECT.rglob("*.java")]):
        digest.update(path.read_bytes())
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "banyan" / f"jaxws-{digest.hexdigest()[:16]}"
