"""Looks for lines of text."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from contracts.legacy.framing.sniff.page import is_ebcdic, text_share
from contracts.legacy.framing.sniff.proposal import Attempt, Proposal, Sample, attempt
from contracts.legacy.framing.spec import LineEnd

__all__ = ["of_lines"]

_TEXT: Final = 0.99


def of_lines(sample: Sample) -> Iterator[Proposal]:
    """Yield a proposal for each line end that cuts the sample into lines of text."""
    for line_end in (_ascii_end(sample.data), LineEnd.EBCDIC_NL, LineEnd.EBCDIC_LF):
        ebcdic = line_end.blank != 0x20  # noqa: PLR2004 - a blank in ASCII
        is_text = is_ebcdic(sample.data) is ebcdic and text_share(sample.data, ebcdic=ebcdic) >= _TEXT
        if is_text and line_end.mark in sample.data:
            found = attempt(sample, **_options(sample, line_end))
            if found is not None and found.closes:
                yield _proposal(sample, found, line_end)


def _ascii_end(data: bytes) -> LineEnd:
    lines, returns = data.count(b"\n"), data.count(b"\r\n")
    return LineEnd.LF if not returns else LineEnd.CRLF if returns == lines else LineEnd.LF_OR_CRLF


def _options(sample: Sample, line_end: LineEnd) -> dict[str, Any]:
    options: dict[str, Any] = {"recfm": "LS", "line_end": line_end}
    if sample.whole and not sample.data.endswith(line_end.mark):
        options["final_line_end"] = "optional"
    return options


def _proposal(sample: Sample, found: Attempt, line_end: LineEnd) -> Proposal:
    confidence, against = 0.55 + 0.4 * (1 - 0.5**found.count), list[str]()
    evidence = [f"{found.count:,} lines of text that end in {line_end.value}"]
    lengths = np.unique(found.lengths)
    if len(lengths) == 1:
        evidence.append(f"each of them has {lengths[0]:,} bytes")
    else:
        evidence.append(f"they have {lengths[0]:,} to {lengths[-1]:,} bytes")
    framing = found.framing
    if any(record.endswith(bytes([line_end.blank])) for record in found.records):
        framing = framing.model_copy(update={"trailing_blanks": "keep"})
        evidence.append("blanks at the end of lines are kept")
    if framing.final_line_end == "optional":
        against.append("the last line has no line end: the file may have been cut off")
    if sample.lengths:
        most = max(sample.lengths)
        if int(lengths[-1]) > most:
            confidence *= 0.4
            against.append(f"lines are longer than the copybook's {most:,} bytes")
        elif sample.length_of is None:
            framing = framing.model_copy(update={"lrecl": most})
            evidence.append(f"none is longer than the copybook's {most:,} bytes")
            if len(lengths) > 1:
                against.append("where a table makes records shorter, lrecl must be left out")
    return Proposal(
        framing=framing,
        confidence=confidence,
        evidence=tuple(evidence),
        against=tuple(against),
        records=found.records,
    )
