"""Heads as they go on: what the façade writes itself."""

import pytest

from routers.facade.ended import TraceContext
from routers.facade.http.forwarding import Origin, answer_head, interim_head, request_head, trailer_part
from routers.facade.http.head import RequestHead, read_answer, read_request

TRACE = TraceContext("a" * 32, "b" * 16, None, 2, "", sampled=False)


def origin(address: str = "192.0.2.1", *, trusted: bool = False) -> Origin:
    return Origin(address=address, scheme="https", trusted=trusted)


def read(lines: bytes) -> RequestHead:
    return read_request(lines + b"\r\n", target_bytes=8192, headers=100)


def written(lines: bytes, *, trace: TraceContext = TRACE, of: Origin | None = None) -> list[bytes]:
    head = request_head(read(lines), origin=of or origin(), trace=trace, request_id="r-1", host=b"backend:1")
    assert head.endswith(b"\r\n\r\n")
    return head[:-4].split(b"\r\n")


def answered(
    lines: bytes, *, request: bytes = b"GET / HTTP/1.1\r\nHost: x\r\n", keep_alive: bool = True
) -> list[bytes]:
    answer = read_answer(lines + b"\r\n", method=b"GET", headers=100)
    head = answer_head(answer, request=read(request), keep_alive=keep_alive, request_id="r-1", date=b"now")
    return head[:-4].split(b"\r\n")


@pytest.mark.parametrize(
    ("address", "node"),
    [("192.0.2.1", b"192.0.2.1"), ("2001:db8::1", b'"[2001:db8::1]"'), ("", b"unknown")],
)
def test_forwarded_writes_an_address_as_its_grammar_has_it(address: str, node: bytes) -> None:
    """RFC 7239 section 6: IPv6 in brackets and quotes; `unknown` where there is none."""
    lines = written(b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n", of=origin(address))

    assert b"Forwarded: for=" + node + b';proto=https;host="[::1]:8080"' in lines
    assert (b"X-Forwarded-For: " + address.encode() in lines) == bool(address)
    assert b"X-Forwarded-Host: [::1]:8080" in lines
    assert b"X-Forwarded-Proto: https" in lines


def test_forwarded_follows_the_host_of_each_request_of_a_connection() -> None:
    of = origin()

    for host in (b"a", b"b", b"a"):
        assert b"X-Forwarded-Host: " + host in written(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n", of=of)


@pytest.mark.parametrize("lines", [b"GET / HTTP/1.0\r\n", b"GET / HTTP/1.1\r\nHost:\r\n"])
def test_the_backends_own_name_stands_in_where_the_caller_names_none(lines: bytes) -> None:
    """RFC 9112 section 3.2: what goes on is HTTP/1.1 and needs a Host."""
    assert written(lines)[:2] == [b"GET / HTTP/1.1", b"Host: backend:1"]


@pytest.mark.parametrize(
    ("given", "framing"),
    [
        (b"Content-Length: 007\r\n", [b"Content-Length: 7"]),
        (b"Content-Length: 0\r\n", [b"Content-Length: 0"]),
        (b"Transfer-Encoding: CHUNKED\r\n", [b"Transfer-Encoding: chunked"]),
        (b"", []),
    ],
)
def test_framing_is_written_anew(given: bytes, framing: list[bytes]) -> None:
    lines = written(b"POST / HTTP/1.1\r\nHost: x\r\n" + given)

    assert [line for line in lines if line.startswith((b"Content-Length", b"Transfer-Encoding"))] == framing


def test_the_trace_goes_on_with_the_facades_own_span() -> None:
    sampled = TRACE._replace(flags=0, sampled=True, tracestate="v=1")
    lines = written(
        b"GET / HTTP/1.1\r\nHost: x\r\ntraceparent: old\r\ntracestate: old\r\nX-Request-Id: old\r\n", trace=sampled
    )

    assert lines[-3:] == [
        b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",
        b"tracestate: v=1",
        b"X-Request-Id: r-1",
    ]
    assert not any(b"old" in line for line in lines)


@pytest.mark.parametrize(
    ("answer", "request_", "framing"),
    [
        (b"200 OK\r\nContent-Length: 3", b"1.1", [b"Content-Length: 3"]),
        (b"200 OK\r\nTransfer-Encoding: chunked", b"1.1", [b"Transfer-Encoding: chunked"]),
        (b"200 OK\r\nTransfer-Encoding: chunked", b"1.0", []),
        (b"200 OK", b"1.1", [b"Transfer-Encoding: chunked"]),
        (b"200 OK", b"1.0", []),
        (b"204 No\r\nContent-Length: 3", b"1.1", []),
        (b"304 Not\r\nContent-Length: 3", b"1.1", [b"Content-Length: 3"]),
        (b"304 Not\r\nTransfer-Encoding: chunked", b"1.1", []),
    ],
)
def test_the_framing_of_an_answer_fits_its_caller(answer: bytes, request_: bytes, framing: list[bytes]) -> None:
    """RFC 9112 section 6.1, RFC 9110 section 8.6."""
    lines = answered(b"HTTP/1.1 " + answer + b"\r\n", request=b"GET / HTTP/" + request_ + b"\r\nHost: x\r\n")

    assert [line for line in lines if line.startswith((b"Content-Length", b"Transfer-Encoding"))] == framing


def test_an_answer_says_when_its_connection_ends() -> None:
    first, *fields = answered(b"HTTP/1.0 200\r\nContent-Length: 0\r\n", keep_alive=False)

    assert first == b"HTTP/1.1 200 "
    assert sorted(fields) == [b"Connection: close", b"Content-Length: 0", b"Date: now", b"X-Request-Id: r-1"]


def test_an_interim_answer_loses_what_ends_here() -> None:
    """RFC 9110 section 7.6.1: interim answers, too."""
    answer = read_answer(
        b"HTTP/1.1 103 Hints\r\nLink: a\r\nConnection: X-A\r\nX-A: b\r\nContent-Length: 3\r\n\r\n",
        method=b"GET",
        headers=9,
    )

    assert interim_head(answer) == b"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n"


def test_trailers_that_frame_route_or_authenticate_end_here() -> None:
    """RFC 9110 section 6.5.1."""
    lines = [b"X-Sum: 1", b"content-length: 1", b"HOST: x", b"Set-Cookie: a", b"X-Forwarded-For: b"]

    assert trailer_part(lines) == b"0\r\nX-Sum: 1\r\n\r\n"
