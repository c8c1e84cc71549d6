"""Reads operation and key from the first bytes of a SOAP message, and no further than needed.

The bytes are looked at, never changed. One bound holds for all that is read before operation and key are known;
it bounds names, attributes and depth as well.
"""

import codecs
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from routers.facade.soap.content_type import MessageError
from routers.facade.soap.expat_parser import Parser, hardened, parse, release
from routers.facade.soap.key_path import KeyPath

__all__ = ["MessageReader", "Resolve", "SoapVersion"]

SoapVersion: TypeAlias = Literal["1.1", "1.2"]
Resolve: TypeAlias = Callable[[str], tuple[str, ...] | None]
"""Gives the key's steps for an operation, `Body` or `Header` first; None where no key is in the message."""

_VERSIONS: Final[dict[str, SoapVersion]] = {
    "http://schemas.xmlsoap.org/soap/envelope/": "1.1",
    "http://www.w3.org/2003/05/soap-envelope": "1.2",
}
_MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8[:2]: "utf-8"}
_MARK_BYTES = 4
"""Enough of a message to tell its encoding."""
_SLICE_BYTES = 512
"""The first portion that the parser gets: most operations are in it, and what follows need not be parsed."""
_LONG_TOKEN_BYTES = 1024
_LEAPS, _WORTH_BYTES = 8, 128
_TAG = b"<"
_EMPTY = re.compile(rb"<[^<>\"']*(?:\"[^\"]*\"[^<>\"']*|'[^']*'[^<>\"']*)*/>")
_PART = 2
"""Depth of Header and Body."""


class MessageReader:
    """Reads one message as it comes; what is wanted is known as early as it can be.

    The operation is the Body's first child, whatever else the call says. Of the key, all matches are read: until
    the part that holds them ends, the bound is reached, or `close` tells that no more comes. What stands after
    that is not judged.
    """

    def __init__(
        self,
        resolve: Resolve,
        *,
        charset: str | None,
        limit_bytes: int,
        version: SoapVersion = "1.1",
    ) -> None:
        self.operation: str | None = None
        """`{namespace}name` of the Body's first child; None for an empty Body, and before it is known."""
        self.keys: list[str] = []
        """The texts at the key's place: those of children are left out, and equal ones count once."""
        self.soap_version: SoapVersion = version
        """The Envelope's; before that is known, what the Content-Type says."""
        self._resolve, self._charset, self._limit = resolve, charset, limit_bytes
        self._data: bytes | bytearray = b""
        self._done: bool = False
        self._element: bytes | None = None
        self._seen: int = 0
        self._start()

    def _start(self) -> None:
        self._parser: Parser | None = None
        self._path: KeyPath | None = None
        self._namespace: str = ""
        self._depth: int = 0
        self._at: int = 0
        self._opened, self._leaps = 0, _LEAPS
        self._patience: int = 0
        self._header: bool = False
        self._body: bool = False
        self._held: bool = False
        self._wide: bool = False

    def feed(self, data: bytes) -> bool:
        """Take more of the message; tell True when all is known and no more is needed.

        It may return False for a whole message that holds a key: another match could still come. `close` then
        tells that none does.

        Raises:
            MessageError: It is not well-formed, has a DTD, is no SOAP, or is too long for its bound.
        """
        if self._done:
            return True
        room = self._limit - len(self._data)
        if self._data:
            self._data = self._data if isinstance(self._data, bytearray) else bytearray(self._data)
            self._data += data[:room]
        else:
            self._data = data[:room]
        known = self._advance(final=False)
        return known or (len(data) > room and self._end_at_bound())

    def close(self) -> None:
        """Take the message's end.

        Raises:
            MessageError: As for `feed`, or it ended too early.
        """
        if not self._done and not self._advance(final=True) and not self._held:
            self._parse(b"", final=True)
        self._done = True

    def release(self) -> None:
        """Let go of the parser; nothing can be fed any more, and what was found stays."""
        self._done = True
        if self._parser is not None:
            release(self._parser)
        self._parser = self._path = None

    def _end_at_bound(self) -> bool:
        if not self.keys:
            raise MessageError("too_long", expected=f"operation and key within {self._limit} bytes")
        self._done = True
        return True

    def _advance(self, *, final: bool) -> bool:
        if self._held and not self._comes_again():
            return False
        size = len(self._data)
        if self._parser is None:
            if size < _MARK_BYTES and not final:
                return False
            self._parser = self._open()
        while self._at < size and not (self._done or self._held):
            if size - self._at < self._patience and not final:
                break
            end = self._leap() or self._portion()
            self._parse(bytes(self._data[self._at : end]))
        return self._done

    def _portion(self) -> int:
        """Return the end of the next portion: before a tag, and further the more was read already.

        So one long token, which expat reads anew with each portion, stays cheap.
        """
        end = self._at + max(_SLICE_BYTES, self._at)
        cut = self._data.rfind(b"<", self._at + 1, end) if end < len(self._data) else -1
        return end if cut < 0 else cut

    def _leap(self) -> int:
        """Have all parsed that lies before the next tag that matters to the key, and return that tag's end, or 0.

        A handler's call costs as much as 40 bytes of parsing, so on the way there the tags are only counted. That is
        exact, since the parser checks that they are well-formed, where no comment or CDATA is.
        """
        path, data = self._path, self._data
        if path is None or not self._element or not self._leaps or path.collecting or data[self._at] != _TAG[0]:
            return 0
        self._leaps -= 1
        near = [found for name in path.landmarks if (found := data.find(name, self._at)) >= 0]
        end = data.rfind(_TAG, self._at, min(near, default=len(data)))
        if data.find(b"<!", self._opened, end) >= 0 or data.find(b"<?", self._opened, end) >= 0:
            return 0
        if end - self._at > _WORTH_BYTES:
            between = bytes(data[self._at : end])
            self._silence()
            self._parse(between)
            empty = len(_EMPTY.findall(between)) if b"/>" in between else 0
            path.skip(between.count(_TAG) - 2 * between.count(b"</") - empty)
            path.listen()
        return max(0, data.find(_TAG, min(near))) if near else 0

    def _open(self) -> Parser:
        # RFC 7303 section 3: a byte order mark beats the charset parameter, which beats the declaration.
        encoding = _MARKS.get(bytes(self._data[:2]), self._charset)
        self._wide = (encoding or "").startswith("utf-16") or 0 in self._data[:_MARK_BYTES]
        parser = hardened(encoding)
        parser.StartElementHandler, parser.EndElementHandler = self._enter, self._leave
        return parser

    def _parse(self, piece: bytes, *, final: bool = False) -> None:
        if self._parser is None:
            return
        try:
            parse(self._parser, piece, final=final)
        except MessageError:
            # However a message is cut into pieces, what follows the end of the search must not matter.
            if not (self._done or self._held):
                raise
            if self._path is not None:
                self.keys = self._path.keys
            return
        self._at += len(piece)
        # expat 2.5 reads an unfinished token from its beginning each time: wait until it has grown by a quarter.
        unfinished = self._at - self._parser.CurrentByteIndex
        self._patience = unfinished // 4 if unfinished > _LONG_TOKEN_BYTES else 0
        if self._path is not None:
            self.keys = self._path.keys
            self._done = self._done or self._path.ended

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _PART:
            if self._body:
                self._found(name, attributes)
        elif self._depth == _PART:
            self._part(name)
        else:
            self._namespace, _, local = name.rpartition("}")
            version = _VERSIONS.get(self._namespace)
            if version is None or local != "Envelope":
                raise MessageError("not_soap", expected="an Envelope of SOAP 1.1 or 1.2 as the root")
            self.soap_version = version

    def _part(self, name: str) -> None:
        namespace, _, local = name.rpartition("}")
        if namespace != self._namespace or (local != "Body" and (local != "Header" or self._header)):
            raise MessageError("envelope", expected="at most one Header, then the Body, in the Envelope's namespace")
        self._body, self._header = local == "Body", True

    def _leave(self, _name: str) -> None:
        self._depth -= 1
        if self._depth == 1 and self._body:
            self._done = True
            self._silence()
        elif self._depth == 0:
            raise MessageError("envelope", expected="a Body")

    def _silence(self) -> None:
        if self._parser is not None:
            self._parser.StartElementHandler = self._parser.EndElementHandler = None

    def _found(self, name: str, attributes: dict[str, str]) -> None:
        self.operation = "{" + name if "}" in name else name
        steps = self._resolve(self.operation)
        if steps is not None and steps[0] == "Body" and not steps[1].startswith("@") and self._parser is not None:
            self._path = KeyPath(self._parser, steps, self._key_found)
            self._element = self._searchable(self._path.element) if self._element is None else b""
            self._path.follow(inside=True)
            self._opened = self._parser.CurrentByteIndex
            self._path.enter(name, attributes)
            return
        self._done = True
        self._silence()
        if steps is not None:
            self.keys = self._before(steps)

    def _before(self, steps: tuple[str, ...]) -> list[str]:
        """Read once more what came before it was known where the key is."""
        parser = hardened(_MARKS.get(bytes(self._data[:2]), self._charset))
        path = KeyPath(parser, steps, _nothing)
        path.follow(inside=False)
        size, at = len(self._data), 0
        while at < size and not path.ended:
            parse(parser, bytes(self._data[at : at + max(_SLICE_BYTES, at)]))
            at += max(_SLICE_BYTES, at)
        release(parser)
        return path.keys

    def _searchable(self, name: str) -> bytes:
        """Return the name as it must stand in the bytes; empty where it can be written otherwise."""
        return b"" if self._wide or not name.isascii() else name.encode()

    def _key_found(self) -> None:
        """Stop where no further match can come: the rest of the message does not even name the element."""
        if not self._element or self._parser is None:
            return
        # Of an empty element this is the next tag already; an attribute's key is told at its own start tag.
        at = self._parser.CurrentByteIndex
        in_tag = self._path is not None and self._path.in_attribute
        self._seen = max(0, self._data.find(b">", at)) if in_tag else at
        if not self._is_named():
            self._held = True
            self._silence()

    def _is_named(self) -> bool:
        element = self._element or b""
        start, self._seen = self._seen, max(self._seen, self._data.rfind(b"<"))
        if self._data.find(element, start) < 0:
            return False
        return _start_tag(element).search(self._data, start) is not None

    def _comes_again(self) -> bool:
        """Tell whether what came since may hold another match; if so, all is read from the beginning."""
        if not self._is_named():
            return False
        self._element = b""
        self._start()
        return True


@lru_cache(maxsize=1024)
def _start_tag(element: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"<(?:[^\s<>/!?:]*:)?" + re.escape(element) + rb"[\s/>]")


def _nothing() -> None:
    """Take no note."""
