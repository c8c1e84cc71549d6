"""One kind of file, put together: events become records, records files, and files are handed over."""

import fcntl
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from typing import Final, final

from adapters.outbound.ends import End, Facts, checks_of, totals_of, wanted_totals
from adapters.outbound.folder import Folder
from adapters.outbound.ledger import CutFile, Entry, Ledger, State
from adapters.outbound.rendering import Renderer
from adapters.outbound.spec import OutboundSpec
from contracts.errors import BanyanError, ConfigError, FileHeldError, FramingError, RecordError, safe_message
from contracts.event import Event
from contracts.legacy.check import require_fields
from contracts.legacy.copybook import Layout
from contracts.legacy.file_spec import length_of
from contracts.legacy.framing import Compression, Role, write
from contracts.legacy.reconciliation import reconcile
from contracts.legacy.record_file import RecordFile
from observability import fields
from observability.metrics import Metrics
from observability.tracing import span

__all__ = ["Outbound"]


def _now() -> datetime:
    return datetime.now(UTC)


@final
class Outbound:
    """Collects records, cuts files and hands them over. Blocking; nothing here waits for Kafka.

    `collect` runs in the subscriber's transaction, the rest in any thread or process that shares the ledger.

    Args:
        spec: The description.
        layout: Of data records.
        ends: Of header and trailer, where the description has them.
        ledger: What is remembered.
        folder: Where files go.
        clock: The time, with a zone.

    Raises:
        ConfigError: The description does not fit the copybook or the events; holds every problem.
        ContractError: A code page is not known, or an item can't be encoded as described.
    """

    def __init__(
        self,
        spec: OutboundSpec,
        layout: Layout,
        ends: Mapping[Role, Layout],
        *,
        ledger: Ledger,
        folder: Folder,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.spec: Final = spec
        self.ledger: Final = ledger
        self._folder, self._clock = folder, clock
        self._file = RecordFile(spec.file, layout, ends)
        self._checks = (*spec.file.checks, *checks_of(spec))
        self._framing = self._file.framing
        self._plain_framing = self._framing.model_copy(update={"compression": Compression.NONE})
        self._newest_ends: tuple[tuple[object, ...], dict[Role, bytes]] | None = None
        self._length_of = length_of(self._framing, self._file.codec)
        self._renderers, self._ends = self._compiled(ends)
        require_fields(self._checks, {Role.DATA: layout, **ends})
        self._metrics = Metrics()

    def _compiled(self, ends: Mapping[Role, Layout]) -> tuple[dict[type[Event], Renderer], dict[Role, End]]:
        problems: list[str] = []
        renderers: dict[type[Event], Renderer] = {}
        made: dict[Role, End] = {}
        said = {Role.HEADER: self.spec.header, Role.TRAILER: self.spec.trailer}
        for each in self.spec.events:
            with _gathered(problems):
                renderers[each.model] = Renderer(each, self._file.codec)
        for role, values in said.items():
            if values is not None:
                with _gathered(problems):
                    made[role] = End(role, values, self.spec.file.codec(ends[role]))
        if problems:
            raise ConfigError(problems)
        return renderers, made

    def collect(self, connection: sqlite3.Connection, events: Iterable[tuple[tuple[str, str], Event]]) -> int:
        """Let the records of events wait for the next file, in a transaction that the caller commits.

        Args:
            connection: Of the ledger's database, in a transaction.
            events: CloudEvents (source, id) and the event, in their order.

        Returns:
            How many records there are: events that a function leaves out have none.

        Raises:
            RecordError: An event does not fit; nothing of these was written.
        """
        entries: list[Entry] = []
        for (source, id_), event in events:
            record = self._renderers[type(event)].render(event)
            if record is not None:
                self._require_framed(record)
                entries.append(Entry(source=source, id=id_, record=record))
        self.ledger.add(connection, entries)
        return len(entries)

    def tend(self) -> list[CutFile]:
        """Cut what is due, hand over what is cut, and return what was handed over.

        Raises:
            RecordError: Header or trailer can't hold what they should say; nothing was cut.
            FileHeldError: A file does not agree with itself, or another has its name; later ones wait for it.
            LegacyUnavailableError: The folder does not answer; again later.
        """
        now, cut = self._clock(), self.spec.cut
        while cut.records is not None and self.ledger.waiting >= cut.records:
            self.cut()
        if (due := cut.due(now, self.ledger.mark)) is not None:
            made = self.cut(due.business_date, mark=due.at, empty=cut.empty == "write")
            if made is None:
                self.ledger.pass_over(due.at)
        self._metrics.outbound_waiting(self.spec.name, self.ledger.waiting)
        return self.deliver()

    def cut(
        self, business_date: date | None = None, *, mark: datetime | None = None, empty: bool = False
    ) -> CutFile | None:
        """Give the records that wait to a file of the next number; None where there are none.

        Args:
            business_date: Its business date; by default today's, in the zone of `cut`.
            mark: The time from which on the next cut counts; None leaves it.
            empty: Cut a file without records, too.

        Raises:
            RecordError: Header or trailer can't hold what they should say; nothing was cut.
        """
        while True:
            now = self._clock()
            number, first, last, records = self.ledger.next(self.spec.cut.records)
            if not records and not empty:
                return None
            date_ = business_date or self.spec.cut.business_date(now)
            sequence, created = self.spec.sequence.of(number), now.astimezone(UTC).replace(microsecond=0)
            name = self.spec.name_of(sequence=sequence, business_date=date_, created=created)
            file = CutFile(
                number=number,
                sequence=sequence,
                name=name,
                business_date=date_,
                created=created,
                first_row=first,
                last_row=last,
                records=records,
            )
            for record in self._ends_of(file).values():
                self._require_framed(record)
            if self.ledger.cut(file, mark=mark):
                return file

    def deliver(self) -> list[CutFile]:
        """Hand over what is cut, in the order of its numbers, and return it; after a crash, what is left of it.

        Raises:
            FileHeldError: A file does not agree with itself, or another has its name; later ones wait for it.
            LegacyUnavailableError: The folder does not answer; again later.
        """
        delivered: list[CutFile] = []
        with self._alone(), closing(self._folder):
            for file in self.ledger.undelivered():
                try:
                    delivered.append(self._handed_over(file))
                except BanyanError as error:
                    self.ledger.failed(file.number, safe_message(error))
                    self._metrics.outbound_held(self.spec.name, error)
                    raise
        return delivered

    def purge(self) -> list[CutFile]:
        """Forget the records of the files that were handed over longer ago than `keep`, and return these files."""
        before = self._clock() - self.spec.keep
        return [*iter(lambda: self.ledger.purge(before), None)]

    def render(self, file: CutFile) -> Iterator[bytes]:
        """Yield the bytes of a file, as often as asked for the same ones, if the description is still the same.

        Raises:
            FileHeldError: Its records are not kept any more.
            RecordError: Header or trailer can't hold what they should say.
        """
        if file.state is State.PURGED:
            raise FileHeldError(file.name, expected=f"{file.records} records in the ledger", found="none any more")
        ends = self._ends_of(file)
        data = self.ledger.records(file.first_row, file.last_row)
        first, last = ([ends[role]] if role in ends else [] for role in (Role.HEADER, Role.TRAILER))
        return write(chain(first, data, last), self._framing, length_of=self._length_of)

    def total(self, file: CutFile, field: str) -> Decimal:
        """Return the exact sum of a field over the data records of a file.

        Raises:
            RecordError: A value is no number.
        """
        records = map(self._file.codec.decode, self.ledger.records(file.first_row, file.last_row))
        return totals_of(records, [field])[field]

    def _handed_over(self, file: CutFile) -> CutFile:
        name, done = file.name, file.name + self.spec.done_file if self.spec.done_file else None
        attributes: dict[str, fields.Value | None] = {
            fields.BANYAN_SOURCE: self.spec.name,
            fields.BANYAN_FILE_NAME: name,
            fields.BANYAN_RECORDS: file.records,
        }
        with span(fields.span_name(fields.DELIVER, self.spec.name), attributes=attributes) as current:
            if file.state is State.CUT:
                staged = self._folder.stage(name, self.render(file))
                if done is not None:
                    self._folder.stage(done, ())
                self._require_agreement(file)
                file = replace(file, sha256=staged.sha256, size=staged.size)
                self.ledger.placed(file.number, sha256=staged.sha256, size=staged.size)
            self._folder.release(name)
            if done is not None:
                self._folder.release(done)
            file = replace(file, state=State.DELIVERED, delivered=self._clock(), problem=None)
            self.ledger.delivered(file.number, file.delivered or self._clock())
            current.set_attribute(fields.BANYAN_FILE_SHA256, file.sha256 or "")
            current.set_attribute(fields.BANYAN_FILE_SIZE, file.size or 0)
        self._metrics.outbound_delivered(self.spec.name, file.records)
        return file

    def _require_agreement(self, file: CutFile) -> None:
        """Read what was staged as the receiver will, and compare it with what it says of itself."""
        if not self.spec.verify:
            return
        try:
            with self._folder.staged(file.name) as staged:
                report = reconcile(self._checks, self._file.parts(staged))
        except FramingError as error:
            raise FileHeldError(file.name, expected=error.expected, found=error.found, rule="framing") from error
        if report.refused or report.records != file.records:
            expected = f"{file.records} records that can be read"
            raise FileHeldError(file.name, expected=expected, found=f"{report.records - report.refused}")
        if report.breaks:
            broken = report.breaks[0]
            raise FileHeldError(file.name, expected=broken.expected, found=broken.found, rule=broken.check)

    def _ends_of(self, file: CutFile) -> dict[Role, bytes]:
        """Return header and trailer; those of the file that was cut last are remembered, since it is written next."""
        same = (file.number, file.first_row, file.last_row, file.business_date, file.created)
        if self._newest_ends is None or self._newest_ends[0] != same:
            self._newest_ends = same, self._rendered_ends(file)
        return self._newest_ends[1]

    def _rendered_ends(self, file: CutFile) -> dict[Role, bytes]:
        wanted = wanted_totals(self.spec)
        totals = (
            totals_of(map(self._file.codec.decode, self.ledger.records(file.first_row, file.last_row)), wanted)
            if wanted
            else {}
        )
        facts = Facts(
            business_date=file.business_date,
            created=file.created,
            sequence=file.sequence,
            records=file.records,
            all_records=file.records + len(self._ends),
            totals=totals,
        )
        return {role: end.render(facts) for role, end in self._ends.items()}

    def _require_framed(self, record: bytes) -> None:
        """Make sure that a record fits the framing, before it is in a file.

        Raises:
            RecordError: It does not.
        """
        try:
            for _ in write([record], self._plain_framing, length_of=self._length_of):
                pass
        except FramingError as error:
            raise RecordError("record", expected=error.expected, code="framing") from error

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Keep other processes from handing over files of this ledger for the block."""
        with self.ledger.path.with_suffix(".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _gathered(problems: list[str]) -> Generator[None]:
    try:
        yield
    except ConfigError as error:
        problems += error.problems
