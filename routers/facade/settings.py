"""What the façade is told at start: where it listens, its backends, its bounds."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from routers.rulesets.capability import NAME

__all__ = [
    "Backend",
    "Breaker",
    "ClientTls",
    "FacadeSettings",
    "Intercept",
    "Intercepted",
    "Limits",
    "Listener",
    "ServedContract",
    "ServerTls",
    "Times",
]

_URL = re.compile(r"(https?)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?/?")
_MOST_PORTS = 65_535
_PORTS = {"http": 80, "https": 443}

Name = Annotated[str, StringConstraints(pattern=NAME)]


def _has_port(address: str) -> str:
    if int(address.rpartition(":")[2]) > _MOST_PORTS:
        raise ValueError(f"{address!r}: a port is at most {_MOST_PORTS}")
    return address


Address = Annotated[
    str,
    StringConstraints(pattern=r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$"),
    AfterValidator(_has_port),
]


RouteName = Annotated[str, StringConstraints(pattern=rf"{NAME[:-1]}/{NAME[1:]}")]
ServicePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~!$()*+,;=:@/%-]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ServerTls(_Model):
    """TLS towards callers."""

    certificate: Path
    """PEM file: the certificate, then its chain."""
    key: Path
    """PEM file of its private key."""
    client_ca: Path | None = None
    """PEM file of authorities; with it, callers must show a certificate of theirs."""


class ClientTls(_Model):
    """TLS towards a backend; its name and chain are always verified."""

    ca: Path | None = None
    """PEM file of authorities; the system's without it."""
    certificate: Path | None = None
    """PEM file of the façade's own certificate, where the backend asks for one."""
    key: Path | None = None
    """PEM file of its private key."""
    server_name: str | None = None
    """The name that the backend's certificate has, where it is not the host of the URL."""


class Breaker(_Model):
    """When a backend is left alone for a while."""

    failures: int = Field(default=5, ge=1)
    """Failures in a row after which no more calls are sent."""
    pause: timedelta = timedelta(seconds=1)
    """How long; then one call tries."""


class Backend(_Model):
    """One server that answers: a side of some routes."""

    url: str
    """`http://host:port` or `https://host:port`, without a path: the caller's is kept."""
    connect: timedelta = timedelta(seconds=2)
    """Longest wait for a connection, or for a free one."""
    timeout: timedelta = timedelta(seconds=30)
    """Longest wait for the head of the answer, and between two parts of its body."""
    connections: int = Field(default=256, ge=1)
    """Most connections of one worker."""
    idle: timedelta = timedelta(seconds=10)
    """How long an unused connection is kept; choose less than the server does."""
    failing: frozenset[int] = frozenset({502, 503, 504})
    """Status codes that count as no answer, where the call may be given to the other side."""
    tls: ClientTls = ClientTls()
    """For `https`."""
    breaker: Breaker = Breaker()
    """When it is left alone."""
    system: str | None = None
    """Name of the legacy system that it is, under `systems`: its calls are counted there, and leave less for polls."""

    @model_validator(mode="after")
    def _address(self) -> Self:
        found = _URL.fullmatch(self.url)
        if found is None or not 0 < int(found[3] or 1) < 65536:  # noqa: PLR2004 - a port has 16 bits
            raise ValueError(f"url {self.url!r}: expected http://host:port or https://host:port, without a path")
        return self

    @property
    def secure(self) -> bool:
        """Tell whether calls go over TLS."""
        return self.url.startswith("https")

    @property
    def host(self) -> str:
        """Return the host without port or brackets."""
        found = _URL.fullmatch(self.url)
        return "" if found is None else found[2].strip("[]")

    @property
    def port(self) -> int:
        """Return the port."""
        found = _URL.fullmatch(self.url)
        return 0 if found is None else int(found[3] or _PORTS[found[1]])


class ServedContract(_Model):
    """A contract that the façade serves itself, at the path of the service: `?wsdl`, `?xsd=NAME`, `?singleWsdl`."""

    wsdl: Path
    """The WSDL, or a folder with one WSDL in it."""
    root: Path | None = None
    """Folder that holds all that it imports; the WSDL's own folder without it."""
    ports: Mapping[str, ServicePath] = Field(default={})
    """Name of a port (`Service/Port` where several have it) -> its path, where it is another than its address says."""


class Listener(_Model):
    """One address that callers know."""

    address: Address
    """`host:port`; port 0 takes a free one."""
    legacy: Name
    """The backend that answers what no route takes, and everything while there is no ruleset."""
    tls: ServerTls | None = None
    """For HTTPS."""
    trusts_forwarded: bool = False
    """Keep `Forwarded` and `X-Forwarded-*` of callers; only behind a proxy of your own."""
    contracts: Mapping[ServicePath, ServedContract] = Field(default={})
    """By path, as callers write it: the contracts that are served here, with this façade's address in them."""


class Limits(_Model):
    """Bounds on size; a call beyond one is refused, with the status that HTTP has for it."""

    target_bytes: int = Field(default=8_192, ge=256)
    """Longest request target (414)."""
    head_bytes: int = Field(default=32_768, ge=1_024)
    """Longest head of a request or an answer (431; 502)."""
    headers: int = Field(default=100, ge=10)
    """Most header fields (431)."""
    body_bytes: int = Field(default=64 * 1024**2, ge=0)
    """Longest request body (413)."""
    inspect_bytes: int = Field(default=65_536, ge=1_024)
    """How far into a SOAP message operation and key are looked for."""
    replay_bytes: int = Field(default=1_048_576, ge=0)
    """Longest request body that is kept, so that another side can be asked; longer ones are sent once."""
    connections: int = Field(default=4_096, ge=1)
    """Most callers' connections of one worker; further ones get 503."""


class Times(_Model):
    """Bounds on time."""

    head: timedelta = timedelta(seconds=10)
    """Longest time for the head of a request (408)."""
    body: timedelta = timedelta(seconds=30)
    """Longest silence within a request's body (408), and of a caller that does not read its answer."""
    idle: timedelta = timedelta(seconds=60)
    """How long a caller's connection without a call is kept."""
    drain: timedelta = timedelta(seconds=20)
    """How long calls in flight may take to end when the façade is told to stop."""


class Intercepted(_Model):
    """How much is kept of the calls of one route; only of those with POST."""

    request_bytes: int = Field(default=262_144, ge=0, le=4 * 1024**2)
    """Longest request that is kept; of a longer one all else is, and it is counted."""
    reply_bytes: int = Field(default=262_144, ge=0, le=4 * 1024**2)
    """Longest reply that is kept; of a longer one all else is, and it is counted."""
    failed: bool = False
    """Keep calls, too, that did not succeed: those without a whole reply of a side with a status of 2xx."""


class Intercept(_Model):
    """Calls that are kept as they pass, each route's on a topic of its own; they are personal data."""

    routes: Mapping[RouteName, Intercepted] = Field(min_length=1)
    """By `capability/route`: which, and how much of them."""
    spool_bytes: int = Field(default=1024**3, ge=1024**2)
    """How much waits on the disk while Kafka is away; what comes beyond is dropped, and counted."""
    retention: timedelta = Field(default=timedelta(days=7), ge=timedelta(minutes=1))
    """How long the topics keep them; holds for topics that are created, those that exist stay as they are."""


class FacadeSettings(_Model):
    """The façade of one hub."""

    listeners: Mapping[Name, Listener] = Field(min_length=1)
    """Where callers come in, by name."""
    backends: Mapping[Name, Backend] = Field(min_length=1)
    """Who answers, by the names that the ruleset's routes use."""
    workers: int = Field(default=2, ge=1, le=256)
    """Processes that share the listeners; one for each core that may be used."""
    ruleset: Path | None = None
    """YAML file of capabilities; without it, the ruleset topic."""
    probes: Address | None = None
    """Where `/livez` and `/readyz` are answered."""
    sample_ratio: float = Field(default=0.01, ge=0, le=1)
    """Share of calls whose spans are kept; those of failed calls always are."""
    intercept: Intercept | None = None
    """Calls that become events; none without it."""
    limits: Limits = Limits()
    """Bounds on size."""
    times: Times = Times()
    """Bounds on time."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, listener in self.listeners.items():
            if listener.legacy not in self.backends:
                there = ", ".join(self.backends)
                raise ValueError(f"listeners.{name}.legacy: no backend {listener.legacy!r}; there are: {there}")
        return self
