"""Envelopes from samples, and the reader of requests: what one makes, the other takes."""

import pytest

from contracts.legacy.soap import fault as faults
from contracts.legacy.soap.answer import CONTENT_TYPES, Answers, Refusal, fault
from contracts.legacy.soap.call import Call, Reader
from contracts.legacy.soap.contract.model import Contract, FaultDetail, Part, SoapVersion
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.validity import problems
from contracts.legacy.xml import Element, parse
from tests.wsdls import OWN, contract_of, shared, shared_names


def fault_of(envelope: bytes) -> Element:
    found = parse(envelope).find("{*}Body/{*}Fault")
    assert found is not None
    return found


@pytest.mark.parametrize(("version", "expected"), [("1.1", "Client"), ("1.2", "Sender")])
def test_a_fault_has_the_shape_of_its_version(version: SoapVersion, expected: str) -> None:
    read = faults.read(fault_of(fault(version, Refusal(code="Client", text="no such thing"))))

    assert (read.code, read.text, read.detail) == (expected, "no such thing", None)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_declared_fault_has_its_detail_in_either_version(version: SoapVersion) -> None:
    answers = Answers(Sampler(build(contract_of(OWN / "registry.wsdl").bundle)))
    declared = FaultDetail(name="unknown", part=Part(name="fault", element="{urn:banyan:registry}UnknownResident"))

    read = faults.read(fault_of(answers.fault(version, declared, seed=1)))

    assert read.detail == "{urn:banyan:registry}UnknownResident"


def test_declared_headers_stand_in_the_header() -> None:
    contract = contract_of(OWN / "registry.wsdl")
    move = contract.services["{urn:banyan:registry}RegistryService"].ports["Registry11"].operations["Move"]

    request = parse(Answers(Sampler(build(contract.bundle))).request("1.1", move, seed=1))

    assert [child.tag.rpartition("}")[2] for child in request] == ["Header", "Body"]
    assert [child.tag for child in request[0]] == ["{urn:banyan:registry}Caller"]


@pytest.mark.parametrize(("name", "operations"), [("registry.wsdl", 5), ("pages.wsdl", 1)])
def test_every_request_of_our_own_contracts_is_read_as_what_it_is(name: str, operations: int) -> None:
    assert _round_trips(contract_of(OWN / name)) == operations * 3


def test_every_request_of_every_shared_contract_is_read_as_what_it_is() -> None:
    counts = {name: _round_trips(shared(name), seeds=1) for name in shared_names()}
    print(f"{sum(counts.values())} requests")

    assert sum(counts.values()) > 1350


def _round_trips(contract: Contract, seeds: int = 3) -> int:
    """Make and read requests, and make answers; return how many calls those were."""
    schemas, count = build(contract.bundle), 0
    answers = Answers(Sampler(schemas))
    for _, port in contract.ports:
        if port.soap is None:
            continue
        reader = Reader(schemas, [port])
        for operation in port.operations.values():
            if operation.output is not None:
                body, _ = answers.parts(operation.output, seed=1)
                assert [*problems(schemas, operation.output, body)] == []
            for seed in range(seeds):
                request = answers.request(port.soap, operation, seed=seed)
                _, call = reader.read(request, content_type=CONTENT_TYPES[port.soap], action=operation.action)
                assert isinstance(call, Call), f"{operation.name}: {call}"
                assert call.operation.input == operation.input
                count += 1
    return count
