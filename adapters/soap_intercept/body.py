"""A captured body as the envelope that it is: without its content coding, and out of its MIME parts."""

import zlib
from typing import Final

from contracts.errors import RecordError
from contracts.legacy.soap.related import is_related, root_part
from contracts.legacy.xml import XmlError

__all__ = ["envelope"]

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_CODINGS: Final = frozenset({"gzip", "x-gzip", "deflate"})
_PLAIN: Final = frozenset({"", "identity"})


def envelope(data: bytes | None, *, content_type: str, coding: str, what: str, most_bytes: int) -> bytes:
    """Return the SOAP envelope that a body is, or holds.

    Args:
        data: As it passed.
        content_type: Its header.
        coding: Its Content-Encoding.
        what: `request` or `reply`, for errors.
        most_bytes: How long it may become.

    Raises:
        RecordError: It was not kept, is in a coding that is not spoken, is damaged, or too long.
    """
    if data is None:
        raise RecordError(what, expected="a body that was kept; see request_bytes and reply_bytes of the façade")
    plain = _decoded(data, coding.strip().lower(), what=what, most_bytes=most_bytes)
    if not is_related(content_type):
        return plain
    try:
        return root_part(plain, content_type)[0]
    except XmlError as error:
        raise RecordError(what, expected=str(error).removeprefix("expected ")) from error


def _decoded(data: bytes, coding: str, *, what: str, most_bytes: int) -> bytes:
    if coding in _PLAIN:
        return data
    if coding not in _CODINGS:
        raise RecordError(what, expected="a content coding of gzip, deflate or none", raw=coding.encode())
    opened = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = opened.decompress(data, most_bytes + 1)
    except zlib.error as error:
        raise RecordError(what, expected=f"a body of the coding {coding}") from error
    if len(plain) > most_bytes:
        raise RecordError(what, expected=f"at most {most_bytes} bytes, as most_bytes says")
    if not opened.eof:
        raise RecordError(what, expected=f"a body of the coding {coding} to its end")
    return plain
