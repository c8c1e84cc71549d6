"""Contracts that a façade serves, by what its settings name: a file, a folder with one, an imported one."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters._bundle_folder import planned
from adapters.soap.bundle import load_bundle
from contracts.errors import ConfigError
from hub.facade_contracts import load_contract
from routers.facade.settings import ServedContract
from tests.wsdls import OWN, registry_alone


def test_a_file_a_folder_and_an_imported_contract_are_served_alike(tmp_path: Path) -> None:
    planned(load_bundle(OWN / "registry.wsdl"), tmp_path / "pinned", taken=datetime(2026, 1, 1, tzinfo=UTC)).carry_out()

    served = [
        load_contract("/registry", ServedContract(wsdl=path))
        for path in (OWN / "registry.wsdl", registry_alone(tmp_path), tmp_path / "pinned")
    ]

    pages = [{query: page.at("http://hub.example") for query, page in each.pages.items()} for each in served]
    assert pages[0] == pages[1] == pages[2]
    assert set(pages[0]) >= {"wsdl", "singlewsdl"}


def test_a_folder_with_several_is_refused_by_their_names() -> None:
    names = ", ".join(sorted(path.name for path in OWN.glob("*.wsdl")))

    with pytest.raises(ConfigError, match=f"expected one WSDL in this folder, found {re.escape(names)}; name the file"):
        load_contract("/registry", ServedContract(wsdl=OWN))
