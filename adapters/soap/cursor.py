"""Where a snapshot goes on: what to ask for, and what follows a chunk. Pure.

A cursor is small JSON, since it is in the checkpoint of every chunk. It says all that a new process needs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from pydantic import JsonValue

from adapters.soap.changes import Listed, key_of
from adapters.soap.config import Config, Keys, Paging
from contracts.errors import LegacyUnavailableError
from contracts.legacy.soap.message.reader import Rest
from contracts.record_path import at

__all__ = ["Chunk", "Cursor", "Walk", "first_chunk", "walk"]

Cursor: TypeAlias = Mapping[str, JsonValue]
_ANCHORS: Final = 32
"""Items at the end of a page by which the next one is known to join it."""
_DIGITS: Final = 16
"""Of an item's hash, in a cursor."""
_SAME: Final = 3
"""Pages that begin alike, one after the other, are a service that does not heed what it is asked for."""


@dataclass(slots=True)
class Chunk:
    """What the next cursor needs to know of a chunk."""

    key: Sequence[str]
    count: int = 0
    last_key: str | None = None
    hashes: list[str] = field(default_factory=list[str])

    def take(self, items: Sequence[Listed]) -> None:
        """Note some more of its items."""
        self.count += len(items)
        for item in items:
            self.hashes.append(item.digest[:_DIGITS])
            self.last_key = key_of(at(item.record, self.key)) or self.last_key


class Walk(Protocol):
    """One way through a listing."""

    def first(self) -> Cursor:
        """Return where it begins."""
        ...

    def ask(self, cursor: Cursor) -> dict[str, Any]:
        """Return the parameters that ask for the chunk at a cursor."""
        ...

    def following(self, cursor: Cursor, chunk: Chunk, rest: Rest | None) -> Cursor | None:
        """Return where the chunk after this one begins; None where this one is the last.

        Raises:
            LegacyUnavailableError: The service goes round in circles.
        """
        ...


def walk(config: Config, keys: Keys | None, *, greatest: Callable[[], int]) -> Walk:
    """Return the way through a listing; `greatest` tells the greatest key that is known."""
    if keys is not None:
        return _After(keys, config.name) if keys.after is not None else _Ranges(keys, greatest)
    assert config.paging is not None  # noqa: S101 - the configuration was checked
    ways: dict[str, Callable[[Paging, str], Walk]] = {"offset": _Offsets, "page": _PageNumbers, "token": _Tokens}
    return ways[config.paging.by](config.paging, config.name)


def first_chunk(config: Config) -> dict[str, Any]:
    """Return the parameters of the first call of a snapshot."""
    listing = config.listing()
    way = walk(listing, None if config.snapshot is None else config.snapshot.by_key, greatest=lambda: -1)
    return {**listing.parameters, **way.ask(way.first())}


class _Pages:
    def __init__(self, paging: Paging, system: str) -> None:
        self._paging, self._system = paging, system

    def _asked(self, begins: str | None) -> dict[str, Any]:
        paging = self._paging
        size = {} if paging.size_parameter is None else {paging.size_parameter: str(paging.size)}
        return size if begins is None else {paging.parameter: begins, **size}

    def _alike(self, cursor: Cursor, chunk: Chunk) -> dict[str, JsonValue]:
        """Return what the next cursor keeps to see that the service goes round in circles."""
        begins = chunk.hashes[0] if chunk.hashes else ""
        alike = int(str(cursor.get("alike", 0))) + 1 if begins and cursor.get("begins") == begins else 0
        if alike >= _SAME:
            raise _in_circles(self._system, f"{_SAME + 1} pages, one after the other, begin with the same item")
        return {"begins": begins, "alike": alike}


class _Offsets(_Pages):
    """By offset: each page begins with the last item of the page before.

    Where items before it came or went meanwhile, the page may begin elsewhere. If none of the last items of the page
    before are in it, one may have been passed over: it is looked for further back, twice as far each time.
    """

    def first(self) -> Cursor:
        return {"at": 0}

    def ask(self, cursor: Cursor) -> dict[str, Any]:
        return self._asked(str(self._paging.first + _int(cursor, "at")))

    def following(self, cursor: Cursor, chunk: Chunk, rest: Rest | None) -> Cursor | None:
        del rest
        place, anchors = _int(cursor, "at"), cursor.get("anchors")
        is_first, size = anchors is None, self._paging.size
        if place and not (isinstance(anchors, list) and set(chunk.hashes) & set(map(str, anchors))):
            back = min(2 * _int(cursor, "back") or size // 2, place)
            return {**cursor, "at": place - back, "back": back}
        # Only a service that takes a size, and gave as many at first, says by a shorter page that it is the last.
        takes_size = bool(cursor.get("takes_size"))
        if is_first:
            takes_size = self._paging.size_parameter is not None and chunk.count >= size
        known = 0 if is_first else 1
        if chunk.count < (size if takes_size else known + 1):
            return None
        last: list[JsonValue] = [*chunk.hashes[-_ANCHORS:]]
        return {"at": place + chunk.count - 1, "anchors": last, "takes_size": takes_size, **self._alike(cursor, chunk)}


class _PageNumbers(_Pages):
    def first(self) -> Cursor:
        return {"at": 0}

    def ask(self, cursor: Cursor) -> dict[str, Any]:
        return self._asked(str(self._paging.first + _int(cursor, "at")))

    def following(self, cursor: Cursor, chunk: Chunk, rest: Rest | None) -> Cursor | None:
        del rest
        if chunk.count < self._paging.size:
            return None
        return {"at": _int(cursor, "at") + 1, **self._alike(cursor, chunk)}


class _Tokens(_Pages):
    def first(self) -> Cursor:
        return {"token": None}

    def ask(self, cursor: Cursor) -> dict[str, Any]:
        token = cursor["token"]
        return self._asked(None if token is None else str(token))

    def following(self, cursor: Cursor, chunk: Chunk, rest: Rest | None) -> Cursor | None:
        del chunk
        path = self._paging.token
        found = None if rest is None or path is None else at(rest.record, path[1:])
        if not isinstance(found, str | int) or found == "":
            return None
        if str(found) == cursor["token"]:
            raise _in_circles(self._system, "a page is followed by itself")
        return {"token": str(found)}


class _After:
    """By the last key: items that do not change can't be passed over, wherever others come and go."""

    def __init__(self, keys: Keys, system: str) -> None:
        self._keys, self._system = keys, system

    def first(self) -> Cursor:
        return {"after": None}

    def ask(self, cursor: Cursor) -> dict[str, Any]:
        keys, after = self._keys, cursor["after"]
        size = {} if keys.size_parameter is None else {keys.size_parameter: str(keys.size)}
        return size if after is None else {str(keys.after): str(after), **size}

    def following(self, cursor: Cursor, chunk: Chunk, rest: Rest | None) -> Cursor | None:
        del rest
        if chunk.count and chunk.last_key is None:
            raise _in_circles(self._system, "no item of a chunk has a key")
        if chunk.last_key is None or chunk.last_key == cursor["after"]:
            if chunk.count > 1:
                raise _in_circles(self._system, "a chunk ends with the key after which it was to begin")
            return None
        return {"after": chunk.last_key}


class _Ranges:
    """By ranges of numbers."""

    def __init__(self, keys: Keys, greatest: Callable[[], int]) -> None:
        self._keys, self._greatest = keys, greatest

    def first(self) -> Cursor:
        return {"least": self._keys.first}

    def ask(self, cursor: Cursor) -> dict[str, Any]:
        keys, least = self._keys, _int(cursor, "least")
        most = least + keys.size - 1
        most = most if keys.last is None else min(most, keys.last)
        size = {} if keys.size_parameter is None else {keys.size_parameter: str(keys.size)}
        return {str(keys.at_least): str(least), str(keys.at_most): str(most), **size}

    def following(self, cursor: Cursor, chunk: Chunk, rest: Rest | None) -> Cursor | None:
        del rest
        least = _int(cursor, "least") + self._keys.size
        if self._keys.last is not None:
            return {"least": least} if least <= self._keys.last else None
        return None if not chunk.count and least > self._greatest() else {"least": least}


def _int(cursor: Cursor, name: str) -> int:
    value = cursor.get(name, 0)
    return value if isinstance(value, int) else 0


def _in_circles(system: str, how: str) -> LegacyUnavailableError:
    return LegacyUnavailableError(system, reason=f"{how}: the listing does not end")
