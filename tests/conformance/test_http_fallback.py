"""Failing safe through the façade: promise 2 of the design, for each way in which the modern side can fail."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from routers.facade.ended import Ended
from tests.facade_wire import OK, Message, answers, read_one, reset, take_request, until, watch
from tests.facade_world import Side, World, facade
from tests.soap_messages import with_key

CLASSES = ("safe", "idempotent", "unsafe")
Conduct = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def rules(class_: str, *, current: str = "off", **capability: Any) -> dict[str, Any]:
    """Return a ruleset that sends everybody to the modern side."""
    routes = {
        "rest": {"rest": "POST /{id}", "key": {"path": "id"}},
        "read": {"rest": "GET /{id}", "key": {"path": "id"}},
        "soap": {"soap": "{urn:x}ChangeAddress", "key": {"xpath": "Body/{urn:x}ChangeAddress/residentId"}},
    }
    sides = {"legacy": "legacy", "modern": "modern", "class": class_}
    moved = {"salt": "s", "current": current, "next": "complete", "share": 10_000} | capability
    return {"address": moved | {"routes": {name: route | sides for name, route in routes.items()}}}


def request(body: bytes = b"body", path: bytes = b"/1", *, keep: bool = False) -> bytes:
    close = b"" if keep else b"Connection: close\r\n"
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (path, close, len(body), body)


@dataclass
class Told:
    """What came of a call."""

    answer: Message | None
    legacy: list[bytes]
    modern: list[bytes]
    ended: Ended


def saying(data: bytes, *, delay: float = 0) -> Conduct:
    """Read a request, say this, and close."""

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wholly(reader, writer)
        await asyncio.sleep(delay)
        writer.write(data)
        await writer.drain()

    return conduct


async def wholly(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> bytes:
    """Read one whole request."""
    data = b""
    while take_request(data) is None:
        more = await reader.read(2**16)
        if not more:
            raise ConnectionError
        data += more
    return data


def kept(side: Side, conduct: Conduct) -> Conduct:
    """Keep the requests that a conduct gets in its side's list."""

    async def keeping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await wholly(reader, writer)
        side.requests.append(data)
        again = asyncio.StreamReader()
        again.feed_data(data)
        await conduct(again, writer)

    return keeping


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a request and say nothing."""
    await wholly(reader, writer)
    await asyncio.sleep(2)


BAD = b"HTTP/1.1 %d Bad\r\nContent-Length: 3\r\n\r\nbad"
CHUNKED = b"HTTP/1.1 503 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
FAILURES: dict[str, Conduct] = {
    "closes": saying(b""),
    "resets": saying(b"HTTP/1.1 200 OK\r\nContent-"),
    "garbage": saying(b"no http at all\r\n\r\n"),
    "silent": silent,
    "half a head, then silent": saying(b"HTTP/1.1 2", delay=2),
    "502": saying(BAD % 502),
    "503": saying(BAD % 503),
    "504": saying(BAD % 504),
    "503 in chunks": saying(CHUNKED + b"0\r\n\r\n"),
}


@asynccontextmanager
async def split(
    folder: Path, class_: str, modern: Conduct | None, *, current: str = "off", **settings: Any
) -> AsyncGenerator[tuple[World, list[Ended]]]:
    settings.setdefault("backend", {"timeout": 0.2, "connect": 0.5})
    async with facade(folder, **settings) as world:
        if modern is not None:
            world.modern.conduct = kept(world.modern, modern)
        world.use(rules(class_, current=current))
        yield world, watch(world)


async def call(world: World, ended: list[Ended], data: bytes) -> Told:
    """Make one call."""
    said = b""
    with suppress(ConnectionError):
        said = await world.exchange(data)
    await until(lambda: ended)
    try:
        [answer] = answers(said)
    except ValueError:
        answer = None
    return Told(answer, world.legacy.requests, world.modern.requests, ended[-1])


def refuse_connections(world: World) -> None:
    """Point the pool of the modern side to a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    pool = world.server.pools["modern"]
    pool.settings = pool.settings.model_copy(update={"url": url})


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("class_", ["safe", "idempotent"])
async def test_legacy_answers_what_may_be_asked_again(tmp_path: Path, class_: str, failure: str) -> None:
    async with split(tmp_path, class_, FAILURES[failure]) as (world, ended):
        told = await call(world, ended, request())

    assert told.answer is not None
    assert (told.answer.status, told.answer.body) == (200, b"ok")
    assert [len(told.modern), len(told.legacy)] == [1, 1]
    assert told.legacy[0].endswith(b"\r\n\r\nbody")
    assert (told.ended.outcome, told.ended.side, told.ended.attempts) == ("fell_back", "legacy", 2)
    assert told.ended.modern_ns > 0


@pytest.mark.parametrize("failure", ["closes", "resets", "garbage", "silent", "half a head, then silent"])
async def test_an_unsafe_call_that_was_sent_is_in_doubt_and_never_sent_again(tmp_path: Path, failure: str) -> None:
    async with split(tmp_path, "unsafe", FAILURES[failure]) as (world, ended):
        told = await call(world, ended, request())
        flushed = world.server.account.flush()

    assert told.answer is not None
    assert told.answer.status == (504 if "silent" in failure else 502)
    assert b"do not repeat it blindly" in told.answer.body
    assert [len(told.modern), len(told.legacy)] == [1, 0]
    assert (told.ended.outcome, told.ended.attempts) == ("in_doubt", 1)
    assert [record.key for record in flushed.in_doubt] == [told.ended.request_id.encode()]


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_an_unsafe_call_gets_the_status_that_the_modern_side_answers(tmp_path: Path, status: int) -> None:
    """An answer is an answer: nobody else is asked."""
    async with split(tmp_path, "unsafe", FAILURES[str(status)]) as (world, ended):
        told = await call(world, ended, request())

    assert told.answer is not None
    assert (told.answer.status, told.answer.body) == (status, b"bad")
    assert [len(told.modern), len(told.legacy)] == [1, 0]
    assert (told.ended.outcome, told.ended.status) == ("answered", status)


@pytest.mark.parametrize("class_", CLASSES)
async def test_a_refused_connection_is_provably_not_sent(tmp_path: Path, class_: str) -> None:
    async with split(tmp_path, class_, None) as (world, ended):
        refuse_connections(world)
        told = await call(world, ended, request())

    assert told.answer is not None
    assert told.answer.status == 200
    assert [len(told.modern), len(told.legacy)] == [0, 1]
    assert (told.ended.outcome, told.ended.error) == ("fell_back", "connection_refused")


@pytest.mark.parametrize("class_", CLASSES)
async def test_an_answer_that_breaks_off_is_cut_for_every_class(tmp_path: Path, class_: str) -> None:
    """What the caller has seen the beginning of is not replaced."""
    async with split(tmp_path, class_, saying(CUT)) as (world, ended):
        told = await call(world, ended, request())

    assert told.answer is None
    assert [len(told.modern), len(told.legacy)] == [1, 0]
    assert told.ended.outcome == "cut"


@pytest.mark.parametrize(("class_", "status", "outcome"), [("safe", 200, "answered"), ("unsafe", 502, "in_doubt")])
async def test_a_kept_connection_that_closes_as_a_call_comes(
    tmp_path: Path, class_: str, status: int, outcome: str
) -> None:
    """What may be repeated is asked anew on a new connection; what may not is in doubt."""
    seen: list[bytes] = []

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await wholly(reader, writer))
        writer.write(OK)
        await writer.drain()
        seen.append(await wholly(reader, writer))

    async with split(tmp_path, class_, None) as (world, ended):
        world.modern.conduct = conduct
        await call(world, ended, request(b"1"))
        told = await call(world, ended, request(b"2"))

    assert told.answer is not None
    assert (told.answer.status, ended[-1].outcome) == (status, outcome)
    assert [each[-1:] for each in seen] == ([b"1", b"2", b"2"] if class_ == "safe" else [b"1", b"2"])
    assert told.legacy == []


@pytest.mark.parametrize("current", ["rampdown", "complete"])
async def test_where_legacy_is_not_kept_nobody_goes_back_to_it(tmp_path: Path, current: str) -> None:
    async with split(tmp_path, "safe", FAILURES["closes"], current=current) as (world, ended):
        told = await call(world, ended, request())

    assert told.answer is not None
    assert (told.answer.status, told.legacy, told.ended.outcome) == (502, [], "failed")


@pytest.mark.parametrize(("failure", "status"), [("closes", 502), ("garbage", 502), ("silent", 504)])
async def test_a_legacy_side_that_is_down_is_told(tmp_path: Path, failure: str, status: int) -> None:
    async with split(tmp_path, "safe", FAILURES["closes"]) as (world, ended):
        world.legacy.conduct = kept(world.legacy, FAILURES[failure])
        told = await call(world, ended, request())

    assert told.answer is not None
    assert (told.answer.status, told.ended.outcome, told.ended.side) == (status, "failed", "legacy")
    assert [len(told.modern), len(told.legacy)] == [1, 1]


@pytest.mark.parametrize("failure", ["closes", "silent"])
@pytest.mark.parametrize("class_", ["safe", "unsafe"])
async def test_a_soap_caller_is_told_by_a_fault(tmp_path: Path, class_: str, failure: str) -> None:
    """SOAP 1.1 section 6.2: its status is 500."""
    body = with_key("12345").encode()
    data = (
        request(body).replace(b"Host: x", b"Host: x\r\nContent-Type: text/xml; charset=utf-8").replace(b"/1 ", b"/s/t ")
    )
    async with split(tmp_path, class_, FAILURES[failure]) as (world, ended):
        world.legacy.conduct = kept(world.legacy, FAILURES[failure])
        told = await call(world, ended, data)

    assert told.answer is not None
    assert told.answer.status == 500
    assert b"<faultcode>s:Server</faultcode>" in told.answer.body
    assert [len(told.modern), len(told.legacy)] == [1, 1 if class_ == "safe" else 0]
    assert told.ended.outcome == ("failed" if class_ == "safe" else "in_doubt")


async def test_a_body_that_is_too_long_to_keep_is_sent_once(tmp_path: Path) -> None:
    async with split(tmp_path, "idempotent", FAILURES["closes"], limits={"replay_bytes": 1000}) as (world, ended):
        short = await call(world, ended, request(b"x" * 1000))
        assert (short.ended.outcome, len(short.legacy)) == ("fell_back", 1)
        ended.clear()
        long = await call(world, ended, request(b"x" * 1001))

    assert long.answer is not None
    assert (long.answer.status, long.ended.outcome, len(long.legacy)) == (502, "failed", 1)


async def test_a_body_that_still_comes_goes_to_legacy_whole(tmp_path: Path) -> None:
    """The modern side fails in the middle of a request's body."""

    async def early(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"first")

    async with split(tmp_path, "safe", None) as (world, _):
        world.modern.conduct = early
        reader, writer = await world.connect()
        writer.write(b"POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await until(lambda: world.legacy.connections)
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")
        assert (await read_one(reader)).status == 200
        writer.close()

    [taken] = [take_request(each) for each in world.legacy.requests]
    assert taken is not None
    assert taken[0].body == b"firstsecond"


async def test_the_breaker_opens_tries_once_and_closes(tmp_path: Path) -> None:
    """After failures in a row nobody is sent there; after the pause one call tries, and its success closes it."""
    backend = {"timeout": 0.2, "breaker": {"failures": 3, "pause": 0.5}}
    async with split(tmp_path, "unsafe", FAILURES["503"], backend=backend) as (world, ended):
        assert [(await call(world, ended, request())).ended.status for _ in range(3)] == [503] * 3
        told = await call(world, ended, request())
        assert (told.ended.outcome, told.ended.error, len(told.modern)) == ("fell_back", "breaker_open", 3)
        breaker, clock = world.server.pools["modern"].breaker, world.server.clock
        assert not breaker.lets_through(clock.now)

        paused = clock.now + 0.5
        await until(lambda: clock.now > paused)
        assert (await call(world, ended, request())).ended.status == 503  # the trial fails
        assert (await call(world, ended, request())).ended.error == "breaker_open"

        world.modern.conduct = None
        paused = clock.now + 0.5
        await until(lambda: clock.now > paused)
        assert (await call(world, ended, request())).ended.backend == "modern"
        assert breaker.state(clock.now) == "closed"


async def test_a_trial_whose_caller_leaves_is_given_back(tmp_path: Path) -> None:
    """Nobody learnt how the side is: the next call tries, at once, not after ten pauses."""
    backend = {"timeout": 30, "breaker": {"failures": 1, "pause": 0.3}}
    async with split(tmp_path, "safe", FAILURES["503"], backend=backend) as (world, ended):
        await call(world, ended, request())
        breaker, clock = world.server.pools["modern"].breaker, world.server.clock
        waits = asyncio.Event()

        async def silent_until_left(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await wholly(reader, writer)
            waits.set()
            await reader.read()

        world.modern.conduct = silent_until_left
        await until(lambda: breaker.state(clock.now) == "half_open")
        _, writer = await world.connect()
        writer.write(request())
        await waits.wait()
        assert (await call(world, ended, request())).ended.error == "breaker_open"

        reset(writer)
        await until(lambda: ended[-1].outcome == "abandoned")
        world.modern.conduct = None
        assert (await call(world, ended, request())).ended.backend == "modern"
        assert breaker.state(clock.now) == "closed"


@pytest.mark.parametrize("failure", ["closes", "garbage", "503", "503 in chunks", "refused"])
async def test_each_failure_counts_for_the_breaker(tmp_path: Path, failure: str) -> None:
    """So does a connection that is refused, and an answer of 503 whose end nobody waited for."""
    backend = {"timeout": 0.2, "breaker": {"failures": 2, "pause": 60}}
    conduct = FAILURES.get(failure)
    async with split(tmp_path, "safe", conduct, backend=backend) as (world, ended):
        if conduct is None:
            refuse_connections(world)
        for _ in range(2):
            await call(world, ended, request())
        assert world.server.pools["modern"].breaker.state(world.server.clock.now) == "open"
        assert (await call(world, ended, request())).ended.error == "breaker_open"

    assert [each.outcome for each in ended] == ["fell_back"] * 3


def _heard(side: Side) -> bool:
    return bool(side.requests)


async def test_an_unsafe_call_whose_caller_leaves_is_accounted_for(tmp_path: Path) -> None:
    """Answered after all, it is abandoned; never answered, it is in doubt."""
    for conduct, outcome in ((saying(OK, delay=0.05), "abandoned"), (saying(b"", delay=0.05), "in_doubt")):
        (tmp_path / outcome).mkdir()
        async with split(tmp_path / outcome, "unsafe", conduct) as (world, ended):
            _, writer = await world.connect()
            writer.write(request())
            await until(partial(_heard, world.modern))
            reset(writer)
            await until(partial(len, ended))
            assert [each.outcome for each in ended] == [outcome]
            assert world.legacy.requests == []


async def test_an_unsafe_call_whose_body_breaks_after_it_was_sent_is_in_doubt(tmp_path: Path) -> None:
    """The backend has the beginning of it."""
    async with split(tmp_path, "unsafe", None) as (world, ended):
        reader, writer = await world.connect()
        writer.write(b"POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await until(lambda: world.modern.connections)
        writer.write(b"x\r\n")
        assert (await read_one(reader)).status == 400
        writer.close()

    assert [each.outcome for each in ended] == ["in_doubt"]
