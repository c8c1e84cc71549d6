"""Decides what is answered: a sample by the contract, or what the scenario wants in its place."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from adapters.soap.sandbox.drift import Drifts
from adapters.soap.sandbox.meaning import meaning
from adapters.soap.sandbox.paging import Pages
from adapters.soap.sandbox.recorded import Recordings
from adapters.soap.sandbox.scenario import Behaviour, Breakage, Scenario
from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.answer import CONTENT_TYPES, Answers, Refusal, envelope, fault
from contracts.legacy.soap.call import Call, Reader
from contracts.legacy.soap.contract.model import Body, Operation, Port, SoapVersion
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.sample.draw import Draw
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.soap.validity import problems
from contracts.legacy.xml import Element

__all__ = ["Reply", "Service", "nowhere"]

_HTML: Final = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
)
_UNDECLARED: Final = ("Client", "Server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is sent, and what is told of it."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    operation: str = ""
    """Empty where none was called."""
    outcome: str = "answer"
    """One of few: calls are counted by it."""
    reason: str = ""
    """Why it is refused."""
    delay: float = 0
    """Seconds before it is sent."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    sent: int | None = None
    """Bytes of the body after which the connection ends, where it ends early; -1: before anything is sent."""
    is_broken: bool = False
    """It is trouble of HTTP that the scenario wants, and none of the service's answers."""


class Service:
    """Answers calls of some ports of a contract.

    Raises:
        ConfigError: The scenario names what the contract has not.
    """

    def __init__(
        self, schemas: Schemas, ports: Sequence[Port], scenario: Scenario, *, recordings: Recordings | None = None
    ) -> None:
        self._schemas = schemas
        self._scenario = scenario
        self._recordings = recordings
        self._reader = Reader(schemas, ports)
        self._sampler = Sampler(schemas)
        self._answers = Answers(self._sampler)
        self._calls: Counter[str] = Counter()
        operations = {operation.name: operation for port in ports for operation in port.operations.values()}
        _require_known(scenario, operations)
        self._pages = {
            name: Pages(paging, operation, self._sampler, schemas=schemas, seed=scenario.seed)
            for name, operation in operations.items()
            if (paging := scenario.behaviour(name).paging) is not None
        }

    @property
    def calls(self) -> Mapping[str, int]:
        """Return how often each operation was called."""
        return dict(self._calls)

    def answer(self, data: bytes, *, content_type: str, action: str) -> Reply:
        """Return what a request is answered with."""
        version, call = self._reader.read(data, content_type=content_type, action=action)
        if isinstance(call, Refusal):
            return _faulty(version, call)
        name = call.operation.name
        if self._scenario.behaviour(name).check_headers:
            refusal = next((Refusal(code="Client", text=each) for each in self._wrong_headers(call)), None)
            if refusal is not None:
                return _faulty(version, refusal)
        self._calls[name] += 1
        draw = Draw.of((self._scenario.seed, name, self._calls[name]))
        behaviour = self._scenario.behaviour(name)
        try:
            reply = self._one(call, behaviour, draw)
        except (ContractError, ConfigError) as error:
            text = f"the sandbox has no answer: {error}"
            reply = _faulty(version, Refusal(code="Server", text=text))
        return _late(replace(reply, operation=name), behaviour, draw)

    def _wrong_headers(self, call: Call) -> Iterator[str]:
        """Yield what is wrong with the headers that the contract declares; others may be there."""
        for header in call.operation.input.headers:
            given = [each for each in call.headers if each.tag == header.part.tag]
            if not given:
                yield f"Header: expected {header.part.tag}, found none"
            alone = Body(message=header.message, parts=(header.part,), wrapper=None, use=header.use)
            for each in given:
                yield from (f"Header/{problem.text}" for problem in problems(self._schemas, alone, [each]))

    def _one(self, call: Call, behaviour: Behaviour, draw: Draw) -> Reply:
        for number, each in enumerate(behaviour.faults):
            if draw.holds(each.rate, f"fault {number}"):
                return self._fault(call, each.name)
        reply = self._recorded(call, behaviour) or self._sample(call, behaviour, draw)
        for number, breakage in enumerate(behaviour.broken):
            if draw.holds(breakage.rate, f"broken {number}"):
                return _broken(reply, breakage)
        return reply

    def _fault(self, call: Call, name: str) -> Reply:
        version, seed = call.version, (self._scenario.seed, call.operation.name, "fault", name)
        declared = next((each for each in call.operation.faults if each.name == name), None)
        if declared is None:
            refusal = Refusal(
                code="Client" if name == "Client" else "Server", text=f"{name} fault as the scenario wants it"
            )
            return replace(_faulty(version, refusal), outcome=f"fault {name}", reason="")
        body = self._answers.fault(version, declared, seed=seed)
        return Reply(status=500, body=body, content_type=CONTENT_TYPES[version], outcome=f"fault {name}")

    def _recorded(self, call: Call, behaviour: Behaviour) -> Reply | None:
        found = None
        if self._recordings is not None and call.body:
            found = self._recordings.find(call.body[0], behaviour.match)
        if found is None:
            return None
        status = 500 if found.is_fault else 200
        outcome = f"recorded {found.name}"
        return Reply(status=status, body=found.answer, content_type=CONTENT_TYPES[call.version], outcome=outcome)

    def _sample(self, call: Call, behaviour: Behaviour, draw: Draw) -> Reply:
        operation, version = call.operation, call.version
        if operation.output is None:
            return Reply(status=202, outcome="one-way")
        pages = self._pages.get(operation.name)
        options = Options(items=1 if pages else behaviour.items, optional=1 if pages else Options().optional)
        # The same question has the same answer, whoever asks, and whatever was asked in between.
        seed = (self._scenario.seed, operation.name, *map(meaning, call.body))
        body, headers = self._answers.parts(operation.output, seed=seed, options=options)
        if pages is not None:
            pages.fill(call.body, body)
        outcome = self._drift(operation, behaviour, body, draw=draw)
        sent = envelope(version, body, headers)
        return Reply(status=200, body=sent, content_type=CONTENT_TYPES[version], outcome=outcome)

    def _drift(self, operation: Operation, behaviour: Behaviour, body: list[Element], *, draw: Draw) -> str:
        drifted: list[str] = []
        if operation.output is not None and behaviour.drift:
            drifts = Drifts(self._schemas, operation.output)
            for number, each in enumerate(behaviour.drift):
                if draw.holds(each.rate, f"drift {number}"):
                    where = drifts.change(each.kind, body, draw.at(number))
                    drifted.append(f"{each.kind} {where or '(no place for it)'}")
        return "drift " + ", ".join(drifted) if drifted else "answer"


def _require_known(scenario: Scenario, operations: Mapping[str, Operation]) -> None:
    problems = [
        f"operations.{name}: expected one of {', '.join(sorted(operations))}"
        for name in scenario.operations
        if name not in operations
    ]
    for name in scenario.operations.keys() & operations.keys():
        known = [*(declared.name for declared in operations[name].faults), *_UNDECLARED]
        problems += [
            f"operations.{name}.faults: expected one of {', '.join(known)}, found {each.name}"
            for each in scenario.behaviour(name).faults
            if each.name not in known
        ]
    if problems:
        raise ConfigError(problems)


def nowhere(text: str, *, content_type: str) -> Reply:
    """Return the fault for a call at a path where nothing is, in the version that the caller speaks."""
    version: SoapVersion = "1.2" if content_type.strip().lower().startswith("application/soap+xml") else "1.1"
    return replace(_faulty(version, Refusal(code="Client", text=text, status=404)), status=404)


def _faulty(version: SoapVersion, refusal: Refusal) -> Reply:
    status = refusal.status
    if version == "1.2" and refusal.code == "Client":
        status = 400  # SOAP 1.2, part 2, table 20
    body = fault(version, refusal)
    content_type = CONTENT_TYPES[version]
    return Reply(status=status, body=body, content_type=content_type, outcome="refused", reason=refusal.text)


def _broken(reply: Reply, breakage: Breakage) -> Reply:
    if breakage.kind == "unavailable":
        broken = Reply(status=503, body=b"Service Unavailable", outcome="broken unavailable")
    elif breakage.kind == "html":
        broken = Reply(status=502, body=_HTML, content_type="text/html; charset=utf-8", outcome="broken html")
    elif breakage.kind == "empty":
        broken = replace(reply, status=200, body=b"", outcome="broken empty")
    else:
        broken = replace(reply, sent=len(reply.body) // 2, outcome="broken cut")
    return replace(broken, is_broken=True)


def _late(reply: Reply, behaviour: Behaviour, draw: Draw) -> Reply:
    latency = behaviour.latency
    if latency is None:
        return reply
    least = latency.least.total_seconds()
    most = least if latency.most is None else latency.most.total_seconds()
    millis = draw.between(math.floor(least * 1000), math.floor(most * 1000), "latency")
    if draw.holds(latency.errors, "no answer"):
        return replace(reply, delay=millis / 1000, sent=-1, outcome="no answer", is_broken=True)
    return replace(reply, delay=millis / 1000)
