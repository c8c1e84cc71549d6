"""Which bytes of a record are its key, and which are compared. Pure."""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, Self, TypeAlias

import numpy as np
import xxhash
from numpy.typing import NDArray

from adapters.batch.snapshot.settings import Snapshot
from contracts.errors import ConfigError
from contracts.legacy.copybook import Layout
from contracts.legacy.copybook.entry import Usage
from contracts.legacy.copybook.layout import Field

__all__ = ["DIGEST_BYTES", "Cut", "Keys", "Part"]

DIGEST_BYTES = 16
"""128 bits of XXH3. A change is lost only if the new content of a key has the digest of its old one; with that many
bits even a billion changed records a night for a century miss one with a chance below 1 in 10**24. It is no
cryptographic hash: it guards against chance, not against somebody who writes records to deceive it."""

Keys: TypeAlias = NDArray[np.bytes_]
"""Whole keys, all of one width. NumPy cuts NUL at the end when one is taken out, but compares all bytes."""

_SIGN = {0xA: 0xC, 0xB: 0xD, 0xC: 0xC, 0xD: 0xD, 0xE: 0xC, 0xF: 0xC}
_PACKED = np.array([byte & 0xF0 | _SIGN.get(byte & 0xF, byte & 0xF) for byte in range(256)], dtype=np.uint8)
_ZONED = np.array([_SIGN.get(byte >> 4, byte >> 4) << 4 | byte & 0xF for byte in range(256)], dtype=np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One field of the key."""

    offset: int
    length: int
    sign: Literal["packed", "zoned"] | None = None
    """How its last byte tells the sign, which legacy programs write in more than one way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which bytes of a record count, and for what."""

    length: int
    """Bytes of a record."""
    key: tuple[Part, ...]
    compared: tuple[tuple[int, int], ...]
    """Offset and length of each stretch of bytes that is compared, in order, none touching another."""

    @classmethod
    def of(cls, layout: Layout, snapshot: Snapshot) -> Self:
        """Return how the records of a layout are cut.

        Raises:
            ConfigError: The layout has no such field.
        """
        fields = layout.by_name
        named = [("key", name) for name in snapshot.key] + [("ignore", name) for name in snapshot.ignore]
        problems = [f"snapshot.{where}: {_unknown(name, fields)}" for where, name in named if name not in fields]
        if problems:
            raise ConfigError(problems)
        counted = (field for name, field in fields.items() if name not in snapshot.ignore)
        compared = _stretches((field.offset, field.length) for field in counted)
        return cls(length=layout.length, key=tuple(_part(fields[name]) for name in snapshot.key), compared=compared)

    @property
    def key_bytes(self) -> int:
        """Return the bytes of a key."""
        return sum(part.length for part in self.key)

    @property
    def fingerprint(self) -> str:
        """Return what tells this from any other way to cut; begins with the length of a record.

        >>> Cut(length=9, key=(Part(offset=0, length=4, sign="packed"),), compared=((0, 4), (6, 3))).fingerprint
        '9:0+4packed:0+4,6+3'
        """
        key = ",".join(f"{part.offset}+{part.length}{part.sign or ''}" for part in self.key)
        return f"{self.length}:{key}:{','.join(f'{offset}+{length}' for offset, length in self.compared)}"

    def keys(self, records: bytes) -> Keys:
        """Return the key of each record."""
        raw = np.frombuffer(records, dtype=np.uint8).reshape(-1, self.length)
        keys = np.empty((len(raw), self.key_bytes), dtype=np.uint8)
        at = 0
        for part in self.key:
            end = at + part.length
            keys[:, at:end] = raw[:, part.offset : part.offset + part.length]
            if part.sign is not None:
                keys[:, end - 1] = (_PACKED if part.sign == "packed" else _ZONED)[keys[:, end - 1]]
            at = end
        return keys.view(f"S{self.key_bytes}").ravel()

    def digests(self, records: bytes) -> bytes:
        """Return the digests of what is compared of each record, one after the other."""
        return b"".join(self._digested(records))

    def _digested(self, records: bytes) -> Iterator[bytes] | list[bytes]:
        # This line decides the speed of a comparison: one call for each record and nothing else.
        digest: Callable[[bytes], bytes] = xxhash.xxh3_128_digest
        stretches = struct.Struct(_format(self.length, self.compared)).iter_unpack(records)
        if len(self.compared) == 1:
            return [digest(stretch) for (stretch,) in stretches]
        return (digest(b"".join(each)) for each in stretches)


def _part(field: Field) -> Part:
    signs: dict[Usage, Literal["packed", "zoned"]] = {Usage.PACKED: "packed"}
    if field.digits and field.signed:
        signs[Usage.DISPLAY] = "zoned"
    return Part(offset=field.offset, length=field.length, sign=signs.get(field.usage))


def _unknown(name: str, fields: Iterable[str]) -> str:
    known = [*fields]
    close = get_close_matches(name.upper(), known)
    hint = f"; did you mean {' or '.join(close)}?" if close else f"; there are {', '.join(known)}"
    return f"the copybook has no field {name!r}{hint}"


def _stretches(places: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return places joined where they touch or overlap."""
    joined: list[tuple[int, int]] = []
    for offset, length in sorted(places):
        if joined and offset <= sum(joined[-1]):
            start = joined[-1][0]
            joined[-1] = (start, max(sum(joined[-1]), offset + length) - start)
        else:
            joined.append((offset, length))
    return tuple(joined)


def _format(length: int, stretches: tuple[tuple[int, int], ...]) -> str:
    at, parts = 0, ""
    for offset, size in stretches:
        parts += f"{offset - at}x{size}s"
        at = offset + size
    return f"{parts}{length - at}x"
