"""What differs between two extracts, from keys and digests alone. Pure.

Memory is bounded by the keys: the key and 16 bytes for each record, whatever the records' length.
"""

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from adapters.batch.snapshot.cut import DIGEST_BYTES, Keys

__all__ = ["Difference", "Images", "Rows", "difference", "distinct", "repeated"]

Rows: TypeAlias = NDArray[np.intp]
"""Indices of records in their extract, ascending."""
Digests: TypeAlias = NDArray[np.uint64]

_WORD_BYTES = 8
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Keys with the digest of each one's record, in the order of the extract."""

    keys: Keys
    digests: Digests
    """Of shape (records, 2)."""

    @classmethod
    def of(cls, keys: Keys, digests: bytes) -> Self:
        """Return keys with their digests, which stand one after the other."""
        return cls(keys=keys, digests=np.frombuffer(digests, dtype=np.uint64).reshape(-1, DIGEST_BYTES // _WORD_BYTES))

    def in_key_order(self) -> Self:
        """Return the same, sorted by key."""
        if _ascending(self.keys):
            return self
        order = np.argsort(self.keys, kind="stable")
        return type(self)(keys=self.keys[order], digests=self.digests[order])

    def only(self, rows: Rows) -> Self:
        """Return some of them."""
        return type(self)(keys=self.keys[rows], digests=self.digests[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What made the earlier extract the later one."""

    created: Rows
    """Of the later extract."""
    updated: Rows
    """Of the later extract."""
    deleted: Rows
    """Of the earlier extract, hence in the order of the keys."""
    unchanged: int


def difference(before: Images, after: Images) -> Difference:
    """Compare two extracts in which each key stands once; the order of the later one does not matter.

    Args:
        before: The earlier one, in the order of its keys.
        after: The later one, in any order.
    """
    if not len(before.keys):
        rows = np.arange(len(after.keys))
        return Difference(created=rows, updated=rows[:0], deleted=rows[:0], unchanged=0)
    at = _places(before.keys, after.keys)
    at[at == len(before.keys)] = 0
    known = before.keys[at] == after.keys
    same = known & (before.digests[at] == after.digests).all(axis=1)
    gone = np.ones(len(before.keys), dtype=np.bool_)
    gone[at[known]] = False
    return Difference(
        created=np.flatnonzero(~known),
        updated=np.flatnonzero(known & ~same),
        deleted=np.flatnonzero(gone),
        unchanged=int(np.count_nonzero(same)),
    )


def repeated(keys: Keys) -> tuple[Rows, Rows]:
    """Return the records whose key stands again later in the extract, and those whose key stood before."""
    none = np.zeros(0, dtype=np.intp)
    if _ascending(keys) or not _may_repeat(keys):
        return none, none
    order = np.argsort(keys, kind="stable")
    twice = keys[order[1:]] == keys[order[:-1]]
    return np.sort(order[:-1][twice]), np.sort(order[1:][twice])


def distinct(keys: Keys, keep: Literal["first", "last"]) -> Rows:
    """Return the records to keep so that each key stands once."""
    again_later, stood_before = repeated(keys)
    return np.setdiff1d(np.arange(len(keys)), again_later if keep == "last" else stood_before)


def _ascending(keys: Keys) -> bool:
    return bool((keys[1:] > keys[:-1]).all())


def _places(known: Keys, keys: Keys) -> Rows:
    """Return where each key stands among sorted ones, or would stand."""
    if _ascending(keys):
        return np.searchsorted(known, keys)
    # A search is three times as fast for keys that come in about their order, and their first bytes are sorted fast.
    order = np.argsort(_words(keys)[:, 0].byteswap())
    at = np.empty(len(keys), dtype=np.intp)
    at[order] = np.searchsorted(known, keys[order])
    return at


def _words(keys: Keys) -> NDArray[np.uint64]:
    """Return the bytes of keys in words of eight, as they are in memory, the last one filled up with NUL."""
    width = keys.dtype.itemsize
    padded = np.zeros((len(keys), -(-width // _WORD_BYTES) * _WORD_BYTES), dtype=np.uint8)
    padded[:, :width] = keys.view(np.uint8).reshape(-1, width)
    return padded.view(np.dtype("<u8"))


def _may_repeat(keys: Keys) -> bool:
    """Tell whether a key may stand twice; False is sure, and far cheaper than to sort the keys themselves."""
    mixed = np.zeros(len(keys), dtype=np.uint64)
    for word in _words(keys).T:
        mixed = (mixed ^ word) * _ODD
        mixed ^= mixed >> np.uint64(32)
    mixed.sort()
    return bool((mixed[1:] == mixed[:-1]).any())
