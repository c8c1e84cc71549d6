"""Content-Type and SOAPAction, as callers write them; and the one error of reading a message.

RFC 9110 sections 5.6 and 8.3. Real callers leave values such as `type=text/xml` unquoted, so an unquoted
value runs to the next semicolon or blank. What can be read in two ways is an error, never a guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias, final

from contracts.errors import BanyanError

__all__ = ["CHARSETS", "ContentType", "MessageError", "Reason", "action_of", "charset_of", "media_of", "read"]

Reason: TypeAlias = Literal[
    "malformed", "dtd", "not_soap", "envelope", "too_long", "charset", "coding", "multipart", "media"
]

CHARSETS: Final = frozenset(
    {"utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii"}
    | {f"iso-8859-{part}" for part in range(1, 17) if part != 12}  # noqa: PLR2004 - ISO never published part 12
    | {f"windows-125{part}" for part in range(9)}
)
"""Encodings of messages that are read: a closed list, since Python looks unknown names up on the disk."""

_OTHER_NAMES: Final = {"utf8": "utf-8", "ascii": "us-ascii", "latin1": "iso-8859-1", "latin-1": "iso-8859-1"}
_MEDIA = re.compile(rb"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?=;|$)")
_PARAMETER = re.compile(
    rb";[ \t]*+(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\"]*)))?[ \t]*(?=;|$)", re.DOTALL
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_KEPT_BYTES = 512
"""Longer headers are parsed each time: what is kept must be bounded in bytes, too."""


@final
class MessageError(BanyanError):
    """A message can't be read as SOAP; nothing of its content is in the error."""

    def __init__(self, reason: Reason, *, expected: str) -> None:
        self.reason: Reason = reason
        """What is wrong, in one word."""
        self.expected = expected
        super().__init__(f"{reason}: expected {expected}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentType:
    """A media type with its parameters."""

    media: str
    """`type/subtype` in lower case."""
    parameters: Mapping[str, str]
    """By name in lower case; values without quotes and escapes."""


def media_of(header: bytes) -> str:
    """Return `type/subtype` in lower case, without a look at the parameters; empty where there is none.

    >>> media_of(b"Text/XML; charset=utf-8")
    'text/xml'
    """
    found = _MEDIA.match(header)
    return "" if found is None else found[1].decode("ascii").lower()


def read(header: bytes) -> ContentType:
    r"""Read a Content-Type.

    >>> read(b'text/xml; charset="UTF-8"').parameters
    {'charset': 'UTF-8'}

    Raises:
        MessageError: It can't be read, or says two things (`media`).
    """
    head = _MEDIA.match(header)
    if head is None:
        raise MessageError("media", expected="a Content-Type of the form type/subtype")
    parameters: dict[str, str] = {}
    at = head.end()
    while at < len(header):
        found = _PARAMETER.match(header, at)
        if found is None:
            raise MessageError("media", expected="parameters of the form name=value in Content-Type")
        at = found.end()
        if found[1] is not None:
            _put(parameters, found)
    return ContentType(media=media_of(header), parameters=parameters)


def _put(parameters: dict[str, str], found: re.Match[bytes]) -> None:
    name = found[1].decode("ascii").lower()
    raw = found[3] if found[2] is None else _ESCAPED.sub(rb"\1", found[2])
    value = raw.decode("utf-8", "replace")
    if parameters.setdefault(name, value) != value:
        raise MessageError("media", expected="each parameter of Content-Type once")


def charset_of(name: str) -> str:
    """Return the name of an encoding as `CHARSETS` has it.

    Raises:
        MessageError: It is not one of them (`charset`).
    """
    known = name.strip().lower()
    known = _OTHER_NAMES.get(known, known)
    if known.startswith("cp125"):
        known = f"windows-{known[2:]}"
    if known not in CHARSETS:
        raise MessageError("charset", expected="UTF-8, UTF-16, US-ASCII, ISO-8859 or windows-125x")
    return known


def action_of(content_type: bytes, soap_action: bytes | None) -> str | None:
    """Return the action that the call's head names: the SOAP 1.2 parameter, else the SOAPAction header.

    In `multipart/related` the parameter may stand on the whole or inside `start-info`. Quotes are removed;
    an empty action names nothing.

    >>> action_of(b'application/soap+xml; action="urn:x/Op"', None), action_of(b"text/xml", b'""')
    ('urn:x/Op', None)

    Raises:
        MessageError: The Content-Type can't be read, or says two things (`media`).
    """
    if len(content_type) + len(soap_action or b"") > _KEPT_BYTES:
        return _action(content_type, soap_action)
    return _kept_action(content_type, soap_action)


def _action(content_type: bytes, soap_action: bytes | None) -> str | None:
    said = ""
    if media_of(content_type) in {"application/soap+xml", "application/xop+xml", "multipart/related"}:
        parameters = read(content_type).parameters
        said = parameters.get("action", "") or _nested(parameters.get("start-info", ""))
    said = said or (soap_action or b"").decode("utf-8", "replace")
    return said.strip(' \t"') or None


_kept_action = lru_cache(maxsize=1024)(_action)


def _nested(start_info: str) -> str:
    if media_of(start_info.encode()) != "application/soap+xml":
        return ""
    return read(start_info.encode()).parameters.get("action", "")
