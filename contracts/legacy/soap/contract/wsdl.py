"""Reads WSDL 1.1 into a `Contract`: tolerant, since real contracts are broken in parts; what is broken is told."""

from collections.abc import Iterator

from contracts.errors import ContractError
from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.binding import read_port
from contracts.legacy.soap.contract.bundle import WSDL, Bundle
from contracts.legacy.soap.contract.definitions import Definitions, Found, collect
from contracts.legacy.soap.contract.model import Contract, Place, Port, Service
from contracts.legacy.xml import line

__all__ = ["read_contract"]


def read_contract(bundle: Bundle) -> Contract:
    """Read what the WSDL of a bundle and all that it imports say.

    Raises:
        ContractError: The document is no WSDL 1.1 at all.
    """
    root = bundle.documents[bundle.start].root
    if root.tag != WSDL + "definitions":
        expected = "a WSDL 1.1 document (wsdl:definitions)"
        raise ContractError(bundle.start, expected=expected, found=root.tag)
    definitions = collect(bundle)
    notes = definitions.notes
    for missing in bundle.missing:
        place = Place(uri=missing.needed_by, line=missing.line)
        where = without_secrets(missing.location)
        notes.broken("missing-import", place, text=f"missing import {where}: {missing.reason}")
    services = {
        name: Service(name=name, ports={port.name: port for port in _ports(found, definitions)}, place=found.place)
        for name, found in definitions.services.items()
    }
    used = {port.binding for service in services.values() for port in service.ports.values()}
    unbound = {
        name: read_port(found.name, found, definitions, address=None, place=found.place)
        for name, found in definitions.bindings.items()
        if name not in used
    }
    if not any(port.operations for service in services.values() for port in service.ports.values()):
        text = "no service of it has a port with operations" if services else "it has no service"
        notes.broken("no-operations", Place(uri=bundle.start, line=line(root)), text=text)
    return Contract(
        bundle=bundle,
        name=root.get("name") or bundle.start.rpartition("/")[2],
        namespace=root.get("targetNamespace") or "",
        services=services,
        unbound=unbound,
        findings=tuple(notes.found),
    )


def _ports(found: Found, definitions: Definitions) -> Iterator[Port]:
    for element in found.children("port"):
        name, place = element.get("name") or "", found.place_of(element)
        binding = found.qualified(element, "binding")
        if binding is None or binding not in definitions.bindings:
            text = f"port {name} names no binding that there is"
            definitions.notes.broken("missing-binding", place, about=name, text=text)
            continue
        address = next((child.get("location") for child in element if child.tag.endswith("}address")), None)
        yield read_port(name, definitions.bindings[binding], definitions, address=address, place=place)
