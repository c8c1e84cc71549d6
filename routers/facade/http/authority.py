"""The address at which a caller asked, as the caller would write it: scheme, host and what a proxy took off the path.

RFC 7239 section 4; the fields of earlier hops count only on a listener that trusts them.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from routers.facade.http.forwarding import Origin
from routers.facade.http.head import RefusedError, RequestHead

__all__ = ["asked_at"]

_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?|\[([0-9A-Fa-f:.]{2,45})\])(?::([0-9]{1,5}))?"
)
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~%-]+)*")
_FIRST_HOP: Final = re.compile(r"(?:[^\",]|\"[^\"]*\")*")
_PAIR: Final = re.compile(r"(?:^|;)[ \t]*(proto|host)=(\"[^\"]*\"|[^;]*)", re.IGNORECASE)
_SCHEMES: Final = frozenset({"http", "https"})
_MOST_PORTS: Final = 65_535


def asked_at(request: RequestHead, origin: Origin) -> str:
    """Return scheme, authority and prefix: `https://hub.example:8443/prefix`.

    Raises:
        RefusedError: The caller, or a proxy that is trusted, names no host that can be (`host`).
    """
    scheme, host, prefix = origin.scheme, request.host.decode("latin-1"), ""
    if origin.trusted:
        names = request.names
        first = _FIRST_HOP.match(_said(names, b"forwarded"))
        pairs = {} if first is None else {key.lower(): value.strip('" \t') for key, value in _PAIR.findall(first[0])}
        scheme = (pairs.get("proto") or _listed(names, b"x-forwarded-proto") or scheme).lower()
        host = pairs.get("host") or _listed(names, b"x-forwarded-host") or host
        prefix = _listed(names, b"x-forwarded-prefix").rstrip("/")
    if scheme not in _SCHEMES or not _is_host(host) or _PREFIX.fullmatch(prefix) is None:
        raise RefusedError(400, "host")
    return f"{scheme}://{host}{prefix}"


def _said(names: dict[bytes, bytes], name: bytes) -> str:
    return names.get(name, b"").decode("latin-1")


def _listed(names: dict[bytes, bytes], name: bytes) -> str:
    """Return what the first hop said."""
    return _said(names, name).partition(",")[0].strip()


def _is_host(host: str) -> bool:
    found = _HOST.fullmatch(host)
    if found is None or not 0 < int(found[2] or 1) <= _MOST_PORTS:
        return False
    if found[1] is not None:
        try:
            IPv6Address(found[1])
        except AddressValueError:
            return False
    return True
