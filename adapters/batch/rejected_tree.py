"""Where the records of a tree are that was rejected, as its dead letter says it: each as OFFSET+LENGTH. Pure."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from contracts.errors import ConfigError
from contracts.identifiers import ordinal
from contracts.legacy.framing import RecordBatch
from contracts.ports import Rejected

__all__ = ["PART", "places_of", "records_of"]

PART: Final = "part"
"""What is said of a record of a tree that is too large to be in one dead letter."""


def places_of(records: Iterable[tuple[int, int]]) -> str:
    """Return offset and length of some records as text.

    >>> places_of([(0, 64), (68, 12)])
    '0+64 68+12'
    """
    return " ".join(f"{offset}+{length}" for offset, length in records)


def records_of(letter: Rejected) -> RecordBatch:
    """Return the record of a dead letter where it was in its file, or those of its tree.

    Raises:
        ConfigError: Its position is none of a record, or its records are not those that it says.
    """
    position, told = letter.position, letter.attributes.get("tree")
    if not (position.isascii() and position.isdecimal()) or position != ordinal(int(position)):
        raise ConfigError([f"redrive: {position!r} is no record's position"])
    places = [(letter.offset or 0, len(letter.value))] if told is None else _places(told)
    lengths = np.array([length for _, length in places], np.int64)
    if lengths.sum() != len(letter.value):
        raise ConfigError([f"redrive: {position}: expected the records of {len(letter.value)} bytes, found {told!r}"])
    end = places[-1][0] + places[-1][1]
    return RecordBatch(
        data=np.frombuffer(letter.value, np.uint8),
        offsets=np.cumsum(lengths) - lengths,
        lengths=lengths,
        starts=np.array([*(offset for offset, _ in places), end], np.int64),
        first=int(position),
    )


def _places(told: str) -> list[tuple[int, int]]:
    try:
        return [(int(offset), int(length)) for offset, _, length in (each.partition("+") for each in told.split())]
    except ValueError:
        raise ConfigError([f"redrive: {told!r} tells no records of a tree"]) from None
