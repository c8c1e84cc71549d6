"""How many files of each expected day came, by the ledger. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from adapters.batch.expected.book import Book
from adapters.batch.expected.calendar import Occurrence
from adapters.batch.expected.settings import Expected
from adapters.batch.expected.standing import place
from adapters.batch.ledger import Entry, Ledger

__all__ = ["Account"]

_MONTH = timedelta(days=31)


class Account:
    """The ledger's entries by the day that they count for."""

    def __init__(self, expected: Expected, ledger: Ledger, book: Book) -> None:
        self._expected, self._ledger, self._book = expected, ledger, book
        self._old: dict[str, date | None] = {}
        """Days of entries from before there was a calendar."""

    def of(self, day: date) -> list[Entry]:
        """Return what came for a day, whatever became of it, the first one first."""
        found = [entry for entry in self._ledger if self._day(entry) == day]
        return sorted(found, key=lambda entry: (entry.arrived, entry.id))

    def published(self, day: date) -> list[Entry]:
        """Return what was published of a day."""
        return [entry for entry in self.of(day) if _is_published(entry)]

    def lacking(self, day: date) -> int:
        """Return how many files a day lacks."""
        return max(0, self._expected.files - len(self.published(day)))

    def is_ours(self, occurrence: Occurrence) -> bool:
        """Tell whether a day is watched at all: what closed before the adapter first ran is not, unless declared."""
        if self._expected.since is not None:
            return occurrence.day >= self._expected.since
        return self._book.watched is None or occurrence.closes > self._book.watched.began

    def lacks(self) -> Callable[[Occurrence], bool]:
        """Return what tells, as of now, whether a day that is watched still lacks files."""
        counts = Counter(self._day(entry) for entry in self._ledger if _is_published(entry))
        return lambda each: self.is_ours(each) and counts[each.day] < self._expected.files

    def untold(self) -> Iterator[Entry]:
        """Yield the late files that were published and not told, in the order that they came in."""
        late = [entry for entry in self._ledger if entry.standing == "late" and entry.outcome == "published"]
        for entry in sorted(late, key=lambda each: (each.arrived, each.id)):
            if entry.counts_for is not None and entry.id not in self._book[entry.counts_for].late:
                yield entry

    def missing(self, now: datetime) -> list[date]:
        """Return the days of the last month that were told missing and still lack files, oldest first."""
        recent = (day for day in self._book.missing if day >= (now - _MONTH).date())
        return [day for day in recent if self.lacking(day)]

    def _day(self, entry: Entry) -> date | None:
        if entry.standing is not None:
            return entry.counts_for
        since = self._expected.since
        if since is None or entry.arrived.date() < since - _MONTH:
            return None
        if entry.id not in self._old:
            placed = place(self._expected, entry.arrived, entry.business_date, lacks=lambda _: True)
            self._old[entry.id] = placed.occurrence.day if placed.occurrence else None
        return self._old[entry.id]


def _is_published(entry: Entry) -> bool:
    return entry.outcome in {"published", "in progress"}
