"""Runs outbound files: what feeds each from Kafka, cuts it, hands it over and reads what the receiver answers."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, final

import structlog

from adapters.outbound import Answered, Answers, CutFile, Outbound, Outcome
from contracts.errors import BanyanError, ConfigError, RecordError, is_retryable, safe_message
from contracts.event import Event
from events.batch_subscriber import BatchSubscriber
from events.delivery import Delivered
from events.inbox import SqliteInbox, SqliteTransaction
from hub.health import OutboundHealth
from hub.outbound import answers_to
from hub.settings import Settings
from hub.wiring import draining
from observability.metrics import Metrics

__all__ = ["Sender", "run"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

TEND_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 5.0
PAUSE_AFTER_ERROR: Final = 30.0


async def run(running: Collection["Sender"]) -> None:
    """Run outbound files side by side until told to stop by SIGTERM or SIGINT; one that fails ends all of them."""

    def stop() -> None:
        for sender in running:
            sender.stop()

    with draining(stop):
        await _together([sender.run() for sender in running], stop=stop)


@final
class Sender:
    """Runs one outbound file until told to stop.

    Raises:
        ConfigError: The description of answers does not fit their copybook; holds every problem.
        ContractError: That copybook is not understood.
    """

    def __init__(self, settings: Settings, outbound: Outbound) -> None:
        self.outbound: Final = outbound
        self.name: Final = outbound.spec.name
        self._settings, self._answers = settings, answers_to(outbound)
        self.files = self.records = 0
        """How many were handed over since it runs."""
        self._stop = asyncio.Event()
        self._health = OutboundHealth(state="starting")
        self._away: str | None = None
        self._kept: str | None = None

    def told(self) -> OutboundHealth:
        """Return how it is."""
        if self._health.state != "collecting":
            return self._health
        if self._away or self._kept:
            state = "backing off" if self._away else "kept back"
            return self._health.model_copy(update={"state": state, "error": self._away or self._kept})
        return self._health

    def stop(self) -> None:
        """Let it finish what it does, and end."""
        self._stop.set()

    async def run(self) -> None:
        """Collect, cut and hand over until told to stop; while Kafka or the folder is away, it waits for them.

        Raises:
            Exception: Whatever keeps it from going on for good, such as a ledger that can't be written.
        """
        jobs = [self._collected(), self._tended()]
        if self._answers is not None:
            jobs.append(self._answered(self._answers))
        try:
            await _together(jobs, stop=self.stop)
        except Exception as error:
            self._tell(ok=False, state="failed", error=_said(error))
            raise
        self._tell(state="stopped")

    async def _collected(self) -> None:
        """Let events become records; while the broker does not answer, it is asked again."""
        while not self._stop.is_set():
            try:
                self._away = None
                await self._subscribed()
            except BanyanError as error:
                if not is_retryable(error):
                    raise
                self._away = _said(error)
                _log.warning("backing off", source=self.name, reason=safe_message(error))
                await self._passed(PAUSE_AFTER_ERROR)

    async def _subscribed(self) -> None:
        settings, spec = self._settings, self.outbound.spec
        inbox = SqliteInbox(self.outbound.ledger.path, spec.group)
        subscriber = BatchSubscriber(settings.kafka, group=spec.group, namespace=settings.namespace, inbox=inbox)
        removed = {each.model: each.removed for each in spec.events}

        async def collect(events: Sequence[Delivered[Event]], tx: SqliteTransaction) -> None:
            self.outbound.collect(tx.connection, _present(events, removed))

        for model in removed:
            subscriber.on(model)(collect)
        try:
            await subscriber.run(self._stop)
        finally:
            inbox.close()

    async def _tended(self) -> None:
        """Cut and hand over what is due, again and again; what keeps a file back is told, and tried again later."""
        while not self._stop.is_set():
            pause = TEND_SECONDS
            try:
                for file in await asyncio.to_thread(self.outbound.tend):
                    self.files, self.records = self.files + 1, self.records + file.records
                    _log.info("handed over", source=self.name, file=file.name)
                for file in await asyncio.to_thread(self.outbound.purge):
                    _log.info("records purged", source=self.name, file=file.name)
                self._kept = None
            except ConfigError:
                raise  # as a wrong password, which may lock an account when it is tried again and again
            except BanyanError as error:
                pause = PAUSE_AFTER_ERROR
                self._kept = _said(error)
                _log.error("not handed over", source=self.name, error=type(error).__name__, reason=safe_message(error))
            newest, waiting = await asyncio.to_thread(self._looked)
            self._tell(
                state="collecting",
                waiting=waiting,
                file=None if newest is None else newest.name,
                delivered=None if newest is None else newest.delivered,
            )
            await self._passed(pause)

    def _looked(self) -> tuple[CutFile | None, int]:
        ledger = self.outbound.ledger
        return next(iter(ledger.files(newest=1)), None), ledger.waiting

    async def _answered(self, answers: Answers) -> None:
        """Read what the receiver answers, and tell once of each file whose answer is overdue."""
        metrics, told = Metrics(), set[int]()
        while not self._stop.is_set():
            now = datetime.now(UTC)
            try:
                for each in await asyncio.to_thread(answers.take, now):
                    metrics.outbound_answered(self.name, each.answer.outcome.value)
                    _tell_of(self.name, each)
                late = await asyncio.to_thread(answers.overdue, now)
                metrics.outbound_overdue(self.name, len(late))
                self._tell(late=tuple(file.name for file in late))
                for file in late:
                    if file.number not in told:
                        told.add(file.number)
                        _log.warning("answer overdue", source=self.name, file=file.name)
            except BanyanError as error:
                _log.error("answers not read", source=self.name, error=type(error).__name__, reason=safe_message(error))
            await self._passed(ANSWER_SECONDS)

    def _tell(self, **changes: object) -> None:
        self._health = self._health.model_copy(update=changes)

    async def _passed(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()


def _present(
    events: Sequence[Delivered[Event]], removed: Mapping[type[Event], str]
) -> Iterator[tuple[tuple[str, str], Event]]:
    for event in events:
        if event.data is not None:
            yield event.identity, event.data
        elif removed[event.model] == "dead-letter":
            raise RecordError(event.model.__name__, expected="an event with data, not a tombstone", code="removed")


def _tell_of(name: str, each: Answered) -> None:
    answer = each.answer
    tell = _log.info if answer.outcome is Outcome.ACCEPTED else _log.warning
    tell("answered", source=name, file=each.file, outcome=answer.outcome.value, reason=answer.detail)


def _said(error: BaseException) -> str:
    """Return what may be told of an error: no foreign words, since something personal may be among them."""
    return ": ".join(filter(None, [type(error).__name__, safe_message(error)]))


async def _together(jobs: Iterable[Coroutine[Any, Any, None]], *, stop: Callable[[], None]) -> None:
    """Await all; the first that fails stops the others, which end by themselves, and its error is raised.

    A client of Kafka's that is cancelled while it connects would leave its connection open.
    """
    errors: list[Exception] = []

    async def ended(job: Coroutine[Any, Any, None]) -> None:
        try:
            await job
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)
            stop()

    async with asyncio.TaskGroup() as tasks:
        for job in jobs:
            tasks.create_task(ended(job))
    if errors:
        raise errors[0]
