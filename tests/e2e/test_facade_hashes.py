"""What passed is on record: a signed message through `banyan facade run`, its hashes from `banyan route why`."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import requests

from events.connection import Connection
from tests.command_line import Ran, banyan
from tests.facade_process import Facade, running_facade
from tests.facade_wire import Message, Tap
from tests.signed import is_signed, signed

RULES = {
    "capabilities": {
        "address": {
            "salt": "s1",
            "share": 5_000,
            "routes": {
                "change": {
                    "soap": "{urn:x}ChangeAddress",
                    "key": {"xpath": "Body/ChangeAddress/residentId"},
                    "record_hashes": True,
                    "legacy": "legacy",
                    "modern": "modern",
                }
            },
        }
    }
}


def answered(request: Message) -> bytes:
    body = signed(f"<x:Done  xmlns:x='urn:x'>{is_signed(request.body)}</x:Done >").encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def call(address: str, body: bytes) -> tuple[str, bytes]:
    """Return the request id and the answer."""
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        found = session.post(f"http://{address}/registry", data=body, headers=headers, timeout=20)
    return found.headers["X-Request-Id"], found.content


async def why(facade: Facade, request_id: str) -> Ran:
    """Ask until the record is in Kafka."""
    command = ("-c", str(facade.config), "route", "why", request_id, "--json")
    async with asyncio.timeout(30):
        while True:
            ran = await asyncio.to_thread(banyan, *command)
            if ran.code == 0:
                return ran
            await asyncio.sleep(0.2)


async def test_the_hashes_of_a_signed_call_are_told_by_route_why(
    tmp_path: Path, embedded: Connection, namespace: str
) -> None:
    taps = {"legacy": Tap(answer=answered), "modern": Tap(answer=answered)}
    sides = {name: tap.side for name, tap in taps.items()}
    servers = [await asyncio.start_server(side.serve, "127.0.0.1", 0) for side in sides.values()]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    settings: dict[str, Any] = {
        "backends": {name: {"url": f"http://127.0.0.1:{port}"} for name, port in zip(sides, ports, strict=True)}
    }
    kafka = {"bootstrap_servers": embedded.bootstrap_servers, "embedded": True}
    try:
        async with running_facade(tmp_path, facade=settings, rules=RULES, kafka=kafka, namespace=namespace) as facade:
            for key in range(1, 9):
                body = signed(
                    f"<x:ChangeAddress xmlns:x='urn:x'\n><x:residentId>{key}</x:residentId></x:ChangeAddress>"
                )
                request_id, answer = await asyncio.to_thread(call, facade.addresses["main"], body.encode())
                ran = await why(facade, request_id)

                assert is_signed(answer)
                assert b">True<" in answer
                assert ran.json["request_sha256"] == hashlib.sha256(body.encode()).hexdigest()
                assert ran.json["answer_sha256"] == hashlib.sha256(answer).hexdigest()
                told = ran.json["explanation"]
                assert f"The request's body has the sha256 {ran.json['request_sha256']}." in told
                assert f"The answer's body has the sha256 {ran.json['answer_sha256']}." in told
    finally:
        for server in servers:
            server.close()
        for writer in (writer for side in sides.values() for writer in side.writers):
            writer.close()

    assert all(tap.requests for tap in taps.values())
