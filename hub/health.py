"""Health of a running hub, for probes: `banyan run` writes it to a file, `banyan health` reads it.

It is health by progress: a source that waits for its legacy system is well; one that has work and committed
nothing for a minute is not, however alive its process is. A file that is not renewed is a hub that hangs.
"""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import ConfigError
from events.pipeline import Pipeline

__all__ = ["Report", "SourceHealth", "read", "renew", "report", "write"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

RENEW_SECONDS = 2.0
STALE = timedelta(seconds=30)


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


class Report(BaseModel):
    """How a hub was at one moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    sources: dict[str, SourceHealth]

    def problems(self, now: datetime) -> list[str]:
        """Return what is wrong, one sentence each."""
        if now - self.at > STALE:
            return [f"the hub has not told how it is since {self.at.isoformat(timespec='seconds')}"]
        return [
            f"{name}: {source.state}, no progress: {source.error or 'a transaction does not end'}"
            for name, source in self.sources.items()
            if not source.ok
        ]


def report(running: Mapping[str, Pipeline]) -> Report:
    """Return how the pipelines are now."""
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
    return Report(at=datetime.now(UTC), sources=sources)


async def renew(file: Path, running: Mapping[str, Pipeline], *, every: float = RENEW_SECONDS) -> None:
    """Write the report again and again, until cancelled; a reader sees a whole one.

    A file that can't be written is told in the log, and stops nothing.
    """
    while True:
        write(file, running)
        await asyncio.sleep(every)


def write(file: Path, running: Mapping[str, Pipeline]) -> None:
    """Write the report as it is now."""
    whole = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(report(running).model_dump_json(), encoding="utf-8")
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
