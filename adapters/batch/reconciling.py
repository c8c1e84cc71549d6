"""Holds a file that does not agree with itself, before anything of it is published."""

import re
from typing import Final

from adapters.batch.location import Reader
from adapters.batch.record_format import RecordFormat
from adapters.batch.stream import stream_of
from contracts.errors import FileHeldError, FramingError
from contracts.legacy.reconciliation import Outcome, Report, reconcile

__all__ = ["hold_broken", "not_framed", "reconciled"]

_BYTES: Final = re.compile(r"\b(?:[0-9a-f]{2}){3,}\b")

_BY_HAND = "find out which is right; accept it by its SHA-256 in the setting accept, or have it delivered again"
_UNREAD = "`copybook decode --quarantine` names the records that can't be read; "
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
        raise not_framed(reader.candidate.name, error) from error


def not_framed(file: str, error: FramingError) -> FileHeldError:
    """Return the error of a file that is not framed as declared; bytes that may be personal are not in it."""
    found = _BYTES.sub("other bytes", error.found)
    return FileHeldError(file, rule="framing", expected=f"{error.expected} at byte {error.offset}", found=found)


def hold_broken(file: str, report: Report) -> None:
    """Hold or quarantine a file of which a check breaks.

    Raises:
        FileHeldError: One does; names the first, and how many others do.
    """
    if report.outcome is Outcome.PUBLISH:
        return
    for_good = report.outcome is Outcome.QUARANTINE
    first, *others = sorted(report.breaks, key=lambda each: each.on_break != "quarantine")
    more = f"; others that break: {len(others)}" if others else ""
    by_hand = _UNREAD + _BY_HAND if report.refused else _BY_HAND
    raise FileHeldError(
        file,
        rule=f"the check {first.check}",
        expected=first.expected,
        found=f"{first.public}{more}",
        next_step=_AGAIN if for_good else by_hand,
        for_good=for_good,
    )
