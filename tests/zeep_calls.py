"""zeep, a client that is not ours, calls every operation that a contract offers, as far as it can."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import requests
import zeep
from zeep.exceptions import Error, Fault

from contracts.legacy.soap.contract.catalog import standard
from contracts.legacy.soap.contract.model import Contract, Operation, Port
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.sample.options import Options

__all__ = ["Answer", "Caller", "Exchange"]

LIBRARY: Any = zeep
TRIES: Final = (Options(variants=0, nil=0, optional=0.5), Options(variants=0, nil=0, optional=1))
"""zeep reads an empty element as None, and then misses it: with all that is optional there are fewer of those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    body: bytes

    @classmethod
    def of(cls, response: requests.Response) -> "Answer":
        """Return that of a response."""
        content_type = response.headers.get("Content-Type", "")
        return cls(status=response.status_code, content_type=content_type, body=response.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call as zeep sent it, and what it got."""

    path: str
    headers: dict[str, str]
    body: bytes
    answer: Answer


@dataclass(kw_only=True)
class Caller:
    """Calls the operations of one contract by what zeep reads at an address, and counts what came of it."""

    wsdl: str
    """Address of the contract."""
    contract: Contract
    sampler: Sampler
    counts: Counter[str] = field(default_factory=Counter[str])
    reasons: list[str] = field(default_factory=list[str])
    """Why what was not called was not."""
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    """All that was sent, and where to."""

    def call_all(self) -> None:
        """Call every operation of every port."""
        with requests.Session() as session:
            session.trust_env = False  # else a proxy of the environment wins
            session.hooks["response"].append(self._keep)
            # The W3C's schema of signatures has entities of its own, which zeep refuses by default.
            settings = LIBRARY.Settings(forbid_entities=False)
            try:
                client = LIBRARY.Client(self.wsdl, transport=_transport(session), settings=settings)
            except Exception as error:  # noqa: BLE001 - whatever zeep dies of
                self.counts["contracts that zeep does not load"] += 1
                for _, _, operation in self._operations():
                    self._failed(operation, f"zeep does not load it: {type(error).__name__} {error}")
                return
            for service, port, operation in self._operations():
                self._call(client, self._service(client, service, port), operation)

    def _operations(self) -> Iterator[tuple[str, Port, Operation]]:
        for service, port in self.contract.ports:
            if port.soap is not None and service is not None:
                for operation in port.operations.values():
                    yield service.name.rpartition("}")[2], port, operation

    def _service(self, client: Any, service: str, port: Port) -> Any:
        """Return the port at the address that zeep has read; where it reads none, such as JMS, the contract's own."""
        read: dict[str, Any] | None = client.wsdl.services[service].ports[port.name].binding_options
        return (
            client.bind(service, port.name)
            if (read or {}).get("address", "").startswith("http")
            else (client.create_service(port.binding, self.wsdl.partition("?")[0]))
        )

    def _call(self, client: Any, service: Any, operation: Operation) -> None:
        if operation.name not in service._operations:
            self._failed(operation, "zeep does not bind it")
            return
        why = ""
        for options in TRIES:
            try:
                args, kwargs = self._arguments(client, service._binding._operations[operation.name], operation, options)
                service[operation.name](*args, **kwargs)
            except Fault as fault:
                why = f"refused what zeep sent: {fault.message}"
            except (Error, ValueError, TypeError, AttributeError, LookupError) as error:
                why = f"zeep can't: {type(error).__name__} {error}"
            else:
                self.counts["called"] += 1
                return
        self._failed(operation, why)

    def _arguments(
        self, client: Any, bound: Any, operation: Operation, options: Options
    ) -> tuple[list[Any], dict[str, Any]]:
        """Let zeep read a sample of ours, and return what it read."""
        children = self.sampler.body(operation.input, seed=1, options=options)
        headers = [
            self.sampler.part(header.part, seed=1, use=header.use, options=options)
            for header in operation.input.headers
        ]
        more = {"_soapheaders": headers} if headers else {}
        if not children or bound.input.body is None:
            return [], more
        value = bound.input.body.parse(children[0], client.wsdl.types)
        if isinstance(value, LIBRARY.xsd.CompoundValue):
            return [], {name: value[name] for name in value} | more
        return [] if value is None else [value], more

    def _failed(self, operation: Operation, why: str) -> None:
        self.counts["not called"] += 1
        self.reasons.append(f"{operation.name}: {' '.join(why.split())[:160]}")

    def _keep(self, response: requests.Response, **_: Any) -> None:
        sent: Any = response.request
        if sent.method == "POST":
            body = sent.body.encode() if isinstance(sent.body, str) else sent.body
            made = Exchange(path=sent.path_url, headers=dict(sent.headers), body=body, answer=Answer.of(response))
            self.exchanges.append(made)


def _transport(session: requests.Session) -> Any:
    """Return zeep's, with the schema of SOAP encoding at hand: zeep asks its owner for it, whatever a contract says."""
    made: Any = LIBRARY.Transport(session=session)
    from_the_network: Any = made.load

    def load(url: str) -> Any:
        return standard(url, None) or from_the_network(url)

    made.load = load
    return made
