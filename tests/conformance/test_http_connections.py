"""Connections through the façade: RFC 9112 section 9."""

import asyncio
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from tests.facade_wire import Message, Tap, answers, read_one, statuses, tapped, until
from tests.facade_world import facade

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSE = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ALL_BYTES = bytes(range(256)) * 3


async def test_pipelined_requests_are_answered_in_their_order(tmp_path: Path) -> None:
    """RFC 9112 section 9.3.2: with bodies of every framing, and many of them."""

    def named(request: Message) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(request.target), request.target)

    tap = Tap(answer=named)
    sent = b""
    for each in range(0, 300, 3):
        sent += b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % each
        sent += b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\nGET / HTTP/1.1" % (each + 1)
        sent += b"PUT /%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n" % (
            each + 2
        )
    async with facade(tmp_path, legacy=tap.side) as world:
        said = answers(await world.exchange(sent + b"GET /300 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))

    assert [each.body for each in said] == [b"/%d" % each for each in range(301)]
    assert [request.target for request in tap.requests] == [b"/%d" % each for each in range(301)]
    assert len(tap.seen) == 1


async def test_a_caller_that_half_closes_still_gets_its_answer(tmp_path: Path) -> None:
    """RFC 9112 section 9.6."""
    async with tapped(tmp_path) as (world, _):
        assert statuses(await world.exchange(GET, half_close=True)) == [200]


async def test_a_caller_that_half_closes_gets_all_that_it_asked_for(tmp_path: Path) -> None:
    """RFC 9112 sections 9.3.2 and 9.6."""
    async with tapped(tmp_path) as (world, _):
        assert statuses(await world.exchange(GET + GET + GET, half_close=True)) == [200] * 3


async def test_nothing_follows_close_in_a_request(tmp_path: Path) -> None:
    """RFC 9112 section 9.6: a request after it is not processed."""
    async with tapped(tmp_path) as (world, tap):
        [said] = answers(await world.exchange(CLOSE + GET))

    assert (said.one(b"connection"), len(tap.requests)) == (b"close", 1)


async def test_a_backend_that_closes_takes_no_caller_with_it(tmp_path: Path) -> None:
    """RFC 9112 section 9.6: each connection is its own."""
    async with tapped(tmp_path, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok") as (world, tap):
        said = answers(await world.exchange(GET + CLOSE))

    assert [each.all(b"connection") for each in said] == [[], [b"close"]]
    assert len(tap.seen) == 2


async def test_a_request_may_come_byte_by_byte(tmp_path: Path) -> None:
    async with tapped(tmp_path) as (world, tap):
        reader, writer = await world.connect()
        for octet in b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await read_one(reader)).status == 200
        writer.close()

    assert [request.body for request in tap.requests] == [b"abc"]


@pytest.mark.parametrize("name", [b"X-A", b"X.A", b"X|A", b"X%A", b"X%b"])
async def test_a_field_of_any_name_goes_on_however_often_it_is_repeated(tmp_path: Path, name: bytes) -> None:
    """RFC 9110 section 5.1: names are tokens; what was learnt of earlier requests changes nothing."""
    async with tapped(tmp_path) as (world, tap):
        reader, writer = await world.connect()
        for each in range(40):
            writer.write(b"POST /a HTTP/1.1\r\nHost: x\r\n%b: %d\r\nContent-Length: 0\r\n\r\n" % (name, each))
            assert (await read_one(reader)).status == 200
        writer.close()

    assert [request.all(name.lower()) for request in tap.requests] == [[b"%d" % each] for each in range(40)]


class _Echo(BaseHTTPRequestHandler):
    """Says what it was told, by chunks when it is asked for /chunks."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        if self.path == "/chunks":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"".join(b"1\r\n%c\r\n" % octet for octet in body) + b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _call(port: int) -> list[bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    got: list[bytes] = []
    for path in ("/length", "/chunks", "/length"):
        connection.request("POST", path, body=ALL_BYTES)
        got.append(connection.getresponse().read())
    connection.close()
    return got


async def test_a_client_and_a_server_of_others_understand_each_other_through_it(tmp_path: Path) -> None:
    """Python's own `http.client` and `http.server`, on one connection."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        backend = {"url": f"http://127.0.0.1:{server.server_port}"}
        async with facade(tmp_path, backend=backend) as world:
            assert await asyncio.to_thread(_call, world.port) == [ALL_BYTES] * 3
            await until(lambda: world.server.connections == 0)
        await asyncio.to_thread(server.shutdown)
