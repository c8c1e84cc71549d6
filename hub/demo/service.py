"""The SOAP service of the demo, for whatever holds the residents: the legacy registry, and its modern twin.

- `GET /registry?wsdl` is the contract, `POST /registry` the service,
- `POST /served` tells who was asked for since it was called last,
- `POST /control` changes what the store lets anybody change.
"""

import json
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Protocol
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from typing_extensions import override

from contracts.legacy import xml

__all__ = ["NAMESPACE", "WSDL", "Around", "Resident", "Store", "serve"]

WSDL = Path(__file__).with_name("registry.wsdl")
NAMESPACE = "urn:banyan:demo:registry"
_ADDRESS = "http://127.0.0.1/registry"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


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


class Store(Protocol):
    """Who holds residents; safe for several threads."""

    @property
    def controls(self) -> Mapping[str, Callable[[int], list[str]]]:
        """Return what may be changed from outside: a name, and what does it to so many residents."""
        ...

    def listed(self, since: datetime | None = None) -> list[Resident]:
        """Return who was modified at or after a point in time, or all."""
        ...

    def get(self, number: str) -> Resident | None:
        """Return one resident, or None where there is none with that number."""
        ...

    def settle(self, number: str, street: str, city: str) -> Resident | None:
        """Give one resident this address, however often it is asked for; None where there is none."""
        ...


Around = Callable[[str, str | None], AbstractContextManager[object]]
"""Takes the operation and the caller's traceparent, and surrounds the work."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What the handlers of one server share."""

    store: Store
    around: Around
    served: list[str] = field(default_factory=list[str])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True
    work: ClassVar[_Work]

    def do_GET(self) -> None:
        """Serve the contract."""
        if self.path.lower() != "/registry?wsdl":
            self._answer(404, "text/plain", b"there are: /registry?wsdl\n")
            return
        here = f"http://{self.headers.get('Host', '')}/registry"
        self._answer(200, "text/xml", WSDL.read_text("utf-8").replace(_ADDRESS, escape(here)).encode())

    def do_POST(self) -> None:
        """Serve the operations, and what the demo asks beside them."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        match urlsplit(self.path).path:
            case "/control":
                self._control(body)
            case "/served":
                told, self.work.served[:] = json.dumps(self.work.served), []
                self._answer(200, "application/json", told.encode())
            case _:
                self._operation(body)

    def _operation(self, body: bytes) -> None:
        try:
            request = _Request(body)
            with self.work.around(request.name, self.headers.get("traceparent")):
                reply = request.answered_by(self.work.store)
        except (xml.XmlError, ValueError) as error:
            self._answer(500, "text/xml", _envelope(_fault(str(error))))
            return
        if request.number:
            self.work.served.append(request.number)
        self._answer(200, "text/xml", _envelope(reply))

    def _control(self, body: bytes) -> None:
        try:
            done = {name: self.work.store.controls[name](int(count)) for name, count in json.loads(body).items()}
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


class _Request:
    """The operation that a message asks for."""

    def __init__(self, body: bytes) -> None:
        self._root = xml.parse(body)
        known = {f"{{{NAMESPACE}}}{name}": name for name in ("ListResidents", "GetResident", "MoveResident")}
        self.name = next((known[each.tag] for each in self._root.iter() if each.tag in known), "")
        if not self.name:
            raise ValueError(f"expected ListResidents, GetResident or MoveResident of {NAMESPACE}")
        self.number = self._text("id") or ""

    def answered_by(self, store: Store) -> str:
        match self.name:
            case "GetResident":
                found = self._one(store.get(self.number))
            case "MoveResident":
                found = self._one(store.settle(self.number, self._text("street") or "", self._text("city") or ""))
            case _:
                since = self._text("modifiedSince")
                found = store.listed(None if since is None else datetime.fromisoformat(since))
        return _reply(self.name, found)

    def _one(self, resident: Resident | None) -> list[Resident]:
        if resident is None:
            raise ValueError("there is no resident with that id")
        return [resident]

    def _text(self, name: str) -> str | None:
        found = next(self._root.iter(f"{{{NAMESPACE}}}{name}"), None)
        return None if found is None else found.text or ""


def _reply(operation: str, residents: Iterable[Resident]) -> str:
    items = "".join(map(Resident.to_xml, residents))
    return f'<{operation}Response xmlns="{NAMESPACE}">{items}</{operation}Response>'


def _fault(text: str) -> str:
    return f"<s:Fault><faultcode>s:Client</faultcode><faultstring>{escape(text)}</faultstring></s:Fault>"


def _envelope(content: str) -> bytes:
    schema_instance = "http://www.w3.org/2001/XMLSchema-instance"
    head = f'<s:Envelope xmlns:s="{_SOAP}" xmlns:xsi="{schema_instance}"><s:Body>'
    return f'<?xml version="1.0" encoding="utf-8"?>{head}{content}</s:Body></s:Envelope>'.encode()


@contextmanager
def serve(
    store: Store, *, port: int = 0, around: Around = lambda _operation, _traceparent: nullcontext()
) -> Generator[str, None, None]:
    """Serve a store for the block, on a free port where none is given; gives the address of its SOAP service."""
    handler = type("Handler", (_Handler,), {"work": _Work(store, around)})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/registry"
        finally:
            server.shutdown()
            thread.join()
