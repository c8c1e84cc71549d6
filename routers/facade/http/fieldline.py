"""Reads field lines: llhttp reads each line that is new, and what callers and backends repeat is remembered.

A field line means the same in every message (RFC 9112 section 5), so reading it once is enough; what depends on
the message as a whole - framing above all - is judged anew each time, elsewhere.
"""

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias, cast, final

import httptools

__all__ = ["REMEMBERED", "Field", "FieldReader", "FieldsError"]

REMEMBERED: Final = frozenset(
    {
        *(b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"cache-control", b"connection"),
        *(b"content-encoding", b"content-length", b"content-type", b"date", b"expires", b"host", b"keep-alive"),
        *(b"pragma", b"server", b"soapaction", b"transfer-encoding", b"user-agent", b"vary", b"x-powered-by"),
    }
)
"""Fields that are repeated and neither secret nor personal; a credential is never remembered."""
_MOST_LINES: Final = 4_096
_LONGEST_LINE: Final = 256
# What a backend may take for a framing field, since CGI makes `_` of `-`.
_LOOKALIKES: Final = frozenset({b"content_length", b"transfer_encoding"})
_SPECIAL: Final = REMEMBERED | _LOOKALIKES


Field: TypeAlias = tuple[bytes, bytes, bytes]
"""Name in lower case; value without the blanks around it; the line as it goes on, with its end.

The line is empty for a hop-by-hop field, which does not go on.
"""


@final
class FieldsError(Exception):
    """A line is no field, or could be taken for another one."""


@final
class FieldReader:
    """Reads the field lines of one kind of message."""

    __slots__ = ("_dropped", "_known")

    def __init__(self, dropped: Collection[bytes]) -> None:
        self._dropped = dropped
        self._known: dict[bytes, Field] = {}

    def read(self, lines: Sequence[bytes]) -> list[Field]:
        """Return the fields of a head's lines, without their ends.

        Raises:
            FieldsError: One of them is none.
        """
        fields = list(map(self._known.get, lines))
        new = [place for place, field in enumerate(fields) if field is None]
        if new:
            for place, field in zip(new, self._read_new([lines[place] for place in new]), strict=True):
                fields[place] = field
        return cast("list[Field]", fields)

    def _read_new(self, lines: list[bytes]) -> list[Field]:
        heard = _Heard()
        try:
            httptools.HttpRequestParser(heard).feed_data(b"GET / HTTP/1.1\r\n%b\r\n\r\n" % b"\r\n".join(lines))
        except httptools.HttpParserUpgrade:
            pass  # nothing is switched here
        except httptools.HttpParserError:
            raise FieldsError from None
        if len(heard.fields) != len(lines):
            raise FieldsError
        dropped = self._dropped
        fields: list[Field] = []
        for line, (given, value) in zip(lines, heard.fields, strict=True):
            name = given.lower()
            field = (name, value.strip(b" \t"), b"" if name in dropped else line + b"\r\n")
            fields.append(field)
            if name in _SPECIAL:
                self._look(line, field)
        return fields

    def _look(self, line: bytes, field: Field) -> None:
        """Refuse a lookalike, and remember what is repeated."""
        if field[0] in _LOOKALIKES:
            raise FieldsError
        if len(line) <= _LONGEST_LINE:
            if len(self._known) >= _MOST_LINES:
                self._known.clear()
            self._known[line] = field


@final
class _Heard:
    """What llhttp calls back."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))
