"""Beginnings of messages that were read before: a client writes the same Envelope around each of its calls.

A parser is deterministic: what it made of the bytes up to the end of the operation's start tag, it makes of the
same bytes again, whatever follows. So a beginning that is equal byte for byte need not be parsed again.
"""

import re
from typing import Generic, TypeVar

__all__ = ["Prefixes"]

_T = TypeVar("_T")

_TAG = re.compile(rb"<[^<>\"']*(?:\"[^\"]*\"[^<>\"']*|'[^']*'[^<>\"']*)*>")
_LONGEST_BYTES, _MOST, _LENGTHS = 1024, 256, 8


class Prefixes(Generic[_T]):
    """What beginnings mean; bounded in number, in bytes, and in the lengths that are tried."""

    def __init__(self) -> None:
        self._meanings: dict[bytes, _T] = {}
        self._lengths: list[int] = []

    def __len__(self) -> int:
        """Return how many beginnings are kept."""
        return len(self._meanings)

    def of(self, data: bytes) -> _T | None:
        """Return what the message's beginning means, where it was learnt."""
        for length in self._lengths:
            found = self._meanings.get(data[:length])
            if found is not None:
                return found
        return None

    def learn(self, data: bytes, start: int, meaning: _T) -> None:
        """Keep the beginning up to the end of the tag at `start`, which a parser has accepted."""
        tag = _TAG.match(data, start, _LONGEST_BYTES)
        if tag is None:
            return
        if tag.end() not in self._lengths:
            if len(self._lengths) == _LENGTHS:
                self._forget()
            self._lengths.append(tag.end())
        if len(self._meanings) == _MOST:
            self._forget()
            self._lengths.append(tag.end())
        self._meanings[bytes(data[: tag.end()])] = meaning

    def _forget(self) -> None:
        self._meanings.clear()
        self._lengths.clear()
