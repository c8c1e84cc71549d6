"""The sandbox as a server: an address, ports at their paths, the contract at `?wsdl`."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from adapters._connections import Connections
from adapters._http import Request
from adapters.soap.sandbox.recorded import Recorder, Recordings
from adapters.soap.sandbox.scenario import Scenario
from adapters.soap.sandbox.service import Reply, Service, nowhere
from contracts.errors import ConfigError
from contracts.legacy.soap.contract.model import Contract, Port
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.served import serve

__all__ = ["Sandbox", "SandboxOptions", "Told"]

_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}")
Sleep = Callable[[float], Awaitable[object]]
Told = Callable[[Reply], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """Where the sandbox listens, and what it does."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    scenario: Scenario = field(default_factory=Scenario)
    recorded: Path | None = None
    """Folder of recorded calls, which go before samples."""
    record: Path | None = None
    """Folder that calls are recorded in."""


class Sandbox:
    """Stands in for a service: answers all operations of its contract with samples.

        async with Sandbox(contract, schemas) as sandbox:
            client = zeep.Client(sandbox.url + "?wsdl")

    Raises:
        ConfigError: The contract has no SOAP port, or the scenario names what the contract has not.
    """

    def __init__(
        self,
        contract: Contract,
        schemas: Schemas,
        options: SandboxOptions | None = None,
        *,
        sleep: Sleep = asyncio.sleep,
        told: Told = lambda _reply: None,
    ) -> None:
        self._options = options or SandboxOptions()
        self._sleep, self._told = sleep, told
        self._paths = _paths(contract)
        if not self._paths:
            raise ConfigError([f"{contract.name}: expected a contract with a SOAP port that has operations"])
        recordings = None if self._options.recorded is None else Recordings(self._options.recorded)
        self._recorder = None if self._options.record is None else Recorder(self._options.record)

        def service(*ports: Port) -> Service:
            return Service(schemas, ports, self._options.scenario, recordings=recordings)

        self._every = service(*self._paths.values())
        self._services = {path: service(*ports) for path, ports in _endings(self._paths).items()}
        offered = {path[1:]: path for path in self._paths if path.count("/") > 1}
        self._pages = serve(contract.bundle, "/", ports=offered).pages
        self._stack = AsyncExitStack()
        self._connections = Connections(self._handle)
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self.url = ""
        """Where it answers; any port's operations at `/`, those of one at its own path."""

    @property
    def addresses(self) -> Mapping[str, Port]:
        """Return the ports by their addresses."""
        return {self.url.rstrip("/") + path: port for path, port in self._paths.items()}

    @property
    def calls(self) -> Mapping[tuple[str, str], int]:
        """Return how often each operation had each outcome."""
        return dict(self._outcomes)

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        server = await asyncio.start_server(self._connections.connected, self._options.host, self._options.port)
        host, port = server.sockets[0].getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        self._stack.push_async_callback(self._end, server)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more connections, let those calls end that came, and end."""
        await self._stack.aclose()

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        await self._connections.end()

    async def _handle(self, request: Request) -> Reply:
        reply = self._reply(request)
        if reply.delay:
            await self._sleep(reply.delay)
        if reply.operation or request.method == "POST":
            self._outcomes[reply.operation, reply.outcome] += 1
            if self._recorder is not None and reply.operation and reply.body and not reply.is_broken:
                self._recorder.keep(reply.operation, request.body, reply.body)
            self._told(reply)
        return reply

    def _reply(self, request: Request) -> Reply:
        parts = urlsplit(request.target)
        if request.method == "GET":
            return self._document(parts.query, request.headers.get("host", ""))
        if request.method != "POST":
            return Reply(status=405, body=b"expected POST, or GET of ?wsdl", outcome="refused")
        path = unquote(parts.path)
        service, headers = self._at(path), request.headers
        if service is None:
            known = ", ".join(["/", *self._services])
            return nowhere(f"no path {path}: expected one of {known}", content_type=headers.get("content-type", ""))
        return service.answer(
            request.body, content_type=headers.get("content-type", ""), action=headers.get("soapaction", "")
        )

    def _at(self, path: str) -> Service | None:
        """Return what answers at a path: a façade may have put something before a port's own."""
        if path in {"", "/"}:
            return self._every
        return next((each for ending, each in self._services.items() if path.endswith(ending)), None)

    def _document(self, query: str, host: str) -> Reply:
        kind, equals, name = query.partition("=")
        page = self._pages.get(kind.lower() + equals + unquote(name))
        if page is None:
            return Reply(status=404, body=f"expected ?wsdl, found ?{query}".encode(), outcome="refused")
        # As the caller named us: the address that we listen on may be one that nobody can call.
        origin = f"http://{host}" if _HOST.fullmatch(host) else self.url.rstrip("/")
        return Reply(status=200, body=page.at(origin), content_type="text/xml", outcome="document")


def _endings(paths: Mapping[str, Port]) -> dict[str, list[Port]]:
    """Return the ports by how the paths of their calls end, the longest first: ours, and the contract's own."""
    found: dict[str, list[Port]] = {}
    for path, port in paths.items():
        own = urlsplit(port.address or "").path.rstrip("/")
        for ending in dict.fromkeys((path, own, f"/{port.name}")):
            if ending.startswith("/"):
                found.setdefault(ending, []).append(port)
    return {ending: found[ending] for ending in sorted(found, key=len, reverse=True)}


def _paths(contract: Contract) -> dict[str, Port]:
    found: dict[str, Port] = {}
    for service, port in contract.ports:
        name = "" if service is None else service.name.rpartition("}")[2]
        if port.soap is not None and port.operations:
            found.setdefault(f"/{name}/{port.name}" if name else f"/{port.name}", port)
    return found
