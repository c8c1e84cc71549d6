"""A registry of addresses behind a façade that captures its calls, and callers that change addresses, in turn each."""

import asyncio
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, final

import yaml

from contracts.errors import ConfigError, UnavailableError
from contracts.intercepted import InterceptedCall, unpack
from events.connection import Connection
from events.log import committed
from events.topics import intercept_topic
from tests.facade_process import Facade, running_facade
from tests.facade_wire import Message, Tap

__all__ = ["ROUTE", "Callers", "Changed", "Registry", "captured", "hub", "registry", "settings"]

ROUTE = "address/update"
RULES: Mapping[str, Any] = {
    "capabilities": {
        "address": {
            "salt": "s",
            "routes": {
                "update": {
                    "soap": "{urn:banyan:example:addresses}UpdateAddress",
                    "key": {"xpath": "Body/UpdateAddress/residentId"},
                    "legacy": "legacy",
                    "modern": "modern",
                }
            },
        }
    }
}
ADAPTER = """
from adapters import soap_intercept

adapter = soap_intercept.Adapter.example().configured({"once": False})
"""
_ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{}</e:Body></e:Envelope>'
_NS = 'xmlns="urn:banyan:example:addresses"'
_PATIENCE_SECONDS = 30.0


@final
class Registry:
    """The legacy system: counts the changes of each resident; who is called `0` is not known to it."""

    def __init__(self) -> None:
        self.versions = Counter[str]()
        self.tap = Tap(answer=self._answer)

    def _answer(self, request: Message) -> bytes:
        found = re.search(rb"<residentId>([^<]*)<", request.body)
        resident = "" if found is None else found[1].decode()
        if resident == "0":
            detail = f"<UnknownResident {_NS}><residentId>0</residentId></UnknownResident>"
            fault = f"<faultcode>e:Client</faultcode><faultstring>unknown</faultstring><detail>{detail}</detail>"
            return _http("500 Internal Server Error", f"<e:Fault>{fault}</e:Fault>")
        self.versions[resident] += 1
        version = f"<version>{self.versions[resident]}</version>"
        return _http("200 OK", f"<UpdateAddressResponse {_NS}>{version}</UpdateAddressResponse>")


def _http(status: str, body: str) -> bytes:
    said = _ENVELOPE.format(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {len(said)}\r\n\r\n"
    return head.encode() + said


@asynccontextmanager
async def registry() -> AsyncGenerator[tuple[Registry, int]]:
    """Run the registry until the block ends; gives its port, too."""
    made = Registry()
    server = await asyncio.start_server(made.tap.side.serve, "127.0.0.1", 0)
    async with server:
        yield made, server.sockets[0].getsockname()[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A call that was answered."""

    request_id: str
    resident: str
    version: int


@final
class Callers:
    """Threads, each of which changes the addresses of its own residents, one call after the other."""

    def __init__(self, address: str, *, threads: int = 6, pause: float = 0.01) -> None:
        self.address, self._pause = address, pause
        self.answered: list[Changed] = []
        self.failed = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(1, threads + 1)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each end the call that it has begun."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_PATIENCE_SECONDS)

    async def more(self, calls: int) -> None:
        """Wait until so many more calls were answered."""
        goal = len(self.answered) + calls
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while len(self.answered) < goal:
                await asyncio.sleep(0.02)

    def _call(self, resident: int) -> None:
        count = 0
        while not self._stop.wait(self._pause):
            count += 1
            try:
                self.answered.append(call(self.address, f"{resident}", f"call-{resident}-{count:06d}", street=count))
            except (OSError, HTTPException, ValueError):
                self.failed += 1


def call(address: str, resident: str, request_id: str, *, street: int = 1) -> Changed:
    """Change an address, on a connection of its own.

    Raises:
        ValueError: The answer is a fault.
    """
    place = f"<address><street>Elm Street {street}</street><city>Ljubljana</city></address>"
    body = _ENVELOPE.format(f"<UpdateAddress {_NS}><residentId>{resident}</residentId>{place}</UpdateAddress>")
    connection = HTTPConnection(address, timeout=10)
    try:
        connection.request(
            "POST", "/addresses", body.encode(), {"Content-Type": "text/xml", "X-Request-Id": request_id}
        )
        answer = connection.getresponse().read()
    finally:
        connection.close()
    found = re.search(rb"<version>([0-9]+)<", answer)
    if found is None:
        raise ValueError("a fault")
    return Changed(request_id=request_id, resident=resident, version=int(found[1]))


def settings(port: int, kafka: Connection, namespace: str, **intercept: Any) -> dict[str, Any]:
    """Return what `running_facade` is told."""
    side = {"url": f"http://127.0.0.1:{port}"}
    return {
        "facade": {
            "backends": {"legacy": side, "modern": side},
            "intercept": {"routes": {ROUTE: {}}, **intercept},
        },
        "rules": RULES,
        "kafka": kafka.model_dump(mode="json"),
        "namespace": namespace,
    }


@asynccontextmanager
async def facade(folder: Path, told: Mapping[str, Any]) -> AsyncGenerator[Facade]:
    """Run the façade until the block ends."""
    async with running_facade(folder, **told) as running:
        yield running


@contextmanager
def hub(folder: Path, kafka: Connection, namespace: str) -> Generator[Popen[bytes]]:
    """Run the adapter with `banyan run` for the block; the block may have ended it."""
    folder.mkdir(exist_ok=True)
    (folder / "moves.py").write_text(ADAPTER)
    told = {
        "namespace": namespace,
        "kafka": kafka.model_dump(mode="json"),
        "data": str(folder / "data"),
        "adapters": {"files": [str(folder / "moves.py")]},
    }
    (folder / "hub.yaml").write_text(yaml.safe_dump(told))
    banyan = str(Path(sys.executable).with_name("banyan"))
    process = Popen([banyan, "-c", str(folder / "hub.yaml"), "run"], stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=30)
    assert process.returncode in {0, -signal.SIGKILL}, complaints.decode()


async def captured(kafka: Connection, namespace: str) -> Sequence[InterceptedCall]:
    """Return the captured calls that are in Kafka, in their order."""
    try:
        records = [each async for each in committed(kafka, intercept_topic(namespace, ROUTE).name)]
    except (ConfigError, UnavailableError):
        return []
    return [call for record in records for call in unpack(record.value or b"")]
