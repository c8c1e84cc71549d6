"""Callers that are not ours load a contract from the façade, and call through it by what they have read there."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
import zeep

from tests.command_line import banyan
from tests.facade_process import Facade, running_facade
from tests.facade_wire import Message, Tap
from tests.facade_world import Side
from tests.npm import installed
from tests.soap_clients import callers
from tests.wsdls import OWN, registry_alone

CLIENTS = Path(callers.__file__).parent
TYPES = "urn:banyan:registry:types"
RESIDENT = (
    "<r:resident><t:id>R00000001</t:id><t:name>Åse</t:name><t:born>1970-01-02</t:born><t:status>MOVED</t:status>"
    "<t:fee>1.50</t:fee><t:lastModified>2026-01-02T03:04:05Z</t:lastModified></r:resident>"
)  # fmt: skip
ANSWER = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    f'<r:ListResponse xmlns:r="urn:banyan:registry" xmlns:t="{TYPES}">{RESIDENT}<r:complete>true</r:complete>'
    "</r:ListResponse></s:Body></s:Envelope>"
).encode()
EXPECTED = {"residents": [{"id": "R00000001", "status": "MOVED"}], "complete": True}
RULES = {
    "namespaces": {"r": "urn:banyan:registry"},
    "capabilities": {
        "residents": {
            "salt": "residents-2026",
            "routes": {
                "list": {"soap": "r:List", "action": "urn:banyan:registry/List", "class": "safe",
                         "legacy": "legacy", "modern": "legacy"},
            },
        }
    },
}  # fmt: skip


def answered(request: Message) -> bytes:
    """Answer a call of List, and nothing else."""
    if not (request.start.startswith(b"POST /registry ") and b"<" in request.body and b"limit>5<" in request.body):
        return b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
    return head % len(ANSWER) + ANSWER


@asynccontextmanager
async def running(folder: Path) -> AsyncGenerator[tuple[Facade, Tap]]:
    tap = Tap(answer=answered)
    side: Side = tap.side
    server = await asyncio.start_server(side.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings: dict[str, Any] = {
        "backends": {"legacy": {"url": f"http://127.0.0.1:{port}"}},
        "listeners": {
            "main": {
                "address": "127.0.0.1:0",
                "legacy": "legacy",
                "contracts": {"/registry": {"wsdl": str(registry_alone(folder)), "ports": {"Registry12": "/registry"}}},
            }
        },
    }
    try:
        async with running_facade(folder, facade=settings, rules=RULES) as facade:
            yield facade, tap
    finally:
        server.close()
        for writer in side.writers:
            writer.close()


def by_zeep(wsdl: str) -> dict[str, Any]:
    library: Any = zeep
    with requests.Session() as session:
        session.trust_env = False
        client = library.Client(wsdl, transport=library.transports.Transport(session=session))
        found = client.service.List(limit=5)
    residents = [{"id": each["id"], "status": each["status"]} for each in found["resident"]]
    return {"residents": residents, "complete": found["complete"]}


async def program(*command: str, **environ: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **environ}
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode() + out.decode()
    found: dict[str, Any] = json.loads(out)
    return found


async def _zeep(wsdl: str) -> dict[str, Any]:
    return await asyncio.to_thread(by_zeep, wsdl)


async def _node(wsdl: str) -> dict[str, Any]:
    return await program("node", str(CLIENTS / "list.js"), wsdl, NODE_PATH=str(installed(CLIENTS) / "node_modules"))


async def _php(wsdl: str) -> dict[str, Any]:
    return await program("php", str(CLIENTS / "list.php"), wsdl)


LISTING: dict[str, Callable[[str], Any]] = {"zeep": _zeep, "node": _node, "php": _php}


async def test_three_callers_read_the_contract_from_the_facade_and_call_through_it(tmp_path: Path) -> None:
    reason = callers.unavailable()
    if reason is not None:
        pytest.skip(reason)
    async with running(tmp_path) as (facade, tap):
        address = facade.addresses["main"]
        for query in ("wsdl", "singleWsdl"):
            for caller, listing in LISTING.items():
                found = await listing(f"http://{address}/registry?{query}")

                assert found == EXPECTED, (caller, query)

    assert [each.start for each in tap.requests] == [b"POST /registry HTTP/1.1"] * 6
    assert {each.one(b"host").decode() for each in tap.requests} == {address}
    assert tap.broken == []


async def test_check_tells_of_contracts_that_can_not_be_served(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.wsdl").write_text("<html/>")
    listed = {
        "/fine": {"wsdl": str(OWN / "registry.wsdl")},
        "/empty": {"wsdl": str(tmp_path / "empty")},
        "/html": {"wsdl": str(tmp_path / "a.wsdl")},
        "/gone": {"wsdl": str(tmp_path / "b.wsdl")},
        "/port": {"wsdl": str(registry_alone(tmp_path)), "ports": {"Registry13": "/x"}},
    }
    listener = {"address": "127.0.0.1:0", "legacy": "old", "contracts": listed}
    facade = {"listeners": {"main": listener}, "backends": {"old": {"url": "http://127.0.0.1:9"}}}
    (tmp_path / "banyan.yaml").write_text(yaml.safe_dump({"data": str(tmp_path / "data"), "facade": facade}))

    ran = await asyncio.to_thread(banyan, "-c", str(tmp_path / "banyan.yaml"), "facade", "check", "--json")
    refused = await asyncio.to_thread(banyan, "-c", str(tmp_path / "banyan.yaml"), "facade", "run")

    found = {name.split()[1]: problems for name, problems in ran.json.items() if name.startswith("contract ")}
    assert found.pop("/fine") == []
    assert {path: problem.rpartition("expected ")[2] for path, [problem] in found.items() if path != "/gone"} == {
        "/empty": "one WSDL in this folder, found none; name the file",
        "/html": "a WSDL 1.1 document (wsdl:definitions), found an HTML page",
        "/port": "ports of Registry11, Registry12, found Registry13",
    }
    assert found["/gone"] == [f"{tmp_path / 'b.wsdl'}: No such file or directory"]
    assert refused.code == 2
    assert "listeners.main.contracts./html: " in refused.err
    assert refused.err.count("contracts./") == 4
