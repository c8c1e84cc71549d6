"""Looks for descriptor words: V, VB, VBS, FB in blocks, and IMS unloads."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from contracts.legacy.framing.sniff.proposal import Attempt, Proposal, Sample, attempt

__all__ = ["with_words"]

_ORDERS: Final = ("big", "little")
_FEW: Final = 10


def with_words(sample: Sample) -> Iterator[Proposal]:
    """Yield a proposal for each kind of descriptor words that the sample holds."""
    for order in _ORDERS:
        blocked = [*_blocked(sample, order)]
        yield from blocked
        for includes in (True, False):
            found = attempt(sample, recfm="V", rdw=order, rdw_includes_header=includes)
            if found is None or not (found.closes or found.count >= _FEW):
                continue
            proposal = _proposal(sample, found, f"RDW ({_words(order, includes)})")
            segments = attempt(sample, recfm="V", rdw=order, rdw_includes_header=includes, ims_hd_unload=True)
            if segments is not None and segments.closes and found.closes:
                yield _unload(segments, found)
                proposal = _weaker(proposal, "each record begins with the prefix of an IMS segment", by=0.5)
            if any(each.confidence > _MOSTLY for each in blocked):
                proposal = _weaker(proposal, "each record is itself a chain of records: a block", by=0.4)
            yield proposal


_MOSTLY: Final = 0.5


def _words(order: str, includes: bool) -> str:  # noqa: FBT001 - of a pair
    return f"{order}-endian, header {'included' if includes else 'excluded'}"


def _blocked(sample: Sample, order: str) -> Iterator[Proposal]:
    """Yield what a sample of blocks is; spans only where there are some."""
    for includes in (True, False):
        words: dict[str, Any] = {"bdw": order, "rdw": order, "rdw_includes_header": includes}
        words["bdw_includes_header"] = includes
        plain = attempt(sample, recfm="VB", **words)
        if plain is not None and plain.closes:
            yield _of_blocks(sample, plain, f"BDW and RDW ({_words(order, includes)})")
            continue
        spanned = attempt(sample, recfm="VBS", **words)
        if spanned is not None and spanned.closes:
            found = _of_blocks(sample, spanned, f"BDW and SDW ({_words(order, includes)})")
            yield replace(found, evidence=(*found.evidence, "records span blocks, each segment's code in its place"))
    for length in sample.lengths:
        fixed = attempt(sample, recfm="FB", lrecl=length, bdw=order, block_bytes=length + 4)
        if fixed is not None and fixed.closes:
            yield _of_blocks(sample, fixed, f"BDW ({order}-endian) of records of {length} bytes,")


def _of_blocks(sample: Sample, found: Attempt, what: str) -> Proposal:
    proposal = _proposal(sample, found, what)
    return replace(proposal, evidence=(*proposal.evidence, f"the records begin in {found.blocks:,} blocks"))


def _unload(segments: Attempt, records: Attempt) -> Proposal:
    skipped = records.count - segments.count
    evidence = (
        *records.chain("RDW"),
        f"{segments.count:,} records begin with the prefix of an IMS segment whose lengths add up",
        *((f"{skipped:,} statistics records are left out",) if skipped else ()),
    )
    return Proposal(
        framing=segments.framing, confidence=segments.confidence(), evidence=evidence, records=segments.records
    )


def _proposal(sample: Sample, found: Attempt, what: str) -> Proposal:
    confidence, evidence, against = found.confidence(), [*found.chain(what)], [*found.problems()]
    shortest, longest = int(found.lengths.min()), int(found.lengths.max())
    evidence.append(f"records of {shortest:,} to {longest:,} bytes")
    if sample.lengths:
        most = max(sample.lengths)
        over = int((found.lengths > most).sum())
        if over:
            confidence *= 0.5
            against.append(f"{over:,} records are longer than the copybook's {most:,} bytes")
        else:
            evidence.append(f"none is longer than the copybook's {most:,} bytes")
    return Proposal(
        framing=found.framing,
        confidence=confidence,
        evidence=tuple(evidence),
        against=tuple(against),
        records=found.records,
    )


def _weaker(proposal: Proposal, reason: str, *, by: float) -> Proposal:
    return replace(proposal, confidence=proposal.confidence * by, against=(*proposal.against, reason))
