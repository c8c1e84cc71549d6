"""Some records of a file, where they are and where they came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from contracts.errors import FramingError

__all__ = ["MOST_ERRORS", "Position", "RecordBatch", "Role", "Segments"]


MOST_ERRORS: Final = 1000
"""How many errors a batch may report; with more, the file is not what it is said to be."""


class Role(StrEnum):
    """Which part of a file a record belongs to."""

    HEADER = "header"
    DATA = "data"
    TRAILER = "trailer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place between two records, from which reading can start."""

    offset: int = 0
    """Bytes before it, in the decompressed stream."""
    ordinal: int = 0
    """Records before it, header records included."""
    block_end: int = 0
    """Where the block that it is in ends; 0 where it is in none, or before one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """What the prefixes of an IMS HD unload say, an entry for each record."""

    levels: NDArray[np.uint8]
    """1 is a root segment."""
    names: NDArray[np.bytes_]
    """Eight EBCDIC bytes each, as numpy's `S8`."""

    def __getitem__(self, part: slice) -> "Segments":
        return Segments(levels=self.levels[part], names=self.names[part])

    @classmethod
    def joined(cls, parts: Sequence["Segments"]) -> "Segments":
        """Return what follows each other as one."""
        return cls(
            levels=np.concatenate([each.levels for each in parts]), names=np.concatenate([each.names for each in parts])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBatch:
    """Records in their order: one buffer, and where each record is in it.

    Iterating yields each record as bytes; `rows` and `data` give them without an object for each.
    """

    data: NDArray[np.uint8]
    """A buffer that holds the records, and bytes that belong to none."""
    offsets: NDArray[np.int64]
    """Where each record begins in the buffer."""
    lengths: NDArray[np.int64]
    """Bytes of each record."""
    starts: NDArray[np.int64]
    """Where each record begins in the decompressed stream, its header included; one more for what comes after."""
    first: int
    """Ordinal of the first record, from 0."""
    block_ends: NDArray[np.int64] | None = None
    """For blocked formats, `Position.block_end` of each entry of `starts`."""
    role: Role = Role.DATA
    segments: Segments | None = None
    errors: tuple[FramingError, ...] = ()
    """Errors after which reading went on, since the framing says so (`resync`)."""

    def __len__(self) -> int:
        return len(self.offsets)

    def __iter__(self) -> Iterator[bytes]:
        data = self.data.tobytes() if len(self.data) else b""
        for offset, length in zip(self.offsets.tolist(), self.lengths.tolist(), strict=True):
            yield data[offset : offset + length]

    @property
    def next(self) -> Position:
        """Return from where to read on right after this batch."""
        block_end = 0 if self.block_ends is None else int(self.block_ends[-1])
        return Position(offset=int(self.starts[-1]), ordinal=self.first + len(self), block_end=block_end)

    def record(self, index: int) -> bytes:
        """Return the bytes of one record, by its index in the batch."""
        offset = int(self.offsets[index])
        return self.data[offset : offset + int(self.lengths[index])].tobytes()

    def rows(self) -> NDArray[np.uint8] | None:
        """Return the records as the rows of an array, or None where they differ in length.

        A view where they lie at equal distances (F, FB, a V file of one length), a copy otherwise.
        """
        if not len(self):
            return np.empty((0, 0), np.uint8)
        length = int(self.lengths[0])
        if (self.lengths != length).any():
            return None
        steps = np.diff(self.offsets)
        step = int(steps[0]) if len(steps) else length
        if (steps == step).all():
            data = self.data[int(self.offsets[0]) :]
            return np.lib.stride_tricks.as_strided(data, (len(self), length), (step, 1), writeable=False)
        places = self.offsets[:, None] + np.arange(length)
        return np.take(self.data, places)

    def alone(self) -> Self:
        """Return the same records in a buffer of their own, without errors: for another process."""
        begin = int(self.offsets.min()) if len(self) else 0
        end = int((self.offsets + self.lengths).max()) if len(self) else 0
        return replace(self, data=self.data[begin:end].copy(), offsets=self.offsets - begin, errors=())

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return batches that follow each other as one, which holds their records and no other bytes."""
        data, lengths = (
            b"".join(record for each in parts for record in each),
            np.concatenate([each.lengths for each in parts]),
        )
        block_ends = [each.block_ends for each in parts if each.block_ends is not None]
        segments = [each.segments for each in parts if each.segments is not None]
        return replace(
            parts[0],
            data=np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8),
            offsets=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64),
            lengths=lengths,
            starts=_followed([each.starts for each in parts]),
            block_ends=_followed(block_ends) if block_ends else None,
            segments=Segments.joined(segments) if segments else None,
            errors=tuple(error for each in parts for error in each.errors),
        )

    def cut(self, begin: int, end: int) -> Self:
        """Return the records from one index up to another; the errors stay with the first of them."""
        return replace(
            self,
            offsets=self.offsets[begin:end],
            lengths=self.lengths[begin:end],
            starts=self.starts[begin : end + 1],
            first=self.first + begin,
            block_ends=None if self.block_ends is None else self.block_ends[begin : end + 1],
            segments=None if self.segments is None else self.segments[begin:end],
            errors=self.errors if begin == 0 else (),
        )


def _followed(places: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return places of parts that follow each other; where one ends, the next begins."""
    return np.concatenate([*(each[:-1] for each in places[:-1]), places[-1]])
