"""Records that all have the layout's length to events, many at once: straight to JSON, else by columns. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from adapters.batch.event_lines import EventLines
from adapters.batch.part import Errors, merged, picked, placed
from contracts.legacy.copybook import Codec
from contracts.legacy.framing import RecordBatch
from contracts.mapping import Encoded, Mapper

__all__ = ["ByColumns"]


@final
class ByColumns:
    """Makes events of the records that are asked for."""

    def __init__(self, codec: Codec, where: Mapping[str, frozenset[str]]) -> None:
        """Prepare.

        Args:
            codec: Decodes by columns.
            where: Legacy field -> the values, as text, of records that become events.
        """
        self._codec, self._where = codec, where
        self._lines: dict[Mapper, EventLines | None] = {}

    def encode(self, batch: RecordBatch, mapper: Mapper) -> tuple[Encoded, Errors]:
        """Make events without an object for each field, and leave the records to columns that are not plain."""
        lines = self._lines_for(mapper)
        if lines is None:
            return self._by_columns(batch, mapper)
        asked = self._asked(batch)
        encoded, others = lines.encode(batch if asked is None else picked(batch, asked))
        if asked is not None:
            (encoded, _), others = placed((encoded, {}), asked), asked[others]
            others = np.union1d(others, np.setdiff1d(np.arange(len(batch)), asked))
        if not len(others):
            return encoded, {}
        rest, errors = placed(self._by_columns(picked(batch, others), mapper), others)
        return merged([encoded, rest]), errors

    def _asked(self, batch: RecordBatch) -> NDArray[np.int64] | None:
        """Return which records are asked for, as far as that can be read; None is all."""
        if not self._where:
            return None
        told = self._codec.only(set(self._where)).decode(_data(batch), len(batch))
        is_asked = np.ones(len(batch), np.bool_)
        for name, values in self._where.items():
            is_asked &= np.fromiter((str(value) in values for value in told.columns[name]), np.bool_, len(batch))
        is_asked[list(told.errors)] = False
        return np.flatnonzero(is_asked)

    def _lines_for(self, mapper: Mapper) -> EventLines | None:
        if mapper not in self._lines:
            self._lines[mapper] = EventLines.of(self._codec, mapper)
        return self._lines[mapper]

    def _by_columns(self, batch: RecordBatch, mapper: Mapper) -> tuple[Encoded, Errors]:
        data = _data(batch)
        told = self._codec.only(set(self._where)).decode(data, len(batch))
        left_out = {
            index
            for name, values in self._where.items()
            for index, value in enumerate(told.columns[name])
            if index not in told.errors and str(value) not in values
        }
        decoded = self._codec.only(mapper.fields).decode(data)
        errors = {index: e for index, e in {**decoded.errors, **told.errors}.items() if index not in left_out}
        encoded = mapper.encode(decoded.columns, skip=left_out | set(errors))
        return replace(encoded, skipped=encoded.skipped + len(left_out)), {**errors, **encoded.bad}


def _data(batch: RecordBatch) -> bytes:
    """Return the bytes of records of one length."""
    rows = batch.rows()
    if rows is None:
        raise ValueError("expected records of one length")
    return rows.tobytes()
