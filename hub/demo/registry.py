"""The demo's legacy system: a small SOAP registry of residents, in a process of its own.

`python -m hub.demo.registry` prints its address and serves until its input ends:

- `GET /registry?wsdl` is the contract, `POST /registry` the SOAP service,
- `POST /control` changes what it holds: `{"add": 1, "move": 3, "remove": 1}`, and tells whom that was.

Everybody in it is invented, and the same in every run.
"""

import json
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import ClassVar
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from typing_extensions import override

from contracts.legacy import xml

__all__ = ["WSDL", "Registry", "Resident", "serve"]

WSDL = Path(__file__).with_name("registry.wsdl")
_ADDRESS = "http://127.0.0.1/registry"
_NAMESPACE = "urn:banyan:demo:registry"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_SEED = 20260101
_COUNT = 200
_FIRST = ("Adelbrecht", "Brumhilde", "Corvina", "Dorwin", "Elfrun", "Fennimor", "Gundobert", "Hasselina")
_LAST = ("Ampfersack", "Birnstiel", "Distelfink", "Eulenspatz", "Fingerhut", "Grashalm", "Hollerbusch", "Igelkott")
_STREETS = ("Am Farnkraut", "Brombeergasse", "Feigenallee", "Moosweg", "Wurzelpfad")
_CITIES = ("Altfeigen", "Luftwurz", "Neubanyan", "Unterlaub")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """One entry of the registry."""

    id: str
    name: str
    street: str
    city: str
    born: date | None
    status: str
    modified: datetime

    def to_xml(self) -> str:
        """Return its element."""
        born = '<born xsi:nil="true"/>' if self.born is None else f"<born>{self.born}</born>"
        return (
            f"<resident><id>{escape(self.id)}</id><name>{escape(self.name)}</name>"
            f"<address><street>{escape(self.street)}</street><city>{escape(self.city)}</city></address>"
            f"{born}<status>{self.status}</status><lastModified>{self.modified.isoformat()}</lastModified></resident>"
        )


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Registry:
    """What the legacy system holds; safe for several threads."""

    def __init__(self, *, count: int = _COUNT, seed: int = _SEED, clock: Callable[[], datetime] = _utc_now) -> None:
        self._random, self._clock, self._lock = Random(seed), clock, threading.Lock()  # noqa: S311 - the same people in every run
        self._next = 1
        self._residents: dict[str, Resident] = {}
        self.add(count)

    def listed(self, since: datetime | None = None) -> list[Resident]:
        """Return who was modified at or after a point in time, or all."""
        with self._lock:
            return [r for r in self._residents.values() if since is None or r.modified >= since]

    def add(self, count: int) -> list[str]:
        """Register new residents and return their numbers."""
        with self._lock:
            return [self._put(self._invented()) for _ in range(count)]

    def move(self, count: int) -> list[str]:
        """Give residents another address and return their numbers."""
        with self._lock:
            moves = [(resident, self._home()) for resident in self._some(count)]
            return [self._put(replace(r, street=street, city=city)) for r, (street, city) in moves]

    def remove(self, count: int) -> list[str]:
        """Delete residents and return their numbers."""
        with self._lock:
            return [self._residents.pop(r.id).id for r in self._some(count)]

    def _some(self, count: int) -> list[Resident]:
        return self._random.sample(list(self._residents.values()), min(count, len(self._residents)))

    def _put(self, resident: Resident) -> str:
        self._residents[resident.id] = replace(resident, modified=self._clock())
        return resident.id

    def _home(self) -> tuple[str, str]:
        return f"{self._random.choice(_STREETS)} {self._random.randint(1, 99)}", self._random.choice(_CITIES)

    def _invented(self) -> Resident:
        number, self._next = self._next, self._next + 1
        chance, (street, city) = self._random.random(), self._home()
        return Resident(
            id=f"{number:08d}",
            name=f"{self._random.choice(_FIRST)} {self._random.choice(_LAST)}",
            born=None if chance < 0.05 else date(1930, 1, 1) + timedelta(days=self._random.randint(0, 32_000)),  # noqa: PLR2004 - a few have no known date
            status="closed" if chance > 0.9 else "active",  # noqa: PLR2004 - a few are closed
            street=street,
            city=city,
            modified=self._clock(),
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    registry: ClassVar[Registry]

    def do_GET(self) -> None:
        """Serve the contract."""
        if self.path.lower() != "/registry?wsdl":
            self._answer(404, "text/plain", b"there are: /registry?wsdl\n")
            return
        here = f"http://{self.headers.get('Host', '')}/registry"
        self._answer(200, "text/xml", WSDL.read_text("utf-8").replace(_ADDRESS, escape(here)).encode())

    def do_POST(self) -> None:
        """Serve the operation and the control path."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if urlsplit(self.path).path == "/control":
            self._control(body)
            return
        try:
            residents = self.registry.listed(_asked_since(body))
        except (xml.XmlError, ValueError) as error:
            self._answer(500, "text/xml", _envelope(_fault(str(error))))
            return
        items = "".join(map(Resident.to_xml, residents))
        reply = f'<ListResidentsResponse xmlns="{_NAMESPACE}">{items}</ListResidentsResponse>'
        self._answer(200, "text/xml", _envelope(reply))

    def _control(self, body: bytes) -> None:
        actions = {"add": self.registry.add, "move": self.registry.move, "remove": self.registry.remove}
        try:
            done = {name: actions[name](int(count)) for name, count in json.loads(body).items()}
        except (ValueError, KeyError, AttributeError, TypeError):
            self._answer(400, "text/plain", b'expected {"add": 1, "move": 3, "remove": 1}\n')
            return
        self._answer(200, "application/json", json.dumps(done).encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the demo's screen is for the hub."""


@contextmanager
def serve(registry: Registry) -> Generator[str, None, None]:
    """Serve a registry on a free port for the block; gives the address of its SOAP service."""
    handler = type("Handler", (_Handler,), {"registry": registry})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/registry"
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until the input ends."""
    with serve(Registry()) as address:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        sys.stdin.read()


def _asked_since(body: bytes) -> datetime | None:
    root = xml.parse(body)
    if next(root.iter(f"{{{_NAMESPACE}}}ListResidents"), None) is None:
        raise ValueError(f"expected ListResidents of {_NAMESPACE}")
    since = next(root.iter(f"{{{_NAMESPACE}}}modifiedSince"), None)
    return None if since is None else datetime.fromisoformat(since.text or "")


def _fault(text: str) -> str:
    return f"<s:Fault><faultcode>s:Client</faultcode><faultstring>{escape(text)}</faultstring></s:Fault>"


def _envelope(content: str) -> bytes:
    schema_instance = "http://www.w3.org/2001/XMLSchema-instance"
    head = f'<s:Envelope xmlns:s="{_SOAP}" xmlns:xsi="{schema_instance}"><s:Body>'
    return f'<?xml version="1.0" encoding="utf-8"?>{head}{content}</s:Body></s:Envelope>'.encode()


if __name__ == "__main__":
    main()
