"""Proposes the framing and the code page of a file, with what speaks for each proposal and what against it.

A proposal is for people: nothing of the product reads a file by one that nobody confirmed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Final

from contracts.errors import FramingError
from contracts.legacy.framing.compression import decompress, detect
from contracts.legacy.framing.implied import LengthOf
from contracts.legacy.framing.sniff.fixed import of_one_length
from contracts.legacy.framing.sniff.line import of_lines
from contracts.legacy.framing.sniff.page import with_page
from contracts.legacy.framing.sniff.proposal import Proposal, Sample, Trial, attempt
from contracts.legacy.framing.sniff.word import with_words
from contracts.legacy.framing.spec import Compression, Framing

__all__ = ["Proposal", "Trial", "sniff"]

_MOST_BYTES: Final = 2**22


def sniff(
    head: bytes,
    *,
    total_bytes: int | None,
    lengths: Sequence[int] = (),
    length_of: LengthOf | None = None,
    trial: Trial | None = None,
) -> tuple[Proposal, ...]:
    """Return proposals, the likeliest first; none where nothing fits.

    Length fields, record headers of other makers, and header or trailer records are not looked for.

    Args:
        head: The file's first bytes, or all of them.
        total_bytes: Bytes of the whole file, where that is known.
        lengths: Bytes of a record that the copybook gives, several where it describes several.
        length_of: What tells a record's length, where the copybook does.
        trial: Tries to decode records; what can't be decoded is not so framed, or not in this code page.
    """
    kind = detect(head)
    if kind is Compression.NONE:
        data, total = head[:_MOST_BYTES], total_bytes
    else:
        data, total = _decompressed(head, kind)
    sample = Sample(data=data, total_bytes=total, lengths=tuple(lengths), length_of=length_of)
    found = [with_page(each, trial) for each in _proposals(sample)]
    if kind is not Compression.NONE:
        found = [_of_compressed(each, kind) for each in found]
    return tuple(sorted(found, key=lambda each: -each.confidence))


def _decompressed(head: bytes, kind: Compression) -> tuple[bytes, int | None]:
    """Return the first bytes of what is compressed, and how many there are if that is all."""
    data = bytearray()
    try:
        source = decompress(BytesIO(head), Framing(lrecl=1, compression=kind))
        while len(data) < _MOST_BYTES:
            more = source.read(_MOST_BYTES - len(data))
            if not more:
                return bytes(data), len(data)
            data += more
    except FramingError:  # the head of a compressed file ends anywhere
        pass
    return bytes(data), None


def _of_compressed(proposal: Proposal, kind: Compression) -> Proposal:
    framing = proposal.framing.model_copy(update={"compression": kind})
    return replace(proposal, framing=framing, evidence=(f"the file begins as {kind} does", *proposal.evidence))


def _proposals(sample: Sample) -> Iterator[Proposal]:
    if not sample.data:
        return
    yield from with_words(sample)
    lines = [*of_lines(sample)]
    yield from lines
    for each in of_one_length(sample):
        if lines and lines[0].confidence > _LINES:
            yield replace(each, confidence=each.confidence * _AS_LINES, against=(*each.against, *lines[0].evidence[:1]))
        else:
            yield each
    yield from _implied(sample)


_LINES: Final = 0.7
_AS_LINES: Final = 0.5


def _implied(sample: Sample) -> Iterator[Proposal]:
    """Propose no framing at all where the records themselves tell their lengths."""
    found = attempt(sample, recfm="none") if sample.length_of is not None else None
    if found is not None and found.closes:
        evidence = (*found.chain("length"), "each record's length is what the copybook computes from its counters")
        yield Proposal(
            framing=found.framing,
            confidence=min(0.95, found.confidence()),
            evidence=evidence,
            records=found.records,
        )
