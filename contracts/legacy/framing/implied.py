"""Records that tell their own length: by a field, a header of another maker, or the copybook."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from contracts.errors import ConfigError, FramingCode, FramingError, RecordError
from contracts.legacy.framing.batch import Position, RecordBatch
from contracts.legacy.framing.length import length_reader
from contracts.legacy.framing.plugin import Extent, RecordHeader, load_header
from contracts.legacy.framing.source import Source
from contracts.legacy.framing.spec import Framing

__all__ = ["LengthOf", "Measure", "measure_of", "read_implied"]

LengthOf = Callable[[memoryview], int | None]
"""Returns the bytes of the record that begins there, or None where what is given is too short to tell. It is given
at least `max_record_bytes` unless the file ends."""
_SHOWN_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How long records are."""

    header_bytes: int
    """Bytes before each record that do not belong to it."""
    needs: int
    """Bytes from a record's (or its header's) beginning on that tell its length."""
    extent: Callable[[memoryview], Extent | None]
    """Returns None where the bytes are too few; raises ValueError where they can't be right."""
    code: FramingCode = "length"


def measure_of(
    framing: Framing, *, length_of: LengthOf | None = None, record_header: RecordHeader | None = None
) -> Measure:
    """Return how the records of a framing without words are measured.

    Raises:
        ConfigError: Nothing tells the length, or two things do; the plug-in is not there.
    """
    if record_header is None and framing.record_header is not None:
        record_header = load_header(framing.record_header)
    given = [framing.length_field, record_header, length_of]
    if sum(each is not None for each in given) != 1:
        expected = "one of length_field, record_header and a copybook that tells the length"
        raise ConfigError([f"recfm none: expected {expected}, found {sum(each is not None for each in given)}"])
    if framing.length_field is not None:
        field = framing.length_field
        needs, read = field.offset + field.length, length_reader(field)
        return Measure(header_bytes=0, needs=needs, extent=lambda data: Extent(payload_bytes=read(data)))
    if record_header is not None:
        size, header = record_header.header_bytes, record_header
        return Measure(
            header_bytes=size, needs=size, extent=lambda data: header.read(bytes(data[:size])), code="header"
        )
    return Measure(header_bytes=0, needs=framing.longest, extent=_by_callable(length_of))


def _by_callable(length_of: LengthOf | None) -> Callable[[memoryview], Extent | None]:
    def extent(data: memoryview) -> Extent | None:
        length = length_of(data) if length_of is not None else None
        return None if length is None else Extent(payload_bytes=length)

    return extent


def read_implied(source: Source, framing: Framing, at: Position, *, measure: Measure) -> Iterator[RecordBatch]:
    """Yield the records of a file without descriptor words.

    Raises:
        FramingError: A length can't be right (`length`, `header`), or the file ends in a record (`truncated`).
    """
    window = _Window(source, framing, measure=measure, first=at.ordinal)
    while True:
        error = window.take()
        if window.starts:
            yield window.batch()
        if error is not None:
            raise error
        if source.ended:
            return
        window.move()


@final
class _Window:
    def __init__(self, source: Source, framing: Framing, *, measure: Measure, first: int) -> None:
        self._source, self._framing, self._measure = source, framing, measure
        self._first, self._at = first, 0
        self.starts: list[int] = []
        self._lengths: list[int] = []

    def move(self) -> None:
        """Look at what comes after the records that were passed."""
        self._source.advance(self._at)
        self._first, self._at = self._first + len(self.starts), 0
        self.starts, self._lengths = [], []

    def take(self) -> FramingError | None:
        """Pass all whole records; returns the error that ends the reading."""
        source, measure = self._source, self._measure
        view, size = memoryview(source.data), len(source.data)
        while (left := size - self._at) > 0:
            if left < measure.needs and not source.ended:
                return None
            found = self._extent(view[self._at :])
            if isinstance(found, FramingError):
                return found
            whole = measure.header_bytes + found.payload_bytes
            if whole > left:
                expected = f"a record of {whole} bytes, of which {left} are there"
                return self._error("truncated", expected) if source.ended else None
            if found.is_record:
                self.starts.append(self._at)
                self._lengths.append(found.payload_bytes)
            self._at += whole
        return None

    def _extent(self, data: memoryview) -> Extent | FramingError:
        measure = self._measure
        try:
            found = measure.extent(data) if len(data) >= measure.needs or not measure.header_bytes else None
        except (ValueError, IndexError, RecordError) as error:
            return self._error(measure.code, str(error) or "a length")
        if found is None:
            return self._error("truncated", "the part of a record that tells its length")
        least = max(self._framing.min_record_bytes, 0 if measure.header_bytes else 1)
        if found.is_record and not least <= found.payload_bytes <= self._framing.longest:
            expected = f"a record of {least} to {self._framing.longest} bytes, not {found.payload_bytes}"
            return self._error(measure.code, expected)
        if measure.header_bytes + found.payload_bytes <= 0 or found.payload_bytes < 0:
            return self._error(measure.code, "a length above zero")
        return found

    def _error(self, code: FramingCode, expected: str) -> FramingError:
        shown = self._source.data[self._at : self._at + max(_SHOWN_BYTES, self._measure.header_bytes)][:32].hex()
        offset, ordinal = self._source.base + self._at, self._first + len(self.starts)
        return FramingError(code, offset=offset, ordinal=ordinal, expected=expected, found=shown)

    def batch(self) -> RecordBatch:
        """Return the records that were passed."""
        begins = np.array([*self.starts, self._at], np.int64)
        return RecordBatch(
            data=np.frombuffer(self._source.data, np.uint8),
            offsets=begins[:-1] + self._measure.header_bytes,
            lengths=np.array(self._lengths, np.int64),
            starts=begins + self._source.base,
            first=self._first,
        )
