"""Load for a façade under faults: callers, and the two sides behind it, each a process of its own.

Every call has an id of its own. A side notes each that it received and each that it is about to answer, and the
callers note how each ended, all with plain writes to files, which a SIGKILL of the writer does not undo.
"""

import asyncio
import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import uvloop

__all__ = ["CAPABILITY", "Call"]

_NAMESPACE = "{urn:example:registry}"
_SIDES = {"legacy": "legacy", "modern": "modern"}


def _soap(operation: str, of: str) -> dict[str, Any]:
    xpath = f"Body/{_NAMESPACE}{operation}/{_NAMESPACE}residentId"
    return {"soap": _NAMESPACE + operation, "key": {"xpath": xpath}, "class": of} | _SIDES


def _rest(method: str, path: str, of: str) -> dict[str, Any]:
    return {"rest": f"{method} {path}", "key": {"path": "id"}, "class": of} | _SIDES


CAPABILITY: Mapping[str, Any] = {
    "salt": "faults-2026",
    "key": {"type": "digits", "strip_zeros": True, "max_length": 10},
    "share": 5_000,
    "routes": {
        "read": _rest("GET", "/residents/{id}", "safe"),
        "find": _soap("Find", "safe"),
        "put": _rest("PUT", "/residents/{id}", "idempotent"),
        "change": _soap("Change", "idempotent"),
        "order": _rest("POST", "/residents/{id}/orders", "unsafe"),
        "pay": _soap("Pay", "unsafe"),
    },
}
"""What the callers call; each route in its class, over SOAP and REST."""

_ROUTES: Mapping[str, Mapping[str, Any]] = CAPABILITY["routes"]
_ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:r="urn:example:registry"><s:Body>'
    "<r:{0}><r:residentId>{1}</r:residentId></r:{0}></s:Body></s:Envelope>"
)
_IN_DOUBT = b"whether it was done is not known"
_PATIENCE_SECONDS = 30.0
_RECONNECT_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, as its caller saw it."""

    id: str
    route: str
    key: str
    first: bool
    """The first one on its connection, which then need not have been accepted by anybody."""
    began: float
    """On the clock that all processes of a machine share: `time.monotonic`."""
    ended: float
    outcome: str
    """`answered`, `failed`, `in_doubt`; `broken` before the first byte of an answer, `cut` within one; `silent`;
    `wrong` where it was that of another call."""
    status: int
    side: str
    """Who answered; empty when the façade did itself."""

    @property
    def operation(self) -> str:
        """Return its class."""
        return str(_ROUTES[self.route]["class"])


class _Serving(asyncio.Protocol):
    """One connection to a side."""

    def __init__(self, name: str, notes: int, delay_ms: int) -> None:
        self._name, self._notes, self._delay = name, notes, delay_ms / 1000
        self._data = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        if not end or len(body) < int(_field(head, "content-length") or 0):
            return
        self._data = b""
        call = _field(head, "x-request-id")
        os.write(self._notes, f"R {call}\n".encode())
        asyncio.get_running_loop().call_later(self._delay, self._answer, call)

    def _answer(self, call: str) -> None:
        if self._transport.is_closing():
            return
        os.write(self._notes, f"A {call}\n".encode())
        body = f"<done by='{self._name}'>{call}</done>".encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nX-Side: {self._name}\r\nContent-Length: {len(body)}"
        self._transport.write(head.encode() + b"\r\n\r\n" + body)


async def _side(name: str, port: str, notes: str, delay_ms: str) -> None:
    file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: _Serving(name, file, int(delay_ms)), "127.0.0.1", int(port), backlog=1024)
    await _until_told()


async def _load(port: str, notes: str, seed: str, rate: str, connections: str) -> None:
    file = os.open(notes, os.O_WRONLY | os.O_APPEND)
    callers = [_Caller(int(port), file, f"{seed}-{number}") for number in range(int(connections))]
    tasks = [asyncio.create_task(caller.call(int(connections) / int(rate))) for caller in callers]
    await _until_told()
    for caller in callers:
        caller.stop()
    await asyncio.gather(*tasks)


async def _until_told() -> None:
    """Wait for SIGTERM, or the end of the test's process."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_reader(sys.stdin.fileno(), told.set)
    print("ready", flush=True)
    await told.wait()


class _Caller:
    """One caller: a call after the other on a kept connection, and a new connection now and then."""

    def __init__(self, port: int, notes: int, seed: str) -> None:
        self._port, self._notes, self._random = port, notes, random.Random(seed)
        self._name = f"{os.getpid():x}-{seed}"
        self._count = 0
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End with the call that has begun."""
        self._stopping.set()

    async def call(self, interval: float) -> None:
        """Call every `interval` seconds until told to stop."""
        due = time.monotonic() + self._random.random() * interval
        while not self._stopping.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            for place in range(self._random.randint(5, 25)):
                due = max(due + interval * self._random.uniform(0.5, 1.5), time.monotonic() - interval)
                await asyncio.sleep(due - time.monotonic())
                gone = reader.at_eof() or reader.exception() is not None
                if self._stopping.is_set() or gone or not await self._one(reader, writer, first=not place):
                    break
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, first: bool) -> bool:
        """Make one call, note it, and tell whether the connection goes on."""
        self._count += 1
        call, route = f"{self._name}-{self._count}", self._random.choice(list(_ROUTES))
        key, began = str(self._random.randrange(1, 50_000)), time.monotonic()
        writer.write(_request(route, key, call))
        head = body = b""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(int(_field(head, "content-length")))
        except asyncio.IncompleteReadError as error:
            outcome = "cut" if head + error.partial else "broken"
        except TimeoutError:
            outcome = "silent"
        except OSError:
            outcome = "cut" if head else "broken"
        else:
            outcome = _outcome(head, body, call)
        noted = Call(
            id=call, route=route, key=key, first=first, began=began, ended=time.monotonic(), outcome=outcome,
            status=int(head.split()[1]) if head else 0, side=_field(head, "x-side"),
        )  # fmt: skip
        os.write(self._notes, json.dumps(asdict(noted)).encode() + b"\n")
        return outcome in {"answered", "failed", "in_doubt"} and _field(head, "connection").lower() != "close"


def _outcome(head: bytes, body: bytes, call: str) -> str:
    if head.startswith(b"HTTP/1.1 200 "):
        return "answered" if f">{call}<".encode() in body and _field(head, "x-request-id") == call else "wrong"
    return "in_doubt" if _IN_DOUBT in body else "failed"


def _request(route: str, key: str, call: str) -> bytes:
    rule = _ROUTES[route]
    if "soap" in rule:
        target, kind = "POST /registry", 'text/xml; charset=utf-8\r\nSOAPAction: ""'
        body = _ENVELOPE.format(str(rule["soap"]).removeprefix(_NAMESPACE), key)
    else:
        target, kind, body = str(rule["rest"]).format(id=key), "text/plain", "" if route == "read" else "x" * 100
    head = f"{target} HTTP/1.1\r\nHost: registry.test\r\nX-Request-Id: {call}\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _field(head: bytes, name: str) -> str:
    found = re.search(rf"\r\n{name}: *([^\r]*)".encode(), head, re.IGNORECASE)
    return found[1].decode().strip() if found else ""


if __name__ == "__main__":
    uvloop.run(_side(*sys.argv[2:]) if sys.argv[1] == "side" else _load(*sys.argv[2:]))
