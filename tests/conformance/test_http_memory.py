"""Bounds in memory, and what waits for whom: each side streams no faster than the other takes."""

# What is held in memory is seen from inside alone.
# pyright: reportPrivateUsage=false

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from routers.facade.http.head import read_request
from routers.facade.serving.call import Call
from routers.facade.serving.port import Asker
from tests.facade_wire import OK, Tap, read_one, statuses, until, watch
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


def buffered(world: World) -> int:
    """Return how much the façade holds for its peers: what it has not been able to send, and what it keeps ahead."""
    server = world.server
    callers = [caller._transport for caller in server._callers]
    upstreams = [upstream._transport for pool in server.pools.values() for upstream in pool._open]
    return sum(each.get_write_buffer_size() for each in [*callers, *upstreams] if each is not None)


async def most(world: World, until_: Callable[[], object]) -> int:
    """Return the most that is buffered until something is so."""
    highest = 0

    def seen() -> object:
        nonlocal highest
        highest = max(highest, buffered(world))
        return until_()

    await until(seen, seconds=30)
    return highest


def streaming(size: int) -> Any:
    """Answer with so many bytes, as fast as they are taken, and count them."""

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size // 65_536):
                writer.write(bytes(65_536))
                await writer.drain()

    return conduct


async def test_fifty_megabytes_each_way_stream_in_bounded_memory(tmp_path: Path) -> None:
    size = 50 * MB
    taken = 0

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n")
        while taken < size:
            taken += len(await reader.read(2**18))
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(size // 65_536):
            writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with facade(tmp_path, legacy=Side(conduct=conduct)) as world:
        reader, writer = await world.connect()

        async def call() -> int:
            writer.write(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size // MB):
                writer.write(bytes(MB))
                await writer.drain()
            got = 0
            while more := await reader.read(2**18):
                got += len(more)
            return got

        calling = asyncio.create_task(call())
        highest = await most(world, calling.done)
        assert calling.result() > size
        writer.close()

    assert taken == size
    assert highest < 2 * MB


@asynccontextmanager
async def unread(world: World, data: bytes) -> AsyncGenerator[None]:
    """Ask, and do not read what comes."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)  # noqa: FBT003
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", world.port))
    await loop.sock_sendall(connection, data)
    try:
        yield
    finally:
        connection.close()


async def test_a_caller_that_does_not_read_pauses_the_backend_and_is_cut(tmp_path: Path) -> None:
    async with facade(tmp_path, legacy=Side(conduct=streaming(50 * MB)), times=times(body=0.8)) as world:
        ended = watch(world)
        async with unread(world, GET):
            assert await most(world, lambda: ended) < MB
            assert [each.outcome for each in ended] == ["abandoned"]
        await until(lambda: world.server.connections == 0)


async def test_a_caller_that_asks_on_and_does_not_read_is_bounded_too(tmp_path: Path) -> None:
    """Each answer alone fits into what may be buffered when it ends; the next call must wait for the caller."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n" + bytes(30_000)
    async with facade(tmp_path, legacy=Side(answer=answer), times=times(body=0.8)) as world:
        ended = watch(world)
        async with unread(world, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000):
            await until(lambda: ended)
            highest = await most(world, lambda: len(ended) == 1000 or world.server.connections == 0)
        await until(lambda: world.server.connections == 0)

    assert highest < MB


async def test_the_end_of_an_answer_that_fills_a_caller_leaves_no_connection_paused(tmp_path: Path) -> None:
    """A connection is given back only after its caller had the last part: its slowness must not stop the next call."""
    async with facade(tmp_path, legacy=Side(conduct=streaming(4 * MB)), backend={"connections": 1}) as world:
        async with unread(world, GET):
            await until(lambda: any(caller._stalled for caller in world.server._callers))
            reader, writer = await world.connect()
            writer.write(GET)
            await asyncio.sleep(0.1)
        got = 0
        async with asyncio.timeout(10):
            while more := await reader.read(2**18):
                got += len(more)
        writer.close()

    assert got > 4 * MB


class _Exchange:
    """A backend that is full as soon as anything is written."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker

    def write(self, data: bytes, *, last: bool) -> None:
        assert data
        assert not last
        self.asker.congested(full=True)

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def give_up(self) -> None: ...


async def test_a_backend_that_is_full_at_once_holds_the_caller(tmp_path: Path) -> None:
    async with facade(tmp_path) as world:
        held: list[bool] = []

        class Client:
            listener, legacy = "main", "legacy"
            origin = next(iter(()), None)

            def hold(self, *, full: bool) -> None:
                held.append(full)

            def write(self, data: bytes) -> None: ...

        head = read_request(POST + b"Content-Length: 9\r\n\r\n", target_bytes=256, headers=10)
        client = Client()
        _, writer = await world.connect()
        await until(lambda: world.server._callers)
        client.origin = cast("Any", next(iter(world.server._callers)).origin)
        call = Call(world.server, cast("Any", client), head)
        call._parts, call._sending, call._pool = [b"abc"], True, world.server.pools["legacy"]
        call.connected(_Exchange(call))
        writer.close()

    assert held[-1:] == [True]


async def test_a_caller_whose_request_was_held_waits_as_long_as_the_backend_may_take(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        await gate.wait()
        writer.write(OK)

    async with facade(tmp_path, legacy=Side(conduct=slow), times={"body": 0.3}) as world:
        calling = asyncio.create_task(to_the_end(world, POST + b"Connection: close\r\nContent-Length: 3\r\n\r\nabc"))
        await until(lambda: world.legacy.connections)
        [caller] = world.server._callers
        caller.hold(full=True)  # as when the last part of the body fills the backend …
        caller.hold(full=False)  # … and the backend takes it
        await asyncio.wait([calling], timeout=0.8)
        gate.set()
        assert await calling == [200]


async def test_a_refused_call_that_waits_for_a_connection_is_never_sent(tmp_path: Path) -> None:
    gate = asyncio.Event()
    tap = Tap()

    async def gated(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await gate.wait()
        writer.write(OK)
        await tap._conduct(reader, writer)

    async with facade(tmp_path, legacy=Side(conduct=gated), backend={"connections": 1}) as world:
        held = asyncio.create_task(to_the_end(world, GET))
        await until(lambda: world.legacy.connections == 1)
        reader, writer = await world.connect()
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await until(lambda: world.server.in_flight == 2)
        writer.write(b"x\r\n")
        assert (await read_one(reader)).status == 400
        writer.close()
        gate.set()
        assert await held == [200]
        assert await to_the_end(world, GET) == [200]

    assert b"abc" not in tap.bytes_seen
