"""Wires the façade: from settings to a parent with Kafka behind it."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from contracts.errors import ConfigError
from contracts.ports import Budget
from events.log import KafkaLog
from events.topics import Topic, decision_topic, in_doubt_topic, intercept_topic, ruleset_topic
from hub.budget.budgets import Budgets, described
from hub.captured import captured_topic
from hub.facade_contracts import load_contracts
from hub.rule_fit import ComparedRulesets
from hub.rules import FILE_COPY
from hub.settings import ENV_PREFIX, Settings
from hub.wiring import logging_level, observed
from observability import fields
from observability.metrics import otlp_exporter
from observability.readout import Readout
from routers.facade.accounting.tally import Tally
from routers.facade.http.tls import backend_context, listener_context
from routers.facade.process.feed import Feed
from routers.facade.process.intercepts import Intercepts, captured_spool
from routers.facade.process.messages import Files, Start
from routers.facade.process.parent import Parent
from routers.facade.process.parts import Parts
from routers.facade.process.report import STALE, Report, read
from routers.facade.process.spool import Spool
from routers.facade.settings import FacadeSettings
from routers.rulesets.copy import FILE
from routers.rulesets.document import read_rules
from routers.rulesets.file import RulesetFile
from routers.rulesets.source import Rulesets
from routers.rulesets.topic import RulesetTopic

__all__ = ["facade_settings", "is_alive", "parent", "report_file", "run", "running", "waiting"]


def facade_settings(settings: Settings) -> FacadeSettings:
    """Return the façade's settings.

    Raises:
        ConfigError: There are none, or a backend names a legacy system that is not described.
    """
    if settings.facade is None:
        raise ConfigError(["facade: is missing; name its listeners and backends in the settings"])
    for name, backend in settings.facade.backends.items():
        if backend.system is not None:
            described(settings, backend.system, named_by=f"facade.backends.{name}.system")
    return settings.facade


def report_file(settings: Settings) -> Path:
    """Return the file in which a running façade tells how it is."""
    return settings.data / "facade.json"


def is_alive(pid: int) -> bool:
    """Tell whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def running(settings: Settings) -> Report | None:
    """Return what the façade that runs with these settings last told; None where none runs, or none has told lately."""
    try:
        report = read(report_file(settings))
    except ConfigError:
        return None
    is_fresh = datetime.now(UTC) - report.at < STALE
    return report if is_fresh and is_alive(report.pid) else None


def waiting(settings: Settings) -> int:
    """Return how many in-doubt records wait on this machine's disk until Kafka takes them."""
    folder = Files(settings.data / "facade").spool
    return len(Spool(folder)) if folder.is_dir() else 0


def run(settings: Settings, *, environ: Mapping[str, str]) -> None:
    """Run the façade until SIGTERM or SIGINT has drained it; a second one ends it at once.

    Raises:
        ConfigError: An address can't be had, or another façade runs with the same folder.
    """
    tally = Tally()
    with observed(settings, service="facade"), _exported(settings, tally):
        asyncio.run(_run(settings, tally=tally, environ=environ))


def parent(
    settings: Settings,
    *,
    tally: Tally | None = None,
    environ: Mapping[str, str] | None = None,
    budgets: Budgets | None = None,
) -> Parent:
    """Return the parent of a façade; to be made within a running loop.

    Args:
        settings: All settings.
        tally: Counts what the workers counted.
        environ: This process's environment; workers get it without the settings in it, some of which are secret.
        budgets: Where calls to legacy systems are counted, which has to run meanwhile; nowhere without it.

    Raises:
        ConfigError: A contract can't be served, or a budget's folder can't be used.
    """
    facade, data = facade_settings(settings), settings.data / "facade"
    spool, (rulesets, copy) = Spool(Files(data).spool), _rulesets(settings, facade, data)
    contracts = load_contracts(facade)
    if contracts:
        rulesets = ComparedRulesets(rulesets, facade)
    decisions, in_doubt = decision_topic(settings.namespace), in_doubt_topic(settings.namespace)
    tally = tally or Tally()
    intercepts = _intercepts(settings, facade, data=data, tally=tally)
    topics = [decisions, in_doubt, ruleset_topic(settings.namespace), *_intercepted(settings, facade, intercepts)]

    @asynccontextmanager
    async def open_log() -> AsyncGenerator[KafkaLog]:
        async with KafkaLog(settings.kafka, topics=topics) as log:
            yield log

    def start(name: str, sockets: Mapping[str, int]) -> Start:
        telemetry = settings.telemetry.model_copy(
            update={"service_name": "facade", "trace_store": settings.trace_store}
        )
        return Start(
            name=name,
            settings=facade,
            sockets=sockets,
            data=data,
            ruleset=copy,
            key_secret=None if settings.key_secret is None else settings.key_secret.get_secret_value(),
            telemetry=telemetry,
            contracts=contracts,
            log_level=logging_level(settings),
        )

    return Parent(
        facade,
        data=data,
        parts=Parts(
            rulesets=rulesets,
            feed=Feed(open_log, spool=spool, decisions=decisions.name, in_doubt=in_doubt.name, intercepts=intercepts),
            spool=spool,
            tally=tally,
            budgets=_counting(facade, budgets),
            intercepts=intercepts,
        ),
        report_file=report_file(settings),
        make_start=start,
        environ=environ and {name: value for name, value in environ.items() if not name.startswith(ENV_PREFIX)},
    )


def _counting(facade: FacadeSettings, budgets: Budgets | None) -> dict[str, Budget]:
    """Return the budgets of the systems that backends are."""
    if budgets is None:
        return {}
    return {
        backend.system: budgets.of(backend.system, named_by=f"facade.backends.{name}.system")
        for name, backend in facade.backends.items()
        if backend.system is not None
    }


def _intercepts(settings: Settings, facade: FacadeSettings, *, data: Path, tally: Tally) -> Intercepts | None:
    """Return what captured calls go through; also where none are captured any more, but some are left on the disk."""
    folder = Files(data).captured
    if facade.intercept is None and not folder.is_dir():
        return None

    def count(route: str | None, outcome: str, calls: int) -> None:
        tally.count(fields.BANYAN_CALLS_INTERCEPTED, route, outcome, by=calls)

    return Intercepts(
        captured_spool(folder),
        topic=lambda route: intercept_topic(settings.namespace, route).name,
        spool_bytes=0 if facade.intercept is None else facade.intercept.spool_bytes,
        count=count,
    )


def _intercepted(settings: Settings, facade: FacadeSettings, intercepts: Intercepts | None) -> list[Topic]:
    wanted = facade.intercept
    routes = sorted({*(() if wanted is None else wanted.routes), *(() if intercepts is None else intercepts.left_over)})
    return [captured_topic(settings, route) for route in routes]


def _rulesets(settings: Settings, facade: FacadeSettings, data: Path) -> tuple[Rulesets, Path]:
    """Return where rulesets come from, and the local copy; that of a file is another one: its chain is its own."""
    if facade.ruleset is not None:
        copy = data / FILE_COPY
        return RulesetFile(facade.ruleset, copy=copy, backends=facade.backends), copy
    copy = settings.data / FILE
    topic = ruleset_topic(settings.namespace).name
    return RulesetTopic(KafkaLog(settings.kafka), topic, copy=copy), copy


def _require(facade: FacadeSettings, copy: Path) -> None:
    """Refuse to start with what can't serve: unreadable certificates; wrong rules, where no good ones are kept.

    Raises:
        ConfigError: Every mistake.
    """
    problems = list[str]()
    for context in (
        *(partial(listener_context, each.tls) for each in facade.listeners.values() if each.tls is not None),
        *(partial(backend_context, each.tls) for each in facade.backends.values() if each.secure),
    ):
        try:
            context()
        except ConfigError as error:
            problems += error.problems
    if facade.ruleset is not None and not copy.exists():
        try:
            read_rules(facade.ruleset, backends=facade.backends)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)


async def _run(settings: Settings, *, tally: Tally, environ: Mapping[str, str]) -> None:
    facade = facade_settings(settings)
    _require(facade, settings.data / "facade" / FILE_COPY)
    budgets, loop = Budgets(settings, process="facade"), asyncio.get_running_loop()
    running = parent(settings, tally=tally, environ=environ, budgets=budgets)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.drain)
    try:
        async with budgets.running():
            await running.run()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@contextmanager
def _exported(settings: Settings, tally: Tally) -> Generator[None]:
    with ExitStack() as stack:
        if (exporter := otlp_exporter(settings.telemetry)) is not None:
            resource = settings.telemetry.model_copy(update={"service_name": "facade"}).resource()
            stack.enter_context(Readout(tally.metrics, exporter, resource=resource))
        yield
