"""What a contract says, as values: services, ports, operations, messages and faults, with their places."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.bundle import Bundle

__all__ = [
    "Body",
    "Contract",
    "FaultDetail",
    "Finding",
    "Header",
    "Operation",
    "Part",
    "Place",
    "Port",
    "Service",
    "Severity",
    "SoapVersion",
    "Use",
]

SoapVersion: TypeAlias = Literal["1.1", "1.2"]
Use: TypeAlias = Literal["literal", "encoded"]
Severity: TypeAlias = Literal["broken", "hurts", "note"]
"""`broken`: the contract, or this part of it, can't be used. `hurts`: expect trouble. `note`: good to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a bundle something stands."""

    uri: str
    line: int

    def __str__(self) -> str:
        """Return `file:line`, the file without its folders and without secrets."""
        return f"{without_secrets(self.uri).rpartition('/')[2]}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing in a contract that is broken or will hurt."""

    code: str
    """Stable, for programs: `missing-import`, `rpc-encoded`, …"""
    severity: Severity
    place: Place
    about: str
    """What it is in: an operation, a type; empty where it is the document."""
    text: str
    """What is found, and what it means for the one who calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a message: an element, or for rpc a name with a type."""

    name: str
    element: str | None = None
    """`{namespace}name` of a global element."""
    type: str | None = None
    """`{namespace}name` of a type; then the element is called like the part, without a namespace."""

    @property
    def tag(self) -> str:
        """Return the name of its element on the wire."""
        return self.element or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A SOAP header that a message has."""

    message: str
    part: Part
    use: Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What one direction of an operation sends."""

    message: str
    """`{namespace}name` of the wsdl:message."""
    parts: tuple[Part, ...]
    """Those in the SOAP Body, in order."""
    wrapper: str | None
    """rpc only: `{namespace}name` of the element around the parts."""
    use: Use
    encoding: str | None = None
    """With `encoded`: the encodingStyle."""
    headers: tuple[Header, ...] = ()
    attachments: tuple[str, ...] = ()
    """Names of the parts that travel as MIME parts."""
    is_mime: bool = False

    @property
    def root(self) -> str | None:
        """Return the name of the one child of the SOAP Body; None where the Body is empty."""
        return self.wrapper or (self.parts[0].tag if self.parts else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultDetail:
    """A declared fault."""

    name: str
    part: Part | None
    """What stands in the fault's detail; None where its message is missing."""
    use: Use = "literal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of a port."""

    name: str
    style: Literal["document", "rpc"]
    action: str
    """SOAPAction, or the action of SOAP 1.2; may be empty."""
    input: Body
    output: Body | None
    """None for one-way."""
    faults: tuple[FaultDetail, ...]
    place: Place
    documentation: str = ""

    @property
    def is_encoded(self) -> bool:
        """Tell whether either direction uses SOAP encoding."""
        return "encoded" in {self.input.use, self.output.use if self.output else "literal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a service, with what it offers."""

    name: str
    binding: str
    """`{namespace}name`."""
    soap: SoapVersion | None
    """None for a binding that is not SOAP (HTTP GET, MIME)."""
    address: str | None
    operations: Mapping[str, Operation]
    """By name, in order; an overloaded name has its first, and a finding."""
    place: Place
    transport: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service."""

    name: str
    """`{namespace}name`."""
    ports: Mapping[str, Port]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract that was read."""

    bundle: Bundle
    name: str
    """Of the definitions, or of the file."""
    namespace: str
    services: Mapping[str, Service]
    unbound: Mapping[str, Port]
    """Bindings that no service offers, each as a port without an address."""
    findings: tuple[Finding, ...]
    """What is broken in the WSDL itself; `findings.inspect` says what hurts."""

    @property
    def ports(self) -> tuple[tuple[Service | None, Port], ...]:
        """Return every port with its service, those without a service last."""
        offered = [(service, port) for service in self.services.values() for port in service.ports.values()]
        return (*offered, *((None, port) for port in self.unbound.values()))
