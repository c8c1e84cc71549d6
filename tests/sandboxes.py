"""A sandbox over a WSDL of our own, and a plain HTTP client beside it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import requests

from adapters.soap.sandbox import Sandbox, SandboxOptions, read_scenario
from adapters.soap.sandbox.server import Sleep
from contracts.legacy.soap.answer import CONTENT_TYPES, ENVELOPES
from contracts.legacy.soap.contract.model import Contract, SoapVersion
from contracts.legacy.soap.contract.schema import Schemas, build
from contracts.legacy.xml import Element, parse
from tests.wsdls import OWN, contract_of

TNS = "urn:banyan:registry"


@cache
def own(name: str) -> tuple[Contract, Schemas]:
    contract = contract_of(OWN / name)
    return contract, build(contract.bundle)


@asynccontextmanager
async def sandbox(
    name: str = "registry.wsdl",
    scenario: Mapping[str, Any] | None = None,
    *,
    sleep: Sleep = asyncio.sleep,
    recorded: Path | None = None,
    record: Path | None = None,
) -> AsyncGenerator[Sandbox]:
    """Run one."""
    options = SandboxOptions(scenario=read_scenario(None, scenario or {}), recorded=recorded, record=record)
    async with Sandbox(*own(name), options, sleep=sleep) as running:
        yield running


def enveloped(body: str, version: SoapVersion = "1.1") -> bytes:
    """Return an envelope around a body."""
    return f'<s:Envelope xmlns:s="{ENVELOPES[version]}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


async def post(
    url: str, body: str | bytes, *, version: SoapVersion = "1.1", headers: Mapping[str, str] | None = None
) -> requests.Response:
    """Send one request on a connection of its own."""
    data = enveloped(body, version) if isinstance(body, str) else body
    sent = {"Content-Type": CONTENT_TYPES[version], **(headers or {})}

    def call() -> requests.Response:
        with requests.Session() as session:
            return session.post(url, data=data, headers=sent, timeout=30)

    return await asyncio.to_thread(call)


def body_of(response: requests.Response) -> Element:
    """Return the first child of the SOAP Body."""
    body = parse(response.content).find("{*}Body")
    assert body is not None
    return body[0]


def said(response: requests.Response) -> tuple[str, str]:
    """Return code and text of a fault of SOAP 1.1."""
    fault = body_of(response)
    assert fault.tag.endswith("}Fault")
    return fault.findtext("faultcode") or "", fault.findtext("faultstring") or ""
