"""Findings of services, ports and bindings: where a call goes, and what is asked of the caller beside it."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.bundle import WSDL, Document
from contracts.legacy.soap.contract.findings.kind import finding, listed
from contracts.legacy.soap.contract.model import Contract, Finding, Place, Port, Service
from contracts.legacy.xml import Element, line, local, local_name

__all__ = ["offer"]

_HTTP: Final = frozenset(
    {
        "",
        "http://schemas.xmlsoap.org/soap/http",
        "http://schemas.xmlsoap.org/soap/http/",
        "http://www.w3.org/2003/05/soap/bindings/HTTP/",
    }
)
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - looked for, not bound
_POLICY: Final = ("http://schemas.xmlsoap.org/ws/2004/09/policy", "http://www.w3.org/ns/ws-policy")
_SECURITY: Final = ("/ws-securitypolicy/", "/securitypolicy")
_ADDRESSING: Final = ("UsingAddressing", "Addressing")


def offer(contract: Contract) -> Iterator[Finding]:
    """Yield what is to be known of ports, and of what the documents ask for by extensions."""
    for service, port in contract.ports:
        yield from _transport(port)
        if service is None:
            yield finding("unoffered-binding", port.place, about=port.name)
    for service in contract.services.values():
        yield from _addresses(service)
    yield from _several(contract)
    for document in contract.bundle.documents.values():
        if document.root.tag == WSDL + "definitions":
            yield from _extensions(document)


def _transport(port: Port) -> Iterator[Finding]:
    if port.soap is None:
        yield finding("not-soap", port.place, about=port.name)
    elif port.transport not in _HTTP:
        yield finding("other-transport", port.place, about=port.name, transport=port.transport)


def _addresses(service: Service) -> Iterator[Finding]:
    met: defaultdict[str, list[Port]] = defaultdict(list)
    for port in service.ports.values():
        code = _judged((port.address or "").strip())
        if code is not None and port.soap is not None and port.transport in _HTTP:
            met[code].append(port)
    for code, ports in met.items():
        names = listed(without_secrets(port.address or port.name) for port in ports)
        yield finding(code, ports[0].place, about=local(service.name), names=names)


def _judged(address: str) -> str | None:
    parts = urlsplit(address)
    if not address:
        return "address-missing"
    if (parts.hostname or "").lower() in _HERE:
        return "address-local"
    if parts.scheme == "http":
        return "address-in-clear"
    return None if parts.scheme == "https" else "address-other"


def _several(contract: Contract) -> Iterator[Finding]:
    ports: defaultdict[str, list[Port]] = defaultdict(list)
    for service in contract.services.values():
        for port in service.ports.values():
            for name in port.operations:
                ports[name].append(port)
    together: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    first: dict[tuple[str, ...], Place] = {}
    for name, offered in ports.items():
        if len(offered) > 1:
            key = tuple(port.name for port in offered)
            together[key].append(name)
            first.setdefault(key, offered[0].place)
    for key, names in together.items():
        yield finding("several-ports", first[key], about=key[0], ports=listed(key), names=listed(names))


def _extensions(document: Document) -> Iterator[Finding]:
    met: defaultdict[str, list[Element]] = defaultdict(list)
    for element in document.root.iter():
        for code in _asked(element):
            met[code].append(element)
    for code, elements in met.items():
        names = listed(_policy_name(each) for each in elements)
        yield finding(code, Place(uri=document.uri, line=line(elements[0])), names=names)


def _asked(element: Element) -> Iterator[str]:
    namespace = element.tag.rpartition("}")[0][1:]
    if namespace in _POLICY and local_name(element) in {"Policy", "PolicyReference"}:
        yield "ws-policy"
    elif any(each in namespace for each in _SECURITY):
        yield "ws-security-policy"
    elif local_name(element) in _ADDRESSING and "/addressing" in namespace:
        yield "ws-addressing"
    elif element.get(WSDL + "required", "") in {"true", "1"}:
        yield "required-extension"


def _policy_name(element: Element) -> str:
    """Return what a policy is called, or what is asked for."""
    identity = next((value for name, value in element.attrib.items() if str(name).endswith("}Id")), None)
    return str(identity or element.get("Name") or element.get("URI") or local_name(element))
