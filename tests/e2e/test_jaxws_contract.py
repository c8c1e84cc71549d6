"""A contract as a real JAX-WS server gives it: generated addresses, and the host that was asked in them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters._bundle_folder import planned
from adapters.soap.bundle import load_bundle
from contracts.legacy.soap.contract.drift import drift
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from tests.jaxws_server import JaxwsServer, running, unavailable


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JaxwsServer]:
    if (reason := unavailable()) is not None:
        pytest.skip(reason)
    with running(tmp_path / "residents.xml") as started:
        yield started


def test_its_contract_is_taken_whole_and_is_the_same_under_another_name(server: JaxwsServer, tmp_path: Path) -> None:
    planned(load_bundle(server.wsdl), tmp_path / "pinned", taken=datetime.now(UTC)).carry_out()
    pinned = load_bundle(tmp_path / "pinned")

    found = drift(pinned, load_bundle(server.wsdl.replace("127.0.0.1", "localhost")))

    contract = read_contract(pinned)
    assert (pinned.missing, contract.findings, build(pinned).errors) == ((), (), ())
    assert any(port.operations for _, port in contract.ports)
    assert [Path(uri).name for uri in pinned.documents] == ["registry?wsdl", "registry?xsd=1"]
    assert not found.is_changed
    assert found.only_formatting == ("registry.wsdl",)
