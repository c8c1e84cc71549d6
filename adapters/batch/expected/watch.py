"""Watches the calendar while an adapter reads: what is late or missing becomes an event, once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adapters.batch.config import Config
from adapters.batch.expected.account import Account
from adapters.batch.expected.book import Book, Watched
from adapters.batch.expected.calendar import Occurrence, occurrences
from adapters.batch.expected.settings import Expected
from adapters.batch.expected.standing import place
from adapters.batch.expected.telling import Reason, Teller
from adapters.batch.ledger import Entry, Ledger
from contracts.ports import EventBatch, Progress
from observability import metrics

__all__ = ["Expectations", "Outage"]

_YEAR = timedelta(days=366)
_AHEAD = timedelta(days=11)


@dataclass(slots=True)
class Outage:
    """Since when a location does not answer; outlives the reads that fail for it."""

    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one look at the location tells."""

    now: datetime
    is_certain: bool
    """What is not there now did not come; nothing is on its way of which we do not know."""
    unreachable: bool = False


class Expectations:
    """What one `read` knows of expected deliveries; nothing without a declared window.

    Args:
        config: What is declared.
        since: How far the source is published.
        outage: The same for all reads of an adapter.
        now: Returns the time of day.
    """

    def __init__(self, config: Config, since: Progress, *, outage: Outage, now: Callable[[], datetime]) -> None:
        self.ledger = Ledger(since)
        self._config, self._outage, self._now = config, outage, now
        self._declared = config.expected or Expected()
        self._is_watched = self._declared.window is not None
        self._begun, self._book, self._metrics = now(), Book(since.state), metrics.Metrics()
        self._account = Account(self._declared, self.ledger, self._book)
        self._teller = Teller(config, self._account, self._book)

    @property
    def missing(self) -> list[date]:
        """Return the days of the last month that were told missing, and still are."""
        return self._account.missing(self._now()) if self._is_watched else []

    def placed(self, entry: Entry) -> Entry:
        """Return an entry that says for which day it counts, and whether it is in time."""
        if not self._is_watched:
            return entry
        known = self.ledger.get(entry.id)
        if known is not None and known.is_delivered and known.standing is not None:
            return _placed_as(entry, known)
        found = place(self._declared, self._arrival(entry), entry.business_date, lacks=self._account.lacks())
        if found.occurrence is None:
            return entry.model_copy(update={"standing": found.standing})
        day, closes = found.occurrence.day, found.occurrence.closes
        update = {"counts_for": day, "due": closes, "standing": found.standing, "late_by": found.late_by}
        if self._book[day].missing is not None:
            # Who was told that it is missing has to hear that it came, whenever that was.
            update |= {"standing": "late", "late_by": self._now() - closes}
        return entry.model_copy(update=update)

    def due(self, *, at_rest: bool) -> Iterator[EventBatch]:
        """Yield what there is to tell after a look at the location.

        Args:
            at_rest: No file is still waited for to be complete.
        """
        now = self._now()
        self._outage.since = None
        yield from self._due(_Look(now=now, is_certain=at_rest or now >= self._begun + self._patience))

    def unreached(self) -> Iterator[EventBatch]:
        """Yield what there is to tell where the location does not answer: missing files, after some patience."""
        now = self._now()
        self._outage.since = self._outage.since or now
        certain = now >= self._outage.since + self._patience
        yield from self._due(_Look(now=now, is_certain=certain, unreachable=True))

    @property
    def _patience(self) -> timedelta:
        return self._config.stable_for + self._config.poll_interval

    def _due(self, look: _Look) -> Iterator[EventBatch]:
        if not self._is_watched:
            return
        if self._book.watched is None:
            yield self._teller.note(Watched(began=look.now))
        for entry in self._account.untold():
            yield self._teller.late(entry)
        yield from self._overdue(look)
        self._metrics.missing(self._config.name, len(self._account.missing(look.now)))

    def _overdue(self, look: _Look) -> Iterator[EventBatch]:
        """Settle the days whose time is over, in order."""
        watched = self._book.watched or Watched(began=look.now)
        settled: Occurrence | None = None
        lacks = self._account.lacks()
        for each in self._unsettled(watched, look.now):
            if each.overdue > look.now:
                break
            if lacks(each):
                if not look.is_certain:
                    break
                reason: Reason | None = "unreachable" if look.unreachable else None
                yield self._teller.missing(each, at=look.now, reason=reason)
                settled = None
                continue
            if self._account.is_ours(each):
                self._teller.count(each)
            settled = each
        if settled is not None:
            yield self._teller.settle(settled)

    def _unsettled(self, watched: Watched, now: datetime) -> Iterator[Occurrence]:
        first = (now - _YEAR).date() if watched.through is None else watched.through + timedelta(days=1)
        yield from occurrences(self._declared, max(first, (now - _YEAR).date()), (now + _AHEAD).date())

    def _arrival(self, entry: Entry) -> datetime:
        """Return when a file came: when it was seen first; where nobody looked before, when it was modified."""
        unseen = self._begun <= entry.arrived <= self._begun + self._patience
        return min(entry.arrived, entry.modified) if unseen and entry.modified is not None else entry.arrived


def _placed_as(entry: Entry, known: Entry) -> Entry:
    names = ("counts_for", "due", "standing", "late_by")
    return entry.model_copy(update={name: getattr(known, name) for name in names})
