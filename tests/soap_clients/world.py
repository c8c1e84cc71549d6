"""A façade between callers that are not ours and two SOAP sides; relays before each of the three keep every byte."""

import gzip
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from routers.decision import decide
from routers.rulesets.document import read_rules
from routers.rulesets.ruleset import EMPTY
from tests import jaxws_server
from tests.facade_process import Facade, running_facade
from tests.facade_wire import Message
from tests.soap_clients.callers import CALLERS, Call, Caller, Job
from tests.soap_clients.recorder import Exchange, Recorder, ask
from tests.soap_twin import NAMESPACE, Twin

__all__ = ["BORN", "BROKEN", "KEYS", "MOVED", "UNKNOWN", "Tls", "World", "rules", "running", "same"]

KEYS = [str(number) for number in range(1, 201)]
"""Residents who stay where they are."""
MOVED = ("9001", "9002", "9003", "9004", "9005", "9006")
"""Residents whose address tests change."""
BROKEN, UNKNOWN = "8000", "7000"
"""One who can't be read, and one who is not there."""
BORN = {number: f"19{int(number) % 100:02}-02-03" for number in KEYS if int(number) % 3}
"""Those of them whose day of birth is known."""
_NOT_COMPARED = frozenset(
    {b"date", b"connection", b"keep-alive", b"transfer-encoding", b"x-request-id", b"expect", b"te"}
)
"""Fields of a hop, or of the moment, or told by the façade in addition."""


def rules(share: int, **more: Any) -> dict[str, Any]:
    """Return one capability, whose key is in the Body, in a SOAP header, or in a header field."""
    sides = {"legacy": "legacy", "modern": "modern"}
    read = {"soap": "r:ReadResident", "action": "urn:read", "key": {"xpath": "Body/r:ReadResident/id"}, "class": "safe"}
    change = {"soap": "r:ChangeAddress", "action": "urn:change", "key": {"xpath": "Header/r:Caller/resident"}}
    listing = {"soap": "r:ListResidents", "action": "urn:list", "key": {"header": "X-Resident"}, "class": "safe"}
    routes = {"read": read | sides, "change": change | sides, "list": listing | sides}
    capability = {
        "salt": "residents-2026",
        "key": {"type": "digits", "strip_zeros": True},
        "share": share,
        "unfit_key": "reject",
        "routes": routes,
        **more,
    }
    return {"namespaces": {"r": NAMESPACE}, "capabilities": {"residents": capability}}


def write_residents(file: Path) -> None:
    """Write the file that both sides begin with."""
    entries: list[str] = []
    for number in (*KEYS, *MOVED, BROKEN):
        born = f"<born>{BORN[number]}</born>" if number in BORN else ""
        status = "broken" if number == BROKEN else "active"
        entries.append(
            f"<resident><id>{number}</id><name>Åse &amp; &lt;{number}&gt;</name><street>Brombeergasse {number}</street>"
            f"<city>Altfeigen</city>{born}<status>{status}</status>"
            f"<lastModified>2026-01-02T03:04:05.1234567Z</lastModified></resident>"
        )
    file.write_text(f"<content>{''.join(entries)}</content>", encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Who shows which certificate."""

    towards_callers: Mapping[str, str]
    """Settings of the listener."""
    towards_backend: Mapping[str, str]
    """Settings of both backends."""
    backend: ssl.SSLContext
    """Of the relays before both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A façade between three relays."""

    facade: Facade
    front: Recorder
    sides: Mapping[str, Recorder]

    async def call(self, caller: str | Caller, calls: Sequence[Call], **more: Any) -> tuple[list[Any], list[Exchange]]:
        """Let a caller do a job; return its results, and its calls on the wire (without those for the contract)."""
        self.taken()
        version = more.get("version", "1.1")
        path = more.pop("path", "/registry12" if version == "1.2" else "/registry")
        do = CALLERS[caller] if isinstance(caller, str) else caller
        results = await do(Job(wsdl=f"http://{self.front.address}{path}?wsdl", calls=calls, **more))
        exchanges = [each for each in self.front.taken() if each.request.start.startswith(b"POST")]
        assert len(exchanges) == len(calls)
        return results, exchanges

    async def assert_unchanged(self, exchanges: Sequence[Exchange], expected: Sequence[str]) -> None:
        """Assert that each call came to its side unchanged, and the answer back: as if both had met directly."""
        got = self.taken()
        for side, relay in self.sides.items():
            mine = [exchange for exchange, name in zip(exchanges, expected, strict=True) if name == side]
            assert sorted(each.body for each in got[side]) == sorted(each.request.body for each in mine)
            directly = await ask(relay.target, [each.request.raw for each in mine], old=relay.old)
            for exchange, direct in zip(mine, directly, strict=True):
                assert any(_reached(exchange.request, each) for each in got[side]), exchange
                assert same(exchange.answer, direct), (exchange, direct)

    async def assert_alike(self, exchanges: Sequence[Exchange]) -> None:
        """Assert that both sides answer these alike, so that no caller can tell who did."""
        for relay in self.sides.values():
            directly = await ask(relay.target, [each.request.raw for each in exchanges], old=relay.old)
            for exchange, other in zip(exchanges, directly, strict=True):
                assert (exchange.answer.start, _content(exchange.answer)) == (other.start, _content(other))

    def taken(self) -> dict[str, list[Message]]:
        """Return the calls that each side got meanwhile."""
        self.front.taken()
        return {
            name: [each.request for each in side.taken() if each.request.start.startswith(b"POST")]
            for name, side in self.sides.items()
        }

    def decided(self, route: str, keys: Sequence[str]) -> list[str]:
        """Return the side of each key that the pure decision names, by the rules in the file."""
        document = read_rules(self.facade.rules, backends=["legacy", "modern"])
        ruleset = EMPTY.changed(document.capabilities, version=1, hash_="0" * 64)
        return [str(decide(ruleset, f"residents/{route}", key).side) for key in keys]

    async def share(self, share: int, **more: Any) -> None:
        """Put a share in force, if it is not."""
        wanted = rules(share, **more)
        if yaml.safe_load(self.facade.rules.read_text()) != wanted:
            await self.facade.edit_rules(wanted)


@asynccontextmanager
async def legacy_and_modern(folder: Path) -> AsyncGenerator[dict[str, str]]:
    """Run the JAX-WS server and its twin with the same residents; gives their addresses."""
    file = folder / "residents.xml"
    write_residents(file)
    twin = Twin.of(file)
    with jaxws_server.running(file) as server:
        async with twin.serving():
            legacy = server.address.removeprefix("http://").removesuffix("/registry")
            yield {"legacy": legacy, "modern": f"127.0.0.1:{twin.port}"}


@asynccontextmanager
async def running(
    folder: Path,
    *,
    tls: Tls | None = None,
    targets: Mapping[str, str] | None = None,
    old: bool = False,
    **listener: Any,
) -> AsyncGenerator[World]:
    """Run everything; with TLS on both ends of the façade, if asked to (then what callers send is not kept).

    Sides that run already may be given as their addresses (`old`: they or callers may speak HTTP/1.0), and further
    settings of the listener.
    """
    async with AsyncExitStack() as stack:
        if targets is None:
            targets = await stack.enter_async_context(legacy_and_modern(folder))
        scheme = "https" if tls else "http"
        sides = {
            name: await stack.enter_async_context(Recorder(at, tls.backend if tls else None, old=old).relaying())
            for name, at in targets.items()
        }
        backends: dict[str, Any] = {
            name: {"url": f"{scheme}://{side.address}", "tls": tls.towards_backend if tls else {}}
            for name, side in sides.items()
        }
        listener = {"address": "127.0.0.1:0", "legacy": "legacy", **listener}
        if tls is not None:
            listener["tls"] = tls.towards_callers
        settings = {"backends": backends, "workers": 2, "listeners": {"main": listener}}
        facade = await stack.enter_async_context(running_facade(folder, facade=settings, rules=rules(5_000)))
        front = await stack.enter_async_context(Recorder(facade.addresses["main"], old=old).relaying())
        yield World(facade=facade, front=front, sides=sides)


def same(through: Message, direct: Message) -> bool:
    """Tell whether an answer came through unchanged; what the façade adds is its request id."""
    assert len(through.all(b"x-request-id")) == 1
    # What frames a message is each hop's own: it stands last, wherever the side has it.
    length = direct.all(b"content-length")
    assert not length or through.all(b"content-length") in ([], length)
    apart = [[line for line in _fields(each) if line[:15].lower() != b"content-length:"] for each in (through, direct)]
    return (through.start, apart[0], through.body) == (direct.start, apart[1], direct.body)


def _reached(sent: Message, got: Message) -> bool:
    """Tell whether a request came to its side unchanged, but for what the façade adds."""
    whole = (sent.start, sent.body) == (got.start, got.body)
    return whole and set(_fields(sent)) <= set(_fields(got))


def _fields(message: Message) -> list[bytes]:
    """Return the end-to-end fields as they are written."""
    lines = message.raw.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return [line for line in lines if line.partition(b":")[0].lower() not in _NOT_COMPARED]


def _content(message: Message) -> bytes:
    """Return the body, unpacked."""
    return gzip.decompress(message.body) if message.all(b"content-encoding") == [b"gzip"] else message.body
