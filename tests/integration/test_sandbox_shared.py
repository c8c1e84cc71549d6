"""zeep, a client that is not ours, calls every operation of every shared contract that it can call at all."""

import asyncio
import json
import logging
from collections import Counter
from typing import Any

import pytest
import requests
import zeep
from zeep.exceptions import Error, Fault

from adapters.soap.sandbox import Sandbox
from contracts.errors import ConfigError
from contracts.legacy.soap.contract.model import Operation, Port
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.sample.options import Options
from tests.data import real_data
from tests.wsdls import shared, shared_names

LIBRARY: Any = zeep
TRIES = (Options(variants=0, nil=0, optional=0.5), Options(variants=0, nil=0, optional=1))
"""zeep reads an empty element as None, and then misses it: with all that is optional there are fewer of those."""


def transport(session: requests.Session) -> Any:
    """Return zeep's, with the schema of SOAP encoding at hand: zeep asks its owner for it, whatever a contract says."""
    made: Any = LIBRARY.Transport(session=session)
    from_the_network: Any = made.load

    def load(url: str) -> Any:
        catalog = real_data("wsdl") / "catalog"
        names: dict[str, str] = json.loads((catalog / "catalog.json").read_text())
        return (catalog / names[url]).read_bytes() if url in names else from_the_network(url)

    made.load = load
    return made


class Caller:
    """Calls the operations of one sandbox, and counts what came of it."""

    def __init__(self, running: Sandbox, sampler: Sampler, session: requests.Session) -> None:
        # The W3C's schema of signatures has entities of its own, which zeep refuses by default.
        settings = LIBRARY.Settings(forbid_entities=False)
        self._client = LIBRARY.Client(running.url + "?wsdl", transport=transport(session), settings=settings)
        self._sampler = sampler
        self._running = running
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def call_all(self) -> None:
        """Call every operation of every port."""
        for address, port in self._running.addresses.items():
            binding = self._client.wsdl.bindings.get(port.binding)
            for operation in port.operations.values():
                if binding is None or operation.name not in binding._operations:
                    self._failed(operation, "zeep does not bind it")
                else:
                    self._call(address, port, operation)

    def _call(self, address: str, port: Port, operation: Operation) -> None:
        bound = self._client.wsdl.bindings[port.binding]._operations[operation.name]
        service = self._client.create_service(port.binding, address)
        why = ""
        for options in TRIES:
            try:
                args, kwargs = self._arguments(bound, operation, options)
                getattr(service, operation.name)(*args, **kwargs)
            except Fault as fault:
                why = f"refused what zeep sent: {fault.message}"
            except (Error, ValueError, TypeError, AttributeError, LookupError) as error:
                why = f"zeep can't: {type(error).__name__} {error}"
            else:
                self.counts["called"] += 1
                return
        self._failed(operation, why)

    def _arguments(self, bound: Any, operation: Operation, options: Options) -> tuple[list[Any], dict[str, Any]]:
        """Let zeep read a sample of ours, and return what it read."""
        children = self._sampler.body(operation.input, seed=1, options=options)
        headers = [
            self._sampler.part(header.part, seed=1, use=header.use, options=options)
            for header in operation.input.headers
        ]
        more = {"_soapheaders": headers} if headers else {}
        if not children or bound.input.body is None:
            return [], more
        value = bound.input.body.parse(children[0], self._client.wsdl.types)
        if isinstance(value, LIBRARY.xsd.CompoundValue):
            return [], {name: value[name] for name in value} | more
        return [] if value is None else [value], more

    def _failed(self, operation: Operation, why: str) -> None:
        self.counts["not called"] += 1
        self.reasons[f"{operation.name}: {' '.join(why.split())[:160]}"] += 1


@pytest.mark.timeout(300)
async def test_zeep_calls_every_operation_that_it_can(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "zeep")
    counts: Counter[str] = Counter()
    for name in shared_names():
        short, contract = name.rpartition("/")[2], shared(name)
        schemas = build(contract.bundle)
        try:
            running = Sandbox(contract, schemas)
        except ConfigError:
            counts["contracts without a SOAP port"] += 1
            continue
        async with running:
            with requests.Session() as session:
                counts += await asyncio.to_thread(_called, running, Sampler(schemas), session, short)
    print(dict(counts))

    assert counts["called"] > 1350


def _called(running: Sandbox, sampler: Sampler, session: requests.Session, short: str) -> Counter[str]:
    try:
        caller = Caller(running, sampler, session)
    except Exception as error:  # noqa: BLE001 - whatever zeep dies of
        operations = sum(len(port.operations) for port in running.addresses.values())
        print(f"{short}: zeep does not load it: {type(error).__name__} {str(error)[:150]}")
        return Counter({"contracts that zeep does not load": 1, "not called": operations})
    caller.call_all()
    for reason, times in caller.reasons.items():
        print(f"{short}: {reason} ({times})")
    return caller.counts
