"""Framing of answers through the façade: RFC 9112 sections 6 to 8, RFC 9110 section 15.2."""

from pathlib import Path

import pytest

from tests.facade_wire import OK, answering, answers, tapped, watch

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSE = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ALL_BYTES = bytes(range(256)) * 3


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 768\r\n\r\n" + ALL_BYTES, ALL_BYTES),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n300;x=y\r\n" + ALL_BYTES + b"\r\n0\r\n\r\n", ALL_BYTES),
        (b"HTTP/1.1 200 OK\r\n\r\n" + ALL_BYTES, ALL_BYTES),
        (b"HTTP/1.0 200 OK\r\n\r\n" + ALL_BYTES, ALL_BYTES),
        (b"HTTP/1.1 200 OK\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b""),
    ],
)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_body_comes_through_whatever_its_framing(
    tmp_path: Path, answer: bytes, body: bytes, version: bytes
) -> None:
    """RFC 9112 section 6.3: without a length, 1.1 gets chunks, and 1.0 the connection's end and never chunks."""
    async with answering(tmp_path, answer) as world:
        [said] = answers(await world.exchange(b"GET / HTTP/" + version + b"\r\nHost: x\r\nConnection: close\r\n\r\n"))

    assert (said.status, said.body) == (200, body)
    assert bool(said.all(b"transfer-encoding")) == (version == b"1.1" and b"Content-Length" not in answer)


async def test_a_body_without_a_length_keeps_the_connection_of_an_http_1_1_caller(tmp_path: Path) -> None:
    """RFC 9112 section 9.3: chunks say where it ends."""
    async with answering(tmp_path, b"HTTP/1.1 200 OK\r\n\r\nabc") as world:
        assert [each.body for each in answers(await world.exchange(GET + GET + CLOSE))] == [b"abc"] * 3


@pytest.mark.parametrize(
    "fields", [b"", b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 0\r\n"]
)
@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"HEAD", 404), (b"GET", 204), (b"GET", 304)])
async def test_an_answer_that_never_has_a_body_keeps_the_connection_whatever_it_announces(
    tmp_path: Path, method: bytes, status: int, fields: bytes
) -> None:
    """RFC 9112 section 6.3 rule 1; RFC 9110 section 8.6: no Content-Length in 204."""
    async with tapped(tmp_path, b"HTTP/1.1 %d X\r\n%b\r\n" % (status, fields)) as (world, tap):
        request = method + b" / HTTP/1.1\r\nHost: x\r\n"
        said = answers(
            await world.exchange((request + b"\r\n") * 2 + request + b"Connection: close\r\n\r\n"), method=method
        )

    assert [(each.status, each.body) for each in said] == [(status, b"")] * 3
    announced = fields.partition(b": ")[2].strip() if fields.startswith(b"Content") and status != 204 else None
    assert [each.all(b"content-length") for each in said] == [[] if announced is None else [announced]] * 3
    assert len(tap.seen) == 1


@pytest.mark.parametrize("status", [b"204 No", b"304 Not"])
async def test_a_body_where_none_may_be_is_dropped_with_its_connection(tmp_path: Path, status: bytes) -> None:
    """RFC 9112 section 6.3: what follows such a head belongs to no answer."""
    async with tapped(tmp_path, b"HTTP/1.1 " + status + b"\r\nContent-Length: 3\r\n\r\nabc") as (world, tap):
        assert [each.body for each in answers(await world.exchange(GET + CLOSE))] == [b"", b""]

    assert len(tap.seen) == 2


async def test_what_follows_an_answer_is_never_the_next_one(tmp_path: Path) -> None:
    """RFC 9112 section 9.2: response splitting by a backend ends with its connection."""
    async with tapped(tmp_path, OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil") as (world, tap):
        assert [each.body for each in answers(await world.exchange(GET + GET + CLOSE))] == [b"ok"] * 3

    assert len(tap.seen) == 3


async def test_interim_answers_go_on_but_100_and_to_http_1_1_alone(tmp_path: Path) -> None:
    """RFC 9110 section 15.2: the 100 of a backend answers an expectation that the façade has met itself."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: y\r\n\r\n"
    async with tapped(tmp_path, interim + OK) as (world, _):
        to_1_1 = answers(await world.exchange(CLOSE))
        to_1_0 = answers(await world.exchange(b"GET / HTTP/1.0\r\n\r\n"))

    assert [each.status for each in to_1_1] == [103, 200]
    assert to_1_1[0].fields == [(b"link", b"</a>")]
    assert [each.status for each in to_1_0] == [200]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: c\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"<html>not http</html>\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 40_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n",
    ],
)
async def test_an_answer_that_can_not_be_passed_on_is_a_502(tmp_path: Path, answer: bytes) -> None:
    """RFC 9112 section 6.3, RFC 9110 section 15.6.3; nothing of it reaches the caller."""
    async with answering(tmp_path, answer) as world:
        said = answers(await world.exchange(GET + CLOSE))

    assert [each.status for each in said] == [502, 502]
    assert all(each.one(b"content-type") == b"application/problem+json" for each in said)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA : b\r\n\r\n",
    ],
)
async def test_an_answer_that_breaks_off_is_cut_and_never_looks_whole(tmp_path: Path, answer: bytes) -> None:
    """RFC 9112 section 8: the caller's connection ends before the message does."""
    async with answering(tmp_path, answer) as world:
        ended = watch(world)
        try:
            said = await world.exchange(GET + GET)
        except ConnectionError:
            said = b""

    assert [(each.outcome.value, each.status) for each in ended] == [("cut", 200)]
    with pytest.raises(ValueError, match="HTTP"):
        assert answers(said or b"HTTP/1.1 200") == []


async def test_trailers_go_on_but_those_that_frame_route_or_authenticate(tmp_path: Path) -> None:
    """RFC 9110 section 6.5.1."""
    trailers = (
        b"X-Sum: 1\r\nContent-Length: 9\r\nHost: y\r\nTransfer-Encoding: x\r\nAuthorization: z\r\nSet-Cookie: c\r\n"
    )
    coded = (
        b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + trailers + b"\r\n"
    )
    async with tapped(tmp_path, coded) as (world, _):
        [said] = answers(await world.exchange(CLOSE))

    assert (said.body, said.trailers, said.one(b"trailer")) == (b"a", [b"X-Sum: 1"], b"X-Sum")
