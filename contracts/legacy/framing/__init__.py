"""The framing of files: bytes to records and back, within declared bounds. Pure: it opens nothing.

`read` yields batches of records, `write` the bytes of a file; a `Framing` says how. What is not framed as declared is
a `FramingError` that names the place; nothing is guessed, and no record behind an error is read unless the format
itself tells where it begins and the framing allows it (`resync`).
"""

from contracts.legacy.framing.batch import Position, RecordBatch, Role, Segments
from contracts.legacy.framing.implied import LengthOf
from contracts.legacy.framing.plugin import Extent, RecordHeader
from contracts.legacy.framing.reader import read
from contracts.legacy.framing.spec import Compression, Framing, LengthField, LineEnd, Recfm
from contracts.legacy.framing.writer import write

__all__ = [
    "Compression",
    "Extent",
    "Framing",
    "LengthField",
    "LengthOf",
    "LineEnd",
    "Position",
    "Recfm",
    "RecordBatch",
    "RecordHeader",
    "Role",
    "Segments",
    "read",
    "write",
]
