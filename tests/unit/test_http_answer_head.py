"""Heads of answers: RFC 9112 sections 4 to 6."""

import pytest

from routers.facade.http.head import AnswerHead, MalformedError, read_answer


def answer(lines: bytes, method: bytes = b"GET") -> AnswerHead:
    return read_answer(lines + b"\r\n", method=method, headers=100)


def test_an_answer_tells_its_length() -> None:
    """RFC 9112 section 6.3: by its field, by chunks, or by the connection's end."""
    by_length = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n")
    by_chunks = answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n")
    by_end = answer(b"HTTP/1.1 200 OK\r\n")

    assert (by_length.length, by_length.chunked, by_length.until_close, by_length.keep_alive) == (5, False, False, True)
    assert (by_chunks.length, by_chunks.chunked, by_chunks.until_close, by_chunks.keep_alive) == (-1, True, False, True)
    assert (by_end.length, by_end.chunked, by_end.until_close, by_end.keep_alive) == (-1, False, True, False)


@pytest.mark.parametrize("framing", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])
@pytest.mark.parametrize(
    ("method", "status"), [(b"HEAD", b"200"), (b"GET", b"204"), (b"GET", b"304"), (b"GET", b"103")]
)
def test_an_answer_that_never_has_a_body_has_none(method: bytes, status: bytes, framing: bytes) -> None:
    """RFC 9112 section 6.3 rule 1: whatever its fields announce."""
    assert answer(b"HTTP/1.1 " + status + b" X\r\n" + framing, method).length == 0


@pytest.mark.parametrize(
    ("line", "status_line"),
    [(b"200", b"200 "), (b"200 ", b"200 "), (b"404 Nicht da \xc3\xa4", b"404 Nicht da \xc3\xa4")],
)
def test_a_reason_may_be_missing_but_its_blank_may_not(line: bytes, status_line: bytes) -> None:
    """RFC 9112 section 4: the blank after the code is sent in any case."""
    onward = answer(b"HTTP/1.1 " + line + b"\r\nContent-Length: 0\r\n").onward

    assert onward.startswith(b"HTTP/1.1 " + status_line + b"\r\n")


def test_an_answer_of_http_1_0_ends_its_connection() -> None:
    """RFC 9112 section 9.3."""
    assert not answer(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n").keep_alive


@pytest.mark.parametrize(
    "lines",
    [
        b"HTTP/1.1 20 OK\r\n",
        b"HTTP/1.1 2000 OK\r\n",
        b"HTTP/1.1 600 OK\r\n",
        b"HTTP/1.1 099 OK\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.1 OK\r\n",
        b"HTTP/2.0 200 OK\r\n",
        b"HTTP/1.2 200 OK\r\n",
        b"http/1.1 200 OK\r\n",
        b"ICY 200 OK\r\n",
        b"\r\n",
        b"<html>\r\n",
        b"HTTP/1.1 200 O\x00K\r\n",
        b"HTTP/1.1 200 OK\nA: b\r\n",
        b"HTTP/1.1 200 OK\rA: b\r\n",
        b"HTTP/1.1 200 OK\r\n A: b\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n",
        b"HTTP/1.1 200 OK\r\nContent_Length: 3\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101,
    ],
)
def test_an_answer_that_is_no_http_or_ambiguous_is_malformed(lines: bytes) -> None:
    """RFC 9112 sections 4, 5 and 6.3."""
    with pytest.raises(MalformedError):
        answer(lines)


def test_an_answer_that_is_known_is_read_by_its_method() -> None:
    """The same bytes have a body after GET and none after HEAD."""
    lines = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: again\r\n"

    assert [answer(lines, method).length for method in (b"GET", b"HEAD", b"GET", b"HEAD")] == [5, 0, 5, 0]
