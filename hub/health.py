"""Health of a running hub, for probes: `banyan run` writes it to a file, `banyan health` reads it.

It is health by progress: a source that waits for its legacy system is well; one that has work and committed
nothing for a minute is not, however alive its process is. A file that is not renewed is a hub that hangs.
"""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import ConfigError
from events.pipeline import Pipeline

__all__ = ["OutboundHealth", "Report", "SourceHealth", "Tells", "read", "renew", "report", "write"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

RENEW_SECONDS = 2.0
STALE = timedelta(seconds=30)
NOTHING: Mapping[str, "Tells"] = {}


class SourceHealth(BaseModel):
    """How one source is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: bool
    state: str
    error: str | None
    failures: int
    events: int
    missing: tuple[str, ...] = ()
    """Days whose expected files are missing. No fault of the hub's: it makes progress all the same."""


class OutboundHealth(BaseModel):
    """How one outbound file is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: bool = True
    """No longer once it has ended by an error. A receiver that is away, or a file that people have to look at, is no
    fault that a restart mends."""
    state: str
    error: str | None = None
    """Why it backs off from Kafka, keeps a file back, or has failed."""
    waiting: int = 0
    """Records that wait for the next file."""
    file: str | None = None
    """The newest file."""
    delivered: datetime | None = None
    """When that was handed over; none while it is kept back."""
    late: tuple[str, ...] = ()
    """Files whose answer is overdue."""


class Tells(Protocol):
    """What runs an outbound file."""

    def told(self) -> OutboundHealth:
        """Return how it is."""
        ...


class Report(BaseModel):
    """How a hub was at one moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    sources: dict[str, SourceHealth]
    outbound: dict[str, OutboundHealth] = {}

    def problems(self, now: datetime) -> list[str]:
        """Return what is wrong, one sentence each."""
        if now - self.at > STALE:
            return [f"the hub has not told how it is since {self.at.isoformat(timespec='seconds')}"]
        stuck = [
            f"{name}: {source.state}, no progress: {source.error or 'a transaction does not end'}"
            for name, source in self.sources.items()
            if not source.ok
        ]
        return stuck + [f"{name}: {each.state}: {each.error}" for name, each in self.outbound.items() if not each.ok]


def report(running: Mapping[str, Pipeline], sending: Mapping[str, Tells] = NOTHING) -> Report:
    """Return how the pipelines and the outbound files are now."""
    sources = {
        name: SourceHealth(
            ok=pipeline.health.ok(),
            state=pipeline.health.state,
            error=pipeline.health.error,
            failures=pipeline.health.failures,
            events=pipeline.published.events,
            missing=tuple(pipeline.missing),
        )
        for name, pipeline in running.items()
    }
    outbound = {name: sender.told() for name, sender in sending.items()}
    return Report(at=datetime.now(UTC), sources=sources, outbound=outbound)


async def renew(
    file: Path,
    running: Mapping[str, Pipeline],
    sending: Mapping[str, Tells] = NOTHING,
    *,
    every: float = RENEW_SECONDS,
) -> None:
    """Write the report again and again, until cancelled; a reader sees a whole one.

    A file that can't be written is told in the log, and stops nothing.
    """
    while True:
        write(file, running, sending)
        await asyncio.sleep(every)


def write(file: Path, running: Mapping[str, Pipeline], sending: Mapping[str, Tells] = NOTHING) -> None:
    """Write the report as it is now."""
    whole = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(report(running, sending).model_dump_json(), encoding="utf-8")
        whole.replace(file)
    except OSError as error:
        _log.warning("health not written", file=str(file), reason=error.strerror)


def read(file: Path) -> Report:
    """Return the newest report.

    Raises:
        ConfigError: No hub has written one there.
    """
    try:
        return Report.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise ConfigError([f"health: {file} holds no report; does `banyan run` run with these settings?"]) from error
