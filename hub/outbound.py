"""Outbound files: their descriptions from the disk, and the subscriber that feeds each."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import structlog
from pydantic import ValidationError

from adapters.outbound import Answered, Answers, Ledger, LocalFolder, Outbound, OutboundSpec, Outcome
from contracts.document import place, read, refusal
from contracts.errors import BanyanError, ConfigError, RecordError, safe_message
from contracts.event import Event
from contracts.file_description import ends_of, layout_of
from events.batch_subscriber import BatchSubscriber
from events.delivery import Delivered
from events.inbox import SqliteInbox, SqliteTransaction
from hub.settings import Settings
from observability.metrics import Metrics

__all__ = ["answers_to", "made", "outbounds", "read_outbound", "run"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

TEND_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 5.0
PAUSE_AFTER_ERROR: Final = 30.0


def outbounds(settings: Settings) -> dict[str, OutboundSpec]:
    """Return the descriptions by name.

    Raises:
        ConfigError: Files that are not there or not right, names that stand twice: all at once.
    """
    problems: list[str] = []
    found: dict[str, OutboundSpec] = {}
    for path in _files(settings.outbound, problems):
        try:
            spec = read_outbound(path)
        except ConfigError as error:
            problems += error.problems
            continue
        if spec.name in found:
            problems.append(f"{path}: there is another outbound file of the name {spec.name!r}")
        found[spec.name] = spec
    if problems:
        raise ConfigError(problems)
    return dict(sorted(found.items()))


def _files(paths: Sequence[Path], problems: list[str]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.iterdir() if each.suffix in {".yaml", ".yml"})
        elif path.is_file():
            yield path
        else:
            problems.append(f"outbound: {path}: there is no such file or folder")


def read_outbound(path: Path) -> OutboundSpec:
    """Return the description of a file that is sent; its folders count from the folder of the YAML file on.

    Raises:
        ConfigError: All that is wrong with it, each mistake with its line where it has one.
    """
    document = read(path, what="a description of an outbound file")
    values = document.values
    _place(values, ("folder",), path.parent)
    for file in (("file",), ("acknowledgement", "file")):
        _place(values, (*file, "copybook"), path.parent)
        _place(values, (*file, "copies"), path.parent)
    _place(values, ("acknowledgement", "path"), path.parent)
    problems = list(document.problems)
    try:
        spec = OutboundSpec.model_validate(values)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            where = place(tuple(str(part) for part in detail["loc"]), document.places) or str(path)
            name = ".".join(str(part) for part in detail["loc"])
            said = refusal(detail, OutboundSpec, noun="setting")
            problems.append(f"{where}: {name}: {said}" if name else f"{where}: {said}")
        raise ConfigError(problems) from None
    if problems:
        raise ConfigError(problems)
    return spec


def _place(values: dict[str, Any], path: Sequence[str], folder: Path) -> None:
    """Let a place on the disk count from a folder on."""
    *outer, name = path
    for each in outer:
        inner: object = values.get(each)
        if not isinstance(inner, dict):
            return
        values = cast("dict[str, Any]", inner)
    given: object = values.get(name)
    if isinstance(given, str):
        values[name] = folder / given
    elif isinstance(given, list):
        values[name] = [folder / str(each) for each in cast("list[object]", given)]


def made(settings: Settings, spec: OutboundSpec) -> Outbound:
    """Put an outbound file together, with its ledger in the data folder.

    Raises:
        ConfigError: The description does not fit the copybook or the events; holds every problem.
        ContractError: The copybook is not understood.
    """
    ledger = Ledger(_ledger_file(settings, spec), now=datetime.now(UTC))
    layout, ends = layout_of(spec.file), ends_of(spec.file)
    return Outbound(spec, layout, ends, ledger=ledger, folder=LocalFolder(spec.folder))


def answers_to(outbound: Outbound) -> Answers | None:
    """Return what reads the receiver's answers; None where it gives none.

    Raises:
        ConfigError: The description does not fit the copybook; holds every problem.
        ContractError: The copybook is not understood.
    """
    spec = outbound.spec.acknowledgement
    if spec is None:
        return None
    layout, ends = layout_of(spec.file), ends_of(spec.file)
    return Answers(spec, layout, ends, ledger=outbound.ledger, totalled=outbound.total)


def _ledger_file(settings: Settings, spec: OutboundSpec) -> Path:
    return settings.data / "outbound" / f"{spec.name}.sqlite"


async def run(settings: Settings, running: Collection[Outbound], stop: asyncio.Event) -> None:
    """Collect, cut and hand over until told to stop; SIGTERM and SIGINT stop, too.

    Raises:
        BrokerUnavailableError: The broker does not answer at the start. Later, it is waited for.
    """
    async with _stopping(stop), asyncio.TaskGroup() as tasks:
        for outbound in running:
            tasks.create_task(_subscribed(settings, outbound, stop))
            tasks.create_task(_tended(outbound, stop))
            if (answers := answers_to(outbound)) is not None:
                tasks.create_task(_answered(outbound, answers, stop))


async def _subscribed(settings: Settings, outbound: Outbound, stop: asyncio.Event) -> None:
    """Let events become records; a failure stops the others, too, so that whoever watches starts all again."""
    inbox = SqliteInbox(outbound.ledger.path, outbound.spec.group)
    subscriber = BatchSubscriber(settings.kafka, group=outbound.spec.group, namespace=settings.namespace, inbox=inbox)
    removed = {each.model: each.removed for each in outbound.spec.events}

    async def collect(events: Sequence[Delivered[Event]], tx: SqliteTransaction) -> None:
        outbound.collect(tx.connection, _present(events, removed))

    for model in removed:
        subscriber.on(model)(collect)
    try:
        await subscriber.run(stop)
    finally:
        inbox.close()


def _present(
    events: Sequence[Delivered[Event]], removed: Mapping[type[Event], str]
) -> Iterator[tuple[tuple[str, str], Event]]:
    for event in events:
        if event.data is not None:
            yield event.identity, event.data
        elif removed[event.model] == "dead-letter":
            raise RecordError(event.model.__name__, expected="an event with data, not a tombstone", code="removed")


async def _tended(outbound: Outbound, stop: asyncio.Event) -> None:
    """Cut and hand over what is due, again and again; what keeps a file back is told, and tried again later."""
    while not stop.is_set():
        pause = TEND_SECONDS
        try:
            for file in await asyncio.to_thread(outbound.tend):
                _log.info("handed over", source=outbound.spec.name, file=file.name)
            for file in await asyncio.to_thread(outbound.purge):
                _log.info("records purged", source=outbound.spec.name, file=file.name)
        except BanyanError as error:
            pause = PAUSE_AFTER_ERROR
            _log.error(
                "not handed over", source=outbound.spec.name, error=type(error).__name__, reason=safe_message(error)
            )
        await _passed(stop, pause)


async def _answered(outbound: Outbound, answers: Answers, stop: asyncio.Event) -> None:
    """Read what the receiver answers, and tell once of each file whose answer is overdue."""
    name, metrics, told = outbound.spec.name, Metrics(), set[int]()
    while not stop.is_set():
        now = datetime.now(UTC)
        try:
            for each in await asyncio.to_thread(answers.take, now):
                metrics.outbound_answered(name, each.answer.outcome.value)
                _tell(name, each)
            late = await asyncio.to_thread(answers.overdue, now)
            metrics.outbound_overdue(name, len(late))
            for file in late:
                if file.number not in told:
                    told.add(file.number)
                    _log.warning("answer overdue", source=name, file=file.name)
        except BanyanError as error:
            _log.error("answers not read", source=name, error=type(error).__name__, reason=safe_message(error))
        await _passed(stop, ANSWER_SECONDS)


def _tell(name: str, each: Answered) -> None:
    answer = each.answer
    tell = _log.info if answer.outcome is Outcome.ACCEPTED else _log.warning
    tell("answered", source=name, file=each.file, outcome=answer.outcome.value, reason=answer.detail)


async def _passed(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


@asynccontextmanager
async def _stopping(stop: asyncio.Event) -> AsyncGenerator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
