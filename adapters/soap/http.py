"""One HTTP exchange at a time, blocking, streaming, and closable from another thread.

Each of its waits is bounded: until connected, TLS included, and for a further byte. How long it takes in all is for who
runs it to bound, by `close`. Only the resolver of this machine can't be interrupted while it looks a name up: it gives
up by bounds of its own, and nothing is connected to after that.
"""

import base64
import socket
import ssl
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from adapters._attempt import AttemptTimeoutError
from adapters.soap.config import Credentials, Tls
from contracts.errors import ConfigError, LegacyUnavailableError, TimeoutKind

__all__ = ["Answer", "Exchange", "HttpExchange", "Opener", "Request", "authorization", "retry_after", "tls_context"]

_CHUNK_BYTES = 64 * 1024
_OK = 200
_TOO_MANY_REQUESTS = 429
_OF_THE_SERVER = 500
_LONGEST_RETRY_AFTER = timedelta(hours=1)
_Found: TypeAlias = tuple[int, int, int, str, Any]
"""Family, kind, protocol, name and address, as the resolver has it."""


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
    retry_after: timedelta | None = None
    """How long it wants to be left alone."""

    def unavailable(self, system: str, reason: str, *, soon: bool = True) -> LegacyUnavailableError:
        """Return the error of an answer that is none; a redirect and a 4xx are not better at once, but for 429."""
        better = self.status in {_OK, _TOO_MANY_REQUESTS} or self.status >= _OF_THE_SERVER
        return LegacyUnavailableError(system, reason=reason, retry_after=self.retry_after, soon=soon and better)


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
    """An exchange over HTTP or HTTPS. Redirects are not followed, and the environment's proxies are not used.

    Args:
        request: What is sent.
        timeout: Longest silence.
        connect: Longest time until connected; by default the same.
        tls: What a connection needs of TLS; by default what the machine trusts.
    """

    def __init__(
        self,
        request: Request,
        timeout: timedelta,
        *,
        connect: timedelta | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._request = request
        self._silence, self._connect = timeout, connect or timeout
        address = urlsplit(request.url)
        self._tls = (tls or ssl.create_default_context()) if address.scheme == "https" else None
        host, port = address.hostname or "", address.port
        self._connection: HTTPConnection = (
            HTTPConnection(host, port) if self._tls is None else HTTPSConnection(host, port, context=self._tls)
        )
        self._connection.auto_open = 0  # or a request after `close` would connect again
        self._target = address._replace(scheme="", netloc="", fragment="").geturl() or "/"
        self._socket: socket.socket | None = None
        self._response: HTTPResponse | None = None
        self._closed = threading.Event()
        self.phase = "before it begins"
        """What it waits for, for errors."""
        self.sent = False
        """Whether anything of the request may have left."""

    def send(self) -> Answer:
        """Send the request and return the head of the answer.

        Raises:
            OSError: The other side can't be reached, does not answer in time, or `close` was called.
            HTTPException: It does not speak HTTP.
        """
        with ExitStack() as undo:
            undo.callback(self._drop)
            self._connection.sock = self._connected()
            self._response = response = self._answered()
            if self._closed.is_set():  # by another thread, which may have seen no response yet
                response.close()
                raise ConnectionAbortedError("closed while the answer arrived")
            undo.pop_all()
        self.phase = "reading the answer"
        content_type, location, rest = (
            response.headers.get(name, "") for name in ("Content-Type", "Location", "Retry-After")
        )
        return Answer(
            status=response.status, content_type=content_type, location=location, retry_after=retry_after(rest)
        )

    def _answered(self) -> HTTPResponse:
        method = "GET" if self._request.body is None else "POST"
        headers = {**self._request.headers, "Connection": "close"}
        with self._waiting("read", self._silence, "sending the request"):
            self.sent = True
            self._connection.request(method, self._target, self._request.body, headers)
        with self._waiting("read", self._silence, "waiting for the head of the answer"):
            return self._connection.getresponse()

    def _drop(self) -> None:
        self._connection.close()
        if self._socket is not None:
            self._socket.close()

    def _connected(self) -> socket.socket:
        until = time.monotonic() + self._connect.total_seconds()
        with self._waiting("connect", self._connect, "resolving the name"):
            host, port = self._connection.host, self._connection.port
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with self._waiting("connect", self._connect, "connecting"):
            reached = self._reached(found, until)
        if self._tls is not None:
            with self._waiting("connect", self._connect, "in the TLS handshake"):
                reached = secured = self._tls.wrap_socket(reached, server_hostname=host, do_handshake_on_connect=False)
                self._hold(secured)
                secured.settimeout(_left(until))
                secured.do_handshake()
        self._require_open()
        reached.settimeout(self._silence.total_seconds())
        return reached

    def _reached(self, found: Sequence[_Found], until: float) -> socket.socket:
        """Connect to the first address that answers; each gets its share of the time."""
        failed: OSError = OSError("the name has no address")
        for number, (family, kind, protocol, _, address) in enumerate(found):
            plain = socket.socket(family, kind, protocol)
            self._hold(plain)
            try:
                plain.settimeout(_left(until) / (len(found) - number))
                plain.connect(address)
            except OSError as error:
                plain.close()
                self._require_open()
                failed = error
            else:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return plain
        raise failed

    def _hold(self, opened: socket.socket) -> None:
        """Keep a socket where `close` finds it."""
        self._socket = opened
        self._require_open()

    def _require_open(self) -> None:
        if self._closed.is_set():
            raise ConnectionAbortedError("closed before the request was sent")

    @contextmanager
    def _waiting(self, kind: TimeoutKind, bound: timedelta, phase: str) -> Generator[None, None, None]:
        self.phase = phase
        try:
            yield
        except TimeoutError as error:
            if error.errno is not None:  # not by our bound: the system's own gave up
                raise
            raise AttemptTimeoutError(kind, after=bound, phase=phase) from error

    def chunks(self) -> Iterator[bytes]:
        """Yield the body of the answer as it arrives.

        Raises:
            OSError: No more came in time.
            HTTPException: It is cut off.
        """
        while self._response is not None and (chunk := self._more(self._response)):
            yield chunk
        if not self._closed.is_set():  # else its end was made, and says nothing of the answer's
            self.phase = "after the answer"

    def _more(self, response: HTTPResponse) -> bytes:
        try:
            with self._waiting("read", self._silence, "reading the answer"):
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
                # Not that of `SSLSocket`, which takes the TLS away from under a thread that is in it.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        if self._response is not None:
            self._response.close()
        self._connection.close()


def _left(until: float) -> float:
    rest = until - time.monotonic()
    if rest <= 0:
        raise TimeoutError("no time is left")
    return rest


def retry_after(said: str, now: datetime | None = None) -> timedelta | None:
    """Return how long a service wants to be left alone: seconds or a date, at most an hour; None where it does not say.

    >>> retry_after("120"), retry_after("86400"), retry_after("soon")
    (datetime.timedelta(seconds=120), datetime.timedelta(seconds=3600), None)
    """
    text = said.strip()
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - (now or datetime.now(UTC)), timedelta(0)), _LONGEST_RETRY_AFTER)


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
