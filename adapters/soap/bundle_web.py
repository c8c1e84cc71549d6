"""Fetches the documents of a contract from the one server that it comes from.

Nothing but that server's own scheme, host and port is ever asked, whatever a document or a redirect says; so a
contract can't make us call others, read files of this machine, or send credentials elsewhere.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from adapters.soap.config import Credentials
from adapters.soap.http import Answer, HttpExchange, Request, authorization
from contracts.errors import ConfigError, LegacyUnavailableError
from contracts.legacy.soap.contract.address import is_below, without_secrets
from contracts.legacy.soap.contract.bundle import Bounds
from contracts.legacy.xml import XmlError

__all__ = ["Access", "Web", "root_of"]

_MOST_REDIRECTS: Final = 5
_OK: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REASONS: Final = {401: "it wants a user and password", 403: "it forbids it", 404: "there is nothing"}
_UNQUOTED: Final = "%/:=&?~+!$,;'@()*[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the server of a contract is asked."""

    credentials: Credentials | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    ca_file: Path | None = None
    """Certificates of who signed the server's, in PEM; those of the system without it."""
    patience: timedelta = timedelta(seconds=10)
    """Longest wait for the connection, and then for more of an answer."""
    whole: timedelta = timedelta(minutes=2)
    """Longest time for all documents together."""

    def tls(self) -> ssl.SSLContext:
        """Return what verifies the server.

        Raises:
            ConfigError: The file of certificates can't be read.
        """
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise ConfigError([f"{self.ca_file}: expected certificates in PEM: {error.strerror or error}"]) from error


def root_of(url: str, root: str | None) -> str:
    """Return what all addresses of a contract from a server begin with.

    >>> root_of("https://registry.example/services/registry?wsdl", None)
    'https://registry.example/'

    Raises:
        ConfigError: The address is none, holds a password, or does not lie below the root.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ConfigError(["the address holds a user or password: give them apart"])
    chosen = root or f"{parts.scheme}://{parts.netloc}/"
    whole = chosen if chosen.endswith("/") else chosen + "/"
    if not parts.hostname or not is_below(url, whole):
        raise ConfigError([f"{without_secrets(url)}: expected an address below the root {without_secrets(whole)}"])
    return whole


class Web:
    """Returns what stands behind an address below the root; one at a time, all within one span of time."""

    def __init__(self, root: str, access: Access, *, bounds: Bounds, tell: Callable[[str], None]) -> None:
        self._root, self._access, self._bounds, self._tell = root, access, bounds, tell
        self._headers = {**access.headers, **authorization(access.credentials)}
        self._tls = access.tls() if urlsplit(root).scheme == "https" else None
        self._until = monotonic() + access.whole.total_seconds()
        self._known: dict[str, bytes] = {}

    def located(self, url: str) -> str:
        """Return the address that a document really has, after redirects; it is asked only once."""
        data, final = self._followed(url)
        self._known[final] = data
        return final

    def __call__(self, uri: str) -> bytes:
        """Return a document.

        Raises:
            OSError: It can't be had.
            XmlError: It is too large.
            LegacyUnavailableError: All the time is used up.
        """
        return self._known.pop(uri) if uri in self._known else self._followed(uri)[0]

    def _followed(self, uri: str) -> tuple[bytes, str]:
        for _ in range(_MOST_REDIRECTS):
            self._tell(uri)
            answer, data = self._asked(uri)
            if answer.status == _OK:
                return data, uri
            if answer.status not in _REDIRECTS:
                reason = _REASONS.get(answer.status)
                raise OSError(f"HTTP {answer.status}" + (f": {reason}" if reason else ""))
            uri = self._target(uri, answer.location)
        raise OSError(f"it redirects more than {_MOST_REDIRECTS} times")

    def _target(self, uri: str, location: str) -> str:
        try:
            target = urljoin(uri, location)
            shown = urlsplit(target)._replace(query="", fragment="").geturl()
        except ValueError as error:
            raise OSError("it redirects to what is no address") from error
        if not is_below(target, self._root):
            raise OSError(f"it redirects to {shown}, which lies outside of the bundle's root {self._root}")
        return target

    def _asked(self, uri: str) -> tuple[Answer, bytes]:
        late = LegacyUnavailableError(self._root, reason=f"it did not answer all within {self._access.whole}")
        request = Request(url=quote(uri, safe=_UNQUOTED), headers=self._headers)
        exchange = HttpExchange(request, self._access.patience, tls=self._tls)
        timer = Timer(max(0, self._until - monotonic()), exchange.close)
        timer.daemon = True
        timer.start()
        try:
            return exchange.send(), self._read(exchange)
        except (OSError, HTTPException, ValueError) as error:
            if monotonic() >= self._until:
                raise late from error
            if isinstance(error, OSError):
                raise
            raise OSError(f"it does not speak HTTP: {type(error).__name__}") from error
        finally:
            timer.cancel()
            exchange.close()

    def _read(self, exchange: HttpExchange) -> bytes:
        data = bytearray()
        for chunk in exchange.chunks():
            data += chunk
            if len(data) > self._bounds.document_bytes:
                raise XmlError(f"expected at most {self._bounds.document_bytes} bytes in a document")
        return bytes(data)
