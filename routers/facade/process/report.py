"""How a running façade is: its parent writes it to a file, `banyan facade status` reads it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from contracts.errors import ConfigError

__all__ = [
    "STALE",
    "BackendReport",
    "Observed",
    "Report",
    "RulesetReport",
    "UnusableKeys",
    "WorkerReport",
    "pack",
    "read",
    "unpack",
    "write",
]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

STALE: Final = timedelta(seconds=30)
"""A report that is older is not how the façade is."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class BackendReport(_Model):
    """One backend, as one worker has it: each has connections and a circuit breaker of its own."""

    name: str
    """Its name in the settings."""
    breaker: Literal["closed", "open", "half_open"]
    """`open` is left alone, `half_open` has one call trying, or waits for the next one, which tries."""
    connections: int
    """Connections to it, those that are being made included."""
    waiting: int
    """Calls that wait for a free connection."""
    calls: int
    """How often it was asked, since this worker started."""
    failures: int
    """How often it failed, since this worker started: refused, silent, broken off, malformed, a failing status."""


class WorkerReport(_Model):
    """One worker."""

    number: int
    """Which of the façade's workers, from 0."""
    pid: int
    """Its process."""
    state: Literal["starting", "serving", "draining", "gone"]
    """What it does; `gone` until it is replaced."""
    version: int
    """The ruleset that it runs; -1 before it told."""
    in_flight: int
    """Calls that it served when it last told."""
    restarts: int
    """How often it was replaced."""
    backends: tuple[BackendReport, ...] = ()
    """The backends as it has them; none before it told."""


class RulesetReport(_Model):
    """The ruleset in force."""

    version: int
    """Its number; 0 is none: every listener's legacy backend answers."""
    hash: str
    """What names it beyond doubt."""
    rules: int
    """How many routes it has."""
    since: datetime
    """When this façade took it over."""
    source: str
    """Where it comes from."""
    problems: tuple[str, ...] = ()
    """Why a newer one is not in force."""
    slowest_ms: float = 0.0
    """The longest that a change took to be in force on all workers."""


class Observed(_Model):
    """Calls that ended alike."""

    route: str
    """`capability/route`; empty where no route took them."""
    side: str
    """Whose answer it was."""
    outcome: str
    """How they ended."""
    calls: int
    """How many, since the parent started."""


class UnusableKeys(_Model):
    """Calls whose key could not decide."""

    route: str
    """`capability/route`."""
    reason: str
    """`missing_key`: the call has none where the rule says; `unfit_key`: it is not of the capability's form."""
    calls: int
    """How many, since the parent started."""


class Report(_Model):
    """How a façade was at one moment."""

    at: datetime
    """The moment."""
    pid: int
    """The parent's process."""
    draining: bool
    """It has been told to stop."""
    addresses: Mapping[str, str]
    """Listener -> where it listens; `probes` among them."""
    workers: tuple[WorkerReport, ...]
    """Its workers."""
    ruleset: RulesetReport
    """What decides."""
    kafka: str
    """`connecting`, `connected` or `away`."""
    dropped: int
    """Decision records that were dropped, as Kafka was slow or away."""
    in_doubt_kept: int
    """In-doubt records on the disk, not yet in Kafka."""
    in_doubt_sent: int
    """In-doubt records that Kafka acknowledged."""
    captured_kept: int = 0
    """Captured calls on the disk, not yet in Kafka."""
    captured_sent: int = 0
    """Captured calls that Kafka acknowledged."""
    captured_dropped: int = 0
    """Captured calls that were dropped, as there was no room for them on the disk, or Kafka refuses them."""
    lost: Mapping[str, int]
    """Class -> calls that were in flight to a worker when it died."""
    observed: tuple[Observed, ...]
    """Calls per route, side and outcome."""
    unusable_keys: tuple[UnusableKeys, ...] = ()
    """Calls whose key could not decide, per route: where that is all of them, its rule looks in the wrong place."""

    def unready(self) -> list[str]:
        """Return why no calls should be sent here."""
        if self.draining:
            return ["the façade drains"]
        return [] if any(worker.state == "serving" for worker in self.workers) else ["no worker serves"]

    def problems(self, now: datetime) -> list[str]:
        """Return what is wrong, one sentence each."""
        if now - self.at > STALE:
            return [f"the façade has not told how it is since {self.at.isoformat(timespec='seconds')}"]
        found = [*self.unready(), *self.ruleset.problems]
        if self.ruleset.version == 0:
            found.append("there is no ruleset: every call is answered by its listener's legacy backend")
        if self.captured_dropped:
            found.append(f"{self.captured_dropped} captured calls were dropped, which become no events")
        if self.kafka == "away" and self.captured_kept:
            found.append(f"Kafka is away: {self.captured_kept} captured calls wait on the disk")
        if self.kafka == "away" and (self.in_doubt_kept or self.ruleset.source.startswith("topic")):
            found.append(f"Kafka is away: {self.in_doubt_kept} in-doubt records wait on the disk")
        behind = [str(w.number) for w in self.workers if w.state == "serving" and w.version < self.ruleset.version]
        if behind:
            found.append(f"worker {', '.join(behind)}: does not yet run ruleset {self.ruleset.version}")
        return [*found, *self._left_alone()]

    def _left_alone(self) -> Iterator[str]:
        by: dict[str, list[str]] = {}
        for worker in self.workers:
            for backend in worker.backends:
                if backend.breaker != "closed":
                    by.setdefault(backend.name, []).append(str(worker.number))
        for name, workers in by.items():
            yield f"backend {name}: has failed; the breaker of worker {', '.join(workers)} lets one call try it at most"


_BACKENDS: Final = TypeAdapter(tuple[BackendReport, ...])


def pack(backends: Sequence[BackendReport]) -> bytes:
    """Return how backends are as JSON, for the link."""
    return _BACKENDS.dump_json(tuple(backends))


def unpack(packed: bytes) -> tuple[BackendReport, ...]:
    """Return what `pack` packed."""
    return _BACKENDS.validate_json(packed)


def write(file: Path, report: Report) -> None:
    """Write a report; a reader sees a whole one. A file that can't be written is told in the log."""
    whole = file.with_suffix(f".{os.getpid()}")
    try:
        whole.write_text(report.model_dump_json(), encoding="utf-8")
        whole.replace(file)
    except OSError as error:
        _log.warning("health not written", file=str(file), reason=error.strerror)


def read(file: Path) -> Report:
    """Return the newest report.

    Raises:
        ConfigError: No façade has written one there.
    """
    try:
        return Report.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        problem = f"façade: {file} holds no report; does `banyan facade run` run with these settings?"
        raise ConfigError([problem]) from error
