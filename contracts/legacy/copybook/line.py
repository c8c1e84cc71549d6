"""Records to lines of JSON, many at once, byte for byte as one at a time gives them.

All lines of a batch are one array of bytes: names and brackets stand in it once and for all, each field has room for
its longest value, and what is not needed is taken out at the end. Where counters or segments decide where items are,
records of one kind are taken together, see `outline`. Whatever is not plain is left to rows.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ConfigError, RecordError
from contracts.legacy.copybook.kin import Kin
from contracts.legacy.copybook.outline import is_hidden, outline_of, values_of
from contracts.legacy.copybook.row import RowCodec
from contracts.legacy.framing import RecordBatch

__all__ = ["LineCodec"]

_Indexes: TypeAlias = NDArray[np.intp]

_MOST_VALUES: Final = 5000
"""Of a record; with more, one batch would hold few records."""
_FEWEST: Final = 8
"""Records of one kind in a batch; fewer take rows less time."""
_MOST_TRIES: Final = 48
"""Kinds that are looked for in a batch; where there are so many, rows are as fast."""
_MOST_KINDS: Final = 128
_HELD_BYTES: Final = 2**25
"""Memory for the lines of all kinds together; beyond it, the ones that were not used for longest are forgotten."""


@final
class LineCodec:
    r"""Decodes records straight to lines of JSON.

    >>> from contracts.legacy.copybook import parse
    >>> from contracts.legacy.framing import Framing, read
    >>> layout = parse("       01  A.\n           05  B PIC 9(3).\n           05  C PIC X(2).")
    >>> codec = LineCodec(RowCodec(layout))
    >>> [batch] = read(bytes.fromhex("f0f0f1c140 f0f0c1c1c1 f0f0f0c1c2"), Framing(lrecl=5))
    >>> list(codec.lines(batch))
    [b'{"B":1,"C":"A"}\n', 1, b'{"B":0,"C":"AB"}\n']
    """

    def __init__(self, rows: RowCodec) -> None:
        """Prepare.

        Raises:
            ConfigError: The layout is not one that this can do, see `fits`.
        """
        if not self.fits(rows):
            raise ConfigError(["records with so many values, or with counters in a FILLER, are decoded row by row"])
        self._rows = rows
        self._all = None if _varies(rows) else Kin(rows, outline_of(rows, b""))
        self._kinds: list[Kin] = []

    @classmethod
    def fits(cls, rows: RowCodec) -> bool:
        """Tell whether records of a layout have not too many values, and no counters where nobody sees them."""
        return values_of(rows.root) <= _MOST_VALUES and not is_hidden(rows.root)

    def lines(self, batch: RecordBatch) -> Iterator[bytes | int]:
        """Yield lines, each with its end, and in its place the index of each record that rows must look at."""
        return self._all.lines(batch) if self._all else self._sorted(batch)

    def _sorted(self, batch: RecordBatch) -> Iterator[bytes | int]:
        """Yield lines kind by kind, put in order again."""
        found: list[bytes | int] = list(range(len(batch)))
        for kind, indexes in self._by_kind(batch):
            places, at = indexes.tolist(), 0
            for part in kind.lines(_picked(batch, indexes)):
                lines = [] if isinstance(part, int) else part.splitlines(keepends=True)
                for place, line in zip(places[at:], lines, strict=False):
                    found[place] = line
                at += len(lines) or 1
        for are_lines, several in groupby(found, key=lambda each: isinstance(each, bytes)):
            if are_lines:
                yield b"".join(each for each in several if isinstance(each, bytes))
            else:
                yield from several

    def _by_kind(self, batch: RecordBatch) -> Iterator[tuple[Kin, _Indexes]]:
        """Yield records that are of one kind, and their indexes; few of a kind are left out."""
        left = np.arange(len(batch))
        for kind in list(self._kinds):
            its = kind.has(batch, left)
            if np.count_nonzero(its) >= _FEWEST:
                self._remember(kind)
                yield kind, left[its]
                left = left[~its]
        for _ in range(_MOST_TRIES):
            if len(left) < _FEWEST:
                return
            new, its = self._kind_of(batch, left)
            if new is not None and np.count_nonzero(its) >= _FEWEST:
                self._remember(new)
                yield new, left[its]
            left = left[~its]

    def _kind_of(self, batch: RecordBatch, left: _Indexes) -> tuple[Kin | None, NDArray[np.bool_]]:
        """Return the kind of the first of some records, and which of them are of it; of none, only the first is."""
        record = batch.record(int(left[0]))
        if self._rows.options.is_trimmed:
            record = record.ljust(self._rows.layout.length, bytes([self._rows.blank]))
        try:
            kind = Kin(self._rows, outline_of(self._rows, record))
        except RecordError:
            return None, left == left[0]
        return kind, kind.has(batch, left)

    def _remember(self, kind: Kin) -> None:
        """Keep a kind as the one that was used last."""
        self._kinds = [*(each for each in self._kinds if each is not kind), kind]
        while len(self._kinds) > _MOST_KINDS or sum(each.held_bytes for each in self._kinds[:-1]) > _HELD_BYTES:
            self._kinds.pop(0)


def _varies(rows: RowCodec) -> bool:
    return bool(rows.options.segments) or any(item.occurs and item.occurs.depending_on for item in rows.layout.walk())


def _picked(batch: RecordBatch, indexes: _Indexes) -> RecordBatch:
    """Return some records of a batch; where they came from is not told."""
    starts = np.append(batch.starts[indexes], batch.starts[-1])
    offsets, lengths = batch.offsets[indexes], batch.lengths[indexes]
    return RecordBatch(data=batch.data, offsets=offsets, lengths=lengths, starts=starts, first=batch.first)
