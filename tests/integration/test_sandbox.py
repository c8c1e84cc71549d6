"""The sandbox over HTTP: dispatch, refusals, the contract that it serves, and the connection itself."""

import asyncio
import logging
import re
from typing import Any

import pytest
import requests
import zeep
from zeep.exceptions import Fault

from contracts.legacy.soap.contract.bundle import gather
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.validity import problems
from tests.sandboxes import TNS, body_of, enveloped, own, post, said, sandbox

LIST = f'<List xmlns="{TNS}"><limit>5</limit></List>'
TOUCH = f'<Touch xmlns="{TNS}">R12345678</Touch>'


async def test_an_answer_is_valid_and_the_same_for_the_same_request() -> None:
    contract, schemas = own("registry.wsdl")
    output = contract.ports[0][1].operations["List"].output
    assert output is not None

    async with sandbox() as running:
        answers = [await post(running.url, LIST) for _ in range(2)]
        other = await post(running.url, LIST.replace("5", "6"))

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content != other.content
    assert answers[0].headers["Content-Type"] == "text/xml; charset=utf-8"
    assert [*problems(schemas, output, [body_of(answers[0])])] == []
    assert running.calls == {("List", "answer"): 3}


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (
            LIST,
            {"SOAPAction": f'"{TNS}/Move"'},
            f"action '{TNS}/Move': expected List, as the Body says, found an action",
        ),
        (f'<Nothing xmlns="{TNS}"/>', {}, f"Body: expected one of .*, found {{{TNS}}}Nothing"),
        ("", {}, "Body: expected one of .*, found nothing"),
        (LIST.replace("5", "5000"), {}, "List/.*limit: .*1000"),
        (LIST + LIST, {}, "Body: expected 1 child, found 2"),
        (
            (
                f'<List xmlns="{TNS}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
                '<limit i:type="zz:q q">5</limit></List>'
            ),
            {},
            "List: expected what can be read by the contract",
        ),
        (f'<List xmlns="{TNS}">{"<a/>" * 10_000}</List>', {}, "List: expected at most 10000 elements, found more"),
        (f'<List xmlns="{TNS}"><limt>5</limt></List>', {}, "List: Unexpected child with tag .*limt"),
        (b"<s:Envelope", {}, "expected well-formed XML"),
        (b"", {}, "expected well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + enveloped(LIST), {}, "expected no DTD"),
        (LIST, {"Content-Type": "application/json"}, "Content-Type: expected text/xml .* found application/json"),
        (LIST, {"Content-Type": "application/soap+xml"}, "expected an envelope of SOAP 1.2, as Content-Type says"),
        (b"<html/>", {}, "expected a SOAP Envelope, found html"),
        (
            '<Count xmlns="urn:banyan:statistics"><city xmlns="">a</city></Count>',
            {},
            "Count: expected city, born, found city",
        ),
        (
            '<n:Count xmlns:n="urn:banyan:statistics"><city>a</city><born>x</born></n:Count>',
            {},
            "Count/born: expected a value of date, found 'x'",
        ),
    ],
)
async def test_what_the_contract_does_not_allow_is_a_fault_that_says_why(
    body: str | bytes, headers: dict[str, str], expected: str
) -> None:
    async with sandbox() as running:
        response = await post(running.url, body, headers=headers)

    assert response.status_code in {500, 415}
    code, text = said(response)
    assert code in {"soap:Client", "soap:VersionMismatch"}
    assert re.search(expected, text)


async def test_an_envelope_with_attachments_is_found_among_them() -> None:
    part = b"--b\r\nContent-Type: text/xml\r\n\r\n" + enveloped(LIST) + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/related; boundary=b"}
    async with sandbox() as running:
        right = await post(running.url, part, headers=headers)
        wrong = await post(running.url, b"--b--", headers=headers)

    assert right.status_code == 200
    assert said(wrong) == ("soap:Client", "expected multipart/related with parts, found none")


async def test_an_action_that_names_nothing_or_is_empty_does_not_matter() -> None:
    async with sandbox() as running:
        statuses = [
            (await post(running.url, LIST, headers={"SOAPAction": each})).status_code for each in ('""', "x", "")
        ]

    assert statuses == [200, 200, 200]


async def test_one_way_is_accepted_without_a_body() -> None:
    async with sandbox() as running:
        response = await post(running.url, TOUCH)

    assert (response.status_code, response.content) == (202, b"")


async def test_soap_1_2_has_its_own_media_type_and_shape_of_faults() -> None:
    async with sandbox() as running:
        address = next(each for each in running.addresses if each.endswith("/RegistryService/Registry12"))
        right = await post(address, LIST, version="1.2")
        wrong = await post(address, TOUCH, version="1.2")

    assert (right.status_code, right.headers["Content-Type"]) == (200, "application/soap+xml; charset=utf-8")
    fault = body_of(wrong)
    assert wrong.status_code == 400
    assert fault.findtext("{*}Code/{*}Value") == "soap:Sender"
    assert "found {urn:banyan:registry}Touch" in (fault.findtext("{*}Reason/{*}Text") or "")


async def test_a_port_answers_its_own_operations_alone() -> None:
    async with sandbox() as running:
        [statistics] = [each for each in running.addresses if "Statistics" in each]
        refused = await post(statistics, LIST)
        nowhere = await post(running.url + "nowhere", LIST)

    assert "expected one of {urn:banyan:statistics}Count" in said(refused)[1]
    assert nowhere.status_code == 404
    assert b"/RegistryService/Registry11" in nowhere.content


async def test_the_contract_that_is_served_leads_to_itself_alone() -> None:
    async with sandbox() as running:

        def read() -> list[str]:
            with requests.Session() as session:
                bundle = gather(
                    running.url + "?wsdl",
                    root=running.url,
                    fetch=lambda url: session.get(url, timeout=30).content,
                    catalog=lambda _uri, _namespace: None,
                )
            assert (bundle.missing, build(bundle).errors) == ((), ())
            assert len(bundle.documents) == 3
            return [port.address or "" for service, port in read_contract(bundle).ports if service is not None]

        found = await asyncio.to_thread(read)

        assert found == [each for each in running.addresses if "/RegistryService/" in each]


async def test_the_contract_names_the_host_that_was_asked() -> None:
    async with sandbox() as running:
        asked = "GET /?singleWsdl HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"
        named = await talk(running.url, asked.format("registry.example:81").encode())
        odd = await talk(running.url, asked.format("'&lt;").encode())

    assert b'location="http://registry.example:81/RegistryService/Registry11"' in named
    assert f'location="{running.url}RegistryService/Registry11"'.encode() in odd


async def test_zeep_calls_every_operation(caplog: pytest.LogCaptureFixture) -> None:
    library: Any = zeep  # it has no types
    caplog.set_level(logging.CRITICAL, "zeep")  # it can't read a union, and says so
    async with sandbox() as running:

        def call() -> None:
            with requests.Session() as session:
                transport = library.Transport(session=session)
                first = library.Client(running.url + "?wsdl", transport=transport)
                second = library.Client(running.url + "?wsdl", transport=transport, port_name="Registry12")
                address = {"street": "Lime Street 1", "city": "Linz", "postcode": "1"}

                assert first.service.List(limit=5).resident
                assert first.service.Move(id="R12345678", address=address).id.startswith("R")
                assert first.service.Touch("R12345678") is None
                assert second.service.List(limit=7).complete in {True, False}
                statistics = first.create_service("{urn:banyan:registry}Statistics11", running.url + "Statistics11")
                assert statistics.Count(city="Linz", born="1990-01-01") > 0
                with pytest.raises(Fault, match="value doesn't match any pattern"):
                    first.service.Touch("X")

        await asyncio.to_thread(call)

    assert {name for name, _ in running.calls if name} == {"List", "Move", "Touch", "Count"}


async def talk(url: str, sent: bytes, *, until: bytes = b"") -> bytes:
    """Send bytes on one connection, and return all that comes back until it ends."""
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    answer = await (reader.readuntil(until) if until else reader.read())
    writer.close()
    await writer.wait_closed()
    return answer


def head(*more: str, close: bool = True) -> bytes:
    last = ["Connection: close"] if close else []
    return "\r\n".join(["POST / HTTP/1.1", "Host: a", "Content-Type: text/xml", *more, *last, "", ""]).encode()


async def test_bodies_may_come_in_chunks_and_after_a_hundred_continue() -> None:
    data = enveloped(LIST)
    chunked = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, data[:10], len(data) - 10, data[10:])
    async with sandbox() as running:
        first = await talk(running.url, head("Transfer-Encoding: chunked") + chunked)
        second = await talk(running.url, head("Expect: 100-continue", f"Content-Length: {len(data)}") + data)

    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert second.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


async def test_a_connection_is_kept_and_requests_on_it_are_answered_in_order() -> None:
    data, touch = enveloped(LIST), enveloped(TOUCH)
    sent = head(f"Content-Length: {len(data)}", close=False) + data + head(f"Content-Length: {len(touch)}") + touch
    async with sandbox() as running:
        answer = await talk(running.url, sent)

    assert answer.index(b"HTTP/1.1 200 OK") < answer.index(b"HTTP/1.1 202 Accepted")
    assert b"Connection: keep-alive" in answer


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"no HTTP\r\n\r\n", b"HTTP/1.1 400 Bad Request"),
        (head("X: " + "x" * 70_000) + b"", b"HTTP/1.1 400 Bad Request"),
        (head("Content-Length: 17000000") + b"x" * 17_000_000, b"HTTP/1.1 413 "),
        (b"PUT / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 405 Method Not Allowed"),
        (b"GET /?else HTTP/1.1\r\nConnection: close\r\n\r\n", b"HTTP/1.1 404 Not Found"),
    ],
)
async def test_what_is_no_call_is_refused_and_bounded(sent: bytes, expected: bytes) -> None:
    async with sandbox() as running:
        answer = await talk(running.url, sent, until=b"\r\n")

    assert answer.startswith(expected)


async def test_calls_that_came_are_answered_before_it_ends() -> None:
    began, goes_on = asyncio.Event(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        began.set()
        await goes_on.wait()

    async with sandbox(scenario={"every": {"latency": {"least": 3}}}, sleep=sleep) as running:
        call = asyncio.create_task(post(running.url, LIST))
        await began.wait()
        asyncio.get_running_loop().call_later(0.05, goes_on.set)

    assert (await call).status_code == 200
