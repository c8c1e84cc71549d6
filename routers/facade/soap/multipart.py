"""What a SOAP message may be wrapped in: a content coding, and the parts of MTOM or SwA.

RFC 9110 section 8.4, RFC 2046 section 5.1.1, RFC 2387. Both copy out what is to be read; the bytes that are
forwarded stay as they were.
"""

import re
import zlib
from typing import Protocol

from routers.facade.soap.content_type import MessageError, charset_of, read

__all__ = ["Inflater", "RootPart", "Wrapping"]

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_PLAIN = frozenset({"", "7bit", "8bit", "binary"})
_ZLIB_METHOD, _ZLIB_CHECK = 8, 31


class Wrapping(Protocol):
    """Takes the bytes that came, and gives those that they hold."""

    @property
    def spent(self) -> bool:
        """Tell whether the bound is reached: nothing more will come out."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Return what is known by now; each byte once.

        Raises:
            MessageError: It is not of the declared form.
        """
        ...


class Inflater:
    """Undoes `gzip` or `deflate`, up to a bound on both ends. Only the first member of a gzip file is read."""

    def __init__(self, coding: str, limit_bytes: int) -> None:
        self._deflate = coding == "deflate"
        self._inflate = None if self._deflate else zlib.decompressobj(wbits=31)
        self._head = b""
        self._in, self._out = limit_bytes + 1, limit_bytes + 1

    @property
    def spent(self) -> bool:
        """Tell whether more than the bound came out, or went in."""
        return self._out <= 0 or self._in <= 0

    def feed(self, data: bytes) -> bytes:
        """Return what the bytes inflate to, at most one byte more than the bound in all.

        Raises:
            MessageError: It is not of that coding (`coding`).
        """
        if self._deflate and self._inflate is None:
            data = self._head = self._head + data
            if len(data) < 2:  # noqa: PLR2004 - zlib's own head has two bytes
                return b""
            # "deflate" means zlib's format; some callers send the bare stream.
            is_zlib = data[0] & 15 == _ZLIB_METHOD and int.from_bytes(data[:2]) % _ZLIB_CHECK == 0
            self._inflate = zlib.decompressobj(wbits=15 if is_zlib else -15)
        if self._inflate is None or self.spent:
            return b""
        self._in -= len(data)
        try:
            found = self._inflate.decompress(data, self._out)
        except zlib.error as error:
            raise MessageError("coding", expected="a body as its Content-Encoding says") from error
        self._out -= len(found)
        return found


class RootPart:
    """Finds the part that holds the Envelope: the one that `start` names, else the first."""

    def __init__(self, boundary: str, start: str | None, limit_bytes: int) -> None:
        if not _BOUNDARY.fullmatch(boundary):
            raise MessageError("multipart", expected="a boundary of 1 to 70 characters that RFC 2046 allows")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._line = re.compile(re.escape(self._delimiter) + rb"(--)?[ \t]{0,64}\r\n")
        self._cut = re.compile(re.escape(self._delimiter) + rb"(?:-|--)?[ \t]{0,64}\r?\Z")
        self._start = None if start is None else start.strip().strip("<>").encode()
        self._limit = limit_bytes
        # The first delimiter may stand at the very beginning, without the line break that belongs to it.
        self._rest, self._searched, self._inside = bytearray(b"\r\n"), 0, False
        self._taken = 0
        self.charset: str | None = None
        """Of the root part, once `feed` has returned some of it."""
        self.ended = False
        """The root part is complete."""

    @property
    def spent(self) -> bool:
        """Tell whether the bound was passed before the root part's end."""
        return self._taken > self._limit and not self.ended

    def feed(self, data: bytes) -> bytes:
        """Return what of the root part is known by now.

        Raises:
            MessageError: It is no multipart body, or none of its parts is the root (`multipart`).
        """
        if self.ended or self.spent:
            return b""
        self._taken += len(data)
        self._rest += data
        while not self._inside:
            if not self._next_part():
                return b""
        return self._content()

    def _next_part(self) -> bool:
        """Move behind the next part's head; tell False where its end has not come yet."""
        found = self._line.search(self._rest, self._searched)
        if found is None:
            cut = self._cut.search(self._rest, self._searched)
            self._searched = max(0, len(self._rest) - len(self._delimiter)) if cut is None else cut.start()
            return False
        if found[1] is not None:
            raise MessageError("multipart", expected="a part that `start` names")
        self._searched = found.start()
        # A head without fields is just the empty line.
        end = self._rest.find(b"\r\n\r\n", found.end() - 2)
        if end < 0:
            return False
        head = bytes(self._rest[found.end() : end])
        del self._rest[: end + 4]
        self._searched = 0
        self._inside = self._is_root(head)
        if not self._inside:
            self._rest[:0] = b"\r\n"
        return True

    def _is_root(self, head: bytes) -> bool:
        lines = (line.partition(b":") for line in _FOLD.sub(b"", head).split(b"\r\n"))
        fields = {name.lower(): value.strip() for name, colon, value in lines if colon}
        if self._start is not None and fields.get(b"content-id", b"").strip(b"<>") != self._start:
            return False
        if fields.get(b"content-transfer-encoding", b"").decode("latin-1").lower() not in _PLAIN:
            raise MessageError("multipart", expected="a root part in 7bit, 8bit or binary")
        if b"content-type" in fields:
            said = read(fields[b"content-type"]).parameters.get("charset")
            self.charset = None if said is None else charset_of(said)
        return True

    def _content(self) -> bytes:
        end = self._rest.find(self._delimiter)
        if end >= 0:
            self.ended = True
        else:
            # The beginning of a delimiter may have come.
            end = max(0, len(self._rest) - len(self._delimiter) + 1)
        found = bytes(self._rest[:end])
        del self._rest[:end]
        return found
