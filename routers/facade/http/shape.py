"""Reads heads like one that was read before: clients and backends repeat their heads but for a few values.

A shape is a head as a pattern: every octet as it was, but for the values of the fields that differ from call to
call. A head that matches says what the first one said, with those values, and need not be taken apart again. It
is learnt from heads that were read by the rules, and only from plain ones.
"""

import re
from collections.abc import Callable, Container, Sequence
from operator import itemgetter
from typing import Final, Generic, Protocol, TypeVar, final

from routers.facade.http.fieldline import REMEMBERED, Field
from routers.facade.http.head import FORWARDED, AnswerHead, RequestHead, listed

__all__ = ["AnswerShape", "Shape", "Shapes"]

_LONGEST_BYTES: Final = 2_048
_MOST: Final = 64
_LEARNT_AT: Final = 3
"""How many times a shape has to be met before it is learnt: that costs a hundred calls' price."""
_MOST_MET: Final = 1_024
_TOKEN: Final = rb"([!-~]+)"
_WORDS: Final = rb"([!-~]+(?:[ \t]+[!-~]+)*)"
_NONE: Final[list[Field]] = []
_NO_OPTIONS: Final = frozenset[bytes]()
_VARYING: Final = frozenset({b"content-length"})
_VARYING_IN_ANSWERS: Final = frozenset({b"content-length", b"date", b"expires"})
"""Of the fields that repeat, those whose values do not."""
_ORDINARY: Final = frozenset({b"close", b"keep-alive"})
_FIRST_FINAL: Final = 200
_WITHOUT_BODY: Final = frozenset({204, 304})
_NOT_PLAIN: Final = frozenset({b"expect", b"max-forwards", b"transfer-encoding"})


class _Match(Protocol):
    """How a compiled pattern is asked."""

    def __call__(self, data: bytes, start: int, end: int, /) -> re.Match[bytes] | None: ...


@final
class Shape:
    """One pattern of requests."""

    __slots__ = ("_chosen", "_fixed", "_forwarded", "_length", "_match", "_said", "_varying")

    def __init__(self, head: bytes, like: RequestHead, varying: Sequence[bytes]) -> None:
        self._match, self._forwarded, chosen = _learnt(head, like.fields, varying)
        self._varying = tuple(varying)
        self._chosen = _chooser(chosen)
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
        for place, name in enumerate(self._varying):  # compiled, zip and its keyword cost three times as much
            names[name] = values[place]
        request.forwarded = self._forwarded % self._chosen(values)
        return request


@final
class AnswerShape:
    """One pattern of answers to other requests than HEAD."""

    __slots__ = ("_chosen", "_length", "_match", "_onward", "_said")

    def __init__(self, head: bytes, like: AnswerHead, *, fields: Sequence[Field], varying: Sequence[bytes]) -> None:
        self._match, forwarded, chosen = _learnt(head, fields, varying)
        start = like.onward[: like.onward.index(b"\r\n") + 2].replace(b"%", b"%%")
        self._length = varying.index(b"content-length") if b"content-length" in varying else -1
        if self._length >= 0:
            forwarded += b"Content-Length: %b\r\n"
            chosen.append(self._length)
        self._onward, self._chosen = start + forwarded, _chooser(chosen)
        self._said = (like.status, like.chunked, like.dated, like.identified, like.keep_alive, like.length)

    def read(self, data: bytes, end: int) -> AnswerHead | None:
        """Return the head that ends there, or None when it is not like this."""
        found = self._match(data, 0, end)
        if found is None:
            return None
        values = found.groups()
        answer = AnswerHead()
        answer.status, answer.chunked, answer.dated, answer.identified, answer.keep_alive, answer.length = self._said
        if self._length >= 0:
            answer.length = int(values[self._length])
        answer.onward = self._onward % self._chosen(values)
        return answer


def _learnt(head: bytes, fields: Sequence[Field], varying: Sequence[bytes]) -> tuple[_Match, bytes, list[int]]:
    """Return the pattern of a head, the template of what goes on of its fields, and which values stand in that."""
    start, *lines = head.split(b"\r\n")[:-2]
    pattern, forwarded, chosen = [re.escape(start)], list[bytes](), list[int]()
    for line, (name, value, onward) in zip(lines, fields, strict=True):
        if name not in varying:
            pattern.append(re.escape(line))
            forwarded.append(onward.replace(b"%", b"%%"))
            continue
        given = line[: len(name)]
        pattern.append(re.escape(given) + b": " + _pattern(name, value))
        if onward:
            forwarded.append(given.replace(b"%", b"%%") + b": %b\r\n")
            chosen.append(varying.index(name))
    return re.compile(b"\r\n".join(pattern) + b"\r\n\r\n").fullmatch, b"".join(forwarded), chosen


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


_Learnt = TypeVar("_Learnt")


@final
class _Known(Generic[_Learnt]):
    """What was learnt under a key, by one worker; bounded: the oldest goes."""

    __slots__ = ("_known", "_met")

    def __init__(self) -> None:
        self._met: dict[tuple[bytes, ...], int] = {}
        self._known: dict[tuple[bytes, ...], _Learnt] = {}

    def of(self, key: tuple[bytes, ...], learn: Callable[[], _Learnt]) -> _Learnt | None:
        """Return what is known; a key that was met often enough is worth learning."""
        known = self._known.get(key)
        if known is None and self._is_worth(key):
            if len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            known = self._known[key] = learn()
        return known

    def _is_worth(self, key: tuple[bytes, ...]) -> bool:
        if len(self._met) >= _MOST_MET:
            self._met.clear()
        met = self._met[key] = self._met.get(key, 0) + 1
        return met >= _LEARNT_AT


@final
class Shapes:
    """The shapes of one worker's requests and answers."""

    __slots__ = ("_answers", "_requests")

    def __init__(self) -> None:
        self._requests = _Known[Shape]()
        self._answers = _Known[AnswerShape]()

    def of(self, head: bytes, request: RequestHead) -> Shape | None:
        """Return the shape of a head that was read, where it is known, or worth learning."""
        # A target names a service in POST alone; others may name a person, of whom nothing is kept.
        if len(head) > _LONGEST_BYTES or request.method != b"POST" or b"?" in request.target or not _is_plain(request):
            return None
        varying, key = _key(head, request.fields, _VARYING)
        return self._requests.of(key, lambda: Shape(head, request, varying))

    def of_answer(self, head: bytes, answer: AnswerHead, fields: Sequence[Field]) -> AnswerShape | None:
        """Return the shape of a head that was read, where it is known, or worth learning."""
        names = {field[0] for field in fields}
        if len(head) > _LONGEST_BYTES or len(names) < len(fields) or not _ORDINARY.issuperset(_options(fields)):
            return None
        if answer.status < _FIRST_FINAL or answer.status in _WITHOUT_BODY:
            return None
        varying, key = _key(head, fields, _VARYING_IN_ANSWERS)
        return self._answers.of(key, lambda: AnswerShape(head, answer, fields=fields, varying=varying))


def _key(head: bytes, fields: Sequence[Field], of: Container[bytes]) -> tuple[list[bytes], tuple[bytes, ...]]:
    """Return the fields whose values differ from head to head, and all that does not, which makes a shape."""
    lines = head.split(b"\r\n")
    varying = [name for name, _, _ in fields if name in of or name not in REMEMBERED]
    fixed = [line for line, field in zip(lines[1:-2], fields, strict=True) if field[0] not in varying]
    return varying, (lines[0], *varying, *fixed)


def _options(fields: Sequence[Field]) -> frozenset[bytes]:
    return next((listed(value) for name, value, _ in fields if name == b"connection"), _NO_OPTIONS)


def _is_plain(request: RequestHead) -> bool:
    """Tell whether each name stands once, and none of them asks for anything but to be passed on."""
    names = request.names
    return (
        not request.options
        and len(names) == len(request.fields)
        and FORWARDED.isdisjoint(names)
        and _NOT_PLAIN.isdisjoint(names)
    )
