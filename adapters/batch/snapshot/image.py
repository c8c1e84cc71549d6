"""What is kept of each key from extract to extract: the source's keyed state. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from adapters.batch.snapshot.cut import DIGEST_BYTES, Keys
from adapters.batch.snapshot.difference import Images, Rows

__all__ = ["Image", "images", "key_bytes", "state_key"]

_PREFIX = b"image:"
_LENGTH_BYTES = 2
_REJECTED = 1 << 15
"""Added to the length, which is far below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What is known of one key.

    As bytes: 16 of the digest, 2 of the event key's length, the event key, the record. The highest bit of the length
    says that the newest record was rejected.
    """

    digest: bytes
    """Of the newest record, whether an event could be made of it or not: a bad one is dead-lettered once."""
    event_key: bytes = b""
    """Key of the newest event that was published; empty where none was."""
    record: bytes = b""
    """The record of that event; empty where no event shows what was before."""
    is_rejected: bool = False
    """The newest record became a dead letter: it is not what was published last."""

    @property
    def is_published(self) -> bool:
        """Tell whether any event of this key was published."""
        return bool(self.event_key)

    def to_bytes(self) -> bytes:
        """Return the state's value."""
        length = len(self.event_key) | (_REJECTED if self.is_rejected else 0)
        return self.digest + length.to_bytes(_LENGTH_BYTES, "big") + self.event_key + self.record

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the one that these bytes are.

        >>> Image.from_bytes(Image(digest=bytes(16), event_key=b"7", record=b"R").to_bytes()).record
        b'R'
        """
        start = DIGEST_BYTES + _LENGTH_BYTES
        told = int.from_bytes(data[DIGEST_BYTES:start], "big")
        end = start + (told & ~_REJECTED)
        digest, is_rejected = data[:DIGEST_BYTES], bool(told & _REJECTED)
        return cls(digest=digest, event_key=data[start:end], record=data[end:], is_rejected=is_rejected)


def state_key(key: bytes) -> bytes:
    """Return the key of an image in the source's keyed state."""
    return _PREFIX + key


def key_bytes(keys: Keys, rows: Rows) -> Sequence[bytes]:
    """Return keys with all their bytes, NUL at the end included."""
    width = keys.dtype.itemsize
    data = keys[rows].tobytes()
    return [data[at : at + width] for at in range(0, len(data), width)]


def images(state: Mapping[bytes, bytes], *, width: int) -> Images:
    """Return keys and digests of all images, in the order of the keys, which are of this many bytes."""
    found = {key: value for key, value in state.items() if key.startswith(_PREFIX)}
    raw = np.frombuffer(b"".join(found), dtype=np.uint8).reshape(-1, len(_PREFIX) + width)[:, len(_PREFIX) :]
    keys = np.ascontiguousarray(raw).view(f"S{width}").ravel()
    return Images.of(keys, b"".join(value[:DIGEST_BYTES] for value in found.values())).in_key_order()
