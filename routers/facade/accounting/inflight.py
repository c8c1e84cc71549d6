"""The calls in flight of one worker, in memory that outlives it: a file that is mapped, read after a kill.

What is promised after SIGKILL at any instant: every unsafe call of which `sent` had returned and `end` had not
been called is found, with id, side and backend; and nothing is found that had not begun or whose `end` had
returned. A call that is found as sent may not have reached the socket, when the worker died right between: then
it is in doubt, which is what it is. Not promised: anything after a crash of the machine.

Each state change is one aligned store of 8 bytes, which a kill can't tear; what a state refers to is written
before it.
"""

import fcntl
import json
import mmap
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from routers.facade.settings import FacadeSettings
from routers.stage import OperationClass, Side

__all__ = ["Inflight", "InflightCall", "captured", "create", "read"]

_MAGIC: Final = b"BANYANF1"
_WORD: Final = 8
_HEAD: Final = 2 * _WORD
_SLOT: Final = 512
_ROOM: Final = _SLOT - _WORD
_WORDS: Final = _SLOT // _WORD

# A slot's word, from the lowest byte: state, class, side, nothing, backend (2 bytes), length of the note (2 bytes).
_FREE, _BEGUN, _SENT = range(3)
_CLASSES: Final = (OperationClass.SAFE, OperationClass.IDEMPOTENT, OperationClass.UNSAFE)
_SIDES: Final = (Side.LEGACY, Side.MODERN)
_BEGIN: Final = {operation: _BEGUN | place << 8 for place, operation in enumerate(_CLASSES)}
_UNSAFE: Final = _BEGIN[OperationClass.UNSAFE]
_SEND: Final = {side: _SENT | place << 16 for place, side in enumerate(_SIDES)}
_FREE_WORD: Final = bytes(_WORD)
_KEPT: Final = 0xFFFF_0000_0000_FF00


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class InflightCall:
    """One call that had not ended."""

    operation: OperationClass
    request_id: str | None
    """None of a safe or idempotent call: those may be called again, so they are only counted."""
    route: str | None
    key_hash: str | None
    side: Side | None
    """To whom it was sent last; None while it was sent to nobody."""
    backend: str | None

    @property
    def in_doubt(self) -> bool:
        """Tell whether it may have been done, and may not be sent again."""
        return self.operation is OperationClass.UNSAFE and self.side is not None


def create(path: Path, settings: FacadeSettings) -> None:
    """Make the file for one worker, before it starts; what was in it is gone."""
    names = json.dumps(list(settings.backends)).encode()
    head = _MAGIC + len(names).to_bytes(_WORD, "little") + names
    # Written in full: a page without space on the disk would end the worker with SIGBUS when it is touched.
    path.write_bytes(head.ljust(_slots_at(len(names)), b"\0") + bytes(_SLOT * settings.limits.connections))


def read(path: Path) -> list[InflightCall]:
    """Return the calls in flight; none where the file was not made to its end."""
    data = path.read_bytes()
    if data[:_WORD] != _MAGIC:
        return []
    names, start = _head(data)
    slots = range(start, len(data) - _SLOT + 1, _SLOT)
    return [_call(data[at : at + _SLOT], names) for at in slots if data[at : at + _WORD] != _FREE_WORD]


def captured(path: Path) -> int:
    """Return how many calls its worker had kept as they passed, in all."""
    data = path.read_bytes()
    if data[:_WORD] != _MAGIC:
        return 0
    _, start = _head(data)
    return int.from_bytes(data[start - _WORD : start], sys.byteorder)


@final
class Inflight:
    """Notes what one worker has in flight; used by one thread.

    The file is locked as long as the worker lives, so that others can tell whether it does.

    Raises:
        BlockingIOError: Another process has the file.
    """

    __slots__ = ("_backends", "_bytes", "_file", "_first", "_free", "_map", "_start", "_words")

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise
        self._open()
        names, self._start = _head(self._bytes)
        self._first = self._start // _WORD
        self._backends = {name: place << 32 for place, name in enumerate(names, start=1)}
        self._free = list(range(self._slots - 1, -1, -1))

    def begin(  # noqa: PLR0917 - on the hot path, names cost
        self, request_id: str, rule_name: str | None, operation: OperationClass, key_hash: str | None
    ) -> int:
        """Note a call, before anything is done for it, and return its slot.

        There is always one: the file grows when more calls are in flight than there are connections.

        Raises:
            OSError: The file can't grow; the call must not be sent.
        """
        if not self._free:
            self._grow()
        slot = self._free.pop()
        word = _BEGIN[operation]
        if word == _UNSAFE:
            # The id is last, since it alone may be too long.
            note = f"{rule_name or ''}\n{key_hash or ''}\n{request_id}".encode()[:_ROOM]
            at = self._start + slot * _SLOT + _WORD
            self._bytes[at : at + len(note)] = note
            word |= len(note) << 48
        self._words[self._first + slot * _WORDS] = word
        return slot

    def sent(self, slot: int, side: Side, backend: str) -> None:
        """Note to whom a call goes, before its first byte is handed to the socket; again for each attempt."""
        at = self._first + slot * _WORDS
        self._words[at] = self._words[at] & _KEPT | _SEND[side] | self._backends.get(backend, 0)

    def end(self, slot: int) -> None:
        """Note that a call has ended: answered, or told as failed or in doubt."""
        self._words[self._first + slot * _WORDS] = _FREE
        self._free.append(slot)

    def captured(self, count: int) -> None:
        """Note how many calls were kept as they passed, in all."""
        self._words[self._first - 1] = count

    def close(self) -> None:
        """Let go of the file, which stays as it is."""
        self._unmap()
        self._file.close()

    @property
    def _slots(self) -> int:
        return (len(self._bytes) - self._start) // _SLOT

    def _open(self) -> None:
        self._map = mmap.mmap(self._file.fileno(), 0)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")

    def _grow(self) -> None:
        before = self._slots
        os.posix_fallocate(self._file.fileno(), len(self._bytes), _SLOT * before)
        self._unmap()
        self._open()
        self._free.extend(range(self._slots - 1, before - 1, -1))

    def _unmap(self) -> None:
        self._words.release()
        self._bytes.release()
        self._map.close()


def _slots_at(names: int) -> int:
    """Return where the slots begin, on a page of their own, after names of this many bytes and a count."""
    return -(-(_HEAD + names + _WORD) // mmap.PAGESIZE) * mmap.PAGESIZE


def _head(data: bytes | memoryview) -> tuple[list[str], int]:
    length = int.from_bytes(data[_WORD:_HEAD], "little")
    return json.loads(bytes(data[_HEAD : _HEAD + length])), _slots_at(length)


def _call(slot: bytes, names: list[str]) -> InflightCall:
    word = int.from_bytes(slot[:_WORD], sys.byteorder)
    backend = word >> 32 & 0xFFFF
    note = slot[_WORD : _WORD + (word >> 48)].decode(errors="replace")
    route, key_hash, request_id = note.split("\n", 2) if note else ("", "", "")
    sent = word & 0xFF == _SENT
    return InflightCall(
        operation=_CLASSES[word >> 8 & 0xFF],
        request_id=request_id or None,
        route=route or None,
        key_hash=key_hash or None,
        side=_SIDES[word >> 16 & 0xFF] if sent else None,
        backend=names[backend - 1] if backend else None,
    )
