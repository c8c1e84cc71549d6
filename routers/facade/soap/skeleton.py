"""Recognises messages like ones that were read before: a client writes the same Envelope around each of its calls.

A skeleton is the beginning of a message, up to the operation's start tag or to the end of the key: its tags octet
by octet, and between them any plain text. A parser is deterministic: it finds the same elements in the same
places, so operation and key are known without it. What is not plain - comments, CDATA, references, processing
instructions, other than ASCII text - is left to the parser.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, final

from routers.facade.soap.reader import SoapVersion

__all__ = ["Known", "Skeletons"]

_LONGEST_BYTES: Final = 4_096
_MOST: Final = 32
_LEARNT_AT: Final = 3
"""How many times a beginning has to be met before it is learnt: that costs a hundred calls' price."""
_MOST_MET: Final = 256
_TAG: Final = re.compile(rb"<[^<>\"'&!?]*(?:\"[^\"<&]*\"[^<>\"'&]*|'[^'<&]*'[^<>\"'&]*)*>")
_DECLARATION: Final = re.compile(rb"<\?xml[ \t\r\n][^<>?]*\?>")
# Without what is markup, what a parser changes, and what only a decoder can judge.
_PLAIN: Final = rb"[\t\n -%'-;=-\\^-~]*"
_TEXT: Final = re.compile(_PLAIN)
_NAME: Final = re.compile(rb"</?(?:[^\s<>/!?:]*:)?([^\s/>]+)")


class Known(NamedTuple):
    """What a message is about."""

    operation: str
    version: SoapVersion
    steps: tuple[str, ...] | None
    """Where the key was found; None where none was looked for."""
    key: str | None


@final
class _Skeleton:
    __slots__ = ("_element", "_known", "_match")

    def __init__(self, pattern: bytes, known: Known, element: bytes) -> None:
        self._match = re.compile(pattern).match
        self._known, self._element = known._replace(key=None), element

    def read(self, data: bytes, *, whole: bool) -> Known | None:
        found, known = self._match(data), self._known
        if found is None or known.steps is None:
            return None if found is None else known
        # Another match could follow, unless the rest does not even name the element.
        if not whole or data.find(self._element, found.end()) >= 0:
            return None
        return Known(known.operation, known.version, known.steps, found[1].decode())


@final
class Skeletons:
    """What was learnt of messages in one encoding that has ASCII in it; bounded."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Skeleton] = {}
        self._order: list[_Skeleton] = []
        self._met: dict[bytes, int] = {}

    def __len__(self) -> int:
        """Return how many are known."""
        return len(self._known)

    def of(self, data: bytes, *, whole: bool) -> Known | None:
        """Return what a message is about, where it is like one that was learnt; `whole` when nothing follows."""
        for place, skeleton in enumerate(self._order):
            known = skeleton.read(data, whole=whole)
            if known is not None:
                if place:
                    self._order.insert(0, self._order.pop(place))
                return known
        return None

    def learn(self, data: bytes, known: Known) -> None:
        """Keep the beginning of a message that a parser has read, and of which it said this."""
        if known.steps is not None and (known.key is None or "@" in known.steps[-1]):
            return
        made = _pattern(data[:_LONGEST_BYTES], known)
        if made is None or made in self._known:
            return
        if len(self._met) >= _MOST_MET:
            self._met.clear()
        met = self._met[made] = self._met.get(made, 0) + 1
        if met < _LEARNT_AT:
            return
        element = b"" if known.steps is None else _local(known.steps[-1])
        skeleton = _Skeleton(made, known, element)
        if skeleton.read(data, whole=True) == known:
            if len(self._known) >= _MOST:  # the one that was not met for longest stands last
                self._forget(self._order.pop())
            self._known[made] = skeleton
            self._order.append(skeleton)

    def _forget(self, skeleton: _Skeleton) -> None:
        self._known = {made: known for made, known in self._known.items() if known is not skeleton}


@final
class _Draft:
    """A pattern that is being made: follows the tags until operation and key have both been met."""

    def __init__(self, known: Known) -> None:
        self._operation = [b"Envelope", b"Body", _local(known.operation)]
        self._key = None if known.steps is None else [b"Envelope", *map(_local, known.steps)]
        self._path: list[bytes] = []
        self._parts: list[bytes] = []
        self._opened = self._left = False
        self._is_met = self._is_keyed = False

    def text(self, token: bytes) -> None:
        self._parts.append(_PLAIN if self._path else re.escape(token))

    def tag(self, token: bytes, name: bytes) -> None:
        self._parts.append(re.escape(token))
        if token.startswith(b"</"):
            if self._opened and not self._is_keyed:
                self._parts[-2], self._is_keyed = b"(" + _PLAIN + b")", True
            self._opened = False
            if self._path:
                self._path.pop()
            else:
                self._left = True  # broken behind what the parser read
            return
        path = [*self._path, name]
        self._is_met = self._is_met or path == self._operation
        # A second element of the key's name is left to the parser.
        self._left = self._left or (self._is_keyed and self._key is not None and name == self._key[-1])
        self._opened = path == self._key and not token.endswith(b"/>")
        if not token.endswith(b"/>"):
            self._path.append(name)

    @property
    def made(self) -> bytes | None:
        """Return the pattern once it is whole."""
        whole = self._is_met and not self._left and (self._key is None or self._is_keyed)
        return b"".join(self._parts) if whole else None


def _local(step: str) -> bytes:
    return step.rpartition("}")[2].encode()


def _pattern(data: bytes, known: Known) -> bytes | None:
    """Return the pattern of a message's beginning, or None where it is not plain."""
    draft = _Draft(known)
    declaration = _DECLARATION.match(data)
    at = 0 if declaration is None else declaration.end()
    for text, tag in _tokens(data, at):
        name = _NAME.match(tag)
        if name is None:
            return None
        draft.text(text)
        draft.tag(tag, name[1])
        if (made := draft.made) is not None:
            return re.escape(data[:at]) + made
    return None


def _tokens(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield each tag with the text before it, as long as all is plain."""
    while (text := _TEXT.match(data, at)) is not None and (tag := _TAG.match(data, text.end())) is not None:
        yield text[0], tag[0]
        at = tag.end()
