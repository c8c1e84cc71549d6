"""Messages pass octet by octet: signatures hold, and the hashes that are recorded are those of what was sent."""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routers.decision import decide
from routers.decision_record import DecisionRecord, decode
from routers.explanation import explain
from routers.facade.ended import Hashes, Outcome
from routers.facade.http.chunks import chunk
from tests.facade_wire import Message, Tap, answers, watch
from tests.facade_world import World, facade
from tests.signed import is_signed, signed
from tests.soap_messages import SOAP_11, SOAP_12

KEYS = [str(number) for number in range(1, 25)]
OPERATION = "{urn:x}ChangeAddress"
EMPTY_SHA256 = hashlib.sha256().hexdigest()


def rules(share: int, **route: Any) -> dict[str, Any]:
    """Return one capability with a SOAP route that records hashes, and one that does not."""
    sides = {"legacy": "legacy", "modern": "modern", "class": "safe"}
    change = {"soap": OPERATION, "key": {"xpath": "Body/ChangeAddress/residentId"}, "record_hashes": True}
    other = {"soap": "{urn:x}Other", "key": {"xpath": "Body/Other/residentId"}}
    rest = {"rest": "GET /residents/{id}", "key": {"path": "id"}, "record_hashes": True}
    routes = {"change": change | sides | route, "other": other | sides, "rest": rest | sides}
    return {"address": {"salt": "s1", "share": share, "routes": routes}}


def operation(key: str, more: str = "") -> str:
    return (
        f"<x:ChangeAddress\txmlns:x='urn:x'  b=\"2\" a='1'>\r\n <!-- moved --><x:residentId>{key}</x:residentId>"
        f"<x:street ><![CDATA[A & <B>]]>&#x20;&amp;</x:street><?pi  x?>{more}</x:ChangeAddress>"
    )


def post(body: bytes, media: str = "text/xml; charset=utf-8", *, chunked: int = 0) -> bytes:
    head = f"POST /registry HTTP/1.1\r\nHost: x\r\nContent-Type: {media}\r\n"
    if not chunked:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    pieces = [chunk(body[at : at + chunked]) for at in range(0, len(body), chunked)]
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"".join(pieces) + b"0\r\n\r\n"


def told(body: bytes, *, chunked: int = 0) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    pieces = [chunk(body[at : at + chunked]) for at in range(0, len(body), chunked)]
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(pieces) + b"0\r\n\r\n"


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def records(world: World) -> list[DecisionRecord]:
    return [record for packed in world.server.account.flush().decisions for record in decode(packed)]


def side(name: str) -> Tap:
    """Return a side that verifies what it gets, and signs what it says."""

    def answer(request: Message) -> bytes:
        found = re.search(rb"residentId>([0-9]+)<", request.body)
        key = "none" if found is None else found[1].decode()
        return told(signed(f"<x:Done  xmlns:x='urn:x' >{name} {key} {is_signed(request.body)}</x:Done>").encode())

    return Tap(answer=answer)


@pytest.mark.parametrize("share", [0, 5_000, 10_000])
async def test_signatures_hold_on_both_ways_and_the_recorded_hashes_are_those_of_what_was_sent(
    tmp_path: Path, share: int
) -> None:
    legacy, modern = side("legacy"), side("modern")
    async with facade(tmp_path, legacy=legacy.side, modern=modern.side) as world:
        world.use(rules(share))
        bodies = [signed(operation(key)).encode() for key in KEYS]
        found = answers(await world.exchange(b"".join(map(post, bodies)), half_close=True))
        decided = [str(decide(world.server.ruleset, "address/change", key).side) for key in KEYS]
        recorded = records(world)

    assert set(decided) == {0: {"legacy"}, 5_000: {"legacy", "modern"}, 10_000: {"modern"}}[share]
    for answer, name, key in zip(found, decided, KEYS, strict=True):
        assert is_signed(answer.body)
        assert f">{name} {key} True<".encode() in answer.body
    for tap, name in ((legacy, "legacy"), (modern, "modern")):
        assert [each.body for each in tap.requests] == [
            body for body, chosen in zip(bodies, decided, strict=True) if chosen == name
        ]
        assert tap.broken == []
    assert [(each.request_sha256, each.answer_sha256) for each in recorded] == [
        (sha256(body), sha256(answer.body)) for body, answer in zip(bodies, found, strict=True)
    ]


def test_a_message_that_was_written_anew_does_not_verify() -> None:
    """Else the proof would be none."""
    message = signed(operation("1")).encode()

    assert is_signed(message)
    assert not is_signed(message.replace(b"A & <B>", b"A & <C>"))
    assert not is_signed(message.replace(b">\r\n <!-- moved -->", b"><!-- moved -->"))
    assert not is_signed(message.replace(b"xmlenc#sha256", b"xmlenc#sha512"))


@pytest.mark.parametrize("chunked", [0, 1, 700])
@pytest.mark.parametrize("size", [0, 300_000])
async def test_hashes_are_taken_while_a_message_passes(tmp_path: Path, chunked: int, size: int) -> None:
    size = min(size, 4_000) if chunked == 1 else size
    body = signed(operation("7", more="ä" * size)).encode()
    reply = told(body, chunked=chunked)
    tap = Tap(answer=lambda _: reply)
    async with facade(tmp_path, legacy=tap.side) as world:
        world.use(rules(0))
        ended = watch(world)
        reader, writer = await world.connect()
        sent = post(body, chunked=chunked)
        for at in range(0, len(sent), 50_000):
            writer.write(sent[at : at + 50_000])
            await asyncio.sleep(0.002)
        writer.write_eof()
        [answer] = answers(await asyncio.wait_for(reader.read(), 20))
        writer.close()

    assert [each.body for each in tap.requests] == [body]
    assert answer.body == body
    assert [each.hashes for each in ended] == [Hashes(sha256(body), sha256(body))]


async def test_only_routes_that_ask_for_it_record_hashes(tmp_path: Path) -> None:
    async with facade(tmp_path) as world:
        world.use(rules(0))
        ended = watch(world)
        plain = signed("<x:Other xmlns:x='urn:x'/>").encode()
        unrouted = signed("<x:Third xmlns:x='urn:x'/>").encode()
        get = b"GET /residents/7 HTTP/1.1\r\nHost: x\r\n\r\n"
        await world.exchange(post(plain) + post(unrouted) + get, half_close=True)
        recorded = records(world)

    assert [each.hashes for each in ended] == [None, None, Hashes(EMPTY_SHA256, sha256(b"ok"))]
    assert [each.answer_sha256 for each in recorded] == [None, None, sha256(b"ok")]


async def test_a_body_that_did_not_come_whole_or_was_not_a_sides_has_no_hash(tmp_path: Path) -> None:
    async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"</s:Envelope>")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    body = signed(operation("7")).encode()
    async with facade(tmp_path) as world:
        world.use(rules(0))
        ended = watch(world)
        world.legacy.conduct = breaks_off
        await world.exchange(post(body), half_close=True)
        world.use(rules(0) | {"address": rules(0)["address"] | {"unfit_key": "reject"}}, version=2)
        await world.exchange(post(unfit := signed(operation("elf")).encode()), half_close=True)
        recorded = records(world)

    cut, rejected = ended
    assert (cut.outcome, cut.hashes) == (Outcome.CUT, Hashes(sha256(body), None))
    assert rejected.outcome in {Outcome.REJECTED, Outcome.CUT}
    assert rejected.hashes == Hashes(sha256(unfit), None)
    told_of_cut = explain(recorded[0], rule=None, manifests={})
    assert f"The request's body has the sha256 {sha256(body)}." in told_of_cut
    assert "No sha256 of an answer: no side gave one, or it did not come whole." in told_of_cut


async def test_what_the_modern_side_said_before_legacy_answered_is_not_in_the_hash(tmp_path: Path) -> None:
    body = signed(operation("7")).encode()
    modern = Tap(answer=lambda _: b"HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nbad")
    legacy = Tap(answer=lambda _: told(b"<good/>"))
    async with facade(tmp_path, legacy=legacy.side, modern=modern.side) as world:
        world.use(rules(10_000))
        ended = watch(world)
        await world.exchange(post(body), half_close=True)

    assert [(each.outcome, each.hashes) for each in ended] == [
        (Outcome.FELL_BACK, Hashes(sha256(body), sha256(b"<good/>")))
    ]
    assert [[each.body for each in tap.requests] for tap in (modern, legacy)] == [[body], [body]]


_FILLERS = st.sampled_from(
    ["", " ", "\r\n\t", "\n\n", "<!-- <x:residentId>1</x:residentId> -->", "<!---->", "<?pi  a='b' ?>", "<![CDATA[]]>",
     "<![CDATA[<&>]]>", "&#13;", "&quot;", "text", "ü€", "<e a = '1'\tb=\"'\"></e >", "<e  />", "<e xmlns=''/>"]
)  # fmt: skip
_DECLARATIONS = st.sampled_from(
    [
        "",
        "<?xml version='1.0'?>",
        '<?xml version="1.0"  encoding="{}" ?>\r\n',
        "<?xml version = '1.0' encoding='{}' standalone='yes'?><!-- x -->\n",
    ]
)
_CODECS = {
    "utf-8": "utf-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "iso-8859-15": "ISO-8859-15",
    "cp1252": "windows-1252",
}


@st.composite
def _odd(draw: st.DrawFn) -> bytes:
    """Draw a message with all that a writer of XML could change without a change of what it says."""
    filler = st.lists(_FILLERS, max_size=3).map("".join)
    quote, prefix = draw(st.sampled_from("'\"")), draw(st.sampled_from(["s", "SOAP-ENV", "_"]))
    attributes = [
        f"xmlns:{prefix}={quote}{draw(st.sampled_from([SOAP_11, SOAP_12]))}{quote}",
        "a='1'",
        'xml:lang = "en"',
    ]
    opening = draw(st.permutations(attributes))
    key = draw(st.integers(1, 500))
    blank = draw(st.sampled_from([" ", "  ", "\r\n", "\t"]))
    declaration, codec = draw(_DECLARATIONS), draw(st.sampled_from(list(_CODECS)))
    if "{}" not in declaration and not codec.startswith("utf"):
        codec = "utf-8"
    inner = f"<x:residentId{blank}>{key}</x:residentId >{draw(filler)}"
    head = draw(st.sampled_from(["", f"<{prefix}:Header/>", f"<{prefix}:Header >\r\n</{prefix}:Header>"]))
    text = (
        f"{declaration.format(_CODECS[codec])}<{prefix}:Envelope{blank}{blank.join(opening)}>{head}<{prefix}:Body{blank}>"
        f"<x:ChangeAddress xmlns:x={quote}urn:x{quote}{blank}>{draw(filler)}{inner}</x:ChangeAddress\n></{prefix}:Body>"
        f"{blank}</{prefix}:Envelope>{draw(st.sampled_from(['', chr(10), '<!-- end -->']))}"
    )
    return text.encode(codec)


@settings(max_examples=30, deadline=None)
@given(st.lists(_odd(), min_size=1, max_size=12), st.sampled_from([0, 5_000, 10_000]), st.sampled_from([0, 3, 64]))
def test_whatever_a_message_looks_like_it_stays_as_it_is(messages: list[bytes], share: int, chunked: int) -> None:
    asyncio.run(_pass(messages, share, chunked))


async def _pass(messages: list[bytes], share: int, chunked: int) -> None:
    echo: Callable[[Message], bytes] = lambda request: told(request.body[::-1], chunked=chunked)  # noqa: E731
    legacy, modern = Tap(answer=echo), Tap(answer=echo)
    with tempfile.TemporaryDirectory() as folder:
        async with facade(Path(folder), legacy=legacy.side, modern=modern.side) as world:
            world.use(rules(share))
            ended = watch(world)
            sent = b"".join(post(each, "text/xml", chunked=chunked) for each in messages)
            found = answers(await world.exchange(sent, half_close=True))

    assert [each.body for each in found] == [each[::-1] for each in messages]
    got = [each.body for tap in (legacy, modern) for each in tap.requests]
    assert sorted(got) == sorted(messages)
    assert [each.hashes for each in ended] == [Hashes(sha256(each), sha256(each[::-1])) for each in messages]
    assert {each.route for each in ended} == {"address/change"}
