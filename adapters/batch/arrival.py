"""Files as they arrive at one location, and the ledger of what becomes of them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from adapters._place import folder_of
from adapters.batch import ledger
from adapters.batch.candidate import Candidate
from adapters.batch.chunk import Shape
from adapters.batch.config import Config
from adapters.batch.delivery import Checkpoint, Delivery, business_date, checkpoints_of, rank, sequence
from adapters.batch.ending import file_part, topics_of
from adapters.batch.expected.watch import Expectations
from adapters.batch.identity import Verdict, decide, identify
from adapters.batch.ledger import Entry, Outcome
from adapters.batch.location import Local, Location
from adapters.batch.proof import Complete, Watch, matching
from adapters.batch.remote import FileSystem
from adapters.batch.snapshot import verdict
from adapters.batch.snapshot.history import Begun, History
from contracts.errors import FileChangedError, LegacyUnavailableError
from contracts.legacy.reconciliation import Report
from contracts.ports import EventBatch, Progress

__all__ = ["Arrivals", "Case", "Reason", "connect"]


def connect(config: Config) -> Location:
    """Return the location that the files are at; blocks.

    Raises:
        ConfigError: It is of no known kind, or needs a package that is not installed, or we are refused there.
        LegacyUnavailableError: Nobody answers there.
    """
    if isinstance(config.path, Path):
        return Local(config.path.parent, system=config.name)
    return FileSystem(folder_of(config.path), config.remote, system=config.name)


@dataclass(slots=True, kw_only=True)
class Case:
    """A complete file, and what is known of it by and by."""

    complete: Complete
    delivery: Delivery | None = None
    """Known once the file was read as a whole."""
    verdict: Verdict | None = None
    entry: Entry | None = None
    """What the ledger has of it."""
    extract: Begun | None = None
    """Where full extracts are compared: what is left of this one."""
    is_begun: bool = False
    """Something of it was published."""
    traceparent: str | None = None
    """Of the span that covers the file."""

    @property
    def candidate(self) -> Candidate:
        """Return the file as it was found."""
        return self.complete.candidate

    @property
    def identified(self) -> Delivery:
        """Return what the file delivers; only once it is decided about."""
        if self.delivery is None:
            raise ValueError("a file is identified before it is delivered")
        return self.delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a file is put aside."""

    outcome: Outcome
    reason: str
    next_step: str


class Arrivals:
    """What one `read` knows of its files.

    Args:
        config: What is declared of the files.
        location: Where they are.
        since: How far the source is published.
        clock: Returns seconds that never go back.
        now: Returns the time of day.
        shape: How a file's bytes become events.
        expected: Which deliveries have to come, with the ledger that they are counted in.
        extracts: Those that were read, where full extracts are compared.
    """

    def __init__(
        self,
        config: Config,
        location: Location,
        since: Progress,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        shape: Shape,
        expected: Expectations,
        extracts: History | None = None,
    ) -> None:
        self._topics = topics_of(shape) if config.end_of_file else ()
        self.location, self.ledger, self.expected = location, expected.ledger, expected
        self._config, self._now, self._extracts = config, now, extracts
        self._copybook = shape.format.copybook
        self._watch = Watch(
            config, location, clock=clock, record_length=shape.record_length, code_page=shape.format.code_page
        )
        self._checkpoints = checkpoints_of(since.checkpoints)
        self._found: list[Candidate] = []
        self._handled: set[Candidate] = set()
        self._waiting: set[Candidate] = set()

    @property
    def unreadable(self) -> LegacyUnavailableError | None:
        """Return why a file could not be looked at in the last look."""
        return self._watch.unreadable

    @property
    def at_rest(self) -> bool:
        """Tell whether all files of the last look are dealt with, for as long as they stay as they are."""
        return self._handled.issuperset(self._found)

    async def look(self) -> list[Complete]:
        """Return the files that are complete and not dealt with, by business date and sequence, oldest first."""
        files = await asyncio.to_thread(self.location.find)
        self._found = matching(files, self._config)
        self._watch.tell_undone(files, self._found)
        ready = await self._watch.complete(each for each in self._found if each not in self._handled)
        return sorted(ready, key=lambda each: self._order(each.candidate))

    def _order(self, candidate: Candidate) -> tuple[object, ...]:
        order = rank(business_date(candidate, self._config), sequence(candidate, self._config))
        return (*order, candidate.modified_ns, candidate.path)

    def settle(self, candidate: Candidate, *, until: bool = False) -> None:
        """Remember that a file is dealt with; with `until`, for as long as no other is published."""
        self._handled.add(candidate)
        if until:
            self._waiting.add(candidate)

    def lost(self, candidate: Candidate) -> None:
        """Begin anew with a file that changed before anything of it was published."""
        self._watch.forget(candidate)

    def decide(self, case: Case, delivery: Delivery, *, records: int | None) -> Verdict:
        """Identify a file that was read as a whole, and return what becomes of it.

        Raises:
            FileChangedError: It is not what it was when it was seen first.
        """
        proved = case.complete.sha256
        if proved is not None and proved != delivery.sha256:
            raise FileChangedError(delivery.file, found="other content than at the first look")
        delivery, judged = self._judge(case, delivery)
        known = self.ledger.get(ledger.entry_id(delivery))
        entry = Entry(
            id=ledger.entry_id(delivery),
            file=case.candidate.name,
            sha256=delivery.sha256,
            size_bytes=delivery.size_bytes,
            records=known.records if known and records is None else records,
            business_date=delivery.business_date,
            sequence=delivery.sequence,
            arrived=known.arrived if known else self._now(),
            modified=case.candidate.modified,
            proof=case.complete.proof,
            policy=judged.policy,
            outcome="in progress",
            read=known.read if known else 0,
            dead_letters=known.dead_letters if known else 0,
            copybook=self._copybook or None,
            checks=known.checks if known else (),
            totals=known.totals if known else {},
            trace_id=None if case.traceparent is None else case.traceparent.split("-")[1],
        )
        case.entry = self.expected.placed(entry)
        case.is_begun = known is not None and known.is_delivered
        return judged

    def _judge(self, case: Case, delivery: Delivery) -> tuple[Delivery, Verdict]:
        """Tell which delivery a file is, and what becomes of it."""
        if self._extracts is None:
            delivery = identify(delivery, self.ledger, self._config)
            judged = decide(delivery, self.ledger, self._config)
        else:
            found = self._extracts.begin(delivery)
            case.extract = found if isinstance(found, Begun) else None
            delivery, judged = found.delivery, verdict.decide(found, self.ledger, self._config)
        case.delivery, case.verdict = delivery, judged
        return delivery, judged

    @staticmethod
    def reconciled(case: Case, report: Report) -> None:
        """Keep what the checks of a file found, for its entry in the ledger."""
        if case.entry is None:
            raise ValueError("a file is identified before it is reconciled")
        checks = tuple(f"{each.check}: expected {each.expected}, found {each.public}" for each in report.findings)
        case.entry = case.entry.model_copy(
            update={"records": report.records, "checks": checks, "totals": report.totals}
        )

    def checkpoint(self, delivery: Delivery) -> Checkpoint | None:
        """Return how far a delivery has been published."""
        return self._checkpoints.get(delivery.stream)

    def publish(self, case: Case, batch: EventBatch) -> EventBatch:
        """Return a batch of the file's records with what it changes in the ledger."""
        if case.entry is None:
            raise ValueError("a file is identified before it is published")
        checkpoint = self._checkpoints[batch.stream] = Checkpoint.model_validate_json(batch.checkpoint)
        case.entry = case.entry.model_copy(
            update={
                "outcome": "published" if checkpoint.done else "in progress",
                "read": checkpoint.read,
                "records": checkpoint.records,
                "dead_letters": case.entry.dead_letters + len(batch.dead),
                "ended": self._now() if checkpoint.done else None,
            }
        )
        case.is_begun = True
        if checkpoint.done:
            self._handled -= self._waiting
            self._waiting.clear()
        file = file_part(case.identified, checkpoint, topics=self._topics, totals=case.entry.totals)
        return replace(batch, state={**batch.state, **self.ledger.put(case.entry)}, file=file)

    def repeat(self, case: Case, *, same_as: str) -> EventBatch | None:
        """Return a batch that tells of a duplicate; None where the ledger has it already."""
        if case.delivery is None or case.entry is None:
            raise ValueError("a file is identified before it is a duplicate")
        other = ledger.duplicate_id(case.delivery)
        known = self.ledger.get(other)
        update = {"id": other, "outcome": "duplicate", "same_as": same_as, "ended": self._now(), "read": 0}
        entry = case.entry.model_copy(update=update | {"dead_letters": 0})
        return self._tell(case, entry.model_copy(update={"arrived": known.arrived}) if known else entry)

    def put_aside(self, case: Case, why: Reason) -> EventBatch | None:
        """Return a batch that tells of a file that is held or quarantined; None where the ledger has it already."""
        candidate = case.candidate
        unread = ledger.unread_id(candidate.name)
        known = self.ledger.get(unread)
        unplaced = case.entry or Entry(
            id=unread,
            file=candidate.name,
            size_bytes=candidate.size_bytes,
            business_date=business_date(candidate, self._config),
            sequence=sequence(candidate, self._config),
            arrived=known.arrived if known else self._now(),
            modified=candidate.modified,
            proof=case.complete.proof,
            outcome=why.outcome,
        )
        entry = case.entry or self.expected.placed(unplaced)
        update = {"outcome": why.outcome, "reason": why.reason, "next_step": why.next_step, "ended": self._now()}
        return self._tell(case, entry.model_copy(update=update))

    def _tell(self, case: Case, entry: Entry) -> EventBatch | None:
        case.entry = entry
        state = self.ledger.put(entry)
        return ledger.batch(state, traceparent=case.traceparent) if state else None
