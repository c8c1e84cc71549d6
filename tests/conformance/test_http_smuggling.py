"""Request smuggling: what two readers could cut in two ways is refused, and nothing of it reaches the backend.

RFC 9112 sections 6.1, 6.3, 7.1 and 11.2.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.facade_wire import OK, Message, Tap, answers, read_one, statuses, until
from tests.facade_world import Side, World, facade

EVIL = b"GET /evil HTTP/1.1\r\nHost: evil\r\nX: y\r\n\r\n"
HONEST = b"GET /honest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HEAD = b"POST /a HTTP/1.1\r\nHost: x\r\n"
CHUNKS = b"0\r\n\r\n" + EVIL


@asynccontextmanager
async def defended(folder: Path) -> AsyncGenerator[tuple[World, Tap]]:
    """Run a façade; afterwards an honest caller is still answered, and the backend saw honest requests only."""
    tap = Tap(answer=lambda request: OK if request.start[:4] != b"HEAD" else OK[:-2])
    async with facade(folder, legacy=tap.side) as world:
        yield world, tap
        assert statuses(await world.exchange(HONEST)) == [200]
    assert tap.broken == []
    assert tap.requests[-1].target == b"/honest"
    assert b"evil" not in b"".join(request.start for request in tap.requests)


async def attack(world: World, data: bytes) -> list[Message]:
    """Send bytes and return the answers."""
    said = b""
    with suppress(ConnectionError):
        said = await world.exchange(data, half_close=True)
    return answers(said)


CODINGS = [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-encoding: x",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: x, chunked",
    b"Transfer-Encoding: chunked, x",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked;a=b",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding:\x0cchunked",
    b"Transfer-Encoding:\x00chunked",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding: \x01chunked",
    b"Transfer-Encoding: \xa0chunked",
    b"Transfer-Encoding: \xff",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: 'chunked'",
    b"Transfer-Encoding: chunked\rX: y",
    b"Transfer-Encoding: chunked\nX: y",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"X: y\r\n Transfer-Encoding: chunked",
    b" Transfer-Encoding: chunked",
    b"\tTransfer-Encoding: chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding:\n chunked",
    b"Transfer-Encoding\r\n : chunked",
    b"Transfer_Encoding: chunked",
    b"transfer_encoding: chunked",
    b"Transfer Encoding: chunked",
    b"Transfer-Encoding: chunk",
    b"Transfer-Encoding: CHUN\xc4\xb6ED",
    b"\x00Transfer-Encoding: chunked",
    b"Transfer-Encoding\x00: chunked",
    b"Transfer-Encoding\xff: chunked",
    b"(Transfer-Encoding): chunked",
    b":Transfer-Encoding: chunked",
]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("length", [b"Content-Length: %d" % len(CHUNKS), b"Content-Length: 4", b"Content-Length: 0"])
@pytest.mark.parametrize("coding_first", [True, False])
async def test_a_length_beside_any_writing_of_a_coding_is_refused(
    tmp_path: Path,
    coding: bytes,
    length: bytes,
    coding_first: bool,  # noqa: FBT001
) -> None:
    """CL.TE and TE.CL (section 6.3 rule 3)."""
    lines = [coding, length] if coding_first else [length, coding]
    async with defended(tmp_path) as (world, tap):
        [said] = await attack(world, HEAD + b"\r\n".join(lines) + b"\r\n\r\n" + CHUNKS)

    assert said.status in {400, 501}
    assert len(tap.requests) == 1


@pytest.mark.parametrize("coding", CODINGS[1:])
async def test_a_coding_that_is_not_chunked_alone_is_refused(tmp_path: Path, coding: bytes) -> None:
    """TE.TE: each obfuscation that somebody takes for `chunked` and somebody else for nothing."""
    async with defended(tmp_path) as (world, tap):
        [said] = await attack(world, HEAD + coding + b"\r\n\r\n" + CHUNKS)

    assert said.status in {400, 501}
    assert len(tap.requests) == 1


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 0\r\nContent-Length: 47",
        b"Content-Length: 47\r\nContent-Length: 0",
        b"Content-Length: 0, 47",
        b"Content-Length: +47",
        b"Content-Length: 0x2f",
        b"Content-Length: 4 7",
        b"Content-Length: 47;",
        b"Content-Length:\x0b47",
        b"Content-Length: 47\x00",
        b"Content-Length: -0",
        b"Content-Length: 1e1",
        b"Content-Length: \xd9\xa4\xd9\xa7",
        b"Content-Length : 47",
        b"Content-Length\t: 47",
        b" Content-Length: 47",
        b"X: y\r\n Content-Length: 47",
        b"X: y\nContent-Length: 47",
        b"Content-Length:\r\n 47",
        b"Content_Length: 47",
        b"Content Length: 47",
        b"Content-Length: 18446744073709551663",
        b"Content-Length: 4294967343000000000000",
    ],
)
async def test_a_length_that_somebody_reads_otherwise_is_refused(tmp_path: Path, lines: bytes) -> None:
    """CL.0, 0.CL, CL.CL (section 6.3 rules 4 and 5)."""
    async with defended(tmp_path) as (world, tap):
        [said] = await attack(world, HEAD + lines + b"\r\n\r\n" + EVIL)

    assert said.status == 400
    assert len(tap.requests) == 1


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"POST"])
@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_stays_a_body_whatever_the_method(
    tmp_path: Path,
    method: bytes,
    chunked: bool,  # noqa: FBT001
) -> None:
    """CL.0: a request within the body of a method that seldom has one goes on framed (RFC 9110 section 9.3.1)."""
    async with defended(tmp_path) as (world, tap):
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(EVIL)
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVIL), EVIL) if chunked else EVIL
        request = method + b" /a HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n" + body
        assert (await world.exchange(request, half_close=True)).count(b"HTTP/1.1 ") == 1

    assert [request.body for request in tap.requests] == [EVIL, b""]


@pytest.mark.parametrize(
    "body",
    [
        b"2;\nxx\r\n2f\r\n0\r\n\r\n" + EVIL,
        b"2\nxx\r\n0\r\n\r\n" + EVIL,
        b"2;a\rb\r\nxx\r\n0\r\n\r\n" + EVIL,
        b"2;a\r\r\nxx\r\n0\r\n\r\n" + EVIL,
        b'2;a="\r\nxx"\r\n0\r\n\r\n' + EVIL,
        b"2\r\nxxX\n0\r\n\r\n" + EVIL,
        b"2\r\nxx\n0\r\n\r\n" + EVIL,
        b"2\r\nxx0\r\n\r\n" + EVIL,
        b"2\r\nxx\r0\r\n\r\n" + EVIL,
        b"0x2\r\nxx\r\n0\r\n\r\n" + EVIL,
        b"+2\r\nxx\r\n0\r\n\r\n" + EVIL,
        b" 2\r\nxx\r\n0\r\n\r\n" + EVIL,
        b"2 \r\nxx\r\n0\r\n\r\n" + EVIL,
        b"-0\r\n\r\n" + EVIL,
        b"100000000000000002\r\nxx\r\n0\r\n\r\n" + EVIL,
        b"0\n\n" + EVIL,
        b"0\r\n\n" + EVIL,
        b"\r\n0\r\n\r\n" + EVIL,
        b"0\r\n" + EVIL,
        b"0\r\n X: y\r\n\r\n" + EVIL,
        b"0\r\nX : y\r\n\r\n" + EVIL,
        b"0\r\nX: y\n\r\n" + EVIL,
    ],
)
async def test_chunks_that_end_elsewhere_for_somebody_are_refused(tmp_path: Path, body: bytes) -> None:
    """TERM.EXT, EXT.TERM and trailers (section 7.1): what was sent on ends with its connection."""
    async with defended(tmp_path) as (world, tap):
        [said] = await attack(world, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body)

    assert said.status == 400
    assert len(tap.requests) == 1


async def test_chunks_that_break_later_end_the_backends_connection(tmp_path: Path) -> None:
    """What has been sent on is never a whole request, and its connection is not used again."""
    async with defended(tmp_path) as (world, tap):
        reader, writer = await world.connect()
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nxx\r\n")
        await until(lambda: b"xx" in tap.bytes_seen)
        writer.write(b"2\nxx\r\n0\r\n\r\n" + EVIL)
        assert (await read_one(reader)).status == 400
        writer.close()

    assert len(tap.seen) == 2
    assert b"evil" not in tap.bytes_seen


async def test_trailers_of_a_request_end_here(tmp_path: Path) -> None:
    """Trailer smuggling: none becomes a field, none goes on (RFC 9110 section 6.5)."""
    async with defended(tmp_path) as (world, tap):
        await attack(
            world,
            HEAD + b"Trailer: Host\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nHost: evil\r\nA: b\r\n\r\n",
        )

    assert (tap.requests[0].body, tap.requests[0].trailers, tap.requests[0].all(b"trailer")) == (b"a", [], [])


@pytest.mark.parametrize(
    "target",
    [b"http://evil@x/", b"http://x\\evil/", b"http://evil x/", b"//evil/ http://x/", b"http:/x", b"http://", b"x/"],
)
async def test_a_target_whose_host_could_be_another_is_refused(tmp_path: Path, target: bytes) -> None:
    """RFC 9112 section 3.2."""
    async with defended(tmp_path) as (world, tap):
        [said] = await attack(world, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert said.status == 400
    assert len(tap.requests) == 1


async def test_the_host_of_an_absolute_form_is_the_only_one_that_goes_on(tmp_path: Path) -> None:
    """RFC 9112 section 3.2.2: Host and Forwarded say the same."""
    async with defended(tmp_path) as (world, tap):
        await attack(world, b"GET http://y/a HTTP/1.1\r\nHost: other\r\n\r\n")

    assert tap.requests[0].one(b"host") == b"y"
    assert b"other" not in tap.requests[0].raw


@pytest.mark.parametrize(
    "options", [b"Content-Length", b"close, content-length", b"Host", b"HOST, x", b"Content-Type", b"Authorization"]
)
async def test_connection_can_not_strip_what_frames_or_names(tmp_path: Path, options: bytes) -> None:
    """RFC 9110 section 7.6.1."""
    async with defended(tmp_path) as (world, tap):
        [said] = await attack(world, HEAD + b"Connection: " + options + b"\r\nContent-Length: 41\r\n\r\n" + EVIL)

    assert said.status == 400
    assert len(tap.requests) == 1


async def test_connection_can_not_strip_a_coding(tmp_path: Path) -> None:
    """Framing is written anew, whatever Connection names."""
    async with defended(tmp_path) as (world, tap):
        await attack(
            world, HEAD + b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )

    assert (tap.requests[0].body, tap.requests[0].one(b"transfer-encoding")) == (b"abc", b"chunked")


async def test_no_connection_is_ever_upgraded(tmp_path: Path) -> None:
    """h2c smuggling: RFC 9110 section 7.8; what follows is read as HTTP/1.1 and refused as the preface of HTTP/2."""
    async with defended(tmp_path) as (world, tap):
        said = await attack(
            world,
            b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n"
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        )

    assert said[0].status == 200
    request = tap.requests[0]
    assert [request.all(name) for name in (b"upgrade", b"http2-settings", b"connection")] == [[], [], []]


async def test_the_rest_of_a_refused_request_is_never_another_one(tmp_path: Path) -> None:
    """RFC 9112 section 9.6: the connection ends with the refusal, however the rest comes."""
    async with defended(tmp_path) as (world, tap):
        reader, writer = await world.connect()
        writer.write(HEAD + b"Content-Length: 999999999\r\n\r\n" + EVIL)
        assert (await read_one(reader)).status == 413
        with suppress(ConnectionError):
            for _ in range(5):
                writer.write(EVIL)
                await writer.drain()
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    assert b"evil" not in tap.bytes_seen


@pytest.mark.parametrize("framing", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
async def test_the_rest_of_a_request_that_was_answered_early_is_never_another_one(
    tmp_path: Path, framing: bytes
) -> None:
    """Desync by early answer: neither by the façade nor, on a connection that is kept, by the backend."""
    connections: list[bytes] = []

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        connections.append(head + await reader.read())

    async with facade(tmp_path, legacy=Side(conduct=early)) as world:
        reader, writer = await world.connect()
        writer.write(HEAD + framing + b"\r\n\r\n")
        said = await read_one(reader)
        with suppress(ConnectionError):
            writer.write(EVIL)
            await writer.drain()
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await until(lambda: len(connections) == 1)
        assert statuses(await world.exchange(HONEST)) == [200]
        await until(lambda: world.server.connections == 0)

    assert (said.status, said.one(b"connection")) == (200, b"close")
    assert b"evil" not in b"".join(connections)


async def test_what_a_backend_says_unasked_is_no_answer(tmp_path: Path) -> None:
    """Response queue poisoning: bytes on an idle connection end it."""
    counted = 0

    async def talkative(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal counted
        counted += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        assert await reader.read() == b""

    async with facade(tmp_path, legacy=Side(conduct=talkative)) as world:
        assert statuses(await world.exchange(HONEST)) == [200]
        await until(lambda: world.server.pools["legacy"].open_connections == 0)
        [said] = answers(await world.exchange(HONEST))

    assert (said.body, counted) == (b"ok", 2)
