"""One HTTP exchange at a time, blocking, streaming, and closable from another thread."""

import base64
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Protocol
from urllib.parse import urlsplit

from adapters.soap.config import Credentials, Tls
from contracts.errors import ConfigError

__all__ = ["Answer", "Exchange", "HttpExchange", "Opener", "Request", "authorization", "tls_context"]

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent."""

    url: str
    body: bytes | None = field(default=None, repr=False)
    """None for a GET, else what is posted."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The head of what came back."""

    status: int
    content_type: str
    location: str = ""
    """Where it redirects to; empty where it does not."""


class Exchange(Protocol):
    """One request and its answer; `send` and `chunks` block, hence run in a worker thread."""

    def send(self) -> Answer:
        """Send the request and return the head of the answer."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the body of the answer as it arrives."""
        ...

    def close(self) -> None:
        """End it, whatever its state, also while another thread blocks in it; a second call does nothing."""
        ...


class Opener(Protocol):
    """Makes an exchange; a fake in the process is one as well."""

    def __call__(self, request: Request, timeout: timedelta) -> Exchange:
        """Return an exchange that has not begun; the timeout bounds each of its waits."""
        ...


class HttpExchange:
    """An exchange over HTTP or HTTPS. Redirects are not followed, and the environment's proxies are not used."""

    def __init__(self, request: Request, timeout: timedelta, *, tls: ssl.SSLContext | None = None) -> None:
        self._request = request
        address = urlsplit(request.url)
        host, port, seconds = address.hostname or "", address.port, timeout.total_seconds()
        self._connection: HTTPConnection = (
            HTTPSConnection(host, port, timeout=seconds, context=tls)
            if address.scheme == "https"
            else HTTPConnection(host, port, timeout=seconds)
        )
        self._connection.auto_open = 0  # or a request after `close` would connect again
        self._target = address._replace(scheme="", netloc="", fragment="").geturl() or "/"
        self._socket: socket.socket | None = None
        self._response: HTTPResponse | None = None
        self._closed = threading.Event()

    def send(self) -> Answer:
        """Send the request and return the head of the answer.

        Raises:
            OSError: The other side can't be reached, does not answer in time, or `close` was called.
            HTTPException: It does not speak HTTP.
        """
        self._connection.connect()
        self._socket = self._connection.sock
        if self._closed.is_set():
            self._connection.close()
            raise ConnectionAbortedError("closed before the request was sent")
        method = "GET" if self._request.body is None else "POST"
        headers = {**self._request.headers, "Connection": "close"}
        self._connection.request(method, self._target, self._request.body, headers)
        self._response = response = self._connection.getresponse()
        if self._closed.is_set():  # by another thread, which may have seen no response yet: its socket would stay open
            response.close()
            raise ConnectionAbortedError("closed while the answer arrived")
        content_type, location = (response.headers.get(name, "") for name in ("Content-Type", "Location"))
        return Answer(status=response.status, content_type=content_type, location=location)

    def chunks(self) -> Iterator[bytes]:
        """Yield the body of the answer as it arrives.

        Raises:
            OSError: No more came in time.
            HTTPException: It is cut off.
        """
        while self._response is not None and (chunk := self._more(self._response)):
            yield chunk

    def _more(self, response: HTTPResponse) -> bytes:
        try:
            return response.read1(_CHUNK_BYTES)
        except (AttributeError, ValueError) as error:
            if not self._closed.is_set():
                raise
            # Another thread closed it in the middle of this.
            raise ConnectionAbortedError("closed while the answer was read") from error

    def close(self) -> None:
        """End it; a thread that blocks in it gets an error at once rather than after its timeout."""
        self._closed.set()
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        if self._response is not None:
            self._response.close()
        self._connection.close()


def tls_context(tls: Tls) -> ssl.SSLContext | None:
    """Return what a connection needs of TLS; None where the defaults do.

    Raises:
        ConfigError: A file can't be read, or certificate and key do not fit.
    """
    if tls == Tls():
        return None
    try:
        context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
        if tls.certificate is not None:
            password = None if tls.key_password is None else tls.key_password.get_secret_value()
            # Without one, OpenSSL would ask at the terminal.
            context.load_cert_chain(tls.certificate, tls.key, password=password or "")
    except (OSError, ValueError) as error:
        raise ConfigError([f"tls: {tls}: {error}"]) from error
    return context


def authorization(credentials: Credentials | None) -> dict[str, str]:
    """Return the header of HTTP Basic authentication, or none.

    >>> authorization(None)
    {}
    """
    if credentials is None:
        return {}
    pair = f"{credentials.user}:{credentials.password.get_secret_value()}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
