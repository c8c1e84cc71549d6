"""Heads of requests and answers: RFC 9112 sections 2 to 6, RFC 9110 section 5."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routers.facade.http.head import RefusedError, RequestHead, read_request


def read(lines: bytes, *, target_bytes: int = 8192, headers: int = 100) -> RequestHead:
    """Read a head whose lines are given with their ends, without the empty one."""
    return read_request(lines + b"\r\n", target_bytes=target_bytes, headers=headers)


def with_field(line: bytes, method: bytes = b"POST") -> RequestHead:
    return read(method + b" /a HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n")


def refusal(lines: bytes, *, target_bytes: int = 8192, headers: int = 100) -> tuple[int, str]:
    with pytest.raises(RefusedError) as refused:
        read(lines, target_bytes=target_bytes, headers=headers)
    return refused.value.status, refused.value.reason


def test_an_origin_form_is_kept_as_it_came() -> None:
    """RFC 9112 section 3.2.1: path and query go on unchanged, percent-encoding and case included."""
    request = read(b"GET /A/%2e%2E//b;c=1?q=%00&r=a/b?c HTTP/1.1\r\nHost: X:8080\r\n")

    assert (request.method, request.target, request.path) == (
        b"GET",
        b"/A/%2e%2E//b;c=1?q=%00&r=a/b?c",
        "/A/%2e%2E//b;c=1",
    )
    assert (request.host, request.minor, request.keep_alive, request.length) == (b"X:8080", True, True, 0)


@pytest.mark.parametrize(
    ("target", "origin"),
    [
        (b"http://y/a?b", b"/a?b"),
        (b"HTTP://y/a", b"/a"),
        (b"https://y", b"/"),
        (b"http://y?b", b"/?b"),
        (b"http://y/", b"/"),
    ],
)
def test_an_absolute_form_becomes_an_origin_form_and_its_host_replaces_the_field(target: bytes, origin: bytes) -> None:
    """RFC 9112 section 3.2.2."""
    request = read(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n")

    assert (request.target, request.host) == (origin, b"y")
    assert [field[2] for field in request.fields] == [b""]


def test_an_absolute_form_still_needs_the_host_field() -> None:
    """RFC 9112 section 3.2: a request without Host is refused whatever its target says."""
    assert refusal(b"GET http://y/ HTTP/1.1\r\nA: b\r\n") == (400, "host")


@pytest.mark.parametrize(
    ("target", "sent"), [(b"*", b"*"), (b"http://y", b"*"), (b"http://y/", b"/"), (b"http://y?a", b"/?a")]
)
def test_options_of_the_server_is_an_asterisk(target: bytes, sent: bytes) -> None:
    """RFC 9112 section 3.2.4: an absolute form without path and query becomes `*`."""
    assert read(b"OPTIONS " + target + b" HTTP/1.1\r\nHost: x\r\n").target == sent


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"GET * HTTP/1.1", (400, "target")),
        (b"GET x:80 HTTP/1.1", (400, "target")),
        (b"GET x HTTP/1.1", (400, "target")),
        (b"GET ftp://x/ HTTP/1.1", (400, "target")),
        (b"GET http:///a HTTP/1.1", (400, "target")),
        (b"GET http://u:p@x/ HTTP/1.1", (400, "target")),
        (b"GET /a#b HTTP/1.1", (400, "target")),
        (b"GET http://x/a#b HTTP/1.1", (400, "target")),
        (b"GET http://x\\@y/ HTTP/1.1", (400, "target")),
        (b"GET http://x\\y/ HTTP/1.1", (400, "host")),
        (b"GET /\xc3\xa4 HTTP/1.1", (400, "request_line")),
        (b"GET /a\x00b HTTP/1.1", (400, "request_line")),
        (b"GET /a b HTTP/1.1", (400, "request_line")),
        (b"GET  /a HTTP/1.1", (400, "request_line")),
        (b"GET /a  HTTP/1.1", (400, "request_line")),
        (b"GET\t/a\tHTTP/1.1", (400, "request_line")),
        (b" GET /a HTTP/1.1", (400, "request_line")),
        (b"GET /a HTTP/1.1 ", (400, "request_line")),
        (b"GET /a", (400, "request_line")),
        (b"GET /a ", (400, "request_line")),
        (b"GET HTTP/1.1", (400, "request_line")),
        (b"", (400, "request_line")),
        (b"GET /a HTTP/11", (400, "request_line")),
        (b"GET /a HTTP/1.10", (400, "request_line")),
        (b"GET /a HTTP/01.1", (400, "request_line")),
        (b"GET /a http/1.1", (400, "request_line")),
        (b"GET /a HTTP/1,1", (400, "request_line")),
        (b"GET /a HTTP/0.9", (505, "version")),
        (b"GET /a HTTP/1.2", (505, "version")),
        (b"GET /a HTTP/2.0", (505, "version")),
        (b"PRI * HTTP/2.0", (505, "version")),
        (b"CONNECT x:443 HTTP/1.1", (501, "method")),
        (b"TRACE / HTTP/1.1", (501, "method")),
        (b"BREW / HTTP/1.1", (501, "method")),
        (b"get / HTTP/1.1", (501, "method")),
        (b"G\x01T / HTTP/1.1", (400, "request_line")),
        (b"G(T / HTTP/1.1", (501, "method")),
    ],
)
def test_a_request_line_with_another_grammar_is_refused(line: bytes, expected: tuple[int, str]) -> None:
    """RFC 9112 section 3: no lenient parsing, no authority form, versions 1.0 and 1.1 alone."""
    assert refusal(line + b"\r\nHost: x\r\n") == expected


def test_an_http_1_0_request_needs_no_host_and_ends_its_connection() -> None:
    """RFC 9112 sections 3.2 and 9.3."""
    request = read(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n")

    assert (request.host, request.minor, request.keep_alive) == (b"", False, False)


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"Host: x\r\nHost: x\r\n",
        b"Host: x\r\nhost: y\r\n",
        b"Host:\r\nHost: y\r\n",
        b"Host: x, y\r\n",
        b"Host: x y\r\n",
        b"Host: x/y\r\n",
        b"Host: x@y\r\n",
        b"Host: u:p@y\r\n",
        b"Host: http://x\r\n",
        b"Host: x:port\r\n",
        b"Host: x:80:80\r\n",
        b"Host: x:999999\r\n",
        b"Host: [::1\r\n",
        b"Host: ::1\r\n",
        b'Host: x"y\r\n',
        b"Host: x\\y\r\n",
        b"Host: x#\r\n",
        b"Host: \xc3\xa4\r\n",
        b"Host: x\ty\r\n",
    ],
)
def test_a_host_that_is_missing_repeated_or_malformed_is_refused(lines: bytes) -> None:
    """RFC 9112 section 3.2."""
    assert refusal(b"GET / HTTP/1.1\r\nA: b\r\n" + lines) == (400, "host")


@pytest.mark.parametrize("host", [b"x", b"X.example:80", b"127.0.0.1", b"[::1]:8080", b"x:", b"x_y.z", b"a%20b", b""])
def test_a_host_of_the_grammar_is_taken(host: bytes) -> None:
    """RFC 9110 section 7.2; an empty one says that the target has no authority."""
    assert read(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n").host == host


@pytest.mark.parametrize(
    "line",
    [
        b" folded: x",
        b"\tfolded",
        b"A: b\r\n c",
        b"A: b\r\n\tc",
        b"A: b\r\n ",
        b"A : b",
        b"A\t: b",
        b": b",
        b"A",
        b"A b: c",
        b"A(b): c",
        b'A"b: c',
        b"A/b: c",
        b"A[b]: c",
        b"A{b}: c",
        b"A=b: c",
        b"A@b: c",
        b"A;b: c",
        b"A,b: c",
        b"\xc3\xa4: c",
        b"A\xff: c",
        b"Content_Length: 5",
        b"CONTENT_LENGTH: 5",
        b"Transfer_Encoding: chunked",
        b"Transfer-Encoding : chunked",
        b"Content-Length : 5",
        b"Host : x",
    ],
)
def test_a_line_that_is_no_field_is_refused(line: bytes) -> None:
    """RFC 9112 sections 5.1 and 5.2: no white space before the colon, no folding; RFC 9110 5.1: names are tokens."""
    assert refusal(b"GET / HTTP/1.1\r\nHost: x\r\n" + line + b"\r\nB: c\r\n")[0] == 400


@pytest.mark.parametrize("octet", [*range(9), 11, 12, *range(14, 32), 127])
@pytest.mark.parametrize("line", [b"A%bb: c", b"A: b%bc", b"A:%bb", b"A: b%b"])
def test_a_control_character_is_refused(octet: int, line: bytes) -> None:
    """RFC 9110 section 5.5."""
    assert refusal(b"GET / HTTP/1.1\r\nHost: x\r\n" + line % bytes([octet]) + b"\r\n")[0] == 400


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\n\r", b"\r\r\n"])
@pytest.mark.parametrize("lines", [b"GET / HTTP/1.1%bHost: x\r\n", b"GET / HTTP/1.1\r\nHost: x%bA: b\r\n"])
def test_a_line_end_that_is_not_cr_lf_is_refused(end: bytes, lines: bytes) -> None:
    """RFC 9112 section 2.2: a bare CR is invalid; a bare LF may be taken as an end, and somebody does not."""
    assert refusal(lines % end)[0] == 400


@pytest.mark.parametrize("value", [b"", b" ", b"\t", b"a\tb", b"\xc3\xa4\xff", b'"a, b"', b"(c) ~!#;=", b":"])
def test_a_field_goes_on_as_it_came(value: bytes) -> None:
    """RFC 9110 section 5.5: opaque bytes, blanks around them meaning nothing."""
    field = with_field(b"x-A.b~!:" + value).fields[-1]

    assert field == (b"x-a.b~!", value.strip(b" \t"), b"x-A.b~!:" + value + b"\r\n")


def test_a_field_that_is_repeated_is_one_list_and_keeps_its_lines() -> None:
    """RFC 9110 section 5.3."""
    request = with_field(b"A: 1\r\nB: x\r\na: 2")

    assert request.names[b"a"] == b"1, 2"
    assert [field[2] for field in request.fields[1:]] == [b"A: 1\r\n", b"B: x\r\n", b"a: 2\r\n"]


@pytest.mark.parametrize(
    ("value", "length"), [(b"0", 0), (b"5", 5), (b"  5\t", 5), (b"007", 7), (b"9" * 18, 10**18 - 1)]
)
def test_a_content_length_is_digits(value: bytes, length: int) -> None:
    """RFC 9110 section 8.6; it is written anew, so leading zeros end here."""
    assert with_field(b"Content-Length: " + value).length == length


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length:",
        b"Content-Length: +5",
        b"Content-Length: -5",
        b"Content-Length: 0x5",
        b"Content-Length: 5 5",
        b"Content-Length: 5,5",
        b"Content-Length: 5, 5",
        b"Content-Length: 5;",
        b"Content-Length: 5.0",
        b"Content-Length: 5e1",
        b"Content-Length: 1_0",
        b"Content-Length: \xb2",
        b"Content-Length: five",
        b'Content-Length: "5"',
        b"Content-Length: " + b"9" * 19,
        b"Content-Length: 18446744073709551621",
        b"Content-Length: 5\r\nContent-Length: 5",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5\r\ncontent-length:",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0",
        b"Transfer-Encoding: identity\r\nContent-Length: 5",
    ],
)
def test_a_length_that_could_be_read_in_two_ways_is_refused(lines: bytes) -> None:
    """RFC 9112 section 6.3: several lengths, no number, or a length beside a coding."""
    with pytest.raises(RefusedError) as refused:
        with_field(lines)

    assert refused.value.status == 400


@pytest.mark.parametrize("value", [b"chunked", b"Chunked", b"CHUNKED", b"  chunked"])
def test_chunked_alone_is_taken_in_any_case(value: bytes) -> None:
    """RFC 9112 section 7: names of codings are case-insensitive."""
    request = with_field(b"Transfer-Encoding:" + value)

    assert (request.chunked, request.length) == (True, -1)


@pytest.mark.parametrize(
    "lines",
    [
        b"Transfer-Encoding:",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: identity, chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked, chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding:\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunkedx",
        b"Transfer-Encoding: chunk",
        b"Transfer-Encoding: chunked;q=1",
        b"Transfer-Encoding: ;chunked",
        b"Transfer-Encoding: ,chunked",
        b"Transfer-Encoding: chunked,",
        b'Transfer-Encoding: "chunked"',
        b"Transfer-Encoding: 'chunked'",
        b"Transfer-Encoding: [chunked]",
        b"Transfer-Encoding: chunked\tx",
        b"Transfer-Encoding: \x0bchunked",
        b"Transfer-Encoding: chunked\x00",
        b"Transfer-Encoding: \xa0chunked",
        b"Transfer-Encoding: ch\xc3\xbcnked",
        b"Transfer-Encoding\r\n: chunked",
        b"Transfer-Encoding:\r\n chunked",
        b"Transfer-Encoding: chun\r\n\tked",
        b"X: y\nTransfer-Encoding: chunked",
    ],
)
def test_any_other_transfer_coding_is_refused(lines: bytes) -> None:
    """RFC 9112 section 6.1: what is not `chunked` alone could be understood by one side only."""
    with pytest.raises(RefusedError) as refused:
        with_field(lines)

    assert refused.value.status in {400, 501}


def test_a_transfer_coding_in_http_1_0_is_refused() -> None:
    """RFC 9112 section 6.1: its framing is faulty."""
    assert refusal(b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n") == (400, "framing")


@pytest.mark.parametrize(
    "named", [b"host", b"Content-Length", b"close, HOST", b"content-type", b"authorization", b"cookie", b"SOAPAction"]
)
def test_connection_can_not_take_away_what_says_who_is_meant(named: bytes) -> None:
    """RFC 9110 section 7.6.1: these are never hop-by-hop."""
    with pytest.raises(RefusedError, match="400 connection"):
        with_field(b"Connection: " + named)


@pytest.mark.parametrize(
    ("value", "keep_alive", "options"),
    [
        (b"close", False, frozenset[bytes]()),
        (b"Keep-Alive", True, frozenset[bytes]()),
        (b"x, CLOSE ,Y", False, frozenset({b"x", b"y"})),
        (b"closed", True, frozenset({b"closed"})),
    ],
)
def test_connection_says_what_ends_here(value: bytes, keep_alive: bool, options: frozenset[bytes]) -> None:  # noqa: FBT001
    """RFC 9112 section 9.3, RFC 9110 section 7.6.1."""
    request = with_field(b"Connection: " + value)

    assert (request.keep_alive, request.options) == (keep_alive, options)


def test_targets_and_heads_have_bounds() -> None:
    """RFC 9112 section 3, RFC 6585 section 5."""
    assert refusal(b"GET /" + b"a" * 256 + b" HTTP/1.1\r\nHost: x\r\n", target_bytes=256) == (414, "target")
    assert refusal(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10, headers=10) == (431, "headers")
    assert len(read(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 9, headers=10).fields) == 10


_NAME = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=8).map(lambda name: b"x" + name.encode())
_VALUE = st.binary(max_size=12).map(lambda raw: bytes(octet for octet in raw if octet >= 0x20 and octet != 0x7F))


@given(st.lists(st.tuples(_NAME, _VALUE), max_size=8))
def test_each_field_of_the_grammar_is_read_as_another_parser_reads_it(fields: list[tuple[bytes, bytes]]) -> None:
    """RFC 9110 section 5: whole sections agree with llhttp, line by line."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"%b: %b\r\n" % field for field in fields)
    heard: list[tuple[bytes, bytes]] = []

    class Hears:
        def on_header(self, name: bytes, value: bytes) -> None:
            heard.append((name.lower(), value.strip(b" \t")))

    httptools.HttpRequestParser(Hears()).feed_data(head + b"\r\n")

    assert [(name, value) for name, value, _ in read(head).fields] == heard
