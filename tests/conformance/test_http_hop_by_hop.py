"""Fields that end at an intermediary, and fields that it adds: RFC 9110 sections 7.6, 7.8, 10.1 and 11.7, RFC 7239."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.facade_wire import OK, Message, Tap, answers
from tests.facade_world import facade

HEAD = b"GET /a HTTP/1.1\r\nHost: x\r\n"


@asynccontextmanager
async def exchanged(
    folder: Path, fields: bytes = b"", answer: bytes = OK, **settings: Any
) -> AsyncGenerator[tuple[Message, Message]]:
    """Send a request with these fields; give what the backend saw of it, and what the caller got."""
    tap = Tap(answer=lambda _: answer)
    async with facade(folder, legacy=tap.side, **settings) as world:
        got = answers(await world.exchange(HEAD + fields + b"\r\n", half_close=True))
    assert tap.broken == []
    yield tap.requests[-1], got[-1]


@pytest.mark.parametrize(
    "field",
    [
        b"Connection: keep-alive",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"TE: trailers, deflate",
        b"Trailer: X-Sum",
        b"Upgrade: h2c, websocket",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
        b"Expect: 100-continue",
        b"Proxy-Authorization: Basic c2VjcmV0",
        b"Proxy: http://evil",
    ],
)
async def test_a_hop_by_hop_field_of_a_request_ends_here(tmp_path: Path, field: bytes) -> None:
    """RFC 9110 sections 7.6.1, 7.8, 10.1.1, 10.1.4 and 11.7.2."""
    async with exchanged(tmp_path, field + b"\r\nX-End: kept\r\n") as (request, _):
        assert request.all(field.split(b":")[0].lower()) == []
        assert request.one(b"x-end") == b"kept"


@pytest.mark.parametrize(
    "field",
    [
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: close",
        b"Upgrade: h2c",
        b"Proxy-Authenticate: Basic",
        b"Connection: x-none",
    ],
)
async def test_a_hop_by_hop_field_of_an_answer_ends_here(tmp_path: Path, field: bytes) -> None:
    async with exchanged(tmp_path, answer=OK.replace(b"Content", field + b"\r\nX-End: kept\r\nContent")) as (_, said):
        assert said.all(field.split(b":")[0].lower()) == []
        assert said.one(b"x-end") == b"kept"


async def test_fields_that_connection_names_end_here_in_both_directions(tmp_path: Path) -> None:
    """RFC 9110 section 7.6.1: in any case, in several lines, with empty members; and no other field does."""
    fields = (
        b"Connection: X-One,, x-TWO\r\nX-One: 1\r\nX-two: 2\r\nX-Three: 3\r\nConnection: keep-alive\r\nX-ONE: 4\r\n"
    )
    async with exchanged(tmp_path, fields, OK.replace(b"Content", fields + b"Content")) as (request, said):
        for message in (request, said):
            assert [message.all(name) for name in (b"x-one", b"x-two", b"connection")] == [[], [], []]
            assert message.one(b"x-three") == b"3"


@pytest.mark.parametrize(
    ("version", "given", "sent"),
    [
        (b"1.1", b"", b"1.1 banyan"),
        (b"1.0", b"", b"1.0 banyan"),
        (b"1.1", b"Via: 1.0 a, 1.1 b\r\nVia: 1.1 c\r\n", b"1.0 a, 1.1 b, 1.1 c, 1.1 banyan"),
        (b"1.1", b"Via:\r\n", b"1.1 banyan"),
    ],
)
async def test_via_names_each_hop_and_its_version(tmp_path: Path, version: bytes, given: bytes, sent: bytes) -> None:
    """RFC 9110 section 7.6.3."""
    tap = Tap()
    async with facade(tmp_path, legacy=tap.side) as world:
        await world.exchange(b"GET / HTTP/" + version + b"\r\nHost: x\r\n" + given + b"\r\n", half_close=True)

    assert tap.requests[0].one(b"via") == sent


FORWARDED = (
    b"Forwarded: for=evil\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\n"
    b"X-Forwarded-Port: 1\r\nX-Real-IP: 9.9.9.9\r\n"
)


async def test_what_a_stranger_says_of_earlier_hops_is_not_believed(tmp_path: Path) -> None:
    """RFC 7239 section 8.1."""
    async with exchanged(tmp_path, FORWARDED) as (request, _):
        assert b"evil" not in request.raw
        assert b"9.9.9.9" not in request.raw
        assert request.one(b"forwarded") == b'for=127.0.0.1;proto=http;host="x"'
        assert request.one(b"x-forwarded-for") == b"127.0.0.1"
        assert (request.one(b"x-forwarded-host"), request.one(b"x-forwarded-proto")) == (b"x", b"http")


async def test_what_a_trusted_proxy_says_of_earlier_hops_is_kept_and_ours_comes_after_it(tmp_path: Path) -> None:
    """RFC 7239 section 4: the last element is the last hop's."""
    async with exchanged(tmp_path, FORWARDED, listener={"trusts_forwarded": True}) as (request, _):
        assert request.all(b"forwarded") == [b"for=evil", b'for=127.0.0.1;proto=http;host="x"']
        assert request.all(b"x-forwarded-for") == [b"9.9.9.9", b"127.0.0.1"]
        assert request.all(b"x-forwarded-proto")[0] == b"https"


async def test_end_to_end_fields_keep_order_case_and_value_in_both_directions(tmp_path: Path) -> None:
    """RFC 9110 sections 5.3 and 7.7."""
    fields = b'X-B: 2\r\nx-a:1\r\nX-B:\t3 \r\nCookie: a=b; c\r\nETag: W/"\xe4"\r\nMax-Forwards: 3\r\n'
    async with exchanged(tmp_path, fields, OK.replace(b"Content", fields + b"Content")) as (request, said):
        assert fields in request.raw
        assert fields in said.raw


async def test_an_answer_gets_a_date_and_a_request_id_where_it_has_none(tmp_path: Path) -> None:
    """RFC 9110 section 6.6.1."""
    own = b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Request-Id: theirs\r\n"
    async with exchanged(tmp_path) as (request, said):
        assert said.one(b"date").endswith(b"GMT")
        assert said.one(b"x-request-id") == request.one(b"x-request-id")
    async with exchanged(tmp_path, answer=OK.replace(b"Content", own + b"Content")) as (_, said):
        assert (said.one(b"date"), said.one(b"x-request-id")) == (b"Sun, 06 Nov 1994 08:49:37 GMT", b"theirs")
