"""Reads what the receiver answers, and tells which answers are overdue."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Final, final

from adapters.outbound.acknowledgement import Acknowledgement, Answer, Outcome, Said, answers, judge
from adapters.outbound.answer_ledger import Answered, AnswerLedger
from adapters.outbound.ledger import CutFile, Ledger, State
from contracts.errors import ConfigError, FileHeldError, FramingError, LegacyUnavailableError
from contracts.legacy.check import require_fields
from contracts.legacy.copybook import Layout
from contracts.legacy.framing import Role
from contracts.legacy.reconciliation import reconcile
from contracts.legacy.record_file import RecordFile

__all__ = ["Answers"]

Totalled = Callable[[CutFile, str], Decimal]
"""Returns the exact sum of a field over the data records of a file that was handed over."""


@final
class Answers:
    """Matches what the receiver says against the ledger. Blocking.

    Args:
        spec: The description.
        layout: Of data records of an answer.
        ends: Of its header and trailer, where it has them.
        ledger: The files that were handed over.
        totalled: Adds up a field of such a file.

    Raises:
        ConfigError: The description names what the copybook does not have; holds every problem.
    """

    def __init__(
        self, spec: Acknowledgement, layout: Layout, ends: Mapping[Role, Layout], *, ledger: Ledger, totalled: Totalled
    ) -> None:
        self.spec: Final = spec
        self.ledger: Final = AnswerLedger(ledger.path)
        self._files, self._totalled = ledger, totalled
        layouts = {Role.DATA: layout, **ends}
        if problems := [*_problems(spec, layouts)]:
            raise ConfigError(problems)
        require_fields(spec.file.checks, layouts)
        self._file = RecordFile(spec.file, layout, ends)
        self._seen: dict[Path, tuple[int, int]] = {}

    def take(self, now: datetime) -> list[Answered]:
        """Read the files of answers that are complete and not known yet, and return what they say.

        Raises:
            LegacyUnavailableError: The folder can't be read; again later.
        """
        found: list[Answered] = []
        for path in self._arrived(now):
            found += self.read(path, now)
        return found

    def read(self, path: Path, now: datetime, *, again: bool = False) -> list[Answered]:
        """Read one file of answers; nothing where its content is known, unless it is to be read again.

        Raises:
            LegacyUnavailableError: It can't be read from the disk.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise LegacyUnavailableError(str(path), reason=error.strerror or type(error).__name__) from error
        sha256 = hashlib.sha256(data).hexdigest()
        if self.ledger.is_known(sha256) and not again:
            return []
        said = self._judged(path.name, data)
        self.ledger.write(sha256, said, file=path.name, at=now)
        return [Answered(answer=each, file=path.name, at=now) for each in said]

    def overdue(self, now: datetime) -> list[CutFile]:
        """Return the files whose answer has not come in time, the oldest first."""
        if self.spec.within is None:
            return []
        answered = self.ledger.newest()
        return [
            file
            for file in self._files.files()
            if file.delivered is not None and file.number not in answered and file.delivered + self.spec.within <= now
        ]

    def _judged(self, name: str, data: bytes) -> Sequence[Answer]:
        try:
            self._require_agreement(name, data)
            return [self._matched(said) for said in answers(self.spec, name, self._file.parts(BytesIO(data)))]
        except (FileHeldError, FramingError) as error:
            return [Answer(sequence=None, number=None, outcome=Outcome.UNREADABLE, detail=str(error))]

    def _require_agreement(self, name: str, data: bytes) -> None:
        for broken in reconcile(self.spec.file.checks, self._file.parts(BytesIO(data))).breaks:
            raise FileHeldError(name, expected=broken.expected, found=broken.found, rule=broken.check)

    def _matched(self, said: Said) -> Answer:
        handed_over = [
            file for file in self._files.files() if file.sequence == said.sequence and file.state is not State.CUT
        ]
        file = handed_over[-1] if handed_over else None
        total = None
        if file is not None and file.state is not State.PURGED and self.spec.total is not None:
            total = self._totalled(file, self.spec.total.of)
        return judge(self.spec, said, file, total=total)

    def _arrived(self, now: datetime) -> Iterator[Path]:
        """Yield the files that are complete and were not looked at as they are now."""
        try:
            for path in sorted(self.spec.path.parent.glob(self.spec.path.name)):
                done = self.spec.done_file
                if not path.is_file() or (done is not None and path.name.endswith(done)):
                    continue
                status = path.stat()
                is_old = status.st_mtime + self.spec.stable_for.total_seconds() <= now.timestamp()
                is_whole = is_old if done is None else path.with_name(path.name + done).exists()
                state = (status.st_size, status.st_mtime_ns)
                if is_whole and self._seen.get(path) != state:
                    yield path
                    self._seen[path] = state
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise LegacyUnavailableError(str(self.spec.path.parent), reason=reason) from error


def _problems(spec: Acknowledgement, layouts: Mapping[Role, Layout]) -> Iterator[str]:
    rejects = spec.rejects
    named = [spec.sequence, spec.status, spec.count, None if spec.total is None else spec.total.field]
    named += [] if rejects is None else [rejects.record, rejects.reason]
    for place in named:
        if place is None:
            continue
        part, _, rest = place.partition(".")
        role, field = (Role(part), rest) if part in {"header", "trailer"} else (Role.DATA, place)
        layout = layouts.get(role)
        paths = set[str]() if layout is None else {".".join(item.path[1:]) for item in layout.walk()}
        if field not in paths:
            yield f"acknowledgement: {place}: the {role.value} record has no such field; say its path, GROUP.FIELD"
