"""Every operation of every contract through the façade: zeep reads the contract from the façade, and calls by it.

Each contract is imported as a user does, mocked, and served by a façade in a process of its own, a listener for each.
The rules name every operation, and where they do, only what the façade knows again reaches the mock at all. What zeep
has sent is then sent to the mock directly, octet by octet: the answers are the same.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters.soap.bundle import load_bundle
from adapters.soap.sandbox import Sandbox
from contracts.legacy.soap.contract.model import Contract, Operation
from contracts.legacy.soap.contract.schema import Schemas, build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.sample.message import Sampler
from tests.command_line import banyan
from tests.data import real_data
from tests.facade_process import Facade, running_facade
from tests.wsdls import OWN, shared_names
from tests.zeep_calls import Answer, Caller

EMPTY = b"<soap-env:Body/>"
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fronted:
    """A contract with its mock; the façade has a listener, and where needed a backend, of this name."""

    name: str
    folder: Path
    contract: Contract
    schemas: Schemas
    mock: Sandbox

    @property
    def operations(self) -> list[Operation]:
        return [operation for port in self.mock.addresses.values() for operation in port.operations.values()]

    @property
    def routed(self) -> Mapping[str, Operation]:
        """Return the operations that a rule can name: those whose Body has a child with a namespace."""
        roots = {each.input.root or "": each for each in self.operations}
        return {root: each for root, each in roots.items() if root.startswith("{")}

    @property
    def names(self) -> set[str]:
        return {(each.input.root or "").rpartition("}")[2] for each in self.operations}

    @property
    def is_routed(self) -> bool:
        """Tell whether a rule can name each."""
        return all((each.input.root or "") in self.routed for each in self.operations)

    @property
    def listener(self) -> Mapping[str, Any]:
        ports = {path[1:]: path for url in self.mock.addresses if "/" in (path := url.removeprefix(self.origin))[1:]}
        served = {"wsdl": str(self.folder), "ports": ports}
        legacy = "nowhere" if self.is_routed else self.name
        return {"address": "127.0.0.1:0", "legacy": legacy, "contracts": {"/": served}}

    @property
    def origin(self) -> str:
        return self.mock.url.rstrip("/")

    @property
    def capability(self) -> Mapping[str, Any]:
        """Return rules that let the mock answer each operation, and nothing else."""
        routes = {
            f"o{number}": {"soap": root, "class": "safe", "legacy": self.name, "modern": "nowhere"}
            for number, root in enumerate(self.routed)
        }
        return {"salt": self.name, "routes": routes}


def waves(fronted: Iterable[Fronted]) -> list[list[Fronted]]:
    """Put contracts together whose operations have other names: an action that names another one is refused."""
    made: list[list[Fronted]] = []
    for one in fronted:
        fitting = (wave for wave in made if not any(one.names & other.names for other in wave))
        wave = next(fitting, None)
        if wave is None:
            made.append([one])
        else:
            wave.append(one)
    return made


def imported(wsdl: Path, folder: Path, *more: str) -> Path:
    ran = banyan("wsdl", "import", str(wsdl), "--into", str(folder), *more)
    assert ran.code in {0, 3}, ran.err  # 3: an import is missing, and the rest is there
    return folder


@asynccontextmanager
async def mocked(folders: Sequence[Path]) -> AsyncGenerator[list[Fronted]]:
    """Run a mock for each contract that has a SOAP port."""
    async with AsyncExitStack() as stack:
        running: list[Fronted] = []
        for number, folder in enumerate(folders):
            contract = read_contract(load_bundle(folder))
            if not any(port.soap is not None and port.operations for _, port in contract.ports):
                continue
            schemas = build(contract.bundle)
            mock = await stack.enter_async_context(Sandbox(contract, schemas))
            name = f"c{number}"
            running.append(Fronted(name=name, folder=folder, contract=contract, schemas=schemas, mock=mock))
        yield running


async def called(folder: Path, folders: Sequence[Path]) -> Counter[str]:
    """Call all operations of all contracts through one façade, and compare with what their mocks answer directly."""
    counts: Counter[str] = Counter()
    async with mocked(folders) as fronted:
        settings = {
            "listeners": {each.name: each.listener for each in fronted},
            "backends": {"nowhere": {"url": NOWHERE}} | {each.name: {"url": each.origin} for each in fronted},
        }
        first, *others = waves(fronted)
        async with running_facade(folder, facade=settings, rules=rules(first), patience=120) as facade:
            await by_zeep(facade, first, counts)
            for wave in others:
                await facade.edit_rules(rules(wave))
                await by_zeep(facade, wave, counts)
    print(dict(counts))
    return counts


def rules(wave: Sequence[Fronted]) -> Mapping[str, Any]:
    return {"capabilities": {each.name: each.capability for each in wave}}


async def by_zeep(facade: Facade, wave: Sequence[Fronted], counts: Counter[str]) -> None:
    for each in wave:
        wsdl = f"http://{facade.addresses[each.name]}/?wsdl"
        caller = Caller(wsdl=wsdl, contract=each.contract, sampler=Sampler(each.schemas))
        await asyncio.to_thread(caller.call_all)
        counts.update(await asyncio.to_thread(compared, caller, each))
        counts.update(caller.counts)
        for reason in caller.reasons:
            print(f"{each.folder.name}: {reason}")


def compared(caller: Caller, fronted: Fronted) -> Counter[str]:
    """Send what was sent through the façade to the mock, too."""
    counts: Counter[str] = Counter()
    with requests.Session() as session:
        session.trust_env = False
        for each in caller.exchanges:
            if EMPTY in each.body and fronted.is_routed:
                counts["without an operation"] += 1  # no rule takes what names none
                continue
            response = session.post(fronted.origin + each.path, data=each.body, headers=each.headers, timeout=30)
            assert Answer.of(response) == each.answer, each.body[:500]
            counts["equal answers"] += 1
    return counts


@pytest.mark.timeout(120)
async def test_zeep_calls_every_operation_of_our_contracts_through_the_facade(tmp_path: Path) -> None:
    folders = [imported(wsdl, tmp_path / wsdl.stem) for wsdl in sorted(OWN.glob("*.wsdl"))]

    counts = await called(tmp_path, folders)

    assert counts["not called"] == 0
    assert counts["called"] == counts["equal answers"] >= 10


@pytest.mark.timeout(300)
async def test_zeep_calls_every_operation_of_every_shared_contract_that_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "zeep")
    data = real_data("wsdl")
    options = {name: ("--root", str(data / name.partition("/")[0]), "--catalog", str(data / "catalog"))
               for name in shared_names()}  # fmt: skip
    folders = [
        imported(data / name, tmp_path / f"{number}-{Path(name).stem}", *options[name])
        for number, name in enumerate(shared_names())
    ]

    counts = await called(tmp_path, folders)

    assert counts["called"] > 1350
    assert counts["equal answers"] >= counts["called"]
