"""Looks for records of one length: by what divides the file, and by what repeats."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.legacy.framing.sniff.proposal import Proposal, Sample, attempt

__all__ = ["of_one_length"]

_LOOK_BYTES: Final = 2**16
_SHORTEST, _LONGEST = 8, 4096
_ALIKE: Final = 0.05
_NEARLY: Final = 0.4
_CLEAR_NATS: Final = 3.0


def of_one_length(sample: Sample) -> Iterator[Proposal]:
    """Yield a proposal for each length of the copybook's, or without one for what repeats most."""
    lengths = sample.lengths or tuple(_periods(sample.data))
    for length in dict.fromkeys(lengths):
        if sample.total_bytes is None or sample.total_bytes % length == 0:
            yield from _divided(sample, length)
        elif sample.total_bytes > length:
            yield from _between_ends(sample, length)


def _alike(data: NDArray[np.uint8], distance: int) -> float:
    """Return which share of bytes is the same at a distance."""
    if not 0 < distance < len(data):
        return 0.0
    same: NDArray[np.bool_] = data[distance:] == data[:-distance]
    return float(same.mean())


def _lift(data: bytes, length: int) -> float:
    """Return how much more alike bytes at this distance are than bytes at distances nearby."""
    codes = np.frombuffer(data[:_LOOK_BYTES], np.uint8)
    others = [_alike(codes, length + by) for by in (-7, -5, -3, -2, -1, 1, 2, 3, 5, 7) if length + by > 0]
    return _alike(codes, length) - float(np.median(others))


def _periods(data: bytes) -> Iterator[int]:
    """Yield the distance at which bytes are most alike, if there is one, or a part of it where they nearly are."""
    codes = np.frombuffer(data[:_LOOK_BYTES], np.uint8)
    most = min(_LONGEST, len(codes) // 3)
    shares = {distance: _alike(codes, distance) for distance in range(_SHORTEST, most)}
    if not shares:
        return
    best, usual = max(shares, key=shares.__getitem__), float(np.median([*shares.values()]))
    if shares[best] - usual > _ALIKE:
        enough = usual + _NEARLY * (shares[best] - usual)
        yield next(part for part in shares if best % part == 0 and shares[part] >= enough)


def _likeness(lift: float, length: int) -> tuple[list[str], list[str]]:
    if lift > _ALIKE:
        return [f"bytes {length:,} apart are alike more often than bytes at distances nearby, by {lift:.0%}"], []
    return [], [f"bytes {length:,} apart are no more alike than bytes at other distances"]


def _divided(sample: Sample, length: int) -> Iterator[Proposal]:
    found = attempt(sample, recfm="F", lrecl=length)
    if found is None:
        return
    lift = _lift(sample.data, length)
    evidence, against = _likeness(lift, length)
    if sample.total_bytes is not None:
        evidence.insert(0, f"the size, {sample.total_bytes:,} bytes, is divisible by {length:,}")
    yield Proposal(
        framing=found.framing,
        confidence=min(0.95, 0.5 + max(0.0, 1.5 * lift)),
        evidence=tuple(evidence),
        against=tuple(against),
        records=found.records,
    )


def _between_ends(sample: Sample, length: int) -> Iterator[Proposal]:
    """Propose header and footer bytes where the size is not divisible: what is least like the records."""
    total = sample.total_bytes or 0
    left = total % length
    ends = _ends(sample, length, left)
    header, footer = ends.header, left - ends.header
    found = attempt(sample, recfm="F", lrecl=length, header_bytes=header, footer_bytes=footer if sample.whole else 0)
    if found is None:
        return
    lift = _lift(sample.data, length)
    evidence, against = _likeness(lift, length)
    against.insert(0, f"the size, {total:,} bytes, is not divisible by {length:,}: {left:,} bytes are left over")
    evidence.append(f"the first {header:,} and the last {footer:,} bytes are least like the rest")
    if ends.margin < _CLEAR_NATS:
        against.append(f"{ends.second:,} header bytes are nearly as likely")
    yield Proposal(
        framing=found.framing.model_copy(update={"footer_bytes": footer}),
        confidence=min(0.6, 0.2 + max(0.0, 1.5 * lift)),
        evidence=tuple(evidence),
        against=tuple(against),
        records=found.records,
    )


@dataclass(frozen=True, slots=True)
class _Ends:
    header: int
    second: int
    margin: float


def _ends(sample: Sample, length: int, left: int) -> _Ends:
    """Return how many of the bytes that are left over stand before the records.

    For each column of the records (a byte's place modulo their length, whatever the header) the bytes that occur in it
    have a probability; the records are where the bytes together are likeliest.
    """
    data = sample.data if sample.whole else sample.data[: len(sample.data) // length * length + left - length]
    codes = np.frombuffer(data, np.uint8)
    columns = np.arange(len(codes)) % length
    counts = np.zeros((length, 256))
    np.add.at(counts, (columns, codes), 1)
    seen = counts[columns, codes] - 1  # but the byte itself
    likely = np.log((seen + 0.1) / (counts.sum(axis=1)[columns] - 1 + 25.6))
    sums = np.append(0.0, np.cumsum(likely))
    size = len(codes) - left
    scores = np.array([sums[header + size] - sums[header] for header in range(left + 1)])
    order = np.argsort(scores)[::-1]
    second = int(order[1]) if len(order) > 1 else int(order[0])
    return _Ends(int(order[0]), second, float(scores[order[0]] - scores[second]))
