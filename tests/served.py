"""Contracts as they are served, gathered again as a caller would."""

from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from contracts.legacy.soap.contract.bundle import Bundle, Catalog, gather
from contracts.legacy.soap.contract.model import Contract, Place
from contracts.legacy.soap.served import Served

__all__ = ["ORIGIN", "gathered", "said"]

ORIGIN = "https://hub.example:8443"
_NOWHERE = Place(uri="", line=0)


def gathered(served: Served, path: str, *, query: str = "wsdl", catalog: Catalog = lambda _uri, _name: None) -> Bundle:
    """Gather a contract from its pages alone."""

    def fetch(uri: str) -> bytes:
        page = served.pages.get(unquote(urlsplit(uri).query))
        if page is None:
            raise OSError(f"no page {uri}")
        return page.at(ORIGIN)

    return gather(f"{ORIGIN}{path}?{query}", root=f"{ORIGIN}{path}", fetch=fetch, catalog=catalog)


def said(contract: Contract) -> dict[str, Any]:
    """Return all that a contract says, but where it says it, and the addresses."""
    return {
        f"{service and service.name} {port.name}": (
            port.binding,
            port.soap,
            port.transport,
            {name: replace(each, place=_NOWHERE) for name, each in port.operations.items()},
        )
        for service, port in contract.ports
    } | {"namespace": contract.namespace, "codes": sorted(finding.code for finding in contract.findings)}
