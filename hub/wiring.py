"""Wires the parts: from settings to running pipelines."""

import asyncio
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from adapters._gate import Gates
from contracts.errors import BanyanError, ConfigError, safe_message
from events.archive import FileArchive
from events.pipeline import Pipeline
from events.publisher import Published
from hub.budget.budgets import Budgets
from hub.captured import CapturedCalls
from hub.discovery import Adapter
from hub.health import Tells, renew, write
from hub.settings import Settings
from observability import logging, metrics, tracing

__all__ = ["Sends", "draining", "logging_level", "observed", "pipelines", "run"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Sends(Tells, Protocol):
    """Runs an outbound file."""

    async def run(self) -> None:
        """Go on until told to stop."""
        ...

    def stop(self) -> None:
        """Let it finish what it does, and end."""
        ...


NOTHING: Mapping[str, Sends] = {}


@contextmanager
def observed(settings: Settings, *, service: str) -> Generator[tracing.Tracing]:
    """Send logs, traces and metrics where the settings say, until the block ends; gives the traces' way out."""
    logging.configure(logging_level(settings))
    telemetry = settings.telemetry.model_copy(
        update={"service_name": service, "trace_store": settings.trace_store},
    )
    settings.trace_store.parent.mkdir(parents=True, exist_ok=True)
    with tracing.configure(telemetry) as traces, metrics.configure(telemetry):
        yield traces


def logging_level(settings: Settings) -> logging.Level:
    """Return the level; the settings admit no other."""
    levels: dict[str, logging.Level] = {"DEBUG": "DEBUG", "INFO": "INFO", "WARNING": "WARNING", "ERROR": "ERROR"}
    return levels[settings.log_level]


def pipelines(
    settings: Settings,
    adapters: Sequence[Adapter],
    *,
    on_commit: Callable[[str, Published], None],
    budgets: Budgets | None = None,
    attempts: int | None = None,
) -> dict[str, Pipeline]:
    """Return a pipeline for each adapter, by name.

    Args:
        settings: All settings.
        adapters: The adapters.
        on_commit: Is told of every transaction, with the adapter's name.
        budgets: What those draw on that name a legacy system; it has to run while they do.
        attempts: How many in a row may fail until one ends; none goes on for ever.

    Raises:
        ConfigError: One names a system that there is not.
    """
    archive = FileArchive(settings.archive) if settings.archive else None
    gates = Gates()
    for adapter in adapters:
        if (share := getattr(adapter, "share_gates", None)) is not None:
            share(gates)
        keep = getattr(adapter, "keep_originals", None)
        if archive is not None and keep is not None:
            keep(archive)
        if budgets is not None:
            _let_draw(adapter, budgets)
        if (read := getattr(adapter, "read_captured", None)) is not None:
            read(CapturedCalls(settings))
    return {
        adapter.name: Pipeline(
            adapter,
            settings.kafka,
            namespace=settings.namespace,
            limits=settings.publishing,
            attempts=attempts,
            on_commit=partial(on_commit, adapter.name),
        )
        for adapter in adapters
    }


def _let_draw(adapter: Adapter, budgets: Budgets) -> None:
    """Give an adapter that names a legacy system its budget."""
    system = getattr(adapter, "system", None) or getattr(getattr(adapter, "config", None), "system", None)
    if system is None:
        return
    draw_on = getattr(adapter, "draw_on", None)
    if draw_on is None:
        raise ConfigError([f"{adapter.name}: system: this kind of adapter does not keep to a budget; leave it out"])
    draw_on(budgets.of(system, named_by=f"{adapter.name}: system"))


async def run(
    running: Mapping[str, Pipeline],
    sending: Mapping[str, Sends] = NOTHING,
    *,
    health: Path,
    budgets: Budgets | None = None,
) -> dict[str, Exception]:
    """Run pipelines and outbound files side by side until each has ended; SIGTERM and SIGINT drain them.

    Meanwhile their health is written to a file. One that fails does not stop the others, whatever its
    adapter raised. Returns the errors by name.
    """
    failed: dict[str, Exception] = {}
    parts: dict[str, Pipeline | Sends] = {**running, **sending}

    async def guarded(name: str, part: Pipeline | Sends) -> None:
        try:
            await part.run()
        except Exception as error:  # noqa: BLE001 - an adapter from outside raises what it likes
            failed[name] = error
            told = {} if isinstance(error, BanyanError) else {"exc_info": True}
            _log.error("stopped", source=name, error=type(error).__name__, reason=safe_message(error), **told)

    def drain() -> None:
        for part in parts.values():
            part.stop()

    with draining(drain):
        async with nullcontext() if budgets is None else budgets.running(), asyncio.TaskGroup() as reporting:
            renewed = reporting.create_task(renew(health, running, sending))
            async with asyncio.TaskGroup() as group:
                for name, part in parts.items():
                    group.create_task(guarded(name, part))
            renewed.cancel()
    write(health, running, sending)
    return failed


@contextmanager
def draining(stop: Callable[[], None]) -> Generator[None]:
    """Have SIGTERM and SIGINT ask for an end, within the block, in place of what they did before."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
