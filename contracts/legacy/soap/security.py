"""UsernameToken and Timestamp of WS-Security 1.1 (OASIS UsernameToken Profile 1.1.1), for the calls that go out."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from lxml import etree

from contracts.legacy.soap.envelope import header_of
from contracts.legacy.xml import Element

__all__ = ["PasswordKind", "add_username_token", "password_digest"]

PasswordKind = Literal["text", "digest"]

_OASIS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_WSSE: Final = f"{_OASIS}wssecurity-secext-1.0.xsd"
_WSU: Final = f"{_OASIS}wssecurity-utility-1.0.xsd"
_PROFILE: Final = f"{_OASIS}username-token-profile-1.0#Password"
_BASE64: Final = f"{_OASIS}soap-message-security-1.0#Base64Binary"
_NAMESPACES: Final = {"wsse": _WSSE, "wsu": _WSU}


def password_digest(password: str, *, nonce: bytes, created: str) -> str:
    """Return Base64(SHA-1(nonce + created + password)), as the profile has it (section 3.1).

    >>> password_digest("secret", nonce=b"0123456789abcdef", created="2026-01-02T03:04:05Z")
    'wjpInr7UL0thZOXWecrqoApQnDY='
    """
    # The profile allows no other hash.
    digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def add_username_token(
    envelope: Element,
    user: str,
    password: str,
    *,
    kind: PasswordKind,
    now: datetime,
    nonce: bytes,
    valid_for: timedelta | None,
) -> None:
    """Put a Security header with the token, and a Timestamp where it is to expire, into an envelope.

    The nonce must be another one for each message: a service that keeps the ones it saw refuses a repeated one.
    """
    header = header_of(envelope)
    security = etree.SubElement(header, f"{{{_WSSE}}}Security", nsmap=_NAMESPACES)
    security.set(f"{header.tag.rpartition('}')[0]}}}mustUnderstand", "1")
    created = _written(now)
    if valid_for is not None:
        stamp = etree.SubElement(security, f"{{{_WSU}}}Timestamp")
        etree.SubElement(stamp, f"{{{_WSU}}}Created").text = created
        etree.SubElement(stamp, f"{{{_WSU}}}Expires").text = _written(now + valid_for)
    token = etree.SubElement(security, f"{{{_WSSE}}}UsernameToken")
    etree.SubElement(token, f"{{{_WSSE}}}Username").text = user
    said = etree.SubElement(token, f"{{{_WSSE}}}Password")
    if kind == "text":
        said.set("Type", f"{_PROFILE}Text")
        said.text = password
        return
    said.set("Type", f"{_PROFILE}Digest")
    said.text = password_digest(password, nonce=nonce, created=created)
    once = etree.SubElement(token, f"{{{_WSSE}}}Nonce")
    once.set("EncodingType", _BASE64)
    once.text = base64.b64encode(nonce).decode()
    etree.SubElement(token, f"{{{_WSU}}}Created").text = created


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
