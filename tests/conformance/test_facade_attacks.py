"""What an attacker found in the data plane, kept so that it stays mended."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from routers.decision import decide
from routers.facade.accounting import inflight
from routers.facade.ended import Outcome
from routers.facade.serving.caller import Caller
from routers.stage import Side as Home
from tests.facade_wire import OK, Tap, post, reset, soap_rules, statuses, until, watch
from tests.facade_world import Side, World, facade, read_message
from tests.soap_messages import envelope

CLOSE = b"Connection: close\r\n"


def rules(
    class_: str = "safe", *, route: str = "POST /{id}", key: dict[str, str] | None = None, **capability: Any
) -> dict[str, Any]:
    """Return a ruleset with one route, which sends everybody to the modern side."""
    only = {"rest": route, "key": key or {"path": "id"}, "legacy": "legacy", "modern": "modern", "class": class_}
    moved = {"salt": "s", "current": "off", "next": "complete", "share": 10_000} | capability
    return {"address": moved | {"routes": {"r": only}}}


def get(lines: bytes = b"", path: bytes = b"/x") -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: x\r\n%b%b\r\n" % (path, CLOSE, lines)


def saying(data: bytes) -> Side:
    """Return a side that reads one request, says this, and closes."""

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(data)
        await writer.drain()

    return Side(conduct=conduct)


def one_of_each_side(world: World) -> tuple[str, str]:
    """Return a key that is at legacy, and one that has moved."""
    found = {decide(world.server.ruleset, "address/r", key).side: key for key in map(str, range(100))}
    return found[Home.LEGACY], found[Home.MODERN]


async def test_a_key_header_that_is_no_utf8_is_no_key(tmp_path: Path) -> None:
    """What stands in for an octet that can't be read must not be taken for the person's name."""
    async with facade(tmp_path) as world:
        world.use(rules(route="GET /x", key={"header": "x-person"}, unfit_key="reject"))
        seen = watch(world)
        await world.exchange(get(b"X-Person: J\xfcrgen\r\n"))

    [call] = seen
    assert call.decision is not None
    assert (call.decision.reason, call.outcome) == ("unfit_key", Outcome.REJECTED)
    assert world.legacy.requests == world.modern.requests == []


@pytest.mark.parametrize("answer", ["legacy", "reject"])
async def test_a_key_header_that_is_repeated_is_several_keys(tmp_path: Path, answer: str) -> None:
    """To take the first, or both as one, would let a caller choose the side of a person."""
    async with facade(tmp_path) as world:
        world.use(rules(route="GET /x", key={"header": "x-person"}, share=5_000, several_keys=answer))
        seen = watch(world)
        keys = [key.encode() for key in one_of_each_side(world)]
        await world.exchange(get(b"X-Person: %b\r\nX-Person: %b\r\n" % (keys[0], keys[1])))
        await world.exchange(get(b"X-Person: %b\r\nX-Person: %b\r\n" % (keys[1], keys[0])))

    outcome = Outcome.REJECTED if answer == "reject" else Outcome.ANSWERED
    assert [(call.decision and call.decision.reason, call.outcome) for call in seen] == [("several_keys", outcome)] * 2
    assert (len(world.legacy.requests), world.modern.requests) == (0 if answer == "reject" else 2, [])


async def test_a_path_parameter_is_no_part_of_the_key(tmp_path: Path) -> None:
    """Servers drop `;jsessionid=1` (RFC 3986 section 3.3), so it must not move the person to another side."""
    async with facade(tmp_path) as world:
        world.use(rules(route="GET /{id}", share=5_000))
        seen = watch(world)
        for path in (b"/anna", b"/anna;jsessionid=1"):
            await world.exchange(get(path=path))

    plain, parameterised = (call.decision and call.decision.bucket for call in seen)
    assert plain is not None
    assert parameterised in {plain, None}


@pytest.mark.parametrize("actions", [[b"put"], [b"get", b"put"], [b"put", b"get"]])
async def test_a_soap_action_of_another_operation_is_refused_wherever_it_stands(
    tmp_path: Path, actions: list[bytes]
) -> None:
    """Else a server that goes by the action would do what the façade has not decided on."""
    legacy, modern = Tap(), Tap()
    lines = b"Content-Type: text/xml\r\n" + b"".join(b'SOAPAction: "urn:x/%b"\r\n' % action for action in actions)
    async with facade(tmp_path, legacy=legacy.side, modern=modern.side) as world:
        world.use(soap_rules("get", "put"))
        said = await world.exchange(post(envelope('<get xmlns="urn:x"/>').encode(), CLOSE + lines))

    assert not said.startswith(b"HTTP/1.1 200")
    assert legacy.requests == modern.requests == []


async def test_an_abandoned_write_that_legacy_took_over_is_owed(tmp_path: Path) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def conduct(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_message(reader)
        asked.set()
        await go.wait()

    async with facade(tmp_path, modern=Side(conduct=conduct)) as world:
        world.use(rules("idempotent"))
        seen = watch(world)
        _, writer = await world.connect()
        writer.write(post())
        await asked.wait()
        reset(writer)
        await until(lambda: not world.server.connections)
        go.set()
        await until(lambda: seen)
        owed = world.server.account.flush().in_doubt

    assert (len(world.legacy.requests), bool(owed)) == (1, True)


async def test_a_write_that_legacy_took_over_is_owed_when_its_answer_is_cut(tmp_path: Path) -> None:
    modern = saying(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
    legacy = saying(b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nabc")
    async with facade(tmp_path, legacy=legacy, modern=modern) as world:
        world.use(rules("idempotent"))
        seen = watch(world)
        await world.exchange(post())
        owed = world.server.account.flush().in_doubt

    assert [call.outcome for call in seen] == [Outcome.CUT]
    assert owed


async def test_a_call_in_doubt_stays_in_flight_until_its_record_is_kept(tmp_path: Path) -> None:
    """A kill between the worker's word and the parent's disk must not lose it: the mapped file still has it."""
    async with facade(tmp_path, modern=saying(b"")) as world:
        world.use(rules("unsafe"))
        seen = watch(world)
        await world.exchange(post(lines=CLOSE))
        told = world.server.account.flush().in_doubt
        world.server.account.flush()
        noted = [call for call in inflight.read(tmp_path / "inflight") if call.in_doubt]

    assert [call.outcome for call in seen] == [Outcome.IN_DOUBT]
    assert (len(told), [call.request_id for call in noted]) == (1, [seen[0].request_id])


def leaving(done: Callable[..., None]) -> Callable[..., None]:
    """Let callers leave between the end of an answer and the next request that they sent ahead."""

    def patched(self: Any, *, keep_alive: bool) -> None:
        done(self, keep_alive=keep_alive)
        if self._ahead and self._transport is not None:
            transport = self._transport
            self.connection_lost(None)
            transport.abort()

    return patched


async def test_a_request_that_was_sent_ahead_is_not_begun_when_its_caller_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modern = Tap()
    async with facade(tmp_path, modern=modern.side) as world:
        world.use(rules("unsafe"))
        monkeypatch.setattr(Caller, "done", leaving(Caller.done))
        seen = watch(world)
        _, writer = await world.connect()
        writer.write(post(path=b"/1") + post(path=b"/2"))
        await until(lambda: seen and not world.server.connections)
        await world.exchange(post(path=b"/3", lines=CLOSE))
        writer.close()

    assert [request.target for request in modern.requests] == [b"/1", b"/3"]
    assert (len(seen), world.server.in_flight) == (2, 0)


async def test_a_long_request_that_was_sent_ahead_goes_on(tmp_path: Path) -> None:
    """It was held back while the one before it was answered; that silence is ours, not the caller's."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_message(reader)
            asked.set()
            await go.wait()
            writer.write(OK)

    body = envelope(f'<o xmlns="urn:x"><t>{"x" * 300_000}</t><id>1</id></o>').encode()
    long = post(body, CLOSE + b"Content-Type: text/xml\r\n")
    legacy, modern = Side(conduct=conduct), Side(conduct=conduct)
    limits, times = {"inspect_bytes": 400_000}, {"body": "PT2S"}
    async with facade(tmp_path, legacy=legacy, modern=modern, limits=limits, times=times) as world:
        world.use(soap_rules("o", key="Body/{urn:x}o/{urn:x}id"))
        reader, writer = await world.connect()
        writer.write(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked.wait()
        inside: Any = world.server
        [caller] = inside._callers
        writer.write(long[:100_000])
        await until(lambda: caller._held)
        go.set()
        writer.write(long[100_000:])
        async with asyncio.timeout(8):
            said = await reader.read()
        writer.close()

    assert statuses(said) == [200, 200]


@pytest.mark.parametrize("key", ["12", "12<b/>"])
@pytest.mark.parametrize("behind", ["</s:Body></s:Envelope>", ""])
async def test_a_message_that_is_broken_behind_its_key_does_not_end_the_call(
    tmp_path: Path, key: str, behind: str
) -> None:
    """What stands there is not the façade's to judge; nor may it trip what is learnt of messages."""
    whole = envelope(f'<x:o xmlns:x="urn:x"><id>{key}</id></x:o>')
    body = (whole.removesuffix("</s:Body></s:Envelope>") + behind + "</x></y></z></w>").encode()
    message = post(body, b"Content-Type: text/xml\r\n")
    async with facade(tmp_path) as world:
        world.use(soap_rules("o", key="Body/{urn:x}o/id"))
        said = await world.exchange(message * 4, half_close=True)

    assert statuses(said) == [200] * 4


async def test_what_is_learnt_of_heads_holds_nothing_of_a_person(tmp_path: Path) -> None:
    """Paths of GET name people, and what is learnt outlives their call."""
    async with facade(tmp_path) as world:
        for _ in range(4):
            await world.exchange(get(path=b"/residents/123456789"))
        shapes: Any = world.server.shapes
        held = [
            part
            for kind in (shapes._requests, shapes._answers)
            for learnt in (kind._met, kind._known)
            for key in learnt
            for part in key
        ]

    assert not any(b"123456789" in part for part in held)


async def test_nobody_can_fill_up_for_ever_what_is_learnt_of_heads(tmp_path: Path) -> None:
    """Heads of one caller must not keep those of all others slow."""
    async with facade(tmp_path) as world:
        for number in range(70):
            await world.exchange(post(path=b"/junk%d" % number) * 3, half_close=True)
        await world.exchange(post(path=b"/real") * 3, half_close=True)
        shapes: Any = world.server.shapes

    assert any(b"/real" in key[0] for key in shapes._requests._known)
    assert len(shapes._requests._known) <= 64
