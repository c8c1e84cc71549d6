"""Fields to JSON, all records at once: how the values of each kind of field are written. See `plane`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from contracts.legacy.copybook.figure import binary, number_bytes, packed, pointed, zoned
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.leaf import Leaf, Value
from contracts.legacy.copybook.naming import NamedLeaf
from contracts.legacy.copybook.options import Options, Trim
from contracts.legacy.copybook.plane import NOTHING, Mask, Planes, Write, running

__all__ = ["Plain", "Shape", "Showing", "shape_of", "shown_as"]

_NULL_BYTES: Final = 4
_FLOAT_BYTES: Final = 26
_UNNAMED_BYTES: Final = 32
"""Room for a value that has no condition name."""
_QUOTE, _BLANK = np.uint8(0x22), np.uint8(0x20)

Plain: TypeAlias = Literal["as it is", "in quotes"]
"""How plain values stand in JSON, beside how they would by themselves."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the values of one field are written."""

    width: int
    """Room for a value; rows write the record where it needs more."""
    write: Write | None
    """None: values are looked at one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """How the values of a field are shown, where it is not as they are."""

    show: Callable[[Value], bytes]
    """JSON of a value; nothing where there is none."""
    plain: Plain | None
    """How plain values are shown without asking; None: `show` is asked for each that is met the first time."""
    width: int
    """Bytes of the longest JSON that `show` is expected to give; rows show what is longer."""


def shown_as(shape: Shape, showing: Showing) -> Shape:
    """Return how the values of a field are written that are shown otherwise than as they are."""
    if showing.plain is None or shape.write is None:
        return Shape(max(_NULL_BYTES, showing.width), None)
    return shape if showing.plain == "as it is" else Shape(shape.width + 2, _quoted(shape.write))


def _quoted(inner: Write) -> Write:
    def write(raw: Planes, cell: Planes) -> Mask:
        cell[0] = cell[-1] = _QUOTE
        return inner(raw, cell[1:-1])

    return write


def shape_of(leaf: Leaf, options: Options, length: int, *, is_wide: bool) -> Shape:
    """Return how the values of a field are written.

    Args:
        leaf: How they are read.
        options: What the layout does not say.
        length: Bytes of the field.
        is_wide: Whether text has room for characters of several bytes.
    """
    if isinstance(leaf, NamedLeaf):
        names = max(len(to_json(name)) for name in leaf.stored)
        return Shape(max(names, _UNNAMED_BYTES), None)
    match leaf.item.kind:
        case Kind.TEXT if not ((options.dbcs or leaf.page.double) and leaf.page.is_ebcdic):
            characters = _characters(leaf)
            wide = max(len(each) for each in characters if not each.startswith(b"\\")) if is_wide else 1
            write = _text(leaf, options, [each if len(each) <= wide else b"" for each in characters], wide=wide)
            return Shape(max(_NULL_BYTES, wide * length + 2), write)
        case Kind.TEXT | Kind.NATIONAL | Kind.DBCS | Kind.GROUP:
            return Shape(3 * length + 2, None)
        case Kind.FLOAT | Kind.EXTERNAL_FLOAT as kind:
            return Shape(_FLOAT_BYTES, _float(leaf.item, options) if kind is Kind.FLOAT else None)
        case _:
            return Shape(number_bytes(leaf.item), _figure(leaf))


def _figure(leaf: Leaf) -> Write | None:
    item = leaf.item
    match item.kind:
        case Kind.ZONED:
            return zoned(leaf)
        case Kind.PACKED:
            return packed(item)
        case Kind.BINARY | Kind.ADDRESS:
            return binary(item)
        case Kind.EDITED if set(item.symbols.removeprefix("S")) <= {"9", "."} and item.symbols.endswith("9"):
            return pointed(leaf)
        case _:
            return None


def _characters(leaf: Leaf) -> list[bytes]:
    """Return each byte's character in JSON; nothing for what is none."""
    texts = (leaf.page.decode(bytes([byte])) for byte in range(256))
    return [b"" if text is None else to_json(text)[1:-1] for text in texts]


def _text(leaf: Leaf, options: Options, characters: list[bytes], *, wide: int) -> Write:
    """Return how text is written; characters that are not told are X'00' here, and so not right."""
    shown = [each.ljust(wide, NOTHING) for each in characters]
    first, *others = (bytes(each[at] for each in shown) for at in range(wide))
    trim, justified = options.trim, leaf.item.justified
    is_left = trim in (Trim.LEFT, Trim.BOTH) or (trim is Trim.RIGHT and justified)
    is_right = trim is Trim.BOTH or (trim is Trim.RIGHT and not justified)

    def write(raw: Planes, cell: Planes) -> Mask:
        packed = raw.tobytes()
        text = _translated(packed, first, raw)
        bad: Mask = np.minimum.reduce(text, axis=0) == 0
        has_bad = bool(bad.any())
        keep = _filling(raw) if has_bad and options.is_nul_filled else np.ones(raw.shape, np.bool_)
        if is_right:
            keep &= text != _BLANK
            running(keep, backwards=True)
        if is_left:
            shows = text != _BLANK
            running(shows, backwards=False)
            keep &= shows
        if has_bad:
            bad = np.asarray((keep & (text == 0)).any(axis=0))
        end, kept = 1 + wide * len(raw), keep.view(np.uint8)
        cell[0] = cell[end] = _QUOTE
        np.multiply(text, kept, out=cell[1:end:wide])
        for at, table in enumerate(others, 2):
            np.multiply(_translated(packed, table, raw), kept, out=cell[at:end:wide])
        return bad

    return write


def _translated(packed: bytes, table: bytes, raw: Planes) -> Planes:
    return np.frombuffer(packed.translate(table), np.uint8).reshape(raw.shape)


def _filling(raw: Planes) -> Mask:
    """Return what is left of text without X'00' at its end."""
    keep: Mask = raw != 0
    running(keep, backwards=True)
    return keep


def _float(item: Item, options: Options) -> Write:
    is_little = (options.float_order or item.order) == "little"
    is_ieee = (options.floats or item.floats) == "ieee"

    def write(raw: Planes, cell: Planes) -> Mask:
        planes = raw[::-1] if is_little else raw
        numbers = _ieee(planes) if is_ieee else _ibm(planes)
        texts = np.array(to_json(numbers.tolist())[1:-1].split(b","), dtype=f"S{len(cell)}")
        cell[:] = texts.view(np.uint8).reshape(len(texts), len(cell)).T
        return ~np.isfinite(numbers)

    return write


def _ieee(raw: Planes) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.ascontiguousarray(raw.T).view(f">f{len(raw)}").ravel().astype(np.float64)


def _ibm(raw: Planes) -> NDArray[np.float64]:
    fraction = np.zeros(raw.shape[1], np.uint64)
    for plane in raw[1:]:
        fraction = (fraction << np.uint64(8)) | plane
    exponent = 4 * ((raw[0] & np.uint8(0x7F)).astype(np.int32) - 64) - 8 * (len(raw) - 1)
    numbers: NDArray[np.float64] = np.ldexp(fraction.astype(np.float64), exponent)
    numbers[(raw[0] >= 0x80) & (numbers != 0)] *= -1  # noqa: PLR2004 - the sign bit
    return numbers
