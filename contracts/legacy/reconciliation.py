"""Reconciles a file of records with what it says of itself, in one pass, before anything of it is published. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Protocol, cast, final

from contracts.legacy.check import (
    Check,
    CountCheck,
    HashCheck,
    OnBreak,
    RecordsCheck,
    SameCheck,
    SequenceCheck,
    SumCheck,
)
from contracts.legacy.copybook import Record
from contracts.legacy.framing import Role
from contracts.legacy.record_file import Refused, Value

__all__ = ["Finding", "Outcome", "Report", "reconcile", "values_in"]

_SHOWN = 5
_EXACT = Context(prec=64)


class Outcome(StrEnum):
    """What becomes of a file."""

    PUBLISH = "publish"
    HOLD = "hold"
    """Nothing of it is published until somebody decides."""
    QUARANTINE = "quarantine"
    """It is set aside for good: another delivery has to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    check: str
    """The check in words: `sum of AMOUNT = trailer.TOTAL`."""
    expected: str
    found: str
    agrees: bool
    on_break: OnBreak
    total: str | None = None
    """What was counted or added up: `sum of AMOUNT`; `found` is how much it is."""
    places: str | None = None
    """Where single records break it, without their values, which may be personal."""

    @property
    def public(self) -> str:
        """Return what was found, without values of single records."""
        return self.places or self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What reconciling a file found."""

    outcome: Outcome
    records: int
    """Data records, those included that can't be decoded."""
    refused: int
    """Records that can't be decoded, headers and trailers included."""
    findings: Sequence[Finding] = field(default_factory=tuple[Finding, ...])

    @property
    def breaks(self) -> Sequence[Finding]:
        """Return what does not agree."""
        return [finding for finding in self.findings if not finding.agrees]

    @property
    def totals(self) -> Mapping[str, str]:
        """Return what was counted or added up, by what it is; decimals as text."""
        return {finding.total: finding.found for finding in self.findings if finding.total is not None}


def reconcile(checks: Iterable[Check], parts: Iterable[tuple[Role, Value]]) -> Report:
    """Read a file once, and tell whether it agrees with itself.

    Args:
        checks: What must agree.
        parts: Each record in the order of the file, with the part that it belongs to.

    Raises:
        FramingError: The file is not framed as described.
    """
    seen = _Seen()
    running = [_RUNNERS[type(check)](check, seen) for check in checks]
    for role, value in parts:
        seen.take(role, value)
        if role is Role.DATA and not isinstance(value, Refused):
            for each in running:
                each.take(value)
    findings = [each.finding() for each in running]
    broken = {finding.on_break for finding in findings if not finding.agrees}
    outcome = Outcome.QUARANTINE if "quarantine" in broken else Outcome.HOLD if "hold" in broken else Outcome.PUBLISH
    return Report(outcome=outcome, records=seen.records, refused=seen.refused, findings=findings)


def values_in(record: Mapping[str, Any], name: str) -> Iterator[object]:
    """Yield the values of a field, by its name or its path; more than one where it is in a table."""
    head, _, rest = name.partition(".")
    for key, value in record.items():
        values = cast("list[object]", value) if isinstance(value, list) else [value]
        for each in values:
            if key == head and not rest:
                yield each
            elif isinstance(each, dict):
                inner = cast("dict[str, Any]", each)
                yield from values_in(inner, rest if key == head else name)


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


@final
class _Seen:
    """What the whole file holds."""

    def __init__(self) -> None:
        self.records = self.all = self.refused = 0
        self._ends: dict[Role, list[Record]] = {Role.HEADER: [], Role.TRAILER: []}

    def take(self, role: Role, value: Value) -> None:
        self.all += 1
        self.records += role is Role.DATA
        if isinstance(value, Refused):
            self.refused += 1
        elif role is not Role.DATA:
            self._ends[role].append(value)

    def said(self, place: str) -> str | None:
        """Return what the header or trailer says; None where it is not there."""
        part, _, name = place.partition(".")
        values = [str(value) for record in self._ends[Role(part)] for value in values_in(record, name)]
        return values[0] if values else None


class _Running(Protocol):
    def take(self, record: Record) -> None: ...
    def finding(self) -> Finding: ...


def _compared(
    check: CountCheck | SumCheck | HashCheck, said: str | None, what: str, *, found: Decimal | str
) -> Finding:
    """Compare what was added up with what is said; text is what could not be added up wholly."""
    return Finding(
        check=f"{what} = {check.equals}",
        expected=said or f"{check.equals}, which is not there or can't be read",
        found=f"{found:f}" if isinstance(found, Decimal) else found,
        agrees=isinstance(found, Decimal) and said is not None and _number(said) == found,
        on_break=check.on_break,
        total=what,
    )


@final
class _Count:
    def __init__(self, check: CountCheck, seen: _Seen) -> None:
        self._check, self._seen = check, seen

    def take(self, record: Record) -> None:
        """Count nothing here: records that can't be decoded count, too."""

    def finding(self) -> Finding:
        count = self._seen.records if self._check.of == "data" else self._seen.all
        return _compared(
            self._check, self._seen.said(self._check.equals), f"count of {self._check.of} records", found=Decimal(count)
        )


@final
class _Sum:
    def __init__(self, check: SumCheck | HashCheck, seen: _Seen) -> None:
        self._check, self._seen = check, seen
        self._total, self._unread = Decimal(0), 0

    def take(self, record: Record) -> None:
        for value in values_in(record, self._check.field):
            number = _number(value)
            if number is None:
                self._unread += 1
            else:
                self._total = _EXACT.add(self._total, number)

    def finding(self) -> Finding:
        check, found = self._check, self._total
        if isinstance(check, HashCheck) and check.digits is not None:
            found = _EXACT.remainder(found, Decimal(10) ** check.digits)
        what = f"{check.check} of {check.field}"
        unread, said = self._unread + self._seen.refused, self._seen.said(check.equals)
        if unread:
            return _compared(check, said, what, found=f"{found:f} without {unread} that can't be read")
        return _compared(check, said, what, found=found)


@final
class _Sequence:
    def __init__(self, check: SequenceCheck, seen: _Seen) -> None:
        self._check, self._seen = check, seen
        self._next = None if check.start is None else Decimal(check.start)
        self._gaps: list[str] = []
        self._count = 0
        self._first: int | None = None

    def take(self, record: Record) -> None:
        for value in values_in(record, self._check.field):
            number = _number(value)
            if number is None or (self._next is not None and number != self._next):
                self._count += 1
                self._first = self._seen.records - 1 if self._first is None else self._first
                if len(self._gaps) < _SHOWN:
                    self._gaps.append(f"{value} at record {self._seen.records - 1} instead of {self._next}")
            self._next = None if number is None else number + self._check.step

    def finding(self) -> Finding:
        more = "" if self._count <= _SHOWN else f", and {self._count - _SHOWN} more"
        unread = "" if not self._seen.refused else f"; {self._seen.refused} records can't be read"
        return Finding(
            check=f"sequence of {self._check.field}",
            expected=f"steps of {self._check.step}"
            + ("" if self._check.start is None else f" from {self._check.start}"),
            found="; ".join(self._gaps) + more or f"no gap{unread}",
            agrees=not self._count,
            on_break=self._check.on_break,
            places=f"{self._count} gaps, the first at record {self._first}" if self._count else None,
        )


@final
class _Same:
    def __init__(self, check: SameCheck, seen: _Seen) -> None:
        self._check, self._seen = check, seen

    def take(self, record: Record) -> None:
        """Look at nothing here: it is about header and trailer."""

    def finding(self) -> Finding:
        one, other = self._seen.said(self._check.field), self._seen.said(self._check.equals)
        return Finding(
            check=f"{self._check.field} = {self._check.equals}",
            expected="not there" if other is None else other,
            found="not there" if one is None else one,
            agrees=one is not None and one == other,
            on_break=self._check.on_break,
        )


@final
class _Records:
    def __init__(self, check: RecordsCheck, seen: _Seen) -> None:
        self._check, self._seen = check, seen

    def take(self, record: Record) -> None:
        """Count nothing here: records that can't be decoded count, too."""

    def finding(self) -> Finding:
        least, most = self._check.at_least or 0, self._check.at_most
        expected = f"at least {least}" + ("" if most is None else f", at most {most}")
        agrees = self._seen.records >= least and (most is None or self._seen.records <= most)
        return Finding(
            check="number of data records",
            expected=expected,
            found=str(self._seen.records),
            agrees=agrees,
            on_break=self._check.on_break,
        )


_RUNNERS: Mapping[type, Callable[[Any, _Seen], _Running]] = {
    CountCheck: _Count,
    SumCheck: _Sum,
    HashCheck: _Sum,
    SequenceCheck: _Sequence,
    SameCheck: _Same,
    RecordsCheck: _Records,
}
