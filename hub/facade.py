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
from events.log import KafkaLog
from events.topics import decision_topic, in_doubt_topic, ruleset_topic
from hub.facade_contracts import load_contracts
from hub.rule_fit import ComparedRulesets
from hub.rules import FILE_COPY
from hub.settings import ENV_PREFIX, Settings
from hub.wiring import logging_level, observed
from observability.metrics import otlp_exporter
from observability.readout import Readout
from routers.facade.accounting.tally import Tally
from routers.facade.http.tls import backend_context, listener_context
from routers.facade.process.feed import Feed
from routers.facade.process.messages import Files, Start
from routers.facade.process.parent import Parent
from routers.facade.process.parts import Parts, Rulesets
from routers.facade.process.report import STALE, Report, read
from routers.facade.process.ruleset_file import RulesetFile
from routers.facade.process.ruleset_topic import RulesetTopic
from routers.facade.process.spool import Spool
from routers.facade.settings import FacadeSettings
from routers.rulesets.copy import FILE
from routers.rulesets.document import read_rules

__all__ = ["facade_settings", "is_alive", "parent", "report_file", "run", "running", "waiting"]


def facade_settings(settings: Settings) -> FacadeSettings:
    """Return the façade's settings.

    Raises:
        ConfigError: There are none.
    """
    if settings.facade is None:
        raise ConfigError(["facade: is missing; name its listeners and backends in the settings"])
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


def parent(settings: Settings, *, tally: Tally | None = None, environ: Mapping[str, str] | None = None) -> Parent:
    """Return the parent of a façade; to be made within a running loop.

    Args:
        settings: All settings.
        tally: Counts what the workers counted.
        environ: This process's environment; workers get it without the settings in it, some of which are secret.

    Raises:
        ConfigError: A contract can't be served.
    """
    facade, data = facade_settings(settings), settings.data / "facade"
    spool, (rulesets, copy) = Spool(Files(data).spool), _rulesets(settings, facade, data)
    contracts = load_contracts(facade)
    if contracts:
        rulesets = ComparedRulesets(rulesets, facade)
    decisions, in_doubt = decision_topic(settings.namespace), in_doubt_topic(settings.namespace)
    topics = [decisions, in_doubt, ruleset_topic(settings.namespace)]

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
            feed=Feed(open_log, spool=spool, decisions=decisions.name, in_doubt=in_doubt.name),
            spool=spool,
            tally=tally or Tally(),
        ),
        report_file=report_file(settings),
        make_start=start,
        environ=environ and {name: value for name, value in environ.items() if not name.startswith(ENV_PREFIX)},
    )


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
    running, loop = parent(settings, tally=tally, environ=environ), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.drain)
    try:
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
