"""Framing of requests through the façade: RFC 9112 sections 2, 3, 6 and 7, RFC 9110 sections 8.6 and 10.1.1."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.facade_wire import answers, read_one, statuses, tapped
from tests.facade_world import World

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSE = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ALL_BYTES = bytes(range(256)) * 3


async def test_a_request_reaches_the_backend_with_the_same_target_fields_and_body(tmp_path: Path) -> None:
    """RFC 9110 section 7.6: an intermediary forwards what it does not have to change."""
    async with tapped(tmp_path) as (world, tap):
        await world.exchange(
            b"POST /A/%2e?b=%00 HTTP/1.1\r\nHost: X:1\r\nX-One: a\xff  b\r\nx-one:\tc\r\nConnection: close\r\n"
            b"Content-Length: 768\r\n\r\n" + ALL_BYTES
        )

    [request] = tap.requests
    assert request.start == b"POST /A/%2e?b=%00 HTTP/1.1"
    assert (request.one(b"host"), request.all(b"x-one")) == (b"X:1", [b"a\xff  b", b"c"])
    assert request.body == ALL_BYTES


async def test_a_chunked_request_goes_on_chunked_with_its_data(tmp_path: Path) -> None:
    """RFC 9112 section 7.1: chunks are the sender's, data is end to end."""
    async with tapped(tmp_path) as (world, tap):
        await world.exchange(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n"
            b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: dropped\r\n\r\n"
        )

    [request] = tap.requests
    assert (request.body, request.one(b"transfer-encoding"), request.trailers) == (b"abcde", b"chunked", [])


@pytest.mark.parametrize("length", [b"", b"Content-Length: 0\r\n"])
async def test_a_request_without_a_body_has_none(tmp_path: Path, length: bytes) -> None:
    """RFC 9112 section 6.3 rule 7."""
    async with tapped(tmp_path) as (world, tap):
        await world.exchange(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + length + b"\r\n")

    assert [request.body for request in tap.requests] == [b""]


async def test_leading_zeros_of_a_length_end_here(tmp_path: Path) -> None:
    """RFC 9110 section 8.6: a length in octal for somebody must not go on."""
    async with tapped(tmp_path) as (world, tap):
        await world.exchange(
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0010\r\n\r\n0123456789"
        )

    assert [(request.one(b"content-length"), request.body) for request in tap.requests] == [(b"10", b"0123456789")]


async def test_an_empty_line_before_a_request_is_let_pass(tmp_path: Path) -> None:
    """RFC 9112 section 2.2."""
    async with tapped(tmp_path) as (world, tap):
        assert statuses(await world.exchange(b"\r\n" + GET + b"\r\n" + CLOSE)) == [200, 200]

    assert len(tap.requests) == 2


async def test_http_1_0_is_answered_and_closed(tmp_path: Path) -> None:
    """RFC 9112 section 9.3: and it goes on as HTTP/1.1 with a Host."""
    async with tapped(tmp_path) as (world, tap):
        assert statuses(await world.exchange(b"GET / HTTP/1.0\r\n\r\n")) == [200]
        assert tap.requests[0].one(b"host") == b"127.0.0.1:%d" % world.legacy.port


@pytest.mark.parametrize(
    ("target", "host", "sent"),
    [
        (b"http://y:1/a?b", b"x", (b"/a?b", b"y:1")),
        (b"*", b"x", (b"*", b"x")),
        (b"http://y", b"x", (b"*", b"y")),
        (b"/a", b"x", (b"/a", b"x")),
    ],
)
async def test_a_target_goes_on_in_origin_form(
    tmp_path: Path, target: bytes, host: bytes, sent: tuple[bytes, bytes]
) -> None:
    """RFC 9112 section 3.2: Host is that of an absolute form."""
    async with tapped(tmp_path) as (world, tap):
        await world.exchange(b"OPTIONS " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")

    assert [(request.target, request.one(b"host")) for request in tap.requests] == [sent]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/0.9\r\n\r\n", 505),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 501),
        (b"GET x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: cakes\r\n\r\n", 417),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
async def test_a_refused_head_is_answered_and_its_connection_closed(
    tmp_path: Path, request_: bytes, status: int
) -> None:
    """RFC 9112 sections 3, 6.1 and 9.6: nothing after it is read as a request."""
    async with tapped(tmp_path) as (world, tap):
        said = answers(await world.exchange(request_ + GET + GET))

    assert [(each.status, each.one(b"connection")) for each in said] == [(status, b"close")]
    assert tap.bytes_seen == b""


# Expect.


async def expecting(world: World, head: bytes, body: bytes, *, apart: bool) -> list[int]:
    """Send a head that expects and a body, and return the statuses of what comes."""
    reader, writer = await world.connect()
    writer.write(head if apart else head + body)
    got: list[int] = []
    if apart:
        got.append((await read_one(reader)).status)
        writer.write(body)
    got += statuses(await asyncio.wait_for(reader.read(), 5))
    writer.close()
    return got


@pytest.mark.parametrize("framing", [b"Content-Length: 3", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("apart", [True, False])
async def test_a_caller_that_waits_for_100_gets_one_and_only_then(
    tmp_path: Path,
    framing: bytes,
    apart: bool,  # noqa: FBT001
) -> None:
    """RFC 9110 section 10.1.1: not when the body is there already; the façade keeps the expectation to itself."""
    body = b"abc" if framing.startswith(b"Content") else b"3\r\nabc\r\n0\r\n\r\n"
    async with tapped(tmp_path) as (world, tap):
        head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nConnection: close\r\n" + framing + b"\r\n\r\n"
        assert await expecting(world, head, body, apart=apart) == ([100, 200] if apart else [200])

    assert [(request.body, request.all(b"expect")) for request in tap.requests] == [(b"abc", [])]


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_an_expectation_without_a_body_or_in_http_1_0_is_ignored(tmp_path: Path, version: bytes) -> None:
    """RFC 9110 section 10.1.1."""
    length = b"" if version == b"1.1" else b"Content-Length: 0\r\n"
    async with tapped(tmp_path) as (world, _):
        said = await world.exchange(
            b"POST / HTTP/"
            + version
            + b"\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
            + length
            + b"\r\n"
        )

    assert statuses(said) == [200]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\n", "empty_lines"),
        (b"\n\n", "empty_lines"),
        (b"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "empty_lines"),
        (b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "empty_lines"),
        (b"\r\n\n", "empty_lines"),
        (b"GET / HTTP/1.1\nHost: x\n\n", "line_end"),
        (b"GET / HTTP/1.1\n", "line_end"),
        (b"GET / HTTP/1.1\r\nHost: x\n\n", "line_end"),
    ],
)
@pytest.mark.parametrize("piece", [1, 1000])
async def test_lines_that_no_head_has_are_refused_at_once(tmp_path: Path, data: bytes, reason: str, piece: int) -> None:
    """RFC 9112 section 2.2, however the bytes come; nothing waits until the time for the head is over."""
    async with tapped(tmp_path) as (world, tap):
        reader, writer = await world.connect()
        for at in range(0, len(data), piece):
            writer.write(data[at : at + piece])
            await asyncio.sleep(0.01 if piece == 1 else 0)
        answer = await read_one(reader, seconds=3)
        writer.close()

    assert (answer.status, json.loads(answer.body)["reason"]) == (400, reason)
    assert tap.requests == []


async def test_one_empty_line_before_each_request_is_let_pass(tmp_path: Path) -> None:
    """RFC 9112 section 2.2, however the bytes come."""
    async with tapped(tmp_path) as (world, tap):
        reader, writer = await world.connect()
        for before in ((b"\r\n",), (b"\r", b"\n"), (), (b"\r\nGET",)):
            for data in before:
                writer.write(data)
                await asyncio.sleep(0.02)
            started = before == (b"\r\nGET",)
            writer.write((b"" if started else b"GET") + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await read_one(reader)).status == 200
        writer.close()

    assert len(tap.requests) == 4
