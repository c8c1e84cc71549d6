"""One record of a file again, as it arrived: the bytes that an event was made of."""

from dataclasses import dataclass
from io import SEEK_END
from typing import Any, BinaryIO

from adapters.batch.record_format import RecordFormat
from contracts.errors import ConfigError, FramingError, RecordError
from contracts.legacy.copybook import Codec
from contracts.legacy.framing import Position, RecordBatch
from contracts.legacy.tree import Spoilt

__all__ = ["Original", "original"]

_RECORDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A record of a file, or a tree of records by its root."""

    offset: int
    """Where it begins in the (decompressed) file, what stands before the record included."""
    value: bytes
    """Its bytes, without what stands before it; of a tree, those of all its records."""
    fields: dict[str, Any] | None
    """What the copybook makes of them; None where it can't."""
    error: str | None
    """Why it can't."""


def original(found: RecordFormat, file: BinaryIO, ordinal: int) -> Original:
    """Return the record of this ordinal.

    Args:
        found: The format of the file.
        file: Its bytes, from the beginning.
        ordinal: Records before it, headers included.

    Raises:
        ConfigError: The file has no such record of data, or is not framed as the format says.
    """
    length, size = found.record_length, file.seek(0, SEEK_END)
    if found.is_plain and (ordinal + 1) * length > size:
        raise ConfigError([f"the file has no record of data {ordinal}"])
    file.seek(0)  # what is compressed is read from where the file stands
    start = Position(offset=ordinal * length, ordinal=ordinal) if found.is_plain else Position()
    try:
        for batch in found.read(file, start, records=1 if found.is_plain else _RECORDS):
            if batch.first <= ordinal < batch.first + len(batch):
                return _shown(found, batch, ordinal - batch.first)
    except FramingError as error:
        raise ConfigError([f"the file is not framed as the adapter says now: {error}"]) from error
    raise ConfigError([f"the file has no record of data {ordinal}"])


def _shown(found: RecordFormat, batch: RecordBatch, index: int) -> Original:
    trees = found.trees
    run = None if trees is None else next((run for run in trees.runs(batch) if run.start == index), None)
    value = b"".join(map(batch.record, run or [index]))
    fields, error = None, None
    try:
        if trees is None or run is None:
            fields = _columns(found.codec, value) if found.file is None else found.file.codec.decode(value)
        elif isinstance(tree := trees.read(batch, run), Spoilt):
            error = str(tree.told(index, batch.first))
        else:
            fields = tree
    except RecordError as refused:
        error = str(refused)
    return Original(offset=int(batch.starts[index]), value=value, fields=fields, error=error)


def _columns(codec: Codec | None, value: bytes) -> dict[str, Any] | None:
    if codec is None:
        return None
    decoded = codec.decode(value)
    if decoded.errors:
        raise decoded.errors[0]
    return {name: column[0] for name, column in decoded.columns.items()}
