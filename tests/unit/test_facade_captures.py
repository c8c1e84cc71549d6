"""What the façade keeps of calls as they pass: their bytes, of the routes that are told, within bounds, and counted."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.intercepted import InterceptedCall, unpack
from hub.facade_check import check
from routers.facade.accounting import inflight
from routers.facade.accounting.captures import Captures
from routers.facade.process.runs import read_run
from routers.facade.settings import FacadeSettings, Intercept
from tests.facade_wire import OK, Tap, answers, post, reset, soap_rules, until, watch
from tests.facade_world import Side, World, facade, read_message
from tests.soap_messages import envelope

XML = b'Content-Type: text/xml; charset=utf-8\r\nSOAPAction: "urn:x/put"\r\n'
CLOSE = b"Connection: close\r\n"
BODY = envelope('<x:put xmlns:x="urn:x"><id>7</id></x:put>').encode()
REPLY = envelope('<x:done xmlns:x="urn:x"/>').encode()


def replying(body: bytes, lines: bytes = b"", status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: text/xml\r\n%b" % (status, lines)
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def intercept(**of_route: Any) -> dict[str, Any]:
    return {"routes": {"address/put": of_route}}


def rules(class_: str = "safe") -> dict[str, Any]:
    found = soap_rules("put", "get", key="Body/{urn:x}put/id")
    for route in found["address"]["routes"].values():
        route["class"] = class_
    return found


def taken(world: World) -> list[InterceptedCall]:
    """Return what was kept since the last time."""
    captures = world.server.account.captures
    assert captures is not None
    packs = captures.take().packs
    found = [read_run(payload) for _, payload in packs]
    assert [route for route, _ in found] == [route for route, _ in packs]
    calls = [[*unpack(run.pack)] for _, run in found]
    assert [len(each) for each in calls] == [run.calls for _, run in found]
    return [call for each in calls for call in each]


def counted(world: World) -> dict[str, int]:
    """Return how many calls of the route had which outcome."""
    told = json.loads(world.server.account.flush().tally or b'{"counts":[]}')["counts"]
    return {label: by for name, _, label, by in told if name == "banyan.calls.intercepted"}


async def test_a_call_is_kept_with_its_bytes_and_what_is_known_of_it(tmp_path: Path) -> None:
    lines = XML + CLOSE + b"X-Request-Id: client-0001\r\ntraceparent: 00-%b-%b-01\r\n" % (b"a" * 32, b"b" * 16)
    async with facade(tmp_path, modern=Side(answer=replying(REPLY)), intercept=intercept()) as world:
        world.use(rules(), version=9)
        seen = watch(world)
        await world.exchange(post(BODY, lines))
        [call] = taken(world)
        again, counts = taken(world), counted(world)

    assert (call.request, call.reply) == (BODY, REPLY)
    assert (call.request_type, call.reply_type, call.action) == (
        "text/xml; charset=utf-8", "text/xml", '"urn:x/put"',
    )  # fmt: skip
    assert (call.route, call.operation, call.side, call.backend) == ("address/put", "{urn:x}put", "modern", "modern")
    assert (call.request_id, call.status, call.outcome, call.version) == ("client-0001", 200, "answered", 9)
    assert call.traceparent == f"00-{'a' * 32}-{seen[0].trace.span_id}-01"
    assert call.ended_ns == seen[0].started_ns + seen[0].duration_ns
    assert (again, counts) == ([], {"kept": 1})


async def test_a_body_that_comes_in_parts_is_kept_whole_and_goes_on_as_it_came(tmp_path: Path) -> None:
    """Chunks are the wire's, not the message's; the backend and the caller get theirs all the same."""
    chunked = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (9, REPLY[:9], len(REPLY) - 9, REPLY[9:])
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked
    tap = Tap(answer=lambda _: answer)
    async with facade(tmp_path, modern=tap.side, intercept=intercept()) as world:
        world.use(rules())
        reader, writer = await world.connect()
        writer.write(b"POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + XML + CLOSE + b"\r\n")
        for at in range(0, len(BODY), 50):
            part = BODY[at : at + 50]
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await asyncio.sleep(0.002)
        writer.write(b"0\r\n\r\n")
        said = await reader.read()
        writer.close()
        [call] = taken(world)

    assert (call.request, call.reply) == (BODY, REPLY)
    assert tap.requests[0].body == BODY
    assert answers(said)[0].body == REPLY


@pytest.mark.parametrize("is_on", [False, True])
async def test_the_bytes_that_pass_are_the_same_whether_they_are_kept_or_not(tmp_path: Path, is_on: bool) -> None:  # noqa: FBT001
    tap = Tap(answer=lambda _: replying(REPLY, b"X-Odd:   spaced\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"))
    odd = BODY.replace(b"<id>", b"<id \t>").replace(b"7", b"&#55;")
    settings: dict[str, Any] = {"intercept": intercept()} if is_on else {}
    async with facade(tmp_path, modern=tap.side, **settings) as world:
        world.use(rules())
        said = await world.exchange(post(odd, XML + CLOSE + b"X-Request-Id: client-0001\r\n"))
        kept = [call.request for call in taken(world)] if is_on else []

    assert tap.requests[0].body == odd
    assert answers(said)[0].body == REPLY
    assert kept == ([odd] if is_on else [])
    assert (world.server.account.captures is not None) is is_on


@pytest.mark.parametrize(("setting", "lost"), [("request_bytes", "request"), ("reply_bytes", "reply")])
async def test_a_body_beyond_its_bound_is_told_by_its_length_and_counted(
    tmp_path: Path, setting: str, lost: str
) -> None:
    length = len(BODY if lost == "request" else REPLY)
    for bound, is_kept in ((length, True), (length - 1, False)):
        folder = tmp_path / str(bound)
        folder.mkdir()
        told = intercept(**{setting: bound})
        async with facade(folder, modern=Side(answer=replying(REPLY)), intercept=told) as world:
            world.use(rules())
            said = await world.exchange(post(BODY, XML + CLOSE))
            [call] = taken(world)
            counts = counted(world)

        assert answers(said)[0].body == REPLY
        assert (getattr(call, lost) is not None) is is_kept
        assert getattr(call, f"{lost}_bytes") == length
        assert [call.request, call.reply].count(None) == (0 if is_kept else 1)
        assert counts == {"kept" if is_kept else "too_long": 1}


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (b"Content-Encoding: gzip\r\n", gzip.compress(REPLY)),
        (b"", b"--b\r\nContent-Type: application/xop+xml\r\n\r\n" + REPLY + b"\r\n--b--\r\n"),
    ],
)
async def test_coded_and_multipart_replies_are_kept_as_they_passed(tmp_path: Path, lines: bytes, body: bytes) -> None:
    async with facade(tmp_path, modern=Side(answer=replying(body, lines)), intercept=intercept()) as world:
        world.use(rules())
        await world.exchange(post(BODY, XML + CLOSE))
        [call] = taken(world)

    assert call.reply == body
    assert call.reply_coding == ("gzip" if lines else "")


async def test_other_routes_and_methods_are_not_kept(tmp_path: Path) -> None:
    other = envelope('<x:get xmlns:x="urn:x"/>').encode()
    capability = rules()
    capability["address"]["routes"]["any"] = {
        "rest": "HEAD /1", "legacy": "legacy", "modern": "modern", "class": "safe",
    }  # fmt: skip
    told = {"routes": {"address/put": {}, "address/any": {"failed": True}}}
    async with facade(tmp_path, intercept=told) as world:
        world.use(capability)
        await world.exchange(post(other, XML.replace(b"urn:x/put", b"") + CLOSE))
        await world.exchange(b"HEAD /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await world.exchange(b"GET /1?wsdl HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert taken(world) == []


@pytest.mark.parametrize("failed", [False, True])
async def test_calls_that_did_not_succeed_are_kept_where_they_are_wanted(tmp_path: Path, failed: bool) -> None:  # noqa: FBT001
    fault = replying(envelope("<s:Fault/>").encode(), status=b"500 X")
    async with facade(tmp_path, modern=Side(answer=fault), intercept=intercept(failed=failed)) as world:
        world.use(rules())
        await world.exchange(post(BODY, XML + CLOSE))
        kept = taken(world)

    assert [(call.status, call.outcome) for call in kept] == ([(500, "answered")] if failed else [])


async def test_the_reply_that_the_caller_gets_is_kept_when_the_first_side_failed(tmp_path: Path) -> None:
    first, second = Side(answer=replying(b"<no/>", status=b"503 X")), Side(answer=replying(REPLY))
    async with facade(tmp_path, modern=first, legacy=second, intercept=intercept()) as world:
        world.use(rules())
        await world.exchange(post(BODY, XML + CLOSE))
        [call] = taken(world)

    assert len(first.requests) == len(second.requests) == 1
    assert (call.side, call.outcome, call.reply) == ("legacy", "fell_back", REPLY)


@pytest.mark.parametrize("failed", [False, True])
async def test_a_call_without_a_reply_of_a_side_is_no_success(tmp_path: Path, failed: bool) -> None:  # noqa: FBT001
    """In doubt: the façade's own fault is not what a side said."""

    async def conduct(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_message(reader)

    async with facade(tmp_path, modern=Side(conduct=conduct), intercept=intercept(failed=failed)) as world:
        world.use(rules("unsafe"))
        await world.exchange(post(BODY, XML + CLOSE))
        kept = taken(world)

    assert [(call.outcome, call.request, call.reply) for call in kept] == ([("in_doubt", BODY, None)] if failed else [])


async def test_half_a_request_is_no_request(tmp_path: Path) -> None:
    capability = rules()
    capability["address"]["routes"]["put"]["key"] = {"header": "x-person"}
    async with facade(tmp_path, intercept=intercept(failed=True)) as world:
        world.use(capability)
        seen = watch(world)
        _, writer = await world.connect()
        writer.write(post(BODY, XML + b"X-Person: 7\r\n")[:-5])
        await until(lambda: world.modern.connections)
        reset(writer)
        await until(lambda: seen)
        [call] = taken(world)

    assert (call.outcome, call.request, call.request_bytes) == ("abandoned", None, len(BODY) - 5)


async def test_half_a_reply_is_no_reply(tmp_path: Path) -> None:
    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(replying(REPLY)[:-5])
        await writer.drain()

    async with facade(tmp_path, modern=Side(conduct=conduct), intercept=intercept(failed=True)) as world:
        world.use(rules())
        await world.exchange(post(BODY, XML))
        [call] = taken(world)

    assert (call.outcome, call.reply, call.request) == ("cut", None, BODY)


async def test_what_a_side_has_done_is_kept_though_its_caller_has_left(tmp_path: Path) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        asked.set()
        await go.wait()
        writer.write(replying(REPLY)[:-5])
        await asyncio.sleep(0.05)
        writer.write(replying(REPLY)[-5:])

    async with facade(tmp_path, modern=Side(conduct=conduct), intercept=intercept()) as world:
        world.use(rules("unsafe"))
        seen = watch(world)
        _, writer = await world.connect()
        writer.write(post(BODY, XML))
        await asked.wait()
        reset(writer)
        await until(lambda: not world.server.connections)
        go.set()
        await until(lambda: seen)
        [call] = taken(world)

    assert (call.outcome, call.reply, call.status) == ("abandoned", REPLY, 200)


async def test_what_nobody_takes_is_bounded_and_what_comes_beyond_is_counted(tmp_path: Path) -> None:
    async with facade(tmp_path, modern=Side(answer=replying(REPLY)), intercept=intercept()) as world:
        world.use(rules())
        captures: Any = world.server.account.captures
        captures._limit = 2_500
        for _ in range(5):
            await world.exchange(post(BODY, XML + CLOSE))
        held, counts = captures.take(), counted(world)
        await world.exchange(post(BODY, XML + CLOSE))
        before = counted(world)
        captures.taken(held.size_bytes)
        await world.exchange(post(BODY, XML + CLOSE))
        captures.take()
        after, noted = counted(world), inflight.captured(tmp_path / "inflight")

    assert set(counts) == {"kept", "dropped"}
    assert sum(counts.values()) == 5
    assert (before, after) == ({"dropped": 1}, {"kept": 1})
    assert noted == counts["kept"] + 1


async def test_without_interception_nothing_is_made_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def begin(_: Captures, route: str, *__: object) -> None:
        made.append(route)

    monkeypatch.setattr(Captures, "begin", begin)
    async with facade(tmp_path, modern=Side(answer=OK)) as world:
        world.use(rules())
        await world.exchange(post(BODY, XML + CLOSE))

        assert world.server.account.captures is None
    assert made == []


async def test_a_route_that_is_not_there_is_told_by_the_check(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"capabilities": soap_rules("put", "get")}))
    side = {"url": "http://127.0.0.1:9", "connect": 0.1}
    told: dict[str, Any] = {"routes": {"address/put": {}, "address/putt": {}}}
    settings = FacadeSettings.model_validate(
        {
            "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "legacy"}},
            "backends": {"legacy": side, "modern": side},
            "ruleset": tmp_path / "rules.yaml",
            "intercept": told,
        }
    )

    found = await check(settings)

    assert found.problems["ruleset"] == [
        "facade.intercept.routes: no SOAP route address/putt; there are: address/get, address/put"
    ]


@pytest.mark.parametrize("name", ["address", "address/", "/put", "Address/put", "address/put/more", "a b/c"])
def test_a_route_is_named_by_capability_and_route(name: str) -> None:
    with pytest.raises(ValueError, match="routes"):
        Intercept.model_validate({"routes": {name: {}}})
