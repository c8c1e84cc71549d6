"""Reads heads like one that was read before: a client repeats its head but for a few values.

A shape is a head as a pattern: every octet as it was, but for the values of the fields that differ from call to
call. A head that matches says what the first one said, with those values, and need not be taken apart again. It
is learnt from heads that were read by the rules, and only from plain ones.
"""

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, final

from routers.facade.http.fieldline import REMEMBERED, Field
from routers.facade.http.head import FORWARDED, RequestHead

__all__ = ["Shape", "Shapes"]

_LONGEST_BYTES: Final = 2_048
_MOST: Final = 64
_LEARNT_AT: Final = 3
"""How many times a shape has to be met before it is learnt: that costs a hundred calls' price."""
_MOST_MET: Final = 1_024
_TOKEN: Final = rb"([!-~]+)"
_WORDS: Final = rb"([!-~]+(?:[ \t]+[!-~]+)*)"
_NONE: Final[list[Field]] = []
_NO_OPTIONS: Final = frozenset[bytes]()
_NOT_PLAIN: Final = frozenset({b"expect", b"max-forwards", b"transfer-encoding"})


@final
class Shape:
    """One pattern."""

    __slots__ = ("_chosen", "_fixed", "_forwarded", "_length", "_match", "_said", "_varying")

    def __init__(self, head: bytes, like: RequestHead, varying: Sequence[bytes]) -> None:
        start, *lines = head.split(b"\r\n")[:-2]
        pattern, forwarded, chosen = [re.escape(start)], list[bytes](), list[int]()
        for line, (name, value, onward) in zip(lines, like.fields, strict=True):
            if name not in varying:
                pattern.append(re.escape(line))
                forwarded.append(onward.replace(b"%", b"%%"))
                continue
            given = line[: len(name)]
            pattern.append(re.escape(given) + b": " + _pattern(name, value))
            if onward:
                forwarded.append(given.replace(b"%", b"%%") + b": %b\r\n")
                chosen.append(varying.index(name))
        self._match = re.compile(b"\r\n".join(pattern) + b"\r\n\r\n").fullmatch
        self._varying, self._forwarded = tuple(varying), b"".join(forwarded)
        self._chosen: Callable[[tuple[bytes, ...]], tuple[bytes, ...]] = _chooser(chosen)
        self._length = varying.index(b"content-length") if b"content-length" in varying else -1
        self._fixed = {name: value for name, value in like.names.items() if name not in varying}
        self._said = (like.method, like.target, like.path, like.host, like.minor, like.keep_alive)

    def read(self, data: bytes, end: int) -> RequestHead | None:
        """Return the head that ends there, or None when it is not like this."""
        found = self._match(data, 0, end)
        if found is None:
            return None
        values = found.groups()
        request = RequestHead()
        request.method, request.target, request.path, request.host, request.minor, request.keep_alive = self._said
        request.chunked, request.fields, request.options = False, _NONE, _NO_OPTIONS
        request.length = 0 if self._length < 0 else int(values[self._length])
        request.names = names = self._fixed.copy()
        names.update(zip(self._varying, values, strict=True))
        request.forwarded = self._forwarded % self._chosen(values)
        return request


def _pattern(name: bytes, value: bytes) -> bytes:
    if name == b"content-length":
        return b"([0-9]{1,18})"
    return _WORDS if b" " in value or b"\t" in value else _TOKEN


def _chooser(places: Sequence[int]) -> Callable[[tuple[bytes, ...]], tuple[bytes, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    if not places:
        return lambda _: ()
    [place] = places
    return lambda values: (values[place],)


@final
class Shapes:
    """What was learnt, by one worker; bounded: the oldest goes."""

    __slots__ = ("_known", "_met")

    def __init__(self) -> None:
        self._met: dict[tuple[bytes, ...], int] = {}
        self._known: dict[tuple[bytes, ...], Shape] = {}

    def of(self, head: bytes, request: RequestHead) -> Shape | None:
        """Return the shape of a head that was read, where it is known, or worth learning."""
        # A target names a service in POST alone; others may name a person, of whom nothing is kept.
        if len(head) > _LONGEST_BYTES or request.method != b"POST" or b"?" in request.target or not _is_plain(request):
            return None
        fields, lines = request.fields, head.split(b"\r\n")
        varying = [name for name, _, _ in fields if name == b"content-length" or name not in REMEMBERED]
        fixed = [line for line, field in zip(lines[1:-2], fields, strict=True) if field[0] not in varying]
        key = (lines[0], *varying, *fixed)
        known = self._known.get(key)
        if known is None and self._is_worth(key):
            if len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            known = self._known[key] = Shape(head, request, varying)
        return known

    def _is_worth(self, key: tuple[bytes, ...]) -> bool:
        if len(self._met) >= _MOST_MET:
            self._met.clear()
        met = self._met[key] = self._met.get(key, 0) + 1
        return met >= _LEARNT_AT


def _is_plain(request: RequestHead) -> bool:
    """Tell whether each name stands once, and none of them asks for anything but to be passed on."""
    names = request.names
    return (
        not request.options
        and len(names) == len(request.fields)
        and FORWARDED.isdisjoint(names)
        and _NOT_PLAIN.isdisjoint(names)
    )
