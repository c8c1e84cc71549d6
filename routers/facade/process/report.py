"""How a running façade is: its parent writes it to a file, `banyan facade status` reads it."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import ConfigError

__all__ = ["Observed", "Report", "RulesetReport", "WorkerReport", "read", "write"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

STALE: Final = timedelta(seconds=30)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


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
    lost: Mapping[str, int]
    """Class -> calls that were in flight to a worker when it died."""
    observed: tuple[Observed, ...]
    """Calls per route, side and outcome."""

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
        if self.kafka == "away" and (self.in_doubt_kept or self.ruleset.source.startswith("topic")):
            found.append(f"Kafka is away: {self.in_doubt_kept} in-doubt records wait on the disk")
        behind = [str(w.number) for w in self.workers if w.state == "serving" and w.version < self.ruleset.version]
        if behind:
            found.append(f"worker {', '.join(behind)}: does not yet run ruleset {self.ruleset.version}")
        return found


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
