"""The calendar of the last and the next days, with what became of each. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from adapters.batch.expected.account import Account
from adapters.batch.expected.book import Book, Told
from adapters.batch.expected.calendar import Occurrence, occurrences
from adapters.batch.expected.settings import Expected
from adapters.batch.ledger import Entry, Ledger
from contracts.ports import Progress

__all__ = ["Listed", "State", "listed"]

State = Literal["on time", "early", "late", "missing", "overdue", "open", "planned", "not watched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One expected day, and what became of it. Times are in the declared zone."""

    occurrence: Occurrence
    state: State
    """Of a day that has all its files, `late` where one of them was. `overdue` is missing and not told yet; `not
    watched` is from before the adapter first ran."""
    expected: int
    """How many files."""
    files: Sequence[Entry]
    """What came, whatever became of it."""
    published: int
    told: Told
    """What was told of it."""

    @property
    def late_by(self) -> timedelta | None:
        """Return how late the last of its files was; None where none was late."""
        return max((each.late_by for each in self.files if each.late_by is not None), default=None)


def listed(expected: Expected, since: Progress, *, now: datetime, days: int) -> list[Listed]:
    """Return what is expected from so many days before today to as many after, oldest first.

    Args:
        expected: What is declared; nothing without a window.
        since: How far the source is published.
        now: The time of day.
        days: How many days.
    """
    book = Book(since.state)
    account = Account(expected, Ledger(since), book)
    today = now.astimezone(ZoneInfo(expected.zone)).date()
    reach = timedelta(days=days)
    return [
        Listed(
            occurrence=each,
            state=_state(each, account, told=book[each.day], now=now),
            expected=expected.files,
            files=account.of(each.day),
            published=len(account.published(each.day)),
            told=book[each.day],
        )
        for each in occurrences(expected, today - reach, today + reach)
    ]


def _state(each: Occurrence, account: Account, *, told: Told, now: datetime) -> State:
    published = account.published(each.day)
    if published and not account.lacking(each.day):
        return _of_files(published)
    if told.missing is not None:
        return "missing"
    if not account.is_ours(each):
        return "not watched"
    if now > each.overdue:
        return "overdue"
    return "open" if now >= each.opens else "planned"


def _of_files(published: Sequence[Entry]) -> State:
    standings = {entry.standing for entry in published}
    if "late" in standings:
        return "late"
    return "early" if standings == {"early"} else "on time"
