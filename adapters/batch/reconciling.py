"""Holds a file that does not agree with itself, before anything of it is published."""

from adapters.batch.location import Reader
from adapters.batch.record_format import RecordFormat
from adapters.batch.stream import stream_of
from contracts.errors import FileHeldError, FramingError
from contracts.legacy.reconciliation import Outcome, Report, reconcile

__all__ = ["hold_broken", "reconciled"]

_BY_HAND = "find out which is right; accept it by its SHA-256 in the setting accept, or have it delivered again"
_AGAIN = "have it delivered again: it is set aside for good"


def reconciled(found: RecordFormat, reader: Reader) -> Report | None:
    """Read a file once and return what its checks find; None where there are none. Blocks.

    Raises:
        FileHeldError: Its bytes are not framed as declared.
        LegacyUnavailableError: It can't be read.
    """
    if found.file is None or not found.checks:
        return None
    try:
        return reconcile(found.checks, found.file.parts(stream_of(reader)))
    except FramingError as error:
        where = f"{error.expected} at byte {error.offset}"
        raise FileHeldError(reader.candidate.name, rule="framing", expected=where, found=error.found) from error


def hold_broken(file: str, report: Report) -> None:
    """Hold or quarantine a file of which a check breaks.

    Raises:
        FileHeldError: One does; names the first, and how many others do.
    """
    if report.outcome is Outcome.PUBLISH:
        return
    for_good = report.outcome is Outcome.QUARANTINE
    first, *others = sorted(report.breaks, key=lambda each: each.on_break != "quarantine")
    more = f"; so do {len(others)} other checks" if others else ""
    raise FileHeldError(
        file,
        rule=f"the check {first.check}",
        expected=first.expected,
        found=f"{first.found}{more}",
        next_step=_AGAIN if for_good else _BY_HAND,
        for_good=for_good,
    )
