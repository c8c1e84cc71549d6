"""The adapter: looks where files arrive, and hands complete ones on chunk by chunk."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, closing
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self, TypedDict, Unpack

import structlog

from adapters.batch import example
from adapters.batch.arrival import Arrivals, Case, Reason, connect
from adapters.batch.candidate import Candidate
from adapters.batch.chunk import Shape
from adapters.batch.config import Config
from adapters.batch.crew import Crew
from adapters.batch.delivering import Delivering
from adapters.batch.expected.watch import Expectations, Outage
from adapters.batch.fitting import Mapped, fit
from adapters.batch.ledger import Outcome
from adapters.batch.original import Original, original
from adapters.batch.proof import Complete
from adapters.batch.recipe import recipe_of
from adapters.batch.redrive import Redrive
from adapters.batch.snapshot.accepting import accepting
from adapters.batch.snapshot.changes import Changes
from adapters.batch.snapshot.delivery import Snapshots
from contracts.errors import BanyanError, ConfigError, FileChangedError, FileHeldError, LegacyUnavailableError
from contracts.event import Event
from contracts.keys import CanonicalKey
from contracts.mapping import EventMapping
from contracts.ports import Archive, EventBatch, Progress, Rejected
from observability import metrics

__all__ = ["Adapter", "Timing"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


_MEND = "mend the file or the settings, and start the adapter again; or take the file away"
_BRING_BACK = "deliver the file again as it was: it goes on where it stopped; what it became is a delivery of its own"


class Timing(TypedDict, total=False):
    """What an adapter takes the time from; tests give their own."""

    clock: Callable[[], float]
    """Returns seconds that never go back."""
    now: Callable[[], datetime]
    """Returns the time of day."""
    sleep: Callable[[float], Awaitable[None]]
    """Waits between looks at the location."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Adapter:
    """Reads fixed-length batch files. Delivery: exactly once from the file into Kafka.

    Fulfils the port `Source`. Before anything of a file is published, a first pass checks it as a whole; a
    file that does not fit is held, and the others go on.

    Args:
        config: Where the files are and how they are read.
        model: The event that each record becomes.
        key: The model's field that is the partition key.
        mapping: A table or a function from record to event, as for every adapter.
        canonical: How the key is written.
        changes: With `snapshot` in the configuration: the events that changes become.
        timing: Other clocks than the machine's.
    """

    def __init__(
        self,
        config: Config,
        *,
        model: type[Event],
        key: str,
        mapping: EventMapping,
        canonical: CanonicalKey | None = None,
        changes: Changes | None = None,
        **timing: Unpack[Timing],
    ) -> None:
        self.config, self.model = config, model
        self._made_at = time.time()
        self._key, self.mapping, self._canonical, self._changes = key, mapping, canonical, changes
        self._clock = timing.get("clock", time.monotonic)
        self._now = timing.get("now", _utc_now)
        self._sleep = timing.get("sleep", asyncio.sleep)
        self._archive: Archive | None = None
        self._redrive: Redrive | None = None
        self._told: set[Candidate] = set()
        self.held = 0
        """Files that were refused as a whole, since this was made."""
        self._metrics = metrics.Metrics()
        self._expected: Expectations | None = None
        self._outage = Outage()

    @classmethod
    def example(cls) -> Self:
        """Return one that reads a file of ours once: 25 residents, of whom one has no legible balance."""
        config = example.write()
        return cls(config, model=example.ResidentRegistered, key="resident_id", mapping=example.MAPPING)

    @property
    def name(self) -> str:
        """Return the name of this source."""
        return self.config.name

    @property
    def missing(self) -> list[str]:
        """Return the days of the last month whose expected files are missing, while it is read; ISO dates."""
        return [] if self._expected is None else [str(day) for day in self._expected.missing]

    def configured(self, changes: Mapping[str, object]) -> Self:
        """Return the same adapter with some of its configuration changed.

        Raises:
            ValidationError: A name is unknown, or a value does not fit.
        """
        config = Config.model_validate({**dict(self.config), **changes})
        other = copy(self)
        vars(other).update(config=config, _told=set(), held=0, _expected=None, _outage=Outage())
        return other

    def accepting(self, file: Path, reason: str) -> Self:
        """Return the same adapter, which publishes this extract although a guard holds it.

        Raises:
            ConfigError: It compares no extracts, there is no reason, or the file can't be read.
        """
        return self.configured({"accept": accepting(self.config, file, reason)})

    def redriving(self, letters: Sequence[Rejected], reason: str) -> Self:
        """Return the same adapter, which first tries these rejected records again.

        Raises:
            ConfigError: There is no reason.
        """
        if not reason.strip():
            raise ConfigError([f"{self.name}: redrive: a reason is needed"])
        other = copy(self)
        vars(other).update(_redrive=Redrive(letters=letters, reason=reason), _told=set(), held=0)
        return other

    @property
    def still_rejected(self) -> int:
        """Return how many records that were tried again are still bad."""
        return 0 if self._redrive is None else self._redrive.refused

    def original(self, file: BinaryIO, ordinal: int) -> Original:
        """Return a record of a file that was delivered, given its bytes; blocks.

        Raises:
            ConfigError: The file has no such record, or is not framed as declared now.
        """
        return original(self.shape().format, file, ordinal)

    def is_made_as(self, other: object) -> bool:
        """Tell whether another adapter makes the same events, but for its configuration."""
        return isinstance(other, Adapter) and other.name == self.name and other.mapping is self.mapping

    def keep_originals(self, archive: Archive) -> None:
        """Put each file's bytes into an archive before anything of it is published."""
        self._archive = archive

    async def check(self) -> list[str]:
        """Return what would keep it from working, one sentence each; opens no data file."""
        problems: list[str] = []
        for look in (self.shape, self._reach):
            try:
                await asyncio.to_thread(look)
            except ConfigError as error:
                problems += error.problems
            except BanyanError as error:
                problems.append(str(error))
        return problems

    async def read(self, since: Progress) -> AsyncGenerator[EventBatch, None]:
        """Yield batches that continue right after `since`; ends only with `once`.

        Raises:
            ConfigError: The copybook is not understood, the mapping does not fit, or the location refuses us.
            LegacyUnavailableError: The location or a file can't be read; readable files went on before.
        """
        self._expected = expected = Expectations(self.config, since, outage=self._outage, now=self._now)
        try:
            async with aclosing(self._read(since, expected)) as batches:
                async for batch in batches:
                    yield batch
        except LegacyUnavailableError:
            for told in expected.unreached():
                yield told
            raise

    async def _read(self, since: Progress, expected: Expectations) -> AsyncGenerator[EventBatch, None]:
        shape = await asyncio.to_thread(self.shape)
        if self._redrive is not None:
            state = dict(since.state)
            for batch in self._redrive.batches(shape, since, source=self.name, now=self._now()):
                yield batch
                state |= {key: value for key, value in batch.state.items() if value is not None}
            since = replace(since, state=state)
        location = await asyncio.to_thread(connect, self.config)
        snapshots = Snapshots(self.config, shape, shape.comparison, since=since) if shape.comparison else None
        arrivals = Arrivals(
            self.config,
            location,
            since,
            clock=self._clock,
            now=self._now,
            shape=shape,
            expected=expected,
            extracts=snapshots.history if snapshots else None,
        )
        workers = self.config.workers
        recipe = recipe_of(self) if workers else None
        crew = Crew(shape, recipe, count=workers, source=self.name, loaded_at=self._made_at)
        run = Delivering(
            config=self.config,
            shape=shape,
            arrivals=arrivals,
            snapshots=snapshots,
            archive=self._archive,
            metrics=self._metrics,
            crew=crew,
        )
        with closing(location):
            async with crew, aclosing(self._looks(run)) as batches:
                async for batch in batches:
                    yield batch

    async def _looks(self, run: Delivering) -> AsyncGenerator[EventBatch, None]:
        while True:
            async with aclosing(self._look(run)) as batches:
                async for batch in batches:
                    yield batch
            pause = self.config.poll_interval
            if not run.arrivals.at_rest:
                pause = min(pause, self.config.stable_for or pause)
            elif self.config.once:
                return
            await self._sleep(pause.total_seconds())

    async def _look(self, run: Delivering) -> AsyncGenerator[EventBatch, None]:
        found = await run.arrivals.look()
        unreadable = run.arrivals.unreadable
        for complete in found:
            try:
                async with aclosing(self._take(run, complete)) as batches:
                    async for batch in batches:
                        yield batch
            except LegacyUnavailableError as error:
                unreadable = unreadable or error
        if unreadable is not None:
            raise unreadable
        for told in run.arrivals.expected.due(at_rest=run.arrivals.at_rest):
            yield told

    async def _take(self, run: Delivering, complete: Complete) -> AsyncGenerator[EventBatch, None]:
        """Deliver a file, or put it aside."""
        case, arrivals = Case(complete=complete), run.arrivals
        try:
            async with aclosing(run.batches(case)) as batches:
                async for batch in batches:
                    yield batch
        except FileChangedError as error:
            if not case.is_begun:
                _log.warning("file waits", source=self.name, file=complete.candidate.name, reason=str(error))
                arrivals.lost(complete.candidate)
                return
            told = self._put_aside(arrivals, case, Reason(outcome="held", reason=str(error), next_step=_BRING_BACK))
        except FileHeldError as error:
            told = self._put_aside(arrivals, case, _why(case, error))
        else:
            told = None
        arrivals.settle(complete.candidate, until=case.verdict is not None and case.verdict.until)
        if told is not None:
            yield told

    def _put_aside(self, arrivals: Arrivals, case: Case, why: Reason) -> EventBatch | None:
        candidate = case.candidate
        if candidate not in self._told:
            self._told.add(candidate)
            self.held += 1
            self._metrics.file(self.name, why.outcome)
            _log.error(f"file {why.outcome}", source=self.name, file=candidate.name, reason=why.reason)
        return arrivals.put_aside(case, why)

    def _reach(self) -> None:
        """Find out whether the files' location can be reached."""
        with closing(connect(self.config)) as location:
            location.find()

    def shape(self) -> Shape:
        """Return how records become events; blocks.

        Raises:
            ConfigError: The copybook is not understood, or the mapping does not fit.
        """
        mapped = Mapped(
            model=self.model, key=self._key, mapping=self.mapping, canonical=self._canonical, changes=self._changes
        )
        return fit(self.config, mapped)


def _why(case: Case, error: FileHeldError) -> Reason:
    verdict = case.verdict
    next_step = error.next_step or (None if verdict is None else verdict.next_step)
    for_good = error.for_good or (verdict is not None and verdict.action == "quarantine")
    outcome: Outcome = "quarantined" if for_good else "held"
    return Reason(outcome=outcome, reason=str(error), next_step=next_step or _MEND)
