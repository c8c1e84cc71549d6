"""The records of one extract: all of them in their order, and those that changed once more. All of it blocks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, final

from adapters.batch.reconciling import not_framed
from adapters.batch.record_format import RecordFormat
from contracts.errors import FileHeldError, FramingError
from contracts.legacy.framing import Position, RecordBatch

__all__ = ["Found", "Records"]

_SCAN_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One record, and where it is."""

    ordinal: int
    """Records of the file before it, those of its header included."""
    offset: int
    """Where it begins in the decompressed file, its descriptor word included."""
    record: bytes


@final
class Records:
    """Reads data records that all have the layout's length, by their index from 0."""

    def __init__(self, found: RecordFormat, stream: Callable[[], BinaryIO], *, file: str) -> None:
        """Prepare.

        Args:
            found: How the file is read.
            stream: Opens the file.
            file: Its name, for errors.
        """
        self._format, self._stream, self._file = found, stream, file
        self._length = found.layout.length
        self.first = found.framing.header_records
        """Ordinal of the first data record."""
        self._following: Iterator[RecordBatch] = iter(())
        self._batch: RecordBatch | None = None

    def batches(self) -> Iterator[RecordBatch]:
        """Yield all data records.

        Raises:
            FileHeldError: The file is not framed as declared, or a record has another length.
            LegacyUnavailableError: It can't be read.
        """
        records = max(1, _SCAN_BYTES // self._length)
        try:
            for batch in self._format.read(self._stream(), Position(), records=records):
                self._require_length(batch)
                yield batch
        except FramingError as error:
            raise not_framed(self._file, error) from error

    def at(self, indexes: Sequence[int]) -> Iterator[Found]:
        """Yield some records, by their indexes in ascending order.

        Without framing, it goes to where they are; else through the file, once where each call is for later ones.

        Raises:
            FileHeldError: As `batches`.
            LegacyUnavailableError: It can't be read.
        """
        return self._sought(indexes) if self._format.is_plain else self._passed(indexes)

    def _sought(self, indexes: Sequence[int]) -> Iterator[Found]:
        """Go to records; those that follow each other are read at once."""
        length, start, stream = self._length, 0, self._stream()
        for end in range(1, len(indexes) + 1):
            if end < len(indexes) and indexes[end] == indexes[end - 1] + 1:
                continue
            stream.seek(indexes[start] * length)
            data = stream.read((end - start) * length)
            for at, index in zip(range(0, len(data), length), indexes[start:end], strict=True):
                yield Found(ordinal=index, offset=index * length, record=data[at : at + length])
            start = end

    def _passed(self, indexes: Sequence[int]) -> Iterator[Found]:
        for index in indexes:
            ordinal = self.first + index
            batch = self._batch_with(ordinal)
            at = ordinal - batch.first
            yield Found(ordinal=ordinal, offset=int(batch.starts[at]), record=batch.record(at))

    def _batch_with(self, ordinal: int) -> RecordBatch:
        if self._batch is None or ordinal < self._batch.first:
            self._following = self.batches()
            self._batch = next(self._following)
        while ordinal >= self._batch.first + len(self._batch):
            self._batch = next(self._following)
        return self._batch

    def _require_length(self, batch: RecordBatch) -> None:
        other = (batch.lengths != self._length).nonzero()[0]
        if len(other):
            at = int(other[0])
            expected = f"records of {self._length} bytes, since they are compared byte by byte"
            found = f"{batch.lengths[at]} bytes in record {batch.first + at}"
            raise FileHeldError(self._file, rule="length", expected=expected, found=found)
