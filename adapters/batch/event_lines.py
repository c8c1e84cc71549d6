"""Records straight to the JSON of their events, many at once, where a mapping is a table of fields. Pure."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from contracts.cell import Cell
from contracts.columnar import leave_out
from contracts.legacy.copybook import Codec, RowCodec
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.kin import Kin
from contracts.legacy.copybook.outline import Outline, Place
from contracts.legacy.copybook.shape import Plain, Showing
from contracts.legacy.framing import RecordBatch
from contracts.mapping import Encoded, Mapper

__all__ = ["EventLines"]

_Indexes: TypeAlias = NDArray[np.intp]

_QUOTE, _ESCAPE = '"', "\\"
_ROOM: Final = 64
"""Bytes that a converter's JSON may have beside three for each byte of the field: what is longer takes longer."""


@final
class EventLines:
    """Makes the events of records of one length without an object for each field.

    What it makes is what `Codec` and `Mapper` make; records that are not plain are left to them.
    """

    def __init__(self, codec: Codec, mapper: Mapper, parts: Sequence[bytes | Cell]) -> None:
        self._mapper = mapper
        cells = {part.name: part for part in parts if isinstance(part, Cell)}
        places = {name: _place(codec, cell) for name, cell in cells.items()}
        # The key stands before its event in a line of its own.
        tokens: list[bytes | Place] = [places[mapper.key], b"\n"]
        tokens += [part if isinstance(part, bytes) else places[part.name] for part in parts]
        outline = Outline(tokens=[*tokens, b"\n"], end=codec.layout.length, telling={})
        self._kin = Kin(RowCodec(codec.layout, codec.options), outline)

    @classmethod
    def of(cls, codec: Codec, mapper: Mapper) -> Self | None:
        """Return what makes events so, or None where the model or the mapping asks for more."""
        parts = mapper.line
        if parts is None:
            return None
        fields = [codec.leaf(part.source).item for part in parts if isinstance(part, Cell)]
        return None if any(field.dimensions for field in fields) else cls(codec, mapper, parts)

    def encode(self, batch: RecordBatch) -> tuple[Encoded, _Indexes]:
        """Return the events of records that all have the layout's length, and the indexes of those not looked at."""
        rows, others = list[int](), list[int]()
        keys, values = list[str](), list[bytes]()
        for found in self._kin.lines(batch):
            if isinstance(found, int):
                others.append(found)
                continue
            lines = found.split(b"\n")[:-1]
            begin = len(rows) + len(others)
            rows += range(begin, begin + len(lines) // 2)
            keys += _texts(lines[::2])
            values += lines[1::2]
        canonical, errors = self._mapper.canonical_keys(keys)
        if errors:
            others = sorted([*others, *(rows[at] for at in errors)])
            rows, values = leave_out(rows, errors), leave_out(values, errors)
        encoded = Encoded(rows=rows, keys=canonical, values=values, bad={}, skipped=0)
        return encoded, np.array(others, np.intp)


def _place(codec: Codec, cell: Cell) -> Place:
    leaf = codec.leaf(cell.source)
    kind = _type_of(leaf.item)
    plain: Plain | None = "as it is" if kind in cell.as_is else "in quotes" if kind in cell.in_quotes else None
    width = 3 * leaf.item.length + _ROOM if cell.longest is None else cell.longest
    showing = Showing(show=cell.show, plain=plain, width=width)
    return Place(leaf, leaf.item.offset, leaf.item.length, showing)


def _type_of(item: Item) -> type:
    """Return the type of an item's values."""
    if item.kind in (Kind.FLOAT, Kind.EXTERNAL_FLOAT):
        return float
    if not item.kind.is_number:
        return str
    return Decimal if item.scale > 0 else int


def _texts(shown: Sequence[bytes]) -> list[str]:
    """Return values as text, given their JSON: of strings and numbers, whose text is that without the quotes."""
    joined = b"\n".join(shown).decode()
    if _ESCAPE in joined:
        return [str(json.loads(each)) if _ESCAPE in each else each.strip(_QUOTE) for each in joined.split("\n")]
    return joined.replace(_QUOTE, "").split("\n")
