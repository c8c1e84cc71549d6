"""The bytes of many records, turned: one plane for each byte of a record, so that numpy works on all records at once.

A plane is one byte of all records: a field of 5 bytes is an array of shape (5, records), and so is what is written.
What a value does not need of its room is X'00', which is never in JSON and is taken out at the end.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOTHING", "Mask", "Planes", "Write", "running"]

NOTHING: Final = b"\0"

Planes: TypeAlias = NDArray[np.uint8]
Mask: TypeAlias = NDArray[np.bool_]
Write: TypeAlias = Callable[[Planes, Planes], Mask]
"""Takes a field's planes and writes those of its JSON, and tells which records' are not right: rows know them."""


def running(flags: Mask, *, backwards: bool) -> None:
    """Let each plane tell whether it was set, or any before it, or behind it."""
    order = range(len(flags) - 2, -1, -1) if backwards else range(1, len(flags))
    step = 1 if backwards else -1
    for at in order:
        np.logical_or(flags[at], flags[at + step], out=flags[at])
