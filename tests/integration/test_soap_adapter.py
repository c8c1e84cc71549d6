"""The adapter over real HTTP, against servers in this process."""

import asyncio
import json
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from adapters import soap
from adapters._edge import impatient
from adapters.soap.http import HttpExchange
from adapters.soap.http import Request as SoapRequest
from contracts.errors import ConfigError, LegacyFaultError, LegacyUnavailableError
from contracts.event import Event, Personal, Public
from contracts.ports import Progress
from hub.demo.registry import WSDL, Registry, serve
from observability.testing import recorded_spans
from tests.certificates import certificates
from tests.polls import Hub, poll
from tests.soap_server import Reply, Script, serving

HEAD = '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>'
ITEM = "<resident><id>{}</id><name>Ada</name><address><city>Luftwurz</city></address></resident>"
FAULT = HEAD + "<Fault><faultcode>{}</faultcode><faultstring>said</faultstring></Fault></Body></Envelope>"


class ResidentRegistered(Event):
    type = "org.banyan.testing.resident.registered.v1"
    topic = "residents"
    resident_id: Public[str]
    name: Personal[str]
    city: Personal[str]


def _listing(*numbers: int) -> bytes:
    items = "".join(map(ITEM.format, numbers))
    return f"{HEAD}<ListResidentsResponse xmlns=''>{items}</ListResidentsResponse></Body></Envelope>".encode()


def _adapter(address: str, **changes: Any) -> soap.Adapter:
    config = soap.Config(
        name="residents",
        wsdl=str(WSDL),
        operation="ListResidents",
        endpoint=address,
        items=("ListResidentsResponse", "resident"),
        key=("id",),
        once=True,
    )
    mapping = {"resident_id": "id", "name": "name", "city": "address/city"}
    adapter = soap.Adapter(config, model=ResidentRegistered, key="resident_id", mapping=mapping)
    return adapter.configured(changes)


async def _polled(script: Script, **changes: Any) -> list[str]:
    with impatient():
        return [key for key, _, _ in await poll(_adapter(script.address, **changes), Hub())]


async def test_the_demo_registry_is_polled_through_its_changes() -> None:
    hub = Hub()
    registry = Registry(count=20)
    watermark = {"parameter": "modifiedSince", "field": "lastModified"}
    with serve(registry) as address:
        adapter = _adapter(address, wsdl=address + "?wsdl", endpoint=None, watermark=watermark, full_every=0)
        assert await adapter.check() == []
        assert len(await poll(adapter, hub)) == 20

        moved, removed = registry.move(3), registry.remove(2)
        changed = await poll(adapter, hub)

    assert {key for key, _, value in changed if value is None} == set(removed)
    assert {key for key, _, value in changed if value is not None} == set(moved) - set(removed)


async def test_the_request_is_signed_in_and_carries_the_trace() -> None:
    with serving(Reply(body=_listing(1))) as script, recorded_spans() as spans:
        hub = Hub()
        await poll(_adapter(script.address, credentials={"user": "hub", "password": "secret"}), hub)
    ((headers, body),) = script.asked

    names = {span.name: span for span in spans}
    call_id = f"{names['call ListResidents'].get_span_context().span_id:016x}"  # type: ignore[union-attr] # ended spans have one
    assert headers["Authorization"] == "Basic aHViOnNlY3JldA=="
    assert headers["SOAPAction"] == '"urn:banyan:demo:registry#ListResidents"'
    assert headers["traceparent"].split("-")[2] == call_id
    assert hub.batches[0].traceparent is not None
    assert hub.batches[0].traceparent.split("-")[1] == headers["traceparent"].split("-")[1]
    assert b"ListResidents" in body


@pytest.mark.parametrize(
    "bad",
    [
        Reply(body=b"<html>Maintenance</html>", status=503, content_type="text/html"),
        Reply(status=502),
        Reply(body=FAULT.format("Server").encode(), status=500),
        Reply(body=_listing(1, 2), cut=10),
    ],
)
async def test_what_may_be_better_next_time_is_tried_again(bad: Reply) -> None:
    with serving(bad, bad, Reply(body=_listing(1))) as script:
        assert await _polled(script) == ["1"]
    assert len(script.asked) == 3


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (Reply(body=b"<html>Sorry</html>", status=503, content_type="text/html"), "HTTP 503 text/html: .*found HTML"),
        (Reply(status=502), "HTTP 502 .*found an empty body"),
        (Reply(body=_listing(1, 2), cut=10), "HTTP 200 .*well-formed"),
    ],
)
async def test_when_patience_ends_the_last_reason_is_told(bad: Reply, told: str) -> None:
    with serving(bad, bad) as script, pytest.raises(LegacyUnavailableError, match=told):
        await _polled(script, patience={"attempts": 2})


async def test_a_fault_of_the_client_ends_it_at_once() -> None:
    fault = Reply(body=FAULT.format("Client").encode(), status=500)

    with serving(fault) as script, pytest.raises(LegacyFaultError, match="residents: fault Client: said"):
        await _polled(script)


async def test_a_server_that_stops_in_the_middle_does_not_hold_us_up() -> None:
    never = threading.Event()
    hasty = {"attempts": 1, "timeout": timedelta(milliseconds=100)}
    with serving(Reply(body=_listing(*range(9)), wait=never)) as script:
        with pytest.raises(LegacyUnavailableError, match="TimeoutError"):
            await _polled(script, patience=hasty)
        never.set()


async def test_who_stops_reading_gets_free_of_a_server_that_hangs() -> None:
    never = threading.Event()
    with serving(Reply(body=_listing(*range(9)), wait=never)) as script:
        batches = _adapter(script.address).read(Progress())
        first = asyncio.ensure_future(anext(batches))
        while not script.asked:
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        never.set()


def test_an_exchange_that_is_closed_while_its_answer_arrives_leaves_no_socket_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    responses: list[HTTPResponse] = []
    receive = HTTPConnection.getresponse

    def closed_meanwhile(connection: HTTPConnection) -> HTTPResponse:
        responses.append(receive(connection))
        exchange.close()
        return responses[0]

    monkeypatch.setattr(HTTPConnection, "getresponse", closed_meanwhile)
    with serving(Reply(body=_listing(1))) as script:
        exchange = HttpExchange(SoapRequest(url=script.address, body=b"<a/>"), timedelta(seconds=5))
        with pytest.raises(ConnectionAbortedError):
            exchange.send()

    assert responses[0].isclosed()


async def test_a_reply_that_is_cut_off_late_is_read_again_and_nothing_is_doubled() -> None:
    numbers = range(5000)
    cut = Reply(body=_listing(*numbers), cut=50)
    hub = Hub()
    with serving(cut, Reply(body=_listing(*numbers))) as script:
        adapter = _adapter(script.address, chunk_items=100)
        with pytest.raises(LegacyUnavailableError):
            await poll(adapter, hub)
        before = len(hub.events)
        await poll(adapter, hub)

    assert 0 < before < 5000
    assert sorted(int(key) for key, _, _ in hub.events) == list(numbers)


async def test_a_contract_that_is_not_served_is_unavailable() -> None:
    with (
        serving(Reply(status=404)) as script,
        pytest.raises(LegacyUnavailableError, match="HTTP 404: expected the con"),
    ):
        await _polled(script, wsdl=script.address + "?wsdl", patience={"attempts": 1})


async def test_check_tells_what_the_server_says() -> None:
    with serving(Reply(body=b"no", status=403, content_type="text/plain")) as script:
        problems = await _adapter(script.address).check()

    assert problems == ["residents: not available: HTTP 403 text/plain: expected a SOAP reply, found no XML"]


async def test_a_poll_without_its_contract_says_so() -> None:
    with pytest.raises(ConfigError, match="No such file"):
        await poll(_adapter("http://127.0.0.1:1/", wsdl="nowhere.wsdl"), Hub())


def _post(address: str, body: bytes) -> tuple[int, bytes]:
    with urlopen(Request(address, data=body), timeout=10) as answer:  # noqa: S310 - a server of ours
        return answer.status, answer.read()


def test_the_demo_registry_runs_until_its_input_ends() -> None:
    command = [sys.executable, "-m", "hub.demo.registry"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        status, done = _post(address.removesuffix("/registry") + "/control", b'{"add": 1, "move": 2, "remove": 1}')
        process.stdin.close()

        assert process.wait(timeout=10) == 0
    assert status == 200
    assert {name: len(ids) for name, ids in json.loads(done).items()} == {"add": 1, "move": 2, "remove": 1}


@pytest.mark.parametrize("body", [b"no xml", b"<a/>", b"<ListResidents xmlns='urn:banyan:demo:registry'>"])
async def test_the_demo_registry_answers_nonsense_with_a_fault(body: bytes) -> None:
    with serve(Registry(count=1)) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.split(":")[2].split("/")[0]))
        writer.write(b"POST /registry HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert b" 500 " in answer
    assert b"s:Client" in answer


@pytest.mark.parametrize("request_line", [b"GET /other", b"POST /control"])
async def test_the_demo_registry_says_what_it_has(request_line: bytes) -> None:
    with serve(Registry(count=1)) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.split(":")[2].split("/")[0]))
        writer.write(request_line + b" HTTP/1.0\r\nContent-Length: 2\r\n\r\n[]")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert b"/registry?wsdl" in answer or b'{"add": 1' in answer


async def test_a_service_that_wants_our_certificate_gets_it(tmp_path: Path) -> None:
    files = certificates(tmp_path, "service", "hub")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files["service"])
    context.load_verify_locations(files["ca"][0])
    context.verify_mode = ssl.CERT_REQUIRED
    certificate, key = files["hub"]
    ours = {"ca": files["ca"][0], "certificate": certificate, "key": key}

    with serving(Reply(body=_listing(1)), tls=context) as script:
        published = await poll(_adapter(script.address, tls=ours), Hub())
        with impatient(), pytest.raises(LegacyUnavailableError, match="residents: not available"):
            await poll(_adapter(script.address, tls={"ca": files["ca"][0]}, patience={"attempts": 1}), Hub())
        with impatient(), pytest.raises(LegacyUnavailableError, match="SSLCertVerificationError"):
            await poll(_adapter(script.address, patience={"attempts": 1}), Hub())

    assert [key for key, _, _ in published] == ["1"]
    assert len(script.asked) == 1


def test_an_exchange_that_is_closed_while_it_is_read_ends_by_itself_or_with_an_error_of_the_connection() -> None:
    waits = threading.Event()
    with serving(*[Reply(body=b"x" * 500_000, wait=waits)] * 20) as script:
        for _ in range(20):
            exchange = HttpExchange(SoapRequest(url=script.address, body=b"a"), timedelta(seconds=5))
            exchange.send()
            closing = threading.Timer(0.005, exchange.close)
            closing.start()
            with suppress(OSError, HTTPException):
                read = b"".join(exchange.chunks())
                assert len(read) < 500_000
            closing.join()
        waits.set()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"endpoint": "http://127.0.0.1:1/soap?token=secret"},
            (
                "residents: not available: ConnectionRefusedError: Connection refused: http://127.0.0.1:1/soap "
                "(the adapter's endpoint)"
            ),
        ),
        (
            {"endpoint": None},
            (
                "residents: not available: ConnectionRefusedError: Connection refused: http://127.0.0.1:9/registry "
                "(the WSDL's own address; set endpoint to call another)"
            ),
        ),
    ],
)
async def test_who_does_not_answer_is_named_and_who_says_so(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    text = WSDL.read_text(encoding="utf-8")
    address = text.partition('<soap:address location="')[2].partition('"')[0]
    wsdl = tmp_path / "registry.wsdl"
    wsdl.write_text(text.replace(address, "http://127.0.0.1:9/registry"), encoding="utf-8")
    adapter = _adapter("http://127.0.0.1:1/", wsdl=str(wsdl), **changes)

    assert await adapter.check() == [told]
    with impatient(), pytest.raises(LegacyUnavailableError) as caught:
        await poll(adapter, Hub())
    assert str(caught.value) == told
