"""Load by wrk: 2 KB SOAP POSTs with a fresh traceparent and one of 50,000 keys each."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.facade_peers import Key

__all__ = ["Load", "Loading", "load"]

SCRIPT = Path(__file__).parent / "peers" / "load.lua"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What wrk saw."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    not_2xx: int
    broken: int
    """Connections that were refused or cut, and calls without an answer in time."""

    @property
    def rate(self) -> float:
        """Return the calls per second."""
        return self.requests / self.seconds

    @property
    def failed(self) -> int:
        """Return the calls that failed."""
        return self.not_2xx + self.broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Load under way."""

    process: subprocess.Popen[str]

    def done(self) -> Load:
        """Wait for its end."""
        printed, _ = self.process.communicate()
        found = [line.removeprefix("RESULT ") for line in printed.splitlines() if line.startswith("RESULT ")]
        if not found:
            raise RuntimeError(f"wrk failed:\n{printed}")
        return Load(**json.loads(found[0]))


def load(port: int, key: Key, *, seconds: int, cores: str | None, connections: int = 32, wait_ms: int = 0) -> Loading:
    """Begin to call a port."""
    place = f"127.0.0.1:{port}"
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
    pinned = [] if cores is None else ["taskset", "-c", cores]
    process = subprocess.Popen(
        [*pinned, "wrk", *options, f"http://{place}/registry", "--", place, key],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "WAIT_MS": str(wait_ms)},
    )  # fmt: skip
    return Loading(process=process)
