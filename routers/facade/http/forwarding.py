"""Writes the heads that go on: hop-by-hop fields go, what an intermediary has to add comes.

RFC 9110 sections 7.6 and 6.6.1, RFC 7239. Framing fields are never copied: they are written anew from what was
understood of the message.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from routers.facade.ended import TraceContext
from routers.facade.http.head import FORWARDED, AnswerHead, RequestHead

__all__ = ["Origin", "answer_head", "interim_head", "request_head", "trailer_part"]

_NO_TRAILERS: Final = FORWARDED | {
    *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade", b"trailer"),
    *(b"host", b"content-length", b"content-type", b"content-encoding", b"expect", b"max-forwards"),
    *(b"authorization", b"proxy-authorization", b"set-cookie", b"cache-control", b"traceparent", b"tracestate"),
}
_VIA: Final = (b"Via: 1.0 banyan\r\n", b"Via: 1.1 banyan\r\n")
_CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
_FLAGS: Final = tuple(f"{flags:02x}" for flags in range(256))
"""Once for all calls: compiled code formats a number in the slowest of ways."""


@dataclass(slots=True, kw_only=True)
class Origin:
    """Where a caller's connection comes from, as its requests tell the backend."""

    address: str
    """IP address; empty where it is not known."""
    scheme: str
    """`http` or `https`."""
    trusted: bool
    """What the caller itself says of earlier hops is kept."""
    _host: bytes = b"?"
    _written: bytes = b""

    def fields(self, host: bytes) -> bytes:
        """Return the Forwarded fields for calls to this host; most calls of a connection go to the same."""
        if host != self._host:
            self._host, self._written = host, self._write(host.decode("latin-1"))
        return self._written

    def missing(self, host: bytes, names: Container[bytes]) -> bytes:
        """Return those that earlier hops do not say: of host and scheme, the first hop's word counts."""
        said = {b"x-forwarded-host", b"x-forwarded-proto"}
        lines = self.fields(host).splitlines(keepends=True)
        return b"".join(line for line in lines if not ((name := _name(line)) in said and name in names))

    def _write(self, host: str) -> bytes:
        node = f'"[{self.address}]"' if ":" in self.address else self.address or "unknown"
        named = f';host="{host}"' if host else ""
        lines = [f"Forwarded: for={node};proto={self.scheme}{named}"]
        lines += [f"X-Forwarded-For: {self.address}"] if self.address else []
        lines += [f"X-Forwarded-Host: {host}"] if host else []
        lines += [f"X-Forwarded-Proto: {self.scheme}", ""]
        return "\r\n".join(lines).encode("latin-1")


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()


def request_head(request: RequestHead, *, origin: Origin, trace: TraceContext, request_id: str, host: bytes) -> bytes:
    """Return the head for the backend; `host` stands in where an HTTP/1.0 caller named none."""
    names = request.names
    asked = request.host or host
    forwarded = request.forwarded
    if request.fields and (request.options or not (origin.trusted or FORWARDED.isdisjoint(names))):
        ended = request.options if origin.trusted else request.options | FORWARDED
        forwarded = b"".join(field[2] for field in request.fields if field[0] not in ended)
    if request.chunked:
        framing = _CHUNKED
    elif request.length or b"content-length" in names:
        framing = b"Content-Length: %d\r\n" % request.length
    else:
        framing = b""
    via = names.get(b"via")
    hops = _VIA[request.minor] if not via else b"Via: %b, 1.%d banyan\r\n" % (via, request.minor)
    from_ = origin.missing(asked, names) if origin.trusted else origin.fields(asked)
    state = f"tracestate: {trace.tracestate}\r\n" if trace.tracestate else ""
    flags = _FLAGS[trace.flags | trace.sampled]
    ours = f"traceparent: 00-{trace.trace_id}-{trace.span_id}-{flags}\r\n{state}X-Request-Id: {request_id}\r\n\r\n"
    start = b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (request.method, request.target, asked)
    return b"".join((start, forwarded, framing, hops, from_, ours.encode()))


def answer_head(answer: AnswerHead, *, request: RequestHead, keep_alive: bool, request_id: str, date: bytes) -> bytes:
    """Return the head for the caller; without a length, HTTP/1.1 gets chunks and HTTP/1.0 the connection's end."""
    ours = f"X-Request-Id: {request_id}\r\n".encode() if not answer.identified else b""
    if not answer.dated:
        ours += b"Date: %b\r\n" % date
    if answer.length < 0 and request.minor:
        ours += _CHUNKED
    return answer.onward + ours + (b"\r\n" if keep_alive else b"Connection: close\r\n\r\n")


def trailer_part(lines: list[bytes]) -> bytes:
    """Return the last chunk with those trailers that may go on (RFC 9110 section 6.5.1)."""
    kept = [line for line in lines if _name(line) not in _NO_TRAILERS]
    return b"".join([b"0\r\n", *(line + b"\r\n" for line in kept), b"\r\n"])


def interim_head(answer: AnswerHead) -> bytes:
    """Return an interim answer as it goes on (RFC 9110 section 15.2)."""
    return answer.onward + b"\r\n"
