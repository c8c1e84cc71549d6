"""The façade answers for the contracts that it serves, with the address at which it was asked; all else goes on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.legacy.soap.served import Page as Written
from contracts.legacy.soap.served import serve
from routers.facade.ended import Outcome
from routers.facade.serving.contract import Contract, Page
from tests.facade_wire import Message, Tap, answers, statuses, tapped, watch
from tests.facade_world import World
from tests.wsdls import OWN, bundle_of

WRITTEN = serve(bundle_of(OWN / "registry.wsdl"), "/registry").pages


def contract(written: dict[str, Written]) -> Contract:
    return Contract({query: Page(page.pieces, page.codec) for query, page in written.items()})


@asynccontextmanager
async def serving(folder: Path, **settings: Any) -> AsyncGenerator[tuple[World, Tap]]:
    contracts = {"/registry": contract({**WRITTEN}), "/split": contract({"wsdl": WRITTEN["wsdl"]})}
    async with tapped(folder, contracts=contracts, **settings) as (world, tap):
        yield world, tap


def get(target: str, *fields: str, host: str = "hub.example", method: str = "GET") -> bytes:
    lines = "".join(f"{field}\r\n" for field in fields)
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode()


async def asked(world: World, *requests: bytes, method: bytes = b"GET") -> list[Message]:
    return answers(await world.exchange(b"".join(requests), half_close=True), method=method)


def page(query: str, address: str = "http://hub.example") -> bytes:
    return WRITTEN[query].at(address)


@pytest.mark.parametrize(
    ("query", "served"),
    [
        ("wsdl", "wsdl"),
        ("WSDL", "wsdl"),
        ("Wsdl", "wsdl"),
        ("wsdl=", "wsdl"),
        ("wsdl=registry.wsdl", "wsdl"),
        ("xsd=types/resident.xsd", "xsd=types/resident.xsd"),
        ("XSD=types%2fcodes.xsd", "xsd=types/codes.xsd"),
        ("singleWsdl", "singlewsdl"),
        ("singlewsdl", "singlewsdl"),
    ],
)
async def test_documents_are_served_in_any_case(tmp_path: Path, query: str, served: str) -> None:
    async with serving(tmp_path) as (world, tap):
        [answer] = await asked(world, get(f"/registry?{query}"))

    assert (answer.status, answer.body) == (200, page(served))
    assert answer.one(b"content-type") == b"text/xml; charset=utf-8"
    assert tap.requests == []


@pytest.mark.parametrize(
    "request_",
    [
        get("/registry"),
        get("/registry?wsd"),
        get("/registry?wsdl&v=2"),
        get("/registry?xsd"),
        get("/registry?singleWsdl=1"),
        get("/registry?disco"),
        get("/registry/?wsdl"),
        get("/Registry?wsdl"),
        get("/other?wsdl"),
        get("/registry?wsdl", "Content-Length: 1") + b"x",
        get("/registry?wsdl", method="DELETE"),
        get("/registry?wsdl", "Content-Length: 0", method="POST"),
    ],
)
async def test_what_is_no_request_for_a_contract_goes_on_as_before(tmp_path: Path, request_: bytes) -> None:
    async with serving(tmp_path) as (world, tap):
        [answer] = await asked(world, request_)

    assert (answer.status, answer.body) == (200, b"ok")
    assert [each.target for each in tap.requests] == [request_.split(b" ")[1]]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/registry?xsd=../registry.wsdl", b'"document"'),
        ("/registry?xsd=types/codes.xsd%00", b'"document"'),
        ("/registry?xsd=registry.wsdl", b'"document"'),
        ("/registry?wsdl=1", b'"document"'),
        ("/split?singleWsdl", b'"single_wsdl"'),
    ],
)
async def test_what_the_contract_lacks_is_answered_with_404_and_its_reason(
    tmp_path: Path, target: str, reason: bytes
) -> None:
    async with serving(tmp_path) as (world, tap):
        ended = watch(world)
        [answer] = await asked(world, get(target))

    assert answer.status == 404
    assert answer.one(b"content-type") == b"application/problem+json"
    assert b"ask for ?wsdl" in answer.body
    assert reason in answer.body
    assert tap.requests == []
    assert [(each.outcome, each.status) for each in ended] == [(Outcome.REFUSED, 404)]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("hub.example:8443", "http://hub.example:8443"),
        ("127.0.0.1:80", "http://127.0.0.1:80"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("a_b-c.example.", "http://a_b-c.example."),
    ],
)
async def test_the_address_is_the_one_that_the_caller_used(tmp_path: Path, host: str, address: str) -> None:
    async with serving(tmp_path) as (world, _):
        [answer] = await asked(world, get("/registry?wsdl", host=host))

    assert answer.body == page("wsdl", address)
    assert f'location="{address}/registry12"'.encode() in answer.body


@pytest.mark.parametrize(
    "host", ["", "a'b", "a&b", "a%22", "a:99999", "a:0", "[::g]", "[1.2.3.4]", "-a", "a..:", "a(b)", "x" * 300]
)
async def test_a_host_that_can_not_be_is_refused_and_never_told_to_anybody(tmp_path: Path, host: str) -> None:
    async with serving(tmp_path) as (world, tap):
        data = await world.exchange(get("/registry?wsdl", host=host), half_close=True)

    assert statuses(data) == [400]
    assert b'"host"' in data
    assert tap.requests == []


FORWARDED = [
    (('Forwarded: for=1.2.3.4;proto=https;host="pub.example:444", for=2;host=no',), "https://pub.example:444"),
    (("Forwarded: Host=pub.example;Proto=HTTPS", "X-Forwarded-Host: no.example"), "https://pub.example"),
    (("X-Forwarded-Proto: https, http", "X-Forwarded-Host: pub.example, hub"), "https://pub.example"),
    (("X-Forwarded-Proto: https",), "https://hub.example"),
    (("X-Forwarded-Prefix: /api/v1/",), "http://hub.example/api/v1"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "address"), FORWARDED)
async def test_what_a_proxy_says_counts_on_a_listener_that_trusts_it_alone(
    tmp_path: Path, fields: tuple[str, ...], address: str
) -> None:
    async with serving(tmp_path, listener={"trusts_forwarded": True}) as (world, _):
        [trusted] = await asked(world, get("/registry?wsdl", *fields))
    async with serving(tmp_path) as (world, _):
        [other] = await asked(world, get("/registry?wsdl", *fields))

    assert trusted.body == page("wsdl", address)
    assert trusted.one(b"vary").startswith(b"Forwarded, ")
    assert other.body == page("wsdl")
    assert other.all(b"vary") == []


@pytest.mark.parametrize(
    "field", ["Forwarded: proto=ftp", 'Forwarded: host="a\'b"', "X-Forwarded-Host: <a>", "X-Forwarded-Prefix: /a'b"]
)
async def test_what_a_trusted_proxy_can_not_mean_is_refused(tmp_path: Path, field: str) -> None:
    async with serving(tmp_path, listener={"trusts_forwarded": True}) as (world, _):
        [answer] = await asked(world, get("/registry?wsdl", field))

    assert answer.status == 400


async def test_a_document_that_the_caller_has_is_not_sent_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as (world, _):
        [first, other] = await asked(world, get("/registry?wsdl"), get("/registry?wsdl", host="b.example"))
        tag = first.one(b"etag").decode()
        known = [f"If-None-Match: {each}" for each in (tag, f'"x", W/{tag}', "*")]
        again = await asked(world, *(get("/registry?wsdl", each) for each in known))
        [changed] = await asked(world, get("/registry?wsdl", f"If-None-Match: {tag}", host="b.example"))

    assert [(each.status, each.body, each.one(b"etag").decode()) for each in again] == [(304, b"", tag)] * 3
    assert other.one(b"etag") != first.one(b"etag")
    assert changed.status == 200
    assert first.one(b"cache-control") == b"no-cache"


async def test_head_says_the_same_without_the_document(tmp_path: Path) -> None:
    async with serving(tmp_path) as (world, _):
        [whole] = await asked(world, get("/registry?wsdl"))
        [head] = await asked(world, get("/registry?wsdl", method="HEAD"), method=b"HEAD")
        [lacking] = await asked(world, get("/registry?wsdl=x", method="HEAD"), method=b"HEAD")

    names = {b"content-length", b"content-type", b"etag", b"cache-control"}
    said = [[field for field in each.fields if field[0] in names] for each in (whole, head)]
    assert said[0] == said[1]
    assert int(head.one(b"content-length")) == len(page("wsdl"))
    assert lacking.status == 404


async def test_one_connection_takes_contracts_and_calls_in_turn(tmp_path: Path) -> None:
    async with serving(tmp_path) as (world, tap):
        ended = watch(world)
        call = get("/registry", "Content-Length: 3", "Content-Type: text/xml", method="POST") + b"<a>"
        sent = [get("/registry?wsdl"), call, get("/registry?xsd=types/codes.xsd"), get("/registry?x"), call]
        found = await asked(world, *sent, get("/registry?wsdl", "Connection: close"))

    assert [each.body for each in found] == [
        page("wsdl"), b"ok", page("xsd=types/codes.xsd"), b"ok", b"ok", page("wsdl"),
    ]  # fmt: skip
    assert [each.target for each in tap.requests] == [b"/registry", b"/registry?x", b"/registry"]
    assert len({each.one(b"x-request-id") for each in found}) == 6
    assert found[-1].one(b"connection") == b"close"
    assert [(each.backend, each.attempts) for each in ended] == [
        (None, 0), ("legacy", 1), (None, 0), ("legacy", 1), ("legacy", 1), (None, 0),
    ]  # fmt: skip
    assert {each.outcome for each in ended} == {Outcome.ANSWERED}


async def test_a_caller_that_does_not_read_gets_all_documents_once_it_does(tmp_path: Path) -> None:
    size = 3_000_000
    large = Contract({"wsdl": Page([b"<a>" + b" " * size, b"</a>"], "utf-8")})
    async with tapped(tmp_path, contracts={"/large": large}) as (world, _):
        reader, writer = await world.connect()
        writer.write(get("/large?wsdl") * 8)
        writer.write_eof()
        await asyncio.sleep(0.2)
        data = await asyncio.wait_for(reader.read(), 20)
        writer.close()

    assert [len(each.body) for each in answers(data)] == [size + len("<a></a>http://hub.example")] * 8


async def test_http_1_0_gets_the_document_and_the_end_of_the_connection(tmp_path: Path) -> None:
    async with serving(tmp_path) as (world, _):
        data = await world.exchange(b"GET /registry?wsdl HTTP/1.0\r\nHost: old.example\r\n\r\n")
        nameless = await world.exchange(b"GET /registry?wsdl HTTP/1.0\r\n\r\n")

    assert answers(data)[0].body == page("wsdl", "http://old.example")
    assert statuses(nameless) == [400]


async def test_spans_of_a_served_contract_are_kept_like_those_of_calls(tmp_path: Path) -> None:
    async with serving(tmp_path, sample_ratio=1) as (world, _):
        ended = watch(world)
        traced = "traceparent: 00-" + "a" * 32 + "-" + "b" * 16 + "-01"
        await asked(world, get("/registry?wsdl", traced, "X-Request-Id: asked-by-me"))

    assert [(each.request_id, each.trace.trace_id, each.path) for each in ended] == [
        ("asked-by-me", "a" * 32, "/registry")
    ]
