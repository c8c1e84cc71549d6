"""Whatever encoding and wrapping a message comes in, its key decides, and its octets go on."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from routers.decision import decide
from routers.facade.http.chunks import chunk
from tests.facade_wire import Tap, answers, watch
from tests.facade_world import facade
from tests.soap_messages import OPERATION, SOAP_11, SOAP_12, envelope, with_key

KEYS = ["Åse", "Elfrun", "Ødegård", "Igelkott", "Måns", "Brombeere"]
ACTION = 'SOAPAction: "urn:x/ChangeAddress"'
RULES = {
    "address": {
        "salt": "s1",
        "share": 5_000,
        "key": {"type": "text"},
        "routes": {
            "change": {
                "soap": OPERATION,
                "action": "urn:x/ChangeAddress",
                "key": {"xpath": "Body/ChangeAddress/residentId"},
                "legacy": "legacy",
                "modern": "modern",
            },
        },
    }
}
Body = Callable[[str], bytes]


def declared(encoding: str, codec: str) -> Body:
    return lambda text: f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(codec)


def plain(codec: str, mark: bytes = b"") -> Body:
    return lambda text: mark + text.encode(codec)


LE, BE = b"\xff\xfe", b"\xfe\xff"
ENCODED: dict[str, tuple[str, Body]] = {
    "UTF-8": ("text/xml", plain("utf-8")),
    "UTF-8 by mark": ("text/xml", plain("utf-8-sig")),
    "UTF-8 by parameter against the declaration": ("text/xml; charset=UTF-8", declared("iso-8859-1", "utf-8")),
    "UTF-16 LE by mark": ("text/xml", plain("utf-16-le", LE)),
    "UTF-16 BE by mark": ("text/xml", plain("utf-16-be", BE)),
    "UTF-16 LE by mark against the parameter": ("text/xml; charset=utf-8", plain("utf-16-le", LE)),
    "UTF-16 LE by mark, declared": (
        "text/xml; charset=utf-16",
        lambda text: LE + declared("UTF-16", "utf-16-le")(text),
    ),
    "UTF-16 BE by mark, declared": (
        "text/xml; charset=utf-16",
        lambda text: BE + declared("UTF-16", "utf-16-be")(text),
    ),
    "UTF-16 LE by parameter": ("text/xml; charset=utf-16le", plain("utf-16-le")),
    "UTF-16 BE by parameter": ("application/soap+xml; charset=utf-16be", plain("utf-16-be")),
    "UTF-16 LE by declaration": ("text/xml", declared("UTF-16", "utf-16-le")),
    "UTF-16 BE by declaration": ("text/xml", declared("UTF-16", "utf-16-be")),
    "UTF-16 LE by its octets": ("text/xml", plain("utf-16-le")),
    "UTF-16 BE by its octets": ("text/xml", plain("utf-16-be")),
    "ISO-8859-1 by declaration": ("text/xml", declared("ISO-8859-1", "latin-1")),
    "ISO-8859-1 by parameter": ("text/xml; charset=iso-8859-1", plain("latin-1")),
    "windows-1252 by declaration": ("text/xml", declared("windows-1252", "cp1252")),
}
"""Content-Type and body of a message."""

XOP = 'Content-Type: application/xop+xml; charset={}; type="text/xml"\r\n'
RELATED = 'multipart/related; type="application/xop+xml"; boundary=b; start="<root>"; start-info="text/xml"'


def parts(codec: str = "utf-8", *, head: str = XOP.format("UTF-8"), before: bytes = b"") -> Body:
    """Return what writes a multipart message with an attachment that is no text."""

    def write(text: str) -> bytes:
        root = f"--b\r\n{head}Content-ID: <root>\r\n\r\n".encode() + text.encode(codec)
        return before + root + b"\r\n--b\r\nContent-ID: <a@x>\r\n\r\n\x00\xff<\r\n--bc\r\n\r\n--b--\r\n"

    return write


OTHER_PART = b"--b\r\nContent-ID: <x>\r\n\r\n" + with_key("Nobody").encode() + b"\r\n"
WRAPPED: dict[str, tuple[str, Body]] = {
    "MTOM": (RELATED, parts()),
    "MTOM behind a preamble": (RELATED, parts(before=b"A message in parts.\r\n")),
    "MTOM with its root second": (RELATED, parts(before=OTHER_PART)),
    "MTOM with a root in UTF-16": (RELATED, parts("utf-16", head=XOP.format("UTF-16"))),
    "MTOM with a root in ISO-8859-1": (RELATED, parts("latin-1", head=XOP.format("iso-8859-1"))),
    "MTOM in 8bit": (RELATED, parts(head="Content-Transfer-Encoding: 8bit\r\n")),
    "MTOM of SOAP 1.2": (RELATED.replace("text/xml", "application/soap+xml"), parts()),
    "MTOM without a type": (RELATED.replace('type="application/xop+xml"; ', ""), parts()),
    "MTOM in capitals": (RELATED.replace("multipart/related", "Multipart/Related"), parts()),
    "attachments": ('multipart/related; type="text/xml"; boundary="b"', parts(head="Content-Type: text/xml\r\n")),
}


def post(body: bytes, media: str, *fields: str, chunked: int = 0) -> bytes:
    lines = "".join(f"{field}\r\n" for field in fields)
    head = f"POST /registry HTTP/1.1\r\nHost: x\r\nContent-Type: {media}\r\n{lines}"
    if not chunked:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    pieces = [chunk(body[at : at + chunked]) for at in range(0, len(body), chunked)]
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"".join(pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("chunked", [0, 1, 50])
@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize("kind", [*ENCODED, *WRAPPED])
async def test_the_key_decides_and_the_octets_go_on(tmp_path: Path, kind: str, coding: str, chunked: int) -> None:
    media, write = (ENCODED | WRAPPED)[kind]
    messages = [write(with_key(key).replace(SOAP_11, SOAP_12 if "soap+xml" in media else SOAP_11)) for key in KEYS]
    bodies = [gzip.compress(message) for message in messages] if coding else messages
    fields = [f"Content-Encoding: {coding}"] if coding else []
    legacy, modern = Tap(), Tap()
    async with facade(tmp_path, legacy=legacy.side, modern=modern.side) as world:
        world.use(RULES)
        ended = watch(world)
        sent = b"".join(post(body, media, *fields, chunked=chunked) for body in bodies)
        found = answers(await world.exchange(sent, half_close=True))
        decided = [str(decide(world.server.ruleset, "address/change", key).side) for key in KEYS]

    assert [answer.status for answer in found] == [200] * len(KEYS)
    assert [each.key for each in ended] == KEYS
    assert set(decided) == {"legacy", "modern"}
    for tap, name in ((legacy, "legacy"), (modern, "modern")):
        assert [each.body for each in tap.requests] == [
            body for body, side in zip(bodies, decided, strict=True) if side == name
        ]


UNREADABLE = {
    "nothing": (b"", "text/xml", "malformed"),
    "blanks": (b" \r\n", "text/xml", "malformed"),
    "a byte order mark": (b"\xef\xbb\xbf", "text/xml", "malformed"),
    "UTF-32": (with_key("1").encode("utf-32"), "text/xml", "malformed"),
    "EBCDIC": (declared("cp037", "cp037")(with_key("1")), "text/xml", "malformed"),
    "UTF-7": (with_key("1").encode(), "text/xml; charset=utf-7", "charset"),
    "ISO-8859-1 that nobody declares": (with_key("Åse").encode("latin-1"), "text/xml", "malformed"),
    "a root in base64": (
        parts(head="Content-Transfer-Encoding: base64\r\n")(with_key("1")), RELATED, "multipart",
    ),
    "no root": (parts()(with_key("1")), RELATED.replace("<root>", "<none>"), "multipart"),
    "an Envelope without a Body": (f'<s:Envelope xmlns:s="{SOAP_11}"/>'.encode(), "text/xml", "envelope"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("chunked", [0, 3])
async def test_what_can_not_be_read_is_refused_and_reaches_nobody(tmp_path: Path, kind: str, chunked: int) -> None:
    body, media, reason = UNREADABLE[kind]
    legacy, modern = Tap(), Tap()
    async with facade(tmp_path, legacy=legacy.side, modern=modern.side) as world:
        world.use(RULES)
        ended = watch(world)
        [answer] = answers(await world.exchange(post(body, media, chunked=chunked), half_close=True))

    assert answer.status in {415, 500}
    assert [each.error for each in ended] == [reason]
    assert legacy.requests == modern.requests == []


MOVED = "<ChangeAddress xmlns='urn:x'><residentId>{}</residentId></ChangeAddress>"
EMPTY = ["", " ", "<!-- nothing -->\n", "<?nothing?>"]


@pytest.mark.parametrize("inner", EMPTY)
async def test_an_empty_body_is_no_call_of_a_route_and_goes_to_legacy_as_it_is(tmp_path: Path, inner: str) -> None:
    body = envelope(inner).encode()
    legacy = Tap()
    async with facade(tmp_path, legacy=legacy.side) as world:
        world.use({"address": RULES["address"] | {"share": 10_000}})
        sent = post(body, "text/xml") + post(body, "text/xml", 'SOAPAction: "urn:x/Ping"')
        found = answers(await world.exchange(sent, half_close=True))

    assert [answer.status for answer in found] == [200, 200]
    assert [each.body for each in legacy.requests] == [body, body]


@pytest.mark.parametrize("inner", [*EMPTY, "<Other xmlns='urn:x'/>", "<a/><ChangeAddress xmlns='urn:x'/>"])
@pytest.mark.parametrize(
    ("media", "field"),
    [
        ("text/xml", ACTION),
        ("text/xml", "SOAPAction: urn:x/ChangeAddress"),
        ("text/xml", "SOAPAction: ChangeAddress"),
        ('application/soap+xml; action="urn:x/ChangeAddress"', "X: y"),
        ("application/soap+xml", ACTION),
        ('application/soap+xml; action="urn:x/Ping"', ACTION),
    ],
)
async def test_the_action_of_a_route_without_its_operation_in_the_body_is_refused(
    tmp_path: Path, inner: str, media: str, field: str
) -> None:
    """A server that goes by the action would do it, on the side that was not decided on."""
    version = SOAP_12 if "soap+xml" in media else SOAP_11
    body = envelope(inner, version=version).encode()
    legacy, modern = Tap(), Tap()
    async with facade(tmp_path, legacy=legacy.side, modern=modern.side) as world:
        world.use(RULES)
        ended = watch(world)
        found = answers(await world.exchange(post(body, media, field) * 4, half_close=True))

    assert {answer.status for answer in found} == {500 if version == SOAP_11 else 400}
    assert [each.error for each in ended] == ["action"] * 4
    assert legacy.requests == modern.requests == []


@pytest.mark.parametrize("second", ["<z/>", "<multiRef id='a'/>", MOVED.format("Elfrun")])
async def test_of_two_children_of_the_body_the_first_is_the_call_and_both_go_on(tmp_path: Path, second: str) -> None:
    bodies = [envelope(MOVED.format(key) + second).encode() for key in KEYS]
    legacy, modern = Tap(), Tap()
    async with facade(tmp_path, legacy=legacy.side, modern=modern.side) as world:
        world.use(RULES)
        ended = watch(world)
        await world.exchange(b"".join(post(body, "text/xml", ACTION) for body in bodies), half_close=True)

    assert [each.key for each in ended] == KEYS
    assert sorted(each.body for tap in (legacy, modern) for each in tap.requests) == sorted(bodies)


async def test_a_call_of_a_route_as_the_second_child_is_none(tmp_path: Path) -> None:
    body = envelope("<Other xmlns='urn:x'/>" + MOVED.format("Elfrun")).encode()
    legacy = Tap()
    async with facade(tmp_path, legacy=legacy.side) as world:
        world.use({"address": RULES["address"] | {"share": 10_000}})
        ended = watch(world)
        await world.exchange(post(body, "text/xml"), half_close=True)

    assert [each.route for each in ended] == [None]
    assert [each.body for each in legacy.requests] == [body]
