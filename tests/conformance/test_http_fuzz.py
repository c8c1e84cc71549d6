"""Fuzzing of the wire, seeded and bounded; `BANYAN_FUZZ_SECONDS` raises the time of each part for a long run."""

import asyncio
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httptools
import pytest

from routers.facade.http.head import RefusedError, read_answer, read_answer_fields, read_request
from routers.facade.http.shape import AnswerShape, Shape, Shapes
from tests.facade_wire import OK, Tap, answers, take_answer, until, watch
from tests.facade_world import World, facade

SECONDS = float(os.environ.get("BANYAN_FUZZ_SECONDS", "6"))
SEED = int(os.environ.get("BANYAN_FUZZ_SEED", "20261122"))
pytestmark = pytest.mark.timeout(int(SECONDS) + 60)

REQUESTS = [
    b"GET /a?b=%20c HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n",
    b"GET http://y:80/a HTTP/1.1\r\nHost: x\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\nMax-Forwards: 3\r\n\r\n",
    b"HEAD / HTTP/1.0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nGET /evil HTTP/1.1\r\nHost: y\r\n\r\n",
    (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1E;x\r\nGET /evil HTTP/1.1\r\nHost: y\r\n\r\n"
        b"\r\n0\r\nX-Trailer: z\r\n\r\n"
    ),
    b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    (
        b'POST / HTTP/1.1\r\nHost: [::1]:8080\r\nSOAPAction: "a"\r\nContent-Type: text/xml\r\nCookie: a=b\r\n'
        b"Via: 1.0 other\r\nForwarded: for=a\r\nTE: trailers\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"
    ),
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVia: a\r\n\r\n5;x\r\nhello\r\n6\r\n, you!\r\n0\r\nA:\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nok",
    b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
    b"HTTP/1.1 500 Fault\r\nConnection: close, X-Hop\r\nX-Hop: y\r\nContent-Length: 3\r\n\r\nbad",
]
SPICE = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\x00",
        b" ",
        b"\t",
        b":",
        b";",
        b",",
        b"_",
        b"0",
        b"\xff",
        b"\r\n ",
        b"\r\n\r\n",
        b"\x0b",
    ),
    *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: y\r\n"),
    *(
        b"Transfer-Encoding: identity\r\n",
        b"Connection: close\r\n",
        b"HTTP/1.1",
        b"chunked",
        b"0\r\n\r\n",
        b"ffffffffffffffff",
    ),
]


def mutated(random_: random.Random, corpus: list[bytes]) -> bytes:
    """Return a message of the corpus after up to four changes: flips, splices, insertions, cuts, repetitions."""
    data = bytearray(random_.choice(corpus))
    for _ in range(random_.randrange(5)):
        at = random_.randrange(len(data) + 1)
        to = min(len(data), at + random_.randrange(1, 24))
        match random_.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << random_.randrange(8)
            case 1:
                data[at:at] = random_.choice(SPICE)
            case 2:
                del data[at:to]
            case 3:
                data[at:at] = data[at:to]
            case 4:
                data[at:] = random_.choice(corpus)[random_.randrange(20) :]
            case 5:
                lines = data.split(b"\r\n")
                random_.shuffle(lines)
                data = bytearray(b"\r\n".join(lines))
            case _:
                data[at:to] = random_.choice(SPICE)
    return bytes(data)


def portions(random_: random.Random, data: bytes) -> Iterator[bytes]:
    """Cut data at up to three places."""
    cuts = sorted({0, len(data), *(random_.randrange(len(data) + 1) for _ in range(random_.randrange(4)))})
    yield from (data[start:end] for start, end in itertools.pairwise(cuts))


def raised(loop: asyncio.AbstractEventLoop) -> list[dict[str, Any]]:
    """Collect what nobody handled."""
    contexts: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: contexts.append(context))
    return contexts


async def send(world: World, parts: list[bytes]) -> bytes:
    """Send parts one after the other, half-close, and return all that comes."""
    reader, writer = await world.connect()
    try:
        async with asyncio.timeout(10):
            with suppress(OSError):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    if len(parts) > 1:
                        await asyncio.sleep(0.0005)
                writer.write_eof()
            got = b""
            with suppress(ConnectionError):
                while more := await reader.read(2**16):
                    got += more
            return got
    finally:
        writer.close()


async def test_mutated_requests_never_confuse_anybody(tmp_path: Path) -> None:
    """The backend sees strict requests only, one for each call that was accounted for; every answer is well formed."""
    unhandled = raised(asyncio.get_running_loop())
    random_, until_, sent, answered = random.Random(SEED), time.monotonic() + SECONDS, 0, 0
    tap = Tap(answer=lambda request: OK if request.start[:4] != b"HEAD" else OK[:-2])
    async with facade(tmp_path, legacy=tap.side) as world:
        ended = watch(world)
        while time.monotonic() < until_:
            data = [b"".join(mutated(random_, REQUESTS) for _ in range(random_.randrange(1, 3))) for _ in range(16)]
            for said in await asyncio.gather(*(send(world, list(portions(random_, each))) for each in data)):
                answered += _well_formed(said)
            sent += len(data)
            assert tap.broken == [], tap.broken
            assert unhandled == []
        await until(lambda: world.server.in_flight == 0)
        calls = {call.request_id: call.outcome.value for call in ended if call.outcome.value != "refused"}
        seen = [request.one(b"x-request-id").decode() for request in tap.requests]
        assert len(set(seen)) == len(seen)
        assert {calls[each] for each in seen} <= {"answered", "abandoned"}
        assert Counter(calls.values())["answered"] <= len(seen)
        assert (await world.exchange(REQUESTS[0], half_close=True)).endswith(b"ok")
    print(f"requests: seed {SEED}, sent {sent}, answers {answered}, reached the backend {len(tap.requests)}")
    assert len(tap.requests) > 0


def _well_formed(data: bytes) -> int:
    """Count answers; one to HEAD announces a body that is not there."""
    count = 0
    while data:
        head = take_answer(data, method=b"HEAD")
        assert head is not None, data
        length = int((head[0].all(b"content-length") or [b"0"])[0])
        data, count = head[1] if head[1].startswith(b"HTTP/1.1 ") else head[1][length:], count + 1
    return count


def plain(data: bytes) -> list[tuple[int, bytes]] | None:
    """Return final statuses and bodies of what a caller got; None where a message breaks off."""
    try:
        return [(each.status, each.body) for each in answers(data) if each.status >= 200]
    except ValueError:
        return None


def expected(answer: bytes) -> list[tuple[int, bytes]]:
    """Return what another parser, llhttp, reads of an answer that ends with its connection."""
    finals: list[tuple[int, bytes]] = []

    class Reads:
        body = b""

        def on_message_begin(self) -> None:
            self.body = b""

        def on_body(self, data: bytes) -> None:
            self.body += data

        def on_message_complete(self) -> None:
            finals.append((parser.get_status_code(), self.body))

    reads = Reads()
    parser = httptools.HttpResponseParser(reads)
    with suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):
        parser.feed_data(answer)
    head = [each for each in finals if each[0] >= 200]
    return head or [(parser.get_status_code(), reads.body)]


async def test_mutated_answers_are_equal_or_refused_or_cut(tmp_path: Path) -> None:
    """And what follows one on its connection is never the answer of the next call."""
    unhandled = raised(asyncio.get_running_loop())
    random_, until_ = random.Random(SEED), time.monotonic() + SECONDS
    counts = {"same": 0, "refused": 0, "cut": 0}
    current: dict[bytes, bytes] = {}

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            asked = current.get(head.split(b" ")[1])
            for part in [MARK] if asked is None else portions(random_, asked):
                writer.write(part)
                await writer.drain()
            if asked is not None and random_.random() < 0.8:
                return

    async with facade(tmp_path, backend={"timeout": 0.2, "breaker": {"failures": 10**9}}) as world:
        world.legacy.conduct = conduct
        while time.monotonic() < until_:
            current.update({b"/%d" % each: mutated(random_, ANSWERS) for each in range(16)})
            for answer, said in zip(
                current.values(), await asyncio.gather(*(told(world, path) for path in current)), strict=True
            ):
                counts[verdict(answer, said)] += 1
            assert [await told(world, b"/mark") for _ in range(3)] == [[(200, b"mark")]] * 3, current
            assert unhandled == []
    print(f"answers: seed {SEED}, {counts}")
    assert min(counts.values()) > 0


MARK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmark"


async def told(world: World, path: bytes) -> list[tuple[int, bytes]] | None:
    """Return what a caller gets; None where it breaks off."""
    try:
        return plain(await world.exchange(b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)) or None
    except ConnectionError:
        return None


def verdict(answer: bytes, said: list[tuple[int, bytes]] | None) -> str:
    """Name what became of an answer, and make sure that it is one of three things."""
    if said is None:
        return "cut"
    assert len(said) == 1, (answer, said)
    if said[0][0] in {502, 504} and b"request_id" in said[0][1]:
        return "refused"
    read = expected(answer)
    assert said[0] in read, (answer, said, read)
    return "same"


class _Heard:
    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.target = b""
        self.ended = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.ended = True


def test_a_head_that_is_accepted_is_read_alike_by_llhttp() -> None:
    """The same fields, the same target, and its end at the same byte."""
    random_, until_ = random.Random(SEED), time.monotonic() + SECONDS / 2
    tried = accepted = 0
    while time.monotonic() < until_:
        data = mutated(random_, REQUESTS)
        end = data.find(b"\r\n\r\n") + 4
        tried += 1
        try:
            request = read_request(data[:end], target_bytes=8192, headers=100)
        except RefusedError:
            continue
        accepted += 1
        heard = _Heard()
        parser = httptools.HttpRequestParser(heard)
        with suppress(httptools.HttpParserUpgrade):
            parser.feed_data(data[:end])
        assert heard.ended, data
        assert [(name, value) for name, value, _ in request.fields] == heard.fields, data
        assert parser.get_method() == request.method, data
        assert heard.target.endswith(request.target) or request.target in {b"*", b"/"} or b"?" in heard.target, data
    print(f"heads: seed {SEED}, tried {tried}, accepted {accepted}")
    assert accepted > 0


def test_a_head_that_is_read_by_its_shape_is_read_as_without() -> None:
    """What was learnt of heads before is never laxer than reading, and never changes what goes on."""
    random_, until_, tried, matched = random.Random(SEED), time.monotonic() + SECONDS / 2, 0, 0
    shapes, learnt = Shapes(), list[tuple[bytes, Shape]]()
    for data in REQUESTS + [b"GET / HTTP/1.1\r\nHost: x\r\n%b: 1\r\n\r\n" % name for name in (b"a.b", b"a|b", b"a-b")]:
        head = data[: data.find(b"\r\n\r\n") + 4]
        request = read_request(head, target_bytes=8192, headers=100)
        found = [shape for _ in range(100) if (shape := shapes.of(head, request)) is not None]
        learnt += [(head, found[-1])] if found else []
    while time.monotonic() < until_:
        head, shape = random_.choice(learnt)
        data = mutated(random_, [head])
        end = data.find(b"\r\n\r\n") + 4
        tried += 1
        quick = shape.read(data, end)
        if quick is None:
            continue
        matched += 1
        request = read_request(data[:end], target_bytes=8192, headers=100)
        for name in (
            "method",
            "target",
            "path",
            "host",
            "minor",
            "names",
            "length",
            "chunked",
            "keep_alive",
            "options",
        ):
            assert getattr(quick, name) == getattr(request, name), (name, data)
        assert sorted(quick.forwarded.split()) == sorted(request.forwarded.split()), data
    print(f"shapes: seed {SEED}, tried {tried}, matched {matched} of {len(learnt)} shapes")
    assert matched > 0


SHAPED = [
    b"HTTP/1.1 200 OK\r\nDate: Sat, 28 Nov 2026 16:00:00 GMT\r\nContent-Length: 240\r\nX-Side: legacy\r\n\r\n",
    b"HTTP/1.1 500 %d of 100%\r\nContent-Type: text/xml\r\nconnection: Keep-Alive\r\nX-Request-Id: a-b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b; Path=/\r\nConnection: close\r\n\r\n",
    b"HTTP/1.0 404 \r\nContent-Length: 0005\r\nKeep-Alive: timeout=5\r\nVary: *\r\nX-%s: a  b\r\n\r\n",
]
"""Answers of which shapes are learnt."""


def test_an_answer_that_is_read_by_its_shape_is_read_as_without() -> None:
    random_, until_, tried, matched = random.Random(SEED), time.monotonic() + SECONDS / 2, 0, 0
    shapes, learnt = Shapes(), list[tuple[bytes, AnswerShape]]()
    for head in SHAPED:
        answer, fields = read_answer_fields(head, method=b"POST", headers=100)
        found = [shape for _ in range(3) if (shape := shapes.of_answer(head, answer, fields)) is not None]
        learnt.append((head, found[-1]))
    while time.monotonic() < until_:
        head, shape = random_.choice(learnt)
        data = mutated(random_, [head])
        end = data.find(b"\r\n\r\n") + 4
        tried += 1
        if (quick := shape.read(data, end)) is None:
            continue
        matched += 1
        answer = read_answer(data[:end], method=b"POST", headers=100)
        for name in ("status", "length", "chunked", "keep_alive", "dated", "identified", "onward"):
            assert getattr(quick, name) == getattr(answer, name), (name, data)
    print(f"shapes of answers: seed {SEED}, tried {tried}, matched {matched}")
    assert matched > 0
