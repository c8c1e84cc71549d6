"""Axis 1.4 behind the façade, called by four stacks in SOAP encoding: nothing is changed on the way."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest
import pytest_asyncio

from adapters.soap.bundle import load_bundle
from contracts.errors import LegacyFaultError
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.message.reader import Item, Reader
from contracts.legacy.soap.message.readers import Readers
from tests.interop.clients import ENCODED_CALLERS
from tests.interop.peers import ENCODED, Pair
from tests.soap_clients.callers import Call
from tests.soap_clients.recorder import Exchange, ask
from tests.soap_clients.world import KEYS, MOVED, UNKNOWN, World, running, same

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("pair", [ENCODED], indirect=True, ids=lambda stack: stack.name),
]
Held = Callable[[Pair, str, str], None]
SIDES = {"legacy": "legacy", "modern": "modern"}
READERS = {name: caller for name, caller in ENCODED_CALLERS.items() if name != "zeep"}


def rules(share: int) -> dict[str, Any]:
    routes = {
        "read": {"soap": "e:readResident", "key": {"xpath": "Body/e:readResident/id"}, "class": "safe"} | SIDES,
        "change": {"soap": "e:changeAddress", "key": {"xpath": "Body/e:changeAddress/id"}} | SIDES,
    }
    key = {"type": "digits", "strip_zeros": True}
    capability = {"salt": "residents-2026", "key": key, "share": share, "unfit_key": "reject", "routes": routes}
    return {"namespaces": {"e": "urn:banyan:testing:encoded"}, "capabilities": {"residents": capability}}


def call(operation: str, **arguments: str) -> Call:
    return Call(operation=operation, arguments=arguments)


def resident(number: str) -> dict[str, Any]:
    name = f"Åse & <{number}>"
    return {"id": number, "name": name, "city": "Altfeigen", "marks": [len(name), 2], "head": KEYS[0]}


def fault() -> dict[str, Any]:
    return {"fault": {"code": "Server.userException", "about": UNKNOWN}}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    targets = {"legacy": pair.legacy.host, "modern": pair.modern.host}
    contracts = {pair.legacy.path: {"wsdl": str(pair.contract)}}
    async with running(tmp_path_factory.mktemp("facade"), targets=targets, old=True, contracts=contracts) as there:
        yield there


@pytest.mark.parametrize("share", [0, 5_000, 10_000])
async def test_residents_that_hold_themselves_come_through_from_the_side_decided_on(
    pair: Pair, world: World, held: Held, share: int
) -> None:
    await world.facade.edit_rules(rules(share))

    for number, (name, caller) in enumerate(READERS.items()):
        keys = KEYS[number:40:3]
        asked = [call("readResident", id=key) for key in (*keys, UNKNOWN)]
        results, exchanges = await world.call(caller, asked, path=pair.legacy.path)

        assert results == [*({"answer": resident(key)} for key in keys), fault()]
        assert b"multiRef" in exchanges[0].answer.body
        assert_unchanged(world, exchanges, world.decided("read", [*keys, UNKNOWN]))
        held(pair, name, f"answers byte for byte, share {share // 100} %")
        with pytest.raises(LegacyFaultError) as found:
            reader(pair).read(exchanges[-1].answer.body)
        assert (found.value.fault, found.value.detail) == ("UnknownResident", {"id": UNKNOWN})


@pytest.mark.parametrize("caller", ENCODED_CALLERS)
async def test_changes_and_the_declared_fault_come_through(pair: Pair, world: World, held: Held, caller: str) -> None:
    await world.facade.edit_rules(rules({"axis": 4_000, "php": 6_000, "soap-lite": 4_500, "zeep": 5_500}[caller]))
    asked = [call("changeAddress", id=key, city="Luftwurz") for key in (*MOVED, UNKNOWN)]

    results, exchanges = await world.call(ENCODED_CALLERS[caller], asked, path=pair.legacy.path)

    assert results == [*({"answer": f"{key}: Luftwurz"} for key in MOVED), fault()]
    assert_unchanged(world, exchanges, world.decided("change", [*MOVED, UNKNOWN]))
    held(pair, caller, "changes, the declared fault")


@pytest.mark.parametrize("caller", READERS)
async def test_a_list_in_which_all_refer_to_one_comes_through(
    pair: Pair, world: World, held: Held, caller: str
) -> None:
    asked = [call("listResidents", modifiedSince="2026-01-01T00:00:00Z")]
    results, exchanges = await world.call(ENCODED_CALLERS[caller], asked, path=pair.legacy.path)

    found = {each["id"]: each for each in results[0]["answer"]}
    assert [found[key] for key in KEYS] == [resident(key) for key in KEYS]
    assert_unchanged(world, exchanges, ["legacy"])
    held(pair, caller, "a list with a circle, share 0")


async def test_what_axis_writes_otherwise_each_time_is_the_same_items(pair: Pair, world: World, held: Held) -> None:
    asked = [call("listResidents", modifiedSince="2026-01-01T00:00:00Z")]
    _, [exchange] = await world.call(ENCODED_CALLERS["php"], asked, path=pair.legacy.path)
    answers = await ask(pair.legacy.host, [exchange.request.raw] * 5, old=True)

    listed = reader(pair, "listResidents")
    path = ("listResidentsResponse", "listReturn")
    read = [[each for each in listed.items([answer.body], path) if isinstance(each, Item)] for answer in answers]
    assert len({answer.body for answer in answers}) > 1
    assert len({tuple(each.digest for each in items) for items in read}) == 1
    assert not [each.error for items in read for each in items if each.error is not None]
    held(pair, "banyan", "the same items, however they are numbered")


def assert_unchanged(world: World, exchanges: Sequence[Exchange], expected: Sequence[str]) -> None:
    """Assert that each call came to its side, and what that answered back, octet by octet.

    Axis orders its values otherwise each time: asked again, it would answer other octets.
    """
    for side, relay in world.sides.items():
        got = [each for each in relay.taken() if each.request.start.startswith(b"POST")]
        mine = [exchange for exchange, name in zip(exchanges, expected, strict=True) if name == side]
        assert sorted(each.request.body for each in got) == sorted(each.request.body for each in mine)
        for exchange in mine:
            assert any(same(exchange.answer, each.answer) for each in got), exchange


def reader(pair: Pair, operation: str = "readResident") -> Reader:
    contract = read_contract(bundle := load_bundle(pair.contract))
    [(_, port)] = contract.ports
    return Reader(port.operations[operation], Readers(build(bundle)), system="axis")
