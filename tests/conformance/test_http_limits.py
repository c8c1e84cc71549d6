"""Bounds in time and memory: slow, silent, greedy and oversized peers, one at a time.

RFC 9110 sections 15.5 and 15.6; the bounds themselves are those of the settings.
"""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest

from tests.facade_wire import OK, Tap, answers, read_one, reset, statuses, until, watch
from tests.facade_world import Side, World, facade

GET = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"
MB = 1024**2
SAFE = {"rest": "GET /a", "class": "safe", "legacy": "legacy", "modern": "modern"}


def times(**changed: float) -> dict[str, float]:
    return {"head": 0.3, "body": 0.3, "idle": 0.3} | changed


async def to_the_end(world: World, data: bytes) -> list[int]:
    """Send bytes, keep the connection open, and return the statuses of what comes until the façade closes."""
    return statuses(await world.exchange(data, seconds=5))


# Callers.


@pytest.mark.parametrize("data", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r"])
async def test_a_head_that_does_not_come_in_time_is_a_408(tmp_path: Path, data: bytes) -> None:
    async with facade(tmp_path, times=times(idle=60)) as world:
        assert await to_the_end(world, data) == [408]


async def test_a_head_that_trickles_has_the_time_of_a_whole_one(tmp_path: Path) -> None:
    async with facade(tmp_path, times=times(idle=60)) as world:
        reader, writer = await world.connect()

        async def trickle() -> None:
            with suppress(ConnectionError):
                while True:
                    writer.write(b"A")
                    await writer.drain()
                    await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        assert (await read_one(reader)).status == 408
        trickling.cancel()
        writer.close()


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 9\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
)
async def test_a_body_that_does_not_come_in_time_is_a_408(tmp_path: Path, framing: bytes) -> None:
    """And the backend's connection is not used again."""
    tap = Tap()
    async with facade(tmp_path, legacy=tap.side, times=times()) as world:
        assert await to_the_end(world, POST + framing) == [408]
        await until(lambda: world.server.pools["legacy"].open_connections == 0)

    assert tap.requests == []


@pytest.mark.parametrize("data", [b"", b"\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_connection_without_a_request_is_closed_in_time(tmp_path: Path, data: bytes) -> None:
    async with facade(tmp_path, times=times()) as world:
        with suppress(ConnectionError):
            assert await to_the_end(world, data) == ([200] if b"GET" in data else [])
        await until(lambda: world.server.connections == 0)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 300 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /" + b"a" * 5000, 414),
        (b"a" * 5000, 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 2000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 2000, 431),
        (POST + b"Content-Length: 1001\r\n\r\n", 413),
        (POST + b"Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n", 413),
        (POST + b"Content-Length: 999999999999999999\r\n\r\n", 413),
    ],
)
async def test_what_is_beyond_a_bound_is_refused(tmp_path: Path, data: bytes, status: int) -> None:
    """RFC 9110 sections 15.5.14 and 15.5.15, RFC 6585 section 5; before any of it is asked for or sent on."""
    limits = {"target_bytes": 256, "head_bytes": 1024, "headers": 10, "body_bytes": 1000}
    async with facade(tmp_path, limits=limits) as world:
        said = answers(await world.exchange(data, half_close=True))
        assert statuses(await world.exchange(GET)) == [200]

    assert [(each.status, each.one(b"connection")) for each in said] == [(status, b"close")]
    assert len(world.legacy.requests) == 1


async def test_a_body_of_chunks_is_counted_as_it_comes(tmp_path: Path) -> None:
    tap = Tap()
    async with facade(tmp_path, legacy=tap.side, limits={"body_bytes": 1000}) as world:
        reader, writer = await world.connect()
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n1f4\r\n" + b"a" * 500 + b"\r\n")
        await until(lambda: tap.seen)
        writer.write(b"1f5\r\n" + b"a" * 501 + b"\r\n")
        assert (await read_one(reader)).status == 413
        writer.close()

    assert tap.requests == []


async def test_chunks_beyond_the_bound_that_come_with_the_head_are_a_413(tmp_path: Path) -> None:
    async with facade(tmp_path, limits={"body_bytes": 2}) as world:
        assert await to_the_end(world, POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n") == [413]


async def test_connections_beyond_the_bound_are_told_so(tmp_path: Path) -> None:
    """RFC 9110 section 15.6.4; one that is closed makes room."""
    async with facade(tmp_path, limits={"connections": 2}) as world:
        kept = [await world.connect() for _ in range(2)]
        await until(lambda: world.server.connections == 2)
        assert await to_the_end(world, b"") == [503]
        for _, writer in kept:
            writer.close()
        await until(lambda: world.server.connections == 0)
        assert await to_the_end(world, GET) == [200]


# Backends.


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"])
async def test_a_backend_that_does_not_answer_is_a_504(tmp_path: Path, said: bytes) -> None:
    """RFC 9110 section 15.6.5; a head has its time as a whole, however it trickles."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        for _ in range(200):
            await asyncio.sleep(0.02)
            writer.write(b"A" if said.startswith(b"HTTP/1.1 2") else b"")

    async with facade(tmp_path, legacy=Side(conduct=slow), backend={"timeout": 0.3}) as world:
        assert (await to_the_end(world, GET))[-1] == 504


async def test_a_backend_that_falls_silent_within_a_body_is_cut(tmp_path: Path) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await reader.read()

    async with facade(tmp_path, legacy=Side(conduct=half), backend={"timeout": 0.3}) as world:
        ended = watch(world)
        with suppress(ConnectionError):
            assert b"half" in await world.exchange(GET, seconds=5)

    assert [(each.outcome.value, each.error) for each in ended] == [("cut", "timeout")]


async def test_a_slow_caller_is_not_taken_for_a_slow_backend(tmp_path: Path) -> None:
    """No time of the backend's runs while it waits for the rest of the request."""
    async with facade(tmp_path, backend={"timeout": 0.2}) as world:
        reader, writer = await world.connect()
        writer.write(POST + b"Content-Length: 2\r\n\r\na")
        await until(lambda: world.legacy.connections)
        await asyncio.sleep(0.5)
        writer.write(b"b")
        assert (await read_one(reader)).status == 200
        writer.close()
        assert world.server.pools["legacy"].breaker.state(world.server.clock.now) == "closed"


async def test_a_backend_that_takes_no_more_of_a_request_is_a_504(tmp_path: Path) -> None:
    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cast("asyncio.Transport", writer.transport).pause_reading()
        await asyncio.sleep(3)

    async with facade(tmp_path, legacy=Side(conduct=deaf), backend={"timeout": 0.4}) as world:
        reader, writer = await world.connect()
        writer.write(POST + b"Content-Length: %d\r\n\r\n" % (40 * MB) + bytes(40 * MB))
        assert (await read_one(reader)).status == 504
        writer.transport.abort()


async def test_connections_to_a_backend_are_bounded_and_waiting_for_one_is_too(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def gated(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await gate.wait()
            writer.write(OK)

    async with facade(tmp_path, legacy=Side(conduct=gated), backend={"connections": 2, "connect": 0.5}) as world:
        pool = world.server.pools["legacy"]
        held = [asyncio.create_task(to_the_end(world, GET)) for _ in range(2)]
        await until(lambda: world.legacy.connections == 2)
        assert await to_the_end(world, GET) == [503]
        waiting = [asyncio.create_task(to_the_end(world, GET)) for _ in range(6)]
        await until(lambda: world.server.in_flight == 8)
        assert pool.open_connections == 2
        gate.set()
        assert await asyncio.gather(*held, *waiting) == [[200]] * 8
        assert world.legacy.connections == 2


async def test_a_call_that_waits_gets_the_place_of_one_whose_caller_left(tmp_path: Path) -> None:
    """Also when that place was a connection that had not been made yet."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        blockers = [socket.socket() for _ in range(4)]
        for blocker in blockers:
            blocker.setblocking(False)  # noqa: FBT003
            with suppress(BlockingIOError):
                blocker.connect(address)
        async with facade(tmp_path, backend={"connections": 1, "connect": 3}) as world:
            world.use({"c": {"salt": "s", "routes": {"read": SAFE}}})
            pool = world.server.pools["legacy"]
            real = pool.settings
            pool.settings = real.model_copy(update={"url": f"http://127.0.0.1:{address[1]}"})
            _, writer = await world.connect()
            writer.write(GET)
            await until(lambda: pool.open_connections == 1)
            waiting = asyncio.create_task(to_the_end(world, GET))
            await until(lambda: world.server.in_flight == 2)
            pool.settings = real
            reset(writer)
            async with asyncio.timeout(2):
                assert await waiting == [200]
        for blocker in blockers:
            blocker.close()
