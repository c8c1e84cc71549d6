"""What is proposed, and the sample that it rests on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from contracts.errors import FramingError
from contracts.legacy.framing.implied import LengthOf
from contracts.legacy.framing.reader import read
from contracts.legacy.framing.spec import Framing

__all__ = ["Attempt", "Proposal", "Sample", "Trial", "attempt"]

Trial = Callable[[Sequence[bytes], str, Framing], tuple[int, int, str]]
"""Decodes records with a code page, framed so; returns how many could be decoded, how many were tried, and what most of
the others lack, or nothing."""
_SURE: Final = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The beginning of a file, decompressed, and what is known of its records."""

    data: bytes
    total_bytes: int | None
    """Bytes of the whole file, where that is known."""
    lengths: tuple[int, ...] = ()
    """Lengths that a copybook gives for records; of a record that varies, the longest."""
    length_of: LengthOf | None = None

    @property
    def whole(self) -> bool:
        """Tell whether the sample is the whole file."""
        return self.total_bytes == len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A framing and a code page, with what speaks for them and what against."""

    framing: Framing
    code_page: str | None = None
    """None where the sample does not tell."""
    confidence: float
    """From 0 to 1; it ranks proposals, and is no probability."""
    evidence: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    records: tuple[bytes, ...] = field(default=(), repr=False)
    """The first records, as this framing gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How far a sample could be read with a framing."""

    framing: Framing
    lengths: NDArray[np.int64]
    """Of each record."""
    blocks: int
    """How many blocks the records begin in."""
    error: FramingError | None
    whole: bool
    records: tuple[bytes, ...]

    @property
    def count(self) -> int:
        """Return how many records were read."""
        return len(self.lengths)

    @property
    def closes(self) -> bool:
        """Tell whether the framing holds to the end of the file, or of the sample where that is shorter."""
        if self.error is None:
            return True
        return not self.whole and self.error.code in {"truncated", "remainder"}

    def confidence(self) -> float:
        """Return how sure a chain of so many records makes; each halves the chance that it is none."""
        sure = min(_SURE, 1 - 0.5**self.count)
        return sure if self.closes else sure * 0.3

    def chain(self, what: str) -> tuple[str, ...]:
        """Say how far a chain of descriptor words goes."""
        end = "closes at the end of the file" if self.whole else "holds to the end of the sample"
        return (f"the {what} chain {end}: {self.count:,} of {self.count:,} records",) if self.closes else ()

    def problems(self) -> tuple[str, ...]:
        """Say what ended the reading."""
        return () if self.closes else (f"after {self.count:,} records: {self.error}",)


_SHOWN: Final = 1000


def attempt(sample: Sample, **options: Any) -> Attempt | None:  # noqa: ANN401 - the fields of a framing
    """Read a sample as far as that goes; None where no record comes out, or the framing makes no sense."""
    try:
        framing = Framing(**options)
    except ValidationError:
        return None
    lengths, ends, first = list[NDArray[np.int64]](), set[int](), list[bytes]()
    error: FramingError | None = None
    length_of = sample.length_of if options.get("recfm") == "none" else None
    try:
        for batch in read(sample.data, framing, length_of=length_of):
            lengths.append(batch.lengths)
            ends |= set() if batch.block_ends is None else set(batch.block_ends[:-1].tolist())
            first += [batch.record(index) for index in range(min(len(batch), _SHOWN - len(first)))]
    except FramingError as problem:
        error = problem
    if not lengths:
        return None
    return Attempt(
        framing=framing,
        lengths=np.concatenate(lengths),
        blocks=len(ends),
        error=error,
        whole=sample.whole,
        records=tuple(first),
    )
