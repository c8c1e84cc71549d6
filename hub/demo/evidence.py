"""What the demo counts, and what has to hold of it; each is a line of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from routers.rulesets.chain import Manifest

__all__ = [
    "Channels",
    "Evidence",
    "Outage",
    "Rehearsed",
    "Tally",
    "Traced",
    "channel_table",
    "history_table",
    "outage_table",
    "tally_table",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The checked counts of one source."""

    source: str
    read: int
    """Records and changed items that the legacy side had; changes of the modern side."""
    published: int
    """Events in Kafka."""
    received: int
    """Different events that the new service handled."""
    lost: int
    doubled: int
    dead: int
    planted: int
    """Bad records that were put into the input on purpose."""

    @property
    def holds(self) -> bool:
        """Tell whether everything is where it should be."""
        complete = self.read == self.published + self.dead and self.published == self.received
        return complete and not self.lost and not self.doubled and self.dead == self.planted


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Who answered and who would pay, while the share was this one."""

    source: str
    residents: int
    """Who was called for, and has a record in the nightly file, too."""
    calls: int
    unanswered: int
    """Calls that were not answered, or not with what is on record."""
    soap: int
    """Residents whose calls reached the modern side, by what the sides themselves have seen."""
    records: int
    """Records of the nightly file."""
    modern_records: int
    """Records that `decide` gives to the modern side."""
    batch: int
    """Residents whose records `decide` gives to the modern side."""
    apart: int
    """Residents who are on one side in SOAP calls and on the other in the file."""
    both: int
    """Residents whom both sides have seen."""
    unexplained: int
    """Calls without a decision record that says the same."""
    share: int
    """In basis points."""

    @property
    def holds(self) -> bool:
        """Tell whether everybody is on one side, and on as many as the share says."""
        wrong = self.unanswered + self.apart + self.both + self.unexplained
        most = {0: self.soap == 0, 10_000: self.soap == self.residents}
        return not wrong and self.calls > 0 and self.soap == self.batch and most.get(self.share, self._near)

    @property
    def _near(self) -> bool:
        """Tell whether the residents on the modern side are within 4 sigma of the share."""
        part = self.share / 10_000
        return (self.soap - part * self.residents) ** 2 <= 16 * self.residents * part * (1 - part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What a kill under calls cost."""

    source: str
    calls: int
    failed: int
    """Calls with a fault or without an answer."""
    wrong: int
    """Calls with an answer that was never right."""
    again: int
    """Connections that broke before the answer; the callers called again."""
    fell_back: int
    """Calls that legacy answered in place of the modern side."""
    owed: int
    """Writes among them: what the modern side is owed."""
    older: int
    """Reads among them that knew an earlier address."""

    @property
    def holds(self) -> bool:
        """Tell whether no call failed, and the kill was felt at all."""
        return self.again + self.fell_back > 0 and not self.failed and not self.wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Whom one trace names."""

    source: str
    services: tuple[str, ...]
    expected: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Tell whether everybody is in it who had a part."""
        return set(self.expected) <= set(self.services)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What an adapter made of a stand-in for its system."""

    source: str
    items: int
    """What the stand-in listed."""
    events: int
    dead: int

    @property
    def holds(self) -> bool:
        """Tell whether each item became an event."""
        return self.items == self.events > 0 and not self.dead


Evidence = Tally | Channels | Outage | Traced | Rehearsed


def tally_table(tallies: Sequence[Tally]) -> Table:
    """Return the counts of the sources."""
    table = _table("source", "read", "published", "received", "lost", "doubled", "dead-lettered")
    for tally in tallies:
        counts = (tally.read, tally.published, tally.received, tally.lost, tally.doubled)
        dead = f"{tally.dead} of {tally.planted} planted"
        table.add_row(tally.source, *map(_number, counts), dead, _verdict(tally))
    return table


def channel_table(channels: Sequence[Channels]) -> Table:
    """Return who was on which side at each share."""
    table = _table("share", "calls", "modern in SOAP", "modern in the file", "records", "on two sides")
    for each in channels:
        apart = f"{each.apart + each.both} of {each.residents}"
        soap, batch = (f"{found} residents" for found in (each.soap, each.batch))
        table.add_row(
            each.source, _number(each.calls), soap, batch, _number(each.modern_records), apart, _verdict(each)
        )
    return table


def outage_table(outages: Sequence[Outage]) -> Table:
    """Return what each kill cost."""
    table = _table("killed", "calls", "failed", "again", "legacy", "owed", "older")
    for each in outages:
        counts = (each.calls, each.failed, each.again, each.fell_back, each.owed, each.older)
        table.add_row(each.source, *map(_number, counts), _verdict(each))
    return table


def history_table(history: Sequence[Manifest]) -> Table:
    """Return the changes of the ruleset."""
    table = Table(*("version", "hash", "author", "reason"), box=None, pad_edge=False, header_style="bold")
    for each in history:
        table.add_row(str(each.version), each.hash()[:12], each.author, each.reason)
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    table.add_column(names[0], no_wrap=True)
    for name in names[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    return table


def _number(count: int) -> str:
    return f"{count:,}"


def _verdict(found: Evidence) -> str:
    return "[green]holds[/green]" if found.holds else "[red]fails[/red]"
