"""Whether a caller is who it says: UsernameToken of WS-Security 1.1 (OASIS UsernameToken Profile 1.1.1), coming in.

Pure: what was seen before is asked of whoever keeps it. Every refusal has a name for the log and the counters; the
caller is told the same sentence for all of them, or it would learn which part of a guess was right.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from contracts.legacy.soap.security import PasswordKind, password_digest
from contracts.legacy.xml import Element

__all__ = ["Authenticated", "Rules", "Unauthenticated", "UnauthenticatedReason", "authenticate"]

UnauthenticatedReason = Literal[
    "missing",  # there is no UsernameToken
    "malformed",  # there are several, or its parts are not as the profile says
    "kind",  # a password of the other kind than is wanted
    "user",  # nobody knows the user
    "password",  # it is another
    "stale",  # it was created too long ago
    "early",  # it was created later than our clock says, by more than clocks may differ
    "expired",  # the message's Timestamp says that it must not be taken any more
    "replayed",  # a message with its nonce was taken before
]

_OASIS: Final = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_WSSE: Final = f"{_OASIS}wssecurity-secext-1.0.xsd}}"
_WSU: Final = f"{_OASIS}wssecurity-utility-1.0.xsd}}"
_PROFILE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#Password"
_MOST_NONCE_BYTES: Final = 1024
_CREATED: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_NOBODYS: Final = "no user has this password; comparing with it takes as long as with a user's"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a token must fulfil."""

    passwords: Mapping[str, str]
    """By user."""
    kind: PasswordKind = "digest"
    fresh: timedelta = timedelta(minutes=5)
    """How long ago it may have been created."""
    ahead: timedelta = timedelta(minutes=1)
    """How far the caller's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """A caller who is who it says."""

    user: str
    nonce: str | None
    """Hash of what must not be seen again; None where a password came as text, without a nonce."""
    until: datetime
    """When it need not be remembered any more: its Created is too old by then."""


@dataclass(frozen=True, slots=True)
class Unauthenticated:
    """Why a caller is refused."""

    reason: UnauthenticatedReason


class _RefusedError(Exception):
    def __init__(self, reason: UnauthenticatedReason) -> None:
        self.reason: UnauthenticatedReason = reason
        super().__init__(reason)


def authenticate(envelope: Element, rules: Rules, *, now: datetime) -> Authenticated | Unauthenticated:
    """Return who calls, or why nobody knows; whether its nonce was seen before is still to be asked."""
    try:
        return _authenticated(envelope, rules, now)
    except _RefusedError as error:
        return Unauthenticated(error.reason)


def _authenticated(envelope: Element, rules: Rules, now: datetime) -> Authenticated:
    security = _security(envelope)
    token = _only(security, f"{_WSSE}UsernameToken", absent="missing")
    user = _text(_only(token, f"{_WSSE}Username"))
    password = _only(token, f"{_WSSE}Password")
    nonce, created = _optional(token, f"{_WSSE}Nonce"), _optional(token, f"{_WSU}Created")
    said = password.get("Type", f"{_PROFILE}Text")
    if said != f"{_PROFILE}{rules.kind.capitalize()}":
        raise _RefusedError("kind")
    if rules.kind == "digest" and (nonce is None or created is None):
        raise _RefusedError("malformed")
    raw = b"" if nonce is None else _decoded(nonce)
    known = rules.passwords.get(user)
    expected = _NOBODYS if known is None else known
    if rules.kind == "digest":
        expected = password_digest(expected, nonce=raw, created=_text(created))
    is_right = hmac.compare_digest(expected.encode(), _text(password).encode())
    if not is_right or known is None:
        raise _RefusedError("user" if known is None else "password")
    if created is not None and not _CREATED.fullmatch(_text(created)):
        # Nothing stands between nonce and Created in the digest: what ends one might begin the other.
        raise _RefusedError("malformed")
    moment = now if created is None else _moment(_text(created))
    _require_fresh(moment, rules, now)
    _require_not_expired(security, now - rules.ahead)
    seen = None if nonce is None else hashlib.sha256(user.encode() + b"\0" + raw).hexdigest()
    return Authenticated(user=user, nonce=seen, until=moment + rules.fresh)


def _security(envelope: Element) -> Element:
    first = next(iter(envelope), None)
    if first is None or first.tag != f"{envelope.tag.rpartition('}')[0]}}}Header":
        raise _RefusedError("missing")
    return _only(first, f"{_WSSE}Security", absent="missing")


def _only(parent: Element, tag: str, *, absent: UnauthenticatedReason = "malformed") -> Element:
    """Return the one child of that name: of two, another reader may take the other."""
    found = parent.findall(tag)
    if len(found) != 1:
        raise _RefusedError("malformed" if found else absent)
    return found[0]


def _optional(parent: Element, tag: str) -> Element | None:
    return _only(parent, tag) if parent.find(tag) is not None else None


def _text(element: Element | None) -> str:
    if element is None or len(element):
        raise _RefusedError("malformed")
    return element.text or ""


def _decoded(nonce: Element) -> bytes:
    try:
        raw = base64.b64decode("".join(_text(nonce).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _RefusedError("malformed") from error
    if not 0 < len(raw) <= _MOST_NONCE_BYTES:
        raise _RefusedError("malformed")
    return raw


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        # A time without a zone is in UTC, by the profile.
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _RefusedError("malformed") from error


def _require_fresh(created: datetime, rules: Rules, now: datetime) -> None:
    if created < now - rules.fresh:
        raise _RefusedError("stale")
    if created > now + rules.ahead:
        raise _RefusedError("early")


def _require_not_expired(security: Element, now: datetime) -> None:
    stamp = _optional(security, f"{_WSU}Timestamp")
    expires = None if stamp is None else _optional(stamp, f"{_WSU}Expires")
    if expires is not None and _moment(_text(expires)) < now:
        raise _RefusedError("expired")
